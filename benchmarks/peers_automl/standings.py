"""Who stands where over many sets: mean ranks, and Plimsoll against each of the others, as tables and as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from peers_automl import compare
from peers_automl.compare import Interval, Result, Versus
from peers_automl.lines import Line, contenders, entered, results, windows
from peers_automl.sets import SETS
from peers_automl.systems import SYSTEMS

OURS = "plimsoll"
GROUPS: dict[str, Callable[[str], bool]] = {
    "all sets": lambda name: True,
    "the sets in view while Plimsoll was built": lambda name: SETS[name].seen,
    "the others": lambda name: not SETS[name].seen,
}


def summary(found: Sequence[Line]) -> list[str]:
    """For each group of sets, the mean ranks in each window and Plimsoll against each of the others."""
    parts = []
    for title, belongs in GROUPS.items():
        here = [line for line in found if belongs(line["set"])]
        if here and (title == "all sets" or len(here) < len(found)):
            parts += [f"### Over {title}", mean_ranks(here), pairs(here)]
    return parts


def mean_ranks(found: Sequence[Line]) -> str:
    names = contenders(found)
    rows = []
    for seconds, here in windows(found).items():
        means = compare.mean_ranks(results(entered(here)))
        most_sets = max((count for _, count in means.values()), default=0)
        rows.append([f"{seconds:g} s", str(most_sets), *(mean(means.get(name), most_sets) for name in names)])
    return table(["mean rank", "sets", *(SYSTEMS[name].what for name in names)], rows)


def mean(found: tuple[float, int] | None, sets: int) -> str:
    """A mean rank, with the number of sets where these are fewer than others have."""
    if found is None:
        return "–"
    return f"{found[0]:.2f}" + (f" (on {found[1]})" if found[1] < sets else "")


def pairs(found: Sequence[Line]) -> str:
    head = [
        "Plimsoll against",
        "window",
        "sets",
        "wins, ties, losses",
        "difference of ranks (95 %)",
        "ratio of losses (95 %)",
    ]
    rows = []
    for seconds, here in windows(found).items():
        for each in against(results(entered(here)), contenders(here)):
            counts = f"{each.wins}, {each.ties}, {each.losses}"
            ratio = interval(each.log_ratio, lambda value: f"{math.exp(value):.3f}")
            rank = interval(each.rank, lambda value: f"{value:+.2f}")
            rows.append([SYSTEMS[each.other].what, f"{seconds:g} s", str(each.sets), counts, rank, ratio])
    return table(head, rows)


def against(found: Sequence[Result], names: Iterable[str]) -> list[Versus]:
    """Ours against each of the others."""
    return [compare.versus(found, OURS, name) for name in names if name != OURS] if found else []


def interval(found: Interval, form: Callable[[float], str]) -> str:
    if math.isnan(found.mean):
        return "–"
    ends = "" if math.isnan(found.low) else f" ({form(found.low)} to {form(found.high)})"
    return form(found.mean) + ends


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """
    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows)])


def numbers(found: Sequence[Line]) -> list[dict[str, Any]]:
    """The same for JSON: each window over each group of sets; what is not known is null."""
    told: list[dict[str, Any]] = []
    for seconds, here in windows(found).items():
        for title, belongs in GROUPS.items():
            ranked = results(entered([line for line in here if belongs(line["set"])]))
            means = compare.mean_ranks(ranked)
            told.append(
                {
                    "seconds": seconds,
                    "over": title,
                    "ranks": compare.set_ranks(ranked),
                    "mean_ranks": {name: {"mean": rank, "sets": sets} for name, (rank, sets) in means.items()},
                    "plimsoll_against": [asdict(each) for each in against(ranked, contenders(here))],
                }
            )
    known: list[dict[str, Any]] = plain(told)
    return known


def plain(value: Any) -> Any:
    """The same without nan, which JSON has not."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
