"""Measures a bundle as it will be served: in a fresh process, by the code that serves it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll import machine
from plimsoll.errors import TrialError
from plimsoll.limits import LEAST, Measured

REQUESTS = 1_000  # one-row requests that are timed
TIMES = ("p50", "p99", "cold_start")
_SLOWER = 1.2  # times, from which it is said
_MOST_SLOWER = 3.0
_WELL = 0.5  # share of the time given in which it is timed well; what is left is for what is never quiet
QUIET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Reading:
    """What one measuring gave, and what was odd about it; ``pace`` is the machine's meanwhile, 0 where it was not taken."""

    measured: Measured
    notes: tuple[str, ...] = ()
    pace: float = 0.0

    def at(self, slowest: float) -> Reading:
        """The same with times that hold at the slowest pace too that the machine has been seen at: a limit on them is a promise.

        >>> Reading(Measured.exactly(p99=0.001), pace=1e-4).at(2e-4).measured.figures["p99"]
        (0.001, 0.001, 0.002)
        """
        times = min(slowest / self.pace, _MOST_SLOWER) if self.pace > 0 else 1.0
        if times <= 1.0:
            return self
        figures = {name: found for name, found in self.measured.figures.items() if name in TIMES}
        later = {name: (low, middle, high * times) for name, (low, middle, high) in figures.items()}
        note = f"this machine has been {times:.1f} times slower than while this was timed: upper ends allow for that"
        notes = (*self.notes, note) if times > _SLOWER else self.notes
        return replace(self, measured=self.measured.joined(Measured(later)), notes=notes)


def requests(values: Sequence[Sequence[Any]], names: Sequence[str]) -> bytes:
    """Rows as JSON lines, one request each; missing cells are null."""
    lines = []
    for row in values:
        cells = {n: _written(v) for n, v in zip(names, row, strict=True)}
        lines.append(json.dumps(cells, ensure_ascii=False))
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _written(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if value is None or value != value else value


def measure(
    bundle: Path, rows: Path, scratch: Path, seconds: float = 30.0, count: int = REQUESTS, beside: float = 0.0
) -> Reading:
    """Time, memory, size and cold start of a bundle folder, asked with the JSON lines in ``rows``.

    ``beside`` is the share of the cores that is known to be in use, by trials side by side with this.

    Raises TrialError where the bundle cannot be loaded or does not answer in time.
    """
    out = scratch / "probe.json"
    out.unlink(missing_ok=True)
    busy = machine.others_busy(0.05)
    words = [str(bundle), str(rows), str(out), "--count", str(count), "--seconds", f"{_WELL * seconds:.2f}"]
    command = [sys.executable, "-m", "plimsoll.serve.probe", *words]
    env = {**os.environ, **QUIET, "PLIMSOLL_STARTED": repr(time.time())}
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=max(2.0, seconds), check=False)
    except subprocess.TimeoutExpired:
        raise TrialError(f"one-row answers did not end in {seconds:.0f} s") from None
    if done.returncode != 0 or not out.exists():
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise TrialError(f"the bundle could not be served: {last}")
    return _reading(json.loads(out.read_text()), size(bundle), None if busy is None else busy - beside)


def size(bundle: Path) -> int:
    """Bytes of all files of a bundle's folder."""
    return sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())


def _reading(found: dict[str, Any], size: int, busy: float | None) -> Reading:
    taken = found["latencies_us"]
    p50, p99 = taken["p50"] * 1e-6, taken["p99"] * 1e-6
    # Without enough requests for a bound there is none, and a limit on p99 is then not kept.
    upper = taken["p99_upper"] * 1e-6 if taken["count"] >= LEAST else float("inf")
    exact = Measured.exactly(p50=p50, memory=found["memory"], size=float(size), cold_start=found["cold_start"])
    notes = []
    if found["noisy_windows"]:
        notes.append(f"{found['noisy_windows']} noisy windows of requests, {found['repeated']} measured again")
    if busy is not None and busy > machine.BUSY:
        notes.append(f"the machine was busy ({100 * busy:.0f} % of its cores) when the timing started")
    return Reading(exact.joined(Measured({"p99": (p99, p99, upper)})), tuple(notes), found["pace"])
