"""What is known before a run: the trials that came with Plimsoll, and those of the user's own ledger."""

from __future__ import annotations

import functools
import gzip
import json
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

from plimsoll import card, logbook, machine, pace
from plimsoll.card import Card
from plimsoll.cases import Case
from plimsoll.costs import Costs, learn
from plimsoll.ending import UNHEEDED

FILE = "prior.jsonl.gz"
_MATTER = ("lightgbm", "scikit-learn", "numpy", "onnxruntime")  # whose versions a cost hangs on
_STALE = 1.5  # times as wide are the intervals of a model that learned with other versions
_STRANGE = 2.0  # or on a machine that nothing is known of
_LEAST_WINDOW = 10.0  # seconds
_SHORT = f"The window is under {_LEAST_WINDOW:.0f} s: no costs were foretold, for to learn them takes some seconds."
_OWN = 30  # trials of the user's own from which on the model has learned the new versions


@functools.cache
def shipped() -> tuple[Card | None, list[Case]]:
    """(the card of the machine they ran on, the trials that came with Plimsoll)."""
    try:
        packed = resources.files("plimsoll").joinpath(FILE).read_bytes()
    except FileNotFoundError:
        return None, []
    head, *lines = gzip.decompress(packed).decode().splitlines()
    told = json.loads(head)
    return Card.from_json(told["card"]), [Case.from_json({**told["same"], **json.loads(line)}) for line in lines]


def costs(seed: int = 0, there: Card | None = None) -> tuple[Costs, list[str]]:
    """The model of all that is known, for this machine or the one of a card; and what there is to say of it, in lines."""
    origin = shipped()[0]
    found, own, complaints = _learned(seed, _stamp())
    said = [f"ledger: {line}" for line in complaints]
    if stale := changed(found.versions) if own < _OWN else []:
        said.append(f"The cost model learned with other versions ({', '.join(stale)}): its intervals are widened.")
        found = found.wider(_STALE)
    here = there or card.stored()
    if origin is not None and here is not None:
        return found.scaled(card.ratio(origin, here)), said
    if origin is not None and origin.facts.get("processor") != machine.card()["processor"]:
        said.append("Nothing is known of this machine: intervals are twice as wide. Run: plimsoll machine")
        found = found.wider(_STRANGE)
    return found, said


@functools.lru_cache(maxsize=2)
def _learned(seed: int, _stamp: tuple[int, int]) -> tuple[Costs, int, tuple[str, ...]]:
    """(the model, how many of the user's own trials it learned from, what was wrong with the others)."""
    own, complaints = logbook.read()
    return learn([*shipped()[1], *own], seed), len(own), tuple(complaints)


def _stamp() -> tuple[int, int]:
    """What tells one state of the user's ledger from another."""
    place = logbook.place()
    try:
        found = place.stat() if place is not None else None
    except OSError:
        found = None
    return (found.st_mtime_ns, found.st_size) if found is not None else (0, 0)


def changed(versions: Mapping[str, str]) -> list[str]:
    """The libraries whose version here is not the one that was learned with, but for the last digit.

    >>> changed({"numpy": "0.9.1"})[0].startswith("numpy 0.9.1, here ")
    True
    """
    here = machine.versions()
    return [
        f"{name} {versions[name]}, here {here[name]}"
        for name in _MATTER
        if name in versions and name in here and versions[name].split(".")[:2] != here[name].split(".")[:2]
    ]


class Learning:
    """The model being learned beside what else there is to do, such as reading the rows.

    In a window of a few seconds nothing is learned, and that is said: the model would come when the window is half over,
    and take a core from the trials until then.
    """

    def __init__(self, seed: int = 0, there: Card | None = None, window: float = math.inf) -> None:
        self._found: tuple[Costs, list[str]] = (Costs(), [_SHORT] if window < _LEAST_WINDOW else [])
        self._thread = threading.Thread(target=self._learn, args=(seed, there), name=UNHEEDED, daemon=True)
        if window >= _LEAST_WINDOW:
            self._thread.start()

    def _learn(self, seed: int, there: Card | None) -> None:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it comes with scikit-learn

        try:
            with threadpool_limits(1, "blas"):  # on two threads it takes longer, and both cores from the first trials
                self._found = costs(seed, there)
        except Exception as fault:  # without it a run has worse forecasts, and goes on
            self._found = Costs(), [f"The cost model could not be learned ({type(fault).__name__}: {fault})."]

    def costs(self, seconds: float = 0.0) -> Costs:
        """The model; an empty one where it is not there in so many seconds."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return self._found[0]

    @property
    def said(self) -> list[str]:
        return self._found[1]


def remember(cases: Sequence[Case]) -> str | None:
    """Adds a run's trials to the user's ledger, times as at the run's best pace; a complaint where that cannot be."""
    facts: dict[str, Any] = machine.card()
    named, versions = f"{facts['processor']}, {facts['cores']} cores"[:80], machine.versions()
    best = min((each for case in cases for each in case.paces.values() if each > 0), default=0.0)
    return logbook.add(
        [
            replace(case, figures=pace.at(best, case.figures, case.paces), machine=named, versions=versions)
            for case in cases
        ]
    )
