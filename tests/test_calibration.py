"""Calibration: honest probabilities, decided classes, and intervals that cover."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.calibration import _SHIFTS, Calibration, _tables, conformal_radius, fit
from plimsoll.metrics import confusion, log_loss, macro_f1


def _boasting(rows: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Truths, and probabilities three times as sure as they should be, with one class favoured."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, classes))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (random.random((rows, 1)) > chances.cumsum(axis=1)).sum(axis=1).clip(0, classes - 1)
    loud = np.exp(3.0 * logits + np.r_[1.0, np.zeros(classes - 1)])
    return truth, loud / loud.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_calibration_mends_a_boasting_model_on_fresh_rows(classes: int):
    """Fitted on some rows it lowers the log loss on others, and finds the scale that was planted."""
    truth, answers = _boasting(4000, classes, seed=1)
    calibration = fit(truth, answers, "log_loss")
    fresh, said = _boasting(4000, classes, seed=2)
    assert log_loss(fresh, calibration.apply(said)) < log_loss(fresh, said) - 0.1
    assert calibration.scale == pytest.approx(1 / 3, rel=0.15)


def test_calibration_leaves_an_honest_model_nearly_alone():
    """There is little to gain, and little is changed."""
    random = np.random.default_rng(3)
    chance = random.uniform(0.05, 0.95, 4000)
    truth = (random.random(4000) < chance).astype(np.int64)
    calibration = fit(truth, np.c_[1 - chance, chance], "roc_auc")
    assert calibration.scale == pytest.approx(1.0, abs=0.15)
    assert max(map(abs, calibration.bias)) < 0.15


def test_calibration_survives_classes_that_part_perfectly():
    """Where the model is never wrong there is no best scale, and the result is still finite."""
    truth = np.arange(200) % 2
    calibration = fit(truth, np.clip(np.eye(2)[truth], 1e-9, 1 - 1e-9), "roc_auc")
    assert np.isfinite(calibration.apply(np.eye(2))).all()
    assert calibration.apply(np.eye(2))[0, 0] > 0.9


def test_decisions_are_tuned_for_a_metric_of_decided_classes():
    """Macro-F1 with a rare class gains from an offset, on fresh rows too; a metric of probabilities has none."""

    def rare(seed: int) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(seed)
        chance = random.beta(0.6, 6.0, 4000)
        return (random.random(4000) < chance).astype(np.int64), np.c_[1 - chance, chance]

    truth, answers = rare(4)
    tuned, plain = fit(truth, answers, "macro_f1"), fit(truth, answers, "roc_auc")
    fresh, said = rare(5)
    scores = [macro_f1(fresh, c.labels(c.apply(said))) for c in (tuned, plain)]
    assert scores[0] > scores[1] + 0.01
    assert set(plain.offsets) == {0.0}


@given(st.integers(2, 5), st.integers(0, 4), st.integers(0, 10_000))
def test_decisions_counted_for_all_shifts_at_once_are_those_of_each(classes: int, k: int, seed: int):
    """One pass over the rows gives the confusion that deciding them anew at every shift would, ties included."""
    random = np.random.default_rng(seed)
    marks, truth = random.integers(-12, 12, (40, classes)) / 4.0, random.integers(0, classes, 40)
    k %= classes
    for shift, table in zip(_SHIFTS, _tables(truth, marks, k), strict=True):
        decided = np.argmax(marks + shift * (np.arange(classes) == k), axis=1)
        assert (table == confusion(truth, decided, classes)).all()


def test_an_interval_covers_as_it_says_on_fresh_rows():
    """Nine tenths of unseen truths lie within the radius, give or take what 2,000 rows allow."""
    random = np.random.default_rng(6)
    truth, answers = random.normal(size=(2, 2000))
    radius = fit(truth, answers, "rmse", coverage=0.9).radius
    fresh, said = random.normal(size=(2, 2000))
    assert np.mean(np.abs(fresh - said) <= radius) == pytest.approx(0.9, abs=0.025)


def test_the_radius_is_the_rank_that_split_conformal_asks_for():
    """Ninety of ninety-nine errors, and the largest there is where rows are too few."""
    assert conformal_radius(np.arange(1.0, 100.0), 0.9) == 90.0
    assert conformal_radius(np.array([3.0, 1.0]), 0.9) == 3.0


@given(st.integers(0, 10_000), st.integers(2, 5))
def test_one_row_is_calibrated_as_its_batch_is(seed: int, classes: int):
    """apply_one and label_one are apply and labels for a row, certainty and zeros included."""
    random = np.random.default_rng(seed)
    answers = random.dirichlet(np.full(classes, 0.3), 8)
    answers[0] = np.eye(classes)[0]
    calibration = Calibration(
        float(random.uniform(0.2, 3)),
        tuple(random.normal(size=classes).tolist()),
        tuple(random.normal(size=classes).tolist()),
    )
    batch = calibration.apply(answers)
    labels = calibration.labels(batch)
    for row, answer in enumerate(answers.tolist()):
        assert calibration.apply_one(answer) == pytest.approx(batch[row].tolist(), rel=1e-9, abs=1e-12)
        assert calibration.label_one(batch[row].tolist()) == labels[row]


def test_a_number_passes_through():
    """A regression's answers are neither calibrated nor decided."""
    numbers = np.array([1.0, -2.0])
    calibration = Calibration(radius=3.0)
    assert calibration.apply(numbers) is numbers
    assert calibration.labels(numbers) is numbers


def test_calibration_goes_through_json():
    """What was written is read back, and a figure that is not finite is refused."""
    calibration = fit(*_boasting(500, 3, seed=7), "macro_f1")
    written = json.loads(json.dumps(calibration.as_json()))
    assert Calibration.from_json(written) == calibration
    with pytest.raises(ValueError, match="not finite"):
        Calibration.from_json({**written, "scale": float("nan")})
