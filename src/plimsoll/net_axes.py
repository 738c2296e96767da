"""An axis of an array followed through functions that treat all that lies along it alike: where it lies behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

# Functions, and methods of a tensor, by name: on every number alike; along the last axis; along the axes that they name.
_EVERY = frozenset(
    [
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "mish",
        "tanh",
        "sigmoid",
        "logsigmoid",
        "softplus",
        "softsign",
        "hardtanh",
        "hardswish",
        "hardsigmoid",
        "dropout",
        "alpha_dropout",
        "square",
        "sqrt",
        "rsqrt",
        "abs",
        "log",
        "log1p",
        "log2",
        "log10",
        "exp",
        "expm1",
        "neg",
        "pow",
        "clamp",
        "clamp_min",
        "clamp_max",
        "clip",
        "float",
        "contiguous",
        "clone",
        "reciprocal",
        "sign",
        "sin",
        "cos",
        "erf",
        "nan_to_num",
        "add",
        "sub",
        "mul",
        "div",
        "truediv",
        "iadd",
        "isub",
        "imul",
        "itruediv",
        "maximum",
        "minimum",
    ]
)
_LAST = frozenset(["avg_pool1d", "max_pool1d", "adaptive_avg_pool1d", "adaptive_max_pool1d", "lp_pool1d"])
_NAMED = frozenset(
    ["mean", "sum", "amax", "amin", "std", "var", "logsumexp", "softmax", "log_softmax", "cumsum", "unfold"]
)


class Lost(Exception):
    """Units met something that they cannot be followed through."""


@dataclass(frozen=True)
class Place:
    """Where units lie in an array: the axis, and how many numbers in a row are of one unit."""

    axis: int
    each: int = 1


def after(node: Any, places: Mapping[Any, Place]) -> Place | None:
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
    at, shape = places[source], sizes(source)
    if name in ("size", "getattr"):
        _not_counted(node, name, at, len(shape))
        return None
    if name in _LAST or name == "pad":
        last = len(node.args[1]) // 2 if name == "pad" else 1
        named = list(range(len(shape) - last, len(shape)))
    elif name in _NAMED:
        named = _axes(node, len(shape))
    else:
        return _moved(node, name, at, len(shape))
    if at.axis in named:
        raise Lost(f"meets {name}, which mixes it")
    gone = len(shape) > len(sizes(node))
    return replace(at, axis=at.axis - sum(axis < at.axis for axis in named) if gone else at.axis)


def _moved(node: Any, name: str, at: Place, rank: int) -> Place:
    """Where the units lie when axes are put in another order, or numbers of an array are picked."""
    rest = [*node.args[1:], *node.kwargs.values()]
    if name in ("flatten", "reshape", "view"):
        return reshaped(node, at)
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
        if name == "squeeze" and len(sizes(node)) == rank:
            return at
        order.insert(axis, -1) if name == "unsqueeze" else order.pop(axis)
    else:
        raise Lost(f"meets {name}")
    if at.axis not in order:
        raise Lost(f"meets {name}, which drops it")
    return replace(at, axis=order.index(at.axis))


def reshaped(node: Any, at: Place) -> Place:
    """Behind a new shape that leaves the axis as it is, or joins it with all that come after it."""
    old, new = sizes(node.args[0]), sizes(node)
    if new[: at.axis + 1] == old[: at.axis + 1]:
        return at
    if new == (*old[: at.axis], prod(old[at.axis :])):
        return replace(at, each=at.each * prod(old[at.axis + 1 :]))
    raise Lost("is given another shape")


def _picked(index: Any, at: Place, rank: int) -> Place:
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


def _not_counted(node: Any, name: str, at: Place, rank: int) -> None:
    """A shape may be asked for, so long as how many units there are is not."""
    if name == "getattr" and node.args[1] != "shape":
        raise Lost(f"meets {node.args[1]}")
    taken = [node.args[1]] if name == "size" and len(node.args) > 1 else [each.args[-1] for each in node.users]
    if any(not isinstance(each, int) or each % rank == at.axis for each in taken):
        raise Lost("is counted")


def _alike(node: Any, name: str, places: Mapping[Any, Place]) -> Place:
    """Behind a function of each number, of the units' own and of others that say the same to all units."""
    own = [each for each in node.all_input_nodes if each in places]
    rank = len(sizes(own[0]))
    if len({(places[each], len(sizes(each))) for each in own}) > 1:
        raise Lost(f"meets {name} with its own units elsewhere")
    for each in node.all_input_nodes:
        shape, back = sizes(each), rank - places[own[0]].axis
        if each not in places and (len(shape) > rank or (len(shape) >= back and shape[-back] != 1)):
            raise Lost(f"meets {name} with another layer's")
    return places[own[0]]


def _joined(node: Any, places: Mapping[Any, Place]) -> Place:
    """Behind a concatenation of arrays that all hold the same units, along another axis."""
    parts, axis = node.args[0], [*node.args[1:], *node.kwargs.values(), 0][0]
    if any(part not in places for part in parts) or len({places[part] for part in parts}) > 1:
        raise Lost("is joined with another layer's")
    at = places[parts[0]]
    if axis % len(sizes(parts[0])) == at.axis:
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


def sizes(node: Any) -> tuple[int, ...]:
    """Of what a node gives; () for what is no array of its own."""
    told: Any = getattr(node, "meta", {}).get("tensor_meta")
    return tuple(told.shape) if hasattr(told, "shape") else ()
