"""The score of each person, or session, as bars: the worst stands out, and a line marks the mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.report.load_line import higher_is_better
from plimsoll.report.markup import Markup, tag
from plimsoll.report.scales import Scale

_LEFT, _RIGHT, _TOP, _STEP = 92, 440, 26, 20
_LETTERS = 12  # of a name, before it is cut short
_MOST = 24  # bars; of more people the worst are shown


def people_chart(group: Mapping[str, Any]) -> Markup | None:
    """An SVG, the best first, or None without a score."""
    scored = [
        each
        for each in group.get("each") or ()
        if isinstance(each.get("score"), float) and math.isfinite(each["score"])
    ]
    if not scored:
        return None
    metric, mean = str(group.get("metric", "score")), float(group.get("mean", 0.0))
    rows = sorted(scored, key=lambda each: each["score"], reverse=higher_is_better(metric))[-_MOST:]
    x = Scale(0.0, max(1.0, *(each["score"] for each in rows)), _LEFT, _RIGHT)
    foot = _TOP + _STEP * len(rows)
    return tag(
        "svg",
        tag("line", x1=x.pinned(mean), x2=x.pinned(mean), y1=_TOP - 5, y2=foot, class_="diagonal"),
        *(_bar(each, k, x, each["name"] == group.get("worst")) for k, each in enumerate(rows)),
        tag("text", f"mean {mean:.3f}", x=x.pinned(mean), y=_TOP - 11, class_="tick middle"),
        viewBox=f"0 0 500 {foot + 6}",
        class_="chart small wide",
        role="img",
        aria_label=_spoken(metric, mean, rows, group, len(scored)),
    )


def _bar(each: Mapping[str, Any], place: int, x: Scale, worst: bool) -> Markup:
    top = _TOP + _STEP * place
    name = str(each["name"])
    short = name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"
    width = max(x.pinned(max(each["score"], 0.0)) - _LEFT, 1.0)
    return tag(
        "g",
        tag("title", _told(each)),
        tag("text", short, x=_LEFT - 8, y=top + 13, class_="tick end"),
        tag("rect", x=_LEFT, y=top + 2, width=width, height=_STEP - 5, class_="bar"),
        tag("text", f"{each['score']:.3f}{'  worst' if worst else ''}", x=_LEFT + width + 7, y=top + 13, class_="name"),
        class_="worst" if worst else None,
    )


def _told(each: Mapping[str, Any]) -> str:
    more = {"detection_rate": "found {:.0%}", "false_activations_per_hour": "{:.1f} false activations an hour at rest"}
    said = [words.format(each[name]) for name, words in more.items() if isinstance(each.get(name), float)]
    return ", ".join([f"{each['name']}: {each['score']:.3f}", *said, f"{each.get('rows', 0):,} moments"])


def _spoken(metric: str, mean: float, rows: Sequence[Mapping[str, Any]], group: Mapping[str, Any], many: int) -> str:
    least = next((each["score"] for each in rows if each["name"] == group.get("worst")), float("nan"))
    return f"{metric} of {many}: mean {mean:.3f}, worst {group.get('worst', '')} {least:.3f}"
