"""tds_ctc: sequences, by time-depth separable convolutions over a log spectrogram, trained by CTC with rest as the blank (PyTorch), served as ONNX.

Hannun and others 2019 (the blocks, here looking back only, each with its last frames carried); Graves and others 2006 (the
loss). Each symbol is said once, at some moment while it lasts or shortly after, and rest at all others: read it with ``ctc``.
"""

from __future__ import annotations

from typing import Any

from plimsoll import nets
from plimsoll.knobs import Knobs, Space

SPACE = Space(
    {
        "groups": (8, 4, 16),  # of places, each with a convolution along time to all of the others
        "depth": (16, 8, 32),  # places of a group
        "blocks": (3, 2, 4),
        "filter": (12, 8, 20),  # steps that the convolution of each block is long
        "hop": (2, 1),  # frames of the spectrogram that make a step
        "epochs": (16, 8, 32),
        "rate": (2e-3, 1e-3, 4e-3),
    },
    portfolio=({"groups": 16}, {"blocks": 4, "filter": 8}, {"groups": 4, "depth": 8}),
    open=("groups",),
)


def make(channels: int, classes: int, knobs: Knobs) -> Any:
    """The module, for features of shape (batch, features, frames); its state is the last steps before each block."""
    import torch
    from torch import nn

    from plimsoll.net_layers import TimeDepth, Turned

    groups, depth = int(knobs["groups"]), int(knobs["depth"])
    frames, hop_ = int(knobs["filter"]), int(knobs["hop"])

    class TdsCtc(nn.Module):  # type: ignore[misc]  # torch is Any to the type checker
        hop = hop_

        def __init__(self) -> None:
            super().__init__()
            self.heard = Turned(channels, nn.Sequential(nn.Linear(channels, groups * depth), nn.ReLU()))
            self.turns = self.heard.turns
            self.steps = nn.Conv1d(groups * depth, groups * depth, hop_, hop_)
            self.norm = nn.LayerNorm(groups * depth)
            self.blocks = nn.ModuleList([TimeDepth(groups, depth, frames) for _ in range(int(knobs["blocks"]))])
            self.last = nn.Linear(groups * depth, classes)

        def initial_state(self, batch: int) -> tuple[Any, ...]:
            return tuple(block.past(batch) for block in self.blocks)

        def forward(self, features: Any, state: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
            heard = torch.relu(self.steps(self.heard(features.transpose(1, 2)).transpose(1, 2)))
            told, after = self.norm(heard.transpose(1, 2)).transpose(1, 2), []
            for block, past in zip(self.blocks, state, strict=True):
                told, left = block(told, past)
                after.append(left)
            return self.last(told.transpose(1, 2)), tuple(after)

    return TdsCtc()


def work(channels: int, frames: float, knobs: Knobs) -> float:
    """Multiplications of so many frames."""
    groups, width = float(knobs["groups"]), float(knobs["groups"]) * float(knobs["depth"])
    block = width * groups * float(knobs["filter"]) + 2 * width**2
    return frames * (3 * channels * width + width**2 + float(knobs["blocks"]) * block / float(knobs["hop"]))


RECIPE = nets.recipe("tds_ctc", make, SPACE, None, work, front="spectrogram", loss="ctc")
