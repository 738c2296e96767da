"""Plimsoll beside AutoGluon and FLAML under one time limit, and beside two plain models: score, fit, one row, size, memory.

    python benchmarks/automl.py [--train 60] [--seeds 1] [--sets adult,…] [--systems plimsoll,…]

Every system gets the same training and test files. It is fitted in one process and asked in another, one thing at a time,
and what is timed is what a caller sees. Peers are installed into environments of their own (--peers).
Rows are added to benchmarks/results/automl.json, and automl.md is written from all of them, so a run may be taken in parts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from peers_automl import report
from peers_automl.sets import SETS, Missing, Prepared, prepare
from peers_automl.systems import SYSTEMS, CannotRun, System, fit_plimsoll, install, work

from plimsoll import machine, metrics

HERE = Path(__file__).resolve().parent
SERVING = 900.0  # seconds that a thousand single rows and the test rows may take


def words() -> argparse.Namespace:
    top = argparse.ArgumentParser(prog="automl.py", description=(__doc__ or "").splitlines()[0])
    top.add_argument("--sets", type=listed(SETS), default=list(SETS), metavar="A,B", help=", ".join(SETS))
    top.add_argument("--systems", type=listed(SYSTEMS), default=list(SYSTEMS), metavar="A,B", help=", ".join(SYSTEMS))
    top.add_argument("--train", type=float, default=60.0, metavar="S", help="seconds that each may train (60)")
    top.add_argument("--seeds", type=int, default=1, metavar="N", help="repeats, with the seeds 0 to N-1 (1)")
    top.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data", metavar="DIR")
    top.add_argument("--peers", type=Path, default=Path.home() / ".cache" / "plimsoll-bench", metavar="DIR")
    top.add_argument("--out", type=Path, default=HERE / "results", metavar="DIR", help="(benchmarks/results)")
    return top.parse_args()


def listed(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Reads names between commas; each must be known."""

    def names(text: str) -> list[str]:
        found = text.split(",")
        for name in found:
            if name not in known:
                raise argparse.ArgumentTypeError(f'there is no "{name}". There are: {", ".join(known)}')
        return found

    return names


def turns(systems: Sequence[str], seeds: int) -> Iterator[tuple[int, str]]:
    """The order within a set, which turns with each seed, so that nobody always comes first."""
    for seed in range(seeds):
        place = seed % len(systems)
        yield from ((seed, name) for name in (*systems[place:], *systems[:place]))


def installed(names: Iterable[str], peers: Path) -> dict[str, Path | CannotRun]:
    """The Python of each system, or why there is none."""
    found: dict[str, Path | CannotRun] = {}
    for name in names:
        try:
            found[name] = install(SYSTEMS[name], peers)
        except CannotRun as reason:
            print(f"{name} was not installed: {reason}", file=sys.stderr)
            found[name] = CannotRun("it could not be installed")
    return found


def figures(system: System, python: Path, told: Prepared, task: dict[str, Any]) -> dict[str, Any]:
    """What was measured: a fit, then single rows, each in a fresh process. Raises CannotRun."""
    patience = 5 * task["seconds"] + 120
    if system.name == "plimsoll":
        took, made = fit_plimsoll(task, told.what.ignored, patience)
    else:
        took, made = work(python, "fit", system, task, patience)
    if "not_for_it" in made:
        return {"status": "not for it", "reason": made["not_for_it"], "versions": made["versions"]}
    artefact = Path(task["artefact"])
    size = sum(path.stat().st_size for path in artefact.rglob("*") if path.is_file())
    served, asked = work(python, "serve", system, task, SERVING)
    others = {"others_during_fit": took.others, "others_during_serve": served.others}
    return {"status": "measured", "fit_s": took.wall, "size": size, **others, **made, **asked}


def row(system: System, python: Path | CannotRun, told: Prepared, task: dict[str, Any]) -> report.Row:
    """One system on one set: its figures and its score, or the reason why it has none; it then counts as the constant."""
    when = time.strftime("%Y-%m-%d %H:%M:%S")
    begun = {"set": told.what.name, "system": system.name, "seed": task["seed"], "train": task["seconds"], "when": when}
    begun |= {"metric": told.what.metric, "busy_before_fit": machine.others_busy(1.0)}
    try:
        if isinstance(python, CannotRun):
            raise python
        found = figures(system, python, told, task)
    except CannotRun as reason:
        np.save(task["answers"], told.constant)
        found = {"status": "failed", "reason": str(reason)}
    if found["status"] == "not for it":
        return begun | found
    answers = np.load(task["answers"])
    low, value, high = metrics.interval(told.what.metric, told.truth, answers, answers)
    return begun | {"score": value, "score_low": low, "score_high": high, "answers": Path(task["answers"]).name} | found


def compare(rows: Iterable[report.Row], told: Prepared, fresh: report.Row, kept: Path) -> None:
    """Notes in each row how much better Plimsoll's answers to the same test rows are: a paired bootstrap's 95 % interval."""
    here = [row for row in rows if all(row[name] == fresh[name] for name in ("set", "seed", "train"))]
    saved = {row["system"]: kept / row["answers"] for row in here if "answers" in row}
    answers = {name: np.load(file) for name, file in saved.items() if file.exists()}
    ours = answers.pop("plimsoll", None)
    for row in here:
        if ours is not None and row["system"] in answers:
            theirs = answers[row["system"]]
            row["ahead"] = metrics.gain(told.what.metric, told.truth, (ours, ours), (theirs, theirs))


def measure(given: argparse.Namespace, told: Prepared, pythons: dict[str, Path | CannotRun], folder: Path) -> None:
    """All rows of one set; each is written as soon as it is there."""
    kept = given.peers / "automl-answers"
    kept.mkdir(parents=True, exist_ok=True)
    for seed, name in turns(given.systems, given.seeds):
        print(f"{told.what.name}, {name}, seed {seed}", file=sys.stderr)
        answers = kept / f"{told.what.name}-{name}-{seed}-{time.strftime('%Y%m%d%H%M%S')}.npy"
        with tempfile.TemporaryDirectory(dir=folder) as place:
            task = told.task | {"seed": seed, "seconds": given.train, "cores": machine.card()["cores"]}
            task |= {"folder": place, "artefact": f"{place}/artefact", "answers": str(answers)}
            fresh = row(SYSTEMS[name], pythons[name], told, task)
        rows = report.joined(report.opened(given.out), fresh)
        compare(rows, told, fresh, kept)
        report.save(rows, given.out)


def main() -> None:
    given = words()
    report.opened(given.out)  # says early that they are another machine's
    try:
        for name in given.sets:
            SETS[name].files(given.data)
    except Missing as reason:
        raise SystemExit(str(reason)) from None
    pythons = installed(given.systems, given.peers)
    with tempfile.TemporaryDirectory() as folder:
        for name in given.sets:
            measure(given, prepare(SETS[name], given.data, Path(folder)), pythons, Path(folder))
    print(report.page(report.opened(given.out)))


if __name__ == "__main__":
    main()
