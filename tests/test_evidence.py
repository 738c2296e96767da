"""The evidence of a model: right against counts by hand, and with nobody's own words in it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import evidence
from plimsoll.job import Job, Task
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Schema

SCHEMA = Schema((), "y", ("no", "yes"))
BINARY = Job("y", metric="accuracy")
REGRESSION = Job("y", task=Task.REGRESSION, metric="mae")


def sure(labels: np.ndarray, classes: int = 2) -> np.ndarray:
    """Probabilities that are certain of the labels."""
    return np.eye(classes)[labels]


def test_classes_are_counted_by_hand():
    """Three of four rows of yes found, one of them a false alarm."""
    truth = np.array([1, 1, 1, 0, 0, 0])
    labels = np.array([1, 1, 0, 1, 0, 0])
    no, yes = evidence.per_class(SCHEMA, truth, labels)
    assert yes == {"class": "yes", "precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "support": 3}
    assert no["support"] == 3


def test_a_class_that_is_never_given_scores_nothing():
    """A ratio without a base is zero, and no division fails."""
    found = evidence.per_class(SCHEMA, np.zeros(4, int), np.zeros(4, int))
    assert found[1] == {"class": "yes", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert found[0]["f1"] == 1.0


@given(st.integers(1, 60), st.integers(2, 4), st.integers(0, 9))
def test_the_bins_of_reliability_hold_every_row_once(count: int, classes: int, seed: int):
    """Bins are about equal, ordered by what was predicted, and their mean is that of all rows."""
    random = np.random.default_rng(seed)
    answers = random.dirichlet(np.ones(classes), count)
    truth = random.integers(0, classes, count)
    bins = evidence.reliability(truth, answers)
    sizes = [part["rows"] for part in bins]
    right = (truth == 1) if classes == 2 else answers.argmax(axis=1) == truth
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) <= 1
    assert len(bins) == min(10, count)
    assert [part["predicted"] for part in bins] == sorted(part["predicted"] for part in bins)
    assert sum(part["observed"] * part["rows"] for part in bins) == pytest.approx(right.sum())


def test_the_slice_that_fails_comes_first():
    """A planted group in which the model is wrong leads the list; one of a few rows is not on it."""
    group = ["bad"] * 60 + ["good"] * 140 + ["few"] * 10
    truth = np.ones(210, int)
    labels = np.array([0] * 60 + [1] * 150)
    rows = Rows(210, {"group": Coded.of(group)})
    found = evidence.slices(BINARY, rows, truth, sure(labels), labels)
    assert [(each["value"], each["rows"], each["score"]) for each in found] == [("bad", 60, 0.0), ("good", 140, 1.0)]
    assert found[0]["overall"] == pytest.approx(150 / 210)


def test_the_slice_with_most_error_comes_first():
    """Where less is better, the quarter of a number with the largest error leads."""
    size = np.arange(400.0)
    truth = np.where(size >= 300, 5.0, 0.0)
    rows = Rows(400, {"size": size})
    found = evidence.slices(REGRESSION, rows, truth, np.zeros(400), np.zeros(400))
    assert found[0]["score"] == 5.0
    assert found[0]["rows"] == 100
    assert sum(each["rows"] for each in found) == 400


def test_missing_cells_are_in_no_slice():
    """Rows without the number are not counted into any of its quarters."""
    size = np.concatenate([np.arange(400.0), np.full(100, np.nan)])
    found = evidence.slices(REGRESSION, Rows(500, {"size": size}), np.ones(500), np.zeros(500), np.zeros(500))
    assert sum(each["rows"] for each in found) == 400


def test_a_score_lies_in_its_interval():
    """The metric on these rows, between the ends of its bootstrap interval, with its rows."""
    truth = np.tile([0, 1], 50)
    labels = truth.copy()
    labels[:20] = 0
    found = evidence.score("accuracy", truth, sure(labels), labels)
    assert found.value == 0.9
    assert found.low < 0.9 < found.high
    assert found.rows == 100
    assert found == evidence.score("accuracy", truth, sure(labels), labels)


def test_what_is_gathered_is_what_the_task_needs():
    """Classes get a table and their calibration; numbers get residuals and their coverage."""
    truth, rows = np.tile([0, 1], 50), Rows(100, {})
    classes = evidence.gather(BINARY, SCHEMA, rows, truth, sure(truth), truth, 0.0)
    assert set(classes) == {"slices", "per_class", "calibration", "calibration_error"}
    assert classes["calibration_error"] == 0.0
    values = np.concatenate([np.zeros(90), np.full(10, 3.0)])
    numbers = evidence.gather(REGRESSION, Schema((), "y"), rows, values, np.zeros(100), np.zeros(100), 1.0)
    assert numbers["coverage"] == {"stated": 0.9, "observed": 0.9, "radius": 1.0}
    assert sum(numbers["residuals"]["counts"]) == 100
    assert len(numbers["residuals"]["edges"]) == 31


def test_a_sketch_tells_how_a_column_was_spread():
    """Quantiles of a number and shares of a category, with what was missing from each."""
    rows = Rows(
        101,
        {
            "size": np.concatenate([np.arange(0.0, 100.0), [np.nan]]),
            "colour": Coded.of(["red"] * 50 + ["blue"] * 30 + [None] * 21),
        },
    )
    found = evidence.sketches(rows)
    assert len(found["size"]["quantiles"]) == 21
    assert (found["size"]["quantiles"][0], found["size"]["quantiles"][-1]) == (0.0, 99.0)
    assert found["size"]["missing"] == pytest.approx(1 / 101)
    assert found["colour"] == {
        "missing": pytest.approx(21 / 101),
        "rows": 101,
        "values": {"red": pytest.approx(50 / 101), "blue": pytest.approx(30 / 101)},
    }


@given(st.lists(st.sampled_from(["a", "b", "c"]) | st.text(max_size=3), max_size=60))
def test_a_sketch_holds_no_words_of_few(texts: list[str]):
    """A value that fewer than ten rows share is not shipped."""
    values = evidence.sketches(Rows(len(texts), {"note": Coded.of(texts)}))["note"]["values"]
    assert set(values) == {text for text in texts if texts.count(text) >= 10}


def test_a_column_of_nothing_has_an_empty_sketch():
    """A number without any cell has no quantiles and is all missing."""
    assert evidence.sketches(Rows(3, {"x": np.full(3, np.nan)})) == {"x": {"missing": 1.0, "rows": 3, "quantiles": []}}


def test_answers_are_told_by_their_spread():
    """Decided classes by their shares, the probability of the second class by quantiles; a number by its own."""
    labels = np.array([0] * 70 + [1] * 30)
    found = evidence.answered(SCHEMA, sure(labels), labels)
    assert found["prediction"] == {"missing": 0.0, "rows": 100, "values": {"no": 0.7, "yes": 0.3}}
    assert found["probability"]["below"][:2] == [0.7, 0.7]
    assert (found["probability"]["quantiles"][0], found["probability"]["below"][-1]) == (0.0, 1.0)
    assert (
        evidence.answered(SCHEMA, np.full((9, 2), 1 / 3), labels[:9])["probability"]["quantiles"][7] == 1 / 3
    )  # to the last digit
    assert set(evidence.answered(Schema((), "y"), np.arange(9.0), np.arange(9.0))) == {"prediction"}


@given(st.integers(1, 80), st.integers(2, 60), st.integers(0, 9))
def test_no_spread_of_answers_is_longer_than_the_longest(count: int, classes: int, seed: int):
    """A trial's bundle weighs as much as the one that will be served, whatever is found."""
    random = np.random.default_rng(seed)
    schema = Schema((), "y", tuple(f"{'c' * (k % 9)}{k}" for k in range(classes)))
    answers = random.dirichlet(np.full(classes, 0.05), count)
    numbers = random.normal(size=count) * 10.0 ** random.integers(-300, 300)
    for where, given_, labels in ((schema, answers, answers.argmax(axis=1)), (Schema((), "y"), numbers, numbers)):
        real = json.dumps(evidence.answered(where, given_, labels))
        assert len(real) <= len(json.dumps(evidence.longest_answered(where, 1e-5 / 3.0)))
