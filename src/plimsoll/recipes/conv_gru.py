"""conv_gru: the power of learned filters, and a gated recurrent layer that remembers along the stream (PyTorch), served as ONNX.

Cho and others 2014 (gated recurrent units). It learns on stretches of two to three seconds, each begun without a memory, so
that it cannot learn a protocol that changes every five.
"""

from __future__ import annotations

from typing import Any

from plimsoll import nets
from plimsoll.knobs import Knobs, Space

SPACE = Space(
    {
        "width": (64, 32, 128),  # of the memory; there are half as many filters
        "hop": (10, 5, 20),  # frames of a step
        "rate": (2e-3, 1e-3, 4e-3),
    },
    portfolio=({"augment": "turn"}, {"epochs": 16, "width": 128}, {"width": 32, "epochs": 4}),
    open=("width",),
)
_STUDENTS: tuple[Knobs, ...] = {"width": 16, "epochs": 16, "person": "alike"}, {"width": 16, "epochs": 16}
_FILTER = 9  # frames
_STEPS = 5  # over which a power is taken
_FLOOR = 1e-2


def make(channels: int, classes: int, knobs: Knobs) -> Any:
    """The module; its state is what filters and powers still need of the past, and the memory."""
    import torch
    from torch import nn

    width, hop_ = int(knobs["width"]), int(knobs["hop"])
    filters = max(1, width // 2)

    class ConvGru(nn.Module):  # type: ignore[misc]  # torch is Any to the type checker
        hop = hop_

        def __init__(self) -> None:
            super().__init__()
            self.filters = nn.Conv1d(channels, filters, _FILTER, bias=False)
            self.level = nn.BatchNorm1d(filters)
            self.mix = nn.Sequential(nn.Dropout(0.2), nn.Conv1d(filters, 2 * width, 1), nn.ReLU(), nn.Dropout(0.2))
            self.memory = nn.GRU(2 * width, width, batch_first=True)
            self.last = nn.Sequential(nn.Dropout(0.2), nn.Linear(width, classes))

        def initial_state(self, batch: int) -> tuple[Any, ...]:
            past = torch.zeros(batch, channels, _FILTER - 1)
            return past, torch.zeros(batch, filters, _STEPS - 1), torch.zeros(1, batch, width)

        def forward(self, frames: Any, state: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
            heard = torch.cat([state[0], frames], 2)
            power = nn.functional.avg_pool1d(self.filters(heard).square(), hop_)
            powers = torch.cat([state[1], power], 2)
            level = self.level(torch.log(nn.functional.avg_pool1d(powers, _STEPS, 1) + _FLOOR))
            told, memory = self.memory(self.mix(level).transpose(1, 2), state[2])
            return self.last(told), (heard[:, :, 1 - _FILTER :], powers[:, :, 1 - _STEPS :], memory)

    return ConvGru()


def work(channels: int, frames: float, knobs: Knobs) -> float:
    """Multiplications of so many frames."""
    width = float(knobs["width"])
    return frames * (width / 2 * (channels * _FILTER + 1) + 10 * width**2 / float(knobs["hop"]))


RECIPE = nets.recipe("conv_gru", make, SPACE, reach=None, work=work, students=_STUDENTS)
