"""One stream of a bundle that decodes: chunks of samples in; out come answers at the moments that they complete, events, and
the symbols that they spell."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll import ctc, events, streaming
from plimsoll.bundle import Bundle
from plimsoll.ctc import Beam, Greedy
from plimsoll.errors import DataError, RequestError
from plimsoll.recipe import Model
from plimsoll.rows import Value, missing
from plimsoll.schema import Kind, Layout
from plimsoll.serve.request import cell

Chunk = NDArray[np.float32]  # shape (frames, channels)
_HEARD = 50  # frames that a moment is spoken for by where it is watched, as a signal's level is
_SHOWN = 4  # channels that a message names


class Moment(msgspec.Struct, frozen=True):
    """The answer at one moment: ``at`` seconds from the start of the stream, the class that is decided, and the calibrated
    probability of each."""

    at: float
    prediction: str | int | bool
    probabilities: dict[str, float]


class Event(msgspec.Struct, frozen=True):
    """Something that the decision rule says has happened: what, and how probable it was at that moment."""

    at: float
    label: str | int | bool
    probability: float


class Symbol(msgspec.Struct, frozen=True):
    """A symbol of the sequence that the answers spell: which, and when it began. It is told once it is settled."""

    at: float
    label: str | int | bool


Told = Moment | Event | Symbol


class Session:
    """One stream under way, as ``plimsoll.load(bundle).start()`` opens it.

    ``beside`` are the values of the columns beside the signal, where they are known otherwise than by the ``person``.
    Moments are counted from the first frame; what a gap has swallowed counts too, so that ``at`` stays true.
    """

    def __init__(
        self,
        bundle: Bundle,
        model: Model,
        person: str | int | None = None,
        beside: Sequence[Value] | None = None,
    ) -> None:
        self.bundle = bundle
        self.layout: Layout = streaming.layout_of(bundle.schema)
        self.rate = streaming.layout_heard(bundle.job, bundle.schema).rate  # of the frames that come
        self.person = person if person is not None and _place(bundle) is not None else None
        self.beside = _beside(bundle, person) if beside is None else tuple(beside)
        self.restarts = 0
        self._model = model
        self._rule = bundle.rule
        self._spelling = bundle.spelling
        self._classes = bundle.schema.classes
        self._says = [bundle.schema.class_value(index) for index in range(len(self._classes))]
        self._calibration = bundle.calibration
        self._shifted = any(bundle.calibration.offsets)
        self._state: Any = None  # of the rule
        self._word: Greedy | Beam | None = None  # what is being spelt
        self._before = 0  # frames of the stream before the one under way began
        self._recent: deque[Chunk] = deque()
        self._kept = 0
        self._open()

    @property
    def seconds(self) -> float:
        """How long the stream is, what was lost of it among that."""
        return self._at(self._stream.heard)

    def frames(self, seconds: float) -> int:
        """Whole frames that come in so many seconds, at least one."""
        return max(1, round(seconds * self.rate))

    def step(self, chunk: Any) -> list[Told]:
        """The answers at the moments that the chunk completes, each followed by the event that it decides and by the symbols that
        it settles, if any.

        ``chunk`` holds any number of frames: an array of shape (frames, channels), or a list of frames. Raises DataError
        where it is something else, or holds what is no finite number; the stream is then as it was before.
        """
        return self.push(as_frames(chunk, self.layout))

    def push(self, chunk: Chunk) -> list[Told]:
        """``step`` for frames that have been checked."""
        frames = chunk if self._ready is None else self._ready.push(chunk)
        ends, answers = self._stream.push(frames)
        self._keep(frames)
        if not len(ends):
            return []
        shares = [self._calibrated(raw) for raw in answers.tolist()]
        moments = [self._moment(end, share) for end, share in zip(ends.tolist(), shares, strict=True)]
        told = [*self._decided(shares), *self._settled(shares)]
        return _merged(moments, told) if told else [*moments]

    def end(self) -> list[Told]:
        """What is left to tell when a stream ends: the symbols that were not settled yet. What comes after begins a new sequence."""
        return [] if self._word is None else [self._symbol(each) for each in self._word.end()]

    def restart(self, lost: int = 0) -> list[Told]:
        """Forgets what was heard, as after a gap of ``lost`` frames: the next moment comes once a window is full again. What was
        left to tell is given back."""
        left = self.end()
        self._before += self._stream.heard + round(lost * self.layout.rate / self.rate)
        self.restarts += 1
        self._open()
        return left

    def values(self) -> tuple[Value, ...]:
        """What a moment is spoken for by where it is watched: the last frames, and what stands beside the signal."""
        frames = np.concatenate(self._recent) if self._recent else np.zeros((0, len(self.layout.channels)), np.float32)
        return (frames[-_HEARD:], *self.beside)

    def _open(self) -> None:
        job, schema = self.bundle.job, self.bundle.schema
        self._ready = streaming.prepared(job, schema)
        self._stream = streaming.opened(self._model, job, schema, self.beside, raw=False)
        if self._rule is not None:
            self._state = self._rule.start(self._stream.first, self._stream.stride, self.layout.rate)
        if self._spelling is not None:
            self._word = self._spelling.start()
        self._recent.clear()
        self._kept = 0

    def _decided(self, shares: Sequence[Sequence[float]]) -> list[tuple[float, Told]]:
        """The events of these moments, each with when it is told."""
        if self._rule is None:
            return []
        found, self._state = self._rule.step(np.array(shares), self._state)
        return [(event.at, event) for event in map(self._event, found)]

    def _settled(self, shares: Sequence[Sequence[float]]) -> list[tuple[float, Told]]:
        """The symbols that these moments settle, each with when it is told, which may be long after it began."""
        if self._word is None:
            return []
        found = [symbol for share in shares for symbol in self._word.step(share)]
        return [(self._at(self._frame(symbol.settled)), self._symbol(symbol)) for symbol in found]

    def _keep(self, chunk: Chunk) -> None:
        self._recent.append(chunk[-_HEARD:])
        self._kept += len(self._recent[-1])
        while self._kept - len(self._recent[0]) >= _HEARD:
            self._kept -= len(self._recent.popleft())

    def _calibrated(self, raw: list[float]) -> list[float]:
        # Calibration takes the log of what is above a tiny number, which would turn a nan into a small probability.
        if not math.isfinite(sum(raw)):
            raise RequestError("$", "the model has no finite answer for this moment.", 500)
        return self._calibration.apply_one(raw)

    def _moment(self, end: int, share: list[float]) -> Moment:
        # Without offsets the decision is the most probable class, and no logs are needed to find it.
        place = self._calibration.label_one(share) if self._shifted else share.index(max(share))
        return Moment(self._at(end), self._says[place], dict(zip(self._classes, share, strict=True)))

    def _event(self, found: events.Event) -> Event:
        return Event(self._at(found.frame), self._says[found.label], found.probability)

    def _symbol(self, found: ctc.Symbol) -> Symbol:
        return Symbol(self._at(self._frame(found.begins)), self._says[found.label])

    def _frame(self, moment: int) -> int:
        return self._stream.first + moment * self._stream.stride

    def _at(self, frame: int) -> float:
        return (self._before + frame) / self.layout.rate


def _merged(moments: Sequence[Moment], told: Sequence[tuple[float, Told]]) -> list[Told]:
    """Moments, each followed by what is told at it.

    >>> [each.at for each in _merged([Moment(1.0, "a", {}), Moment(2.0, "a", {})], [(1.0, Event(1.0, "a", 0.9))])]
    [1.0, 1.0, 2.0]
    """
    timed = [*((moment.at, moment) for moment in moments), *told]
    return [each for _, each in sorted(timed, key=lambda pair: pair[0])]  # what is equal stays as it is, moments first


def as_frames(chunk: Any, layout: Layout) -> Chunk:
    """A chunk as float32, shape (frames, channels). Raises DataError where it is none.

    >>> as_frames([[1, 2], [3, 4]], Layout(200.0, ("a", "b"))).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    >>> as_frames([[1, 2, 3]], Layout(200.0, ("a", "b")))
    Traceback (most recent call last):
    plimsoll.errors.DataError: A chunk has 3 channels, and this bundle hears 2 (a, b). Give an array of shape (frames, 2).
    """
    many = len(layout.channels)
    due = f"Give an array of shape (frames, {many})."
    try:
        found = np.asarray(chunk)
    except ValueError:  # lists of several lengths
        raise DataError(f"A chunk is no array: its frames are not all of {many} channels. {due}") from None
    if found.size == 0 and found.ndim < 3:
        return np.zeros((0, many), dtype=np.float32)
    if found.dtype.kind not in "iuf":
        raise DataError(f"A chunk holds {_kind(found)}, not numbers. {due}")
    if found.ndim != 2:
        raise DataError(f"A chunk is of shape {found.shape}. {due}")
    if found.shape[1] != many:
        named = ", ".join(layout.channels[:_SHOWN]) + (", …" if many > _SHOWN else "")
        raise DataError(f"A chunk has {found.shape[1]} channels, and this bundle hears {many} ({named}). {due}")
    return finite(found, layout)


def finite(frames: NDArray[Any], layout: Layout) -> Chunk:
    """Frames as float32. Raises DataError with the place of what is no finite number there."""
    with np.errstate(over="ignore"):
        found = np.asarray(frames, dtype=np.float32)
    if frames.dtype.kind == "f" and not np.isfinite(found).all():
        frame, channel = (int(part) for part in np.argwhere(~np.isfinite(found))[0])
        raise DataError(
            f'Frame {frame} of a chunk has {frames[frame, channel]!s} in channel "{layout.channels[channel]}". Give finite numbers.'
        )
    return found


def _kind(found: NDArray[Any]) -> str:
    return {"b": "booleans", "c": "complex numbers", "U": "text", "S": "bytes", "M": "times"}.get(
        found.dtype.kind, "objects"
    )


def _place(bundle: Bundle) -> int | None:
    """Where among the columns it stands who wears the sensor; None where the model does not ask."""
    names = bundle.schema.names
    person = bundle.job.decode.person if bundle.job.decode is not None else ""
    return names.index(person) if person in names[1:] else None


def _beside(bundle: Bundle, person: str | int | None) -> tuple[Value, ...]:
    """The values of the columns beside the signal. Somebody unknown, or nobody, is answered by what holds for everybody."""
    if person is not None and (isinstance(person, bool) or not isinstance(person, str | int)):
        raise DataError(f"person is {person!r:.40}. Give the name of who wears the sensor as text, or None.")
    values = [missing(column) for column in bundle.schema.columns[1:]]
    if person is not None and (place := _place(bundle)) is not None:
        values[place - 1] = cell(Kind.CATEGORY)(person)
    return tuple(values)
