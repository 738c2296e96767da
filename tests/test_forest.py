"""A served forest takes every row to the leaf that training took it to."""

from __future__ import annotations

import copy
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.forest import Forest, graph, merged, rounded_down

TREES = 6


def grown(outputs: int) -> tuple[lightgbm.Booster, np.ndarray]:
    """A small forest on 400 rows of four numbers, and the float32 rows it learned from."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(400, 4)).astype(np.float32)
    rows[::7, 2] = -1e30  # how a missing cell is written
    target = np.digitize(rows[:, 0] * rows[:, 1], [-0.3, 0.3])
    loss = {"objective": "regression"} if outputs == 1 else {"objective": "multiclass", "num_class": outputs}
    settings = {**loss, "num_leaves": 15, "verbosity": -1, "num_threads": 1, "use_missing": False, "seed": 0}
    return lightgbm.train(settings, lightgbm.Dataset(rows, target), TREES), rows


def thresholds(node: dict[str, Any]) -> list[float]:
    if "split_feature" not in node:
        return []
    return [node["threshold"], *thresholds(node["left_child"]), *thresholds(node["right_child"])]


def numbered(node: dict[str, Any]) -> None:
    """Puts each leaf's number in place of its value."""
    if "split_feature" in node:
        numbered(node["left_child"])
        numbered(node["right_child"])
    else:
        node["leaf_value"] = float(node.get("leaf_index", 0))


GROWN = {outputs: grown(outputs) for outputs in (1, 3)}


def on_the_edge(outputs: int) -> np.ndarray:
    """Rows beside and upon every threshold, as near as float32 can be."""
    booster, rows = GROWN[outputs]
    cuts = [cut for tree in booster.dump_model()["tree_info"] for cut in thresholds(tree["tree_structure"])]
    near = np.array(cuts, dtype=np.float32)
    sides = [near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))]
    return np.concatenate([rows, *(np.repeat(side[:, None], 4, axis=1) for side in sides)])


@pytest.mark.parametrize("outputs", GROWN)
def test_every_row_ends_in_the_leaf_of_lightgbm(outputs: int):
    """Rows upon a threshold go left or right as in training, in each tree."""
    booster, rows = GROWN[outputs][0], on_the_edge(outputs)
    trees = copy.deepcopy(booster.dump_model()["tree_info"])
    for tree in trees:
        numbered(tree["tree_structure"])
    leaves = Forest(graph(trees, 4, len(trees), [0.0] * len(trees), 1.0)).scores(rows)
    np.testing.assert_array_equal(leaves, booster.predict(rows, pred_leaf=True))
    assert len(np.unique(leaves)) > 5


@pytest.mark.parametrize("outputs", GROWN)
def test_scores_are_the_raw_ones_of_lightgbm(outputs: int):
    """The sums of the leaves are LightGBM's, but for float32; a scale and a base move them as stated."""
    booster, rows = GROWN[outputs][0], on_the_edge(outputs)
    due = booster.predict(rows, raw_score=True).reshape(len(rows), outputs)
    trees, base = booster.dump_model()["tree_info"], [0.5, -1.0, 2.0][:outputs]
    plain = Forest(graph(trees, 4, outputs, [0.0] * outputs, 1.0)).scores(rows)
    np.testing.assert_allclose(plain, due, atol=1e-5)
    moved = Forest(graph(trees, 4, outputs, base, 2.0)).scores(rows)
    np.testing.assert_allclose(moved, 2.0 * due + base, atol=1e-5)


@pytest.mark.parametrize("outputs", GROWN)
def test_one_row_scores_as_in_a_batch(outputs: int):
    """``score_one`` gives a row of ``scores``, and no row depends on another."""
    booster, rows = GROWN[outputs]
    forest = Forest(graph(booster.dump_model()["tree_info"], 4, outputs, [0.0] * outputs, 1.0))
    batch = forest.scores(rows)
    np.testing.assert_allclose([forest.score_one(row.tolist()) for row in rows[:50]], batch[:50], rtol=1e-6, atol=1e-7)


def test_more_rows_than_a_batch_keep_their_order():
    """Rows beyond one batch of the runtime score as they do in the first; no rows give no scores."""
    booster, rows = GROWN[1]
    forest = Forest(graph(booster.dump_model()["tree_info"], 4, 1, [0.0], 1.0))
    index = np.arange(9_000) % len(rows)
    np.testing.assert_allclose(forest.scores(rows[index]), forest.scores(rows)[index], rtol=1e-6, atol=1e-7)
    assert forest.scores(rows[:0]).shape == (0, 1)


def test_a_forest_is_its_bytes():
    """A forest made from the bytes of another scores the same."""
    booster, rows = GROWN[1]
    one = Forest(graph(booster.dump_model()["tree_info"], 4, 1, [0.0], 1.0))
    np.testing.assert_array_equal(Forest(one.graph).scores(rows), one.scores(rows))


def served(outputs: int, rounds: int, base: float) -> Forest:
    """The forest of the first rounds."""
    trees = GROWN[outputs][0].dump_model(num_iteration=rounds)["tree_info"]
    return Forest(graph(trees, 4, outputs, [base] * outputs, 1.0))


SERVED = {
    outputs: [served(outputs, TREES, 0.5), served(outputs, 1, 0.0), served(outputs, 2, -2.0)] for outputs in GROWN
}


@settings(max_examples=20, deadline=None)
@given(weights=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=3))
@pytest.mark.parametrize("outputs", GROWN)
def test_merged_forests_score_the_weighted_sum(outputs: int, weights: list[float]):
    """One graph of all the trees gives what the graphs give, weighed and added, but for float32."""
    forests, rows = SERVED[outputs][: len(weights)], GROWN[outputs][1]
    due = sum(weight * forest.scores(rows) for weight, forest in zip(weights, forests, strict=True))
    one = Forest(merged([forest.graph for forest in forests], weights))
    np.testing.assert_allclose(one.scores(rows), due, atol=1e-5 * sum(weights))


def test_a_merged_forest_may_be_merged_again():
    """Trees keep numbers of their own however often they are put together."""
    first, second, third = (forest.graph for forest in SERVED[3])
    nested = merged([merged([first, second], [1.0, 0.5]), third], [2.0, 1.0])
    flat = merged([first, second, third], [2.0, 1.0, 1.0])
    np.testing.assert_array_equal(Forest(nested).scores(GROWN[3][1]), Forest(flat).scores(GROWN[3][1]))


def test_forests_of_different_shapes_are_not_merged():
    """A forest of one sum and one of three have no sum in common."""
    with pytest.raises(ValueError, match="different shapes"):
        merged([SERVED[1][0].graph, SERVED[3][0].graph], [0.5, 0.5])


@given(st.floats(-1e38, 1e38))
def test_a_threshold_is_rounded_down(threshold: float):
    """It becomes the largest float32 that is not above it."""
    found = np.float32(rounded_down(threshold))
    assert float(found) == rounded_down(threshold)
    assert float(found) <= threshold < float(np.nextafter(found, np.float32(np.inf)))


def test_a_split_by_category_is_refused():
    """Only numeric splits are served, and another is an error where the graph is made."""
    leaf = {"leaf_value": 1.0, "leaf_index": 0}
    node = {"split_feature": 0, "decision_type": "==", "threshold": "1", "left_child": leaf, "right_child": leaf}
    with pytest.raises(ValueError, match="numeric"):
        graph([{"tree_structure": node}], 1, 1, [0.0], 1.0)
