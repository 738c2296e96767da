"""Events: what a decoder decides from the answers at moments, by a rule of four numbers, as a stream or over many at once.

A moment votes for the likeliest class other than rest where its probability passes the threshold. So many votes running
for one class are an event of it, once a run; a run goes on until the class has had no vote for the time of the hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import JobError, nearest

Array = NDArray[Any]
MOST_VOTES, MOST_EVERY, MOST_HOLD = 1_000, 1_000, 60.0
_NEVER = -(2**60)  # a frame long before any stream


@dataclass(frozen=True)
class Event:
    """A decision: at which frame of its stream, for which class (its number), and how likely it was then."""

    frame: int
    label: int
    probability: float


@dataclass(frozen=True)
class Watch:
    """What a rule keeps of a stream: moments so far, the class that has the votes running and how many, and of each class
    when it last had a vote (as moment and as frame) and whether its run has had its event."""

    first: int
    stride: int
    rate: float
    seen: int = 0
    label: int = -1
    votes: int = 0
    last: Mapping[int, tuple[int, int]] | None = None
    fired: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Rule:
    """When answers become an event: ``votes`` running of more than ``threshold`` for one class other than ``rest`` (its
    number), looked at every ``every``-th moment, once a run; a run ends where the class has had no vote for ``hold`` seconds.

    >>> rule = Rule(threshold=0.8, votes=2, hold=0.0)
    >>> fist = np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.1, 0.9]])
    >>> found, state = rule.step(fist, rule.start(first=50, stride=10, rate=200.0))
    >>> found
    [Event(frame=70, label=1, probability=0.9)]
    """

    threshold: float = 0.9
    votes: int = 3
    every: int = 1
    hold: float = 0.5
    rest: int = 0

    def __post_init__(self) -> None:
        whole = all(type(part) is int for part in (self.votes, self.every, self.rest))
        if not whole or not (1 <= self.votes <= MOST_VOTES and 1 <= self.every <= MOST_EVERY and self.rest >= 0):
            raise JobError(
                f"A rule looks at 1 to {MOST_EVERY} moments and needs 1 to {MOST_VOTES} votes, in whole numbers."
            )
        if not (0.0 < self.threshold < 1.0 and 0.0 <= self.hold <= MOST_HOLD):  # nan is neither
            raise JobError(f"A rule has a threshold between 0 and 1, and a hold of 0 to {MOST_HOLD:g} s.")

    def start(self, first: int, stride: int, rate: float) -> Watch:
        """The state at the start of a stream with moments at ``first`` frames and then every ``stride``; ``rate`` in Hz."""
        return Watch(first, stride, rate)

    def step(self, probabilities: Array, state: Watch) -> tuple[list[Event], Watch]:
        """The events at the next moments, of which the calibrated probabilities are given, shape (moments, classes)."""
        found = []
        for row in np.asarray(probabilities, dtype=np.float64):
            state, event = self._moment(row.tolist(), state)
            found += [event] if event is not None else []
        return found, state

    def _moment(self, row: Sequence[float], state: Watch) -> tuple[Watch, Event | None]:
        moment = state.seen
        if moment % self.every:
            return replace(state, seen=moment + 1), None
        label = max((k for k in range(len(row)) if k != self.rest), key=row.__getitem__, default=-1)
        if label < 0 or not row[label] > self.threshold:
            return replace(state, seen=moment + 1, label=-1, votes=0), None
        frame = state.first + moment * state.stride
        votes = state.votes + 1 if state.label == label else 1
        then, when = (state.last or {}).get(label, (_NEVER, _NEVER))
        same = moment - then <= self.every or frame - when <= self.frames(state.rate)
        fired = state.fired if same else state.fired - {label}
        event = Event(frame, label, row[label]) if votes >= self.votes and label not in fired else None
        kept = replace(
            state,
            seen=moment + 1,
            label=label,
            votes=votes,
            last={**(state.last or {}), label: (moment, frame)},
            fired=fired | {label} if event else fired,
        )
        return kept, event

    def frames(self, rate: float) -> int:
        """The hold in frames."""
        return round(self.hold * rate)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Rule:
        """The rule that ``as_json`` wrote. Raises JobError where it cannot be one."""
        known = Rule().as_json()
        if set(value) != set(known):
            raise JobError(f"A rule has {', '.join(known)}; this one has {', '.join(map(str, value)) or 'nothing'}.")
        for name, part in value.items():
            if isinstance(part, bool) or not isinstance(part, int | float) or not math.isfinite(part):
                raise JobError(f"rule.{name} is not a number.")
        numbers = {name: float(value[name]) for name in ("threshold", "hold")}
        return Rule(**numbers, votes=value["votes"], every=value["every"], rest=value["rest"])


def rest_of(named: str, classes: Sequence[str], target: Array) -> int:
    """The number of the class of nothing happening: the one that is named, or the commonest.

    >>> rest_of("", ("fist", "rest"), np.array([1, 1, 0]))
    1
    """
    if named:
        if named not in classes:
            raise JobError(f'--rest "{named}" is not a label. {nearest(named, classes)}')
        return classes.index(named)
    return int(np.bincount(target, minlength=len(classes)).argmax())


@dataclass(frozen=True)
class Timeline:
    """When rows were. Of each, shape (rows,): the frame at which its stream starts, its own, and the one at which what is
    true of it began. ``first``, ``stride`` and the label's ``delay`` are in frames, ``rate`` in frames a second."""

    streams: NDArray[np.int64]
    ends: NDArray[np.int64]
    onsets: NDArray[np.int64]
    rate: float
    first: int
    stride: int
    delay: int = 0
    rest: int = 0

    def take(self, index: Array) -> Timeline:
        return replace(self, streams=self.streams[index], ends=self.ends[index], onsets=self.onsets[index])


