"""What a window of a signal is told by, by name: its features, and where they are found once its channels change places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import covariance, time_domain
from plimsoll.rows import Signals

Array = NDArray[Any]
Index = NDArray[np.intp]
_PART = 4_096  # windows at once


@dataclass(frozen=True)
class Features:
    """``of`` takes windows, shape (windows, frames, channels), and gives (windows, features). ``places`` takes an order of the
    channels: ``of(windows)[:, places(order)]`` is ``of(windows[:, :, order])``."""

    of: Callable[[Array], Array]
    places: Callable[[Index], Index]

    def last(self, signals: Signals, frames: int) -> NDArray[np.float64]:
        """Features of the last frames of each row, shape (rows, features)."""
        parts = [range(k, min(k + _PART, len(signals))) for k in range(0, max(1, len(signals)), _PART)]
        return np.concatenate([self.of(signals.take(np.array(part, dtype=np.intp)).last(frames)) for part in parts])

    def one(self, cell: Array, frames: int) -> NDArray[np.float64]:
        """Features of the last frames of one cell, shape (frames, channels): as ``last`` gives them."""
        if len(cell) >= frames:
            return np.asarray(self.of(cell[None, len(cell) - frames :])[0])
        return np.asarray(self.last(Signals.of([cell], cell.shape[1]), frames)[0])


def _together(parts: Sequence[Features]) -> Features:
    def of(windows: Array) -> Array:
        return np.concatenate([part.of(windows) for part in parts], axis=1)

    def places(order: Index) -> Index:
        found = [part.places(order) for part in parts]
        before = np.cumsum([0, *(len(each) for each in found[:-1])])
        return np.concatenate([each + begin for each, begin in zip(found, before, strict=True)])

    return Features(of, places)


_COVARIANCE = Features(covariance.of, covariance.places)
_TIME = Features(time_domain.of, time_domain.places)
FEATURES: dict[str, Features] = {
    "covariance": _COVARIANCE,
    "bands": Features(covariance.banded, covariance.banded_places),
    "time": _TIME,
    "both": _together((_COVARIANCE, _TIME)),
}
