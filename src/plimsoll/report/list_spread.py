"""Which items lists show: how much of all, and the share of each tenth by popularity, as bars of the models side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plimsoll.printed import clipped
from plimsoll.report.list_words import share
from plimsoll.report.markup import Markup, tag
from plimsoll.report.scales import Scale

_LEFT, _RIGHT, _TOP = 116, 352, 6
_BAR, _APART = 11, 8  # the height of a bar, and the room between two tenths
_LEAST = 0.0005  # a share below it has no figure
_LETTERS = 16  # of a name, before it is cut short


def spread_chart(drawn: Mapping[str, Sequence[float]], hues: Mapping[str, str]) -> Markup:
    """An SVG of shares by model, each from the least popular tenth on; the most popular is drawn first."""
    most = max((part for shares in drawn.values() for part in shares), default=0.0) or 1.0
    x = Scale(0.0, most, _LEFT, _RIGHT)
    step = _BAR * len(drawn) + _APART
    tenths = max(map(len, drawn.values()))
    foot = _TOP + step * tenths
    bars = [
        _bar(name, shares[tenth], _TOP + step * (tenths - 1 - tenth) + _BAR * k, x, hues.get(name, "hue-rest"))
        for k, (name, shares) in enumerate(drawn.items())
        for tenth in range(len(shares))
    ]
    return tag(
        "svg",
        *(_label(place, tenths, _TOP + step * place + (step - _APART) / 2 + 4) for place in range(tenths)),
        tag("line", x1=_LEFT, x2=_LEFT, y1=_TOP - 3, y2=foot - _APART + 3, class_="axis"),
        *bars,
        viewBox=f"0 0 400 {foot}",
        class_="chart small wide",
        role="img",
        aria_label="; ".join(
            f"{name}: {share(shares[-1])} of the places go to the most popular tenth" for name, shares in drawn.items()
        ),
    )


def coverage_chart(shown: Mapping[str, float], hues: Mapping[str, str]) -> Markup:
    """An SVG of the share of all items that each model shows to anybody, out of the whole."""
    step, x = _BAR + _APART, Scale(0.0, 1.0, _LEFT, _RIGHT)
    rows = [
        tag(
            "g",
            tag("text", clipped(name, _LETTERS), x=_LEFT - 8, y=_TOP + step * place + 10, class_="tick end"),
            tag("rect", x=_LEFT, y=_TOP + step * place, width=_RIGHT - _LEFT, height=_BAR, class_="rest"),
            tag(
                "rect",
                x=_LEFT,
                y=_TOP + step * place,
                width=max(x.pinned(part) - _LEFT, 1.0),
                height=_BAR,
                class_="tenth",
            ),
            tag("text", share(part), x=_RIGHT + 6, y=_TOP + step * place + 10, class_="tick slim"),
            class_=hues.get(name, "hue-rest"),
        )
        for place, (name, part) in enumerate(shown.items())
    ]
    said = "; ".join(f"{name} shows {share(part)} of all items" for name, part in shown.items())
    return tag(
        "svg",
        *rows,
        viewBox=f"0 0 400 {_TOP + step * len(rows)}",
        class_="chart small wide",
        role="img",
        aria_label=said,
    )


def _bar(name: str, part: float, top: float, x: Scale, hue: str) -> Markup:
    width = max(x(part) - _LEFT, 1.0 if part else 0.0)
    return tag(
        "g",
        tag("title", f"{name}: {share(part)}"),
        tag("rect", x=_LEFT, y=top + 1, width=width, height=_BAR - 1, class_="tenth"),
        tag("text", share(part), x=_LEFT + width + 5, y=top + _BAR - 1, class_="tick slim") if part >= _LEAST else None,
        class_=hue,
    )


def _label(place: int, tenths: int, y: float) -> Markup:
    words = {0: "most popular", tenths - 1: "least popular"}.get(place, f"tenth {place + 1}")
    return tag("text", words, x=_LEFT - 8, y=y, class_="tick end")
