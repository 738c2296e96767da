"""conv: filters along time over all channels of the last window, how strong each is, and two layers (PyTorch), served as ONNX.

The square of a filter's output, its mean over the window and then the logarithm: the power of a band of frequencies in a mix
of channels, both learned (Schirrmeister and others 2017).
"""

from __future__ import annotations

from typing import Any

from plimsoll import nets
from plimsoll.knobs import Knobs, Space

SPACE = Space(
    {
        "width": (64, 32, 128),
        "filter": (9, 5, 17),
    },  # filters, and the frames of each; the layer after them has twice as many
    portfolio=({"augment": "turn"}, {"epochs": 16, "width": 128}, {"window": 0.4}, {"width": 32, "epochs": 4}),
    open=("width",),
)
_FLOOR = 1e-2  # of a power: a filter that hears nothing says so once, and not how little


def make(channels: int, classes: int, knobs: Knobs) -> Any:
    """The module, for frames of shape (batch, channels, frames)."""
    import torch
    from torch import nn

    width, frames = int(knobs["width"]), int(knobs["filter"])

    class Conv(nn.Module):  # type: ignore[misc]  # torch is Any to the type checker
        def __init__(self) -> None:
            super().__init__()
            self.past = nn.ConstantPad1d((frames - 1, 0), 0.0)
            self.filters = nn.Conv1d(channels, width, frames, bias=False)
            self.level = nn.BatchNorm1d(width)
            self.layers = nn.Sequential(
                nn.Dropout(0.2), nn.Linear(width, 2 * width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(2 * width, classes)
            )

        def forward(self, heard: Any) -> Any:
            power = self.filters(self.past(heard)).square().mean(2)
            return self.layers(self.level(torch.log(power + _FLOOR)))

    return Conv()


def work(channels: int, frames: float, knobs: Knobs) -> float:
    """Multiplications of one window."""
    width = float(knobs["width"])
    return frames * width * (channels * float(knobs["filter"]) + 1) + 2 * width**2


RECIPE = nets.recipe(
    "conv",
    make,
    SPACE,
    work=work,
    students=({"width": 16, "epochs": 16, "person": "alike"}, {"width": 16, "epochs": 16}, {"width": 32, "epochs": 16}),
)
