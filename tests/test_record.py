"""What a run says of itself."""

import numpy as np

from plimsoll.record import sampled
from plimsoll.rows import Rows
from plimsoll.truth import Part, Truth


def part(count: int) -> Part:
    target = np.arange(count)
    return Part(Rows(count, {"x": target * 2.0}), Truth(target, {"accuracy[x=2]": target % 2 == 0}))


def test_test_rows_that_can_be_answered_in_time_are_all_answered():
    """A sample is drawn only where it must be."""
    whole = part(100)
    assert sampled(whole, 100, seed=0) is whole


def test_a_sample_keeps_each_row_with_its_truth():
    """Rows, targets and slices stay side by side, and the seed decides which are drawn."""
    found = sampled(part(1_000), 50, seed=3)
    assert len(found) == 50
    assert (found.rows.numbers("x") == found.truth.target * 2.0).all()
    assert (found.truth.slices["accuracy[x=2]"] == (found.truth.target % 2 == 0)).all()
    assert (found.truth.target == sampled(part(1_000), 50, seed=3).truth.target).all()
    assert (found.truth.target != sampled(part(1_000), 50, seed=4).truth.target).any()
