"""The best of very many scores of one query, of which most are nothing: a list of what scores above zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.ranking import RANKED

Array = NDArray[Any]
_FEW = 1 << 14  # scores that are as well looked at one by one
_COLUMNS = 1 << 12  # about so many maxima are looked at first, where there are more


def rows(many: int) -> int:
    """Into how many rows so many scores are laid, to have a maximum of each column; a power of two."""
    return 1 if many <= _FEW else 1 << (many // _COLUMNS).bit_length() - 1


def room(many: int) -> int:
    """Scores to make room for: whole rows."""
    return -(-many // rows(many)) * rows(many)


def best(scores: Array, depth: int) -> Array:
    """The list of the best scores above zero, ``ranking.RANKED`` of shape (depth,): of equals the lower number comes first.

    Scores are float32, shape (``room(many)``,), zero beyond the last of them. Of very many, laid in rows, those columns alone are
    looked at whose maximum is among the ``depth`` best: so many scores are no worse than these, and all others are.

    >>> found = best(np.array([0.5, 2.0, 0.0, 2.0], np.float32), 5)
    >>> found["item"].tolist(), found["score"].tolist()
    ([1, 3, 0, -1, -1], [2.0, 2.0, 0.5, 0.0, 0.0])
    """
    if not depth:
        return np.empty(0, dtype=RANKED)
    places: Array | None = None
    lines = rows(len(scores))
    if lines > 1 and 4 * depth * lines < len(scores):
        table = scores.reshape(lines, -1)
        columns = np.sort(_best(-table.max(axis=0), depth, ties=True))
        places = (np.arange(lines)[:, None] * table.shape[1] + columns).ravel()
        scores = table[:, columns].ravel()
    chosen = _best(-scores, depth, ties=False)
    found, many = np.empty(depth, dtype=RANKED), len(chosen)
    items, held = found["item"], found["score"]
    items[:many] = chosen if places is None else places[chosen]
    held[:many] = scores[chosen]
    items[many:], held[many:] = -1, 0.0
    return found


def _best(below: Array, depth: int, ties: bool) -> Array:
    """The places of the lowest numbers below zero, the lowest first, of equals the one that comes first; with ``ties`` all that
    are as low as the last.

    From below, for numpy parts what is mostly the same from above in ten times the time.
    """
    edge = 0.0
    if depth < len(below):
        parted = below.copy()
        parted.partition(depth - 1)
        edge = parted[depth - 1]
    chosen: Array = (below <= edge if edge < 0 else below < 0).nonzero()[0]
    if len(chosen) > 2 * depth and not ties:
        equal = (below == edge).nonzero()[0][:depth]
        chosen = np.sort(np.concatenate([(below < edge).nonzero()[0], equal]))
    order = below[chosen].argsort(kind="stable")
    return np.asarray(chosen[order if ties else order[:depth]])
