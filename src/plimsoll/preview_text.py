"""A plan as it is told in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from plimsoll import units
from plimsoll.knobs import Value
from plimsoll.limits import COSTS
from plimsoll.outlook import DOES_NOT, FITS, MAY
from plimsoll.preview import Plan
from plimsoll.price import Verdict

_MARKS = {FITS: "✓", MAY: "?", DOES_NOT: "✗"}
_SHOWN = ("cpu", "train_memory", "size", "p50", "memory")
_MOST_KNOBS = 34  # characters of settings in a line


def lines(plan: Plan, width: int = 100) -> list[str]:
    """The verdicts as a table, then what the run takes, the price of each limit, and the goal."""
    told = [f"{plan.rows:,} rows to learn from · {plan.machine} · intervals hold nine times in ten", ""]
    told += _table(plan.verdicts)
    reasons = [line for each in plan.verdicts if each.verdict != FITS for line in _why(each)]
    told += ["", *dict.fromkeys(reasons)] if reasons else []
    told += ["", *_run(plan)]
    told += [line for text in (*plan.prices, plan.even) if text for line in _wrapped(text, width)]
    told += [f"{name} does not apply: {why}." for name, why in plan.refused.items()]
    if plan.goal is not None:
        told += ["", *_wrapped(plan.goal.text, width)]
    told += [line for text in plan.warnings for line in _wrapped(f"! {text}", width)]
    return [line[:width] for line in told]


def _table(found: Sequence[Verdict]) -> list[str]:
    head = ["", "recipe", "settings", *_SHOWN]
    rows = [head]
    for each in found:
        figures = each.step.predicted.figures
        cells = [_interval(figures.get(name), COSTS[name]) for name in _SHOWN]
        rows.append([_MARKS[each.verdict], each.step.recipe, _settings(each, found), *cells])
    sizes = [max(len(row[k]) for row in rows) for k in range(len(head))]
    return ["  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip() for row in rows]


def _settings(each: Verdict, found: Sequence[Verdict]) -> str:
    """What a candidate has otherwise than its recipe's default."""
    plain: Mapping[str, Value] = next(
        (
            other.step.knobs
            for other in found
            if other.step.recipe == each.step.recipe and other.step.stage == "default"
        ),
        {},
    )
    changed = [f"{name} {value}" for name, value in each.step.knobs.items() if plain.get(name) != value]
    text = ", ".join(changed) or "default"
    return text if len(text) <= _MOST_KNOBS else text[: _MOST_KNOBS - 1] + "…"


def _interval(figure: tuple[float, float, float] | None, dimension: str) -> str:
    """
    >>> _interval((0.011, 0.012, 0.014), units.TIME), _interval((0.5, 1.0, 2.0), units.TIME), _interval(None, units.TIME)
    ('11–14 ms', '500 ms–2 s', '?')
    """
    if figure is None or figure[2] == float("inf"):
        return "?"
    low, high = (units.show(float(f"{part:.2g}"), dimension) for part in (figure[0], figure[2]))
    number, unit = low.split(" ")
    return (
        f"{number}–{high}"
        if high.endswith(f" {unit}") and number != high.split(" ")[0]
        else f"{low}–{high}"
        if low != high
        else low
    )


def _why(each: Verdict) -> list[str]:
    named = f"{_MARKS[each.verdict]} {each.step.recipe}"
    rows = f"; the largest row count that fits is {each.rows:,}" if each.rows else ""
    word = "may not fit" if each.verdict == MAY else "does not fit"
    return [f"{named} {word}: {'; '.join(each.reasons)}{rows}"]


def _run(plan: Plan) -> list[str]:
    figures = plan.run.figures
    parts = [f"{_interval(figures[name], COSTS[name])}{word}" for name, word in (("train", ""), ("cpu", " of cores"))]
    joules = _interval(figures["energy"], units.ENERGY)
    return [
        f"The run: {plan.trials} candidates from the defaults and the portfolio, {', '.join(parts)}, {joules} estimated."
    ]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ")
