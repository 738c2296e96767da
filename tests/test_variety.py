"""Figures of lists as a whole: coverage, popularity, novelty, diversity."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plimsoll.ranking import RANKED, best, nothing
from plimsoll.variety import coverage, diversity, had_by, novelty, popularity, unit


def test_coverage_counts_the_items_that_anybody_is_shown():
    """The same list for everybody covers k items, lists of their own cover more, and gaps cover nothing."""
    scores = np.tile(np.arange(20.0), (5, 1))
    assert coverage(best(scores, depth=10), 4, 20) == 4 / 20
    assert coverage(best(np.random.default_rng(0).random((500, 20)), depth=10), 4, 20) == 1.0
    assert coverage(nothing(3), 10, 20) == 0.0


def test_popularity_is_half_by_chance_and_nearly_one_where_the_most_popular_are_shown():
    """Percentiles say the same of any collection; items of one count share theirs."""
    random = np.random.default_rng(1)
    counts = (1000 / np.arange(1, 201)).astype(int)
    chance = best(random.random((4000, 200)), depth=10)
    assert popularity(chance, 10, counts) == pytest.approx(0.5, abs=0.01)
    assert popularity(best(np.tile(counts, (3, 1)), depth=10), 10, counts) == pytest.approx(1 - 5 / 200)
    assert popularity(chance, 10, np.full(200, 7)) == 0.5
    assert math.isnan(popularity(nothing(2), 10, counts))


def test_novelty_is_the_information_in_an_item_that_so_many_users_had():
    """An item of a quarter of the users says two bits; one that nobody had counts as one that one user had."""
    answers = np.array([[(0, 2.0), (1, 1.0)], [(2, 1.0), (-1, 0.0)]], dtype=RANKED)
    assert novelty(answers, 1, np.array([4, 16, 0]), 16) == pytest.approx((2 + 4) / 2)
    assert novelty(answers, 2, np.array([4, 16, 0]), 16) == pytest.approx((2 + 0 + 4) / 3)


def test_diversity_is_one_less_the_mean_cosine_of_pairs():
    """It is what a loop over pairs gives; below two items there are no pairs."""
    random = np.random.default_rng(2)
    vectors = unit(random.normal(size=(12, 5)))
    answers = best(random.random((6, 12)), depth=4)
    answers[0, 3] = (-1, 0.0)
    answers[1, 1:] = (-1, 0.0)
    found = diversity(answers, 4, vectors)
    for row, listed in enumerate(answers["item"]):
        items = listed[listed >= 0]
        pairs = [1 - vectors[i] @ vectors[j] for i in items for j in items if i < j]
        assert found[row] == pytest.approx(np.mean(pairs), abs=1e-5) if pairs else np.isnan(found[row])


def test_items_that_the_same_users_had_are_alike_and_others_are_not():
    """The vectors stand for who had an item: their products are the cosines, up to chance."""
    random = np.random.default_rng(3)
    had = random.random((400, 30)) < np.where(np.arange(30) < 15, 0.5, 0.1)
    had[:, 1] = had[:, 0]
    had[:, 2] = ~had[:, 0]
    users, items = np.nonzero(had)
    vectors = had_by(users, items, 31).astype(np.float64)
    exact = unit(had.T).astype(np.float64)
    off = ((vectors @ vectors.T)[:30, :30] - exact @ exact.T)[~np.eye(30, dtype=bool)]
    assert np.abs(off).mean() < 0.1
    answers = best(random.random((200, 30)), depth=10)
    told, due = (1 - diversity(answers, 10, each) for each in (vectors, exact.astype(np.float32)))
    assert np.abs(told / due - 1).max() < 0.3
    assert vectors[0] @ vectors[1] > 0.6 > 0.4 > abs(vectors[0] @ vectors[2])
    assert not vectors[30].any()
    assert not had_by(users[:0], items[:0], 4).any()


def test_a_vector_of_nothing_is_like_nothing():
    """Zeros stay zeros, without a warning."""
    assert unit(np.array([[0.0, 0.0], [3.0, 4.0]])).tolist() == [[0.0, 0.0], [pytest.approx(0.6), pytest.approx(0.8)]]
