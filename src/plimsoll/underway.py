"""A run under way, on disk: what every trial reads, and what a run that was cut off has left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll import meter
from plimsoll.asked import Asked
from plimsoll.errors import UserError
from plimsoll.runner import Outcome
from plimsoll.search import Search
from plimsoll.trial import Status, Trial
from plimsoll.workbench import fetch, store

_FOLD = ("learn", "unseen")


def work(folder: Path) -> Path:
    """Where a run works; let go of when it has ended."""
    return folder / "work"


def begin(asked: Asked, folder: Path, resume: bool) -> Asked:
    """The same, with its rows laid out on disk: pages that the trials share and the system may let go.

    Raises UserError where the folder was begun with other rows or another job.
    """
    mark = work(folder) / "data.txt"
    if resume and (folder / "ledger.jsonl").exists():
        if not mark.exists() or mark.read_text() != asked.digest:
            raise UserError(f"{folder} was begun with other rows or another job. Name another --out.")
    else:
        work(folder).mkdir(parents=True, exist_ok=True)
        _lay_out(asked, work(folder))
        mark.write_text(asked.digest)
    rows, _ = fetch(work(folder) / "rows")
    return replace(asked, learn=replace(asked.learn, rows=rows))


def _lay_out(asked: Asked, work: Path) -> None:
    """Puts on disk what every trial reads."""
    learn = asked.learn
    store(work / "rows", learn.rows, learn.truth.target)
    named: dict[str, Any] = {
        f"{name}{k}": part for k, fold in enumerate(asked.folds) for name, part in zip(_FOLD, fold, strict=True)
    }
    np.savez(work / "folds.npz", **named)
    pick = np.random.default_rng(asked.job.seed).permutation(len(learn))[:1_000]
    sample = learn.rows.take(np.sort(pick))
    (work / "requests.jsonl").write_bytes(meter.requests(sample.values(asked.schema), asked.schema.names))


def take_up(search: Search) -> None:
    """Takes up the trials of a run that was cut off, with the answers that it left."""
    for entry in search.ledger.entries():
        if "trial" not in entry:
            continue
        trial = Trial.from_json(entry["trial"])
        outcome = Outcome(Status.FITS, search.folder / trial.id, settled=entry.get("settled", {}))
        if trial.score is not None:
            try:
                search.look(trial.id, outcome)
            except (OSError, KeyError, ValueError):
                continue
        search.trials.append(trial)
