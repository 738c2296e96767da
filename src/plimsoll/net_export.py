"""A trained net as a graph that ONNX Runtime serves, held against the net itself on real frames before it is believed."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import onnx_check
from plimsoll.errors import TrialError
from plimsoll.net_model import Graph, Onnx, Torch
from plimsoll.net_written import plain

Array = NDArray[Any]
APART = 1e-4  # that the scores of graph and net may differ, beside one and beside their size
_OPSET = 17
_NOBODY = np.zeros(1, dtype=np.int64)
_PARTS = (1, 3, 2, 7)  # steps of a stream at once, over and over, as the graph is tried


def exported(net: Any, frames: Array) -> tuple[bytes | None, str]:
    """The graph, and nothing or the reason why there is none; tried on ``frames``, shape (batch, frames, channels).

    A window's graph takes any number of windows where it can be written so without operators that make arrays of any
    size; otherwise one at a time. That of a net with a memory takes any number of steps, or one. The older way to
    write it is tried first: it takes a third of a second, and the newer one six.
    """
    reasons, begun = [], Torch(net).state()
    for write in (partial(_traced, open_=True), partial(_traced, open_=False), _captured):
        try:
            graph = plain(write(net, frames))
            onnx_check.check("net.onnx", graph)
            if (apart := difference(Onnx(graph, begun), Torch(net), frames, net.hop)) <= APART:
                return graph, ""
            reasons.append(f"its graph gives scores that are {apart:.2g} away from its own")
        except Exception as fault:  # whatever an exporter meets in a module of somebody's own
            reasons.append(f"{type(fault).__name__}: {fault}".strip().splitlines()[0][:200])
    return None, reasons[0]


def difference(graph: Graph, net: Graph, frames: Array, hop: int) -> float:
    """The most that a graph's scores differ from a net's, beside one and their size; nan where either is not finite.

    The graph takes windows together and the net each alone; or with a memory, the graph hears a part at a time and the net
    all at once. A net whose answers hang on what is asked beside them is found out as well.
    """
    if net.state():
        whole = frames[:1, : frames.shape[1] // hop * hop]
        one, other = _in_parts(graph, whole, hop), net.run(whole, _NOBODY, net.state())[0]
    else:
        who = np.minimum(np.arange(len(frames)), 1)  # the first is a stranger
        one = graph.run(frames, who, ())[0]
        other = np.concatenate([net.run(frames[k : k + 1], who[k : k + 1], ())[0] for k in range(len(frames))])
    if one.shape != other.shape:
        raise TrialError(f"its graph gives scores of shape {one.shape}, not {other.shape}")
    apart = np.abs(one.astype(np.float64) - other) / (1.0 + np.abs(other))
    return float(apart.max(initial=0.0)) if np.isfinite(apart).all() else float("nan")


def _in_parts(graph: Graph, frames: Array, hop: int) -> Array:
    state, told, place, turn = graph.state(), [], 0, 0
    while place < frames.shape[1]:
        size = _PARTS[turn % len(_PARTS)] * hop
        scores, state = graph.run(frames[:, place : place + size], _NOBODY, state)
        told.append(scores)
        place, turn = place + size, turn + 1
    return np.concatenate(told, axis=1)


def _names(net: Any) -> tuple[list[str], list[str]]:
    """Of what goes in and of what comes out."""
    many = len(net.state())
    who = ["who"] if net.people else []
    return ["frames", *who, *(f"state{k}" for k in range(many))], ["scores", *(f"next{k}" for k in range(many))]


def _given(net: Any, frames: Array) -> tuple[Any, ...]:
    import torch

    many = frames.shape[1] if not net.carries else net.hop
    who = [torch.zeros(1, dtype=torch.int64)] if net.people else []
    return (torch.from_numpy(np.array(frames[:1, :many], dtype=np.float32)), *who, *net.state())


def _traced(net: Any, frames: Array, open_: bool) -> bytes:
    import torch

    from plimsoll.net_module import Stepped

    names, given = _names(net)
    place, word = (1, "steps") if net.carries else (0, "windows")
    several = (names[0], given[0], *(["who"] if net.people and not net.carries else []))
    free = {name: {place: word} for name in several} if open_ else None
    file = io.BytesIO()
    with _unheard():
        torch.onnx.export(
            Stepped(net).eval(),
            _given(net, frames),
            file,
            dynamo=False,
            input_names=names,
            output_names=given,
            opset_version=_OPSET,
            dynamic_axes=free,
        )
    return file.getvalue()


def _captured(net: Any, frames: Array) -> bytes:
    import torch

    from plimsoll.net_module import Stepped

    names, given = _names(net)
    with _unheard():
        found = torch.onnx.export(
            Stepped(net).eval(),
            _given(net, frames),
            dynamo=True,
            input_names=names,
            output_names=given,
            verbose=False,
            optimize=True,
        )
    return bytes(found.model_proto.SerializeToString())


@contextmanager
def _unheard() -> Iterator[None]:
    """Without what exporters say of themselves: what matters is held against the net afterwards."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
