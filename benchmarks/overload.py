"""More requests than a server can answer: what it still answers, how soon, and what the others are told.

    python benchmarks/overload.py [--rounds 3] [--seconds 8] [--only plimsoll,fastapi] [--run DIR] [--peers DIR]

Requests of 200 rows, the same for all. First each server's capacity is measured: the most 200s a second that it gives a
closed loop over 1, 4 or 8 connections. Then requests fall due at random (Poisson) at a tenth of that, for the unloaded
p99, and at 0.5, 1, 2 and 5 times that, whether or not earlier ones were answered. Goodput are 200s a second, as a share of
the server's *own* capacity; times are counted from when a request was due; the client gives up after two seconds. Rounds
are interleaved; figures are medians of the rounds. Three rounds of six servers take half an hour. Linux only.

Fair: cores, threads, environments and the model are those of ``over_http.py``; handlers hand over finished answers. Ours
states its promise (``--p99``: a request is answered within that time, or told at once that it cannot be); FastAPI and
BentoML run as they come, without a limit, and again with the limit that they can be given, 16 (connections for uvicorn,
requests for BentoML), and with handlers in a thread, so that their loops are free to refuse. The client never waits for
anybody: up to 1,000 connections are opened as they are needed, and a window in which the client itself was late with more
than one request in a hundred is marked.

Not fair: the bundle's forest and the peers' differ in size, but each is held against itself. LitServe and BentoML run
several processes, here on one core. A client on the same machine sends over the loopback, which costs the server's core
the reading of every request that is refused, as it would anywhere, and of the network nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import over_http
from loads import overload_page
from one_row import rows
from over_http import CLIENT, RESULTS, SERVER, Bench
from peers_http import peers
from peers_http.peers import CannotRun, Peer

from plimsoll import machine

ROWS, BODIES = 200, 20
LOADS = (0.5, 1.0, 2.0, 5.0)
UNLOADED, LEAST, LONGEST = 0.1, 600, 60.0  # load, requests that its p99 is taken of, seconds that they may take
PROMISE = "10 ms"
APPS, OPEN = peers.APPS, Path(__file__).parent / "loads" / "open_loop.py"
_OURS = ("{python}", "-m", "plimsoll", "serve", "{bundle}", "--port", "{port}", "--p99", PROMISE)
_BENTOML = ("{bin}/bentoml", "serve", "bentoml_rows:Service", "--working-dir", "{apps}", "--host", "127.0.0.1")
_LIMITED = ("--limit-concurrency", "16")
CHOSEN = (
    Peer("plimsoll", "plimsoll serve", "", _OURS, ours=True),
    Peer("fastapi", "FastAPI", "fastapi", peers.uvicorn("fastapi_rows")),
    Peer(
        "fastapi-limited",
        "FastAPI, 16 connections at most",
        "fastapi",
        ("/usr/bin/env", "BENCH_MOST=16", *peers.uvicorn("fastapi_rows"), *_LIMITED),
    ),
    Peer("litserve", "LitServe", "litserve", ("{bin}/python", "{apps}/litserve_rows.py", "{port}")),
    Peer("bentoml", "BentoML", "bentoml", (*_BENTOML, "--port", "{port}")),
    Peer(
        "bentoml-limited",
        "BentoML, 16 requests at most",
        "bentoml",
        ("/usr/bin/env", "BENCH_MOST=16", *_BENTOML, "--port", "{port}"),
    ),
)


def write_requests(bench: Bench, chosen: Sequence[Peer]) -> None:
    """The rows that models are fitted on, and requests of many rows for every server."""
    over_http.write_rows(bench, ())
    cells = rows(ROWS * BODIES, seed=1).drop("label").to_dicts()
    bodies = [json.dumps({"rows": cells[place : place + ROWS]}) for place in range(0, len(cells), ROWS)]
    for peer in chosen:
        (bench.scratch / f"{peer.name}.jsonl").write_text("\n".join(bodies))


def arrive(bench: Bench, peer: Peer, rate: float, seconds: float, seed: int) -> dict[str, Any]:
    """One window of requests that fall due so often. Raises CannotRun where an answer is not what was asked for."""
    process, bodies = bench.running[peer.name], bench.scratch / f"{peer.name}.jsonl"
    words = [process.port, peer.path, bodies, rate, seconds, CLIENT, seed]
    cpu = process.cpu()
    told: dict[str, Any] = json.loads(peers.run([sys.executable, str(OPEN), *map(str, words)], f"asked {rate:.0f}/s"))
    for answer in told.pop("samples"):
        if len(json.loads(answer)) != ROWS:
            raise CannotRun(f"it answered {answer[:80]}")
    return {**told, "server_cpu": process.cpu() - cpu}


def capacity(bench: Bench, peer: Peer, seconds: float) -> float:
    """The most 200s a second of a closed loop."""
    process, bodies = bench.running[peer.name], bench.scratch / f"{peer.name}.jsonl"
    found = []
    for count in (1, 4, 8):
        words = [process.port, peer.path, bodies, count, seconds, CLIENT, "many"]
        told = peers.run([sys.executable, str(APPS / "load.py"), *map(str, words)], f"asked over {count}")
        found.append(json.loads(told)["rps"])
    return max(found)


def one_server(bench: Bench, peer: Peer, seconds: float, seed: int) -> dict[str, Any]:
    """A round of one server: its capacity, alone with few requests, then more and more of them."""
    most = capacity(bench, peer, seconds / 3)
    rate = UNLOADED * most
    found: dict[str, Any] = {"capacity": most, "busy": machine.others_busy(0.5)}
    found["unloaded"] = arrive(bench, peer, rate, max(seconds, min(LEAST / rate, LONGEST)), seed)
    for load in LOADS:
        told = arrive(bench, peer, load * most, seconds, seed)
        told["share"] = told["goodput"] / most
        told["times"] = told["p99"] / found["unloaded"]["p99"] if told["p99"] is not None else None
        found[str(load)] = told
        print(f"{peer.name} {load:g} x {most:.0f}/s: {told['share']:.0%}, {told['times'] or 0:.1f} x", file=sys.stderr)
    return found


def one_round(bench: Bench, chosen: Sequence[Peer], seconds: float, seed: int) -> dict[str, Any]:
    """Every server that runs, in turn."""
    found = {}
    for peer in chosen:
        if peer.name not in bench.absent:
            try:
                found[peer.name] = one_server(bench, peer, seconds, seed)
            except CannotRun as why:
                bench.absent[peer.name] = str(why)
    return found


def middle(rounds: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """Medians of a server's rounds."""
    each = [found[name] for found in rounds]
    told: dict[str, Any] = {"capacity": median(one["capacity"] for one in each)}
    for load in ("unloaded", *map(str, LOADS)):
        windows = [one[load] for one in each]
        told[load] = {key: _middle([window[key] for window in windows]) for key in windows[0] if key != "wrong"}
    return told


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def measure(bench: Bench, chosen: Sequence[Peer], given: argparse.Namespace) -> dict[str, Any]:
    write_requests(bench, chosen)
    over_http.fit_bundle(bench)
    over_http.begin_all(bench, list(chosen))
    rounds = [one_round(bench, chosen, given.seconds, seed) for seed in range(given.rounds)]
    names = [peer.name for peer in chosen if peer.name not in bench.absent]
    return {
        "machine": machine.card(),
        "cores": {"servers": SERVER, "client": CLIENT},
        "versions": {"plimsoll": machine.versions(), **bench.versions},
        "rows": ROWS,
        "promise": PROMISE,
        "loads": LOADS,
        "seconds": given.seconds,
        "absent": bench.absent,
        "results": {name: middle(rounds, name) for name in names},
        "rounds": rounds,
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="plimsoll serve beside other servers, under more than they can answer")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--seconds", type=float, default=8.0, metavar="S", help="of each window")
    parser.add_argument("--only", default="", metavar="NAME,...", help=", ".join(peer.name for peer in CHOSEN))
    over_http.add_places(parser)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    chosen = [peer for peer in CHOSEN if not given.only or peer.name in given.only.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.peers, given.run)
        try:
            record = measure(bench, chosen, given)
        finally:
            bench.stop()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "overload.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / "overload.md").write_text(overload_page.page(record, chosen))
    print(overload_page.tables(record, chosen))


if __name__ == "__main__":
    main()
