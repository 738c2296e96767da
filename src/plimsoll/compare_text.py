"""A comparison in lines for a terminal: the table, the pairs, and what must be known to read them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll import units
from plimsoll.printed import columns, printable

Record = Mapping[str, Any]
_COSTS = {"p99": units.TIME, "size": units.BYTES}
_MOST = 15  # pairs that are shown


def lines(record: Record, width: int = 120) -> list[str]:
    """Lines without control characters; words wrap at ``width``, tables do not."""
    parts = [
        [head(record)],
        _table(record),
        _verdict(record),
        _pairs(record),
        _failed(record),
        [*record["notes"], *record["warnings"]],
    ]
    wrapped: list[str] = []
    for number, part in enumerate(part for part in parts if part):
        wrapped += [""] if number else []
        for line in part:
            tabled = line.startswith("  ")
            wrapped += [line] if tabled else textwrap.wrap(line, width, subsequent_indent="  ")
    return [printable(line) for line in wrapped]


def head(record: Record) -> str:
    """What was compared, and how."""
    seeds, folds = len(record["seeds"]), len({each["fold"] for each in record["rounds"]})
    job = record["job"]
    what = "decoding" if "moments" in job else "predicting"
    parted = f"{folds} folds" if folds > 1 else "the job's test rows"
    tested = f"{len(record['compared'])} units ({record['unit']})"
    return (
        f"{what.capitalize()} {job['predict']}: {record['metric']} over {tested}; {seeds} seed{'s' * (seeds != 1)}, {parted}, "
        f"{record['budget']['text']} for each tuning."
    )


def figure(value: float | None, metric: str, signed: bool = False) -> str:
    """A score, or a difference of scores, to the digits that are worth reading.

    >>> figure(0.70731, "macro_f1"), figure(-0.01, "macro_f1", signed=True), figure(45746.2, "rmse")
    ('0.707', '−0.010', '45,746')
    """
    if value is None:
        return "–"
    digits = 3 if metric not in ("rmse", "mae") or abs(value) < 1 else 2 if abs(value) < 100 else 0
    return f"{value:{'+' if signed else ''},.{digits}f}".replace("-", "−")


def p_text(p: float) -> str:
    """
    >>> p_text(0.00196), p_text(0.0000001), p_text(1.0)
    ('.0020', '<.0001', '1')
    """
    if p < 0.0001:
        return "<.0001"
    return "1" if p >= 0.9995 else (f"{p:.4f}" if p < 0.01 else f"{p:.3f}")[1:]


def bounds(pair: Record, metric: str) -> str:
    """The interval of a difference; nothing where there are too few units for one."""
    if pair["low"] is None:
        return "–"
    return f"{figure(pair['low'], metric, True)} to {figure(pair['high'], metric, True)}"


def _table(record: Record) -> list[str]:
    metric = record["metric"]
    table = [["approach", "rank", "mean", "worst", "", "± seeds", "p99", "size", "tuning"]]
    for row in record["table"]:
        costs = [_cost(row, name) for name in _COSTS]
        scores = [figure(row["mean"], metric), figure(row["worst"]["score"], metric), f"({row['worst']['unit']})"]
        table.append(
            [row["name"], f"{row['rank']:.2f}", *scores, figure(row["spread"], metric), *costs, units.show(row["tuning"], units.TIME)]
        )  # fmt: skip
    return [f"  {line}" for line in columns(table)]


def _cost(row: Record, name: str) -> str:
    found = row["measured"].get(name)
    over = any(breach.startswith(f"{name} ") for breach in row["breaches"])
    return "–" if found is None else f"{units.show(found, _COSTS[name])}{' ✗' if over else ''}"


def verdict(record: Record) -> str:
    """The sentence that the figures come to.

    The approach of the best mean rank, and which of the others are not told apart from it.
    """
    names = [row["name"] for row in record["table"]]
    first = names[0]
    near = [
        pair["other"] if pair["one"] == first else pair["one"]
        for pair in record["contest"]["pairs"]
        if first in (pair["one"], pair["other"]) and not pair["apart"]
    ]
    rest = [name for name in names[1:] if name not in near]
    if not near:
        return f"{first} is better than {listed(rest)}: told apart at 5 % after correction."
    if not rest:
        return f"No approach is told apart from {first}, which has the best mean rank."
    return f"{first} has the best mean rank. It is told apart from {listed(rest)}, and not from {listed(near)}."


def listed(names: Sequence[str]) -> str:
    """
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _verdict(record: Record) -> list[str]:
    friedman = record["contest"]["friedman"]
    over_all = [] if friedman is None else [f"Friedman's test over all: p {p_text(friedman['p'])}."]
    return [verdict(record), *over_all]


def _pairs(record: Record) -> list[str]:
    metric, pairs = record["metric"], record["contest"]["pairs"]
    table = [["pair", "better by", "95 %", "won–lost", "p", "Holm", "r", "d_z", ""]]
    for pair in pairs[:_MOST]:
        won = f"{pair['wins']}–{pair['losses']}"
        size = "–" if pair["d_z"] is None else f"{pair['d_z']:.2f}"
        told = [
            figure(pair["difference"], metric, True),
            bounds(pair, metric),
            won,
            p_text(pair["p"]),
            p_text(pair["adjusted"]),
        ]
        table.append([f"{pair['one']} / {pair['other']}", *told, f"{pair['rank_biserial']:.2f}", size, "apart" if pair["apart"] else "not apart"])  # fmt: skip
    more = [f"… and {len(pairs) - _MOST} more pairs, on the page."] if len(pairs) > _MOST else []
    return [*(f"  {line}" for line in columns(table)), *more]


def _failed(record: Record) -> list[str]:
    return [f"{name} is in no test: it {why}." for name, why in record["failed"].items()]
