"""SASRec as it is served: self-attention over the last events of a history says what comes next (Kang and McAuley 2018).

Each event's item has a place counted from the end of the history; a block lets each event look at those before it, and then
changes it by itself, both on top of what it was and after it was brought to one size (Xiong and others 2020). What the last
event has become is held against all items, with the factors that they came in by. There is one head, as in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.scorer import Scorer, floats, taken

Array = NDArray[Any]
NAMES = "items places mixing mixing_bias feeding feeding_bias norms"
BATCH = 128  # stretches of histories that a step of training looks at
NEGATIVES = 256  # items drawn for each, where what came next is not held against all
CELLS = 2**22  # scores that are held together there
EVEN = 1e-6  # beside the spread that a size is brought to one by
_LARGEST = 1e3  # number in a weight: no sum of products comes to the end of float32


@dataclass(frozen=True)
class Attention(Scorer):
    """Weights of as many ``blocks``, float32. ``epochs`` is how long they were trained, where that is known.

    ``items`` has shape (many, width), ``places`` (length, width); ``mixing`` (blocks, 4, width, width) makes queries, keys, values
    and what is heard of them, ``feeding`` (blocks, 2, width, width) changes an event by itself, both with a ``bias`` without
    the last axis but one; ``norms`` (2 blocks + 1, 2, width) are scales and shifts.

    >>> model = of(blank(many=3, width=2, length=4, blocks=1))
    >>> model.score_one(np.array([2, 0])).tolist()
    [0.0, 0.0, 0.0]
    """

    items: NDArray[np.float32]
    places: NDArray[np.float32]
    mixing: NDArray[np.float32]
    mixing_bias: NDArray[np.float32]
    feeding: NDArray[np.float32]
    feeding_bias: NDArray[np.float32]
    norms: NDArray[np.float32]
    epochs: int = 0

    @property
    def many(self) -> int:
        return len(self.items)

    def score_one(self, items: Array, weights: Array | None = None) -> NDArray[np.float32]:  # noqa: ARG002  # order is what tells
        if not len(items):
            return np.zeros(self.many, dtype=np.float32)
        return np.asarray(self.items @ self._state(items))

    def _state(self, items: Array) -> Array:
        """What the last event has become, shape (width,)."""
        seen, width = items[-len(self.places) :], self.items.shape[1]
        told = self.items[seen] * np.float32(width**0.5) + self.places[len(self.places) - len(seen) :]
        for block in range(len(self.mixing)):
            told = told + self._heard(block, _even(told, self.norms[2 * block]))
            told = told + self._fed(block, _even(told, self.norms[2 * block + 1]))
        return _even(told[-1], self.norms[-1])

    def _heard(self, block: int, told: Array) -> Array:
        """What each event hears of itself and those before it, shape (events, width)."""
        make, bias = self.mixing[block], self.mixing_bias[block]
        query, key, value = np.matmul(told, make[:3]) + bias[:3, None]
        leaning = query @ key.T * np.float32(self.items.shape[1] ** -0.5)
        leaning[~np.tri(len(told), dtype=bool)] = -np.inf
        leaning = np.exp(leaning - leaning.max(axis=1, keepdims=True))
        leaning /= leaning.sum(axis=1, keepdims=True)
        return np.asarray(leaning @ value @ make[3] + bias[3])

    def _fed(self, block: int, told: Array) -> Array:
        make, bias = self.feeding[block], self.feeding_bias[block]
        return np.asarray(np.maximum(told @ make[0] + bias[0], 0.0) @ make[1] + bias[1])

    def arrays(self) -> dict[str, Array]:
        return {name: getattr(self, name) for name in NAMES.split()}


def _even(told: Array, norm: Array) -> Array:
    """Each event with a mean of 0 and a spread of 1, and then a scale and a shift of their own (Ba, Kiros and Hinton 2016)."""
    apart = told - told.mean(axis=-1, keepdims=True)
    spread = np.sqrt((apart * apart).mean(axis=-1, keepdims=True) + np.float32(EVEN))
    return np.asarray(apart / spread * norm[0] + norm[1])


def shapes(many: int, width: int, length: int, blocks: int) -> dict[str, tuple[int, ...]]:
    """The shape of each array."""
    return {
        "items": (many, width),
        "places": (length, width),
        "mixing": (blocks, 4, width, width),
        "mixing_bias": (blocks, 4, width),
        "feeding": (blocks, 2, width, width),
        "feeding_bias": (blocks, 2, width),
        "norms": (2 * blocks + 1, 2, width),
    }


def blank(many: int, width: int, length: int, blocks: int) -> dict[str, Array]:
    """Arrays of a model that has learned nothing: all zeros, but for scales of one."""
    found: dict[str, Array] = {
        name: np.zeros(shape, dtype=np.float32) for name, shape in shapes(many, width, length, blocks).items()
    }
    found["norms"][:, 0] = 1.0
    return found


def of(arrays: Mapping[str, Array], epochs: int = 0) -> Attention:
    """The model that ``arrays`` wrote. Raises ValueError where they cannot be one."""
    items, places, mixing, *_ = taken(arrays, NAMES)
    known = floats(items, "items", -1, -1), floats(places, "places", -1, -1), floats(mixing, "mixing", -1, 4, -1, -1)
    if not all(array.size for array in known):
        raise ValueError(f"weights of shapes {', '.join(str(array.shape) for array in known)}")
    (many, width), length, blocks = items.shape, len(places), len(mixing)
    for name, shape in shapes(many, width, length, blocks).items():
        if np.abs(floats(arrays[name], name, *shape)).max() > _LARGEST:
            raise ValueError(f"{name} holds a number above {_LARGEST:g}")
    return Attention(**{name: arrays[name] for name in NAMES.split()}, epochs=epochs)


def memory(many: int, users: int, events: int, width: int, blocks: int, length: int) -> float:
    """Bytes that a fit holds at most, beside the histories: weights with what is remembered of them, stretches and scores."""
    weights = width * (many + length + blocks * (6 * width + 10))
    stretch = BATCH * length * ((24.0 + 40.0 * blocks) * width + 20.0 * blocks * length)
    return 28.0 * weights + 32.0 * (users + events / length) + 4.0 * stretch + 16.0 * max(CELLS, length * many)
