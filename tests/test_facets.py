"""Filters and counts over the columns of documents, against a loop that looks at every document."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from box_toys import DOCUMENTS, NAN, SCHEMA, collection
from plimsoll import facets
from plimsoll.errors import RequestError
from plimsoll.facets import Facet, edges, filters
from plimsoll.schema import Kind

LANGS, YEARS = ["en", "de", "fr", None], [1904.0, 1950.0, 1958.5, 2000.0, NAN]


def chosen(where: dict[str, Any], documents: dict[str, tuple[Any, ...]] = DOCUMENTS) -> list[str]:
    """The ids that a filter lets in."""
    held = collection(documents)
    masks = [each.mask(held) for each in filters(where, SCHEMA)]
    return held.ids.names(np.flatnonzero(np.logical_and.reduce(masks)).tolist())


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ({"lang": "en"}, ["1", "2", "5"]),
        ({"lang": ["de", "fr"]}, ["3"]),
        ({"lang": None}, ["4"]),
        ({"lang": [None, "de"]}, ["3", "4"]),
        ({"lang": []}, []),
        ({"year": 1950}, ["1"]),
        ({"year": "1950"}, ["1"]),
        ({"year": [1950, 1961, None]}, ["1", "4", "5"]),
        ({"year": {"from": 1950, "to": 1958}}, ["1", "2"]),
        ({"year": {"from": 1950, "below": 1958}}, ["1"]),
        ({"year": {"from": None, "to": 1904}}, ["3"]),
        ({"year": {}}, ["1", "2", "3", "5"]),
        ({"open": True}, ["1", "3"]),
        ({"open": "no"}, ["2", "5"]),
        ({"open": [False, None]}, ["2", "4", "5"]),
        ({"seen": {"from": "1970-01-02", "to": "1970-01-03"}}, ["2", "4"]),
        ({"seen": {"from": 86_400, "to": "1970-01-03T00:00:00+01:00"}}, ["2"]),
        ({"seen": {"to": "1970-01-01"}}, ["1"]),
        ({"id": [3, "1", "nobody"]}, ["1", "3"]),
        ({"lang": "en", "year": {"from": 1955}, "open": False}, ["2", "5"]),
    ],
    ids=str,
)
def test_a_filter_lets_in_what_it_says(where: dict[str, Any], wanted: list[str]):
    """Values, lists of them, blanks, ranges with both ends and days that are whole at their end."""
    assert chosen(where) == wanted


@pytest.mark.parametrize(
    ("where", "place", "why"),
    [
        ({"yaer": 1}, "$.where.yaer", 'Did you mean "year"'),
        ({"same": 1}, "$.where.same", "was left out"),
        ({"title": "wing"}, "$.where.title", "into the query"),
        ({"year": "soon"}, "$.where.year", "expected a number"),
        ({"year": True}, "$.where.year", "expected a number"),
        ({"year": [1950, {}]}, "$.where.year[1]", "got an object"),
        ({"year": math.inf}, "$.where.year", "expected a number"),
        ({"year": 10**400}, "$.where.year", "expected a number"),
        ({"year": {"form": 1}}, "$.where.year.form", 'Did you mean "from"'),
        ({"year": {"from": "x"}}, "$.where.year.from", "expected a number"),
        ({"year": {"from": ""}}, "$.where.year.from", "got a blank"),
        ({"year": {"from": 2, "to": 1}}, "$.where.year", "ends before it begins"),
        ({"year": {"to": 2, "below": 3}}, "$.where.year", "two upper ends"),
        ({"lang": {"from": "a"}}, "$.where.lang", "only numbers and times"),
        ({"lang": {}}, "$.where.lang", "only numbers and times"),
        ({"seen": "yesterday"}, "$.where.seen", "expected a time"),
        ({"open": 2}, "$.where.open", "expected true"),
        ({"lang": ["en"] * 10_001}, "$.where.lang", "more than 10,000"),
        ([1], "$.where", "expected an object"),
    ],
    ids=str,
)
def test_a_filter_that_cannot_be_is_told_with_its_place(where: Any, place: str, why: str):
    """One line with the path of the fault, and the nearest name where one was mistyped."""
    with pytest.raises(RequestError) as fault:
        filters(where, SCHEMA)
    assert fault.value.path == place
    assert why in fault.value.reason
    assert "\n" not in str(fault.value)


def _same(cell: Any, value: Any) -> bool:
    return (cell is None or cell != cell) if value is None else cell == value


TABLE = st.lists(
    st.tuples(st.sampled_from(LANGS), st.sampled_from(YEARS), st.sampled_from([0.0, 1.0, NAN])), min_size=1, max_size=30
)


@given(TABLE, st.lists(st.sampled_from(LANGS)), st.tuples(*[st.sampled_from([None, 1904, 1950, 1960, 2000])] * 2))
def test_filters_are_what_a_loop_would_let_in(table: Any, langs: Any, ends: Any):
    """Any of the values, and both ends of a range where they are said."""
    documents = {str(k): ("", "", lang, year, open_, 0.0) for k, (lang, year, open_) in enumerate(table)}
    low, high = ends
    if low is not None and high is not None and low > high:
        low, high = high, low
    loop = [
        name
        for name, (_, _, lang, year, open_, _) in documents.items()
        if any(_same(lang, value) for value in langs)
        and (year >= (-math.inf if low is None else low) and year <= (math.inf if high is None else high))
        and open_ == 1.0
    ]
    where = {"lang": langs, "year": {"from": low, "to": high}, "open": True}
    assert chosen(where, documents) == sorted(loop, key=int)


@given(TABLE)
def test_what_is_counted_is_what_its_filter_lets_in(table: Any):
    """Each count of a facet is written as the filter that would choose these documents, and they are as many."""
    documents = {str(k): ("", "", lang, year, open_, 86_400.0 * k) for k, (lang, year, open_) in enumerate(table)}
    held = collection(documents)
    for name in ("lang", "year", "open", "seen"):
        facet = facets.facet(name, held)
        told = facet.told(facet.count(held, np.ones(len(held), dtype=bool)))
        known = sum(not _same(cells[SCHEMA.names.index(name)], None) for cells in documents.values())
        assert sum(each["count"] for each in told) == known
        for each in told:
            where = each["value"] if "value" in each else {end: each[end] for end in ("from", "below") if end in each}
            assert len(chosen({name: where}, documents)) == each["count"]


def test_the_most_frequent_values_come_first_and_then_by_name():
    """Twenty at most, and of as many the one that is earlier in the alphabet."""
    documents = {str(k): ("", "", f"l{29 - k % 30:02d}", NAN, NAN, NAN) for k in range(65)}
    held = collection(documents)
    facet = facets.facet("lang", held)
    told = facet.told(facet.count(held, np.ones(len(held), dtype=bool)))
    assert [each["value"] for each in told] == [f"l{k:02d}" for k in (*range(25, 30), *range(15))]
    assert [each["count"] for each in told] == [3] * 5 + [2] * 15


def test_ranges_are_round_and_part_the_numbers_about_evenly():
    """Round edges near the quantiles; none where all are the same, and none of nothing."""
    years = np.repeat(np.arange(1900.0, 2000.0), 3)
    found = edges(years)
    assert all(edge % 5 == 0 for edge in found)
    counts = np.bincount(np.searchsorted(np.array(found), years, side="right"))
    assert counts.min() > 40
    assert edges(np.array([NAN, 3.0, 3.0])) == ()
    assert edges(np.zeros(0)) == ()
    assert edges(np.array([-1.7e308, 1.7e308])) == edges(np.array([0.0, 5e-324])) == ()
    assert all(edge % 86_400 == 0 for edge in edges(np.arange(0.0, 3e7, 1e5), 86_400.0))


@pytest.mark.parametrize("name", ["title", "id", "yaer"])
def test_what_has_no_values_that_come_again_is_not_counted(name: str):
    """Texts and ids differ from one document to the next."""
    with pytest.raises(RequestError, match=r"\$\.facets"):
        facets.facet(name, collection())
    assert facets.facet("open", collection()) == Facet("open", Kind.BOOLEAN)
