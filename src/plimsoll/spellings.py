"""How the answers of a model are read as a sequence: chosen after it, on answers to moments that it had not learned from.

Widths are tried on the same answers, wider ones while they err less. The narrowest is taken than which no
wider one errs measurably less: a beam weighs all ways in which moments spell a sequence, and costs the more the wider it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from plimsoll import ctc, sequences
from plimsoll.ctc import Spelling
from plimsoll.rule import Known
from plimsoll.sequences import Counts

WIDTHS = (1, 4, 16)
MOST = 10_000  # moments that widths are compared on: of more, some whole pieces of streams


@dataclass(frozen=True)
class Tried:
    """One spelling on the answers that are known: its edits by unit, and in seconds what reading a moment took, and how much
    later than they began symbols were settled on average."""

    spelling: Spelling
    counts: Counts
    seconds: float
    later: float


@dataclass(frozen=True)
class Choice:
    """The spelling that was chosen, and all that were tried, the narrowest first."""

    best: Tried
    tried: Sequence[Tried]


@dataclass(frozen=True)
class Widths:
    """The spellings that these answers could have."""

    known: Known

    @cached_property
    def tried(self) -> list[Tried]:
        """Those that were tried; the counts are of all units, with nothing of one that was not drawn."""
        known, found = self.known, list[Tried]()
        rows = _some(known, MOST)
        for width in WIDTHS:
            found.append(_tried(known, rows, Spelling(width, known.timeline.rest)))
            if len(found) > 1 and not found[-1].counts.rate < found[-2].counts.rate:
                break
        return found

    def chosen(self) -> Choice:
        """The spelling for these answers."""
        return Choice(_narrowest(self.tried, np.ones(len(self.tried[0].counts.true), dtype=bool)), self.tried)

    def crossed(self, seed: int) -> NDArray[np.int64]:
        """The symbols at these moments (see ``ctc.spelt``), those of each half of the units by the spelling that the other half
        chose: figures that flatter nobody. One unit alone has the spelling that it chose itself."""
        half, units = self.known.halves(seed), self.known.held_units
        said = np.full(len(units), -1)
        for teach, learn in ((half, ~half), (~half, half)):
            if learn.any():
                best, rows = _narrowest(self.tried, teach if teach.any() else learn), np.flatnonzero(learn[units])
                part = self.known.take(rows)
                said[rows] = ctc.spelt(best.spelling, part.probabilities, part.timeline)[0]
        return said


def _some(known: Known, most: int) -> NDArray[np.intp]:
    """The rows of as many pieces of streams as hold so many at most, of one at least: one of each unit before a second of any."""
    piece = np.empty_like(known.held.piece)
    piece[known.held.order] = known.held.piece
    rows = known.held.order[known.held.place == 0]
    drawn = np.random.default_rng(8).permutation(len(rows))
    units = known.held_units[rows][drawn]
    turn = np.array([np.sum(units[:k] == unit) for k, unit in enumerate(units)], dtype=np.int64)
    order = drawn[np.argsort(turn, kind="stable")]
    many = max(1, int(np.searchsorted(np.cumsum(np.bincount(piece)[order]), most, side="right")))
    return np.flatnonzero(np.isin(piece, order[:many]))


def _tried(known: Known, rows: NDArray[np.intp], spelling: Spelling) -> Tried:
    timeline, units = known.timeline.take(rows), known.held_units[rows]
    begun = time.process_time()
    said, later = ctc.spelt(spelling, known.probabilities[rows], timeline)
    seconds = (time.process_time() - begun) / max(len(said), 1)
    late = float(later[said >= 0].mean()) if (said >= 0).any() else 0.0
    many = int(known.held_units.max(initial=-1)) + 1
    counts = sequences.counted(timeline, known.target[rows], said, units).among(many)
    return Tried(spelling, counts, seconds, late * timeline.stride / timeline.rate)


def _narrowest(found: Sequence[Tried], units: NDArray[np.bool_]) -> Tried:
    """The first than which none after it errs measurably less on these units."""
    told = [Counts(each.counts.edits[units], each.counts.true[units]) for each in found]
    for place, one in enumerate(told):
        if not any(sequences.gain(wider, one)[0] > 0.0 for wider in told[place + 1 :]):
            return found[place]
    return found[-1]
