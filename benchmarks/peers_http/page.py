"""The figures as people read them: medians, ratios and the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

from peers_http.peers import Peer

Cells = Callable[[Peer, Mapping[str, Any]], list[str]]  # a server and its figures, as a row
KEPT = ("rps", "p50_us", "p99_us", "server_cpu_us", "client_busy")


def summary(name: str, rounds: Sequence[Mapping[str, Any]], count: str) -> dict[str, float]:
    """Medians of the rounds, and how many times as many requests ours answered in each."""
    each = [found[name][count] for found in rounds]
    ours = [found["plimsoll"][count]["rps"] / found[name][count]["rps"] for found in rounds if "plimsoll" in found]
    medians = {key: median(one[key] for one in each) for key in KEPT}
    return {**medians, **({"plimsoll_times": median(ours)} if ours else {})}


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    first = "| " + " | ".join(head) + " |"
    rest = ["| " + " | ".join(cells) + " |" for cells in lines]
    return "\n".join([first, "|---" + "|---:" * (len(head) - 1) + "|", *rest])


def _speed(count: str, _: Peer, server: Mapping[str, Any]) -> list[str]:
    found = server["asked"][count]
    times = f"{found['plimsoll_times']:.1f} ×" if "plimsoll_times" in found else ""
    micro = [f"{found[key]:,.0f} µs" for key in ("p50_us", "p99_us", "server_cpu_us")]
    return [f"{found['rps']:,.0f}", times, *micro]


def _weight(found: Mapping[str, Any], auc: Mapping[str, float], peer: Peer) -> list[str]:
    return [
        f"{found['pss'] / 1e6:.0f} MB",
        f"{found['start']:.1f} s",
        f"{auc['plimsoll' if peer.ours else peer.home]:.3f}",
    ]


def _rows(record: Mapping[str, Any], chosen: Sequence[Peer], width: int, cells: Cells) -> list[list[str]]:
    """A row for every server; one without figures says why."""
    lines = []
    for peer in chosen:
        why = record["absent"].get(peer.name)
        missing = [f"none: {(why or '').replace('|', '/')}", *[""] * (width - 1)]
        lines.append([peer.what, *(missing if why is not None else cells(peer, record["results"][peer.name]))])
    return lines


def tables(record: Mapping[str, Any], chosen: Sequence[Peer]) -> str:
    parts = []
    for count in record["connections"]:
        head = [
            f"{count} connection{'s' * (count > 1)}",
            "requests/s",
            "plimsoll answers",
            "p50",
            "p99",
            "CPU a request",
        ]
        parts.append(_table(head, _rows(record, chosen, 5, partial(_speed, str(count)))))
    weights = _rows(record, chosen, 3, lambda peer, found: _weight(found, record["auc"], peer))
    parts.append(_table(["one server", "memory", "start", "AUC of its model"], weights))
    return "\n\n".join(parts)


def conditions(record: Mapping[str, Any]) -> str:
    """Where servers and client ran, and how busy the machine was."""
    clients = [each["client_busy"] for found in record["results"].values() for each in found["asked"].values()]
    busy = max(found["busy"] or 0.0 for found in record["rounds"])
    return (
        f"Windows of {record['seconds']:g} s; one worker each, servers on core {record['cores']['servers']}, the client on "
        f"core {record['cores']['client']}, which it kept {max(clients, default=0):.0%} busy at most. Before a round "
        f"others used {busy:.0%} of the cores at most."
    )


def page(record: Mapping[str, Any], chosen: Sequence[Peer]) -> str:
    """The tables, and how the figures came about."""
    card, rounds = record["machine"], record["rounds"]
    return (
        f"# One row over HTTP\n\n{tables(record, chosen)}\n\n"
        f"{card['processor']}, {card['cores']} cores, Python {card['python']}. Medians of {len(rounds)} rounds. "
        f"{conditions(record)} Our bundle holds {record['trees']} trees, the peers' model 300. "
        "CPU is the time of all of a server's processes, memory their PSS, start the time to the first answer. "
        "What is fair about this and what is not: `benchmarks/over_http.py`.\n"
    )
