"""Content: items that are like those of the history in what is known of them, so that an item nobody took yet can be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.fading import Fading
from plimsoll.scorer import Explaining, floats, scalar, taken

Array = NDArray[Any]


@dataclass(frozen=True)
class Content(Explaining):
    """What is known of items, shape (many, features), rows of length one or zero: a score is a sum of cosines.

    >>> model = of_features(np.array([[2.0, 0.0], [0.0, 5.0], [3.0, 4.0]]), alpha=0.5)
    >>> model.score_one(np.array([1, 0])).tolist() == [1.0, 0.5, np.float32(1.0)]
    True
    """

    features: NDArray[np.float32]
    alpha: float  # how a history fades, an event

    def __post_init__(self) -> None:
        object.__setattr__(self, "_fading", Fading(self.alpha))

    @property
    def many(self) -> int:
        return len(self.features)

    def score_one(self, items: Array, weights: Array | None = None) -> NDArray[np.float32]:
        events, spoken = self._fading.of(items, weights)  # type: ignore[attr-defined]  # set once, in __post_init__
        return np.asarray(self.features @ (spoken @ self.features[events]))

    def because(self, items: Array, item: int, weights: Array | None = None) -> NDArray[np.float32]:
        events, spoken = self._fading.of(items, weights)  # type: ignore[attr-defined]
        found = np.zeros(len(items), dtype=np.float32)
        found[len(items) - len(events) :] = spoken * (self.features[events] @ self.features[item])
        return found

    def arrays(self) -> dict[str, Array]:
        return {"features": self.features, "alpha": np.array(self.alpha)}


def of_features(features: Array, alpha: float = 0.8) -> Content:
    """The model of features of any scale, shape (many, features), such as a column for each genre. Nothing is fitted."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return Content((features / np.where(length > 0, length, 1.0)).astype(np.float32), alpha)


def of(arrays: Mapping[str, Array]) -> Content:
    """The model that ``arrays`` wrote. Raises ValueError where they cannot be one."""
    features, alpha = taken(arrays, "features alpha")
    if not len(floats(features, "features", -1, -1)):
        raise ValueError("features of no items")
    return Content(features, scalar(alpha, "alpha"))
