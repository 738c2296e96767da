"""Small trees that are walked at once score what the served graph of the same trees does, and hold what is learned of each row."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from plimsoll import small_trees
from plimsoll.forest import Forest, graph


def _grown(leaves: int, trees: int = 30, columns: int = 5) -> tuple[list[dict], np.ndarray]:
    random = np.random.default_rng(leaves)
    matrix = random.normal(size=(400, columns)).round(1).astype(np.float32)  # many numbers are thresholds themselves
    target = matrix[:, 0] * matrix[:, 1] + random.normal(size=400)
    settings = {
        "objective": "regression",
        "num_leaves": leaves,
        "min_data_in_leaf": 3,
        "verbosity": -1,
        "num_threads": 1,
    }
    booster = lightgbm.train(settings, lightgbm.Dataset(matrix, target), trees)
    return booster.dump_model()["tree_info"], matrix


@pytest.mark.parametrize("leaves", [2, 8, 9, 16])
def test_scores_are_those_of_the_graph(leaves: int):
    grown, matrix = _grown(leaves)
    trees = small_trees.of_grown(grown)
    edges = np.unique(trees.thresholds)
    matrix[: len(edges), 0] = edges[: len(matrix)]
    matrix[-1], matrix[-2] = np.inf, -np.inf
    expected = Forest(graph(grown, matrix.shape[1], 1, [0.0], 1.0)).scores(matrix)[:, 0]
    assert np.allclose(trees.scores(matrix), expected, atol=1e-4)
    assert trees.least <= trees.scores(matrix).min() + 1e-5


def test_a_row_scores_alike_alone_and_among_others():
    grown, matrix = _grown(8)
    trees = small_trees.of_grown(grown)
    assert trees.scores(matrix[7:8])[0] == trees.scores(matrix)[7]


def test_what_is_written_is_what_is_read():
    grown, matrix = _grown(12)
    trees = small_trees.of_grown(grown)
    assert np.array_equal(small_trees.of(trees.arrays(), 5).scores(matrix), trees.scores(matrix))


def test_a_tree_that_splits_nothing_gives_its_leaf():
    trees = small_trees.of_grown([{"tree_structure": {"leaf_value": 0.25}}] * 3)
    assert trees.scores(np.zeros((2, 4), np.float32)).tolist() == [0.75, 0.75]


def test_larger_trees_are_refused():
    with pytest.raises(ValueError, match="16 are the most"):
        small_trees.of_grown(_grown(20)[0])


def test_categories_are_refused():
    node = {"split_feature": 0, "threshold": "1||2", "decision_type": "==", "left_child": {"leaf_value": 0.0}}
    with pytest.raises(ValueError, match="numeric"):
        small_trees.of_grown([{"tree_structure": {**node, "right_child": {"leaf_value": 1.0}}}])
