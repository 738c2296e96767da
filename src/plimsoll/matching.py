"""Decisions held against what happened: which event each of them found, what was missed, what was made up, and how late.

Each true event is found by at most one decision of its class, from just before its onset until just after its end, and each
decision finds at most one, the earliest first. A score that only looks at the order of what was found sees neither misses
nor false alarms; ``event_error_rate`` is an edit distance, in which both count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import edits
from plimsoll.events import Fired, Pieces, Timeline

Array = NDArray[Any]
HOUR = 3600.0  # seconds
EARLY, LATE = 0.05, 0.25  # seconds before the onset, and after the end, in which a decision counts


@dataclass(frozen=True)
class Happened:
    """True events, by piece, class and time: of each its piece and class, and in frames when it began (``onsets``), at which
    moment it was first and last true (``firsts``, ``lasts``)."""

    piece: Array
    labels: Array
    onsets: Array
    firsts: Array
    lasts: Array


def happened(timeline: Timeline, target: Array, held: Pieces) -> Happened:
    """Runs of a label other than rest within a piece; one that a piece begins with is taken to begin there."""
    true, piece = target[held.order], held.piece
    edge = np.ones(len(true), dtype=bool)
    edge[1:] = (true[1:] != true[:-1]) | (piece[1:] != piece[:-1])
    begins = np.flatnonzero(edge)
    lasts = np.append(begins[1:], len(true)) - 1
    kept = true[begins] != timeline.rest
    begins, lasts = begins[kept], lasts[kept]
    order = np.lexsort((begins, true[begins], piece[begins]))
    begins, lasts = begins[order], lasts[order]
    onsets, firsts = timeline.onsets[held.order][begins], held.frames[begins]
    cut = (held.place[begins] == 0) | (onsets > firsts)
    since = np.where(cut, firsts - timeline.delay, onsets)
    return Happened(piece[begins], true[begins], since, firsts, held.frames[lasts])


def matched(true: Happened, made: Fired, held: Pieces, rate: float, early: float = EARLY, late: float = LATE) -> Array:
    """For each true event the decision (its number) that found it, or -1. What decides is given out in turns: every decision
    asks for the earliest event that it may find, each event keeps the earliest that asks, and the others ask for the next."""
    found = np.full(len(true.labels), -1)
    if not len(found) or not len(made.at):
        return found
    when, piece = held.frames[made.at], held.piece[made.at]
    span = int(held.frames.max()) + round((early + late) * rate) + 2
    classes = int(max(true.labels.max(), made.labels.max())) + 1
    group = (true.piece * classes + true.labels).astype(np.int64)
    asks = (piece * classes + made.labels).astype(np.int64)
    until = true.lasts + round(late * rate)
    nexts = np.searchsorted(group * span + until, asks * span + when)
    waiting = np.arange(len(made.at))
    opens = true.onsets - round(early * rate)
    while len(waiting):
        place = nexts[waiting]
        inside = place < len(found)
        inside[inside] = (group[place[inside]] == asks[waiting[inside]]) & (
            opens[place[inside]] <= when[waiting[inside]]
        )
        waiting = waiting[inside]
        rivals = np.concatenate([waiting, found[found >= 0]])
        wants = np.concatenate([nexts[waiting], np.flatnonzero(found >= 0)])
        order = np.lexsort((when[rivals], wants))
        first = np.unique(wants[order], return_index=True)[1]
        found[wants[order][first]] = rivals[order][first]
        waiting = np.setdiff1d(rivals, found, assume_unique=True)
        nexts[waiting] += 1
    return found


@dataclass(frozen=True)
class Tally:
    """What came of the decisions, by unit (a stream, or a person); arrays of shape (units,), times in seconds.

    ``false`` are the decisions at rest that found nothing, and ``unmatched`` all that found nothing. ``wrong`` are the events
    that only a decision of another class fell upon. ``delays`` are of the events found, shape (events,), from the onset, and
    ``waits`` what of them passed before the first moment and ``lags`` from that to the decision; ``whose`` is their unit.
    """

    events: Array
    found: Array
    wrong: Array
    false: Array
    unmatched: Array
    resting: Array
    seconds: Array
    delays: Array
    waits: Array
    lags: Array
    whose: Array


def tally(
    timeline: Timeline, target: Array, made: Fired, held: Pieces, true: Happened, units: Array | None = None
) -> Tally:
    """The counts; ``units`` numbers the unit of each row, shape (rows,), each piece being its own where None."""
    unit = held.piece if units is None else units[held.order]
    many = int(unit.max(initial=-1)) + 1
    of_piece = unit[np.flatnonzero(held.place == 0)] if len(unit) else unit
    found = matched(true, made, held, timeline.rate)
    hit = found >= 0
    free = np.ones(len(made.at), dtype=bool)
    free[found[hit]] = False
    resting = target[held.order] == timeline.rest
    moment = timeline.stride / timeline.rate
    whose = of_piece[true.piece]
    wrong = ~hit & _fallen_upon(true, made, held, free, timeline.rate)
    frames = held.frames[made.at[found[hit]]]

    def count(of: Array, mask: Array | None = None) -> Array:
        return np.bincount(of if mask is None else of[mask], minlength=many).astype(np.float64)

    return Tally(
        count(whose),
        count(whose, hit),
        count(whose, wrong),
        count(unit[made.at], free & resting[made.at]),
        count(unit[made.at], free),
        count(unit, resting) * moment,
        count(unit) * moment,
        (frames - true.onsets[hit]) / timeline.rate,
        (true.firsts[hit] - timeline.delay - true.onsets[hit]) / timeline.rate,
        (frames - true.firsts[hit]) / timeline.rate,
        whose[hit],
    )


def _fallen_upon(true: Happened, made: Fired, held: Pieces, free: Array, rate: float) -> Array:
    """Which events a decision that found nothing fell upon, whatever its class."""
    span = int(held.frames.max(initial=0)) + round((EARLY + LATE) * rate) + 2
    places = np.sort(held.piece[made.at[free]] * span + held.frames[made.at[free]])
    low = np.searchsorted(places, true.piece * span + np.maximum(true.onsets - round(EARLY * rate), 0))
    high = np.searchsorted(places, true.piece * span + true.lasts + round(LATE * rate), side="right")
    return np.asarray(high > low)


def drawn(units: int, draws: int, random: np.random.Generator) -> Array:
    """How often each unit is in each bootstrap draw of them (Efron 1979), shape (draws, units)."""
    return random.multinomial(units, np.full(units, 1.0 / max(units, 1)), draws)


def ratios(above: Array, below: Array, weights: Array) -> Array:
    """Counts over their base in every draw of the units that has one, shape (draws,).

    >>> ratios(np.array([1.0, 0.0]), np.array([2.0, 0.0]), np.array([[1, 1], [0, 2]])).tolist()
    [0.5]
    """
    bases = weights @ below
    return np.asarray((weights @ above)[bases > 0] / bases[bases > 0])


def quantile(ordered: Array, share: float) -> float:
    """The smallest of rising figures that so large a share of them does not exceed.

    >>> quantile(np.array([1.0, 2.0, 3.0, 4.0]), 0.5)
    2.0
    """
    return float(ordered[int(np.ceil(share * len(ordered))) - 1])


def edited(true: Happened, made: Fired, held: Pieces) -> list[edits.Edits]:
    """For each piece, what leads from the classes that occurred to those that were decided, each in the order of time."""
    many = int(held.piece.max(initial=-1)) + 1
    was = _sequences(true.piece, true.onsets, true.labels, many)
    said = _sequences(held.piece[made.at], held.frames[made.at], made.labels, many)
    return [edits.distance(one, other) for one, other in zip(was, said, strict=True)]


def _sequences(piece: Array, frames: Array, labels: Array, many: int) -> list[Array]:
    order = np.lexsort((frames, piece))
    return np.split(labels[order], np.cumsum(np.bincount(piece, minlength=many))[:-1]) if many else []
