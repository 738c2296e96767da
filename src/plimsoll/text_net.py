"""A network that reads the numbers of one text's pieces, always as many: a checked graph, run by ONNX Runtime on one thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
MOST = 1_024  # pieces


class TextNet:
    """``graph`` takes some of ``INPUTS``, each int64 of shape (1, ``length``). Raises ValueError where it takes something else."""

    def __init__(self, graph: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(bytes(graph), options, providers=["CPUExecutionProvider"])
        except Exception as fault:
            raise ValueError(f"a graph that cannot be run: {str(fault)[:200]}") from None
        self.graph = bytes(graph)
        taken = {each.name: each for each in self._session.get_inputs()}
        shapes = {tuple(each.shape) for each in taken.values()}
        (shape,) = shapes if len(shapes) == 1 else [()]
        if "input_ids" not in taken or taken.keys() - set(INPUTS) or len(shape) != 2 or shape[0] != 1:
            raise ValueError(f"a graph that takes {', '.join(taken)[:120]}")
        if any(each.type != "tensor(int64)" for each in taken.values()) or not 0 < int(shape[1]) <= MOST:
            raise ValueError("a graph that reads no pieces of text")
        self.length, self._takes = int(shape[1]), tuple(taken)
        self._gives = self._session.get_outputs()[0].name

    def run(self, numbers: Sequence[int], kinds: Sequence[int] = (), pad: int = 0) -> NDArray[np.float32]:
        """What the graph gives first, without the axis of texts; of shape (pieces, width) only as many as there are.

        Raises ValueError for what is not finite, where a piece is none that it knows, and for more pieces than it reads.
        """
        many = len(numbers)
        if many > self.length:
            raise ValueError(f"{many} pieces where {self.length} are read")
        rows = {name: np.zeros((1, self.length), dtype=np.int64) for name in INPUTS}
        rows["input_ids"][0], rows["input_ids"][0, :many] = pad, numbers
        rows["attention_mask"][0, :many] = 1
        rows["token_type_ids"][0, : len(kinds)] = kinds
        try:
            found = np.asarray(self._session.run([self._gives], {name: rows[name] for name in self._takes})[0][0])
        except Exception as fault:  # the library has a tree of errors of its own
            raise ValueError(f"the graph cannot be run: {str(fault)[:200]}") from None
        if found.dtype.kind != "f" or not np.isfinite(found).all():
            raise ValueError("the graph gives what is not finite")
        return np.asarray(found[:many] if found.ndim == 2 else found, dtype=np.float32)
