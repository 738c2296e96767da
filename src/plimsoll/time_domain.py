"""Time-domain features of windows of a signal, as decoders of muscles have used them since Hudgins and others (1993).

Of each channel: how strong it is (mean absolute value, and the logarithm of its power), how long the line is that it draws,
and how often it changes sign and direction, where the change is larger than the noise of the sensor's last digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FIGURES = 5  # of each channel
NOISE = 2.0  # in the samples' unit: counts of an 8-bit sensor


def of(windows: Array, noise: float = NOISE) -> NDArray[np.float64]:
    """Features of windows, shape (windows, frames, channels): shape (windows, 5 · channels), figure by figure.

    In order: log(1 + mean absolute value), log(1 + mean step), the share of steps over zero, the share of turns, and
    log(1 + power). A window of one frame takes no steps.

    >>> of(np.array([[[3.0], [-3.0], [3.0], [-3.0]]])).round(2).tolist()
    [[1.39, 1.95, 1.0, 1.0, 2.3]]
    """
    x = np.asarray(windows, dtype=np.float64)
    many, frames, channels = x.shape
    found = np.zeros((many, FIGURES, channels))
    size = np.abs(x)
    found[:, 0] = np.log1p(size.sum(axis=1) / frames)
    if frames > 2:
        step = x[:, 1:] - x[:, :-1]
        far = np.abs(step)
        large = far > noise
        found[:, 1] = np.log1p(far.sum(axis=1) / (frames - 1))
        found[:, 2] = _share((x[:, 1:] * x[:, :-1] < 0) & large)
        found[:, 3] = _share((step[:, 1:] * step[:, :-1] < 0) & (large[:, 1:] | large[:, :-1]))
    found[:, 4] = np.log1p(np.einsum("nfc,nfc->nc", x, x) / frames)
    return found.reshape(many, FIGURES * channels)


def _share(happened: Array) -> Array:
    return np.asarray(happened.sum(axis=1) / happened.shape[1])


def places(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each feature is found once the channels stand in this order: ``of(windows)[:, places(order)]`` is
    ``of(windows[:, :, order])``.

    >>> places(np.array([1, 0])).tolist()
    [1, 0, 3, 2, 5, 4, 7, 6, 9, 8]
    """
    return (np.arange(FIGURES)[:, None] * len(order) + order).ravel()
