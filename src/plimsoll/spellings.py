"""How the answers of a model are read as a sequence: chosen after it, on answers to moments that it had not learned from.

Each width is tried on the same answers. The narrowest is taken than which no wider one errs measurably less: a beam weighs all
ways in which moments spell a sequence, and costs as many times more at every moment as it is wide.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plimsoll import ctc, sequences
from plimsoll.ctc import Spelling
from plimsoll.rule import Known
from plimsoll.sequences import Counts

WIDTHS = (1, 4, 16)


@dataclass(frozen=True)
class Tried:
    """One spelling on the answers that are known: the symbol that begins at each row (-1: none), its edits by unit, and in
    seconds what reading a moment took, and how much later than they began symbols were settled on average."""

    spelling: Spelling
    said: NDArray[np.int64]
    counts: Counts
    seconds: float
    later: float


@dataclass(frozen=True)
class Choice:
    """The spelling that was chosen, and all that were tried, the narrowest first."""

    best: Tried
    tried: Sequence[Tried]


def tried(known: Known) -> list[Tried]:
    """Every width on the same answers."""
    return [_tried(known, Spelling(width, known.timeline.rest)) for width in WIDTHS]


def _tried(known: Known, spelling: Spelling) -> Tried:
    timeline = known.timeline
    begun = time.process_time()
    said, later = ctc.spelt(spelling, known.probabilities, timeline)
    seconds = (time.process_time() - begun) / max(len(said), 1)
    late = float(later[said >= 0].mean()) if (said >= 0).any() else 0.0
    counts = sequences.counted(timeline, known.target, said, known.held_units, known.held)
    return Tried(spelling, said, counts, seconds, late * timeline.stride / timeline.rate)


def chosen(known: Known) -> Choice:
    """The spelling for these answers."""
    found = tried(known)
    return Choice(_narrowest(found, np.ones(len(found[0].counts.true), dtype=bool)), found)


def crossed(known: Known, seed: int) -> NDArray[np.int64]:
    """The symbols at these moments (see ``ctc.spelt``), those of each half of the units by the spelling that the other half
    chose: figures that flatter nobody. One unit alone has the spelling that it chose itself."""
    found, half, units = tried(known), known.halves(seed), known.held_units
    said = np.full(len(units), -1)
    for teach, learn in ((half, ~half), (~half, half)):
        if learn.any():
            best, rows = _narrowest(found, teach if teach.any() else learn), learn[units]
            said[rows] = best.said[rows]
    return said


def _narrowest(found: Sequence[Tried], units: NDArray[np.bool_]) -> Tried:
    """The first than which none after it errs measurably less on these units."""
    told = [Counts(each.counts.edits[units], each.counts.true[units]) for each in found]
    for place, one in enumerate(told):
        if not any(sequences.gain(wider, one)[0] > 0.0 for wider in told[place + 1 :]):
            return found[place]
    return found[-1]
