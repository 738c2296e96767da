"""Requests for lists: who is asked about in which way, what the list is to be like, and every fault with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.collection import Collection
from plimsoll.errors import RequestError
from plimsoll.held import Held
from plimsoll.ids import Ids
from plimsoll.rows import Histories, Past, Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.serve.list_request import MOST_EVENTS, Ask, ListReader

SHELF = Collection(Ids.of(["01", "a", "b", "c"]), Rows(4, {}), Schema((), "film"))
HELD = Held.of(Ids.of(["1", "2"]), Histories.of([Past.of([2, 3]), Past.of([])], 4))


def reader(column: str = "who", held: Held | None = HELD, most: int = 3) -> ListReader:
    return ListReader(Schema((Column(column, Kind.HISTORY, distinct=4),), "film"), SHELF, held, most)


def asked(value: Any, **more: Any) -> Ask:
    rows, many = reader(**more).read(json.dumps(value).encode())
    assert not many
    return rows[0]


@pytest.mark.parametrize(
    ("value", "items", "known"),
    [
        ({"who": 1}, [2, 3], True),
        ({"who": "1.0"}, [2, 3], True),
        ({"who": 1, "since": ["a", "01"]}, [2, 3, 1, 0], True),
        ({"who": 2}, [], False),
        ({"who": 2, "since": ["a"]}, [1], True),
        ({"who": "nobody"}, [], False),
        ({"who": None, "since": ["a"]}, [1], True),
        ({}, [], False),
        ({"who": ["c", "a", "c"]}, [3, 1, 3], True),
        ({"who": ["c"], "since": ["a"]}, [3, 1], True),
        ({"who": []}, [], False),
    ],
)
def test_a_history_is_what_is_kept_and_what_came_since(value: Any, items: list[int], known: bool):
    """By an id, of somebody unknown, and brought along; new events stand behind the old ones, and each counts one."""
    found = asked(value)
    assert found.past.items.tolist() == items
    assert found.past.weights.tolist() == [1.0] * len(items)
    assert (found.known, found.unknown) == (known, 0)


def test_what_is_kept_is_not_changed_by_what_came_since():
    """The next who asks about the same user gets what the bundle holds."""
    one = reader()
    one.read(b'{"who": 1, "since": ["a"]}')
    assert one.read(b'{"who": 1}')[0][0].past.items.tolist() == [2, 3]


def test_ids_that_are_not_known_are_passed_over_and_counted():
    """1 is not "01"; a list of which nothing is known is a history of nothing."""
    found = asked({"who": ["a", 1, "x", 1.5], "since": ["b", ""]})
    assert (found.past.items.tolist(), found.unknown) == ([1, 2], 4)
    assert not asked({"who": ["x"]}).known
    held = asked({"who": 1, "only": ["x", "a"], "without": ["y"]})
    assert held.only.tolist() == [1]  # type: ignore[union-attr]  # it was said
    assert held.without.tolist() == []  # type: ignore[union-attr]  # it was said
    assert asked({"who": 1, "only": None}).only is None


def test_a_bundle_that_keeps_nothing_knows_nobody():
    """But takes what is brought along."""
    assert not asked({"who": 1}, held=None).known
    assert asked({"who": ["a"]}, held=None).past.items.tolist() == [1]


def test_rows_come_alone_in_a_list_and_under_rows():
    """And no rows are no fault."""
    read = reader().read
    for body in (b'[{"who": 1}, {}]', b' {"rows" : [{"who": 1}, {}]}'):
        rows, many = read(body)
        assert many
        assert [row.known for row in rows] == [True, False]
    assert read(b"[]") == read(b'{"rows": []}') == ([], True)


@pytest.mark.parametrize("name", ["k", "since", "only", "why", "without"])
def test_a_column_may_be_called_as_a_wish_is(name: str):
    """Then it is the column, and the wish cannot be said."""
    found = asked({name: 1}, column=name)
    assert (found.past.items.tolist(), found.k, found.only, found.why) == ([2, 3], 10, None, False)


@pytest.mark.parametrize(
    ("body", "path", "said", "status"),
    [
        (b"{", "$", "not JSON", 400),
        (b"", "$", "not JSON", 400),
        (b"\xff", "$", "not JSON", 400),
        (b"[" * 100_000, "$[0]", "expected `object`", 422),
        (b"3", "$", "expected `object`", 422),
        (b'{"who": true}', "$.who", "got `bool`", 422),
        (b'{"who": {"id": 1}}', "$.who", "got `object`", 422),
        (b'{"who": [[1]]}', "$.who[0]", "got `array`", 422),
        (b'{"who": [null]}', "$.who[0]", "got `null`", 422),
        (b'{"whom": 1}', "$.whom", 'Did you mean "who"?', 422),
        (b'{"f0": 1}', "$.f0", "no such part", 422),
        (b'{"who": 1, "k": 0}', "$.k", "1 to 100, got 0", 422),
        (b'{"who": 1, "k": 101}', "$.k", "1 to 100, got 101", 422),
        (b'{"who": 1, "k": "3"}', "$.k", "expected `int`", 422),
        (b'{"who": 1, "why": 1}', "$.why", "expected `bool`", 422),
        (b'{"who": 1, "since": "a"}', "$.since", "expected `array`", 422),
        (b'[{}, {"k": -1}]', "$[1].k", "got -1", 422),
        (b'{"rows": [{}, {"k": -1}]}', "$.rows[1].k", "got -1", 422),
        (b'{"rows": [{}], "k": 3}', "$.k", "no such part", 422),
        (b"[{},{},{},{}]", "$", "more than 3 rows", 413),
        (b'{"rows": [{},{},{},{}]}', "$.rows", "more than 3 rows", 413),
        (b'{"who": "%s"}' % (b"x" * 100_001), "$.who", "longer than 100000", 413),
        (b'{"who": [%s1]}' % (b"1," * MOST_EVENTS), "$.who", "more than 100,000 items", 413),
        (b'[{"since": [%s1]}]' % (b"1," * MOST_EVENTS), "$[0].since", "more than 100,000 items", 413),
    ],
)
def test_every_fault_is_told_with_its_place(body: bytes, path: str, said: str, status: int):
    """In the words of who asks, never in those of the decoder's fields."""
    with pytest.raises(RequestError) as fault:
        reader().read(body)
    assert (fault.value.path, fault.value.status) == (path, status)
    assert said in fault.value.reason


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["who", "k", "since", "only", "rows"]), inner)
    ),
    max_leaves=8,
)


@given(_JSON)
def test_any_json_is_read_or_refused(value: Any):
    """And nothing else comes out: numbers beyond all bounds, texts of half a letter, and rows in rows."""
    try:
        rows, _ = reader(most=1_000).read(json.dumps(value).encode())
    except RequestError:
        return
    assert all(0 <= item < 4 for row in rows for item in row.past.items.tolist())
