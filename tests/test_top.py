"""The best of many scores, by the maxima of columns, against sorting all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from plimsoll import top


def slowly(scores: list[float], depth: int) -> list[tuple[int, float]]:
    """What ``best`` is to give, by sorting everything."""
    found = sorted((number for number, score in enumerate(scores) if score > 0), key=lambda k: (-scores[k], k))
    return [(number, scores[number]) for number in found[:depth]]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 200), st.integers(0, 12), st.sampled_from([2, 5, 1_000]))
def test_the_best_are_those_of_a_full_sort_however_many_are_the_same(seed: int, many: int, depth: int, values: int):
    """Columns or not, ties or not: the best first, the lower number first of equals, and nothing that scores nothing."""
    random = np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(top, "_FEW", 30)
        patch.setattr(top, "_COLUMNS", 8)
        scores = np.zeros(top.room(many), dtype=np.float32)
        scores[:many] = random.integers(0, values, many) / 4 * (random.random(many) < random.random())
        found = top.best(scores, depth)
    due = slowly(scores.tolist(), depth)
    assert found.tolist() == due + [(-1, 0.0)] * (depth - len(due))


def test_columns_are_looked_at_where_there_are_many(monkeypatch: pytest.MonkeyPatch):
    """The property above is of the quick way too: it has rows to lay scores in, and takes few of the columns."""
    monkeypatch.setattr(top, "_FEW", 30)
    monkeypatch.setattr(top, "_COLUMNS", 8)
    looked, whole = list[int](), top._best

    def counted(below: NDArray[Any], depth: int, ties: bool) -> NDArray[Any]:
        looked.append(len(below))
        return whole(below, depth, ties)

    monkeypatch.setattr(top, "_best", counted)
    scores = np.zeros(top.room(100), dtype=np.float32)
    scores[[3, 50, 77]] = 1, 2, 3
    assert top.best(scores, 2)["item"].tolist() == [77, 50]
    assert looked == [13, 16]  # the maxima of 13 columns of 8, and then two columns


@pytest.mark.parametrize("begin", [0, 1 << 14, (1 << 16) - 9, (1 << 18) - 40, 1_000_000])
def test_room_is_made_of_whole_rows(begin: int):
    """Room for so many has as many rows as they have themselves, and no more than a row too much."""
    for many in range(begin, begin + 80):
        assert many <= top.room(many) < many + top.rows(many)
        assert top.room(many) % top.rows(top.room(many)) == 0
