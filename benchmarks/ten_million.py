"""Ten million rows of twenty columns, fitted on one machine under a stated train_memory.

    python benchmarks/ten_million.py [--rows 10000000] [--limit "train_memory < 8 GB, train < 5 min"] [--folder DIR]

Writes a seeded synthetic CSV (1.6 GB: eleven real numbers, five whole ones, three categories of 8, 50 and 5,000 values,
a class that depends on some of each), runs ``plimsoll fit`` on it in a process of its own, and writes what the run
says and the most memory that any process held to benchmarks/results/ten_million.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from plimsoll import machine

RESULTS = Path(__file__).parent / "results"
PART = 1_000_000
SIZES = (8, 50, 5_000)  # values of each category


def part(rows: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng([7, seed])
    real = {f"f{k}": random.normal(0.0, 1.0 + k, rows).astype(np.float32) for k in range(11)}
    whole = {f"i{k}": random.integers(0, 10 ** (k + 1), rows) for k in range(5)}
    codes = {f"c{k}": random.integers(0, size, rows) for k, size in enumerate(SIZES)}
    signal = real["f0"] + real["f1"] * (codes["c0"] > 3) / 2 + np.sin(codes["c1"]) + (whole["i0"] > 6)
    target = np.where(signal + random.logistic(size=rows) > 0.5, "yes", "no")
    named = {name: np.char.add(f"{name}_", code.astype(str)) for name, code in codes.items()}
    return pl.DataFrame({**real, **whole, **named, "y": target})


def write(path: Path, rows: int) -> None:
    with path.open("wb") as file:
        for start in range(0, rows, PART):
            part(min(PART, rows - start), start).write_csv(file, include_header=start == 0)


def fit(path: Path, limit: str, folder: Path) -> dict[str, Any]:
    """What the run says, and what it held: the command's own peak, and that of its largest trial."""
    command = [sys.executable, "-m", "plimsoll", "fit", str(path), "--predict", "y", "--limit", limit]
    begun = time.monotonic()
    done = subprocess.run(
        [*command, "--out", str(folder / "run"), "--quiet"], capture_output=True, text=True, check=False
    )
    wall = time.monotonic() - begun
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    run = json.loads((folder / "run" / "run.json").read_text())
    trials = [
        {"recipe": each["recipe"], "train": each["measured"]["train"], "train_memory": each["measured"]["train_memory"]}
        for each in run["trials"]
        if "train_memory" in each["measured"]
    ]
    chosen = next(each["recipe"] for each in run["trials"] if each["id"] == run["chosen"])
    return {
        "wall": wall,
        "peak": peak,
        "chosen": chosen,
        "test": run["test"],
        "measured": run["measured"],
        "trials": trials,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--limit", default="train_memory < 8 GB, train < 5 min")
    parser.add_argument("--folder", type=Path, help="where the table goes, and is left (a scratch folder)")
    given = parser.parse_args()
    busy = machine.others_busy(0.5)
    with tempfile.TemporaryDirectory() as scratch:
        path = (given.folder or Path(scratch)) / f"rows_{given.rows}.csv"
        if not path.exists():
            write(path, given.rows)
        found = fit(path, given.limit, Path(scratch))
        size = path.stat().st_size
    most = max(each["train_memory"] for each in found["trials"])
    record = {
        "machine": machine.card(),
        "versions": machine.versions(),
        "busy": busy,
        "rows": given.rows,
        "bytes": size,
    }
    (RESULTS / "ten_million.json").write_text(json.dumps({**record, "limit": given.limit, **found}, indent=1) + "\n")
    print(f"{given.rows:,} rows, {size / 1e9:.2f} GB; {given.limit}")
    print(
        f"{found['wall']:.0f} s; the command held {found['peak'] / 1e9:.2f} GB at most, the largest trial {most / 1e9:.2f} GB"
    )
    print(
        f"{found['chosen']}, {found['test']['metric']} {found['test']['value']:.4f} on {found['test']['rows']:,} test rows"
    )


if __name__ == "__main__":
    main()
