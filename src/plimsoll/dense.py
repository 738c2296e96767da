"""Points of length one: which of many lie nearest to another. Each is looked at, so what is found is what there is.

An index of neighbours is quicker from some size on, and misses some of them. Of points of 200 numbers, on one thread: for 10,000
the product takes 0.15 ms, and HNSW (usearch, faiss) 0.06 to 0.12 ms; for 100,000 it takes 7 ms, and HNSW 0.1 to 0.2 ms, with 2 to 8 %
of the first ten not found and no filter. So up to some 50,000 nothing is to be gained that anybody would notice, and from there on
there is a graph (``small_world``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import top

Array = NDArray[Any]
Points = NDArray[np.float32]
_TINY = 1e-12


def unit(points: Array, nothing: float = _TINY) -> Points:
    """The same of length one, along the last axis; what is no longer than ``nothing`` comes to zeros.

    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[np.float32(0.6), np.float32(0.8)], [0.0, 0.0]]
    True
    """
    length = lengths(points)[..., None]
    return np.asarray(points * ((length > nothing) / np.maximum(length, _TINY)), dtype=np.float32)


def lengths(points: Array) -> Array:
    """Of each point along the last axis, in half the time of ``np.linalg.norm``."""
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", points, points)))


def towards(points: Points, point: Points) -> NDArray[np.float32]:
    """The cosine of each of the ``points``, shape (many, axes), with one, with zeros beyond: shape (``top.room(many)``,)."""
    found = np.zeros(top.room(len(points)), dtype=np.float32)
    np.dot(points, point, out=found[: len(points)])
    return found


def best(scores: NDArray[np.float32], many: int, depth: int, among: NDArray[np.bool_] | None) -> Array:
    """The list (``top.best``) of the first ``many`` scores, of those ``among`` which may be listed."""
    if among is not None:
        scores[:many][~among] = 0.0
    return top.best(scores, depth)
