"""Additive models learn what is planted, and answer one row as they answer a batch."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll import additive, looks
from plimsoll.additive import Additive
from plimsoll.job import Job
from plimsoll.rows import Rows, Value
from plimsoll.schema import Column, Kind, Schema
from plimsoll.text import Grams

SCHEMA = Schema(
    (
        Column("age", Kind.NUMBER),
        Column("when", Kind.TIME),
        Column("job", Kind.CATEGORY),
        Column("note", Kind.TEXT),
    ),
    "y",
)
CELLS = st.tuples(
    st.floats(-1e9, 1e9) | st.just(math.nan),
    st.floats(-1e10, 1e10) | st.just(math.nan),
    st.none() | st.sampled_from(["cook", "nurse", "never seen", ""]),
    st.none() | st.sampled_from(["", "\0", "good day", "a planted word", "\ud800"]) | st.text(max_size=12),
)


def planted(count: int = 240) -> tuple[Rows, np.ndarray]:
    """Rows, and a value that a number, a category and a word each move by one; some cells are missing."""
    random = np.random.default_rng(0)
    age, job, word = random.normal(size=count), random.integers(0, 2, count), random.integers(0, 2, count)
    cells: list[tuple[Value, ...]] = [
        (float(age[k]), 1e5 * k, ("cook", "nurse")[job[k]], ("a dull day", "a planted word")[word[k]])
        for k in range(count)
    ]
    for k in range(0, count, 40):
        cells[k] = (math.nan, math.nan, None, None)
    value = np.clip(age, -2, 2) + job + word
    value[::40] = 1.0
    return Rows.of_values(SCHEMA, cells), value


def fitted(classes: int, bins: int = 0) -> tuple[Additive, Rows, np.ndarray]:
    rows, value = planted()
    target = value if classes == 0 else np.digitize(value, np.quantile(value, np.arange(1, classes) / classes))
    seen = looks.look(SCHEMA, rows, [Grams("note", words=2, bits=10), Grams("note", chars=(2, 3), bits=9)], bins)
    return additive.fit(seen, rows, target, classes, 10.0, balanced=False), rows, target


MODELS = {(classes, bins): fitted(classes, bins) for classes, bins in [(0, 0), (0, 4), (2, 0), (2, 4), (3, 4)]}
EACH = pytest.mark.parametrize(("classes", "bins"), MODELS)


@EACH
def test_what_is_planted_is_learned(classes: int, bins: int):
    """A number, a category and a word that move the target explain nearly all of it."""
    model, rows, target = MODELS[classes, bins]
    answers = model.predict(rows)
    if classes:
        assert (answers.argmax(axis=1) == target).mean() > 0.85
        np.testing.assert_allclose(answers.sum(axis=1), 1.0)
    else:
        assert 1 - ((answers - target) ** 2).mean() / target.var() > 0.9


@EACH
@given(values=st.lists(CELLS, min_size=1, max_size=4))
def test_one_row_is_answered_as_in_a_batch(classes: int, bins: int, values: list[tuple[Value, ...]]):
    """``answer`` is ``predict``, with missing cells, unseen categories and numbers far off."""
    model = MODELS[classes, bins][0]
    batch = model.predict(Rows.of_values(SCHEMA, values))
    single = np.array([model.answer(row) for row in values]).reshape(batch.shape)
    assert np.isfinite(batch).all()
    np.testing.assert_allclose(single, batch, rtol=1e-9, atol=1e-12)


@EACH
def test_a_saved_model_answers_as_before(classes: int, bins: int):
    """What is loaded answers a batch and one row to the last bit as what was saved."""
    model, rows, _ = MODELS[classes, bins]
    again = additive.load(SCHEMA, model.members())
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    for row in rows.values(SCHEMA)[:5]:
        assert again.answer(row) == model.answer(row)
    assert again.members() == model.members()


@EACH
def test_an_unseen_category_weighs_nothing(classes: int, bins: int):
    """A value that training did not see adds nothing, and a missing one has a weight of its own."""
    model, _, _ = MODELS[classes, bins]
    cook, nurse, unseen, other, gone = (
        np.array(model.score_one((0.0, 0.0, job, "a day"))) for job in ("cook", "nurse", "unseen", "other", None)
    )
    np.testing.assert_array_equal(unseen, other)
    assert not np.allclose(cook, nurse)
    assert not np.allclose(gone, unseen)


def test_a_value_seen_once_is_not_kept():
    """A category of one row cannot be told from chance, and is read as unseen."""
    rows = Rows.of_values(SCHEMA, [(0.0, 0.0, job, None) for job in ("twice", "twice", "once")])
    block = looks.CategoryBlock.fit("job", 2, rows.texts("job"))
    assert list(block.values) == ["twice"]
    assert block.width == 2


def test_a_column_that_is_empty_or_constant_does_no_harm():
    """Numbers without spread, or without any cell, leave the scores finite."""
    schema = Schema((Column("empty", Kind.NUMBER), Column("same", Kind.NUMBER), Column("x", Kind.NUMBER)), "y")
    rows = Rows.of_values(schema, [(math.nan, 5.0, float(k)) for k in range(30)])
    target = np.arange(30.0)
    model = additive.fit(looks.look(schema, rows, [], bins=3), rows, target, 0, 100.0, False)
    assert np.corrcoef(model.predict(rows), target)[0, 1] > 0.99
    assert np.isfinite(model.answer((1.0, math.nan, -1e300))).all()


def test_two_of_three_classes_in_a_fold_still_give_three_answers():
    """A class that the fold lacks gets next to no probability, and the others are told apart."""
    schema = Schema((Column("x", Kind.NUMBER),), "y", ("a", "b", "c"))
    rows = Rows.of_values(schema, [(float(k),) for k in range(-20, 20)])
    target = np.repeat([0, 2], 20)
    model = additive.fit(looks.look(schema, rows, []), rows, target, 3, 10.0, False)
    answers = model.predict(rows)
    assert answers.shape == (40, 3)
    assert answers[:, 1].max() < 1e-6
    assert answers.argmax(axis=1).tolist() == target.tolist()


def test_more_rows_than_a_chunk_are_answered_in_order():
    """Rows are read some thousands at a time, and the answers are those of the rows one by one."""
    model, rows, _ = MODELS[2, 0]
    index = np.arange(2_500) % len(rows)
    np.testing.assert_array_equal(model.predict(rows.take(index)), model.predict(rows)[index])


def test_weights_of_another_shape_are_refused():
    """A damaged bundle is refused when it is loaded, not when it is asked."""
    model, _, _ = MODELS[2, 0]
    damaged = Additive(model.look, model.weights, np.zeros(2), 2).members()
    with pytest.raises(ValueError, match="weights of shape"):
        additive.load(SCHEMA, damaged)


@settings(max_examples=20, deadline=None)
@EACH
@given(weights=st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=2))
def test_joined_models_score_the_weighted_sum(classes: int, bins: int, weights: list[float]):
    """One model of two, of which one may look at less than the other, is no wider than either, and scores as both do."""
    model, rows, _ = MODELS[classes, bins]
    rows = rows.take(np.arange(20))
    other = replace(model, weights=-0.5 * model.weights, bias=model.bias + 1.0)
    table = Additive(*_without_texts(other))
    for second in (other, table):
        one = joined([model, second], weights)
        assert one.look.width == model.look.width
        due = weights[0] * model.scores(rows) + weights[1] * second.scores(rows)
        scale = sum(weights) * float(1.0 + np.abs(model.scores(rows)).max())
        np.testing.assert_allclose(one.scores(rows), due, atol=1e-5 * scale)


def test_what_only_one_model_looks_at_stands_beside_the_rest():
    """Numbers cut into bins and numbers that are not are two blocks; a category that both look at is one."""
    plain, binned = MODELS[2, 0][0], MODELS[2, 4][0]
    one = joined([plain, binned], [0.5, 0.5])
    assert len(one.look.blocks) == len(plain.look.blocks) + 1
    rows = MODELS[2, 0][1]
    due = 0.5 * plain.scores(rows) + 0.5 * binned.scores(rows)
    np.testing.assert_allclose(one.scores(rows), due, atol=1e-5)
    np.testing.assert_allclose([one.score_one(row) for row in rows.values(SCHEMA)[:9]], one.scores(rows)[:9], atol=1e-9)
    again = additive.load(SCHEMA, one.members())
    np.testing.assert_array_equal(again.scores(rows), one.scores(rows))


def test_models_of_other_answers_are_not_joined():
    """A sum for two classes and one for a number have no sum in common."""
    assert joined([MODELS[0, 0][0], MODELS[2, 0][0]], [0.5, 0.5]) is None


@pytest.mark.parametrize("classes", [2, 3])
def test_a_soft_answer_is_as_many_rows_as_it_says(classes: int):
    """A row that is three quarters of one class teaches what three rows of that class and one of the next do."""
    rows, value = planted(80)
    target = np.digitize(value, np.quantile(value, np.arange(1, classes) / classes))
    seen = looks.look(SCHEMA, rows, [])
    soft = 0.75 * np.eye(classes)[target] + 0.25 * np.eye(classes)[(target + 1) % classes]
    four = np.repeat(np.arange(len(rows)), 4)
    labels = (target[:, None] + np.array([0, 0, 0, 1])).ravel() % classes
    for balanced in (False, True):
        one = additive.fit(seen, rows, target, classes, 1.0, balanced, soft=soft)
        counted = additive.fit(seen, rows.take(four), labels, classes, 0.25, balanced)
        np.testing.assert_allclose(one.predict(rows), counted.predict(rows), atol=0.01)


def joined(models: list[Additive], weights: list[float]) -> Additive:
    return additive.join(Job("y"), SCHEMA, models, weights)


def _without_texts(model: Additive) -> tuple[Any, ...]:
    """The parts of the same model, looking at numbers and categories alone."""
    kept = [(block, weights) for block, weights in model.parts() if not isinstance(block, looks.TextBlock)]
    look = looks.Look(tuple(block for block, _ in kept))
    return look, np.concatenate([weights for _, weights in kept], axis=1), model.bias, model.classes
