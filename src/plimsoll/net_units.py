"""Hidden units of somebody's module: which layers make them, and which hear them, followed through the module's own graph.

The graph is what torch.fx traces (Reed and others 2022), with layers as they are. A unit is followed through what treats each unit
alike; where it meets anything else, the layer that makes it is left whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

_HEARS = {nn.Conv1d: 1, nn.Linear: -1, nn.GRU: -1, nn.LSTM: -1, nn.RNN: -1}  # the axis that a layer mixes
_MAKES = {nn.Conv1d: 1, nn.Linear: -1}  # the axis that its units lie on
_EACH = {  # layers that do the same to every number
    *(nn.Identity, nn.Dropout, nn.Dropout1d, nn.AlphaDropout, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU),
    *(nn.GELU, nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid, nn.LogSigmoid, nn.Softplus, nn.Softsign, nn.Hardtanh),
    *(nn.Hardswish, nn.Hardsigmoid),
}
_ALONG = {  # layers that work along the last axis
    *(nn.AvgPool1d, nn.MaxPool1d, nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d, nn.LPPool1d),
    *(nn.ConstantPad1d, nn.ZeroPad1d, nn.ReflectionPad1d, nn.ReplicationPad1d, nn.CircularPad1d),
}
# Functions, and methods of a tensor, by name: on every number alike; along the last axis; along the axes that they name.
_EVERY = frozenset(
    "relu relu6 leaky_relu elu selu celu gelu silu mish tanh sigmoid logsigmoid softplus softsign hardtanh hardswish "
    "hardsigmoid dropout alpha_dropout square sqrt rsqrt abs log log1p log2 log10 exp expm1 neg pow clamp clamp_min "
    "clamp_max clip float contiguous clone reciprocal sign sin cos erf nan_to_num add sub mul div truediv iadd isub imul "
    "itruediv maximum minimum".split()
)
_LAST = frozenset("avg_pool1d max_pool1d adaptive_avg_pool1d adaptive_max_pool1d lp_pool1d".split())
_NAMED = frozenset("mean sum amax amin std var logsumexp softmax log_softmax cumsum".split())


@dataclass(frozen=True)
class Met:
    """A layer that meets the units: each of them stands there for so many numbers in a row."""

    layer: str
    each: int


@dataclass(frozen=True)
class Units:
    """The ``many`` units that a layer makes, the layers ``beside`` that keep a number for each, and those that hear them."""

    layer: str
    many: int
    beside: tuple[Met, ...]
    heard: tuple[Met, ...]


class Lost(Exception):
    """Units met something that they cannot be followed through."""


@dataclass(frozen=True)
class _Place:
    """Where units lie in an array: the axis, and how many numbers in a row are of one unit."""

    axis: int
    each: int = 1


def found(module: Any, given: tuple[Any, ...]) -> tuple[list[Units], str]:
    """The units of a module that may be cut out, asked for what is ``given``; and of the others, why the first may not."""
    try:
        graph = fx.GraphModule(module, _Tracer().trace(module))
        with torch.no_grad():
            ShapeProp(graph).propagate(*given)
    except Exception as fault:  # tracing runs a module of somebody's own on what are no arrays
        return [], f"it cannot be followed: {type(fault).__name__}: {' '.join(str(fault).split())[:120]}"
    able, reasons, layers = [], [], dict(graph.named_modules())
    for node in graph.graph.nodes:
        if node.op == "call_module" and type(layers[node.target]) in _MAKES:
            try:
                able.append(_followed(node, graph.graph, layers))
            except Lost as lost:
                reasons.append(f"what {node.target} gives {lost}")
    return able, (reasons or ["it has no layer of filters or units"])[0]


class _Tracer(fx.Tracer):  # type: ignore[misc]  # torch is Any to the type checker
    """Keeps whole whatever has hooks or weights that are computed, for its weights are not what they seem."""

    def is_leaf_module(self, module: Any, name: str) -> bool:
        return bool(super().is_leaf_module(module, name) or _odd(module))


def _odd(module: Any) -> bool:
    return bool(module._forward_pre_hooks or module._forward_hooks or hasattr(module, "parametrizations"))


def _followed(maker: Any, graph: Any, layers: Mapping[str, Any]) -> Units:
    layer = layers[maker.target]
    _own(maker, graph, layers)
    if type(layer) is nn.Conv1d and layer.groups != 1:
        raise Lost("is made group by group")
    many = int(layer.weight.shape[0])
    places = {maker: _Place(_MAKES[type(layer)] % len(_shape(maker)))}
    beside, heard = [], []
    for node in graph.nodes:  # in the order in which they are computed
        if not any(each in places for each in node.all_input_nodes):
            continue
        if node.op == "call_module":
            at = _at(node, places)
            kind = _meets(layers[node.target], at, len(_shape(node.args[0])))
            if kind:
                _own(node, graph, layers)
                (heard if kind == "hears" else beside).append(Met(node.target, at.each))
            if kind != "hears":
                places[node] = at if kind else _through(layers[node.target], node, at)
        elif (after := _after(node, places)) is not None:
            places[node] = after
    if not heard:
        raise Lost("is heard by no layer")
    return Units(maker.target, many, tuple(beside), tuple(heard))


def _own(node: Any, graph: Any, layers: Mapping[str, Any]) -> None:
    """Raises Lost where a layer is asked more than once, or its weights are used elsewhere."""
    layer, names = layers[node.target], [name for name, each in layers.items() if each is layers[node.target]]
    calls = [each for each in graph.nodes if each.op == "call_module" and layers[each.target] is layer]
    read = [each for each in graph.nodes if each.op == "get_attr" and str(each.target).rpartition(".")[0] in names]
    own = {id(part) for part in layer.parameters()}
    shared = [each for each in layers.values() if each is not layer for part in each.parameters(recurse=False) if id(part) in own]
    if len(calls) > 1 or read or shared or _odd(layer):
        raise Lost(f"meets {node.target}, which is used more than once or computes its weights")


def _at(node: Any, places: Mapping[Any, _Place]) -> _Place:
    """Where the units lie in what a layer is asked, if that is all that it hears of them."""
    if [each for each in node.all_input_nodes if each in places] != [node.args[0]]:
        raise Lost(f"is a state of {node.target}")
    return places[node.args[0]]


def _meets(layer: Any, at: _Place, rank: int) -> str:
    """Whether a layer ``hears`` units, or ``keeps`` numbers for each; nothing where it does neither."""
    kind = type(layer)
    if kind is nn.BatchNorm1d and at.axis == 1:
        return "keeps"
    if kind in _HEARS and at.axis == _HEARS[kind] % rank:
        if kind is not nn.Conv1d or layer.groups == 1:
            return "hears"
        if layer.groups == layer.in_channels == layer.out_channels and at.each == 1:
            return "keeps"
    return ""


def _through(layer: Any, node: Any, at: _Place) -> _Place:
    """Where the units lie behind a layer that has nothing of each of them. Raises Lost."""
    kind, rank = type(layer), len(_shape(node.args[0]))
    if kind in _EACH or (kind in _ALONG or kind is nn.Linear) and at.axis < rank - 1:
        return at
    if kind is nn.Flatten:
        return _reshaped(node, at)
    raise Lost(f"meets {node.target} ({kind.__name__})")


def _after(node: Any, places: Mapping[Any, _Place]) -> _Place | None:
    """Where the units lie behind a function; None where it says nothing of them. Raises Lost."""
    if node.op == "output":
        raise Lost("is given away: an answer, or a state")
    name = (node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")).rstrip("_")
    if name in ("cat", "concat", "concatenate"):
        return _joined(node, places)
    if name in _EVERY:
        return _alike(node, name, places)
    source = node.args[0] if node.args else None
    if source not in places or sum(each in places for each in node.all_input_nodes) > 1:
        raise Lost(f"meets {name}")
    at, shape = places[source], _shape(source)
    if name in ("size", "getattr"):
        return _asked(node, name, at, len(shape))
    if name in _LAST or name == "pad":
        named = range(len(shape) - (len(node.args[1]) // 2 if name == "pad" else 1), len(shape))
    elif name in ("mean", "unfold") or name in _NAMED:
        named = _axes(node, len(shape))
    else:
        return _moved(node, name, at, len(shape))
    if at.axis in named:
        raise Lost(f"meets {name}, which mixes it")
    gone = len(shape) > len(_shape(node))
    return replace(at, axis=at.axis - sum(axis < at.axis for axis in named) if gone else at.axis)


def _moved(node: Any, name: str, at: _Place, rank: int) -> _Place:
    """Where the units lie when axes are put in another order, or numbers of an array are picked."""
    rest = [*node.args[1:], *node.kwargs.values()]
    if name in ("flatten", "reshape", "view"):
        return _reshaped(node, at)
    if name == "getitem":
        return _picked(node.args[1], at, rank)
    order = list(range(rank))
    if name in ("transpose", "swapaxes", "swapdims"):
        one, other = rest
        order[one], order[other] = order[other], order[one]
    elif name == "permute":
        order = [axis % rank for axis in (rest[0] if isinstance(rest[0], tuple | list) else rest)]
    elif name in ("squeeze", "unsqueeze") and len(rest) == 1:
        axis = rest[0] % (rank + (name == "unsqueeze"))
        if name == "squeeze" and len(_shape(node)) == rank:
            return at
        order.insert(axis, -1) if name == "unsqueeze" else order.pop(axis)
    else:
        raise Lost(f"meets {name}")
    if at.axis not in order:
        raise Lost(f"meets {name}, which drops it")
    return replace(at, axis=order.index(at.axis))


def _reshaped(node: Any, at: _Place) -> _Place:
    """Behind a new shape that leaves the axis as it is, or joins it with all that come after it."""
    before, after = _shape(node.args[0]), _shape(node)
    if after[: at.axis + 1] == before[: at.axis + 1]:
        return at
    if after == (*before[: at.axis], prod(before[at.axis :])):
        return replace(at, each=at.each * prod(before[at.axis + 1 :]))
    raise Lost("is given another shape")


def _picked(index: Any, at: _Place, rank: int) -> _Place:
    """Behind ``x[index]``, where that takes all of the axis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(part is not Ellipsis and not isinstance(part, int | slice) for part in parts):
        raise Lost("meets an index that is computed")
    if Ellipsis in parts:
        place = parts.index(Ellipsis)
        parts[place : place + 1] = [slice(None)] * (rank - len(parts) + 1)
    if at.axis < len(parts) and parts[at.axis] != slice(None):
        raise Lost("is picked from")
    return replace(at, axis=at.axis - sum(isinstance(part, int) for part in parts[: at.axis]))


