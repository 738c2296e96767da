"""Layers that several nets of the house are made of. Imported where PyTorch is at hand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Turned(nn.Module):  # type: ignore[misc]  # torch is Any to the type checker
    """What a layer says of frames, on average over a ring of sensors that stands as it does and turned by a place either way.

    The layer has the same weights for each, so a band that is worn a place further says nearly the same. Until ``turns`` has
    said how the ring turns, and where there is none, it is the layer alone. Takes (…, channels), and gives what the layer gives.
    """

    orders: Tensor

    def __init__(self, channels: int, layer: Any) -> None:
        super().__init__()
        self.layer = layer
        self.register_buffer("orders", torch.arange(channels)[None])

    def turns(self, orders: Tensor) -> None:
        """``orders``, shape (turns, channels): which channel stands at each place; the first as they are."""
        self.orders = orders

    def forward(self, frames: Tensor) -> Tensor:
        told = [self.layer(frames)] + [self.layer(frames[..., order]) for order in self.orders[1:]]
        return sum(told[1:], told[0]) / len(told)


class TimeDepth(nn.Module):  # type: ignore[misc]
    """A block of a time-depth separable convolution (Hannun and others 2019), which looks back only.

    A convolution along time that mixes ``groups``, the same at each of the ``depth`` places of a group, and then two layers
    over all of them at each step; a sum with what came in and a norm after each. Takes (batch, groups · depth, steps) and the
    ``past``, the steps before them, shape (batch, groups · depth, frames - 1); gives the same shape, and the past to go on with.
    """

    def __init__(self, groups: int, depth: int, frames: int, loss: float = 0.1) -> None:
        super().__init__()
        self.groups, self.depth, self.frames = groups, depth, frames
        width = groups * depth
        self.along = nn.Conv2d(groups, groups, (1, frames))
        self.across = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(loss), nn.Linear(width, width))
        self.lost = nn.Dropout(loss)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])

    def past(self, batch: int) -> Tensor:
        """What stands before the first step."""
        return torch.zeros(batch, self.groups * self.depth, self.frames - 1)

    def forward(self, heard: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        whole = torch.cat([past, heard], 2)
        along = torch.relu(self.along(whole.unflatten(1, (self.groups, self.depth)))).flatten(1, 2)
        steps = self.norms[0]((heard + self.lost(along)).transpose(1, 2))
        steps = self.norms[1](steps + self.lost(self.across(steps)))
        return steps.transpose(1, 2), whole[:, :, 1 - self.frames :]
