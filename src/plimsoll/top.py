"""The best of very many scores of one query, of which most are nothing: a list of what scores above zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.ranking import nothing

Array = NDArray[Any]
BLOCK = 1024  # scores whose maximum is looked at first
_FEW = 1 << 14  # scores that are as well looked at one by one


def room(many: int) -> int:
    """Scores to make room for: whole blocks, where there are many."""
    return many if many <= _FEW else -(-many // BLOCK) * BLOCK


def best(scores: Array, depth: int) -> Array:
    """The list of ``depth`` best scores above zero, ``ranking.RANKED`` of shape (depth,): of equals the lower number comes first.

    Scores are float32 of shape (``room(many)``,), zero beyond the last. With many, those blocks alone are looked at whose
    maximum is among the best maxima: as many others are no worse.

    >>> found = best(np.array([0.5, 2.0, 0.0, 2.0], np.float32), 5)
    >>> found["item"].tolist(), found["score"].tolist()
    ([1, 3, 0, -1, -1], [2.0, 2.0, 0.5, 0.0, 0.0])
    """
    found: Array = nothing(1, depth)[0]
    if not depth:
        return found
    places: Array | None = None
    if len(scores) > _FEW and depth * BLOCK < len(scores):
        places, scores = _blocks(scores, depth)
    least = np.partition(scores, len(scores) - depth)[len(scores) - depth] if depth < len(scores) else 0.0
    chosen = (scores >= least if least > 0 else scores > 0).nonzero()[0]
    held = scores[chosen]
    order = (-held).argsort(kind="stable")[:depth]
    chosen = chosen[order]
    found["item"][: len(order)] = chosen if places is None else places[chosen]
    found["score"][: len(order)] = held[order]
    return found


def _blocks(scores: Array, depth: int) -> tuple[Array, Array]:
    """Places and scores of the blocks that hold the best, in order."""
    blocks = scores.reshape(-1, BLOCK)
    peaks = blocks.max(axis=1)
    least = np.partition(peaks, len(peaks) - depth)[len(peaks) - depth]
    kept = (peaks >= least if least > 0 else peaks > 0).nonzero()[0]
    inside = (kept[:, None] * BLOCK + np.arange(BLOCK)).ravel()
    return inside, blocks[kept].ravel()
