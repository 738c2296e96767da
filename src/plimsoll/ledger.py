"""The store of trials: one JSON line each, appended, never changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        self.write({"trial": trial.as_json(), **more})

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
        return [Trial.from_json(entry["trial"]) for entry in self.entries() if "trial" in entry]
