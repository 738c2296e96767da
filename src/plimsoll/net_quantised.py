"""A net's graph with its products in whole numbers of eight bits: a third of the bytes, and on some processors less time.

Post-training quantisation (Jacob and others 2018): what passes between products is measured on real frames, once, and each
filter has a scale of its own (``int8``); or weights alone are whole numbers, and what they meet is scaled anew each time
(``int8 weights``).
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import onnx_check
from plimsoll.net_model import Onnx, State
from plimsoll.net_written import plain

Array = NDArray[Any]
NUMBERS = ("float32", "int8", "int8 weights")  # the default first
_PRODUCTS = ["Conv", "Gemm", "MatMul"]
_STEPS = 8  # of a stream at once, as it is measured


def quantised(graph: bytes, how: str, frames: Array, begun: State, hop: int) -> bytes:
    """The graph in eight bits, measured on frames of shape (batch, frames, channels): windows, or of a net with a memory
    (``begun`` is what it knows at first) one stretch of a stream. Raises ValueError where it cannot be served so.
    """
    import onnx
    from onnxruntime import quantization

    made, fed = onnx.load_model_from_string(graph), list(_fed(Onnx(graph, begun), frames, begun, hop))

    class Measured(quantization.CalibrationDataReader):  # type: ignore[misc]  # untyped
        def __init__(self) -> None:
            self.left = iter(fed)

        def get_next(self) -> Any:
            return next(self.left, None)

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it advises to prepare the graph, which has been done
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "net.onnx")
            if how == "int8":
                quantization.quantize_static(
                    made, path, Measured(), per_channel=True, op_types_to_quantize=_PRODUCTS, calibration_providers=_CPU
                )
            else:
                quantization.quantize_dynamic(made, path, op_types_to_quantize=_PRODUCTS)
            found = plain(Path(path).read_bytes(), folded=False)
    except Exception as fault:  # whatever a library meets in a graph of somebody's own
        raise ValueError(f"{type(fault).__name__}: {fault}".splitlines()[0][:200]) from fault
    finally:
        logging.disable(before)
    onnx_check.check("net.onnx", found)
    return found


_CPU = ["CPUExecutionProvider"]


def _fed(graph: Onnx, frames: Array, state: State, hop: int) -> Iterator[dict[str, Array]]:
    """What the graph is given, a window or a few steps of a stream at a time."""
    who = np.zeros(1, dtype=np.int64)
    if not state:
        for window in frames:
            yield graph.fed(window[None], who, ())
        return
    size = _STEPS * hop if not isinstance(graph.frames, int) else graph.frames
    for place in range(0, frames.shape[1] - size + 1, size):
        part = frames[:1, place : place + size]
        yield graph.fed(part, who, state)
        state = graph.run(part, who, state)[1]
