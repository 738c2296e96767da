"""Expressions for a history: each as one Polars expression, with the same answers as for one event."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from plimsoll.policy import patterns
from plimsoll.policy.terms import Term, Type

_WORD = "[^ \t\n\r\x0c\x0b]+"


def column(term: Term, places: Mapping[str, str]) -> pl.Expr:
    """The term over a frame; null where it is missing.

    ``places`` says which column holds a field, the score of a class (``score CLASS``), or a threshold that differs from
    row to row (``threshold NAME``); other thresholds are where they stand.

    >>> from plimsoll.policy.expression import truth
    >>> from plimsoll.policy.terms import Words
    >>> rule = truth("age < 3 or text == 'x'", Words({"age": Type.NUMBER, "text": Type.TEXT}), "a")
    >>> frame = pl.DataFrame({"a": [2.0, None, None], "t": [None, "x", None]})
    >>> frame.select(column(rule, {"age": "a", "text": "t"})).to_series().to_list()
    [True, True, None]
    """
    match term.op:
        case "field":
            return _sound(pl.col(places[term.name]), term.type)
        case "score":
            return _sound(pl.col(places[f"score {term.name}"]), term.type)
        case "threshold" if f"threshold {term.name}" in places:
            return pl.col(places[f"threshold {term.name}"])
        case "constant" | "threshold":
            return pl.lit(term.values[0])
    parts = [column(part, places) for part in term.parts]
    if term.op in ("+", "-", "*", "/"):
        found = _ARITHMETIC[term.op](*parts)
        return pl.when(found.is_finite()).then(found)
    return _WRITTEN[term.op](*parts, *term.values) if term.op in _WRITTEN else _PLAIN[term.op](*parts)


def _sound(cells: pl.Expr, gives: Type) -> pl.Expr:
    """Cells of which those that are not a number are missing."""
    return cells.fill_nan(None) if gives in (Type.NUMBER, Type.TIME) else cells


def _all(*parts: pl.Expr) -> pl.Expr:
    return pl.all_horizontal(*parts) if len(parts) > 1 else parts[0]


def _both(one: pl.Expr, other: pl.Expr, found: pl.Expr) -> pl.Expr:
    return pl.when(one.is_not_null() & other.is_not_null()).then(found)


def _cycle(cells: pl.Expr, seconds: float, first: int, many: int) -> pl.Expr:
    turn = (cells / seconds).floor() + first
    return turn - (turn / many).floor() * many


def _capitals(text: pl.Expr) -> pl.Expr:
    letters = text.str.count_matches("[A-Za-z]").cast(pl.Float64)
    share = text.str.count_matches("[A-Z]").cast(pl.Float64) / letters
    return pl.when(letters > 0.0).then(share).when(text.is_not_null()).then(0.0)


_ARITHMETIC: dict[str, Callable[..., pl.Expr]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
_PLAIN: dict[str, Callable[..., pl.Expr]] = {
    "and": _all,
    "or": lambda *parts: pl.any_horizontal(*parts),
    "not": lambda a: ~a,
    "missing": lambda a: a.is_null(),
    "or_else": lambda a, b: pl.coalesce(a, b),
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "length": lambda a: a.str.len_chars().cast(pl.Float64),
    "words": lambda a: a.str.count_matches(_WORD).cast(pl.Float64),
    "capitals": _capitals,
    "lower": lambda a: a.str.to_lowercase(),
    "abs": lambda a: a.abs(),
    "min": lambda a, b: _both(a, b, pl.min_horizontal(a, b)),
    "max": lambda a, b: _both(a, b, pl.max_horizontal(a, b)),
    "hour": lambda a: _cycle(a, 3_600.0, 0, 24),
    "weekday": lambda a: _cycle(a, 86_400.0, 3, 7),
}
_WRITTEN: dict[str, Callable[..., pl.Expr]] = {
    "in": lambda a, *values: a.is_in(list(values)),
    "contains": lambda a, text: a.str.contains(text, literal=True),
    "starts_with": lambda a, text: a.str.starts_with(text),
    "ends_with": lambda a, text: a.str.ends_with(text),
    "matches": lambda a, pattern: a.str.contains(patterns.read(pattern, "").rust),
}
