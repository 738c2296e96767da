"""From answers to what is compared: units over folds, seeds averaged, and what must be said beside the figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plimsoll import contest, scoresheet
from plimsoll.approaches import Budget
from plimsoll.errors import JobError, NothingFits
from plimsoll.rounds import Units
from plimsoll.scoresheet import Answers, Key
from plimsoll.truth import Truth
from plimsoll.worth import Given

TRUTH = np.array([0, 0, 1, 1, 0, 1, 0, 1])
UNITS = Units("who", ("ann", "bo"), np.array([0, 1, 0, 1, 0, 1, 0, 1]))
PERFECT = TRUTH


def answers(rows: list[int], labels: np.ndarray) -> Answers:
    decided = np.asarray(labels)[rows]
    return Answers(np.array(rows), Given(np.eye(2)[decided], decided))


def entry(name: str, seed: int = 0, fold: int = 0, why: str = "", budget: str = "10 trials") -> dict[str, Any]:
    return {"approach": name, "seed": seed, "fold": fold, "why": why, "budget": budget}


def sheet(metric: str = "accuracy", **labels: np.ndarray) -> scoresheet.Sheet:
    """Each approach's decisions, in two folds of which neither holds the whole of a unit."""
    given: dict[Key, Answers] = {}
    for name, each in labels.items():
        given |= {(name, 0, 0): answers([0, 1, 2, 3], each), (name, 0, 1): answers([7, 6, 5, 4], each)}
    return scoresheet.sheet(metric, Truth(TRUTH, {}), UNITS, given)


def test_a_unit_is_scored_over_all_the_folds_that_it_lies_in():
    """Two of ann's four rows are decided wrongly, one in each fold: half, and not the mean of two halves of chance."""
    wrong = TRUTH.copy()
    wrong[[2, 4]] = 1 - wrong[[2, 4]]
    found = sheet(right=PERFECT, wrong=wrong)
    assert found.scores["right"].tolist() == [[1.0, 1.0]]
    assert found.scores["wrong"].tolist() == [[0.5, 1.0]]
    assert found.pooled["wrong"].tolist() == [0.75]


def test_seeds_are_averaged_before_anything_is_tested():
    """Three seeds of two units are two units: what is tested does not grow with the seeds."""
    scores = {"a": np.array([[0.8, 0.6], [0.6, 0.8], [0.7, 0.7]]), "b": np.array([[0.5, 0.5]] * 3)}
    found = scoresheet.Sheet("accuracy", ("ann", "bo"), (0, 1, 2), scores, {n: np.zeros(3) for n in scores})
    assert found.means()["a"] == pytest.approx([0.7, 0.7])
    assert found.contest().units == 2
    assert found.contest().pairs[0].p == 0.5


def test_more_seeds_make_no_difference_surer():
    """The same scores again under thirty other seeds come to the same p: copies of a run are no evidence."""
    one = np.random.default_rng(0).normal(size=(1, 8))
    p = []
    for seeds in (1, 30):
        scores = {"a": np.repeat(one + 0.1, seeds, axis=0), "b": np.repeat(one * 0.9, seeds, axis=0)}
        names = tuple(f"P{k}" for k in range(8))
        sheet = scoresheet.Sheet("r2", names, tuple(range(seeds)), scores, {n: np.zeros(seeds) for n in scores})
        p.append(sheet.contest().pairs[0].p)
    assert p[0] == p[1]


def test_a_row_tells_the_worst_unit_and_the_spread_over_seeds():
    """The worst is the smallest score, or the largest error; one seed has no spread."""
    scores = {"a": np.array([[0.8, 0.6], [0.6, 0.6]])}
    for metric, worst in (("accuracy", "bo"), ("rmse", "ann")):
        row = scoresheet.Sheet(metric, ("ann", "bo"), (0, 1), scores, {"a": np.zeros(2)}).row("a")
        assert row["worst"]["unit"] == worst
        assert row["seeds"] == pytest.approx([0.7, 0.6])
        assert row["spread"] == pytest.approx(np.std([0.7, 0.6], ddof=1))
    assert (
        scoresheet.Sheet("rmse", ("ann", "bo"), (0,), {"a": scores["a"][:1]}, {"a": np.zeros(1)}).row("a")["spread"]
        is None
    )


