"""A run that has ended: its folder, and the record of what was tried and chosen."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plimsoll import frontier
from plimsoll.errors import JobError
from plimsoll.report import notebook, page
from plimsoll.trial import Trial

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Run:
    """What a fit gives: its folder and its record (``run.json``)."""

    folder: Path
    record: Mapping[str, Any]

    @staticmethod
    def open(folder: Path) -> Run:
        """The run that lies in a folder. Raises JobError where there is none."""
        record = folder / "run.json"
        if not record.is_file():
            raise JobError(
                f"{folder} holds no run.json. Name the folder of a run, such as runs/reviews-20250101-120000."
            )
        try:
            found = json.loads(record.read_text(encoding="utf-8"))
        except ValueError as fault:
            raise JobError(f"{record} is damaged ({fault}). Make the run again.") from None
        if not isinstance(found, dict) or "trials" not in found:
            raise JobError(f"{record} is not the record of a run: it has no trials. Name the folder of a run.")
        return Run(folder, found)

    def write(self) -> None:
        """Writes ``run.json``, whole or not at all, and ``report.html`` beside it."""
        fresh = self.folder / ".run.json"
        fresh.write_text(json.dumps(self.record, ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(fresh, self.folder / "run.json")
        page.write(dict(self.record), self.folder / "report.html")

    @property
    def chosen(self) -> Mapping[str, Any]:
        """The chosen trial."""
        return next(trial for trial in self.record["trials"] if trial["id"] == self.record["chosen"])

    @property
    def bundle(self) -> Path:
        """Where the served model lies."""
        return self.folder / "bundle"

    @property
    def frontier(self) -> pl.DataFrame:
        """A frame of the trials that no other beats, best score first."""
        import polars as pl

        kept = frontier.frontier([Trial.from_json(trial) for trial in self.record["trials"]])
        return pl.DataFrame([_flat(trial) for trial in kept])

    def _repr_html_(self) -> str:
        return notebook.html(self.record)


def _flat(trial: Trial) -> dict[str, Any]:
    score = {"score": trial.score.value, "low": trial.score.low, "high": trial.score.high} if trial.score else {}
    return {
        "id": trial.id,
        "recipe": trial.recipe,
        **score,
        **{name: trial.measured.middle(name) for name in frontier.COSTS},
    }
