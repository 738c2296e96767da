"""One expression, two back ends: whatever rule, whatever row, the same answer."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.policy.expression import truth
from plimsoll.policy.history import column
from plimsoll.policy.online import compiled
from plimsoll.policy.terms import Type, Words

FIELDS = {
    "n": Type.NUMBER,
    "m": Type.NUMBER,
    "t": Type.TEXT,
    "u": Type.TEXT,
    "b": Type.TRUTH,
    "w": Type.TIME,
    "v": Type.TIME,
}
WORDS = Words(FIELDS, {"bad": ("x", "free", "é"), "few": (1.0, 2.5)}, {"bar": 0.5}, ("yes",))
NAMES = [*FIELDS, "score yes"]
PLACES = {name: name for name in NAMES}
TYPES = {Type.NUMBER: pl.Float64, Type.TIME: pl.Float64, Type.TEXT: pl.String, Type.TRUTH: pl.Boolean}
SCHEMA = {**{name: TYPES[kind] for name, kind in FIELDS.items()}, "score yes": pl.Float64}

numbers = st.sampled_from(["0", "1", "2.5", "-3", "1e300", "0.1"])
texts = st.sampled_from(["''", "'x'", "'Free MONEY'", "'é'", "' a b\\n'"])
written = st.sampled_from(["'x'", "'fr'", "''", "'É'"])
patterns = st.sampled_from([r"'x+'", r"r'\bfree\b'", r"'(?i)FREE|a.b'", r"r'^\w+\s\d*$'", r"r'[^\d]x?'", r"'é$'"])


def number(inner: Any) -> Any:
    two = st.tuples(inner["n"], inner["n"])
    return st.one_of(
        st.tuples(inner["n"], st.sampled_from("+-*/"), inner["n"]).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        two.map(lambda p: f"min({p[0]}, {p[1]})"),
        two.map(lambda p: f"max({p[0]}, {p[1]})"),
        two.map(lambda p: f"or_else({p[0]}, {p[1]})"),
        inner["n"].map(lambda p: f"abs({p})"),
        st.tuples(st.sampled_from(["length", "words", "capitals"]), inner["t"]).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(st.sampled_from(["hour", "weekday"]), inner["w"]).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(inner["w"], inner["w"]).map(lambda p: f"({p[0]} - {p[1]})"),
    )


def text(inner: Any) -> Any:
    return st.one_of(
        inner["t"].map(lambda p: f"lower({p})"),
        st.tuples(inner["t"], inner["t"]).map(lambda p: f"or_else({p[0]}, {p[1]})"),
    )


def true(inner: Any) -> Any:
    orders = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    any_kind = st.one_of(inner["n"], inner["t"], inner["w"], inner["b"])
    return st.one_of(
        st.tuples(inner["n"], orders, inner["n"]).map(" ".join).map("({})".format),
        st.tuples(inner["t"], st.sampled_from(["==", "!="]), inner["t"]).map(" ".join).map("({})".format),
        st.tuples(inner["b"], st.sampled_from(["==", "!="]), inner["b"]).map(" ".join).map("({})".format),
        st.tuples(inner["b"], st.sampled_from(["and", "or"]), inner["b"]).map(" ".join).map("({})".format),
        inner["b"].map("(not {})".format),
        any_kind.map("missing({})".format),
        st.tuples(inner["b"], inner["b"]).map(lambda p: f"or_else({p[0]}, {p[1]})"),
        st.tuples(inner["t"], st.sampled_from(["in", "not in"]), st.sampled_from(["bad", "['x', 'a']"]))
        .map(" ".join)
        .map("({})".format),
        st.tuples(inner["n"], st.sampled_from(["in", "not in"]), st.sampled_from(["few", "[1, 0]"]))
        .map(" ".join)
        .map("({})".format),
        st.tuples(st.sampled_from(["contains", "starts_with", "ends_with"]), inner["t"], written).map(
            lambda p: f"{p[0]}({p[1]}, {p[2]})"
        ),
        st.tuples(inner["t"], patterns).map(lambda p: f"matches({p[0]}, {p[1]})"),
    )


def rules() -> Any:
    inner = {
        "n": st.one_of(numbers, st.sampled_from(["n", "m", "score()", "bar"])),
        "t": st.one_of(texts, st.sampled_from(["t", "u"])),
        "b": st.sampled_from(["b", "True", "False"]),
        "w": st.sampled_from(["w", "v"]),
    }
    for _ in range(3):
        inner = {
            "n": st.one_of(inner["n"], number(inner)),
            "t": st.one_of(inner["t"], text(inner)),
            "b": st.one_of(inner["b"], true(inner)),
            "w": inner["w"],
        }
    return inner["b"]


floats = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.0, 2.5, -3.0, 1e300, -1e300, 5e-324]), st.floats(-1e9, 1e9))
words = st.one_of(
    st.none(), st.sampled_from(["", "x", "Free money", "É é", "a\tb  c\n", "free x1"]), st.text(max_size=8)
)
rows = st.fixed_dictionaries(
    {
        "n": floats,
        "m": floats,
        "t": words,
        "u": words,
        "b": st.sampled_from([None, True, False]),
        "w": floats,
        "v": floats,
        "score yes": st.one_of(st.none(), st.floats(0, 1)),
    }
)


def _cell(value: Any, name: str) -> Any:
    """As rows hold it: nan where a number, a time or a truth is missing."""
    if FIELDS.get(name) is Type.TEXT:
        return value
    return math.nan if value is None else float(value)


@settings(max_examples=600, deadline=None)
@given(rules(), st.lists(rows, min_size=1, max_size=8))
def test_history_and_one_event_agree(rule: str, events: list[dict[str, Any]]):
    term = truth(rule, WORDS, "rule")
    fires = compiled([term], NAMES)
    one = [fires([_cell(event[name], name) for name in NAMES]) == [0] for event in events]
    frame = pl.DataFrame(events, schema=SCHEMA)
    other = frame.select(column(term, PLACES).alias("fires")).to_series()
    other = other.extend_constant(other[0], len(events) - 1) if len(other) == 1 else other
    assert one == other.fill_null(False).to_list(), rule
