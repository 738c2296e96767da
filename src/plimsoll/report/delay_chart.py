"""The delay of an event by what it is spent on: one bar from the onset to the decision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from plimsoll import units
from plimsoll.report.hues import key
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.scales import Scale, clock_ticks

PARTS = {
    "label": ("label offset", "hue-4"),
    "stride": ("wait for the stride", "hue-2"),
    "window": ("window fills", "hue-0"),
    "votes": ("votes", "hue-1"),
    "compute": ("compute, p99", "hue-3"),
}
_LEFT, _RIGHT, _TOP, _HEIGHT = 8, 470, 30, 26


def delay_chart(events: Mapping[str, Any]) -> Markup | None:
    """An SVG with a key that has each part's time, or None where nothing was found."""
    parts = {name: float(events["delay_parts"][name]) for name in PARTS if name in (events.get("delay_parts") or {})}
    if not parts or not all(map(math.isfinite, parts.values())):
        return None
    marks = {
        name: figure["value"] for name, figure in (events.get("figures") or {}).items() if name.startswith("delay_")
    }
    x = Scale(0.0, max([sum(max(part, 0.0) for part in parts.values()), *marks.values(), 1e-3]) * 1.04, _LEFT, _RIGHT)
    foot = _TOP + _HEIGHT
    drawn = tag(
        "svg",
        *(_tick(tick, x, foot) for tick in clock_ticks(x.high)),
        *_slabs(parts, x),
        *(_mark(name, value, x) for name, value in marks.items()),
        viewBox=f"0 0 480 {foot + 26}",
        class_="chart small wide",
        role="img",
        aria_label=f"Mean delay {units.show(sum(parts.values()), units.TIME)}: {_listed(parts)}",
    )
    keys = (
        key(
            tag("rect", x=4, y=4, width=18, height=12, class_="slab"),
            hue,
            f"{words} {units.show(parts[name], units.TIME)}",
        )
        for name, (words, hue) in PARTS.items()
        if parts.get(name)
    )
    return join(drawn, tag("ul", *keys, class_="legend"))


def _slabs(parts: Mapping[str, float], x: Scale) -> list[Markup]:
    drawn, at = [], 0.0
    for name, part in parts.items():
        words, hue = PARTS[name]
        width = max(x.pinned(at + max(part, 0.0)) - x.pinned(at), 1.0 if part else 0.0)
        said = tag("title", f"{words}: {units.show(part, units.TIME)}")
        drawn.append(tag("rect", said, x=x.pinned(at), y=_TOP, width=width, height=_HEIGHT, class_=f"slab {hue}"))
        at += max(part, 0.0)
    return drawn


def _mark(name: str, value: float, x: Scale) -> Markup:
    """The delay in the middle, and that of the slowest of a hundred events."""
    place, words = x.pinned(value), name.removeprefix("delay_")
    side = "end" if place > (_LEFT + _RIGHT) / 2 else None
    return join(
        tag("line", x1=place, x2=place, y1=_TOP - 8, y2=_TOP + _HEIGHT + 4, class_="axis"),
        tag(
            "text",
            f"{words} {units.show(value, units.TIME)}",
            x=place + (-5 if side else 5),
            y=_TOP - 10,
            class_=f"tick {side or ''}".strip(),
        ),
    )


def _tick(tick: float, x: Scale, foot: float) -> Markup:
    return tag(
        "text",
        units.show(tick, units.TIME) if tick else "0",
        x=x(tick),
        y=foot + 18,
        class_="tick middle" if tick else "tick",
    )


def _listed(parts: Mapping[str, float]) -> str:
    return ", ".join(f"{PARTS[name][0]} {units.show(part, units.TIME)}" for name, part in parts.items() if part)
