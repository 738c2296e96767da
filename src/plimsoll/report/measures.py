"""Measures of several models side by side: a row for each measure, a column for each model, and under each figure its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plimsoll.report.list_words import percent
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.tables import breakable, number, table

Figures = Mapping[str, Sequence[float]]  # (low, value, high) by the measure's name


def beside(caption: str, models: Mapping[str, Figures], hues: Mapping[str, str], note: Markup | None = None) -> Markup:
    """The table; ``note`` stands beside the name of each model."""
    heads = [
        ("", False),
        *((join(tag("span", breakable(name), class_=f"inked {hues.get(name, '')}"), note), True) for name in models),
    ]
    names = dict.fromkeys(name for figures in models.values() for name in figures)
    rows = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            *(figure(figures.get(name), name) for figures in models.values()),
        )
        for name in names
    ]
    return table(caption, heads, rows)


def figure(told: Sequence[float] | None, name: str = "") -> Markup:
    """A figure over its interval; coverage in %, as it may be small, and bits to two places."""
    if told is None:
        return number("–")
    kind = name.partition("@")[0]
    low, value, high = (
        percent(each) if kind == "coverage" else f"{each:.{2 if kind == 'novelty' else 3}f}" for each in told
    )
    unit = " %" if kind == "coverage" else ""
    interval = tag("small", f"{low}–{high}{unit}") if low != high else None
    return number(join(f"{value}{unit}", interval), told[1])
