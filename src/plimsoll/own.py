"""Which of a person's labelled moments calibrate their model, and which come later and can say what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import moments
from plimsoll.errors import DataError

Array = NDArray[Any]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Own:
    """Moments of one person in the order in which they were: the class of each (its number), the session and the recording
    that it is of (numbers that never fall), where its window ends, in frames, and whether its label is believed; all of
    shape (rows,)."""

    target: Array
    session: Array
    recording: Array
    ends: Array
    believed: Array
    stride: float  # seconds from one to the next
    window: int  # frames
    rest: int  # the class of nothing happening

    def __len__(self) -> int:
        return len(self.target)

    def chosen(self, seconds: float, classes: Sequence[str]) -> Index:
        """The first so many seconds of each class, of the first session that has them all, else of all sessions; of rest as
        much as of all the others together, from between them; of those that are believed. Raises DataError where a class
        is missing.
        """
        self._check(classes)
        many = len(classes)
        sure = [self.believed & (self.session == k) for k in np.unique(self.session)]
        whole = [mask for mask in sure if len(np.unique(self.target[mask])) == many]
        rows = np.flatnonzero(whole[0] if whole else self.believed)
        most = max(1, round(seconds / self.stride))
        picked = [rows[self.target[rows] == k][:most] for k in range(many) if k != self.rest]
        others = np.concatenate(picked)
        resting = rows[(self.target[rows] == self.rest) & (self.recording[rows] <= self.recording[others].max())]
        few = resting[np.unique(np.linspace(0, len(resting) - 1, min(len(resting), len(others))).round().astype(int))]
        return np.sort(np.concatenate([others, few]))

    def _check(self, classes: Sequence[str]) -> None:
        found = np.bincount(self.target[self.believed], minlength=len(classes)) * self.stride
        missing = [name for name, seconds in zip(classes, found, strict=True) if seconds == 0]
        if len(missing) == len(classes) - 1:
            held = classes[int(found.argmax())]
            raise DataError(
                f'All that is labelled here is "{held}". Record some seconds of each of: {", ".join(classes)}.'
            )
        if missing:
            raise DataError(
                f'There is no moment of "{missing[0]}" here. Record some seconds of each of: {", ".join(classes)}.'
            )

    def later(self, used: Index) -> Index:
        """The moments of later sessions than any of those used; where there is none, of later recordings."""
        for group in (self.session, self.recording):
            rows = np.flatnonzero(group > group[used].max())
            if len(rows):
                return rows
        return np.zeros(0, dtype=np.intp)

    def stretches(self, rows: Index) -> Index:
        """The number of the stretch that each of the rows is of: as long as one class lasts in one recording."""
        fresh = np.r_[True, (np.diff(self.target[rows]) != 0) | (np.diff(self.recording[rows]) != 0)]
        return np.cumsum(fresh[: len(rows)]) - 1

    def halves(self, rows: Index) -> list[tuple[Index, Index]]:
        """The rows in two halves, each held out once, as places among ``rows``: every other stretch of each class, and no
        window across. A class of one stretch alone is parted in its middle.
        """
        target, stretch, half = self.target[rows], self.stretches(rows), np.zeros(len(rows), dtype=bool)
        for label in np.unique(target):
            mine = np.flatnonzero(target == label)
            each = np.unique(stretch[mine])
            half[mine] = np.isin(stretch[mine], each[1::2]) if len(each) > 1 else np.arange(len(mine)) >= len(mine) // 2
        ends = self.ends[rows]
        pairs = [(np.flatnonzero(~half), np.flatnonzero(half)), (np.flatnonzero(half), np.flatnonzero(~half))]
        apart = [(moments.apart(learn, held, ends, self.window), held) for learn, held in pairs]
        return [(learn, held) for learn, held in apart if len(learn) and len(held)]


def in_order(values: Sequence[Any]) -> NDArray[np.int64]:
    """Numbers of values by when they first occur, as they would be counted going down a table.

    >>> in_order(["b", "b", "a", "c"]).tolist()
    [0, 0, 1, 2]
    """
    place: dict[Any, int] = {}
    return np.array([place.setdefault(value, len(place)) for value in values], dtype=np.int64)
