"""The decision rule on its frontier: what is found against false activations, for the best models, the chosen rule marked.

The figures are of training moments that no model had learned from, by which rules are chosen; the test's stand beside them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll import units
from plimsoll.limits import dimension
from plimsoll.report.hues import dot, key
from plimsoll.report.load_line import Run
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.scales import Scale, log_ticks

_LEFT, _RIGHT, _TOP, _FOOT = 48, 470, 26, 262
_ZERO = 62.0  # where no false activation stands, to the left of all that the scale can show
_NAME, _RATE = "false_activations_per_hour", "detection_rate"

Point = Mapping[str, Any]


def rule_text(rule: Mapping[str, Any]) -> str:
    """A rule in words.

    >>> rule_text({"threshold": 0.9, "votes": 3, "every": 1, "hold": 0.5})
    'more than 0.9 at 3 moments running; a run of them is one event, until 0.5 s without'
    """
    every = int(rule["every"])
    running = "one moment" if rule["votes"] == 1 else f"{rule['votes']} moments running"
    looked = "" if every == 1 else f", of which {'every second' if every == 2 else f'one in {every}'} is looked at"
    return f"more than {rule['threshold']:g} at {running}{looked}; a run of them is one event, until {rule['hold']:g} s without"


def rules_chart(run: Run) -> Markup | None:
    """An SVG with its keys, or None where no rule was tried."""
    tried = [
        {**each, "points": [point for point in each.get("points") or () if _known(point)]}
        for each in (run.get("evidence") or {}).get("rules") or ()
    ]
    trials = [each for each in tried if any(point[_RATE] > 0 for point in each["points"])]
    if not trials:
        return None
    hues = {trial["id"]: trial["hue"] for trial in run["trials"]}
    rates = [point[_NAME] for each in trials for point in each["points"] if point[_NAME] > 0] or [1.0]
    x = Scale(min(rates) / 1.3, max(*rates, 2 * min(rates)) * 1.2, _ZERO + 26, _RIGHT, log=True)
    y = Scale(0.0, 1.0, _FOOT, _TOP)
    bounds = {
        limit["name"]: float(limit["bound"]) for limit in run.get("limits") or () if limit["name"] in (_NAME, _RATE)
    }
    chosen = sorted(trials, key=lambda each: each["trial"] == run.get("chosen"))  # it is drawn last, over the others
    drawn = tag(
        "svg",
        _axes(x, y),
        _limits(bounds, x, y),
        *(
            _trial(each, hues.get(each["trial"], "hue-rest"), x, y, each["trial"] == run.get("chosen"))
            for each in chosen
        ),
        viewBox=f"0 0 480 {_FOOT + 46}",
        class_="chart small wide",
        role="img",
        aria_label=_spoken(trials, run),
    )
    keys = [_key(each, hues.get(each["trial"], "hue-rest"), each["trial"] == run.get("chosen")) for each in trials]
    return join(drawn, tag("ul", *keys, class_="legend"))


def _key(each: Mapping[str, Any], hue: str, chosen: bool) -> Markup:
    words = f"{each['recipe']} {each['trial']}{', its rule ringed' if chosen else ''}"
    return key(dot(13, 10, 5, chosen), f"{'whole' if chosen else 'hollow'} {hue}", words)


def _known(point: Point) -> bool:
    return all(isinstance(point.get(name), int | float) and math.isfinite(point[name]) for name in (_NAME, _RATE))


def _axes(x: Scale, y: Scale) -> Markup:
    ticks = log_ticks(x.low, x.high, units.SHARE)
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    return join(
        *(tag("line", x1=_LEFT, x2=_RIGHT, y1=y(share), y2=y(share), class_="grid") for share in shares),
        *(
            tag("text", f"{share:.0%}".replace("%", " %"), x=_LEFT - 8, y=y(share) + 4, class_="tick end")
            for share in shares
        ),
        tag("text", "0", x=_ZERO, y=_FOOT + 18, class_="tick middle"),
        *(tag("text", f"{tick:,g}", x=x(tick), y=_FOOT + 18, class_="tick middle") for tick in ticks),
        tag("text", "events found", x=4, y=12, class_="title"),
        tag("text", "false activations an hour at rest →", x=_RIGHT, y=_FOOT + 38, class_="title end"),
    )


def _limits(bounds: Mapping[str, float], x: Scale, y: Scale) -> Markup:
    """The limits on either axis, as the lines that a ship carries."""
    lines = []
    if (most := bounds.get(_NAME)) is not None:
        place = x.pinned(most)
        lines.append(tag("line", x1=place, x2=place, y1=_TOP - 6, y2=_FOOT, class_="load"))
        lines.append(
            tag("text", f"< {units.show(most, dimension(_NAME))}", x=place - 5, y=_TOP - 8, class_="load-label end")
        )
    if (least := bounds.get(_RATE)) is not None:
        lines.append(tag("line", x1=_LEFT, x2=_RIGHT, y1=y.pinned(least), y2=y.pinned(least), class_="load"))
    return join(*lines)


def _trial(each: Mapping[str, Any], hue: str, x: Scale, y: Scale, chosen: bool) -> Markup:
    """The rules of one trial, the outer ones joined: for so many false activations, the most that can be found."""
    points = sorted((p for p in each["points"] if not p.get("chosen")), key=lambda p: (p[_NAME], -p[_RATE]))
    most, outer = -1.0, []
    for point in points:
        if point[_RATE] > most:
            most = point[_RATE]
            outer.append(point)
    steps = "".join(f"H{_x(p, x):.1f}V{y(p[_RATE]):.1f}" for p in outer[1:])
    line = (
        tag("path", d=f"M{_x(outer[0], x):.1f} {y(outer[0][_RATE]):.1f}{steps}", class_="interval") if outer else None
    )
    # A rule within the line is there for its shorter delay; it is small, and the rule of the chosen model has the ring.
    marks = [_point(p, each, x, y, 3.5 if p in outer else 2.2, False) for p in points]
    marks += [_point(p, each, x, y, 5.5, chosen) for p in each["points"] if p.get("chosen")]
    return tag("g", line, *marks, class_=f"point {hue} {'whole chosen' if chosen else 'hollow'}")


def _x(point: Point, x: Scale) -> float:
    return x.pinned(point[_NAME]) if point[_NAME] > 0 else _ZERO


def _point(point: Point, each: Mapping[str, Any], x: Scale, y: Scale, size: float, ringed: bool) -> Markup:
    return tag(
        "g",
        tag("title", f"{each['recipe']} {each['trial']}: {_told(point)}"),
        dot(_x(point, x), y(point[_RATE]), size, ringed),
    )


def _told(point: Point) -> str:
    late = f", {units.show(point['delay_p50'], units.TIME)} late in the middle" if point.get("delay_p50") else ""
    return f"{rule_text(point)}: found {point[_RATE]:.0%}, {point[_NAME]:.1f} false activations an hour{late}"


def _spoken(trials: Sequence[Mapping[str, Any]], run: Run) -> str:
    chosen = [p for each in trials if each["trial"] == run.get("chosen") for p in each["points"] if p.get("chosen")]
    return f"Rules of {len(trials)} trials. Chosen: {_told(chosen[0])}" if chosen else f"Rules of {len(trials)} trials"
