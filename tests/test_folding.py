"""What folding in loses: nothing where nothing changed, and bounds that hold as often as they say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from plimsoll import folding, popular, ranking, transitions
from plimsoll.listing import Listing
from plimsoll.ranking import GRADED
from plimsoll.rows import Histories
from recommend_toys import chains

MANY = 30


def listing(told: Histories) -> Listing:
    return Listing("transitions", "who", transitions.fit(told), popular.fit(told))


def until(told: Histories, back: int) -> Histories:
    return Histories(told.items, told.times, told.weights, told.starts, told.ends - back, told.many)


def following(told: Histories) -> np.ndarray:
    """The item that comes next, of rows that end before their last."""
    truth = np.zeros((len(told), 1), dtype=GRADED)
    truth["item"][:, 0], truth["grade"] = told.items[told.ends], 1.0
    return truth


def test_two_models_that_are_one_lose_nothing():
    """All ten items are shared, and the bounds say so as far as so many users can."""
    told = until(chains(people=200), 1)
    found = folding.measured(listing(told), listing(told), told, following(told))
    assert (found.rows, found.overlap, found.lost) == (200, 1.0, 0.0)
    assert 0.95 < found.at_least < 1.0
    assert 0.0 < found.at_most < 0.1


def test_what_was_not_learned_is_seen():
    """A model that learned nothing of the links between items shares less and loses more than one that missed a step."""
    whole = chains(people=200)
    told = until(whole, 1)
    new = listing(told)
    late, empty = (
        folding.measured(listing(learned), new, told, following(told)) for learned in (until(told, 2), until(told, 11))
    )
    assert 0.0 < empty.at_least < empty.overlap < late.at_least < late.overlap <= 1.0
    assert late.lost < 0.1 < empty.lost <= empty.at_most
    assert late.lost <= late.at_most < empty.at_most
    assert folding.measured(new, listing(until(told, 11)), told, following(told)).lost == pytest.approx(-empty.lost)


def test_without_truth_only_lists_are_compared():
    """And of many users some are drawn."""
    told = until(chains(people=120), 1)
    found = folding.measured(listing(until(told, 4)), listing(told), told)
    assert found.overlap > found.at_least > 0.0
    assert math.isnan(found.lost)
    assert math.isnan(found.at_most)


def test_items_that_are_shared_are_counted_whatever_their_places():
    """Empty lists are alike, a short list is held against the longer one, and gaps are no items."""
    lists = np.zeros((4, 3), dtype=ranking.RANKED)
    other = lists.copy()
    lists["item"] = [[1, 2, 3], [1, -1, -1], [-1, -1, -1], [4, 5, 6]]
    other["item"] = [[3, 1, 2], [1, 2, -1], [-1, -1, -1], [7, 8, 9]]
    assert folding.overlaps(lists, other).tolist() == [1.0, 0.5, 1.0, 0.0]
    assert folding.overlaps(other, lists).tolist() == [1.0, 0.5, 1.0, 0.0]


@pytest.mark.parametrize("mean", [0.05, 0.5, 0.95])
def test_the_bound_is_missed_no_more_often_than_it_says(mean: float):
    """Of 300 samples, each missed with a chance of one in twenty, 27 or fewer are missed 999 times in a thousand; and it is no
    idle bound."""
    random = np.random.default_rng(3)
    samples = (random.random((300, 150)) < mean).astype(float)
    bounds = np.array([folding.least(values) for values in samples])
    assert (bounds > mean).sum() <= 27
    assert mean - bounds.mean() < 0.13
    assert (bounds >= 0.0).all()


def test_the_bound_is_of_all_and_not_of_the_last():
    """More values bring it closer, and their order hardly matters."""
    values = np.tile([1.0, 0.8, 0.9, 0.7], 200)
    assert folding.least(values[:40]) < folding.least(values[:200]) < folding.least(values) < values.mean()
    assert folding.least(np.sort(values)) == pytest.approx(folding.least(values), abs=0.03)


def test_a_model_that_was_taught_with_scores_upside_down_shares_little():
    """What is shared is of items, not of scores."""
    told = until(chains(people=60), 1)
    model = listing(told)
    worse = replace(model, scorer=popular.fit(told))
    assert folding.measured(worse, model, told).overlap < 0.7
