"""What is watched, as one HTML page that needs no network and no script: the alarms, the metric now, and every column."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from plimsoll.alarms import Told, rule
from plimsoll.drift import Shift
from plimsoll.labelled import Live
from plimsoll.report.charts import mark
from plimsoll.report.markup import Markup, join, tag
from plimsoll.spread import Bar, percent

_WIDE, _HIGH = 240.0, 56.0


def policy() -> str:
    """The page's content security policy: its own style by its hash, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def render(found: Told) -> str:
    """The page. Names from the data are text, never markup."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="content-security-policy", content=policy()),
        tag("title", f"{_verdict(found)} · {found.target}"),
        Markup('<link rel="icon" href="data:,">'),
        tag("style", _style()),
    )
    header = tag("header", mark(), tag("b", "Plimsoll"), tag("span", f"watches {found.target}"))
    body = tag(
        "main",
        _headline(found),
        _scores(found),
        _part("Answers", found.answers),
        _part("Columns", found.columns),
        _end(found),
    )
    return str(Markup("<!doctype html>") + tag("html", head, tag("body", header, body), lang="en"))


@cache
def _style() -> Markup:
    return Markup(resources.files("plimsoll.report").joinpath("watched.css").read_text(encoding="utf-8"))


def _verdict(found: Told) -> str:
    many = len(found.alarms)
    return "Calm" if not many else "One alarm" if many == 1 else f"{many} alarms"


def _headline(found: Told) -> Markup:
    since = f", since {found.since.replace('T', ' ').replace('+00:00', ' UTC')}" if found.since else ""
    passed = f"; {found.passed_over:,} requests were passed over under load" if found.passed_over else ""
    words = f"{found.rows:,} rows looked at{since}, {found.labels:,} labels{passed}."
    alarms = tag("ul", *(tag("li", each) for each in found.alarms), class_="alarms") if found.alarms else None
    return join(tag("h1", _verdict(found)), tag("p", words, class_="soft"), alarms)


def _scores(found: Told) -> Markup | None:
    told = [_live("With labels", found.score), _live("Without labels", found.expected)]
    if not any(told):
        return None
    caveat = "Without labels, a change of what leads to an answer cannot be seen; so this estimate raises no alarm."
    return tag(
        "section", tag("h2", "How well it does now"), *told, tag("p", caveat, class_="soft") if told[1] else None
    )


def _live(title: str, live: Live | None) -> Markup | None:
    return tag("div", tag("h3", title), tag("p", f"{live.words}."), class_="figure") if live is not None else None


def _part(title: str, shifts: Sequence[Shift]) -> Markup | None:
    if not shifts:
        return None
    drawn = tag("svg", tag("rect", x=1, y=4, width=14, height=8, class_="now"), viewBox="0 0 26 14", aria_hidden="true")
    line = tag("svg", tag("path", d="M1 7H25", class_="was"), viewBox="0 0 26 14", aria_hidden="true")
    legend = tag("p", tag("span", drawn, "now"), tag("span", line, "at training time"), class_="soft legend")
    return tag("section", tag("h2", title), legend, tag("ul", *map(_shift, shifts), class_="columns"))


def _shift(shift: Shift) -> Markup:
    size = f"PSI {shift.psi:.3f}, by chance up to {shift.chance:.3f} · distance {shift.distance:.3f}, by chance up to {shift.distance_by_chance:.3f}"
    parts = (
        tag("h3", shift.name),
        tag("p", shift.words),
        tag("details", tag("summary", size), _table(shift)),
        _drawn(shift),
    )
    return tag("li", *parts, class_="alarm" if shift.alarm else None)


def _table(shift: Shift) -> Markup:
    """The bars in figures, for who cannot see them or wants them exact."""
    rows = [
        tag("tr", tag("th", bar.label, scope="row"), tag("td", percent(bar.now)), tag("td", percent(bar.was)))
        for bar in shift.bars
    ]
    head = tag("thead", tag("tr", tag("td"), tag("td", "now"), tag("td", "at training time")))
    return tag("table", head, tag("tbody", *rows))


def _drawn(shift: Shift) -> Markup:
    """A bar for the share now, and a line across for the share at training time."""
    most = max((max(bar.was, bar.now) for bar in shift.bars), default=0.0) or 1.0
    step = _WIDE / max(len(shift.bars), 1)
    parts = [_bar(bar, place * step, step, most) for place, bar in enumerate(shift.bars)]
    foot = tag("line", x1=0, x2=_WIDE, y1=_HIGH - 0.5, y2=_HIGH - 0.5, class_="foot")
    frame = f"0 0 {_WIDE:g} {_HIGH:g}"
    return tag("svg", *parts, foot, viewBox=frame, preserveAspectRatio="none", role="img", aria_label=shift.words)


def _bar(bar: Bar, x: float, step: float, most: float) -> Markup:
    now, was = (share / most * (_HIGH - 4.0) for share in (bar.now, bar.was))
    words = tag("title", f"{bar.label}: {percent(bar.now)}, was {percent(bar.was)}")
    column = tag("rect", x=x + 0.12 * step, y=_HIGH - now, width=0.76 * step, height=now, class_="now")
    line = tag("path", d=f"M{x + 0.03 * step:.2f} {_HIGH - was:.2f}H{x + 0.97 * step:.2f}", class_="was")
    return tag("g", words, column, line)


def _end(found: Told) -> Markup:
    notes = [tag("p", note, class_="soft") for note in found.notes]
    return tag("section", tag("h2", "When an alarm is raised"), tag("p", rule(), class_="soft"), *notes)
