"""One cell as JSON says it, as the value that rows have: whoever asks, and wherever it is kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from plimsoll.rows import Value
from plimsoll.schema import Kind
from plimsoll.spelling import ABSENT, TIDY, boolean, category_text, number, number_text, seconds

WANTED = {
    Kind.NUMBER: "a number or null",
    Kind.BOOLEAN: 'true, false, 0, 1, a text such as "yes", or null',
    Kind.TIME: 'a time such as "2026-05-17T08:30:00Z", seconds since 1970, or null',
    Kind.CATEGORY: "a text, a number, a boolean or null",
    Kind.ID: "a text, a number, a boolean or null",
    Kind.TEXT: "a text or null",
    Kind.SIGNAL: "a list of frames, each a list of one number a channel, or null",
    Kind.QUERY: "a text",
    Kind.HISTORY: "the id of a user, a list of ids of items, or null",
}


def _spelled(kind: Kind, rule: Callable[[str], float | None]) -> Callable[[Any], float]:
    """Cells of a kind as numbers: texts by the rule that files are read by, where blank ones are missing."""

    def convert(value: Any) -> float:
        if value is None or value != value:
            return math.nan
        found = rule(value) if isinstance(value, str) else value
        if found is not None and (kind is not Kind.BOOLEAN or found in (0, 1)):
            return float(found)
        if isinstance(value, str) and not value.strip():
            return math.nan
        shown = f'"{value[:40]}"' if isinstance(value, str) else f"{value!r:.40}"
        raise ValueError(f"expected {WANTED[kind]}, got {shown}")

    return convert


def _moment(text: str) -> float | None:
    since = seconds(text)
    return number(text) if since is None else since


def _category(value: Any) -> str | None:
    """A category as files give it: 3, 3.0 and "3.0" are "3", true is "true", and a blank is missing."""
    if isinstance(value, str):
        text = value.strip()
        # Only what ends so can be a number, or a boolean: most texts stop here.
        tidy = category_text(text) if text[-1:] in TIDY else text
        return None if tidy in ABSENT else tidy or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else number_text(value)


def _text(value: str | None) -> str | None:
    return None if not value or value.isspace() else value


class Always:
    """A type that no value has: these cells are always converted."""


# A number of this type is ready, which saves a call for most cells; a text is always tidied.
CONVERT: dict[Kind, tuple[type, Callable[[Any], Value]]] = {
    Kind.NUMBER: (float, _spelled(Kind.NUMBER, number)),
    Kind.BOOLEAN: (Always, _spelled(Kind.BOOLEAN, boolean)),
    Kind.TIME: (float, _spelled(Kind.TIME, _moment)),
    Kind.CATEGORY: (str, _category),
    Kind.ID: (str, _category),
    Kind.TEXT: (str, _text),
}


def cell(kind: Kind) -> Callable[[Any], Value]:
    """What a cell is as a value; the function raises ValueError or OverflowError where it is none.

    >>> cell(Kind.BOOLEAN)("yes"), cell(Kind.CATEGORY)(3.0)
    (1.0, '3')
    """
    return CONVERT[kind][1]


def taken(kind: Kind, value: Any) -> Value:
    """The same of anything that Python holds. Raises ValueError for what is no such cell, and for a number that is not finite.

    >>> taken(Kind.TIME, "1970-01-02"), taken(Kind.TEXT, 3)
    Traceback (most recent call last):
    ValueError: expected a text or null, got 3
    """
    if isinstance(value, float) and value != value:
        value = None
    fits = str if kind is Kind.TEXT else (str, int, float)
    number_like = isinstance(value, bool) and kind in (Kind.NUMBER, Kind.TIME)
    if value is not None and (number_like or not isinstance(value, fits) or value in (math.inf, -math.inf)):
        shown = f"{value!r:.40}" if isinstance(value, (int, float)) else _NAMES.get(type(value), "something else")
        raise ValueError(f"expected {WANTED[kind]}, got {shown}")
    try:
        return cell(kind)(value)
    except OverflowError:
        raise ValueError(f"expected {WANTED[kind]}, got a number beyond all bounds") from None


_NAMES: dict[type, str] = {list: "a list", tuple: "a list", dict: "an object"}
