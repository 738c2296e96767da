"""The store of trials: one JSON line each, appended, never changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from plimsoll.limits import Measured
from plimsoll.trial import Trial


class Ledger:
    """Appends to a file; a line cut off by a crash is passed over when it is read.

    >>> import tempfile
    >>> from plimsoll.trial import Status
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ledger = Ledger(Path(folder) / "ledger.jsonl")
    ...     ledger.add(Trial("t1", "constant", {}, Status.FITS))
    ...     [trial.id for trial in ledger.trials()]
    ['t1']
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, trial: Trial, **more: Any) -> None:
        """Appends a trial, with anything else worth keeping beside it."""
        # A trial's JSON gives middles to whoever reads it; a run that goes on needs the whole intervals.
        figures = {name: list(figure) for name, figure in trial.measured.figures.items()}
        self.write({"trial": trial.as_json(), "figures": figures, **more})

    def write(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, sort_keys=True)
        with self.path.open("a", encoding="utf-8") as file:
            # A line cut off by a kill must not swallow the next one.
            file.write(("" if self._ends_well() else "\n") + line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _ends_well(self) -> bool:
        if not self.path.exists() or self.path.stat().st_size == 0:
            return True
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def entries(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(entry, dict):
                yield entry

    def trials(self) -> list[Trial]:
        return [trial for trial, _ in self.told()]

    def told(self) -> Iterator[tuple[Trial, dict[str, Any]]]:
        """Each trial with the entry that tells of it."""
        for entry in self.entries():
            if "trial" in entry:
                whole = {name: tuple(figure) for name, figure in entry.get("figures", {}).items()}
                trial = Trial.from_json(entry["trial"])
                yield replace(trial, measured=trial.measured.joined(Measured(whole))), entry
