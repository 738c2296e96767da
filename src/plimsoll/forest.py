"""Sums of decision trees, as they are served: an ONNX graph, float32 in, raw scores out.

Rows are cast to float32 before training as well, and a threshold is rounded down to the nearest float32, so a
row goes left in the served graph exactly where it went left in training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_BATCH = 8_192


class Forest:
    """A loaded graph: raw scores for float32 rows, on one thread."""

    def __init__(self, graph: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Trees want no graph optimisation, and none makes loading quicker and the heap smaller.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._run = self._session._sess.run  # the bound call beneath the checks of run(): half the time of one row
        self.graph = graph
        (taken,), (given,) = self._session.get_inputs(), self._session.get_outputs()
        self.width, self.outputs = taken.shape[-1], given.shape[-1]  # columns that it takes and gives

    def scores(self, matrix: Array) -> Array:
        """Shape (rows, outputs), float64, for float32 rows of shape (rows, features)."""
        parts = [
            self._run(["scores"], {"rows": np.ascontiguousarray(matrix[k : k + _BATCH])}, None)[0]
            for k in range(0, max(1, len(matrix)), _BATCH)
        ]
        return np.concatenate(parts).astype(np.float64)

    def score_one(self, features: Sequence[float]) -> list[float]:
        matrix = np.array([features], dtype=np.float32)
        return self._run(["scores"], {"rows": matrix}, None)[0][0].tolist()  # type: ignore[no-any-return]

    def score_each(self, features: Sequence[Sequence[float]]) -> list[list[float]]:
        """``score_one`` for several rows, in one walk."""
        matrix = np.array(features, dtype=np.float32)
        return self._run(["scores"], {"rows": matrix}, None)[0].tolist()  # type: ignore[no-any-return]


def graph(
    trees: Sequence[Mapping[str, Any]], features: int, outputs: int, base: Sequence[float], scale: float
) -> bytes:
    """The ONNX bytes for LightGBM's trees (``dump_model()["tree_info"]``), every leaf times ``scale``.

    Tree number i adds to output i modulo ``outputs``.
    """
    columns: dict[str, list[Any]] = {name: [] for name in (*_NODE, *_LEAF)}
    for number, tree in enumerate(trees):
        for node in _flat(tree["tree_structure"]):
            for name, cell in zip(_NODE, (number, *node[:6]), strict=True):
                columns[name].append(cell)
            if node[2] == "LEAF":
                for name, cell in zip(_LEAF, (number, node[0], number % outputs, node[6] * scale), strict=True):
                    columns[name].append(cell)
    return _written(columns, features, outputs, base)


def merged(graphs: Sequence[bytes], weights: Sequence[float]) -> bytes:
    """One graph whose scores are the weighted sums of what these graphs give for the same rows.

    Raises ValueError where they take or give different numbers of columns.
    """
    read = [_read(each) for each in graphs]
    if len({shape for _, shape in read}) != 1:
        raise ValueError("graphs of different shapes cannot be one")
    columns: dict[str, list[Any]] = {name: [] for name in (*_NODE, *_LEAF)}
    base, trees = np.zeros(read[0][1][1]), 0
    for (found, _), weight in zip(read, weights, strict=True):
        columns["target_weights"] += [leaf * weight for leaf in found["target_weights"]]
        for name in ("nodes_treeids", "target_treeids"):
            columns[name] += [number + trees for number in found[name]]
        for name in columns.keys() - {"target_weights", "nodes_treeids", "target_treeids"}:
            columns[name] += found[name]
        base += weight * np.array(found["base_values"])
        trees += 1 + max(found["nodes_treeids"])
    return _written(columns, *read[0][1], base.tolist())


def _read(graph: bytes) -> tuple[Mapping[str, Any], tuple[int, int]]:
    """The attributes of the one node of a graph that ``graph`` made, and how many columns it takes and gives."""
    from onnx import helper, load_model_from_string

    made = load_model_from_string(graph).graph
    found = {each.name: helper.get_attribute_value(each) for each in made.node[0].attribute}
    features = made.input[0].type.tensor_type.shape.dim[1].dim_value
    return found, (features, found["n_targets"])


def _written(columns: Mapping[str, Any], features: int, outputs: int, base: Sequence[float]) -> bytes:
    from onnx import TensorProto, helper

    ensemble = helper.make_node(
        "TreeEnsembleRegressor",
        ["rows"],
        ["scores"],
        domain="ai.onnx.ml",
        n_targets=outputs,
        base_values=[float(part) for part in base],
        post_transform="NONE",
        **columns,
    )
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, features])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, outputs])
    made = helper.make_graph([ensemble], "trees", [rows], [scores])
    versions = [helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 17)]
    return bytes(helper.make_model(made, opset_imports=versions, ir_version=8).SerializeToString())


_NODE = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_modes",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
)
_LEAF = ("target_treeids", "target_nodeids", "target_ids", "target_weights")


def _flat(root: Mapping[str, Any]) -> Iterator[tuple[int, int, str, float, int, int, float]]:
    """(id, feature, mode, threshold, left, right, leaf value) of each node, parents first."""
    waiting, given = [(root, 0)], 1
    while waiting:
        node, number = waiting.pop()
        if "split_feature" not in node:
            yield number, 0, "LEAF", 0.0, 0, 0, float(node["leaf_value"])
            continue
        if node["decision_type"] != "<=":
            raise ValueError("only numeric splits can be served")
        left, right = given, given + 1
        given += 2
        yield number, int(node["split_feature"]), "BRANCH_LEQ", rounded_down(node["threshold"]), left, right, 0.0
        waiting += [(node["left_child"], left), (node["right_child"], right)]


def rounded_down(threshold: float) -> float:
    """The largest float32 not above the threshold: x <= it exactly where x <= the threshold, for every float32 x."""
    near = np.float32(threshold)
    # float() matters: NumPy would compare a float32 with a Python number as two float32.
    return float(near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf)))
