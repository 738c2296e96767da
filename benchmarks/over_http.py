"""One row over HTTP: ``plimsoll serve`` beside FastAPI, MLflow, BentoML and LitServe, interleaved in one run.

    python benchmarks/over_http.py [--rounds 5] [--seconds 3] [--only plimsoll,fastapi-lean] [--peers DIR]

The rows are those of ``one_row.py``: eight numbers, seven categories, two classes. Each server has one worker and is
asked for one row at a time, ``POST`` and JSON, over 1 and over 16 connections in a closed loop; the client is a process
of its own. Peers are installed into an environment each, outside this repository. Figures are medians of the rounds;
a ratio is the median of each round's own. Linux only.

Fair: every server sits on the first core and the client on the last; all run throughout and are idle but for the one
that is asked; none writes an access log; uvloop, httptools and one thread for arithmetic are there for all; FastAPI's
handlers are ``async``, which is quicker for it than threads, and leave out the headers that ours leaves out. Every
status is looked at, every fiftieth answer is read. ``fastapi-bundle`` answers with the very bundle that ``plimsoll``
serves, ``fastapi-raw`` does too and gives up pydantic; ``fastapi-lean``, ``litserve`` and ``bentoml`` hand an array
straight to LightGBM, as a careful person would; ``fastapi-frame`` and ``mlflow`` go by way of a pandas frame, the one
because most services do, the other because it must.

Not fair: the bundle's forest is the one that ``plimsoll fit`` chose and the others' has 300 trees (both AUCs and the
number of trees are in the results); LitServe and BentoML run several processes, here on one core; MLflow's route is
``/invocations``, with the row in a list; one row a request shows nothing of the batching that LitServe and BentoML are
made for. Two cores of a virtual machine may be two threads of one: a client that a quick server keeps busy then slows
that server most.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
from one_row import rows
from peers_http import page, peers
from peers_http.peers import APPS, PEERS, CannotRun, Peer
from peers_http.process import Process, free_port, ready, start

import plimsoll
from plimsoll import machine

RESULTS = Path(__file__).parent / "results"
CONNECTIONS = (1, 16)
CORES = sorted(os.sched_getaffinity(0))
SERVER, CLIENT = CORES[0], CORES[-1]
QUIET = {
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")},
    "UVICORN_ACCESS_LOG": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "true",
}


@dataclass
class Bench:
    """What the run has made so far."""

    scratch: Path
    homes: Path  # where the peers are installed
    fitted: Path | None = None  # a run of before, instead of a new one
    auc: dict[str, float] = field(default_factory=dict)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)  # why a server has no figures
    running: dict[str, Process] = field(default_factory=dict)

    def stop(self) -> None:
        for process in self.running.values():
            process.stop()


def write_rows(bench: Bench, asked: Sequence[Peer] = PEERS) -> None:
    rows(20_000).write_csv(bench.scratch / "rows.csv")
    rows(5_000, seed=2).write_csv(bench.scratch / "test.csv")
    bodies = [json.dumps(row).encode() for row in rows(1_000, seed=1).drop("label").to_dicts()]
    for peer in asked:
        lines = b"\n".join(peer.body.replace(b"%b", body) for body in bodies)
        (bench.scratch / f"{peer.name}.jsonl").write_bytes(lines)


def fit_bundle(bench: Bench) -> dict[str, Any]:
    """Our bundle, and the knobs of its forest."""
    out = bench.scratch / "run"
    if bench.fitted is not None:
        run = plimsoll.Run.open(Path(shutil.copytree(bench.fitted, out)))
    else:
        frame, test = rows(20_000), rows(5_000, seed=2)
        run = plimsoll.fit(frame, predict="label", test=test, recipes=["trees"], limits="train < 60 s", out=out)
    if run.chosen["recipe"] != "trees":
        raise SystemExit("No forest was fitted in a minute: the machine is too busy for a comparison.")
    bench.auc["plimsoll"] = run.record["test"]["value"]
    return dict(run.chosen["knobs"])


def trees(bench: Bench) -> int:
    """How many trees the bundle's forest has."""
    node = onnx.load(bench.scratch / "run" / "bundle" / "trees.onnx").graph.node[0]
    return int(max(next(each for each in node.attribute if each.name == "target_treeids").ints)) + 1


def install(bench: Bench, home: str) -> None:
    """The environment of some peers, made once. Raises CannotRun."""
    if home not in bench.versions:
        bench.versions[home] = peers.versions(peers.install(home, bench.homes))


def train_peer(bench: Bench, home: str) -> None:
    """The peers' model, trained in their environment, once. Raises CannotRun."""
    if home in bench.auc:
        return
    files = [str(bench.scratch / name) for name in ("rows.csv", "test.csv", home)]
    python = bench.homes / home / "bin" / "python"
    told = peers.run([str(python), str(APPS / "train.py"), *files], f"{home} did not train")
    bench.auc[home] = float(told.split()[-1])


