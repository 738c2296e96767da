"""Scores of documents as sums of what the terms of a query weigh there, for one query at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Posted = Callable[[int], tuple[Array, NDArray[np.float32]]]  # of a term: places of scores, rising, and weights
_FEW = 4_096  # scores of which each call takes longer than to add up all of them
_SHARE, _SHARE_OF_FEW = 8, 64  # a term in more than this part of the places has a weight for each
_AT_HAND = 1 << 16  # terms whose postings are kept at hand
_Row = tuple[Array | None, Array]  # places, None for all of them, and their weights


class Sums(dict[int, _Row]):
    """The places and weights of a term, at hand once it was asked for, of ``many`` places; there is ``room`` for more, that make up
    a table. A term in a good part of the places has a weight for each of all: to add all of them up is quicker than to go
    from one to the next.

    >>> sums = Sums(3, 3, lambda number: (np.array([number]), np.array([0.5], np.float32)))
    >>> sums.of([2, 0, 2]).tolist()
    [0.5, 0.0, 1.0]
    """

    def __init__(self, many: int, room: int, posted: Posted) -> None:
        super().__init__()
        self._many, self._room, self._posted = many, room, posted
        self._wide: dict[int, _Row] = {}
        few = many <= _FEW
        self._share = _SHARE_OF_FEW if few else _SHARE
        # NumPy goes to places of its own kind in less time, but they are twice as long.
        self._kind = np.intp if few else np.int32

    def of(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """The sum of these terms at each place, those that come twice twice, shape (room,). Terms are summed in one order, so a
        sum does not hang on theirs."""
        sums = np.zeros(self._room, dtype=np.float32)
        for places, weights in map(self.__getitem__, sorted(numbers)):
            if places is None:
                sums += weights
            else:
                np.add.at(sums, places, weights)
        return sums

    def lay(self, spread: Array) -> None:
        """Works out those of the terms that are in a good part of the places; ``spread`` is in how many each is."""
        for number in np.flatnonzero(spread * self._share > self._many).tolist():
            self[number]

    def __missing__(self, number: int) -> _Row:
        row = self._wide.get(number) or self._made(number)
        if len(self) >= _AT_HAND:
            self.clear()
        self[number] = row
        return row

    def _made(self, number: int) -> _Row:
        places, weights = self._posted(number)
        if len(places) * self._share <= self._many:
            return places.astype(self._kind, copy=False), weights
        row = np.zeros(self._room, dtype=np.float32)
        row[places] = weights
        return self._wide.setdefault(number, (None, row))
