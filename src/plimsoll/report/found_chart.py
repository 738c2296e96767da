"""Query by query as bars: how far one model is ahead of another, from the largest gain to the largest loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.printed import clipped
from plimsoll.report.found_words import signed
from plimsoll.report.markup import Markup, tag
from plimsoll.report.scales import Scale, linear_ticks, tick_texts

_WIDE, _LEFT, _RIGHT, _TOP, _FOOT = 1020, 44, 1016, 26, 246
_STEP = 26.0  # the most room that a bar takes
_LETTERS = 90  # of a query, before it is cut short

Asked = Mapping[str, Any]


def gap_chart(shown: Sequence[Asked], models: Sequence[str], measure: str, hues: Mapping[str, str]) -> Markup | None:
    """An SVG of the queries in the order given, each a link to its lists where it has some; None where nothing is known.

    Of two models a bar is the first less the second; of one it is what that is worth.
    """
    led = [(place, each, ahead) for place, each in enumerate(shown) if (ahead := gap(each, models)) is not None]
    if not led:
        return None
    values = [ahead for _, _, ahead in led]
    y = Scale(*_span(values), _FOOT, _TOP)
    step = min(_STEP, (_RIGHT - _LEFT) / len(led))
    bars = [
        _bar(each, place, _said(each, models, measure), _LEFT + step * k, step, (y(ahead), y(0.0)), hues, models)
        for k, (place, each, ahead) in enumerate(led)
    ]
    one, *rest = models
    return tag(
        "svg",
        *_axis(y),
        *bars,
        tag("line", x1=_LEFT, x2=_RIGHT, y1=y(0.0), y2=y(0.0), class_="axis"),
        tag("text", f"↑ {clipped(one, 24)} {'better' if rest else measure}", x=_LEFT, y=12, class_="title"),
        tag("text", f"{clipped(rest[0], 24)} better ↓", x=_RIGHT, y=_FOOT + 24, class_="title end") if rest else None,
        viewBox=f"0 0 {_WIDE} {_FOOT + (32 if rest else 12)}",
        class_="chart gaps",
        role="group",
        aria_label=f"{measure} of {len(led)} queries, {f'{one} less {rest[0]}' if rest else one}",
    )


def gap(each: Asked, models: Sequence[str]) -> float | None:
    """How far the first model is ahead of the second, or what it is worth where it is alone; None where that is not known."""
    values = [each["values"].get(name) for name in models[:2]]
    if not values or any(value is None for value in values):
        return None
    return float(values[0] - values[1]) if len(values) > 1 else float(values[0])


def _span(values: Sequence[float]) -> tuple[float, float]:
    """From the largest loss to the largest gain, 0 among them."""
    low, high = min(0.0, *values), max(0.0, *values)
    return (low, high) if high > low else (-0.1, 0.1)


def _axis(y: Scale) -> list[Markup]:
    ticks = linear_ticks(y.low, y.high, 4)
    lines = [tag("line", x1=_LEFT, x2=_RIGHT, y1=y(tick), y2=y(tick), class_="grid") for tick in ticks]
    texts = zip(ticks, tick_texts(ticks), strict=True)
    return [*lines, *(tag("text", words, x=_LEFT - 7, y=y(tick) + 4, class_="tick end") for tick, words in texts)]


def _bar(
    each: Asked,
    place: int,
    said: str,
    left: float,
    step: float,
    ends: tuple[float, float],
    hues: Mapping[str, str],
    models: Sequence[str],
) -> Markup:
    """A bar over the whole height that the mouse reaches, so that a query without a difference is reached, too."""
    top, bottom = min(ends), max(ends)
    ahead = models[0] if ends[0] <= ends[1] else models[1]
    thin = step * 0.14
    return tag(
        "a" if each.get("sides") else "g",
        tag("rect", tag("title", said), x=left, y=_TOP, width=step, height=_FOOT - _TOP, class_="reach"),
        tag("rect", x=left + thin, y=top, width=step - 2 * thin, height=max(bottom - top, 1.2), class_="tenth"),
        href=f"#query-{place}" if each.get("sides") else None,
        class_=f"gap {hues.get(ahead, 'hue-rest')}",
        data_at=left,
        data_query=place,
        tabindex=0,
        role=None if each.get("sides") else "img",
        aria_label=said,
    )


def _said(each: Asked, models: Sequence[str], measure: str) -> str:
    worth = ", ".join(f"{name} {each['values'][name]:.3f}" for name in models[:2])
    ahead = gap(each, models)
    apart = f" ({signed(ahead)})" if len(models) > 1 and ahead is not None else ""
    return f"{clipped(each['text'], _LETTERS)}: {measure} {worth}{apart}"
