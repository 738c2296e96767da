"""A server under steady load while everything happens to it: swaps, rude callers, killed workers and a stop at the end.

    python benchmarks/soak.py [--minutes 10] [--workers 1,2] [--rate 300] [--runs DIR DIR] [--dry]

``plimsoll serve`` with a bundle, ten rules, records, a queue and an admin token; eight callers ask ``/decide`` and
``/predict`` RATE times a second in all. Meanwhile, all the time, (a) bundle and policy are swapped and rolled back through
``/admin``; (b) others leave in mid-request, stall, talk rubbish, send too much or too slowly; (c) with several workers the
younger is killed (SIGKILL) every half minute; (d) at the end the server is told to stop (SIGTERM) under load. The run is
made for each number of workers in turn, MINUTES each; fitting takes two minutes more. Linux only.

Every answer is held against what the two versions answer in process: it must be that of a version that stood while the
request was under way, whole, never a mix; after a swap was confirmed, of the new one alone. Every rude caller must be told
what it should. Connections to a killed worker may break, are known by their ports, and are counted apart, as are decisions
within a second of a kill; nothing else may break. At the end the chains of records must verify and hold every decision that
was answered, and none that was not; memory is looked at once a second, and its slope told with an interval.

Not told by this: speed. Callers and server share two cores, and the promise of the server (``--p99``) is set so wide that
nobody need be refused. Minutes show no leak that takes days, but the swaps make up for some of that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loads import soak_page
from loads.kept import compare, memory
from loads.nuisance import nuisances
from loads.steady import Tally, caller
from loads.truth import known, policies
from loads.turns import Kills, Watch, swaps
from one_row import rows
from over_http import CLIENT, QUIET, RESULTS, SERVER
from peers_http.peers import APPS
from peers_http.process import Process, free_port, ready, start

import plimsoll
from plimsoll import machine
from plimsoll.errors import UserError
from plimsoll.serve.version import Origin

EVENTS, CALLERS = 300, 8
PAUSE = 0.15  # seconds between a swap and the next
KILL_EVERY = 30.0
STOPS = 20.0  # seconds in which a server that was told to stop should have done so


def versions(scratch: Path, runs: list[Path]) -> dict[str, Origin]:
    """Two bundles with a policy each, side by side in one folder."""
    made = policies(APPS / "policy.toml", scratch)
    for place, name in enumerate(made):
        if runs:
            shutil.copytree(runs[place], scratch / name)
        else:
            frame = rows(20_000, seed=5 * place)
            plimsoll.fit(frame, predict="label", recipes=["trees"], limits="train < 40 s", out=scratch / name)
    return {name: Origin(scratch / name / "bundle", policy) for name, policy in made.items()}


def begin(scratch: Path, origin: Origin, workers: int, token: str, body: bytes) -> Process:
    port, log = free_port(), scratch / f"serve-{workers}.log"
    words = ["--port", str(port), "--workers", str(workers), "--policy", str(origin.policy), "--p99", "2 s"]
    words += ["--records", str(scratch / f"records-{workers}"), "--queue", str(scratch / f"queue-{workers}.db")]
    env = {**os.environ, **QUIET, "PLIMSOLL_ADMIN_TOKEN": token}
    env["PYTHONPATH"] = str(Path(plimsoll.__file__).parents[1])
    command = [sys.executable, "-m", "plimsoll", "serve", str(origin.bundle), *words]
    return ready(start(command, env, SERVER, log), port, log, "/predict", body)


async def load(tally: Tally, process: Process, kills: Kills, watch: Watch, given: Any, turning: Any) -> float | None:
    """Everything at once for so many minutes, then the stop. Gives the seconds that it took; None where it did not end."""
    begun = [caller(tally, given.rate / CALLERS, seed) for seed in range(CALLERS)]
    tasks = [asyncio.create_task(each) for each in (*begun, nuisances(tally), turning, watch.run(tally))]
    killing = asyncio.create_task(kills.run(tally))
    await asyncio.sleep(given.minutes * 60)
    killing.cancel()
    await asyncio.sleep(1.0)  # what a kill broke is not the stop's doing
    tally.stopping = True
    at = time.monotonic()
    process.popen.send_signal(signal.SIGTERM)
    while process.popen.poll() is None and time.monotonic() - at < STOPS:
        await asyncio.sleep(0.02)
    took = time.monotonic() - at if process.popen.poll() is not None else None
    process.stop()
    await asyncio.wait(tasks, timeout=40.0)
    for task in tasks:
        if task.done() and (fault := task.exception()) is not None:
            raise fault
        task.cancel()
    return took


def soak(scratch: Path, origins: Mapping[str, Origin], workers: int, given: argparse.Namespace) -> dict[str, Any]:
    """One run, with so many workers."""
    bodies = [json.dumps(row, separators=(",", ":")).encode() for row in rows(EVENTS, seed=1).drop("label").to_dicts()]
    token, truth = secrets.token_urlsafe(24), known(origins, bodies)
    truth.begins("a")
    process = begin(scratch, origins["a"], workers, token, bodies[0])
    tally, kills = Tally(truth, process.port), Kills(process.popen.pid, KILL_EVERY if workers > 1 else 1e9)
    watch = Watch(process.popen.pid)
    print(f"{workers} worker(s), {given.minutes:g} minutes, others use {machine.others_busy(0.5):.0%}", file=sys.stderr)
    turning = swaps(tally, token, origins, PAUSE)
    try:
        stopped = asyncio.run(load(tally, process, kills, watch, given, turning))
    finally:
        process.stop()
    try:
        kept = compare(scratch / f"records-{workers}", tally, kills.at)
    except UserError as fault:
        kept = {}
        tally.failed(f"records: {fault}")
    said = process.log.read_text(errors="replace")
    return {
        "workers": workers,
        "minutes": given.minutes,
        "counts": dict(sorted(tally.counts.items())),
        "failures": tally.failures,
        "records": kept,
        "stopped in": stopped,
        "exit": process.popen.returncode,
        "errors in the log": said.count("Traceback") + said.count("ERROR"),
        "killed at": [time.strftime("%H:%M:%S", time.localtime(at)) for at in kills.at],
        "log": said[-2_000:],
        "memory": memory(watch.seen),
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="a server under load while everything happens to it")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="M", help="for each number of workers")
    parser.add_argument("--workers", default="1,2", metavar="N,...")
    parser.add_argument("--rate", type=float, default=300.0, metavar="R", help="requests a second of all callers")
    parser.add_argument(
        "--runs", type=Path, nargs=2, default=[], metavar="DIR", help="two runs of fit, instead of new ones"
    )
    parser.add_argument("--dry", action="store_true", help="write no results")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    os.sched_setaffinity(0, {CLIENT})
    found = []
    with tempfile.TemporaryDirectory() as folder:
        origins = versions(Path(folder), given.runs)
        for workers in map(int, given.workers.split(",")):
            found.append(soak(Path(folder), origins, workers, given))
    record = {"machine": machine.card(), "versions": machine.versions(), "rate": given.rate, "runs": found}
    if not given.dry:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "soak.json").write_text(json.dumps(record, indent=1) + "\n")
        (RESULTS / "soak.md").write_text(soak_page.page(record))
    print(soak_page.page(record))
    if any(soak_page.faults(run) for run in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
