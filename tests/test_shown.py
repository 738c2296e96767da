"""What lists are worth by each quality: row by row, as a whole, with intervals, and one model against another."""

from __future__ import annotations

import numpy as np
import pytest

from listed_toys import ranked
from plimsoll import shown
from plimsoll.metrics import LISTS
from plimsoll.ranking import GRADED
from plimsoll.truth import Truth
from plimsoll.variety import Shelf

MANY = 6
# Items 0 to 5: item 0 is the best known; 4 and 5 nobody had.
SHELF = Shelf(np.array([8, 4, 2, 1, 0, 0]), 8, np.eye(MANY, dtype=np.float32))


def truth(*items: int) -> Truth:
    target = np.zeros((len(items), 1), dtype=GRADED)
    target["item"][:, 0], target["grade"] = items, 1.0
    return Truth(target, {}, shelf=SHELF)


LISTS_OF_TWO = ranked([[0, 1, 2], [3, 0], []])


def test_each_row_has_what_was_found_in_it():
    """A hit at the second place is none at the first."""
    true = truth(1, 3, 0)
    assert shown.each("hit_rate@1", true, LISTS_OF_TWO).tolist() == [0, 1, 0]  # type: ignore[union-attr]  # rows have it
    assert shown.each("hit_rate@2", true, LISTS_OF_TWO).tolist() == [1, 1, 0]  # type: ignore[union-attr]  # rows have it
    assert shown.value("hit_rate@2", true, LISTS_OF_TWO) == pytest.approx(2 / 3)


def test_popularity_and_novelty_are_means_over_the_places_that_are_filled():
    """An empty list says nothing, and is no zero; places behind k do not count."""
    popular = shown.each("popularity@1", truth(0, 0, 0), LISTS_OF_TWO)
    assert popular is not None
    assert popular[:2].tolist() == pytest.approx([5.5 / 6, 2.5 / 6])
    assert np.isnan(popular[2])
    assert shown.value("popularity@1", truth(0, 0, 0), LISTS_OF_TWO) == pytest.approx(4 / 6)
    two = shown.each("popularity@2", truth(0, 0, 0), LISTS_OF_TWO)
    assert two is not None
    assert two[0] == pytest.approx((5.5 + 4.5) / 12)
    novel = shown.each("novelty@1", truth(0, 0, 0), LISTS_OF_TWO)
    assert novel is not None
    assert novel[1] > novel[0], "what one of eight users had is news to more of them"


def test_coverage_is_of_all_rows_together_and_counts_the_whole_collection():
    """No row has it; its interval lies around what was found, within 0 and 1."""
    true = truth(1, 3, 0)
    assert shown.each("coverage@3", true, LISTS_OF_TWO) is None
    assert shown.value("coverage@3", true, LISTS_OF_TWO) == pytest.approx(4 / MANY)
    assert shown.value("coverage@1", true, LISTS_OF_TWO) == pytest.approx(2 / MANY)
    many = ranked([[k % 5, (k + 1) % 5] for k in range(50)])
    low, middle, high = shown.interval("coverage@2", truth(*[0] * 50), many, 0, 50)
    assert middle == pytest.approx(5 / 6)
    assert 0.0 <= low <= middle <= high <= 1.0


def test_a_gain_is_over_the_same_rows_and_turns_with_the_sides():
    """The same lists gain nothing; a list that finds what another misses does, also by what only a whole has."""
    true = truth(*[k % 5 for k in range(60)])
    right, wrong = ranked([[k % 5] for k in range(60)]), ranked([[5] for _ in range(60)])
    for name in ("hit_rate@1", "coverage@1"):
        low, high = shown.gain(name, true, right, wrong, 0, 50)
        assert 0 < low <= high, name
        other = shown.gain(name, true, wrong, right, 0, 50)
        assert other[1] < 0, name
        assert shown.gain(name, true, right, right, 0, 50) == (0.0, 0.0)


@pytest.mark.parametrize("name", LISTS)
def test_every_quality_that_limits_may_name_has_a_value(name: str):
    """From the shallowest to the deepest, also of lists that are not as long."""
    value = shown.value(name, truth(1, 3, 0), LISTS_OF_TWO)
    assert np.isnan(value) if name == "diversity@1" else 0.0 <= value <= 10.0
