"""Windows of a signal as they might also have been: stronger or weaker, a channel lost, electrodes turned around the wrist.

What is changed is named: a turn moves channels along the axes of the layout that close in a ring, and leaves the course of
each in time as it was. Nothing here touches time.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.ring import by_axes
from plimsoll.schema import Layout

Array = NDArray[Any]
KINDS = (
    "level",
    "turn",
    "none",
)  # the default first; "turn" does what "level" does as well, and no more without a ring
STEPS = 1  # that electrodes are turned at most, either way
_WHOLE, _EACH = 0.15, 0.1  # spread of the logs of the levels of a window, and of its channels
_LOST = 0.1  # share of the windows that lose a channel


def turns(layout: Layout, steps: int = STEPS) -> NDArray[np.int64]:
    """Which channel stands at each place when the rings are turned, shape (turns, channels); the first turns nothing.

    >>> from plimsoll.schema import Axis
    >>> turns(Layout(200.0, tuple("abcd"), (Axis("electrode", 4, ring=True),))).tolist()
    [[0, 1, 2, 3], [3, 0, 1, 2], [1, 2, 3, 0]]
    >>> turns(Layout(200.0, tuple("abcd"), (Axis("row", 2), Axis("electrode", 2, ring=True)))).tolist()
    [[0, 1, 2, 3], [1, 0, 3, 2], [1, 0, 3, 2]]
    """
    shaped = by_axes(layout)
    ways = sorted(range(-steps, steps + 1), key=lambda step: (abs(step), -step))
    found = [np.roll(shaped, turn, rings(layout)) for turn in itertools.product(ways, repeat=len(rings(layout)))]
    return np.stack(found).reshape(len(found), -1)


def rings(layout: Layout) -> tuple[int, ...]:
    """The axes of a layout that close."""
    return tuple(place for place, axis in enumerate(layout.axes) if axis.ring)


def augmented(windows: Any, middle: Any, kind: str, turned: Any, random: np.random.Generator) -> Any:
    """A tensor of windows, shape (windows, frames, channels), each changed by chance.

    ``middle`` is the mean of each channel, about which levels change; ``turned`` is what ``turns`` gives, as a tensor.
    """
    if kind == "none":
        return windows
    many, frames, channels = windows.shape
    if kind == "turn" and len(turned) > 1:
        order = turned[_beside(windows, random.integers(0, len(turned), many))]
        windows = windows.gather(2, order[:, None, :].expand(-1, frames, -1))
    level = np.exp(_WHOLE * random.standard_normal((many, 1)) + _EACH * random.standard_normal((many, channels)))
    if channels > 1:
        lost = np.flatnonzero(random.random(many) < _LOST)
        level[lost, random.integers(0, channels, len(lost))] = 0.0
    return (windows - middle) * _beside(windows, level.astype(np.float32))[:, None, :] + middle


def _beside(windows: Any, array: Array) -> Any:
    """An array as a tensor where the windows are."""
    import torch

    return torch.from_numpy(array).to(windows.device)
