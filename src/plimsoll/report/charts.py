"""The smaller drawings: the Plimsoll mark, a gauge, reliability and residuals."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.report.load_line import Depth
from plimsoll.report.markup import Markup, tag
from plimsoll.report.scales import Scale, linear_ticks


def mark() -> Markup:
    """The line that Samuel Plimsoll had painted on ships: a circle with a bar through it."""
    inside = tag("circle", cx=24, cy=16, r=11), tag("line", x1=4, x2=44, y1=16, y2=16)
    return tag("svg", *inside, viewBox="0 0 48 32", class_="mark", aria_hidden="true")


def loads(depths: Sequence[Depth]) -> Markup:
    """How deep a model sits against each limit: a hull, the figure, and what is left."""
    return tag("ul", *(_load(depth) for depth in depths), class_="gauges")


def _load(depth: Depth) -> Markup:
    words = (
        tag("span", depth.text, class_="limit"),
        tag("b", unbroken(depth.shown)),
        tag("span", unbroken(depth.room), class_="room"),
    )
    return tag("li", _gauge(depth), tag("div", *words), class_="kept" if depth.kept else "over")


def unbroken(words: str) -> str:
    """A number and its unit stay on one line."""
    return re.sub(r"(?<=\d) (?=%|\w{1,3}\b(?<!to))", "\u00a0", words)


def _gauge(depth: Depth) -> Markup:
    """A hull seen from the side: the water stands as high as the share of the limit that is used."""
    share = depth.share
    line, keel = 26.0, 74.0
    level = keel if share is None else max(keel - (keel - line) * min(share, 1.4), 6.0)
    water = (
        tag(
            "path",
            d=f"M9 {level:.1f}q6.5 -3 13 0t13 0t13 0t13 0V66q0 {keel - 66:g} -8 8H17q-8 0 -8 -8z",
            class_="water",
        )
        if share and level < 68
        else None
    )
    shallow = (
        tag("path", d=f"M{13 if level > 71 else 10} {level:.1f}H{57 if level > 71 else 60}L53 74H17z", class_="water")
        if share and level >= 68
        else None
    )
    hull = tag("path", d="M9 4V66q0 8 8 8H53q8 0 8 -8V4", class_="hull")
    loaded = (
        "not measured"
        if share is None
        else f"{share:.0%} of the limit"
        if math.isfinite(share)
        else "far over the limit"
    )
    return tag(
        "svg",
        water,
        shallow,
        hull,
        tag("line", x1=1, x2=69, y1=line, y2=line, class_="load"),
        tag("circle", cx=35, cy=line, r=7, class_="load"),
        viewBox="0 0 70 78",
        class_=f"gauge {'kept' if depth.kept else 'over'}",
        role="img",
        aria_label=f"{depth.text}: {depth.shown}, {loaded}",
    )


def reliability(bins: Sequence[Mapping[str, Any]]) -> Markup:
    """What was predicted against what happened (Murphy and Winkler 1977): on the diagonal, a probability means what it says."""
    x, y = Scale(0, 1, 52, 332), Scale(0, 1, 300, 20)
    most = max((each["rows"] for each in bins), default=1) or 1
    ticks = (0, 0.25, 0.5, 0.75, 1)
    points = [(x.pinned(each["predicted"]), y.pinned(each["observed"]), each) for each in bins]
    return tag(
        "svg",
        *(tag("line", x1=52, x2=332, y1=y(tick), y2=y(tick), class_="grid") for tick in ticks),
        *(tag("text", f"{tick:g}", x=43, y=y(tick) + 4, class_="tick end") for tick in ticks),
        *(tag("text", f"{tick:g}", x=x(tick), y=320, class_="tick middle") for tick in ticks),
        tag("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="diagonal"),
        tag("polyline", points=" ".join(f"{a:.1f},{b:.1f}" for a, b, _ in points), class_="stairs"),
        *(_bin(a, b, each, most) for a, b, each in points),
        tag("text", "observed share", x=4, y=11, class_="title"),
        tag("text", "predicted probability →", x=332, y=340, class_="title end"),
        viewBox="0 0 344 346",
        class_="chart small",
        role="img",
        aria_label=f"Reliability diagram of {len(bins)} bins",
    )


def _bin(x: float, y: float, each: Mapping[str, Any], most: int) -> Markup:
    words = f"predicted {each['predicted']:.3f}, observed {each['observed']:.3f}, {each['rows']:,} rows"
    return tag("circle", tag("title", words), cx=x, cy=y, r=2.5 + 5 * math.sqrt(each["rows"] / most), class_="bin")


def histogram(edges: Sequence[float], counts: Sequence[int], radius: float | None) -> Markup:
    """Residuals, with the interval that the model states around its answers."""
    low, high = edges[0], edges[-1] if edges[-1] > edges[0] else edges[0] + 1
    x, y = Scale(low, high, 20, 500), Scale(0, max([*counts, 1]), 220, 30)
    bars = [
        tag(
            "rect",
            tag("title", f"{a:.4g} to {b:.4g}: {count:,} rows"),
            x=x(a) + 0.5,
            y=y(count),
            width=max(x(b) - x(a) - 1, 0.5),
            height=220 - y(count),
            class_="bar",
        )
        for a, b, count in zip(edges, edges[1:], counts, strict=False)
    ]
    sides = [side for side in (-radius, radius) if x.holds(side)] if radius else []
    return tag(
        "svg",
        *bars,
        tag("line", x1=20, x2=500, y1=220, y2=220, class_="axis"),
        *(tag("line", x1=x(side), x2=x(side), y1=26, y2=220, class_="load") for side in sides),
        *(
            tag("text", f"{'+' if side > 0 else '−'}{abs(side):.4g}", x=x(side), y=18, class_="load-label middle")
            for side in sides
        ),
        *(
            tag("text", f"{tick:g}".replace("-", "−"), x=x(tick), y=240, class_="tick middle")
            for tick in linear_ticks(low, high)
        ),
        tag("text", "truth less prediction →", x=500, y=262, class_="title end"),
        viewBox="0 0 520 268",
        class_="chart small wide",
        role="img",
        aria_label="Histogram of residuals",
    )
