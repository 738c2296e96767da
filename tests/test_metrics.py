"""Metrics agree with scikit-learn, which is asked as an oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from plimsoll.metrics import METRICS, gain, interval, score


@st.composite
def classified(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Truths in which every class occurs, and probabilities with ties among them."""
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    classes, rows = draw(st.integers(2, 4)), draw(st.integers(20, 80))
    truth = np.r_[np.arange(classes), random.integers(0, classes, rows)]
    weights = random.integers(1, 6, (len(truth), classes)).astype(float)
    return truth, weights / weights.sum(axis=1, keepdims=True)


def _scores(truth: np.ndarray, answers: np.ndarray) -> dict[str, float]:
    labels = answers.argmax(axis=1)
    two = answers.shape[1] == 2
    hot = truth if two else np.eye(answers.shape[1])[truth]
    shown = answers[:, 1] if two else answers
    return {
        "accuracy": oracle.accuracy_score(truth, labels),
        "balanced_accuracy": oracle.balanced_accuracy_score(truth, labels),
        "macro_f1": oracle.f1_score(truth, labels, average="macro", zero_division=0.0),
        "roc_auc": oracle.roc_auc_score(truth, shown, **({} if two else {"multi_class": "ovr"})),
        "average_precision": oracle.average_precision_score(hot, shown, average="macro"),
        "log_loss": oracle.log_loss(truth, answers),
        "brier": float(np.mean((shown - hot) ** 2)) if two else float(np.mean(((shown - hot) ** 2).sum(axis=1))),
    }


@given(classified())
def test_scores_of_classes_agree_with_the_oracle(drawn: tuple[np.ndarray, np.ndarray]):
    """Each metric of classes gives scikit-learn's figure, with ties and with three classes or more."""
    truth, answers = drawn
    for name, expected in _scores(truth, answers).items():
        assert score(name, truth, answers, answers.argmax(axis=1)) == pytest.approx(expected, abs=1e-9), name


@given(st.integers(0, 10_000))
def test_scores_of_numbers_agree_with_the_oracle(seed: int):
    """rmse, mae and r2 give scikit-learn's figures."""
    truth, answers = np.random.default_rng(seed).normal(size=(2, 30))
    assert score("rmse", truth, answers, answers) == pytest.approx(oracle.root_mean_squared_error(truth, answers))
    assert score("mae", truth, answers, answers) == pytest.approx(oracle.mean_absolute_error(truth, answers))
    assert score("r2", truth, answers, answers) == pytest.approx(oracle.r2_score(truth, answers))


def test_a_perfect_answer_scores_the_best_there_is():
    """Certainty about the truth is one, or zero where less is better."""
    truth = np.array([0, 1, 2, 1])
    answers = np.eye(3)[truth]
    for name, metric in METRICS.items():
        if "multiclass" in metric.tasks:
            assert score(name, truth, answers, truth) == pytest.approx(1.0 if metric.higher_is_better else 0.0), name


def test_honest_probabilities_have_a_small_calibration_error():
    """Truths drawn by the probabilities are calibrated; the same probabilities sharpened are not."""
    random = np.random.default_rng(0)
    chance = random.uniform(0.05, 0.95, 20_000)
    truth = (random.random(20_000) < chance).astype(np.int64)
    sharp = chance**3 / (chance**3 + (1 - chance) ** 3)
    honest, boasting = (METRICS["calibration_error"].function(truth, np.c_[1 - p, p]) for p in (chance, sharp))
    assert honest < 0.02 < 0.1 < boasting


def test_one_class_has_no_area_under_the_curve():
    """Where only one class occurs the area is nan, not a number that looks like a result."""
    assert np.isnan(score("roc_auc", np.ones(5, dtype=int), np.full((5, 2), 0.5), np.ones(5, dtype=int)))


def test_an_interval_holds_its_value_and_narrows_with_rows():
    """The bootstrap's interval stands around the score, and a hundred times the rows make it about ten times narrower."""
    widths = []
    for rows in (300, 30_000):
        random = np.random.default_rng(1)
        truth = random.integers(0, 2, rows)
        labels = np.where(random.random(rows) < 0.8, truth, 1 - truth)
        low, value, high = interval("accuracy", truth, labels, labels)
        assert low <= value <= high
        widths.append(high - low)
    assert 6 < widths[0] / widths[1] < 16


def test_a_gain_has_the_sign_of_who_is_better_whatever_the_metric():
    """The smaller rmse is the better one, so its gain is positive; against itself it is nothing."""
    random = np.random.default_rng(2)
    truth = random.normal(size=500)
    near, far = truth + 0.1 * random.normal(size=500), truth + random.normal(size=500)
    low, high = gain("rmse", truth, (near, near), (far, far))
    assert 0 < low < high
    assert gain("rmse", truth, (far, far), (near, near))[1] < 0
    assert gain("rmse", truth, (near, near), (near, near)) == (0.0, 0.0)


def test_the_same_seed_gives_the_same_interval():
    """Randomness is seeded, so a report can be made again."""
    truth = np.random.default_rng(3).integers(0, 2, 200)
    labels = 1 - truth[::-1]
    assert interval("macro_f1", truth, labels, labels, seed=7) == interval("macro_f1", truth, labels, labels, seed=7)
