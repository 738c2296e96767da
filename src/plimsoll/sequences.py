"""Sequences held against what happened: the edits that lead from one to the other, by the number of what was true.

What is said, events that a rule decides or symbols that answers spell, is noted at the row at which it falls, so that a figure
of some rows is one of what was said there. Moments are no separate evidence: intervals are drawn over units, people or streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.edits import Edits
from plimsoll.events import Pieces, Timeline, pieces, placed
from plimsoll.matching import Happened, drawn, edited, happened, ratios

Array = NDArray[Any]
LEAST = 3  # streams, or people, that an interval is worth drawing over
_DRAWS = 200


@dataclass(frozen=True)
class Counts:
    """The edits that what was said needs to become what was true, and how much was true, by unit; both of shape (units,)."""

    edits: Array
    true: Array

    @property
    def rate(self) -> float:
        """Edits by what was true; nan where nothing was."""
        return float(self.edits.sum() / self.true.sum()) if self.true.sum() > 0 else float("nan")

    def among(self, many: int) -> Counts:
        """The same of so many units, of which the last have nothing."""
        more = (0, many - len(self.true))
        return Counts(np.pad(self.edits, more), np.pad(self.true, more))


def counted(
    timeline: Timeline, target: Array, said: Array, units: Array | None = None, held: Pieces | None = None
) -> Counts:
    """The counts of what was said, by row: a class, or -1 where nothing begins; shape (rows,). ``units`` numbers the unit of
    each row, each piece of a stream being its own where None."""
    held = pieces(timeline) if held is None else held
    true = happened(timeline, target, held)
    return by_unit(true, edited(true, placed(said, held), held), held, units)


def by_unit(true: Happened, errors: list[Edits], held: Pieces, units: Array | None = None) -> Counts:
    """The counts of what each piece of the streams came to."""
    unit = held.piece if units is None else units[held.order]
    many = int(unit.max(initial=-1)) + 1
    of_piece = unit[held.place == 0]
    wrong = np.bincount(of_piece, weights=[each.total for each in errors], minlength=many)
    return Counts(wrong, np.bincount(of_piece[true.piece], minlength=many).astype(np.float64))


def interval(counts: Counts, seed: int = 0, draws: int = _DRAWS) -> tuple[float, float, float]:
    """The rate with its 95 % interval by the bootstrap over units (Efron 1979): (low, value, high), all alike where there are
    too few of them.

    >>> interval(Counts(np.array([1.0, 1.0, 1.0]), np.array([4.0, 4.0, 4.0])))
    (0.25, 0.25, 0.25)
    """
    many = len(counts.true)
    weights = drawn(many, draws if many >= LEAST else 0, np.random.default_rng(seed))
    return spread(counts, weights)


def spread(counts: Counts, weights: Array) -> tuple[float, float, float]:
    """The same for draws that were made, shape (draws, units)."""
    found = ratios(counts.edits, counts.true, weights)
    low, high = np.quantile(found, [0.025, 0.975]) if len(found) else (counts.rate, counts.rate)
    return float(low), counts.rate, float(high)


def gain(one: Counts, other: Counts, seed: int = 0, draws: int = _DRAWS) -> tuple[float, float]:
    """How much less ``one`` errs than ``other`` over the same units: a paired bootstrap's 95 % interval, and where units are
    too few for one the difference itself.

    >>> sure, slow = (Counts(np.array([each] * 4), np.full(4, 8.0)) for each in (1.0, 3.0))
    >>> gain(sure, slow)
    (0.25, 0.25)
    """
    many = len(one.true)
    weights = drawn(many, draws if many >= LEAST else 0, np.random.default_rng(seed))
    found = ratios(other.edits - one.edits, one.true, weights)
    middle = other.rate - one.rate
    low, high = np.quantile(found, [0.025, 0.975]) if len(found) else (middle, middle)
    return float(low), float(high)
