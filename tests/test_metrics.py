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


@pytest.mark.parametrize("name", ["macro_f1", "log_loss", "accuracy"])
@pytest.mark.parametrize("rows", [3_000, 60_000])
def test_intervals_are_wider_over_people_than_over_moments(name: str, rows: int):
    """Moments of one person are no separate evidence: the interval is that of six people, however many moments each has."""
    truth, answers, labels, who = people(rows)
    wide, narrow = (interval(name, truth, answers, labels, units=units) for units in (who, None))
    assert wide[1] == narrow[1]
    assert wide[0] <= wide[1] <= wide[2]
    assert wide[2] - wide[0] > 3 * (narrow[2] - narrow[0])


def people(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Answers to three classes that are right in a sixth of a first person's rows, and ever more of the others'."""
    random = np.random.default_rng(seed)
    who = np.arange(rows) * 6 // rows
    truth = random.integers(0, 3, rows)
    labels = np.where(random.random(rows) < (who + 1) / 6, truth, 0)
    answers = np.full((rows, 3), 0.1)
    answers[np.arange(rows), labels] = 0.8
    return truth, answers, labels, who


def test_an_interval_over_units_holds_what_new_units_score():
    """Of forty samples of twelve people each, about every twentieth interval misses the mean over all people there could be;
    over rows nearly all of them do."""
    held = {True: 0, False: 0}
    for seed in range(40):
        random = np.random.default_rng(seed)
        skill = np.repeat(random.uniform(0.4, 0.8, 12), 200)
        truth, who = random.integers(0, 2, 2_400), np.repeat(np.arange(12), 200)
        labels = np.where(random.random(2_400) < skill, truth, 1 - truth)
        for over in held:
            low, _, high = interval("accuracy", truth, labels, labels, seed, units=who if over else None)
            held[over] += low <= 0.6 <= high
    assert held[True] >= 33
    assert held[False] <= 28


def test_a_gain_over_people_is_paired():
    """Whoever is a little better for every person is better, however much people differ; better for one alone is no gain."""
    truth, answers, labels, who = people(3_000)
    other = labels.copy()
    mended = np.flatnonzero((labels != truth) & (np.arange(3_000) % 5 == 0))
    other[mended] = truth[mended]
    assert gain("accuracy", truth, (answers, other), (answers, labels), units=who)[0] >= 0
    single = np.where((who == 0) & (np.arange(3_000) % 2 == 0), truth, labels)
    low, high = gain("accuracy", truth, (answers, single), (answers, labels), units=who)
    assert low == 0.0 < high
    assert gain("accuracy", truth, (answers, single), (answers, labels))[0] > 0
