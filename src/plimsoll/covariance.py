"""Log-covariances of windows of a signal: how strong each channel is and how channels move together, as one vector.

C = XᵀX / frames + floor · I, then the matrix logarithm, whose upper triangle with off-diagonals times √2 lies in a flat
space where distances mean what they should (Arsigny and others 2006; Barachant and others 2012).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_PART = 4_096  # windows at once


# Where the bands of a spectrum begin and end, in shares of half the sampling rate (2, 25, 45, 70 and 100 Hz at 200 Hz).
BANDS = (0.02, 0.25, 0.45, 0.7, 1.0)


def of(windows: Array, floor: float = 1.0) -> NDArray[np.float64]:
    """Features of windows, shape (windows, frames, channels): shape (windows, channels · (channels + 1) / 2).

    >>> of(np.zeros((1, 4, 2))).tolist()
    [[0.0, 0.0, 0.0]]
    """
    return _in_parts(_logs, windows, floor)


def _in_parts(told: Callable[[Array, float], Array], windows: Array, floor: float) -> NDArray[np.float64]:
    return np.concatenate([told(windows[k : k + _PART], floor) for k in range(0, max(1, len(windows)), _PART)])


def _logs(windows: Array, floor: float) -> NDArray[np.float64]:
    x = windows.astype(np.float64)
    return _logarithms(np.matmul(x.transpose(0, 2, 1), x) / x.shape[1], floor)


def _logarithms(covariances: Array, floor: float) -> NDArray[np.float64]:
    channels = covariances.shape[-1]
    values, vectors = np.linalg.eigh(covariances + floor * np.eye(channels))
    logs = np.matmul(vectors * np.log(values)[:, None, :], vectors.transpose(0, 2, 1))
    kept, times = _upper(channels)
    return np.asarray(logs.reshape(-1, channels * channels).take(kept, axis=1) * times)


@lru_cache(maxsize=16)
def _upper(channels: int) -> tuple[Array, Array]:
    """Where the upper triangle lies in a flattened matrix, and what its figures are multiplied by."""
    rows, columns = np.triu_indices(channels)
    return rows * channels + columns, np.where(rows == columns, 1.0, np.sqrt(2.0))


def banded(
    windows: Array, floor: float = 0.3, edges: Sequence[float] = BANDS, piece: int | None = None
) -> NDArray[np.float64]:
    """The same in each band of the spectrum, one after another: shape (windows, bands · channels · (channels + 1) / 2).

    The real part of the cross-spectrum of a window with soft edges (Hann), summed over the bins of a band; or, where a
    ``piece`` of so many frames is named, the mean over pieces of the window that overlap by three quarters (Welch 1967).

    >>> banded(np.zeros((1, 40, 2)), floor=1.0).shape, banded(np.zeros((1, 40, 2)), 1.0, (0.0, 0.5, 1.0), 16).shape
    ((1, 12), (1, 6))
    """
    return _in_parts(partial(_bands, edges=edges, piece=piece), windows, floor)


def _bands(windows: Array, floor: float, edges: Sequence[float], piece: int | None) -> NDArray[np.float64]:
    pieces = _pieces(windows.astype(np.float64), piece)
    (rows, many, frames, channels), soft = pieces.shape, np.hanning(pieces.shape[2] + 2)[1:-1]
    spectrum = np.fft.rfft(pieces * (soft / np.linalg.norm(soft))[:, None], axis=2)
    at = np.fft.rfftfreq(frames) * 2
    found = []
    for low, high in itertools.pairwise(edges):
        bins = spectrum[:, :, (at >= low) & ((at < high) | (high == 1.0))].reshape(rows, -1, channels)
        crossed = np.matmul(bins.conj().transpose(0, 2, 1), bins).real * (2.0 / (frames * many))
        found.append(_logarithms(crossed, floor))
    return np.concatenate(found, axis=1)


def _pieces(windows: Array, piece: int | None) -> Array:
    """Shape (windows, pieces, frames, channels); whole windows where no length is named."""
    if piece is None or piece >= windows.shape[1]:
        return windows[:, None]
    begins = np.arange(0, windows.shape[1] - piece + 1, max(1, piece // 4))
    return windows[:, begins[:, None] + np.arange(piece)]


def banded_places(order: NDArray[np.intp], bands: int = len(BANDS) - 1) -> NDArray[np.intp]:
    """``places`` for ``banded``."""
    once = places(order)
    return (np.arange(bands)[:, None] * len(once) + once).ravel()


def places(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each feature is found once the channels stand in this order: ``of(windows)[:, places(order)]`` is
    ``of(windows[:, :, order])``.

    >>> places(np.array([1, 0])).tolist()
    [2, 1, 0]
    """
    rows, columns = np.triu_indices(len(order))
    table = np.zeros((len(order), len(order)), dtype=np.intp)
    table[rows, columns] = table[columns, rows] = np.arange(len(rows))
    return np.asarray(table[order[rows], order[columns]])
