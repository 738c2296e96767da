"""Plimsoll beside AutoGluon, FLAML, plain LightGBM and a plain linear model, in the same windows on 23 sets.

    python benchmarks/automl.py [--seconds 30,60,300] [--sets adult,…] [--contenders plimsoll,…] [--table]

Every contender is given the same file of training rows, target and metric; none sees a test row before it is asked to
answer them. Each is fitted in one process and asked in another, one thing at a time, and its answers are scored here.
Who comes first turns from set to set, so that a drift of the machine hits all alike. What ends is one line of
benchmarks/results/automl.jsonl, also where it failed; what is there is not run again (take lines out to have them run
again). automl.md and automl.json are written from all lines. Peers are installed into environments of their own (--peers).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from peers_automl import lines, report
from peers_automl.lines import Line
from peers_automl.sets import SETS, Missing, Prepared, prepare
from peers_automl.systems import SYSTEMS, CannotRun, Overran, System, answer, fit, install

from plimsoll import machine, metrics

HERE = Path(__file__).resolve().parent
LIMIT = "p99 < 1 ms, size < 20 MB"
ANSWERING = 900.0  # seconds that the test rows, and a thousand single rows, may take
AROUND = 12.0  # seconds that imports, saving and answering take beside a fit, about
PLAIN = 5.0  # seconds of a fit that is told no window, about
EPILOG = f"""\
how long it takes: with all contenders a set takes three times the window and about {5 * AROUND + 2 * PLAIN:.0f} s; all {len(SETS)} sets about 1 h at 30 s,
1.6 h at 60 s and 6.2 h at 300 s, less where a contender ends early. --latency adds up to two minutes for a contender.
The first run installs the peers: ten minutes and 4 GB. Leave the machine alone meanwhile; what ran beside is recorded.
It may be stopped at any time, and goes on where it was; --table takes a second.

sets: {", ".join(SETS)}
"""


@dataclass(frozen=True)
class Cell:
    """One contender on one set in one window."""

    set: str
    seconds: float
    contender: str
    seed: int

    @property
    def key(self) -> lines.Key:
        return self.set, self.seconds, self.contender, self.seed


def words() -> argparse.Namespace:
    top = argparse.ArgumentParser(
        prog="automl.py",
        description=(__doc__ or "").splitlines()[0],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--seconds", type=windows, default=[30.0, 60.0, 300.0], metavar="S,T", help="windows (30,60,300)")
    top.add_argument("--sets", type=listed(SETS), default=list(SETS), metavar="A,B", help="(all)")
    top.add_argument(
        "--contenders", type=listed(SYSTEMS), default=list(SYSTEMS), metavar="A,B", help=f"({','.join(SYSTEMS)})"
    )
    top.add_argument("--seeds", type=int, default=1, metavar="N", help="repeats, with the seeds 0 to N-1 (1)")
    top.add_argument(
        "--limit", default=LIMIT, metavar="TEXT", help=f'what Plimsoll must keep, beside train ("{LIMIT}")'
    )
    top.add_argument("--choose", default="cheapest", choices=("cheapest", "best"), help="as in plimsoll fit (cheapest)")
    top.add_argument("--latency", action="store_true", help="also ask 1,000 rows one by one")
    top.add_argument("--table", action="store_true", help="run nothing, write the tables again from the lines")
    top.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data", metavar="DIR")
    top.add_argument("--peers", type=Path, default=Path.home() / ".cache" / "plimsoll-bench", metavar="DIR")
    top.add_argument(
        "--out", type=Path, default=HERE / "results" / "automl.jsonl", metavar="FILE", help="lines; tables go beside it"
    )
    return top.parse_args()


def windows(text: str) -> list[float]:
    """Seconds between commas."""
    try:
        found = [float(word) for word in text.split(",")]
    except ValueError:
        found = [0.0]
    if not all(0 < value < float("inf") for value in found):
        raise argparse.ArgumentTypeError(f'"{text}" is not a list of seconds. Write such as 30,60,300')
    return found


def listed(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Reads names between commas; each must be known."""

    def names(text: str) -> list[str]:
        found = text.split(",")
        for name in found:
            if name not in known:
                raise argparse.ArgumentTypeError(f'there is no "{name}". There are: {", ".join(known)}')
        return found

    return names


def turns(sets: Sequence[str], seconds: Sequence[float], contenders: Sequence[str], seeds: int) -> Iterator[Cell]:
    """The order: window by window, set by set; who comes first turns with each, so that nobody always does."""
    for turn, window in enumerate(seconds):
        for place, name in enumerate(sets):
            for seed in range(seeds):
                first = (turn + place + seed) % len(contenders)
                for contender in (*contenders[first:], *contenders[:first]):
                    yield Cell(name, window, contender, seed)


def expected(cells: Iterable[Cell]) -> float:
    """Hours, about."""
    return sum((cell.seconds if SYSTEMS[cell.contender].timed else PLAIN) + AROUND for cell in cells) / 3_600


def installed(names: Iterable[str], peers: Path) -> dict[str, Path]:
    """The Python of each contender. One that cannot be installed has not failed at anything: nothing is run without it."""
    found = {}
    for name in names:
        try:
            found[name] = install(SYSTEMS[name], peers)
        except CannotRun as reason:
            raise SystemExit(f"{name} was not installed: {reason}. Leave it out: --contenders A,B.") from None
    return found


