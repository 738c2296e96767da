"""Discriminants that follow their wearer through a stream: of everybody, of each known person, in any way of wearing a ring.

A model of this kind has a memory longer than its window: of how the sensors are worn and where the wearer's classes lie,
for the whole stream; and of what it last answered, for as long as it holds answers.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from plimsoll import wearing
from plimsoll.discriminant import Round
from plimsoll.following import Follower, State
from plimsoll.knobs import Knobs
from plimsoll.recipe import Answers, Members
from plimsoll.rows import Rows, Signals, Value
from plimsoll.schema import Layout
from plimsoll.streaming import Chunk, moments
from plimsoll.window_features import FEATURES

Array = NDArray[Any]
Index = NDArray[np.intp]
ARRAYS, NOTES = "adaptive.safetensors", "adaptive.json"
_PIECE = 1_000  # beats at once
_TINY = 1e-12


@dataclass(frozen=True)
class Pace:
    """How a stream is followed. Frames of a window; frames from beat to beat; beats from one that is learned from to the next.

    ``level``, ``classes`` and ``trust`` are those of a ``Follower``. From beat to beat an answer holds with probability
    ``stay``, and what is heard counts as much as ``fresh`` windows that share nothing with the last.
    """

    frames: int
    beat: int
    learn: int
    level: float  # 0: not followed
    classes: float  # 0: not followed
    trust: float
    stay: float  # 0: answers are not held
    fresh: float

    def __post_init__(self) -> None:
        if min(self.frames, self.beat, self.learn) < 1 or max(self.frames, self.beat, self.learn) > 10_000_000:
            raise ValueError(f"a pace of {self}")
        if not (min(self.level, self.classes, self.trust) >= 0 and 0 <= self.stay < 1 and 0 < self.fresh <= 1):
            raise ValueError(f"a pace of {self}")


class Memory(NamedTuple):
    """A stream under way: what is known of it, the answer that is held, its last frames, and how many there have been."""

    first: int
    stride: int
    follower: Follower
    state: State
    held: Array
    tail: Chunk
    heard: int


@dataclass(frozen=True)
class Adaptive:
    """``heads`` are those of the ``people`` and last that of everybody; ``odds``, shape (heads, ways), say how likely each way
    of wearing is. The signal ``name`` comes first in the schema, and ``person`` is the column that says who wears it."""

    name: str
    layout: Layout
    person: tuple[str, int]  # the column's name and its place; ("", -1) where there is none
    features: str
    turn: bool
    people: tuple[str, ...]
    heads: tuple[Round, ...]
    odds: Array
    pace: Pace
    settled: Knobs = field(default_factory=dict)

    @cached_property
    def ways(self) -> Index:
        """Where each feature is found in each way of wearing, shape (ways, features)."""
        return ways_of(self.layout, self.features, self.turn)

    def follower(self, person: Value) -> Follower:
        place = self.people.index(person) if person in self.people else len(self.people)
        pace = self.pace
        level, classes = (weight or np.inf for weight in (pace.level, pace.classes))
        return Follower(self.heads[place], self.ways, self.odds[place], level, classes, pace.trust)

    def start(self, first: int, stride: int, beside: Sequence[Value] = ()) -> Memory:
        """A stream of whoever ``beside`` names, from its start: a person that is not known is answered as everybody is."""
        who = self.person[1] - 1
        return self._opened(beside[who] if 0 <= who < len(beside) else None, first, stride)

    def _opened(self, person: Value, first: int = 1, stride: int = 1) -> Memory:
        follower = self.follower(person)
        nothing = np.zeros((0, len(self.layout.channels)), dtype=np.float32)
        return Memory(first, stride, follower, follower.start(), follower.known.shares, nothing, 0)

    def step(self, chunk: Chunk, state: Memory) -> tuple[Answers, Memory]:
        """The answers at the moments that a chunk completes, shape (moments, classes), and the memory to go on with."""
        return self._on(chunk, state, moments(state.heard, state.heard + len(chunk), state.first, state.stride))

    def _on(self, chunk: Chunk, memory: Memory, asked: Collection[int]) -> tuple[Answers, Memory]:
        """Goes on to the end of the chunk, with answers at the frames that are asked for, counted from the stream's start.

        What is learned, and what is held, moves at beats alone, so that nothing hangs on when somebody asked.
        """
        pace, follower = self.pace, memory.follower
        room = np.concatenate([memory.tail, chunk]) if len(memory.tail) else chunk
        heard, begin = memory.heard + len(chunk), memory.heard - len(memory.tail)
        beats = moments(memory.heard, heard, pace.frames, pace.beat)
        points = beats if beats == asked else sorted({*beats, *asked})
        state, held, found = memory.state, memory.held, []
        for point, features in zip(points, self._features(room, points, begin), strict=True):
            now = follower.heard(state, features)
            answer = self._answer(follower.answer(state, now), held, follower.known)
            if point in asked:
                found.append(answer)
            if point in beats:
                held = answer
                if (point - pace.frames) // pace.beat % pace.learn == 0:
                    state = follower.learned(state, now)
        tail = room[-pace.frames :].copy()
        return np.array(found).reshape(-1, len(held)), memory._replace(state=state, held=held, tail=tail, heard=heard)

    def _features(self, room: Chunk, points: Sequence[int], begin: int) -> Array:
        """Features of the windows that end at these frames, shape (points, features); ``begin`` is the room's first frame."""
        if len(points) == 1 and points[0] - begin >= self.pace.frames:
            end = points[0] - begin
            return FEATURES[self.features].of(room[None, end - self.pace.frames : end])
        if not len(points):
            return np.zeros((0, 0))
        ends = np.array(points, dtype=np.int64) - begin
        return FEATURES[self.features].last(Signals(room, np.zeros_like(ends), ends), self.pace.frames)

    def _answer(self, shares: Array, held: Array, known: Round) -> Array:
        """The forward step of a chain that stays in its class: what was held, and what is heard beside what is common."""
        if not self.pace.stay:
            return shares
        prior, stay = known.shares, self.pace.stay
        said = (np.maximum(shares, _TINY) / prior) ** self.pace.fresh
        found = (stay * held + (1.0 - stay) * prior) * said
        return np.asarray(found / found.sum())

    def predict(self, rows: Rows) -> Answers:
        """Stream by stream from its start, as ``step`` would have answered; shape (rows, classes)."""
        signals, people = rows.signals(self.name), self._people(rows)
        found = np.zeros((len(rows), len(self.heads[0].prior)))
        silent = signals.ends <= signals.starts
        keys = np.stack([signals.starts, people, silent], axis=1)
        streams, whose = np.unique(keys, axis=0, return_inverse=True)
        for stream, (start, who, nothing) in enumerate(streams.tolist()):
            mine = np.flatnonzero(whose.ravel() == stream)
            ends, back = np.unique(signals.ends[mine] - start, return_inverse=True)
            cell = signals.samples[start : start + (0 if nothing else int(ends[-1]))]
            answers = self._along(cell, ends.tolist(), [*self.people, None][who])
            found[mine] = answers[0] if nothing else answers[back]
        return found

    def _people(self, rows: Rows) -> Array:
        """Which of the heads each row has."""
        known = {name: place for place, name in enumerate(self.people)}
        if not self.person[0]:
            return np.full(len(rows), len(known))
        cells = rows.texts(self.person[0])
        return np.array([*(known.get(value, len(known)) for value in cells.values), len(known)])[cells.codes]

    def _along(self, cell: Array, ends: list[int], person: Value) -> Answers:
        """Answers at these frames of a stream, in order. A stream without a frame is heard as one of silence."""
        if not len(cell):
            return self._along(np.zeros((1, len(self.layout.channels)), dtype=np.float32), [1], person)
        memory, size, found = self._opened(person), _PIECE * self.pace.beat, []
        for begin in range(0, len(cell), size):
            asked = ends[bisect_right(ends, begin) : bisect_right(ends, begin + size)]
            chunk = np.asarray(cell[begin : begin + size], dtype=np.float32)
            answers, memory = self._on(chunk, memory, frozenset(asked))
            found.append(answers)
        return np.concatenate(found)

    def answer(self, values: Sequence[Value]) -> Sequence[float]:
        """One moment, from all that its cell holds of the stream."""
        cell, who = values[0], self.person[1]
        assert isinstance(cell, np.ndarray)
        answers = self._along(cell, [len(cell)], values[who] if who >= 0 else None)
        return [float(part) for part in answers[0]]

    def members(self) -> Members:
        notes = {"features": self.features, "turn": self.turn, "people": self.people, "pace": asdict(self.pace)}
        arrays = {name: np.stack([getattr(head, name) for head in self.heads]) for name in _OF_HEAD}
        held = {
            name: np.ascontiguousarray(array, dtype=np.float32) for name, array in {**arrays, "odds": self.odds}.items()
        }
        return {ARRAYS: safetensors.numpy.save(held), NOTES: json.dumps(notes, sort_keys=True).encode()}


