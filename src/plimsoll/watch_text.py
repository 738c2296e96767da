"""What is watched, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll.alarms import Told, rule
from plimsoll.drift import Shift
from plimsoll.printed import columns, printable

_SHOWN = 12  # columns; those that have moved least are counted
_NAME = 28


def lines(found: Told) -> list[str]:
    """The verdict, the alarms with their evidence, the metric now, and the columns that have moved most."""
    many = len(found.alarms)
    verdict = "Calm" if not many else "1 alarm" if many == 1 else f"{many} alarms"
    told = [f"{verdict}: {found.rows:,} rows looked at, {found.labels:,} labels."]
    told += [f"  ! {each}" for each in found.alarms]
    told += [f"  {live.words}." for live in (found.score, found.expected) if live is not None]
    if found.answers or found.columns:
        told += ["", *_table([*found.answers, *found.columns[:_SHOWN]], len(found.answers))]
    if (rest := len(found.columns) - _SHOWN) > 0:
        told.append(f"and {rest} columns that have moved less")
    told += ["", rule(), *found.notes]
    return [printable(line) for line in told]


def _table(shifts: Sequence[Shift], answers: int) -> list[str]:
    head = ["  column", "PSI", "chance", "distance", "chance"]
    rows = [head]
    for place, each in enumerate(shifts):
        name = f"{'answer: ' if place < answers else ''}{each.name}"
        shown = name if len(name) <= _NAME else name[: _NAME - 1] + "…"
        figures = (each.psi, each.chance, each.distance, each.distance_by_chance)
        rows.append([f"{'!' if each.alarm else ' '} {shown}", *(f"{figure:.3f}" for figure in figures)])
    return [
        f"{line}  {words}" for line, words in zip(columns(rows), ["", *(each.words for each in shifts)], strict=True)
    ]