def begin(bench: Bench, peer: Peer) -> Process:
    """The peer's server, once it has answered. Raises CannotRun."""
    if peer.home:
        install(bench, peer.home)
    if not peer.ours:
        train_peer(bench, peer.home)
    port, place = free_port(), bench.homes / peer.home / "bin"
    model, bundle = bench.scratch / peer.home, bench.scratch / "run" / "bundle"
    words = {"bin": place, "apps": APPS, "port": port, "model": model, "bundle": bundle, "python": sys.executable}
    env = {**os.environ, **QUIET, "BENCH_MODEL": str(model / "model.joblib"), "BENCH_BUNDLE": str(bundle)}
    env["PATH"] = f"{place}:{env['PATH']}"  # MLflow looks for uvicorn there
    env["PYTHONPATH"] = str(Path(plimsoll.__file__).parents[1])  # where fastapi-bundle finds plimsoll
    env["BENTOML_HOME"] = str(bench.scratch / "bentoml-home")
    log = bench.scratch / f"{peer.name}.log"
    body = (bench.scratch / f"{peer.name}.jsonl").read_bytes().split(b"\n", 1)[0]
    return ready(start([word.format(**words) for word in peer.command], env, SERVER, log), port, log, peer.path, body)


def begin_all(bench: Bench, chosen: list[Peer]) -> None:
    for peer in chosen:
        print(f"Starting {peer.name}", file=sys.stderr)
        try:
            bench.running[peer.name] = begin(bench, peer)
        except CannotRun as why:
            bench.absent[peer.name] = str(why)


def ask(bench: Bench, peer: Peer, connections: int, seconds: float) -> dict[str, float]:
    """One window of requests. Raises CannotRun."""
    process, bodies = bench.running[peer.name], bench.scratch / f"{peer.name}.jsonl"
    words = [process.port, peer.path, bodies, connections, seconds, CLIENT]
    cpu = process.cpu()
    told = peers.run([sys.executable, str(APPS / "load.py"), *map(str, words)], f"asked over {connections}")
    figures: dict[str, float] = json.loads(told)
    return {**figures, "server_cpu_us": (process.cpu() - cpu) / figures["with_warm"] * 1e6}


def one_round(bench: Bench, chosen: list[Peer], seconds: float) -> dict[str, Any]:
    """Every server that runs, in turn."""
    found: dict[str, Any] = {"busy": machine.others_busy(0.5)}
    for peer in chosen:
        if peer.name in bench.absent:
            continue
        try:
            found[peer.name] = {str(count): ask(bench, peer, count, seconds) for count in CONNECTIONS}
        except CannotRun as why:
            bench.absent[peer.name] = str(why)
    return found


def results(bench: Bench, chosen: Sequence[Peer], found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the rounds come to, for each server that ran through all of them."""
    told = {}
    for name in (peer.name for peer in chosen if peer.name not in bench.absent):
        process = bench.running[name]
        asked = {str(count): page.summary(name, found, str(count)) for count in CONNECTIONS}
        told[name] = {"asked": asked, "pss": process.memory(), "start": process.seconds}
    return told


def add_places(parser: argparse.ArgumentParser) -> None:
    home = Path.home() / ".cache" / "plimsoll-bench"
    parser.add_argument("--peers", type=Path, default=home, metavar="DIR", help="where they are installed")
    parser.add_argument(
        "--run", type=Path, metavar="DIR", help="serve this run of fit; else one is fitted, in a minute"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="plimsoll serve beside other servers, one row at a time")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="of each window")
    parser.add_argument("--only", default="", metavar="NAME,...", help=", ".join(peer.name for peer in PEERS))
    add_places(parser)
    given = parser.parse_args()
    names = [peer.name for peer in PEERS]
    given.only = given.only.split(",") if given.only else names
    if unknown := [name for name in given.only if name not in names]:
        parser.error(f"there is no {unknown[0]}. There are: {', '.join(names)}")
    return given


def measure(bench: Bench, chosen: list[Peer], given: argparse.Namespace) -> dict[str, Any]:
    """The whole record."""
    write_rows(bench)
    knobs = fit_bundle(bench)
    begin_all(bench, chosen)
    found = [one_round(bench, chosen, given.seconds) for _ in range(given.rounds)]
    return {
        "machine": machine.card(),
        "cores": {"servers": SERVER, "client": CLIENT},
        "versions": {"plimsoll": machine.versions(), **bench.versions},
        "auc": bench.auc,
        "knobs": knobs,
        "trees": trees(bench),
        "connections": CONNECTIONS,
        "seconds": given.seconds,
        "absent": bench.absent,
        "results": results(bench, chosen, found),
        "rounds": found,
    }


def main() -> None:
    given = arguments()
    chosen = [peer for peer in PEERS if peer.name in given.only]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.peers, given.run)
        try:
            record = measure(bench, chosen, given)
        finally:
            bench.stop()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "http.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / "http.md").write_text(page.page(record, chosen))
    print(page.tables(record, chosen))


if __name__ == "__main__":
    main()
