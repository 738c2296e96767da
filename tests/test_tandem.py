"""Two recommenders in one: kept where both together are better than each, and refused where they are not two."""

from __future__ import annotations

import numpy as np
import pytest

from plimsoll import ease, popular, recommenders, tandem, transitions
from recommend_toys import groups

FIRST = np.array([[0.0, 1.0, 0.9, 0.0], [0.0, 0.0, 0.6, 0.5]])
SECOND = np.array([[1.0, 0.0, 0.6, 0.0], [0.0, 0.9, 0.6, 0.8]])


def right(truth: list[int]):
    return lambda scores: float((scores.argmax(axis=1) == truth).mean())


def test_a_share_is_chosen_where_both_together_win():
    """Neither puts item 2 of the first row on top, their sum does; the least share of those that do as well."""
    assert tandem.best_share(FIRST[:1], SECOND[:1], right([2]), (0.1, 0.5, 1.0, 9.0)) == 0.5


def test_none_is_chosen_where_one_alone_does_as_well():
    """A tie is no win, be it with the first or with the second."""
    assert tandem.best_share(FIRST[:1], SECOND[:1], right([1]), (0.01, 0.1)) is None
    assert tandem.best_share(FIRST[:1], SECOND[:1], right([0]), (50.0, 90.0)) is None


def test_what_is_no_pair_is_refused():
    """One member, three of them, or one that cannot say why."""
    linked, counted = transitions.fit(groups()), popular.fit(groups())
    for members in ([linked], [linked] * 3, [linked, counted]):
        with pytest.raises(ValueError, match="two that explain"):
            tandem.of({**recommenders.together(members), "share": np.array(1.0)})


def test_members_of_other_items_are_refused():
    """The scores of forty items cannot be added to those of twenty."""
    members = [ease.fit(groups(), 5.0), transitions.fit(groups(many=20))]
    with pytest.raises(ValueError, match="40, 20"):
        recommenders.apart(recommenders.together(members))
