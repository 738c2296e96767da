"""What a served bundle weighs and how soon it answers: a forest on fifteen columns, in five fresh processes.

    python benchmarks/served.py [--processes 5]

The rows are those of ``one_row.py``. Each process is measured by ``plimsoll.meter``, as every trial is: memory is its
resident set after 1,000 requests of one row, cold start the time from its start to its first answer with the server built, p50
and p99 are in process, from bytes to bytes. The files are in the page cache, as they are when a server is started
again. Every process and the medians are written to benchmarks/results/served.json and printed as a table.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from one_row import rows

import plimsoll
from plimsoll import machine, meter, units

RESULTS = Path(__file__).parent / "results"
FIGURES = {
    "memory": units.BYTES,
    "cold_start": units.TIME,
    "p50": units.TIME,
    "p99": units.TIME,
    "size": units.BYTES,
}


def fit_bundle(folder: Path) -> plimsoll.Run:
    run = plimsoll.fit(rows(20_000), predict="label", recipes=["trees"], limits="train < 60 s", out=folder / "run")
    if run.chosen["recipe"] != "trees":
        raise SystemExit("No forest was fitted in a minute: the machine is too busy for a measurement.")
    return run


def one_process(bundle: Path, asked: Path, scratch: Path) -> dict[str, Any]:
    busy = machine.others_busy(0.2)
    reading = meter.measure(bundle, asked, scratch)
    return {**{name: reading.measured.middle(name) for name in FIGURES}, "busy": busy, "notes": list(reading.notes)}


def line(label: str, found: Mapping[str, Any]) -> str:
    cells = [units.show(found[name], dimension) for name, dimension in FIGURES.items()]
    busy = "" if found.get("busy") is None else f"{found['busy']:.0%}"
    return f"| {label} | " + " | ".join([*cells, busy]) + " |"


def table(processes: list[dict[str, Any]], medians: Mapping[str, float]) -> str:
    head = ["process", "memory (RSS)", "cold start", "p50", "p99", "size", "others used"]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += [line(str(place), found) for place, found in enumerate(processes, 1)]
    return "\n".join([*lines, line("median", medians)])


def main() -> None:
    parser = argparse.ArgumentParser(description="memory and cold start of a served bundle")
    parser.add_argument("--processes", type=int, default=5, metavar="N")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        run = fit_bundle(scratch)
        asked = scratch / "rows.jsonl"
        rows(1_000, seed=1).drop("label").write_ndjson(asked)
        processes = [one_process(run.bundle, asked, scratch) for _ in range(given.processes)]
    medians = {name: median(found[name] for found in processes) for name in FIGURES}
    record = {"machine": machine.card(), "versions": machine.versions(), "knobs": run.chosen["knobs"]}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({**record, "medians": medians, "processes": processes}, indent=1)
    (RESULTS / "served.json").write_text(text + "\n")
    print(table(processes, medians))


if __name__ == "__main__":
    main()
