"""One person's bundle as an HTML page without network or script: the score by seconds of calibration, and by how sensors sit."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from plimsoll.report.charts import mark
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.scales import Scale

_WIDE, _HIGH, _LEFT, _FOOT = 520.0, 220.0, 44.0, 190.0
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def render(found: Mapping[str, Any]) -> str:
    """The page of what ``Personal.as_json`` gives. Names from the data are text, never markup."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    title = f"A model for {found['person'] or 'one person'}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="content-security-policy", content=policy),
        tag("title", title),
        Markup('<link rel="icon" href="data:,">'),
        tag("style", style),
    )
    held = ", ".join(f"{name}: {seconds:g} s" for name, seconds in found["seconds"].items())
    header = tag("header", mark(), tag("b", "Plimsoll"), tag("span", found["recipe"]))
    body = tag(
        "main",
        tag("h1", title),
        tag("p", f"Calibrated on {held}. Measured on: {found['later']}", class_="soft"),
        _curve(found["curve"]),
        _shift(found["shift"]),
        *(tag("p", note, class_="soft") for note in found["notes"]),
    )
    return str(Markup("<!doctype html>") + tag("html", head, tag("body", header, body), lang="en"))


@cache
def _style() -> Markup:
    return Markup(resources.files("plimsoll.report").joinpath("watched.css").read_text(encoding="utf-8"))


def _curve(curve: Sequence[Mapping[str, Any]]) -> Markup | None:
    if not curve:
        return None
    points = [(f"{each['seconds']:g} s" if each["seconds"] else "none", each["value"]) for each in curve]
    rows = [
        tag("tr", tag("th", name, scope="row"), tag("td", f"{each['value']:.3f}"), tag("td", _interval(each)))
        for (name, _), each in zip(points, curve, strict=True)
    ]
    head = tag("thead", tag("tr", tag("td"), tag("td", curve[0]["metric"]), tag("td", "95 %")))
    words = "Seconds of each gesture that the model was calibrated on; none is everybody's model. Always the same later moments."
    drawn = _drawn(points, f"{curve[0]['metric']} by seconds of calibration")
    table = tag("table", head, tag("tbody", *rows))
    return tag("section", tag("h2", "What calibration is worth"), tag("p", words, class_="soft"), drawn, table)


def _interval(each: Mapping[str, Any]) -> str:
    return f"{each['low']:.3f} to {each['high']:.3f}"


def _shift(shift: Mapping[str, Any] | None) -> Markup | None:
    if shift is None:
        return None
    points = [(f"{each['places']:+d}" if each["places"] else "as worn", each["score"]) for each in shift["turned"]]
    silent = [(each["channel"], each["score"]) for each in shift["silent"]]
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", f"{score:.3f}")) for name, score in [*points, *silent]]
    robust = shift["shift_robustness"]
    told = "" if robust is None else f" One place to either side leaves {robust:.0%} of the score."
    words = f"The ring of sensors turned by so many places, and each of some channels silent.{told}"
    drawn = _drawn(points, f"{shift['metric']} by how far the ring is turned")
    table = tag("table", tag("tbody", *rows))
    return tag("section", tag("h2", "When the sensors sit elsewhere"), tag("p", words, class_="soft"), drawn, table)


def _drawn(points: Sequence[tuple[str, float]], words: str) -> Markup:
    """A bar a point, over a scale from nothing to all, which is what scores of classes have."""
    y, step = Scale(0.0, 1.0, _FOOT, 12.0), (_WIDE - _LEFT) / max(len(points), 1)
    lines = [tag("line", x1=_LEFT, x2=_WIDE, y1=y(tick), y2=y(tick), class_="foot", opacity=0.3) for tick in _TICKS]
    ticks = [tag("text", f"{tick:g}", x=_LEFT - 8, y=y(tick) + 4, text_anchor="end", class_="soft") for tick in _TICKS]
    bars = []
    for place, (name, value) in enumerate(points):
        x, top = _LEFT + place * step, y.pinned(value)
        column = tag("rect", x=x + 0.2 * step, y=top, width=0.6 * step, height=_FOOT - top, class_="now")
        label = tag("text", name, x=x + 0.5 * step, y=_FOOT + 20, text_anchor="middle", class_="soft")
        bars.append(tag("g", tag("title", f"{name}: {value:.3f}"), column, label))
    frame = {"viewBox": f"0 0 {_WIDE:g} {_HIGH:g}", "role": "img", "aria_label": words, "fill": "currentColor"}
    return tag("svg", join(*lines, *ticks, *bars), **frame)
