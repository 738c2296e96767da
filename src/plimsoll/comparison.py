"""Approaches compared on one job: the same rows, folds, seeds and budget for each, and a test over the units."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from plimsoll import approaches, asked, lineup, meter, scoresheet, underway
from plimsoll.approaches import Budget
from plimsoll.bouts import Bench, Bout, Stopped, able
from plimsoll.compare_record import record
from plimsoll.crew import Crew, Lane, Work
from plimsoll.errors import JobError, NothingFits, TrialError, UserError
from plimsoll.ledger import Ledger
from plimsoll.limits import Measured
from plimsoll.lineup import Lineup
from plimsoll.progress import Progress
from plimsoll.scoresheet import Answers, Entry, Key

RECORD, PAGE = "compare.json", "compare.html"
SEEDS, FOLDS = 3, 5
_MOST = 100  # seeds, and folds
_METERED = 30.0  # seconds that measuring a model may take
_READY = 60.0  # seconds that the workbenches may take to import what they need


@dataclass(frozen=True)
class Comparison:
    """What a comparison gives: its folder, and its record (``compare.json``)."""

    folder: Path
    record: Mapping[str, Any]

    @staticmethod
    def ended(folder: Path) -> Comparison | None:
        """The comparison that has come to its end in a folder; None where none has. Raises JobError."""
        place = folder / RECORD
        if not place.is_file():
            return None
        try:
            found = json.loads(place.read_text(encoding="utf-8"))
            return Comparison(folder, found) if not found["stopped"] else None
        except (ValueError, KeyError, TypeError):
            raise JobError(f"{place} is damaged. Name another --out.") from None

    def write(self) -> None:
        """Writes the record, whole or not at all, and the page beside it."""
        from plimsoll.report import compared

        fresh = self.folder / f".{RECORD}"
        fresh.write_text(json.dumps(self.record, ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(fresh, self.folder / RECORD)
        (self.folder / PAGE).write_text(compared.render(self.record), encoding="utf-8")


def compare(
    source: Any,
    named: Sequence[str],
    *,
    predict: str,
    limits: Any = (),
    test: Any = None,
    split: str = "random",
    metric: str = "",
    ignore: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    seed: int = 0,
    coverage: float = 0.9,
    moments: Mapping[str, Any] | None = None,
    signals: Mapping[str, Any] | None = None,
    budget: Sequence[str] | None = None,
    seeds: int = SEEDS,
    folds: int = FOLDS,
    unit: str = "",
    out: Path | str,
    resume: bool = False,
    command: str = "",
    progress: Progress | None = None,
) -> Comparison:
    """Compares approaches such as ``trees`` or ``covariance_lda:window=0.4`` on one job, as a record and a page in ``out``.

    The words of the job are those of ``plimsoll.fit``. Every approach is tuned on the rows to learn from of each round with
    the same ``budget`` ("10 trials", "60 s"), fitted again with its best setting, and scored on the rest, unit by unit.
    ``seeds`` is how many, from ``seed`` up. Raises UserError where something must be changed, NothingFits where fewer
    than two approaches came to an end.
    """
    job = asked.stated(predict, limits, split, metric, ignore, kinds, (), seed, "cheapest", coverage, moments, signals)
    found, spent = approaches.read(named), Budget.parse(budget)
    for word, many, least in (("--seeds", seeds, 1), ("--folds", folds, 2)):
        if not least <= many <= _MOST:
            raise JobError(f"{word} {many}: write a whole number of {least} to {_MOST}.")
    folder = Path(out)
    if resume and (done := Comparison.ended(folder)):
        return done
    crew = Crew()
    crew.start()
    try:
        drawn = lineup.drawn(job, source, test, found, spent, range(seed, seed + seeds), folds, unit)
        return _Run(drawn, folder, crew, progress, command).run()
    finally:
        crew.stop()


@dataclass
class _Run:
    """One comparison under way."""

    lineup: Lineup
    folder: Path
    crew: Crew
    progress: Progress | None
    command: str
    begun: float = field(default_factory=time.monotonic)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> Comparison:
        self._check_begun()
        laid = underway.begin(self.lineup.laid_out, self.folder)
        bench = Bench(laid, self._work, self.lineup.budget, self.stop)
        measured: dict[str, Measured] = {}
        try:
            self.crew.ready(_READY)
            self._carry_out(bench)
            measured = self._measured()
        except KeyboardInterrupt:
            # Whoever stops a comparison wants what there is: the rounds in which all have answered.
            self.stop.set()
            self.crew.abandon()
            self._say("stopped: comparing what there is")
        found = self._compared(measured)
        found.write()
        if not self.stop.is_set():
            shutil.rmtree(self._work, ignore_errors=True)
        return found

    def _say(self, what: str) -> None:
        if self.progress is not None:
            self.progress(what)

    @property
    def _work(self) -> Path:
        return underway.work(self.folder)

    @property
    def _ledger(self) -> Ledger:
        return Ledger(self.folder / "ledger.jsonl")

    @property
    def _entries(self) -> list[dict[str, Any]]:
        return [entry["bout"] for entry in self._ledger.entries() if isinstance(entry.get("bout"), dict)]

    def _check_begun(self) -> None:
        """Raises where another budget was begun with, which has a line of its own, or the folder holds something else."""
        scoresheet.equal(self._entries, self.lineup.budget)
        if self._work.exists() and not self._ledger.path.exists():
            shutil.rmtree(self._work)  # cut off before its first bout ended
        if self.folder.exists() and not self._ledger.path.exists() and any(self.folder.iterdir()):
            raise UserError(f"{self.folder} is not empty. Name a folder that is empty or does not exist.")

    def _carry_out(self, bench: Bench) -> None:
        """Every bout that is not done, on every lane."""
        bouts = self.lineup.bouts
        done = {_key(entry) for entry in self._entries}
        left = [bout for bout in bouts if (bout.approach.name, bout.round.seed, bout.round.fold) not in done]

        def following() -> Work | None:
            if not left:
                return None
            bout = left.pop(0)
            place = f"seed {bout.round.seed}, fold {bout.round.fold + 1}"
            self._say(f"{bout.approach.name}, {place} ({len(bouts) - len(left)} of {len(bouts)})")
            return Work(partial(_carried, bench, bout), able(bout))

        for entry in self.crew.each(following):
            if entry is not None:
                self._ledger.write({"bout": entry})

    def _measured(self) -> dict[str, Measured]:
        """What the model of each approach's first round costs as it is served, one after another on a quiet machine."""
        found: dict[str, Measured] = {}
        for bout in self.lineup.bouts[: len(self.lineup.approaches)]:
            place = self._work / bout.name
            if (place / "bundle").exists():
                self._say(f"measuring {bout.approach.name}")
                try:
                    reading = meter.measure(place / "bundle", self._work / "requests.jsonl", place, _METERED)
                except TrialError:
                    continue
                found[bout.approach.name] = reading.measured
        return found

    def _compared(self, measured: Mapping[str, Measured]) -> Comparison:
        """The comparison of what there is. Raises NothingFits where two approaches or more have failed, and
        KeyboardInterrupt where it was stopped before there was anything.
        """
        entries = self._entries
        scoresheet.equal(entries, self.lineup.budget)
        broken = scoresheet.failed(entries)
        names = [each.name for each in self.lineup.approaches if each.name not in broken]
        if len(names) < 2:
            why = "; ".join(f"{name} {why}" for name, why in broken.items())
            raise NothingFits(f"Nothing to compare: {why}.")
        both = scoresheet.complete(entries, names)
        if not both:
            raise KeyboardInterrupt
        job, truth = self.lineup.asked.job, self.lineup.asked.learn.truth
        sheet = scoresheet.sheet(job.score, truth, self.lineup.units, self._answers(names, both))
        found = record(self.lineup, sheet, entries, measured, len(both))
        end = {"command": self.command, "stopped": self.stop.is_set(), "elapsed": time.monotonic() - self.begun}
        return Comparison(self.folder, {**found, **end})

    def _answers(self, names: Sequence[str], both: Sequence[tuple[int, int]]) -> dict[Key, Answers]:
        bouts = {(b.approach.name, b.round.seed, b.round.fold): b for b in self.lineup.bouts}
        return {
            (name, *each): Answers.read(self._work / f"{bouts[name, *each].name}.npz")
            for name in names
            for each in both
        }


def _key(entry: Entry) -> Key:
    return entry["approach"], entry["seed"], entry["fold"]


def _carried(bench: Bench, bout: Bout, lane: Lane) -> dict[str, Any] | None:
    try:
        return bench.carry_out(bout, lane)
    except Stopped:
        return None