@dataclass(frozen=True)
class Pieces:
    """Rows in the order of time, and parted where a stream ends or breaks off: all in that order, shape (rows,).

    ``order`` are the row numbers, ``piece`` counts the pieces, and ``place`` the moments of each.
    """

    order: Array
    piece: Array
    place: Array
    frames: Array


def pieces(timeline: Timeline) -> Pieces:
    """A stream breaks off where more is missing than between two recordings of a session, which a window parts.

    >>> at = np.array([50, 60, 70, 500])
    >>> pieces(Timeline(np.zeros(4, int), at, at, 200.0, 50, 10)).piece.tolist()
    [0, 0, 0, 1]
    """
    order = np.lexsort((timeline.ends, timeline.streams))
    streams, frames = timeline.streams[order], timeline.ends[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (np.diff(streams) != 0) | (np.diff(frames) > timeline.first + timeline.stride)
    piece = np.cumsum(begins) - 1
    place = np.arange(len(order)) - np.flatnonzero(begins)[piece]
    return Pieces(order, piece, place, frames)


@dataclass(frozen=True)
class Fired:
    """Decisions over rows: ``at`` are places in the order of ``Pieces``, by piece, class and time."""

    at: Array
    labels: Array


@dataclass(frozen=True)
class Streaks:
    """Votes running for one class, by piece, class and time: where they stand among the moments that are looked at
    (``looked``, places in the order of ``Pieces``), how many they are, and how many frames lie between each and the one
    of its class before it."""

    looked: Array
    begins: Array
    lengths: Array
    labels: Array
    apart: Array


def streaks(probabilities: Array, held: Pieces, threshold: float, every: int, rest: int) -> Streaks:
    """All of them, for rows whose probabilities have the order of ``held``."""
    likely, who = _likeliest(probabilities, rest)
    looked = np.flatnonzero(held.place % every == 0)
    vote = np.where(likely[looked] > threshold, who[looked], -1)
    piece, frames = held.piece[looked], held.frames[looked]
    edge = np.ones(len(looked), dtype=bool)
    edge[1:] = (vote[1:] != vote[:-1]) | (piece[1:] != piece[:-1])
    begins = np.flatnonzero(edge)
    lengths = np.diff(np.append(begins, len(looked)))
    kept = vote[begins] >= 0
    begins, lengths = begins[kept], lengths[kept]
    order = np.lexsort((begins, vote[begins], piece[begins]))
    begins, lengths = begins[order], lengths[order]
    labels = vote[begins]
    apart = np.full(len(begins), 2**60, dtype=np.int64)
    same = (labels[1:] == labels[:-1]) & (piece[begins[1:]] == piece[begins[:-1]])
    gap = frames[begins[1:]] - frames[begins[:-1] + lengths[:-1] - 1]
    apart[1:][same] = gap[same]
    return Streaks(looked, begins, lengths, labels, apart)


def _likeliest(probabilities: Array, rest: int) -> tuple[Array, Array]:
    """Of each row the likeliest class other than rest: how likely it is, and which."""
    others = probabilities.copy()
    others[:, rest] = -1.0
    who = others.argmax(axis=1)
    return others[np.arange(len(others)), who], who


def decided(found: Streaks, votes: int, hold: int) -> Fired:
    """The decisions: of each run the first of its streaks that is long enough; ``hold`` is in frames."""
    run = np.cumsum(found.apart > hold)
    enough = np.flatnonzero(found.lengths >= votes)
    first = enough[np.unique(run[enough], return_index=True)[1]]
    return Fired(found.looked[found.begins[first] + votes - 1], found.labels[first])


def fired(rule: Rule, probabilities: Array, timeline: Timeline, held: Pieces) -> Fired:
    """What ``rule.step`` decides on each piece of a stream by itself, for rows in any order, shape (rows, classes)."""
    found = streaks(probabilities[held.order], held, rule.threshold, rule.every, rule.rest)
    return decided(found, rule.votes, rule.frames(timeline.rate))


def decisions(rule: Rule, probabilities: Array, timeline: Timeline) -> Array:
    """The class that is decided at each moment, -1 where none is, shape (rows,); the rows may have any order."""
    held = pieces(timeline)
    made = fired(rule, probabilities, timeline, held)
    found = np.full(len(probabilities), -1)
    found[held.order[made.at]] = made.labels
    return found


def placed(decided: Array, held: Pieces) -> Fired:
    """Decisions that are noted by row, as ``decisions`` gives them, in the order in which they are matched."""
    made = decided[held.order]
    at = np.flatnonzero(made >= 0)
    order = np.lexsort((at, made[at], held.piece[at]))
    return Fired(at[order], made[at[order]])
