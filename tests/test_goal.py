"""What it would take to reach a quality."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll import goal
from plimsoll.costs import Costs
from plimsoll.errors import LimitError
from plimsoll.profile import Profile
from plimsoll.trial import Score, Status, Trial

ROWS = 20_000


def probes(losses: dict[int, float], recipe: str = "linear", metric: str = "roc_auc") -> list[Trial]:
    """Trials of one recipe, each on so many rows and with such a loss."""
    found = []
    for rows, loss in losses.items():
        value = 1.0 - loss if metric == "roc_auc" else loss
        score = Score(metric, value, value - 0.001, value + 0.001)
        found.append(Trial(f"t{rows}", recipe, {}, Status.FITS, score=score, share=rows / ROWS))
    return found


def answer(text: str, trials: list[Trial]) -> goal.Answer:
    def knobs(_recipe: str) -> dict[str, Any]:
        return {}

    return goal.answer(goal.read(text), trials, Profile(ROWS), Costs(), knobs)


FALLING = probes({400: 0.30, 1_600: 0.20, 6_400: 0.15})


def test_a_goal_that_the_rows_reach_is_said_to_be_reached():
    """The curve is below the loss already."""
    found = answer("roc_auc > 0.8", FALLING)
    assert found.text.endswith("that reaches it.")
    assert found.expected is not None
    low, middle, high = found.expected
    assert low <= middle <= high
    assert middle > 0.85


def test_a_goal_a_little_further_on_is_answered_with_rows():
    """How many rows in all, least and most, and how many times as many that is."""
    found = answer("auc > 0.885", FALLING)
    least, likely, _ = found.rows
    assert least is not None
    assert likely is not None
    assert ROWS < least <= likely
    assert "times as many" in found.text


def test_a_goal_beyond_the_floor_is_refused():
    """A curve that has flattened out says that more rows will not get there."""
    flat = probes({400: 0.21, 1_600: 0.2001, 6_400: 0.2})
    assert "more rows will not get there" in answer("roc_auc > 0.999", flat).text


def test_an_ill_behaved_curve_is_not_carried_on():
    """Where the loss rises with the rows, the reason is given in place of a number."""
    found = answer("roc_auc > 0.95", probes({400: 0.1, 1_600: 0.2, 6_400: 0.3}))
    assert "the loss rose" in found.text
    assert found.rows == (None, None, None)


def test_without_a_score_nothing_is_said():
    """Not even a guess."""
    assert "nothing is known" in answer("roc_auc > 0.95", []).text


def test_a_goal_below_a_number_is_an_error_to_come_under():
    """For an RMSE less is better."""
    found = answer("rmse < 10", probes({400: 30.0, 1_600: 20.0, 6_400: 15.0}, metric="rmse"))
    assert found.rows[1] is not None or "rows" in found.text


def test_the_recipe_that_promises_most_is_the_one_that_answers():
    """One that is worse on few rows may be the better one on all of them."""
    other = probes({400: 0.40, 1_600: 0.22, 6_400: 0.12}, "trees")
    assert "trees as it comes" in answer("roc_auc > 0.95", [*FALLING, *other]).text


@pytest.mark.parametrize("text", ["p99 < 2 ms", "roc_auc > 0.9, rmse < 2", "auc", "roc_auc[sex=Female] > 0.9", ""])
def test_what_is_no_goal_is_refused_in_a_line(text: str):
    """A goal is one quality on all rows."""
    with pytest.raises(LimitError) as fault:
        goal.read(text)
    assert "\n" not in str(fault.value)