def test_a_unit_of_one_class_has_no_area_under_a_curve_and_is_left_out():
    """It is named, and the others are compared."""
    units = Units("who", ("ann", "bo"), np.array([0, 0, 0, 0, 1, 0, 1, 0]))  # bo's two rows are of one class
    given = {(name, 0, 0): answers(list(range(8)), PERFECT) for name in "ab"}
    found = scoresheet.sheet("roc_auc", Truth(TRUTH, {}), units, given)
    assert found.kept.tolist() == [True, False]
    assert found.contest().units == 1
    said = scoresheet.notes(found.contest(), found, "who", Budget(10), {}, fixed=False, plain=False)
    assert "1 of 2 units (who) have no roc_auc and are left out: bo." in said


def test_no_unit_with_a_score_is_nothing_to_compare():
    """Where every unit is of one class, it says so and compares nothing."""
    alone = Units("row", tuple("abcdefgh"), np.arange(8))
    given = {(name, 0, 0): answers(list(range(8)), PERFECT) for name in "ab"}
    with pytest.raises(NothingFits, match="no unit has a roc_auc"):
        scoresheet.sheet("roc_auc", Truth(TRUTH, {}), alone, given).contest()


def test_unequal_budgets_are_refused():
    """A bout that was tuned for longer, or for less, is not compared with the rest."""
    scoresheet.equal([entry("a"), entry("b")], Budget(10))
    with pytest.raises(JobError, match="equal budgets"):
        scoresheet.equal([entry("a"), entry("b", budget="20 trials")], Budget(10))


def test_an_approach_that_failed_once_is_in_no_test():
    """With the reason, and how often: its other rounds would flatter it."""
    entries = [entry("a"), entry("b"), entry("a", fold=1), entry("b", fold=1, why="out of memory")]
    assert scoresheet.failed(entries) == {"b": "failed in 1 of 2 rounds: out of memory"}


def test_only_rounds_in_which_all_have_answered_are_compared():
    """What was stopped in the middle of a round is left out for every approach."""
    entries = [entry("a"), entry("b"), entry("a", fold=1), entry("b", seed=1), entry("a", seed=1)]
    assert scoresheet.complete(entries, ["a", "b"]) == [(0, 0), (1, 0)]
    assert scoresheet.complete(entries, ["a"]) == [(0, 0), (0, 1), (1, 0)]


def notes(units: int, many: int = 2, **more: Any) -> str:
    scores = {name: np.random.default_rng(k).normal(size=(2, units)) for k, name in enumerate("abcdef"[:many])}
    told = scoresheet.Sheet("r2", tuple(map(str, range(units))), (0, 1), scores, {n: np.zeros(2) for n in scores})
    given: dict[str, Any] = {"sizes": dict.fromkeys(scores, 99), "fixed": False, "plain": False, **more}
    return " ".join(scoresheet.notes(told.contest(), told, "who", given.pop("budget", Budget(10)), **given))


def test_what_few_units_cannot_show_is_said_plainly():
    """Five units never come below .0625; six do, alone, and no longer with several pairs. Ten need no word."""
    assert "With 5 units no p below 0.0625 is possible. Nothing can be told apart." in notes(5)
    assert "none below 0.188" in notes(5, 3)
    assert "no p below" not in notes(6)
    assert "no p below 0.0312 is possible, and with 3 pairs" in notes(6, 3)
    assert notes(10, 3) == ""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"fixed": True}, "the job's own"),
        ({"plain": True}, "Nadeau and Bengio"),
        ({"budget": Budget(10, 60.0)}, "counts seconds"),
        ({"sizes": {"a": 4, "b": 99}}, "every one of them is tried: a (4)"),
    ],
)
def test_what_bears_on_the_figures_is_said(more: dict[str, Any], said: str):
    """Where the test rows come from, what the units share, what the clock does, and who has less to choose from."""
    assert said in notes(10, **more)
    assert said not in notes(10)


def test_the_least_p_is_the_one_that_a_contest_can_reach():
    """What is promised as impossible is exactly what complete victory on every unit comes to."""
    for units in range(2, 9):
        won = contest.contest({"a": np.arange(units) + 1.0, "b": np.arange(units) - 1.0}, True)
        assert won.pairs[0].p == pytest.approx(contest.least_p(units))
