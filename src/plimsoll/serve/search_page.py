"""The page of a search: a box, what was found, facets to narrow it, and a document with all that is known of it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from plimsoll.report.markup import Markup, tag
from plimsoll.schema import Kind
from plimsoll.serve.searcher import Searcher

ASSETS = {"search_page.css": b"text/css; charset=utf-8", "search_page.js": b"text/javascript; charset=utf-8"}
_COUNTED = (Kind.CATEGORY, Kind.BOOLEAN, Kind.NUMBER, Kind.TIME)
_MOST_FACETS = 8
_SHORT = (Kind.CATEGORY, Kind.BOOLEAN, Kind.NUMBER)  # what stands below a document that was found


def asset(name: str) -> bytes:
    """search_page.css or search_page.js."""
    return files("plimsoll.serve").joinpath(name).read_bytes()


def _page(*inside: object) -> bytes:
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", "Search"),
        Markup('<link rel="icon" href="data:,">'),
        Markup('<link rel="stylesheet" href="/search/search_page.css">'),
        tag("script", src="/search/search_page.js", defer="defer"),
    )
    return (Markup("<!doctype html>") + tag("html", head, tag("body", *inside), lang="en")).encode()


def login(wrong: bool = False) -> bytes:
    """Asks for the token."""
    field = tag("input", name="token", type="password", required="required", autofocus="autofocus")
    said = tag("p", "The token is not the right one.", role="alert") if wrong else None
    form = tag(
        "form",
        tag("h1", "Search"),
        said,
        tag("label", "Token ", field),
        tag("button", "Begin"),
        method="post",
        action="/search/login",
        class_="card",
    )
    return _page(tag("main", form))


def about(searcher: Searcher) -> dict[str, Any]:
    """What the page must know of the documents: columns, and how many there are."""
    schema = searcher.collection.schema
    return {
        "id": schema.target,
        "heading": searcher.fields[0] if len(searcher.fields) > 1 else "",
        "fields": searcher.fields,
        "facets": schema.of(*_COUNTED)[:_MOST_FACETS],
        "shown": schema.of(*_SHORT),
        "times": schema.of(Kind.TIME),
        "count": searcher.many,
    }


def page(searcher: Searcher) -> bytes:
    """The page over a bundle, before anything is asked."""
    known = about(searcher)
    many = tag("span", f"{known['count']:,} documents")
    skip = tag("a", "To what was found", href="#hits", class_="skip")
    none = tag("noscript", tag("p", "This page needs scripts. GET /search.json?q=… answers without.", role="alert"))
    main = tag("main", _asks(), none, _found(), _document(), data_about=json.dumps(known))
    return _page(skip, tag("header", tag("b", "Search"), many), main)


def _asks() -> Markup:
    field = tag(
        "input",
        id="q",
        name="q",
        type="search",
        autofocus="autofocus",
        autocomplete="off",
        autocapitalize="off",
        spellcheck="false",
        maxlength=2_000,
        enterkeyhint="search",
        placeholder="What is looked for",
        aria_label="Search",
    )
    form = tag("form", field, tag("kbd", "/", aria_hidden="true"), class_="asks", role="search", action="/search")
    said = tag("div", id="said", class_="said", role="status")
    return tag("div", tag("h1", "Search", class_="unseen"), form, said, _hints())


def _hints() -> Markup:
    """How a query is written, seen while nothing is asked."""
    ways = {
        "“words in a row”": "stand in a document so",
        "+word": "must be there",
        "-word": "must not",
        "wind*": "is all that begins so",
    }
    told = [tag("div", tag("dt", way), tag("dd", says)) for way, says in ways.items()]
    return tag("dl", *told, id="hints", class_="hints")


def _found() -> Markup:
    before, after = (
        tag("button", words, type="button", id=name) for words, name in (("← Before", "before"), ("Further →", "after"))
    )
    turn = tag(
        "nav", before, tag("span", id="where"), after, id="pages", class_="pages", aria_label="Pages", hidden="hidden"
    )
    hits = tag("section", tag("h2", "What was found", class_="unseen"), tag("ol", id="hits", tabindex="-1"), turn)
    narrow = tag(
        "details",
        tag("summary", "Narrow it down"),
        tag("div", id="facets", role="group", aria_label="Narrow it down"),
        class_="facets",
        hidden="hidden",
    )
    return tag("div", hits, narrow, class_="both alone")


def _document() -> Markup:
    close = tag("button", "Close", type="button", class_="close")
    top = tag("div", tag("h2", id="head", class_="head"), close, class_="top")
    return tag("dialog", top, tag("dl", id="told"), aria_labelledby="head")
