"""Blends of trials: which are pooled, how the pool is scored, and what is made of their models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plimsoll import blend, mixing
from plimsoll.job import Job, Task
from plimsoll.limits import Measured, parse
from plimsoll.metrics import score
from plimsoll.trial import Score, Status, Trial

ROWS = 600
RANDOM = np.random.default_rng(4)
TRUTH = RANDOM.normal(size=ROWS)
# Two models that err apart from each other, one that errs as the first does, and one that knows nothing.
FAULTS = [RANDOM.normal(size=ROWS), RANDOM.normal(size=ROWS)]
ANSWERS = [TRUTH + FAULTS[0], TRUTH + FAULTS[1], TRUTH + 1.1 * FAULTS[0], 9.0 * RANDOM.normal(size=ROWS)]


def loss(index: np.ndarray, answers: np.ndarray) -> float:
    return score("rmse", TRUTH[index], answers, answers)


def parts(answers: list[np.ndarray], size: float = 1e5) -> list[tuple[Trial, mixing.Part]]:
    found = []
    for k, each in enumerate(answers):
        value = loss(np.arange(ROWS), each)
        measured = Measured.exactly(p50=1e-5, p99=2e-5, size=size)
        trial = Trial(f"t{k}", "linear", {"k": k}, Status.FITS, score=Score("rmse", value, 0, 9), measured=measured)
        found.append((trial, mixing.Part("linear", {"k": k}, {"steps": k}, Path(), np.arange(ROWS), each)))
    return found


def job(limits: str = "") -> Job:
    return Job("y", limits=parse(limits), task=Task.REGRESSION)


def test_models_that_err_apart_are_pooled_and_the_rest_are_left_out():
    """Two that make up for each other's errors beat either; one like another, or one that knows nothing, adds nothing."""
    step = mixing.proposed(parts(ANSWERS), loss, job())
    assert step is not None
    assert set(step.parts) == {"t0", "t1"}
    assert (step.recipe, step.stage) == ("blend", "blend")
    assert sorted(part.knobs["k"] for part in blend.read(step.knobs["parts"])) == [0, 1]


def test_where_none_adds_anything_there_is_no_blend():
    """A model and its like are not worth twice the cost."""
    assert mixing.proposed(parts([ANSWERS[0], ANSWERS[2]]), loss, job()) is None
    assert mixing.proposed(parts(ANSWERS[:1]), loss, job()) is None


def test_a_blend_that_could_not_keep_the_limits_is_not_proposed():
    """The sizes of its parts together are what it may come to."""
    assert mixing.proposed(parts(ANSWERS, size=3e5), loss, job("size < 500 kB")) is None
    assert mixing.proposed(parts(ANSWERS, size=2e5), loss, job("size < 500 kB")) is not None


def test_the_rows_that_choose_do_not_score():
    """Of many models that are all noise the best-looking pool is no better than chance on the rows it did not see."""
    noise = [RANDOM.normal(size=ROWS) for _ in range(30)]

    def of(pooled: np.ndarray, rows: np.ndarray) -> float:
        return loss(np.flatnonzero(rows), pooled[rows])

    mix = mixing.chosen(noise, of, ROWS, seed=0)
    own = mixing._pooled(noise, mix.counts)
    assert of(own, np.ones(ROWS, dtype=bool)) < mix.loss


@pytest.mark.parametrize("seed", range(3))
def test_a_pool_of_probabilities_sums_to_one_and_lies_between_its_parts(seed: int):
    """The geometric pool of two is their mean in logits."""
    random = np.random.default_rng(seed)
    one, other = (random.dirichlet(np.ones(3), size=20) for _ in range(2))
    pooled = mixing.pool([one, other], [1.0, 3.0])
    np.testing.assert_allclose(pooled.sum(axis=1), 1.0)
    logs = 0.25 * np.log(one) + 0.75 * np.log(other)
    np.testing.assert_allclose(np.diff(np.log(pooled)), np.diff(logs), atol=1e-9)


def test_a_student_is_small_and_knows_its_teacher():
    """What learns from a blend has the knobs of a small model, and the blend's parts."""
    step = mixing.proposed(parts(ANSWERS), loss, job())
    assert step is not None
    trial = Trial("t9", "blend", step.knobs, Status.FITS)
    assert mixing.student(trial) is None  # no part that a small forest could stand in for
    listed = [blend.Part("trees", {"trees": 900}), blend.Part("linear")]
    taught = mixing.student(Trial("t9", "blend", blend.of(listed), Status.FITS))
    assert taught is not None
    assert taught.recipe == "distilled"
    small = [int(part.knobs["trees"]) for part in blend.read(taught.knobs["students"])]
    assert small == sorted(small)
    assert blend.read(taught.knobs["teacher"]) == listed
