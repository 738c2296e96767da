"""Popularity: what most took of late, the same for everybody. The floor for any recommender, and the answer to who is new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.rows import Histories
from plimsoll.scorer import PIECE, Scorer, floats, pieces, taken

Array = NDArray[Any]


@dataclass(frozen=True)
class Popular(Scorer):
    """Scores of items, shape (many,): their events in the newest share of the time, and below one event those of all time.

    >>> seen = np.array([0, 0, 0, 2, 2, 1], dtype=np.int32)
    >>> told = Histories(seen, np.arange(6), np.ones(6, np.float32), np.array([0, 3]), np.array([3, 6]), 4)
    >>> fit(told).score_one(seen).argsort()[::-1].tolist(), fit(told, share=0.5).score_one(seen).argsort()[::-1].tolist()
    ([0, 2, 1, 3], [2, 1, 0, 3])
    """

    counts: NDArray[np.float32]

    @property
    def many(self) -> int:
        return len(self.counts)

    def score_one(self, items: Array, weights: Array | None = None) -> NDArray[np.float32]:  # noqa: ARG002  # for everybody
        return self.counts.copy()

    def arrays(self) -> dict[str, Array]:
        return {"counts": self.counts}


def fit(histories: Histories, share: float = 1.0) -> Popular:
    """``share`` of the time from the first event to the last, at its end, is what counts: 1 for all of it."""
    late = _late(histories, share)
    recent, ever = np.zeros(histories.many), np.zeros(histories.many)
    for piece in pieces(histories):
        _, places = piece.events()
        items, weights = piece.items[places], piece.weights[places].astype(np.float64)
        ever += np.bincount(items, weights, histories.many)
        recent += np.bincount(items, weights * (piece.times[places] >= late), histories.many)
    return Popular((recent + 0.999 * ever / (1.0 + ever.max(initial=0.0))).astype(np.float32))


def _late(histories: Histories, share: float) -> float:
    """From when on events count, in seconds since 1970."""
    full = histories.take(np.flatnonzero(histories.lengths > 0))
    if not len(full):
        return 0.0
    # Events of a row stand in the order of time, so the first and the last of each row are enough.
    first, last = float(full.times[full.starts].min()), float(full.times[full.ends - 1].max())
    return last - share * (last - first)


def memory(many: int, users: int, events: int) -> float:
    """Bytes that a fit holds at most, beside the histories: counts, and a piece of the events."""
    return 60.0 * many + 48.0 * users + 70.0 * min(PIECE, events)


def of(arrays: Mapping[str, Array]) -> Popular:
    """The model that ``arrays`` wrote. Raises ValueError where they cannot be one."""
    (counts,) = taken(arrays, "counts")
    return Popular(floats(counts, "counts", -1))
