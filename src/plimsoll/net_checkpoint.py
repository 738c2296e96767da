"""What a training leaves behind from time to time, so that it can go on where it was cut off: arrays and numbers, no pickle."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.clock import Clock

FILE = "net.safetensors"
_EVERY = 5.0  # seconds between two of them


@dataclass(frozen=True)
class Progress:
    """How far training has come: epochs done, the best of them with its weights, and how many since brought no gain."""

    epoch: int = 0
    best_epoch: int = 0
    loss: float = math.inf
    stale: int = 0
    told: tuple[tuple[float, float], ...] = ()
    best: Mapping[str, Any] = field(default_factory=dict)
    left: float = 0.0  # when one was last left, by a clock of its own

    def after(self, net: Any, loss: float, clock: Clock) -> Progress:
        """The same after one epoch more, with what it lacks on rows held apart; nan where there are none."""
        if math.isnan(loss):
            return replace(self, epoch=self.epoch + 1)
        clock.tell(loss)
        told = (*self.told, clock.told[-1])
        if loss >= self.loss * (1.0 - 1e-4):
            return replace(self, epoch=self.epoch + 1, stale=self.stale + 1, told=told)
        best = {name: part.detach().clone() for name, part in net.state_dict().items()}
        return replace(self, epoch=self.epoch + 1, best_epoch=self.epoch, loss=loss, stale=0, told=told, best=best)


def leave(folder: Path | None, net: Any, optimizer: Any, done: Progress) -> Progress:
    """Writes where training stands, all of it or nothing, if it has been a while; when it last did is noted."""
    if folder is None or time.monotonic() - done.left < _EVERY:
        return done
    from safetensors.numpy import save

    arrays = {f"net/{name}": part for name, part in net.state_dict().items()}
    arrays |= {f"best/{name}": part for name, part in done.best.items()}
    for place, state in optimizer.state_dict()["state"].items():
        arrays |= {f"optimizer/{place}/{name}": part for name, part in state.items()}
    said = {
        "epoch": done.epoch,
        "best_epoch": done.best_epoch,
        "loss": done.loss,
        "stale": done.stale,
        "told": done.told,
    }
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{FILE}"
    fresh.write_bytes(save({name: _array(part) for name, part in arrays.items()}, {"done": json.dumps(said)}))
    os.replace(fresh, folder / FILE)
    return replace(done, left=time.monotonic())


def resumed(folder: Path | None, net: Any, optimizer: Any) -> Progress:
    """Puts net and optimizer where a training left them; at the beginning where nothing, or nothing that fits, was left."""
    if folder is None or not (folder / FILE).exists():
        return Progress()
    import torch
    from safetensors import SafetensorError, safe_open

    before = {name: part.clone() for name, part in net.state_dict().items()}, optimizer.state_dict()
    try:
        with safe_open(folder / FILE, framework="np") as file:
            said = json.loads(file.metadata()["done"])
            arrays = {name: torch.from_numpy(np.array(file.get_tensor(name))) for name in file.keys()}  # noqa: SIM118
        net.load_state_dict(_under("net/", arrays))
        states: dict[int, dict[str, Any]] = {}
        for name, part in _under("optimizer/", arrays).items():
            place, _, key = name.partition("/")
            states.setdefault(int(place), {})[key] = part
        optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
        told = tuple((float(spent), float(loss)) for spent, loss in said["told"])
        numbers = int(said["epoch"]), int(said["best_epoch"]), float(said["loss"]), int(said["stale"])
        return Progress(*numbers, told, _under("best/", arrays))
    except (SafetensorError, OSError, ValueError, TypeError, LookupError, RuntimeError):
        net.load_state_dict(before[0])
        optimizer.load_state_dict(before[1])
        return Progress()


def _under(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): part for name, part in arrays.items() if name.startswith(prefix)}


def _array(part: Any) -> Any:
    return np.array(part.detach().cpu().numpy(), order="C")
