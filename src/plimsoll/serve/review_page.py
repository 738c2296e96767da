"""The page on which a person decides: the event, why it came, and what may be said of it. Plain HTML, by mouse or by keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from plimsoll.policy.queue import APPEAL, ASKED, AUDIT, Agreement, Item
from plimsoll.report.markup import Markup, join, tag

_WHY = {
    ASKED: "The policy asks for a person.",
    AUDIT: "Drawn at random, so that labels are not only of what the policy suspected.",
    APPEAL: "Somebody appeals against a decision.",
}
_MOST = 20_000  # letters of a value that are shown
_ON_TOP = 120  # letters from which a value stands by itself


def asset(name: str) -> bytes:
    """review.css or review.js."""
    return files("plimsoll.serve").joinpath(name).read_bytes()


def _page(title: str, *inside: object) -> bytes:
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        Markup('<link rel="icon" href="data:,">'),
        Markup('<link rel="stylesheet" href="/review/review.css">'),
        tag("script", src="/review/review.js", defer="defer"),
    )
    return (Markup("<!doctype html>") + tag("html", head, tag("body", *inside), lang="en")).encode()


def login(asks_token: bool, wrong: bool = False) -> bytes:
    """Who reviews: a name, and the token where the server has one."""
    fields = [
        tag("label", "Your name ", tag("input", name="name", required="required", maxlength=60, autofocus="autofocus"))
    ]
    if asks_token:
        fields.append(tag("label", "Token ", tag("input", name="token", type="password", required="required")))
    said = tag("p", "The token is not the right one.", role="alert") if wrong else None
    form = tag("form", *fields, tag("button", "Begin"), method="post", action="/review/login", class_="card")
    return _page("Review", tag("main", tag("h1", "Review"), said, form))


def empty(reviewer: str, counts: Mapping[str, int], agreement: Agreement) -> bytes:
    """Nothing waits."""
    words = tag("p", "Nothing waits for you. This page looks again by itself.", class_="lead", data_again="20")
    return _page("Review", _head(reviewer, counts), tag("main", tag("h1", "All done"), words, _agreed(agreement)))


def event(
    item: Item, choices: Sequence[str], reviewer: str, counts: Mapping[str, int], agreement: Agreement, fault: str = ""
) -> bytes:
    """One event with its reasons, and a button for each thing that may be said of it."""
    told = item.decision
    reasons = [*told.get("because", ())] or [
        f"Rules: {', '.join(told['by'])}." if told.get("by") else "No rule asked for it."
    ]
    why = [tag("p", _WHY[item.why], class_="why"), *(tag("p", reason) for reason in reasons)]
    if item.note:
        why.append(tag("blockquote", item.note))
    decided = tag("p", "Decided so far: ", tag("b", told.get("outcome", "nothing"))) if item.why != ASKED else None
    said = tag("p", fault, role="alert") if fault else None
    body = tag(
        "main",
        said,
        _fields(item.event),
        tag("section", *why, decided, class_="reasons"),
        _form(item, choices),
        _agreed(agreement),
    )
    return _page(f"Review · {item.id}", _head(reviewer, counts), body)


def _head(reviewer: str, counts: Mapping[str, int]) -> Markup:
    waiting = sum(many for what, many in counts.items() if what != "done")
    undo = tag(
        "form",
        tag("button", "Undo", tag("kbd", "u"), class_="plain", data_key="u"),
        method="post",
        action="/review/undo",
    )
    shown = tag("span", f"{waiting:,} waiting · {counts.get('done', 0):,} done", class_="counts")
    return tag("header", tag("b", "Review"), shown, tag("span", reviewer, class_="who"), undo)


def _fields(told: Mapping[str, Any]) -> Markup:
    """Long texts, or the longest, first and by themselves; then the rest as a table."""
    texts = {name: value for name, value in told.items() if isinstance(value, str)}
    longest = max(texts, key=lambda name: len(texts[name]), default=None)
    top = {name: value for name, value in texts.items() if len(value) > _ON_TOP or name == longest}
    large = [tag("article", tag("h2", name), tag("p", _shown(value), class_="text")) for name, value in top.items()]
    rest = {name: value for name, value in told.items() if name not in top}
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", _shown(value))) for name, value in rest.items()]
    return join(*large, tag("table", *rows, class_="fields") if rows else None)


def _shown(value: Any) -> object:
    if value is None:
        return tag("i", "missing")
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _MOST else text[:_MOST] + "…"


def _form(item: Item, choices: Sequence[str]) -> Markup:
    buttons = [
        tag(
            "button",
            choice,
            tag("kbd", str(place)) if place < 10 else None,
            name="label",
            value=choice,
            data_key=str(place),
        )
        for place, choice in enumerate(choices, 1)
    ]
    note = tag("label", "Why (optional) ", tag("input", name="note", maxlength=2_000, autocomplete="off", data_key="n"))
    # Enter in the reason would press the first button; where that one is disabled, it presses none.
    none = tag("button", type="submit", disabled="disabled", hidden="hidden")
    decide = tag("form", none, tag("div", *buttons, class_="choices"), note, method="post", action=f"/review/{item.id}")
    skip = tag("button", "Skip", tag("kbd", "s"), class_="plain", data_key="s")
    return join(decide, tag("form", skip, method="post", action=f"/review/{item.id}/skip", class_="skip"))


def _agreed(agreement: Agreement) -> Markup | None:
    if not agreement.pairs:
        return None
    return tag("p", str(agreement), class_="agreed")
