"""What recommenders share: scores of histories, their events in pieces and as a sparse matrix, and arrays from outside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.rows import Histories

Array = NDArray[Any]
PIECE = 2**22  # events that are looked at together


class Scorer(ABC):
    """A fitted recommender: a score for each of ``many`` items, from a history of events, the oldest first.

    Items of a history are numbers from 0 to ``many`` - 1. ``weights`` say how much each event counts, 1 where they are
    not given. Scores of one history are the same to the last bit however they are asked for.
    """

    @property
    @abstractmethod
    def many(self) -> int:
        """How many items there are."""

    @abstractmethod
    def score_one(self, items: Array, weights: Array | None = None) -> NDArray[np.float32]:
        """Scores of one history, shape (many,)."""

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """All that is needed to make it again, with ``of`` of its room."""

    def scores(self, histories: Histories) -> NDArray[np.float32]:
        """Scores of each row, shape (rows, many)."""
        found = np.empty((len(histories), self.many), dtype=np.float32)
        for row, (start, end) in enumerate(zip(histories.starts.tolist(), histories.ends.tolist(), strict=True)):
            found[row] = self.score_one(histories.items[start:end], histories.weights[start:end])
        return found


class Explaining(Scorer):
    """A recommender whose score of an item is a sum over the events of the history."""

    @abstractmethod
    def because(self, items: Array, item: int, weights: Array | None = None) -> NDArray[np.float32]:
        """How much each event adds to the score of ``item``, shape (events,): they sum to its score."""


def pieces(histories: Histories, most: int = PIECE) -> Iterator[Histories]:
    """The same rows in batches of about so many events, in order; a row is never cut.

    >>> told = Histories(np.zeros(6, np.int32), np.arange(6), np.ones(6, np.float32), np.array([0, 2, 4]), np.array([2, 4, 6]), 1)
    >>> [len(piece) for piece in pieces(told, most=4)]
    [2, 1]
    """
    ends = np.cumsum(histories.lengths)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.unique(np.r_[0, np.searchsorted(ends, np.arange(most, total, most), side="right"), len(ends)])
    for begin, end in pairwise(cuts.tolist()):
        yield histories.take(np.arange(begin, end))


def matrix(histories: Histories) -> Any:
    """The weights of each row's events summed by item: a sparse matrix of SciPy, shape (rows, many), float32."""
    from scipy import sparse

    heads = np.r_[0, np.cumsum(histories.lengths)]
    items, weights = np.empty(heads[-1], dtype=np.int32), np.empty(heads[-1], dtype=np.float32)
    at = 0
    for piece in pieces(histories):
        _, places = piece.events()
        items[at : at + len(places)], weights[at : at + len(places)] = piece.items[places], piece.weights[places]
        at += len(places)
    found = sparse.csr_matrix((weights, items, heads), shape=(len(histories), histories.many))
    found.sum_duplicates()
    return found


def scalar(array: Array, name: str) -> float:
    """One finite number out of an array that came from outside. Raises ValueError where it is something else."""
    if array.shape != () or array.dtype.kind not in "fiu" or not np.isfinite(array):
        raise ValueError(f"{name} is not one finite number")
    return float(array)


def taken(arrays: Mapping[str, Array], names: str) -> list[Array]:
    """The arrays of these names, in order. Raises ValueError where they are not the ones there are.

    >>> taken({"counts": np.ones(2)}, "counts bias")
    Traceback (most recent call last):
    ValueError: arrays counts; these were to be counts, bias
    """
    if arrays.keys() != set(names.split()):
        raise ValueError(f"arrays {', '.join(sorted(arrays)) or 'none'}; these were to be {names.replace(' ', ', ')}")
    return [arrays[name] for name in names.split()]


def floats(array: Array, name: str, *shape: int) -> NDArray[np.float32]:
    """Finite float32 of this shape, -1 for any length. Raises ValueError where an array from outside is something else."""
    fits = array.ndim == len(shape) and all(want in (-1, have) for want, have in zip(shape, array.shape, strict=True))
    if array.dtype != np.float32 or not fits:
        raise ValueError(f"{name} of {array.dtype} and shape {array.shape}; float32 of shape {shape} was to be there")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds what is not finite")
    return array
