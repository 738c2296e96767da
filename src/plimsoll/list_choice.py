"""Lists under rules: of scores and what is known of each item, the list that breaks the fewest and has the best.

Pure functions of arrays; ``list_rules`` reads them out of a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import ranking

Array = NDArray[Any]


@dataclass(frozen=True)
class Said:
    """A rule as it was written: the ``kind`` of it, its ``text``, and of how many ``items`` it speaks."""

    kind: str
    text: str
    items: int


@dataclass(frozen=True)
class Cap:
    """At most ``n`` of a kind: the number of each item's kind, shape (items,), -1 of an item that is of none."""

    n: int
    kinds: NDArray[np.int32]

    @cached_property
    def many(self) -> int:
        return int(self.kinds.max(initial=-1)) + 1


@dataclass(frozen=True)
class ListRules:
    """Of each item, shape (items,): whether it is ``forbidden``, how many rules of what must be it ``fails``, and by how many
    spreads it is to ``rise``; and what there may be at most. ``said`` are the rules in the order of the file."""

    forbidden: NDArray[np.bool_]
    fails: NDArray[np.int16]
    rise: NDArray[np.float32]
    caps: tuple[Cap, ...]
    said: tuple[Said, ...] = ()
    digest: str = ""

    def best(self, scores: Array, seen: Array | None = None, k: int = ranking.DEPTH) -> tuple[Array, int]:
        """The list of one row by its scores, shape (items,): ``RANKED`` of shape (k,), and how many of it, the last ones, break
        a rule.

        Again and again the item is taken that breaks the fewest rules beside those that are in the list, and of such the one
        with the best score, or else the lowest number. So nothing is taken that breaks a rule while something is left that
        breaks none. What scores minus infinity is not offered. Raises TrialError for a score that is nan or infinite.

        >>> drama = np.array([0, 0, 1, 0], np.int32)
        >>> told = ListRules(np.array([True, False, False, False]), np.zeros(4, np.int16), np.zeros(4, np.float32), (Cap(1, drama),))
        >>> found, filled = told.best(np.array([9.0, 4.0, 1.0, 3.0]), k=3)
        >>> found["item"].tolist(), filled
        ([1, 2, 3], 1)
        """
        scores, found = self._risen(scores, seen), ranking.nothing(1, k)[0]
        tallies = [Tally(cap) for cap in self.caps]
        place = filled = level = 0
        while place < k and level <= int(self.fails.max(initial=0)) + len(self.caps):
            pool = ranking.best_one(self._breaking(level, scores, tallies))
            items = pool["item"][pool["item"] >= 0].tolist()
            for item in items:
                # What was taken before it may have filled its kind.
                if place < k and self.fails[item] + sum(tally.full(item) for tally in tallies) == level:
                    found[place] = item, scores[item]
                    scores[item] = -np.inf
                    place, filled = place + 1, filled + int(level > 0)
                    for tally in tallies:
                        tally.take(item)
            level += not items  # what breaks so many has been taken, and nothing will ever break fewer
        return found, filled

    def _breaking(self, level: int, scores: Array, tallies: Sequence[Tally]) -> NDArray[np.float32]:
        """The scores of what breaks so many rules beside what is in the list, and minus infinity of all else."""
        if not level and not any(tally.bites for tally in tallies):
            return np.asarray(scores + self._sound)  # most lists are made in this one step, so it is a quick one
        breaks = self.fails + sum((tally.broken for tally in tallies), np.int16(0))
        return np.where(breaks == level, scores, np.float32(-np.inf))

    @cached_property
    def _sound(self) -> NDArray[np.float32]:
        """0 of items that are all they must be, and minus infinity of others."""
        return np.where(self.fails > 0, np.float32(-np.inf), np.float32(0))

    @cached_property
    def _allowed(self) -> NDArray[np.float32]:
        """0 of items that are not forbidden, and minus infinity of others."""
        return np.where(self.forbidden, np.float32(-np.inf), np.float32(0))

    def _risen(self, scores: Array, seen: Array | None) -> NDArray[np.float32]:
        """What may be listed, each by its score and what it is to rise: in units of the way from the best to the hundredth."""
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is said to be below
            risen = np.asarray(scores, dtype=np.float32) + self._allowed
            if seen is not None:
                risen[seen] = -np.inf
            if self.rise.any():
                top = ranking.best_one(risen)
                held = top["score"][top["item"] >= 0]
                if len(held):
                    risen += self.rise * (held[0] - held[-1])
        return risen


class Tally:
    """How many of each kind are in a list, and which kinds may have no more."""

    def __init__(self, cap: Cap) -> None:
        self._cap, self._counts = cap, dict[int, int]()
        self._full = np.zeros(cap.many + 1, dtype=np.int16)  # the last is of what is of no kind, which is number -1

    def full(self, item: int) -> int:
        """Whether one more of this item's kind breaks the rule, 1 or 0."""
        return int(self._full[self._cap.kinds[item]])

    @property
    def bites(self) -> bool:
        """Whether any kind may have no more."""
        return bool(self._full.any())

    @property
    def broken(self) -> NDArray[np.int16]:
        """The same of all items, shape (items,)."""
        return np.asarray(self._full[self._cap.kinds])

    def take(self, item: int) -> None:
        kind = int(self._cap.kinds[item])
        if kind >= 0:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._full[kind] = self._counts[kind] >= self._cap.n
