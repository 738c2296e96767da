"""The drawings of a comparison: the critical-difference picture, the scores of every unit, and a difference with its bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.compare_text import bounds, figure
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.scales import Scale, around, linear_ticks, tick_texts

Record = Mapping[str, Any]
_LONGEST = 30  # letters of a name
_WIDE, _LEFT, _RIGHT = 860.0, 272.0, 588.0  # of the picture, and of its axis
_STEP, _BAR = 24.0, 13.0  # from one name to the next, and from one bar to the next
_MOST = 60  # units that are drawn


def short(name: str, most: int = _LONGEST) -> str:
    """
    >>> short("covariance_lda", 8)
    'covaria…'
    """
    return name if len(name) <= most else name[: most - 1] + "…"


def diagram(record: Record, hues: Mapping[str, str]) -> Markup:
    """Mean ranks on an axis, the best to the left; a bar joins approaches that are not told apart (Demšar 2006).

    A bar has a dot for each of its approaches: one that it only passes by is no part of it.
    """
    ranks: Mapping[str, float] = record["contest"]["ranks"]
    groups: Sequence[Sequence[str]] = record["contest"]["groups"]
    x = Scale(1.0, float(len(ranks)), _LEFT, _RIGHT)
    axis = 40.0
    top = axis + 20.0 + _BAR * len(groups) + 10.0
    bars = (_bar([x(ranks[name]) for name in group], axis + 20.0 + _BAR * k) for k, group in enumerate(groups))
    half = (len(ranks) + 1) // 2
    names = list(ranks)
    sides = [*enumerate(names[:half]), *enumerate(reversed(names[half:]))]
    labels = (_label(n, ranks[n], hues[n], x(ranks[n]), axis, top + _STEP * k, n in names[:half]) for k, n in sides)
    said = "; ".join(f"{name} {rank:.2f}" for name, rank in ranks.items())
    return tag(
        "svg",
        _axis(x, len(ranks), axis),
        *labels,
        *bars,
        viewBox=f"0 0 {_WIDE:g} {top + _STEP * (half - 1) + 16:g}",
        class_="chart diagram",
        role="img",
        aria_label=f"Mean ranks: {said}",
    )


def _axis(x: Scale, many: int, y: float) -> Markup:
    ticks = [tag("line", x1=x(k), x2=x(k), y1=y - 5, y2=y, class_="axis") for k in range(1, many + 1)]
    words = [tag("text", str(k), x=x(k), y=y - 10, class_="tick middle") for k in range(1, many + 1)]
    title = tag("text", "mean rank", x=_LEFT - 14, y=y - 10, class_="title end")
    return join(tag("line", x1=_LEFT, x2=_RIGHT, y1=y, y2=y, class_="axis"), *ticks, *words, title)


def _label(name: str, rank: float, hue: str, at: float, axis: float, y: float, left: bool) -> Markup:
    """A name beside the picture, and the line from its place on the axis."""
    edge = _LEFT - 14 if left else _RIGHT + 14
    elbow = tag("path", d=f"M{at:.1f} {axis:.1f}V{y:.1f}H{edge:.1f}", class_="elbow")
    dot = tag("circle", cx=at, cy=axis, r=4, class_="mark-at")
    words = tag("tspan", short(name), class_="label"), tag("tspan", f"  {rank:.2f}", class_="hint")
    text = tag("text", *(words), x=edge + (-6 if left else 6), y=y + 4, class_="end" if left else None)
    return tag("g", tag("title", f"{name}: mean rank {rank:.2f}"), elbow, dot, text, class_=hue)


def _bar(places: Sequence[float], y: float) -> Markup:
    line = tag("line", x1=min(places) - 5, x2=max(places) + 5, y1=y, y2=y, class_="group")
    return tag("g", line, *(tag("circle", cx=x, cy=y, r=4.2, class_="member") for x in places))


def unit_chart(record: Record, hues: Mapping[str, str]) -> Markup:
    """A line for each unit with a dot for each approach, by what the best-ranked one reached; thin lines span the seeds."""
    names = [row["name"] for row in record["table"]]
    better = 1 if record["higher_is_better"] else -1
    found = {unit: {name: _seeds(record, name, unit) for name in names} for unit in record["compared"]}
    order = sorted(found, key=lambda unit: -better * _mean(found[unit][names[0]]))[:_MOST]
    shown = [value for unit in order for seeds in found[unit].values() for value in seeds]
    x = Scale(*around(shown, 0.04), 150.0, _WIDE - 16.0)
    step = 24.0 if len(order) <= 24 else 16.0
    rows = [_unit(unit, found[unit], hues, x, 40.0 + step * k, step) for k, unit in enumerate(order)]
    foot = 40.0 + step * len(order)
    means = {row["name"]: [row["mean"]] for row in record["table"]}
    rows.append(tag("g", _unit("mean", means, hues, x, foot + 6.0, step), class_="mean"))
    ticks = linear_ticks(x.low, x.high, 7)
    grid = [tag("line", x1=x(tick), x2=x(tick), y1=22, y2=foot + step, class_="grid") for tick in ticks]
    words = [tag("text", text, x=x(tick), y=14, class_="tick middle") for tick, text in zip(ticks, tick_texts(ticks), strict=True)]  # fmt: skip
    title = tag("text", record["metric"], x=134, y=14, class_="title end")
    return tag(
        "svg",
        *grid,
        title,
        *words,
        *rows,
        viewBox=f"0 0 {_WIDE:g} {foot + step + 12:g}",
        class_="chart units",
        role="img",
        aria_label=f"{record['metric']} of every approach on {len(order)} units",
    )


def drawn_units(record: Record) -> int:
    """How many units the chart leaves out."""
    return max(0, len(record["compared"]) - _MOST)


def _seeds(record: Record, name: str, unit: str) -> list[float]:
    """The scores of an approach on a unit, one a seed."""
    place = record["units"].index(unit)
    return [seed[place] for seed in record["scores"][name] if seed[place] is not None]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _unit(
    unit: str, scores: Mapping[str, Sequence[float]], hues: Mapping[str, str], x: Scale, y: float, step: float
) -> Markup:
    means = {name: _mean(values) for name, values in scores.items()}
    middle = y + step / 2 - 4
    line = tag("line", x1=x(min(means.values())), x2=x(max(means.values())), y1=middle, y2=middle, class_="pairing")
    dots = []
    for name, values in reversed(list(scores.items())):  # the best-ranked is drawn last, and lies on top
        words = f"{unit}: {name} {means[name]:.4g}"
        span = tag("line", x1=x(min(values)), x2=x(max(values)), y1=middle, y2=middle, class_="seeds")
        dot = tag("circle", tag("title", words), cx=x(means[name]), cy=middle, r=5 if step > 20 else 4, class_="dot")
        dots.append(tag("g", span if len(values) > 1 else None, dot, class_=hues[name]))
    text = tag("text", short(unit, 20), x=134, y=middle + 4, class_="unit end")
    return tag("g", text, line, *dots)


def versus(pair: Record, reach: float, metric: str) -> Markup:
    """A difference with its bounds about zero; ``reach`` is the farthest of all pairs."""
    x = Scale(-reach, reach, 6.0, 138.0)
    low, high = (pair["low"], pair["high"]) if pair["low"] is not None else (pair["difference"],) * 2
    line = tag("line", x1=x.pinned(low), x2=x.pinned(high), y1=9, y2=9, class_="reachable")
    dot = tag("circle", cx=x.pinned(pair["difference"]), cy=9, r=4, class_="at")
    zero = tag("line", x1=x(0.0), x2=x(0.0), y1=0, y2=18, class_="zero")
    said = f"{figure(pair['difference'], metric, True)} ({bounds(pair, metric)})"
    kind = "versus" if pair["apart"] else "versus close"
    return tag("svg", zero, line, dot, viewBox="0 0 144 18", class_=kind, role="img", aria_label=said)
