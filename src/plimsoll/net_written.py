"""A graph as it is kept: its constants worked out, and nothing in it that no answer needs."""

from __future__ import annotations

import tempfile
from pathlib import Path


def plain(graph: bytes, folded: bool = True) -> bytes:
    """The graph without what only tells a reader how it came about; ``folded``: with what is constant worked out."""
    import onnx

    made = onnx.load_model_from_string(_folded(graph) if folded else graph)
    used = {node.domain for node in made.graph.node}
    for node in made.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for part in (made.graph.value_info, made.graph.metadata_props, made.metadata_props):
        del part[:]
    versions = [each for each in made.opset_import if each.domain in used]
    del made.opset_import[:]
    made.opset_import.extend(versions)
    return bytes(made.SerializeToString(deterministic=True))


def _folded(graph: bytes) -> bytes:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "net.onnx")
        onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return Path(options.optimized_model_filepath).read_bytes()
