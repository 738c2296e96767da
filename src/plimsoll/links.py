"""Links: from each item to a few others, with weights. A history's scores are the sums of what its events lead to.

Transitions and nearest neighbours are of this shape: they share the arithmetic and differ in what they count. Links are
held as a sparse matrix by rows (indptr, indices, values), and a served one needs NumPy alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.fading import Fading
from plimsoll.scorer import Explaining, floats, scalar, taken

Array = NDArray[Any]


@dataclass(frozen=True)
class Links(Explaining):
    """Row i leads to ``indices[indptr[i]:indptr[i + 1]]``, ascending, with ``values`` of the same shape.

    >>> links = Links(np.array([0, 2, 3, 3]), np.array([1, 2, 0], np.int32), np.array([0.5, 1.0, 2.0], np.float32), 0.5)
    >>> links.score_one(np.array([0, 1])).tolist(), links.because(np.array([0, 1]), 2).tolist()
    ([2.0, 0.25, 0.5], [0.5, 0.0])
    """

    indptr: NDArray[np.int64]  # shape (many + 1,)
    indices: NDArray[np.int32]
    values: NDArray[np.float32]
    alpha: float  # how a history fades, an event

    def __post_init__(self) -> None:
        object.__setattr__(self, "_fading", Fading(self.alpha))

    @property
    def many(self) -> int:
        return len(self.indptr) - 1

    def score_one(self, items: Array, weights: Array | None = None) -> NDArray[np.float32]:
        events, spoken = self._fading.of(items, weights)  # type: ignore[attr-defined]  # set once, in __post_init__
        places, lengths = self._places(events)
        told = self.values[places] * np.repeat(spoken, lengths)
        return np.bincount(self.indices[places], told, self.many).astype(np.float32)

    def because(self, items: Array, item: int, weights: Array | None = None) -> NDArray[np.float32]:
        events, spoken = self._fading.of(items, weights)  # type: ignore[attr-defined]
        places, lengths = self._places(events)
        hit = self.indices[places] == item
        found = np.zeros(len(items), dtype=np.float32)
        whose = np.repeat(np.arange(len(items) - len(events), len(items)), lengths)[hit]
        found[whose] = self.values[places[hit]] * np.repeat(spoken, lengths)[hit]
        return found

    def _places(self, events: Array) -> tuple[Array, Array]:
        """Where the links of these items stand, one item after another, and how many each of them has."""
        heads = self.indptr[events]
        lengths = self.indptr[events + 1] - heads
        tails = np.cumsum(lengths)
        return np.repeat(heads - tails + lengths, lengths) + np.arange(tails[-1] if len(tails) else 0), lengths

    def arrays(self) -> dict[str, Array]:
        return {"indptr": self.indptr, "indices": self.indices, "values": self.values, "alpha": np.array(self.alpha)}


def strongest(indices: Array, values: Array, keep: int) -> tuple[Array, Array]:
    """The ``keep`` entries of largest size, in the order of their indices.

    >>> strongest(np.array([2, 5, 8]), np.array([1.0, -3.0, 2.0]), 2)[0].tolist()
    [5, 8]
    """
    if len(values) > keep:
        kept = np.sort(np.argpartition(-np.abs(values), keep - 1)[:keep])
        indices, values = indices[kept], values[kept]
    return indices, values


def joined(rows: Iterable[tuple[Array, Array]], alpha: float) -> Links:
    """Links of the (indices, values) of each item, in order."""
    found = list(rows)
    indptr = np.cumsum([0, *(len(indices) for indices, _ in found)], dtype=np.int64)
    indices = np.concatenate([np.zeros(0, np.int32), *(indices for indices, _ in found)]).astype(np.int32)
    values = np.concatenate([np.zeros(0, np.float32), *(values for _, values in found)]).astype(np.float32)
    return Links(indptr, indices, values, alpha)


def of(arrays: Mapping[str, Array]) -> Links:
    """The links that ``arrays`` wrote. Raises ValueError where they cannot be any."""
    indptr, indices, values, alpha = taken(arrays, "indptr indices values alpha")
    floats(values, "values", -1)
    if indptr.dtype != np.int64 or indptr.ndim != 1 or len(indptr) < 2 or indptr[0] != 0 or (np.diff(indptr) < 0).any():
        raise ValueError("rows of links that do not follow one another")
    if indices.dtype != np.int32 or indices.shape != values.shape or indptr[-1] != len(indices):
        raise ValueError(f"{indptr[-1]} links, {len(indices)} of them with an item and {len(values)} with a weight")
    many, firsts = len(indptr) - 1, np.zeros(len(indices) + 1, dtype=bool)
    if len(indices) and not 0 <= indices.min() <= indices.max() < many:
        raise ValueError(f"links to items that are not among the {many}")
    firsts[indptr] = True
    if not (firsts[1:-1] | (np.diff(indices) > 0)).all():
        raise ValueError("links of an item that do not ascend")
    return Links(indptr, indices, values, scalar(alpha, "alpha"))
