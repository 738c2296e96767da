"""Hidden units of somebody's module: which layers make them, and which hear them, followed through the module's own graph.

The graph is what torch.fx traces (Reed and others 2022), with layers as they are. A unit is followed through what treats each unit
alike; where it meets anything else, the layer that makes it is left whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from plimsoll.net_axes import Lost, Place, after, reshaped, sizes

_HEARS = {nn.Conv1d: 1, nn.Linear: -1, nn.GRU: -1, nn.LSTM: -1, nn.RNN: -1}  # the axis that a layer mixes
_MAKES = {nn.Conv1d: 1, nn.Linear: -1}  # the axis that its units lie on
_EACH = {  # layers that do the same to every number
    *(
        nn.Identity,
        nn.Dropout,
        nn.Dropout1d,
        nn.AlphaDropout,
        nn.ReLU,
        nn.ReLU6,
        nn.LeakyReLU,
        nn.ELU,
        nn.SELU,
        nn.CELU,
    ),
    *(nn.GELU, nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid, nn.LogSigmoid, nn.Softplus, nn.Softsign, nn.Hardtanh),
    *(nn.Hardswish, nn.Hardsigmoid),
}
_ALONG = {  # layers that work along the last axis
    *(nn.AvgPool1d, nn.MaxPool1d, nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d, nn.LPPool1d),
    *(nn.ConstantPad1d, nn.ZeroPad1d, nn.ReflectionPad1d, nn.ReplicationPad1d, nn.CircularPad1d),
}


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
    places = {maker: Place(_MAKES[type(layer)] % len(sizes(maker)))}
    beside: list[Met] = []
    heard: list[Met] = []
    for node in graph.nodes:  # in the order in which they are computed
        if not any(each in places for each in node.all_input_nodes):
            continue
        if node.op == "call_module":
            at = _at(node, places)
            kind = _meets(layers[node.target], at, len(sizes(node.args[0])))
            if kind:
                _own(node, graph, layers)
                (heard if kind == "hears" else beside).append(Met(node.target, at.each))
            if kind != "hears":
                places[node] = at if kind else _through(layers[node.target], node, at)
        elif (behind := after(node, places)) is not None:
            places[node] = behind
    if not heard:
        raise Lost("is heard by no layer")
    return Units(maker.target, many, tuple(beside), tuple(heard))


def _own(node: Any, graph: Any, layers: Mapping[str, Any]) -> None:
    """Raises Lost where a layer is asked more than once, or its weights are used elsewhere."""
    layer, names = layers[node.target], [name for name, each in layers.items() if each is layers[node.target]]
    calls = [each for each in graph.nodes if each.op == "call_module" and layers[each.target] is layer]
    read = [each for each in graph.nodes if each.op == "get_attr" and str(each.target).rpartition(".")[0] in names]
    own = {id(part) for part in layer.parameters()}
    shared = [
        each
        for each in layers.values()
        if each is not layer
        for part in each.parameters(recurse=False)
        if id(part) in own
    ]
    if len(calls) > 1 or read or shared or _odd(layer):
        raise Lost(f"meets {node.target}, which is used more than once or computes its weights")


def _at(node: Any, places: Mapping[Any, Place]) -> Place:
    """Where the units lie in what a layer is asked, if that is all that it hears of them."""
    if [each for each in node.all_input_nodes if each in places] != [node.args[0]]:
        raise Lost(f"is a state of {node.target}")
    return places[node.args[0]]


def _meets(layer: Any, at: Place, rank: int) -> str:
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


def _through(layer: Any, node: Any, at: Place) -> Place:
    """Where the units lie behind a layer that has nothing of each of them. Raises Lost."""
    kind, rank = type(layer), len(sizes(node.args[0]))
    if kind in _EACH or ((kind in _ALONG or kind is nn.Linear) and at.axis < rank - 1):
        return at
    if kind is nn.Flatten:
        return reshaped(node, at)
    raise Lost(f"meets {node.target} ({kind.__name__})")