def answers(told: Prepared, task: dict[str, Any]) -> np.ndarray:
    """What a contender has written. Raises CannotRun where it cannot be scored."""
    found = np.load(task["answers"])
    if found.shape != told.constant.shape:
        raise CannotRun(f"it gave answers of shape {found.shape}, where {told.constant.shape} was asked for")
    if not np.isfinite(found).all():
        raise CannotRun(f"{(~np.isfinite(found)).sum()} of its answers are not finite")
    return found


def figures(system: System, python: Path, task: dict[str, Any]) -> Line:
    """What was measured: a fit, then answers, each in a fresh process. Raises CannotRun."""
    took, made = fit(system, python, task, 2 * task["seconds"] + 120)
    line = {"wall": took.wall, "cpu": took.cpu, "others_during_fit": took.others}
    if "not_for_it" in made:
        return line | {"status": "not for it", "reason": made["not_for_it"], "versions": made["versions"]}
    size = sum(path.stat().st_size for path in Path(task["artefact"]).rglob("*") if path.is_file())
    asking, asked = answer(system, python, task, ANSWERING)
    return line | {"status": "measured", "size": size, "answering": asking.wall, **made, **asked}


def run(system: System, python: Path, told: Prepared, task: dict[str, Any]) -> Line:
    """One contender on one set: its figures and its score, or the reason why it has none."""
    metric, begun = told.what.metric, time.perf_counter()
    line = {
        "metric": metric,
        "rows": list(told.rows),
        "constant": metrics.score(metric, told.truth, told.constant, told.constant),
    }
    try:
        found = figures(system, python, task)
        if found["status"] == "measured":
            given = answers(told, task)
            low, value, high = metrics.interval(metric, told.truth, given, given)
            found |= {"score": value, "score_low": low, "score_high": high}
    except CannotRun as reason:
        status = "overran" if isinstance(reason, Overran) else "failed"
        found = {
            "status": status,
            "reason": str(reason).replace(task["folder"], "…"),
            "wall": time.perf_counter() - begun,
        }
    return line | found


def measure(given: argparse.Namespace, cell: Cell, python: Path, told: Prepared, folder: Path) -> Line:
    """A line: what was asked, how busy the machine was before, and what came of it."""
    line = {"set": cell.set, "seconds": cell.seconds, "contender": cell.contender, "seed": cell.seed}
    line |= {"when": time.strftime("%Y-%m-%d %H:%M:%S"), "machine": machine.card(), "cores": machine.cores()}
    line |= {"load": os.getloadavg()[0], "busy_before": machine.others_busy(1.0)}
    if cell.contender == "plimsoll":
        line |= {"limit": given.limit, "choose": given.choose}
    with tempfile.TemporaryDirectory(dir=folder) as place:
        task = told.task | {"seed": cell.seed, "seconds": cell.seconds, "cores": machine.cores(), "folder": place}
        task |= {"artefact": f"{place}/artefact", "answers": f"{place}/answers.npy"}
        task |= {"limit": given.limit, "choose": given.choose, "latency": given.latency}
        return line | run(SYSTEMS[cell.contender], python, told, task)


def compare(given: argparse.Namespace, waiting: Sequence[Cell]) -> None:
    """Runs what is waiting; each line is written as soon as it is there."""
    pythons = installed(dict.fromkeys(cell.contender for cell in waiting), given.peers)
    with tempfile.TemporaryDirectory() as folder:
        ready: dict[str, Prepared] = {}
        for count, cell in enumerate(waiting, 1):
            if cell.set not in ready:
                (place := Path(folder) / cell.set).mkdir()
                ready[cell.set] = prepare(SETS[cell.set], given.data, place)
            what = f"{count}/{len(waiting)} {cell.set}, {cell.seconds:g} s, {cell.contender}, seed {cell.seed}"
            print(what, end=": ", file=sys.stderr, flush=True)
            line = measure(given, cell, pythons[cell.contender], ready[cell.set], Path(folder))
            lines.add(given.out, line)
            told = f"{line['score']:.6g}" if "score" in line else f"{line['status']}, {line['reason']}"
            print(f"{told} ({line['wall']:.1f} s)", file=sys.stderr, flush=True)


def main() -> None:
    given = words()
    done = lines.read(given.out)
    if not given.table:
        lines.check(given.out, done)
        try:
            for name in given.sets:
                SETS[name].files(given.data)
        except Missing as reason:
            raise SystemExit(str(reason)) from None
        there = {lines.key(line) for line in done}
        wanted = turns(given.sets, given.seconds, given.contenders, given.seeds)
        waiting = [cell for cell in wanted if cell.key not in there]
        print(f"{len(waiting)} to run, about {expected(waiting):.1f} h", file=sys.stderr)
        try:
            compare(given, waiting)
        except KeyboardInterrupt:
            raise SystemExit(f"Stopped. {given.out} has what had ended; the same command goes on from there.") from None
    found = lines.read(given.out)
    if not found:
        raise SystemExit(f"{given.out} holds no lines, so there is no table. Leave out --table to measure.")
    report.save(found, given.out)
    print(report.page(found))


if __name__ == "__main__":
    main()
