"""A row's numbers and categories are the same in a batch and alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.features import MISSING, Numbers, Ordered
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema

SCHEMA = Schema(
    (
        Column("when", Kind.TIME),
        Column("job", Kind.CATEGORY),
        Column("age", Kind.NUMBER),
        Column("member", Kind.BOOLEAN),
    ),
    "y",
)
CELLS = st.tuples(
    st.floats(-1e11, 1e11) | st.just(math.nan),
    st.none() | st.sampled_from(["cook", "nurse"]),
    st.floats(allow_infinity=False),
    st.sampled_from([0.0, 1.0, math.nan]),
)


@given(st.lists(CELLS, min_size=1, max_size=5))
def test_numbers_of_one_row_are_those_of_the_batch(values: list[tuple[float, str | None, float, float]]):
    """Times, numbers, booleans and missing cells come out alike, to the last bit."""
    numbers = Numbers.of(SCHEMA)
    matrix = numbers.matrix(Rows.of_values(SCHEMA, values))
    assert matrix.shape == (len(values), numbers.width)
    np.testing.assert_array_equal(matrix, [numbers.one(row) for row in values])


def test_a_moment_is_told_by_its_parts():
    """The 2nd of January 1970, 18:00 UTC, is a Friday: day four when Monday is nought."""
    numbers = Numbers.of(SCHEMA)
    assert numbers.one((1.75 * 86_400, None, 7.0, 1.0)) == [1.75, 18.0, 4.0, 1.75, 7.0, 1.0]


def test_a_schema_without_times_hands_its_cells_on():
    """Numbers and booleans are read as they are, in the schema's order, and texts are left out."""
    numbers = Numbers.of(SCHEMA.without(["when"]))
    assert numbers.names == ("age", "member")
    assert numbers.one(("cook", 3.5, 1.0)) == [3.5, 1.0]


def ordered(classes: int) -> Ordered:
    """Three values of 20 rows each, the target rising from low to high, and a rare one."""
    texts = [text for text in ("low", "middle", "high") for _ in range(20)] + ["rare"] + [None] * 9
    share = {"low": 0, "middle": 10, "high": 20}
    target = np.array([int(k % 20 < share.get(text or "", 0)) for k, text in enumerate(texts)])
    return Ordered.fit("level", 0, Coded.of(texts), target if classes else target.astype(float), classes, least=2)


@pytest.mark.parametrize("classes", [0, 2])
def test_categories_are_ranked_by_their_mean_target(classes: int):
    """The value with the lowest mean target comes first, with classes as with numbers."""
    found = ordered(classes)
    assert found.one("low") < found.one("middle") < found.one("high")


def test_categories_of_many_classes_lie_along_their_shares():
    """Of three classes, a value that mixes two others stands between them."""
    texts = ["a"] * 30 + ["mixed"] * 30 + ["b"] * 30
    target = np.array([0] * 30 + [0, 2] * 15 + [2] * 30)
    found = Ordered.fit("c", 0, Coded.of(texts), target, 3)
    assert found.one("mixed") == 1.0
    assert {found.one("a"), found.one("b")} == {0.0, 2.0}


def test_rare_values_share_a_place():
    """A value seen less often than asked for is read as one that was never seen."""
    found = Ordered.fit("c", 0, Coded.of(["often"] * 299 + ["once"]), np.arange(300.0), 0)
    assert found.one("once") == found.one("never") == found.other == -1.0
    assert found.one("often") == 0.0


@given(st.lists(st.none() | st.sampled_from(["low", "middle", "high", "new", ""]), max_size=8))
def test_a_category_column_is_its_cells_one_by_one(texts: list[str | None]):
    """Known, unseen and missing values get the same number in a batch as alone, also when read back."""
    found = ordered(2)
    rows = Rows(len(texts), {"level": Coded.of(texts)})
    assert found.column(rows).tolist() == [found.one(text) for text in texts]
    again = Ordered.from_json(found.as_json())
    assert again.column(rows).tolist() == found.column(rows).tolist()


def test_a_missing_category_is_below_every_other():
    """A tree can part missing cells from all values with one threshold."""
    found = ordered(2)
    assert found.one(None) == MISSING < min(found.other, *found.code.values())
