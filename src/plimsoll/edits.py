"""How far one sequence is from another: the least substitutions, insertions and deletions that lead there (Levenshtein 1966)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import DataError

MOST = 2**30  # symbols of a sequence: what is counted stays a whole number of 64 bits


@dataclass(frozen=True)
class Edits:
    """What leads from what was true to what was answered: ``insertions`` are answered and were not, ``deletions`` were
    and are not answered. Of the ways that are equally short, the one with the fewest substitutions is counted."""

    substitutions: int = 0
    insertions: int = 0
    deletions: int = 0

    @property
    def total(self) -> int:
        return self.substitutions + self.insertions + self.deletions

    def __add__(self, other: Edits) -> Edits:
        return Edits(
            self.substitutions + other.substitutions,
            self.insertions + other.insertions,
            self.deletions + other.deletions,
        )


def distance(truth: Sequence[int] | NDArray[np.integer], answered: Sequence[int] | NDArray[np.integer]) -> Edits:
    """The edits from one sequence of whole numbers to another, in time of the product of their lengths, a row at a time.

    >>> distance([1, 2, 3], [1, 3, 3, 4])
    Edits(substitutions=1, insertions=1, deletions=0)
    >>> distance([1, 2, 3], []).total
    3
    """
    true, given = np.asarray(truth, dtype=np.int64), np.asarray(answered, dtype=np.int64)
    if true.ndim != 1 or given.ndim != 1 or max(len(true), len(given)) > MOST:
        raise DataError("Sequences to compare have one dimension, and at most 2^30 symbols.")
    # One number holds both what is least first and what decides between equals: edits, and of them substitutions.
    whole = np.int64(len(true) + len(given) + 1)
    steps = whole * np.arange(len(given) + 1, dtype=np.int64)
    row = steps.copy()  # of no truth: all that is answered has been inserted
    for symbol in true:
        below = row[:-1] + np.where(given == symbol, 0, whole + 1)  # kept, or put in its place
        best = np.concatenate([[row[0] + whole], np.minimum(row[1:] + whole, below)])
        # An insertion costs the same wherever it stands, so the least of all before needs no loop.
        row = np.minimum.accumulate(best - steps) + steps
    total, substitutions = (int(part) for part in divmod(row[-1], whole))
    longer = len(given) - len(true)
    insertions = (total - substitutions + longer) // 2
    return Edits(substitutions, insertions, total - substitutions - insertions)