def _asked(node: Any, name: str, at: _Place, rank: int) -> None:
    """A shape may be asked for, so long as how many units there are is not."""
    if name == "getattr" and node.args[1] != "shape":
        raise Lost(f"meets {node.args[1]}")
    taken = [node.args[1]] if name == "size" and len(node.args) > 1 else [each.args[-1] for each in node.users]
    if any(not isinstance(each, int) or each % rank == at.axis for each in taken):
        raise Lost("is counted")


def _alike(node: Any, name: str, places: Mapping[Any, _Place]) -> _Place:
    """Behind a function of each number, of the units' own and of others that say the same to all units."""
    own = [each for each in node.all_input_nodes if each in places]
    rank = len(_shape(own[0]))
    if len({(places[each], len(_shape(each))) for each in own}) > 1:
        raise Lost(f"meets {name} with its own units elsewhere")
    for each in node.all_input_nodes:
        shape, back = _shape(each), rank - places[own[0]].axis
        if each not in places and (len(shape) > rank or len(shape) >= back and shape[-back] != 1):
            raise Lost(f"meets {name} with another layer's")
    return places[own[0]]


def _joined(node: Any, places: Mapping[Any, _Place]) -> _Place:
    """Behind a concatenation of arrays that all hold the same units, along another axis."""
    parts, axis = node.args[0], [*node.args[1:], *node.kwargs.values(), 0][0]
    if any(part not in places for part in parts) or len({places[part] for part in parts}) > 1:
        raise Lost("is joined with another layer's")
    at = places[parts[0]]
    if axis % len(_shape(parts[0])) == at.axis:
        raise Lost("is joined with itself")
    return at


def _axes(node: Any, rank: int) -> list[int]:
    """The axes that a function names, from the first on; all of them where it names none."""
    named = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
    if isinstance(named, int):
        return [named % rank]
    if isinstance(named, tuple | list) and all(isinstance(axis, int) for axis in named):
        return [axis % rank for axis in named] or list(range(rank))
    return list(range(rank))


def _shape(node: Any) -> tuple[int, ...]:
    """Of what a node gives; () for what is no array of its own."""
    told = getattr(node, "meta", {}).get("tensor_meta")
    return tuple(told.shape) if hasattr(told, "shape") else ()
