"""Trees over clues: clues of a document do not depend on the others, and the trees' order stands above what they never saw."""

from __future__ import annotations

import numpy as np
import pytest

from found_toys import index, study, texts
from plimsoll import clues, fused, lambdamart, lsa, reranked, small_trees
from plimsoll.clues import Clues
from plimsoll.lambdamart import Plan
from plimsoll.reranked import Reranked

SMALL = Plan(trees=20, leaves=4, rate=0.1)


@pytest.fixture(scope="module")
def told() -> Clues:
    return clues.of_parts(fused.fit(study(), lsa.fit(index(), 8)))


@pytest.fixture(scope="module")
def model(told: Clues) -> Reranked:
    return reranked.fit(study(), told, SMALL)


def test_clues_have_names_that_tell_of_fields(told: Clues):
    assert told.of(told.parts.hear("heat1"), np.arange(3)).shape == (3, len(told.names))
    assert {"words", "words in title", "words in text", "meaning", "length"} <= set(told.names)


def test_the_clues_of_a_document_do_not_depend_on_the_others(told: Clues):
    all_ = told.of(told.parts.hear("heat1 wing2"), np.arange(40))
    for document in (0, 6, 39):
        assert np.allclose(told.of(told.parts.hear("heat1 wing2"), np.array([document]))[0], all_[document], atol=1e-6)


def test_a_later_copy_has_the_clues_of_the_document(told: Clues):
    """But for its neighbours, of which the document itself is one now."""
    later = told.beside({name: cells[:4] for name, cells in texts().items()})
    before, after = (
        told.of(told.parts.hear("heat1 wing2"), np.arange(4)),
        later.of(later.parts.hear("heat1 wing2"), np.arange(4)),
    )
    own = [at for at, name in enumerate(told.names) if "neighbours" not in name]
    assert np.allclose(before[:, own], after[:, own], atol=1e-4)
    assert (later.near == np.arange(4)[:, None]).any(axis=1).all()


def test_no_document_is_its_own_neighbour(told: Clues):
    assert not (told.near == np.arange(40)[:, None]).any()
    assert np.allclose(told.nearness.sum(axis=1), 1.0, atol=1e-5)


def test_neighbours_are_the_nearest(told: Clues):
    cosines = told.parts.meaning.points @ told.parts.meaning.points.T
    np.fill_diagonal(cosines, -np.inf)
    best = np.sort(cosines, axis=1)[:, ::-1][:, : told.near.shape[1]]
    assert np.allclose(np.sort(np.take_along_axis(cosines, told.near, axis=1), axis=1)[:, ::-1], best, atol=1e-6)


def test_trees_put_the_better_grade_first(told: Clues):
    """What is taught is a grade that one clue tells: the documents come in its order."""
    random = np.random.default_rng(0)
    matrix = random.random((600, 3)).astype(np.float32)
    grades = np.floor(matrix[:, 1] * 4)
    grown = lambdamart.grow(matrix, grades, np.full(30, 20), Plan(50, 4, 0.1), 0)
    trees = small_trees.of_grown(grown)
    scores = trees.scores(matrix)
    means = [scores[grades == grade].mean() for grade in range(4)]
    assert means == sorted(means)
    assert scores[grades == 3].min() > scores[grades == 0].max()
    assert scores.min() >= trees.least - 1e-6


def test_what_the_trees_did_not_see_stands_below(model: Reranked, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reranked, "_EACH", 6)
    whole = model.best("heat1 wing2", 20)
    assert (whole["item"] >= 0).sum() > 6
    assert set(whole["item"][:6].tolist()) == set(model.clues.parts.best("heat1 wing2", 6)["item"].tolist())
    assert (np.diff(whole["score"]) <= 0).all()
    assert whole["score"][6] < model.trees.least <= whole["score"][5] + 1e-6
    assert whole["item"][:3].tolist() == model.best("heat1 wing2", 3)["item"].tolist()


def test_the_reasons_are_what_the_score_would_lose(model: Reranked):
    """A clue that is as usual says nothing."""
    names = model.clues.names
    features = model.clues.of(model.clues.parts.hear("heat1 wing2"), np.array([1]))[0]
    parts = dict(model.because("heat1 wing2", 1))
    whole = model.trees.scores(features[None])[0]
    for at, name in enumerate(names):
        other = features.copy()
        other[at] = model.usual[at]
        assert parts[name] == pytest.approx(whole - model.trees.scores(other[None])[0], abs=1e-6)
    assert any(parts.values())


def test_too_few_queries_teach_no_order(told: Clues):
    with pytest.raises(ValueError, match="an order is learned of 20 or more"):
        reranked.fit(study(queries=10), told, SMALL)


def test_arrays_of_another_model_are_refused(model: Reranked):
    arrays = model.arrays()
    again = reranked.of(arrays, model.index)
    assert np.array_equal(again.best("gear1", 9), model.best("gear1", 9))
    width = len(model.clues.names)
    for name, wrong in (
        ("trees.columns", np.full_like(arrays["trees.columns"], width)),
        ("trees.trees", arrays["trees.trees"] - 1),
        ("trees.ruled_out", np.full_like(arrays["trees.ruled_out"], 1 << 15)),
        ("trees.leaves", np.zeros((3, 17), np.float32)),
        ("usual", arrays["usual"][1:]),
        ("near", arrays["near"][:3]),
        ("near", arrays["near"] + 40),
        ("near", arrays["near"].astype(np.int64)),
    ):
        with pytest.raises(ValueError, match="neighbours" if name == "near" else name.removeprefix("trees.")):
            reranked.of(arrays | {name: wrong}, model.index)
