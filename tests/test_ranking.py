"""Lists made of scores, and where the relevant items are found in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from plimsoll import ranking
from plimsoll.errors import TrialError
from plimsoll.ranking import GRADED, RANKED, best, checked, found
from plimsoll.rows import Histories

Array = NDArray[Any]


def lists(*rows: list[tuple[int, float]]) -> Array:
    return np.array(list(rows), dtype=RANKED)


def truths(*rows: list[tuple[int, float]]) -> Array:
    return np.array(list(rows), dtype=GRADED)


def histories(rows: list[list[int]], many: int) -> Histories:
    items = np.array([item for row in rows for item in row], dtype=np.int32)
    ends = np.cumsum([len(row) for row in rows])
    starts = ends - np.array([len(row) for row in rows], dtype=np.int64)
    return Histories(items, np.arange(len(items)), np.ones(len(items), np.float32), starts, ends, many)


def slowly(scores: Array, seen: list[list[int]], depth: int) -> list[list[int]]:
    """What ``best`` is to give, by sorting everything."""
    rows = []
    for row, had in zip(scores, seen, strict=True):
        offered = [k for k in range(len(row)) if k not in had and row[k] > -np.inf]
        rows.append(sorted(offered, key=lambda k: (-row[k], k))[:depth])
    return rows


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 6))
def test_lists_are_those_of_a_full_sort_whatever_is_tied_seen_or_not_offered(seed: int, many: int, depth: int):
    """Selecting gives what sorting gives: the best first, ties by the number of the item, nothing seen."""
    random = np.random.default_rng(seed)
    scores = random.choice([0.0, 0.5, 1.0, -np.inf], (5, many))
    seen = [random.integers(0, many, random.integers(0, many + 1)).tolist() for _ in range(5)]
    made = checked(best(scores, histories(seen, many), depth), 5, many)
    due = slowly(scores, seen, depth)
    assert [row[row >= 0].tolist() for row in made["item"]] == due
    assert [row["score"][: len(items)].tolist() for row, items in zip(made, due, strict=True)] == [
        row[items].tolist() for row, items in zip(scores, due, strict=True)
    ]


def test_lists_are_the_same_in_blocks_and_the_scores_are_left_as_they_were(monkeypatch: pytest.MonkeyPatch):
    """How many rows are ranked at once changes nothing, and what was seen is struck out of a copy."""
    random = np.random.default_rng(0)
    scores = random.integers(0, 9, (31, 40)).astype(np.float32)
    seen = histories([random.integers(0, 40, 5).tolist() for _ in range(31)], 40)
    kept, whole = scores.copy(), best(scores, seen, 7)
    monkeypatch.setattr(ranking, "_CELLS", 100)
    assert np.array_equal(best(scores, seen, 7), whole)
    assert np.array_equal(scores, kept)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_a_score_that_is_no_finite_number_is_refused(bad: float):
    """Nan and infinity have no place in a list; nor has what float32 cannot hold."""
    with pytest.raises(TrialError, match="not a finite number"):
        best(np.array([[0.0, 1.0], [0.0, bad]]))


def test_a_collection_smaller_than_a_list_leaves_the_rest_empty():
    """Places without an item hold -1 and a score of 0."""
    made = best(np.array([[0.1, 0.2]]), depth=4)
    assert made["item"].tolist() == [[1, 0, -1, -1]]
    assert made["score"][0, 2:].tolist() == [0.0, 0.0]
    assert best(np.zeros((2, 0)), depth=3)["item"].tolist() == [[-1] * 3] * 2


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (lists([(0, 0.9), (0, 0.5)]), "twice"),
        (lists([(0, 0.4), (1, 0.5)]), "best first"),
        (lists([(-1, 0.0), (1, 0.5)]), "after a gap"),
        (lists([(3, 0.9), (1, 0.5)]), "none of the 3"),
        (lists([(-2, 0.9), (1, 0.5)]), "none of the 3"),
        (lists([(0, np.nan), (1, 0.5)]), "not a finite number"),
        (np.zeros((1, 2)), "lists of 1 rows"),
        (np.zeros((2, 2), RANKED), "lists of 1 rows"),
    ],
)
def test_a_list_that_breaks_the_contract_is_refused(answers: Array, why: str):
    """Each fault of a list is told by name."""
    with pytest.raises(TrialError, match=why):
        checked(answers, 1, 3)


def test_a_constant_score_finds_nothing():
    """All items share the last place, and the last of a full list may share it with any number outside."""
    answers = best(np.zeros((3, 50)), depth=10)
    assert not found(answers, truths([(0, 1.0)], [(5, 1.0)], [(40, 1.0)])).places.any()
    whole = best(np.zeros((1, 8)), depth=10)  # all of the collection is in the list
    assert found(whole, truths([(0, 1.0)])).places.tolist() == [[8]]


def test_items_of_one_score_take_the_last_of_their_places():
    """Ties count against the model, and those that reach the end of a full list are open."""
    answers = lists([(0, 0.9), (1, 0.5), (2, 0.5), (3, 0.1), (4, 0.1)])
    truth = truths([(1, 1.0), (2, 1.0), (0, 1.0), (3, 1.0), (9, 1.0), (-1, 0.0)])
    assert found(answers, truth).places.tolist() == [[3, 3, 1, 0, 0, 0]]
    shorter = lists([(0, 0.9), (1, 0.5), (2, 0.5), (3, 0.1), (4, 0.1), (-1, 0.0)])
    assert found(shorter, truth).places.tolist() == [[3, 3, 1, 5, 0, 0]]
    lone = lists([(0, 0.9), (1, 0.5), (3, 0.1)])
    assert found(lone, truth).places.tolist() == [[2, 0, 1, 3, 0, 0]]


def test_places_are_found_row_by_row_in_any_order_and_in_blocks(monkeypatch: pytest.MonkeyPatch):
    """The join of lists and truths is that of a search in each list."""
    random = np.random.default_rng(1)
    answers = best(random.random((40, 30)), depth=12)
    truth = np.zeros((40, 5), dtype=GRADED)
    truth["item"] = np.array([random.permutation(32)[:5] for _ in range(40)]) - 1
    truth["grade"] = random.integers(-1, 3, (40, 5))
    due = [
        [
            row.tolist().index(t["item"]) + 1 if t["item"] >= 0 and t["grade"] > 0 and t["item"] in row else 0
            for t in told
        ]
        for row, told in zip(answers["item"], truth, strict=True)
    ]
    assert found(answers, truth).places.tolist() == due
    assert (found(answers, truth).grades >= 0).all()
    monkeypatch.setattr(ranking, "_CELLS", 50)
    assert found(answers, truth).places.tolist() == due


def test_an_item_that_is_twice_in_a_list_is_refused_where_it_is_looked_up():
    """Such a list would be counted for one item twice."""
    with pytest.raises(TrialError, match="twice"):
        found(lists([(1, 0.9), (1, 0.5)]), truths([(1, 1.0)]))
