"""spectral_lstm: covariances in bands of frequency, alike for a ring turned by a place, and a memory that is carried (PyTorch), served as ONNX.

How channels move together in each band, as logarithms of matrices, is told every 25 ms (multivariate power frequency features);
a layer hears them with the ring as it is and turned either way, and means what it then says; a long short-term memory
(Hochreiter and Schmidhuber 1997) goes along the stream.
"""

from __future__ import annotations

from typing import Any

from plimsoll import nets
from plimsoll.knobs import Knobs, Space

SPACE = Space(
    {
        "width": (64, 32, 128),  # of the memory; the layer before it has twice as many
        "rate": (2e-3, 1e-3, 4e-3),
    },
    portfolio=({"epochs": 16, "width": 128}, {"look": 0.1}, {"width": 32, "epochs": 4}),
    open=("width",),
)


def make(channels: int, classes: int, knobs: Knobs) -> Any:
    """The module, for features of shape (batch, features, steps); its state is the memory."""
    import torch
    from torch import nn

    from plimsoll.net_layers import Turned

    width = int(knobs["width"])

    class SpectralLstm(nn.Module):  # type: ignore[misc]  # torch is Any to the type checker
        hop = 1

        def __init__(self) -> None:
            super().__init__()
            layer = nn.Sequential(
                nn.Linear(channels, 2 * width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(2 * width, width)
            )
            self.heard = Turned(channels, layer)
            self.turns = self.heard.turns
            self.memory = nn.LSTM(width, width, batch_first=True)
            self.last = nn.Sequential(nn.Dropout(0.2), nn.Linear(width, classes))

        def initial_state(self, batch: int) -> tuple[Any, ...]:
            return torch.zeros(1, batch, width), torch.zeros(1, batch, width)

        def forward(self, features: Any, state: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
            told, memory = self.memory(torch.relu(self.heard(features.transpose(1, 2))), state)
            return self.last(told), memory

    return SpectralLstm()


def work(channels: int, frames: float, knobs: Knobs) -> float:
    """Multiplications of so many steps."""
    width = float(knobs["width"])
    return frames * (3 * (2 * width * channels + 2 * width**2) + 8 * width**2)


RECIPE = nets.recipe("spectral_lstm", make, SPACE, None, work, ({"width": 16, "epochs": 16},), front="covariances")
