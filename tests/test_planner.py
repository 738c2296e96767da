"""The planner takes the defaults first, nothing twice, and stops when there is no time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import planner
from plimsoll.knobs import Space
from plimsoll.limits import Measured
from plimsoll.planner import Step
from plimsoll.trial import Score, Status, Trial

SPACES = {
    "constant": Space(),
    "linear": Space({"strength": (1.0, 0.1, 10.0), "bins": (0, 8)}, portfolio=({"bins": 8},)),
    "trees": Space(
        {"leaves": (31, 15, 63, 127), "rate": (0.1, 0.05, 0.01)}, portfolio=({"leaves": 63}, {"rate": 0.01})
    ),
}
GOOD = {"constant": 0.5, "linear": 0.80, "trees": 0.81}


def tried(step: Step, number: int, seconds: float = 1.0, value: float | None = None, wide: float = 0.05) -> Trial:
    """The trial that a step gave."""
    value = GOOD[step.recipe] if value is None else value
    score = Score("accuracy", value, value - wide, value + wide)
    measured = Measured.exactly(train=seconds, p50=0.001)
    return Trial(
        f"t{number:03d}", step.recipe, step.knobs, Status.FITS, score=score, measured=measured, share=step.share
    )


def searched(rows: int, seconds: float, seed: int, cost: float = 1.0) -> list[Step]:
    """All steps of a search whose every trial costs the same for each share of the rows."""
    trials, taken = [], []
    while step := planner.next_step(trials, SPACES, rows, seconds, seed):
        taken.append(step)
        trials.append(tried(step, len(taken), cost * step.share))
        seconds -= cost * step.share
        assert len(taken) < 100
    return taken


@given(st.sampled_from([50, 20_000]), st.floats(10.0, 60.0), st.integers(0, 50))
def test_defaults_come_first_and_nothing_comes_twice(rows: int, seconds: float, seed: int):
    """Every recipe's default is tried in order before anything else, and no step is taken again."""
    taken = searched(rows, seconds, seed)
    assert [(step.recipe, step.knobs, step.share) for step in taken[:3]] == [
        (name, space.default, 1.0) for name, space in SPACES.items()
    ]
    assert len({step.key for step in taken}) == len(taken)


@given(st.sampled_from([50, 20_000]), st.floats(0.0, 40.0), st.integers(0, 50))
def test_the_same_search_takes_the_same_steps(rows: int, seconds: float, seed: int):
    """What comes next hangs on what was tried, the time left and the seed alone."""
    assert searched(rows, seconds, seed) == searched(rows, seconds, seed)


@given(st.floats(0.0, 60.0), st.floats(0.2, 5.0))
def test_no_step_is_taken_that_would_outlast_the_time(seconds: float, cost: float):
    """After the first trial of each recipe, whose cost is a guess, the time is kept."""
    taken = searched(20_000, seconds, 0, cost)
    guessed = len({step.recipe for step in taken})
    assert sum(cost * step.share for step in taken) <= max(seconds, guessed * cost) + 1e-9


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.5])
def test_without_time_there_is_no_step(seconds: float):
    """A search whose time is up, or too short for any forecast, ends."""
    assert planner.next_step([], SPACES, 1_000, seconds, 0) is None


def test_a_step_that_takes_too_long_is_passed_over():
    """Where a slow recipe no longer fits into the time, a quick one still does."""
    defaults = list(planner.steps([], SPACES, 100, 0))
    trials = [tried(step, k, {"linear": 0.1}.get(step.recipe, 50.0)) for k, step in enumerate(defaults)]
    step = planner.next_step(trials, SPACES, 100, 10.0, 0)
    assert step is not None
    assert step.recipe == "linear"


def test_another_seed_draws_other_settings():
    """Random settings hang on the seed; defaults and portfolios do not."""
    one, other = (searched(20_000, 500.0, seed) for seed in (0, 1))
    fixed = ("the default", "from the portfolio")
    assert [step for step in one if step.why in fixed] == [step for step in other if step.why in fixed]
    assert {step.key for step in one} != {step.key for step in other}


def test_many_rows_are_halved_and_few_are_not():
    """With many rows, settings are drawn on a quarter and the best go on; with few, all rows are seen at once."""
    many, few = searched(20_000, 500.0, 0), searched(100, 500.0, 0)
    assert {step.share for step in few} == {1.0}
    quarter = [step.knobs for step in many if step.share == planner.SHARE]
    on = [step.knobs for step in many if step.why.startswith("among")]
    assert quarter
    assert on
    assert all(knobs in quarter for knobs in on)


def test_the_best_of_the_quarter_go_on():
    """Of the settings that saw a quarter, those with the best scores see all rows."""
    spaces = {"trees": SPACES["trees"]}
    trials = [tried(Step("trees", SPACES["trees"].default), 0)]
    drawn = [step for step in planner.steps(trials, spaces, 20_000, 0) if step.share < 1.0]
    trials += [tried(step, k + 1, value=0.5 + 0.01 * k) for k, step in enumerate(drawn)]
    on = [step for step in planner.steps(trials, spaces, 20_000, 0) if step.why.startswith("among")]
    assert [step.knobs for step in on] == [step.knobs for step in drawn[::-1][: planner.KEPT]]


def test_a_recipe_out_of_reach_gets_no_more_time():
    """One whose default is far behind the best, or that has no knobs, is not tuned."""
    trials = [tried(step, k, wide=0.05) for k, step in enumerate(planner.steps([], SPACES, 100, 0))]
    assert planner.in_reach(trials, SPACES) == ["trees", "linear"]
    narrow = [tried(step, k, wide=0.001) for k, step in enumerate(planner.steps([], SPACES, 100, 0))]
    assert planner.in_reach(narrow, SPACES) == ["trees"]


def test_a_failed_default_does_not_end_the_search():
    """A trial without a score is not tried again, and the next recipe's default follows."""
    failed = Trial("t001", "constant", {}, Status.FAILED)
    step = planner.next_step([failed], SPACES, 100, 60.0, 0)
    assert step is not None
    assert step.recipe == "linear"


def test_a_forecast_is_by_the_share_of_rows():
    """A quarter of the rows is forecast at a quarter of the slowest trial so far."""
    whole = tried(Step("linear"), 1, 8.0)
    assert planner.forecast(Step("linear", share=0.25), [whole]) == 2.0
    assert planner.forecast(Step("trees"), [whole]) == 1.0
