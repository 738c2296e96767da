"""The ladder of splits: each metric from known sessions over a new session to a new person, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.metrics import SEQUENCES
from plimsoll.report.hues import dot, key
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.scales import Scale

STEPS = {"random": "known session", "session": "new session", "person": "new person"}
METRICS = {
    "balanced_accuracy": "hue-0",
    "macro_f1": "hue-1",
    "accuracy": "hue-rest",
    **dict.fromkeys(SEQUENCES, "hue-3"),
}
_LEFT, _RIGHT, _TOP, _FOOT = 44, 470, 26, 250
_APART = 30  # between the marks of a rung, so that no interval hides another
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Rung = Mapping[str, Any]


def ladder_chart(rungs: Sequence[Rung]) -> Markup | None:
    """An SVG with its keys and a line for each rung that has no figures, or None without any rung."""
    known = [rung for rung in rungs if rung.get("rung") in STEPS]
    if not known:
        return None
    shown = [
        name for name in METRICS if name not in SEQUENCES or any(name in (rung.get("figures") or {}) for rung in known)
    ]
    y = Scale(0.0, 1.0, _FOOT, _TOP)
    step = (_RIGHT - _LEFT) / len(known)
    places = {str(rung["rung"]): _LEFT + step * (k + 0.5) for k, rung in enumerate(known)}
    drawn = tag(
        "svg",
        *(tag("line", x1=_LEFT, x2=_RIGHT, y1=y(tick), y2=y(tick), class_="grid") for tick in _TICKS),
        *(tag("text", f"{tick:g}", x=_LEFT - 8, y=y(tick) + 4, class_="tick end") for tick in _TICKS),
        *(_foot(rung, places[rung["rung"]]) for rung in known),
        *(_metric(name, (k - (len(shown) - 1) / 2) * _APART, known, places, y) for k, name in enumerate(shown)),
        tag("text", "score", x=4, y=12, class_="title"),
        viewBox=f"0 0 480 {_FOOT + 44}",
        class_="chart small wide",
        role="img",
        aria_label="; ".join(_spoken(rung) for rung in known),
    )
    keys = tag("ul", *(key(dot(13, 10, 5, False), f"whole {METRICS[name]}", name) for name in shown), class_="legend")
    missing = [f"{STEPS[rung['rung']]}: {rung['why']}" for rung in known if rung.get("why")]
    return join(drawn, keys, *(tag("p", f"Not climbed, {words}.", class_="aside") for words in missing))


def _foot(rung: Rung, place: float) -> Markup:
    figures = rung.get("figures")
    rows = f"{rung.get('rows', 0):,} moments" if figures else "not climbed"
    return join(
        tag("text", STEPS[rung["rung"]], x=place, y=_FOOT + 20, class_="tick middle"),
        tag("text", rows, x=place, y=_FOOT + 36, class_="tick middle hint"),
    )


def _metric(name: str, aside: float, rungs: Sequence[Rung], places: Mapping[str, float], y: Scale) -> Markup:
    """The marks of one metric, joined by a line, with what each says."""
    found = [
        (places[rung["rung"]] + aside, rung["figures"][name], rung)
        for rung in rungs
        if (rung.get("figures") or {}).get(name)
    ]
    line = " ".join(f"{x:.1f},{y.pinned(figure['value']):.1f}" for x, figure, _ in found)
    marks = (_mark(name, x, figure, rung, y) for x, figure, rung in found)
    return tag("g", tag("polyline", points=line, class_="stairs"), *marks, class_=f"rung whole {METRICS[name]}")


def _mark(name: str, x: float, figure: Mapping[str, float], rung: Rung, y: Scale) -> Markup:
    low, value, high = (y.pinned(figure[side]) for side in ("low", "value", "high"))
    words = f"{name}, {STEPS[rung['rung']]}: {_text(figure)}, drawn over {rung.get('over') or 'streams'}"
    bar = tag(
        "path", d=f"M{x:.1f} {high:.1f}V{low:.1f}M{x - 3:.1f} {high:.1f}h6M{x - 3:.1f} {low:.1f}h6", class_="interval"
    )
    said = tag("text", f"{figure['value']:.2f}".lstrip("0"), x=x, y=high - 6, class_="tick middle")
    return tag("g", tag("title", words), bar, dot(x, value, 5, False), said)


def _text(figure: Mapping[str, float]) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f}–{figure['high']:.3f})"


def _spoken(rung: Rung) -> str:
    figures = rung.get("figures") or {}
    said = ", ".join(f"{name} {_text(figures[name])}" for name in METRICS if name in figures)
    return f"{STEPS[rung['rung']]}: {said or rung.get('why') or 'not climbed'}"
