"""A run that has ended: its folder, and the record of what was tried and chosen."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plimsoll import frontier
from plimsoll.errors import UserError
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
        """The run that lies in a folder. Raises UserError where there is none."""
        try:
            return Run(folder, json.loads((folder / "run.json").read_text(encoding="utf-8")))
        except (OSError, ValueError) as fault:
            raise UserError(f"{folder} holds no run that has ended ({fault}).") from None

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
