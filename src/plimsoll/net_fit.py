"""A net fitted: its module made and held to its contract, trained, written as a graph, and loaded as it will be served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll import (
    net_augment,
    net_export,
    net_model,
    net_quantised,
    net_training,
)
from plimsoll.clock import Clock
from plimsoll.errors import BundleError, TrialError
from plimsoll.fronts import PLAIN, Front
from plimsoll.job import Job
from plimsoll.knobs import Knobs
from plimsoll.net_model import SAID, WEIGHTS, Looking, Remembering, Said
from plimsoll.net_quantised import NUMBERS
from plimsoll.net_ready import PLAINLY, Frames, Make, Ready, Way, prepared, wrapped
from plimsoll.recipe import Fold, Members
from plimsoll.schema import Kind, Schema

Array = NDArray[Any]


def fitted(
    make: Make,
    carries: bool,
    frames: Frames,
    job: Job,
    schema: Schema,
    fold: Fold,
    knobs: Knobs,
    clock: Clock,
    way: Way = PLAINLY,
) -> Looking | Remembering:
    """The trained net of these rows, as it is served. Raises TrialError where the module does not keep to its contract."""
    with net_training.quiet(job.seed) as torch:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        made = prepared(make, carries, frames, job, schema, fold, knobs, clock, device, way)
        made, settled = _trained(made, knobs, clock)
        made.net.to("cpu").eval()
        return _served(made, job, schema, knobs, {} if made.valid is None else settled)


def _trained(made: Ready, knobs: Knobs, clock: Clock) -> tuple[Ready, Knobs]:
    """With the net trained, and where fewer of its hidden units are asked for, cut and taught by the whole; and the epochs."""
    share = float(knobs.get("pruned", 0.0))
    if not share:
        return made, {"epochs": net_training.train(made.net, made.lessons, made.valid, made.plan, clock)}
    from plimsoll import net_pruned

    whole, plan = Clock(clock.left * net_pruned.WHOLE), made.plan
    epochs = net_training.train(made.net, made.lessons, made.valid, plan, whole)
    after = replace(plan, epochs=int(knobs.get(net_pruned.SETTLED, net_pruned.further(plan.epochs))))
    net, more = net_pruned.taught(made.net, share, made.tried, made.lessons, made.valid, after, clock)
    return replace(made, net=net), {"epochs": epochs, net_pruned.SETTLED: more}


def _served(made: Ready, job: Job, schema: Schema, knobs: Knobs, settled: Knobs) -> Looking | Remembering:
    """The net as a graph, or where it will not be written as one, through PyTorch, and then that is said."""
    net, people = made.net, list(made.people)
    front = made.front if isinstance(made.front, Front) else None
    graph, why = net_export.exported(net, made.tried)
    if graph is not None:
        said, begun = Said(made.frames, net.carries, people, front=front), net_model.Torch(net).state()
        graph, note = _in(str(knobs.get("numbers", NUMBERS[0])), graph, made.tried, begun, net.hop)
        members = net_model.members(graph, said, begun)
        return net_model.made(net_model.Onnx(graph, begun), job, schema, said, members, settled, note)
    if knobs.get("pruned"):
        raise TrialError(
            f"with fewer hidden units it would have to be served as a graph, and it will not be one: {why}"
        )
    own = {name: value for name, value in knobs.items() if isinstance(value, int | float | str | bool)}
    said = Said(made.frames, net.carries, people, own, front)
    left = {WEIGHTS: _saved(net), SAID: msgspec.json.encode(said, order="sorted")}
    note = f"served through PyTorch, which serving it then needs beside the recipe's file: {why}"
    return net_model.made(net_model.Torch(net), job, schema, said, left, settled, note)


def _in(numbers: str, graph: bytes, tried: Array, begun: tuple[Array, ...], hop: int) -> tuple[bytes, str]:
    """The graph in these numbers, and nothing; or as it was, and why."""
    if numbers == NUMBERS[0]:
        return graph, ""
    try:
        return net_quantised.quantised(graph, numbers, tried, begun, hop), ""
    except (ValueError, BundleError) as fault:
        return graph, f"stays in {NUMBERS[0]}, for it cannot be written in {numbers}: {fault}"


def _saved(net: Any) -> bytes:
    """The weights of the module and its scale, as safetensors."""
    from safetensors.numpy import save

    return save({name: np.array(part.cpu().numpy(), order="C") for name, part in net.state_dict().items()})


def revived(
    make: Make, allowed: Callable[[Said], Knobs], job: Job, schema: Schema, members: Members
) -> Looking | Remembering:
    """The net that ``fitted`` left to PyTorch. Raises ValueError where the members are not those of this module."""
    import torch
    from safetensors.numpy import load

    said = msgspec.json.decode(members[SAID], type=Said)
    layout = schema[schema.of(Kind.SIGNAL)[0]].layout
    assert layout is not None
    front = said.front.checked(len(layout.channels)) if said.front is not None else PLAIN
    orders, layout = front.places(net_augment.turns(layout)), front.layout(layout)
    arrays = {name: torch.from_numpy(np.array(part)) for name, part in load(members[WEIGHTS]).items()}
    with net_training.quiet(job.seed):
        scale = arrays["middle"], arrays["spread"]
        net = wrapped(make, layout, schema, allowed(said), *scale, len(said.people), orders)
        try:
            net.load_state_dict(arrays)
        except RuntimeError as fault:
            raise ValueError(f"the weights are not those of this module: {fault}") from None
        if net.carries is not said.carries:
            raise ValueError("the module and its members do not agree on whether it remembers")
        return net_model.made(net_model.Torch(net), job, schema, said, members)
