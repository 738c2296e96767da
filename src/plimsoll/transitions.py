"""Transitions: how often an item came soon after another, counted in a window that fades.

T[i, j] sums, over the events of item i, gamma^(d - 1) times the weight of an event of item j that came d events later in
the same history, for d up to the window. A row is divided by its sum and a smoothing, so that what was seen a few times
says little. This is a Markov chain of first order (Rendle, Freudenthaler and Schmidt-Thieme 2010) with a memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.links import Links, joined, strongest
from plimsoll.rows import Histories
from plimsoll.scorer import pieces

Array = NDArray[Any]
_CELLS = 2**23  # sums that are held together: of a few items to all
_EVENTS = 2**20  # events of these items that are looked at together, with those that come after them


def fit(
    histories: Histories,
    window: int = 20,
    gamma: float = 0.9,
    alpha: float = 0.7,
    smooth: float = 20.0,
    keep: int = 500,
) -> Links:
    """Links of the strongest ``keep`` transitions of each item; ``alpha`` is how a history fades when it is asked.

    >>> seen = np.array([0, 1, 2, 0, 1, 2], dtype=np.int32)
    >>> told = Histories(seen, np.arange(6), np.ones(6, np.float32), np.array([0, 3]), np.array([3, 6]), 3)
    >>> (fit(told, gamma=0.5, smooth=0.0).score_one(np.array([0])) * 3).tolist()
    [0.0, 2.0, 1.0]
    """
    return joined(_rows(histories, window, gamma, smooth, keep), alpha)


def _rows(histories: Histories, window: int, gamma: float, smooth: float, keep: int) -> Iterator[tuple[Array, Array]]:
    order, after, heads = _by_item(histories, window)
    step = max(1, _CELLS // max(1, histories.many))
    for first in range(0, histories.many, step):
        last = min(first + step, histories.many)
        sums = np.zeros((last - first) * histories.many, dtype=np.float32)
        for begin in range(int(heads[first]), int(heads[last]), _EVENTS):
            end = min(begin + _EVENTS, int(heads[last]))
            _count(histories, order[begin:end], after[begin:end], first, gamma, sums)
        for row in sums.reshape(last - first, histories.many):
            indices = np.flatnonzero(row)
            values = row[indices]
            yield strongest(indices.astype(np.int32), values / (values.sum(dtype=np.float64) + smooth), keep)


def _count(histories: Histories, places: Array, after: Array, first: int, gamma: float, sums: Array) -> None:
    """Adds what comes after the events at ``places`` to ``sums``, rows of items from ``first`` on."""
    rows = (histories.items[places].astype(np.int64) - first) * histories.many
    for far in range(1, int(after.max(initial=0)) + 1):
        there = after >= far
        places, after, rows = places[there], after[there], rows[there]
        later = places + far
        np.add.at(sums, rows + histories.items[later], np.float32(gamma ** (far - 1)) * histories.weights[later])


def _by_item(histories: Histories, window: int) -> tuple[Array, Array, Array]:
    """Places of all events in the order of their items, how many events of the window come after each, and where items begin."""
    total, at = int(histories.lengths.sum()), 0
    items, after = np.empty(total, dtype=np.int32), np.empty(total, dtype=np.int16)
    places = np.empty(total, dtype=np.int32 if len(histories.items) < 2**31 else np.int64)
    for piece in pieces(histories):
        rows, found = piece.events()
        part = slice(at, at + len(found))
        places[part], items[part] = found, piece.items[found]
        after[part] = np.minimum(piece.ends[rows] - 1 - found, window)
        at += len(found)
    order = np.argsort(items, kind="stable")
    heads = np.r_[0, np.cumsum(np.bincount(items, minlength=histories.many))]
    return places[order], after[order], heads


def memory(many: int, users: int, events: int, keep: int = 500) -> float:
    """Bytes that a fit holds at most, beside the histories: their events by item, a block of sums, and the links twice."""
    links = min(float(keep) * many, 40.0 * events, float(many) ** 2)
    return 24.0 * events + 24.0 * users + 8.0 * max(_CELLS, many) + 80.0 * _EVENTS + 20.0 * links
