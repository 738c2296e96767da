"""One event over HTTP with the policy on: ``plimsoll serve --policy`` beside FastAPI with the same rules written by hand.

    python benchmarks/decide_over_http.py [--rounds 5] [--seconds 3] [--run DIR] [--peers DIR]

The events are the rows of ``one_row.py``; before the model stand the ten rules of ``peers_http/policy.toml``. Each server
has one worker and is asked for one event at a time, ``POST /decide`` and JSON, over 1 and over 16 connections in a closed
loop; rounds, cores and the client are those of ``over_http.py``, and so is the environment of FastAPI. Five rounds take
three minutes, of which one is for fitting. Linux only.

Fair: all score with the very same bundle, in process; FastAPI's handlers are ``async``, hand back a finished response
and apply rules that are plain ``if`` statements, which is as quick as Python is; before the clock runs, every server must
give the same decisions on all of the events, with the same reasons and scores, or the run ends. ``fastapi-decide`` checks
its row with pydantic, as FastAPI is meant to be used; ``fastapi-decide-raw`` gives that up and reads and writes with
msgspec, as our server does.

Not fair: rules by hand have no name of their version, no check against the schema, no breaker and no backtest; a missing
value ends in an error there. Our answer is of the same fields, without records: those that keep decisions have no
counterpart here. Ours is told to promise 50 ms, for a loop of 16 that refuses nobody is asked of all. Over 16 connections our server answers those of one turn of its loop together.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import over_http
from over_http import CLIENT, CONNECTIONS, RESULTS, SERVER, Bench
from peers_http import page, peers
from peers_http.peers import Peer
from peers_http.process import post

from plimsoll import machine

_SERVE = ("{python}", "-m", "plimsoll", "serve", "{bundle}", "--port", "{port}")
_OURS = (*_SERVE, "--policy", "{apps}/policy.toml", "--p99", "50 ms")
CHOSEN = [
    Peer("plimsoll", "plimsoll serve --policy", "", _OURS, "/decide", ours=True),
    Peer(
        "fastapi-decide-raw",
        "FastAPI, raw body, rules by hand",
        "fastapi",
        peers.uvicorn("fastapi_decide_raw"),
        "/decide",
        ours=True,
    ),
    Peer(
        "fastapi-decide",
        "FastAPI, pydantic row, rules by hand",
        "fastapi",
        peers.uvicorn("fastapi_decide"),
        "/decide",
        ours=True,
    ),
]


def outcomes(bench: Bench) -> dict[str, int]:
    """How often each is decided. Ends the run where two servers decide an event differently."""
    bodies = (bench.scratch / "plimsoll.jsonl").read_bytes().splitlines()
    asked = {name: [_decided(each.port, body) for body in bodies] for name, each in bench.running.items()}
    for name, decisions in asked.items():
        for body, one, ours in zip(bodies, decisions, asked["plimsoll"], strict=True):
            if one != ours:
                raise SystemExit(f"{name} decides {body.decode()} differently: {one}, not {ours}.")
    said = [each["outcome"] for each in asked["plimsoll"]]
    return {outcome: said.count(outcome) for outcome in dict.fromkeys(said)}


def _decided(port: int, body: bytes) -> dict[str, Any]:
    status, answer = post(port, "/decide", body)
    if status != 200:
        raise SystemExit(f"A server answered {status}: {answer[:200]!r}.")
    return dict(json.loads(answer))


def measure(bench: Bench, rounds: int, seconds: float) -> dict[str, Any]:
    """The whole record."""
    over_http.write_rows(bench, CHOSEN)
    over_http.fit_bundle(bench)
    over_http.begin_all(bench, CHOSEN)
    decided = outcomes(bench)
    found = [over_http.one_round(bench, CHOSEN, seconds) for _ in range(rounds)]
    return {
        "machine": machine.card(),
        "cores": {"servers": SERVER, "client": CLIENT},
        "versions": {"plimsoll": machine.versions(), **bench.versions},
        "auc": bench.auc,
        "trees": over_http.trees(bench),
        "decided": decided,
        "connections": CONNECTIONS,
        "seconds": seconds,
        "absent": bench.absent,
        "results": over_http.results(bench, CHOSEN, found),
        "rounds": found,
    }


def text(record: Mapping[str, Any]) -> str:
    card, rounds = record["machine"], record["rounds"]
    decided = ", ".join(f"{outcome} {count}" for outcome, count in record["decided"].items())
    return (
        f"# One decision over HTTP\n\n{page.tables(record, CHOSEN)}\n\n"
        f"{card['processor']}, {card['cores']} cores, Python {card['python']}. {page.conditions(record)} Ten rules and "
        f"the same bundle of {record['trees']} trees everywhere; of {sum(record['decided'].values())} events: {decided}; "
        f"all servers decided them alike. Medians of {len(rounds)} rounds, a ratio is the median of each round's own. "
        "What is fair about this and what is not: `benchmarks/decide_over_http.py`.\n"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="plimsoll serve --policy beside FastAPI, one event at a time")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="of each window")
    over_http.add_places(parser)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.peers, given.run)
        try:
            record = measure(bench, given.rounds, given.seconds)
        finally:
            bench.stop()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "http_policy.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / "http_policy.md").write_text(text(record))
    print(page.tables(record, CHOSEN), file=sys.stdout)


if __name__ == "__main__":
    main()