def ways_of(layout: Layout, features: str, turn: bool) -> Index:
    """Where each feature is found in each way of wearing, shape (ways, features); in one way only where nothing turns."""
    orders = wearing.orders(layout) if turn else np.arange(len(layout.channels))[None]
    return np.stack([FEATURES[features].places(order) for order in orders])


_OF_HEAD = ("root", "means", "prior")


def load(name: str, layout: Layout, person: tuple[str, int], classes: int, members: Members) -> Adaptive:
    """The model of these members. Raises KeyError and ValueError where they are none."""
    notes = json.loads(members[NOTES])
    held = safetensors.numpy.load(members[ARRAYS])
    arrays = {key: np.asarray(held[key], dtype=np.float64) for key in (*_OF_HEAD, "odds")}
    people = tuple(str(each) for each in notes["people"])
    heads = tuple(Round(*parts) for parts in zip(*(arrays[key] for key in _OF_HEAD), strict=True))
    if notes["features"] not in FEATURES:
        raise ValueError(f'there are no features "{notes["features"]}"')
    found = Adaptive(
        name,
        layout,
        person,
        notes["features"],
        bool(notes["turn"]),
        people,
        heads,
        arrays["odds"],
        Pace(**notes["pace"]),
    )
    many, (ways, width) = len(people) + 1, found.ways.shape
    shapes = [(many, width, width), (many, classes, width), (many, classes), (many, ways)]
    if [array.shape for array in arrays.values()] != shapes or not all(np.isfinite(a).all() for a in arrays.values()):
        raise ValueError(f"its arrays are not of {many} heads, {classes} classes and {width} features")
    return found


def kept(head: Round) -> Round:
    """A head as it is after it was saved, in 32 bits."""
    return Round(*(np.ascontiguousarray(getattr(head, name), np.float32).astype(np.float64) for name in _OF_HEAD))
