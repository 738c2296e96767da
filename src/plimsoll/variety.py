"""What lists are like as a whole, whoever liked them: how much of a collection they show, how well known, how alike.

Each takes lists (``ranking.RANKED``, shape (rows, depth)) and looks at their first k items. A popular model and a good one
may hit as often; these tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_WIDTH = 128  # of the vectors that stand for who had an item
_EVENTS = 2_000_000  # that these vectors are made of at most
_ROWS = 4_096  # lists whose vectors are laid out at once


@dataclass(frozen=True)
class Shelf:
    """What lists are held against: of each item how many events it has had, shape (items,), from how many ``users``; and
    vectors that say how alike items are, shape (items, width)."""

    counts: Array
    users: int
    vectors: NDArray[np.float32]

    @property
    def many(self) -> int:
        return len(self.counts)


def coverage(answers: Array, k: int, many: int) -> float:
    """The share of a collection of ``many`` items that is among the first k of anybody's list.

    >>> from plimsoll.ranking import RANKED
    >>> coverage(np.array([[(0, 0.9), (1, 0.5)], [(0, 0.8), (2, 0.1)]], dtype=RANKED), 1, 4)
    0.25
    """
    items = answers["item"][:, :k]
    return len(np.unique(items[items >= 0])) / many if many else float("nan")


def popularity(answers: Array, k: int, counts: Array) -> float:
    """How popular what is shown is: the mean over all places of an item's percentile in the collection, in 0 to 1.

    ``counts`` are the events of each item, shape (items,). An item's percentile is the share of the items that had fewer
    events and half of those that had as many; lists drawn by chance come to 0.5, lists of the most popular to nearly 1.
    """
    return _mean_of(percentiles(counts), answers, k)


def percentiles(counts: Array) -> NDArray[np.float64]:
    """The share of the items that had fewer events than each, and half of those that had as many, shape (items,)."""
    ordered = np.sort(counts)
    below, upto = (np.searchsorted(ordered, counts, side) for side in ("left", "right"))
    return np.asarray((below + upto) / (2 * max(len(counts), 1)))


def novelty(answers: Array, k: int, counts: Array, users: int) -> float:
    """How surprising what is shown is: the mean self-information of an item over all places, in bits (Zhou et al. 2010).

    It is minus log2 of the share of ``users`` that had the item; ``counts`` are these, shape (items,). One that nobody had
    counts as one that a single user had.

    >>> from plimsoll.ranking import RANKED
    >>> novelty(np.array([[(0, 0.9), (1, 0.5)]], dtype=RANKED), 2, np.array([8, 2]), 8)
    1.0
    """
    return _mean_of(surprise(counts, users), answers, k)


def surprise(counts: Array, users: int) -> NDArray[np.float64]:
    """The self-information of each item in bits, shape (items,), none below zero."""
    return np.asarray(-np.log2(np.clip(counts, 1, max(users, 1)) / max(users, 1)))


def _mean_of(values: Array, answers: Array, k: int) -> float:
    items = answers["item"][:, :k]
    shown = values[items[items >= 0]]
    return float(shown.mean()) if len(shown) else float("nan")


def diversity(answers: Array, k: int, vectors: Array) -> NDArray[np.float64]:
    """How unlike the items of a list are: 1 less the mean likeness of its pairs, shape (rows,); nan below two items.

    The likeness of two items is the product of their ``vectors``, shape (items, width): features of ``unit`` length, or
    who had them (``had_by``). See Ziegler et al. 2005, of whom 1 less this is the intra-list similarity.

    >>> from plimsoll.ranking import RANKED
    >>> diversity(np.array([[(0, 0.9), (1, 0.5)]], dtype=RANKED), 2, np.eye(2)).tolist()
    [1.0]
    """
    return np.concatenate(
        [
            _unlike(answers["item"][begin : begin + _ROWS, :k], vectors)
            for begin in range(0, max(len(answers), 1), _ROWS)
        ]
    )


def _unlike(items: Array, vectors: Array) -> NDArray[np.float64]:
    held = items >= 0
    shown = np.where(held[:, :, None], vectors[items], 0.0)
    # All products of pairs are the square of the sum, less the squares: no pair is looked at.
    pairs = (shown.sum(axis=1, dtype=np.float64) ** 2).sum(axis=1) - (shown**2).sum(axis=(1, 2), dtype=np.float64)
    number = held.sum(axis=1).astype(np.float64)
    alike = np.divide(pairs, number * (number - 1), out=np.full(len(items), np.nan), where=number > 1)
    return np.asarray(1.0 - alike)


def unit(vectors: Array) -> NDArray[np.float32]:
    """Vectors at length one, so that their products are cosines; one of zeros stays so, and is like nothing."""
    length = np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    long = length > 0
    return np.asarray(np.where(long, vectors / np.where(long, length, 1.0), 0.0), dtype=np.float32)


def had_by(users: Array, items: Array, many: int, seed: int = 0) -> NDArray[np.float32]:
    """Vectors of items without features, shape (items, 128), whose products are, up to chance, the cosines of who had them.

    ``users`` and ``items`` are events, shape (events,). Each user is a random sign in each direction (Achlioptas 2003), so
    that users are no dimensions of their own. The likeness in a list comes out within about an eighth of itself, and of all
    models alike, for they are judged by the same vectors. Of more than two million events those of users drawn by chance
    are taken.
    """
    random = np.random.default_rng(seed)
    number = int(users.max(initial=-1)) + 1
    if len(users) > _EVENTS:
        kept = (random.random(number) < _EVENTS / len(users))[users]
        users, items = users[kept], items[kept]
    pair = np.unique(items.astype(np.int64) * number + users) if number else np.zeros(0, np.int64)
    items, users = (pair // number, pair % number) if number else (pair, pair)
    vectors = np.zeros((many, _WIDTH), dtype=np.float32)
    length = np.sqrt(np.maximum(np.bincount(items, minlength=many), 1) * _WIDTH)
    for direction in range(_WIDTH):
        signs = random.integers(0, 2, number) * 2.0 - 1.0
        vectors[:, direction] = np.bincount(items, signs[users], many) / length
    return vectors
