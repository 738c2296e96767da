"""What candidates promise: told from as few rows by what a setting that has both gained on all of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.knobs import Space
from plimsoll.limits import Measured
from plimsoll.outlook import Scene, Step
from plimsoll.profile import Profile
from plimsoll.promise import Promise, Promises, best_loss, log_loss_of
from plimsoll.trial import Score, Status, Trial

MANY = Profile(100_000)
SPACES = {"trees": Space({"trees": (100, 200), "leaves": (31, 15, 63)})}
DEFAULT = SPACES["trees"].default


def tried(accuracy: float, share: float = 1.0, status: Status = Status.FITS, **knobs: int) -> Trial:
    score = Score("accuracy", accuracy, accuracy - 0.01, accuracy + 0.01)
    measured = Measured.exactly(p50=0.001) if share >= 1.0 else Measured({})
    return Trial(f"{accuracy}", "trees", {**DEFAULT, **knobs}, status, score=score, measured=measured, share=share)


def told(step: Step, *trials: Trial) -> Promise:
    return Promises(Scene(SPACES, MANY, trials=trials)).of(step)


def test_fewer_rows_are_told_by_what_another_setting_gained_on_all_of_them():
    """A probe as far below all rows as the default's promises the default's score, whatever the two of them are."""
    small = Step("trees", {**DEFAULT, "leaves": 15})
    found = told(small, tried(0.93), tried(0.90, 0.25), tried(0.90, 0.25, leaves=15))
    assert found.middle == pytest.approx(math.log(0.07))
    better = told(small, tried(0.93), tried(0.90, 0.25), tried(0.91, 0.25, leaves=15))
    assert better.middle == pytest.approx(math.log(0.07) + math.log(0.09 / 0.10))


def test_more_of_the_rows_tell_more():
    """A quarter of the rows leaves less unsure than a sixteenth, and the larger share counts where there are both."""
    small = Step("trees", {**DEFAULT, "leaves": 15})
    pairs = [tried(0.93), tried(0.90, 0.25), tried(0.85, 1 / 16)]
    quarter, sixteenth = tried(0.90, 0.25, leaves=15), tried(0.85, 1 / 16, leaves=15)
    assert told(small, *pairs, quarter).spread < told(small, *pairs, sixteenth).spread
    assert told(small, *pairs, quarter, sixteenth) == told(small, *pairs, quarter)


def test_training_for_longer_promises_little_where_the_shorter_did_badly_on_few_rows():
    """It is told from its own setting's probe, not from the best of the recipe."""
    longer = Step("trees", {"trees": 200, "leaves": 15}, stage="longer")
    known = [tried(0.93), tried(0.90, 0.25)]
    bad, good = (told(longer, *known, tried(value, 0.25, leaves=15)) for value in (0.80, 0.91))
    assert bad.middle > math.log(0.07) + 0.3
    assert good.middle < math.log(0.07)


def test_of_a_recipe_that_was_never_tried_the_best_of_all_is_the_guess():
    """With a wide spread; and nothing at all is known before the first trial."""
    other = Step("linear", {})
    assert told(other, tried(0.93)).middle == pytest.approx(math.log(0.07))
    assert told(other, tried(0.93)).spread > told(Step("trees", {**DEFAULT, "leaves": 63}), tried(0.93)).spread
    assert told(other) == Promise(0.0, told(other).spread)


def test_the_best_is_of_those_that_keep_their_limits():
    """Of the others only where none does; a trial on fewer rows is none of them."""
    keeps, breaks, few = tried(0.90), tried(0.95, status=Status.BREACHES), tried(0.99, 0.25)
    assert best_loss([keeps, breaks, few]) == log_loss_of(keeps)
    assert best_loss([breaks, few]) == log_loss_of(breaks)
    assert best_loss([few]) is None


@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0), st.floats(0.01, 2.0), st.sampled_from([1 / 16, 0.25]))
def test_knowing_a_little_is_worth_no_more_than_knowing_all(best: float, middle: float, spread: float, share: float):
    """The worth of a probe lies between that of knowing nothing and that of a fit on all rows."""
    promise = Promise(middle, spread)
    worth = promise.after(share).gain(best)
    assert max(0.0, best - middle) - 1e-12 <= worth <= promise.gain(best) + 1e-12


@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0), st.floats(0.01, 2.0))
def test_an_expected_gain_is_never_less_than_the_sure_one(best: float, middle: float, spread: float):
    """Not knowing can only add to what may be gained, and the worse the middle, the less there is."""
    gain = Promise(middle, spread).gain(best)
    assert gain >= max(0.0, best - middle) - 1e-12
    assert gain >= Promise(middle + 0.1, spread).gain(best) - 1e-12
