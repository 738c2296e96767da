"""A search as it stands in an address: ``?q=boundary layer&k=5&where={"year":{"from":1960}}``, as a row of a request."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from plimsoll.errors import RequestError, nearest
from plimsoll.serve.request import MOST_TEXT

_MANY = ("facets", "fields")  # may be there several times
_WHOLE = ("k", "skip")
_EITHER = ("highlight", "why", "count", "typos")
_WORDS = ("q", *_WHOLE, "where", *_MANY, *_EITHER)
_SAID = {"1": True, "true": True, "0": False, "false": False}
_MOST = 250  # words of an address


def row(query: bytes, column: str) -> dict[str, Any]:
    """The row of a request whose query stands in this ``column``. Raises RequestError with the word that is wrong.

    >>> row(b"q=boundary+layer&k=5&facets=year&why=1", "query")
    {'query': 'boundary layer', 'k': 5, 'facets': ['year'], 'why': True}
    """
    found: dict[str, Any] = {}
    for name, text in pairs(query):
        if name not in _WORDS:
            raise RequestError(f"?{name[:100]}", f"there is no such word of a search. {nearest(name[:100], _WORDS)}")
        if name in _MANY:
            found.setdefault(name, []).append(text)
        else:
            found[column if name == "q" else name] = _value(name, text)
    return found


def pairs(query: bytes) -> list[tuple[str, str]]:
    """The words of an address with what they say. Raises RequestError."""
    if len(query) > MOST_TEXT:
        raise RequestError("?", f"the address is longer than {MOST_TEXT:,} letters.", 413)
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST, errors="strict")
    except ValueError:
        raise RequestError("?", "the address cannot be read.", 400) from None


def _value(name: str, text: str) -> Any:
    if name in _WHOLE:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise RequestError(f"?{name}", f"expected a whole number, got “{text[:40]}”")
        return int(text)
    if name in _EITHER:
        if text not in _SAID:
            raise RequestError(f"?{name}", f"expected true or false, got “{text[:40]}”")
        return _SAID[text]
    return _where(text) if name == "where" else text


def _where(text: str) -> Any:
    try:
        return msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError) as fault:
        raise RequestError("?where", f'expected JSON such as {{"year": 1960}}: {fault}', 400) from None
