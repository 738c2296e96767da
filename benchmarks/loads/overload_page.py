"""The figures of ``overload.py`` as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from peers_http.peers import Peer

LATE = 0.01  # above this share of late requests, a window speaks of the client


def tables(record: Mapping[str, Any], chosen: Sequence[Peer]) -> str:
    """One table for every load."""
    return "\n\n".join(_table(record, chosen, load) for load in map(str, record["loads"]))


def _table(record: Mapping[str, Any], chosen: Sequence[Peer], load: str) -> str:
    heads = ["goodput", "p50", "p99", "to the unloaded p99", "refused", "told in", "gave up", "broken"]
    lines = [f"| {float(load):g} × capacity | capacity | " + " | ".join(heads) + " |", "|---" + "|---:" * 9 + "|"]
    for peer in chosen:
        if (why := record["absent"].get(peer.name)) is not None:
            cells = [f"none: {why.replace('|', '/')}", *[""] * 8]
        else:
            found = record["results"][peer.name]
            cells = [f"{found['capacity']:,.0f}/s", *_cells(found[load])]
        lines.append(f"| {peer.what} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cells(found: Mapping[str, Any]) -> list[str]:
    times = f"{found['times']:.1f} ×" if found["times"] is not None else "–"
    mark = " (client late)" if found["behind"] > LATE else ""
    shares = [f"{found[name]:.1%}" for name in ("timeout", "broken")]
    return [
        f"{found['share']:.0%}{mark}",
        _ms(found["p50"]),
        _ms(found["p99"]),
        times,
        f"{found['refused']:.1%}",
        _ms(found["refused_p50"]),
        *shares,
    ]


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1e3:,.1f} ms"


def page(record: Mapping[str, Any], chosen: Sequence[Peer]) -> str:
    card, rounds, results = record["machine"], record["rounds"], record["results"]
    windows = [results[name][load] for name in results for load in map(str, record["loads"])]
    busy = max((one["busy"] or 0.0 for found in rounds for one in found.values()), default=0.0)
    alone = ", ".join(
        f"{peer.what} {_ms(results[peer.name]['unloaded']['p99'])}" for peer in chosen if peer.name in results
    )
    return (
        f"# More requests than can be answered\n\n{tables(record, chosen)}\n\n"
        f"Requests of {record['rows']} rows, due at random whether or not earlier ones were answered; goodput are 200s a "
        f"second as a share of the server's own capacity, times are from when a request was due to its answer, the client "
        f"gives up after two seconds. Ours promised an answer within {record['promise']}. Unloaded p99: {alone}. "
        f"{card['processor']}, {card['cores']} cores, Python {card['python']}; medians of {len(rounds)} rounds, windows "
        f"of {record['seconds']:g} s; servers on core {record['cores']['servers']}, the client on core "
        f"{record['cores']['client']}, where it was late by more than a millisecond with at most "
        f"{max((each['behind'] for each in windows), default=0):.1%} of the requests of a window. Before a round others "
        f"used {busy:.0%} of the cores at most. What is fair about this and what is not: `benchmarks/overload.py`.\n"
    )
