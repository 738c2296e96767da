"""How many of the limits that a run said were kept are broken by what it serves: 100 jobs with limits drawn at random.

    python benchmarks/limits.py [--jobs 100] [--table]

Job k takes the k-th of the sets in turn (those of automl.py), a window of 4 to 8 seconds, and limits on some of p50,
p99, memory, size and train_memory, drawn by its number from what such models take: some are easy, some cannot be kept.
`plimsoll fit` runs as a user would run it, by the command line, with the train limit judged by a clock outside it. Where it ends with a bundle, the bundle is asked test rows
that the run never saw, in a fresh process, once and after it is done. One line a job in results/limits.jsonl; what is
there is not run again. About 15 minutes; leave the machine alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from peers_automl.sets import SETS, prepare

from plimsoll import machine, meter, units
from plimsoll.limits import COSTS

SHARED = Path(__file__).parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
LINES, TABLE = RESULTS / "limits.jsonl", RESULTS / "limits.md"
WINDOW = (4.0, 8.0)
# From and to: what such models take lies inside. Drawn evenly in logarithms.
RANGES = {
    "p50": (1e-5, 5e-4),
    "p99": (2e-5, 1e-3),
    "memory": (30e6, 120e6),
    "size": (3e3, 3e6),
    "train_memory": (1.5e8, 6e8),
}
SHARE = 0.5  # of the jobs that state each of them
ASKED = 2_000  # requests to the bundle that a run left


def stated(job: int) -> dict[str, float]:
    """The limits of a job, in seconds and bytes."""
    random = np.random.default_rng(job)
    found = {"train": float(round(random.uniform(*WINDOW), 1))}
    for name, (low, high) in RANGES.items():
        if random.random() < SHARE:
            found[name] = float(f"{np.exp(random.uniform(np.log(low), np.log(high))):.2g}")
    return found


def run(job: int) -> dict[str, Any]:
    """One job: what was asked, what the run said, and what its bundle costs."""
    what = list(SETS.values())[job % len(SETS)]
    limits = stated(job)
    text = ", ".join(f"{name} < {units.show(bound, COSTS[name])}" for name, bound in limits.items())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        task = prepare(what, SHARED, folder).task
        command = [sys.executable, "-m", "plimsoll", "fit", task["train"], "--predict", what.target, "--limit", text]
        busy, begun = machine.others_busy(0.2), time.monotonic()
        child = subprocess.Popen([*command, "--out", str(folder / "run"), "--quiet"], stdout=subprocess.DEVNULL)
        _, status, use = os.wait4(child.pid, 0)
        took = {"train": time.monotonic() - begun, "largest_process": use.ru_maxrss * 1024.0}
        entry = {"job": job, "set": what.name, "text": text, "limits": limits, "busy": busy}
        entry |= {"rc": os.waitstatus_to_exitcode(status), "took": took}
        if entry["rc"] == 0:
            reading = meter.measure(folder / "run" / "bundle", Path(task["rows_json"]), folder, count=ASKED)
            entry["took"] = took | {name: reading.measured.middle(name) for name in ("p50", "p99", "memory", "size")}
            entry["notes"] = list(reading.notes)
    return entry


def broken(entry: dict[str, Any]) -> list[str]:
    """The limits that were not kept; train_memory speaks of a trial's process, which from outside is one of several."""
    judged = {name: bound for name, bound in entry["limits"].items() if name != "train_memory"}
    return [name for name, bound in judged.items() if not entry["took"][name] < bound]


def table(entries: list[dict[str, Any]]) -> str:
    kept = [entry for entry in entries if entry["rc"] == 0]
    accepted = sum(name != "train_memory" for entry in kept for name in entry["limits"])
    faults = [(entry, name) for entry in kept for name in broken(entry)]
    late = [entry for entry in entries if entry["took"]["train"] >= entry["limits"]["train"]]
    lines = [
        "# Limits that were said to be kept",
        "",
        f"{len(entries)} jobs on {len({entry['set'] for entry in entries})} sets; {len(kept)} ended with a bundle, "
        f"{sum(entry['rc'] == 3 for entry in entries)} said that nothing fits, "
        f"{sum(entry['rc'] not in (0, 3) for entry in entries)} failed. Of {accepted} limits accepted, {len(faults)} "
        f"({100 * len(faults) / max(1, accepted):.1f} %) were broken by what was served, in "
        f"{len({entry['job'] for entry, _ in faults})} jobs. {len(late)} runs ended after their window.",
        "",
        "| limit | stated by jobs with a bundle | broken | nearest to its bound, kept |",
        "|---|---:|---:|---:|",
    ]
    for name in ("train", *(name for name in RANGES if name != "train_memory")):
        shares = [entry["took"][name] / entry["limits"][name] for entry in kept if name in entry["limits"]]
        most = max((share for share in shares if share < 1.0), default=0.0)
        lines.append(f"| {name} | {len(shares)} | {sum(share >= 1.0 for share in shares)} | {100 * most:.0f} % |")
    if faults:
        lines += ["", "| job | set | limit | took |", "|---:|---|---|---|"]
        lines += [
            f"| {entry['job']} | {entry['set']} | {name} < {units.show(entry['limits'][name], COSTS[name])} "
            f"| {units.show(entry['took'][name], COSTS[name])} |"
            for entry, name in faults
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--jobs", type=int, default=100, help="(100)")
    parser.add_argument("--table", action="store_true", help="only write the table again")
    given = parser.parse_args()
    entries = [json.loads(line) for line in LINES.read_text().splitlines()] if LINES.exists() else []
    done = {entry["job"] for entry in entries}
    for job in range(0 if given.table else given.jobs):
        if job not in done:
            entries.append(run(job))
            with LINES.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entries[-1]) + "\n")
            entry = entries[-1]
            print(
                f"{job:3d} {entry['set']:<22} rc {entry['rc']} {entry['text']} {broken(entry) if not entry['rc'] else ''}",
                flush=True,
            )
    TABLE.write_text(table(entries))
    print(table(entries))


if __name__ == "__main__":
    main()
