"""A net with fewer hidden units: those that matter least are cut out of its layers, and the whole teaches what is left.

How much a unit matters is how far it moves what hears it: its deviation over real frames times the norm of the weights that it is
heard with (in the manner of Sun and others 2024, of units in place of weights). Whole units leave smaller products, and so a
quicker graph; single weights would not (Li and others 2017). Teaching follows Hinton, Vinyals and Dean 2015.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from plimsoll import net_export, net_training, net_units
from plimsoll.clock import Clock
from plimsoll.errors import TrialError
from plimsoll.net_model import Torch
from plimsoll.net_training import Lessons, Plan
from plimsoll.net_units import Met, Units

Array = NDArray[Any]
SETTLED = "pruned_epochs"
WHOLE = 0.6  # of the clock: for training the whole
_AFTER = 0.5  # of the whole's epochs and of its rate: for training what is left


def taught(
    whole: Any, share: float, tried: Array, lessons: Lessons, valid: Lessons | None, plan: Plan, clock: Clock
) -> tuple[Any, int]:
    """The net without this share of its units, trained on by the whole; and how many epochs that took.

    ``plan.epochs`` are those that are allowed. Raises TrialError where nothing can be cut.
    """
    device = whole.middle.device
    left = pruned(whole.to("cpu").eval(), share, tried).to(device)
    own = None if plan.kept is None else plan.kept / "pruned"
    further = replace(plan, rate=plan.rate * _AFTER, kept=own, teacher=whole.to(device))
    return left, net_training.train(left, lessons, valid, further, clock)


def further(epochs: int) -> int:
    """Epochs that are allowed after so many of the whole.

    >>> further(16), further(1)
    (8, 1)
    """
    return max(1, round(_AFTER * epochs))


def pruned(net: Any, share: float, frames: Array) -> Any:
    """A copy of a net on the CPU without this share of the units of each layer, those that move least on real frames, shape
    (batch, frames, channels). The net itself stays as it is.

    A cut is believed where the net gives the same scores as one that hears nothing of the units: what is followed wrongly,
    or counted by a module itself, is left whole. Raises TrialError where nothing can be cut.
    """
    able, why = net_units.found(net.inner, _given(net, frames[:2]))
    net = copy.deepcopy(net)
    told = _moves(net, able, frames)
    done = False
    for units in able:
        matters = told[units.layer]
        many = max(1, round((1.0 - share) * units.many))
        kept = torch.sort(torch.topk(matters, many).indices).values
        smaller = _believed(net, units, kept, frames)
        done, net = done or smaller is not None, net if smaller is None else smaller
        why = (
            why
            if smaller is not None
            else f"without units of {units.layer} it answers otherwise than when they are silent"
        )
    if not done:
        raise TrialError(f"nothing can be cut out of it: {why}")
    return net


def _believed(net: Any, units: Units, kept: Tensor, frames: Array) -> Any | None:
    """The net without the units that are not kept; None where it is not the net in which nothing hears them."""
    silent, smaller = copy.deepcopy(net), copy.deepcopy(net)
    gone = torch.ones(units.many, dtype=torch.bool)
    gone[kept] = False
    for met in units.heard:
        for name in _weights(silent.inner.get_submodule(met.layer)):
            getattr(silent.inner.get_submodule(met.layer), name).data[:, _spread(gone.nonzero()[:, 0], met)] = 0.0
    try:
        _cut(smaller.inner, units, kept)
        apart = net_export.difference(Torch(smaller), Torch(silent), frames, net.hop)
    except (RuntimeError, ValueError, TypeError, IndexError, TrialError):
        return None
    return smaller if apart <= net_export.APART else None


def _moves(net: Any, able: Iterable[Units], frames: Array) -> dict[str, Tensor]:
    """How far each unit moves what hears it, by the layer that makes them; layers that hear them count alike."""
    found = {units.layer: torch.zeros(units.many) for units in able}
    hooks = []
    for units in able:
        for met in units.heard:
            layer = net.inner.get_submodule(met.layer)

            def hear(layer: Any, given: tuple[Any, ...], units: Units = units, met: Met = met) -> None:
                axis = 1 if isinstance(layer, nn.Conv1d) else given[0].ndim - 1
                spread = given[0].movedim(axis, 0).flatten(1).std(1, correction=0)
                norm = torch.stack([_norm(layer, name) for name in _weights(layer)]).square().sum(0)
                moved = (spread.square() * norm).unflatten(0, (units.many, met.each)).sum(1)
                found[units.layer] += moved / moved.sum().clamp_min(1e-12)

            hooks.append(layer.register_forward_pre_hook(hear))
    with torch.no_grad():
        net.eval()(torch.from_numpy(np.array(frames, dtype=np.float32)))
    for hook in hooks:
        hook.remove()
    return found


def _norm(layer: Any, name: str) -> Tensor:
    """The norm of the weights with which a layer hears each number."""
    return getattr(layer, name).detach().movedim(1, 0).flatten(1).norm(dim=1)


def _weights(layer: Any) -> list[str]:
    """The names of the weights of a layer on what it hears, each of shape (out, in, …)."""
    if isinstance(layer, nn.RNNBase):
        return [name for name, _ in layer.named_parameters() if name.startswith("weight_ih_l0")]
    return ["weight"]


def _spread(index: Tensor, met: Met) -> Tensor:
    """The numbers that stand for these units where a layer meets them."""
    return (index[:, None] * met.each + torch.arange(met.each)).flatten()


def _cut(inner: Any, units: Units, kept: Tensor) -> None:
    """Leaves a module with the kept units, where it stands."""
    maker = inner.get_submodule(units.layer)
    _take(maker, 0, kept, "weight", "bias")
    _count(maker, len(kept), "out_channels", "out_features")
    for met in units.beside:
        layer, index = inner.get_submodule(met.layer), _spread(kept, met)
        _take(layer, 0, index, "weight", "bias", "running_mean", "running_var")
        _count(layer, len(index), "num_features", "in_channels", "out_channels", "groups")
    for met in units.heard:
        layer, index = inner.get_submodule(met.layer), _spread(kept, met)
        _take(layer, 1, index, *_weights(layer))
        _count(layer, len(index), "in_channels", "in_features", "input_size")


def _take(layer: Any, axis: int, index: Tensor, *names: str) -> None:
    for name in names:
        part = getattr(layer, name, None)
        if part is not None:
            some = part.detach().index_select(axis, index).clone()
            setattr(layer, name, nn.Parameter(some) if isinstance(part, nn.Parameter) else some)


def _count(layer: Any, many: int, *names: str) -> None:
    for name in names:
        if hasattr(layer, name):
            setattr(layer, name, many)


def _given(net: Any, frames: Array) -> tuple[Any, ...]:
    """What a module is asked, of these frames."""
    heard = ((torch.from_numpy(np.array(frames, dtype=np.float32)) - net.middle) / net.spread).transpose(1, 2)
    return (heard, net.inner.initial_state(len(frames))) if net.carries else (heard,)
