"""A signal as it comes: chunks of samples go in, and the answers at the moments that they complete come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from plimsoll import filters
from plimsoll.errors import DataError, JobError
from plimsoll.filters import Ready
from plimsoll.job import Job
from plimsoll.recipe import Answers, Model
from plimsoll.rows import Signals, Value, missing
from plimsoll.schema import Kind, Layout, Schema

Chunk = NDArray[np.float32]  # shape (frames, channels)


@runtime_checkable
class Carries(Protocol):
    """A model with a memory: what it keeps between chunks is a state of its own making.

    Moments are at ``first`` frames and then every ``stride``, counted from the start of the stream, of which ``beside`` are
    the values of the columns beside the signal, such as who wears the sensor. ``step`` gives the answers at the moments
    that the chunk completes, shape (moments, classes), and the state to go on with.
    """

    def start(self, first: int, stride: int, beside: Sequence[Value] = ()) -> Any: ...

    def step(self, chunk: Chunk, state: Any) -> tuple[Answers, Any]: ...


@runtime_checkable
class Composed(Protocol):
    """A model that is made of others, and streams by way of them."""

    def streamed(self, schema: Schema) -> Carries: ...


@dataclass(frozen=True)
class _Kept:
    """Frames that were heard, in room of their own: ``used`` of them hold, and none is ever changed once it does."""

    room: Chunk
    used: list[int]  # one number, shared by all who look at this room

    @staticmethod
    def of(frames: Chunk, more: int) -> _Kept:
        room = np.empty((len(frames) + more, frames.shape[1]), dtype=np.float32)
        room[: len(frames)] = frames
        return _Kept(room, [len(frames)])


class _Window(NamedTuple):
    """What is kept for a model that looks through a window: the frames up to ``end`` of the room, and how many there have been.

    A state may be gone on from twice: whoever comes second finds the room behind its end taken, and takes a new one.
    """

    first: int
    stride: int
    beside: tuple[Value, ...]
    kept: _Kept
    end: int = 0
    heard: int = 0


_ROOM = 4  # windows in a room: so often is one copied less than it is looked at


@dataclass(frozen=True)
class Windowed:
    """A model that looks at the last ``reach`` frames of the signal that comes first in its rows, as one that carries them."""

    model: Model
    reach: int
    channels: int

    def start(self, first: int, stride: int, beside: Sequence[Value] = ()) -> _Window:
        nothing = np.zeros((0, self.channels), dtype=np.float32)
        return _Window(first, stride, tuple(beside), _Kept.of(nothing, _ROOM * self.reach))

    def step(self, chunk: Chunk, state: _Window) -> tuple[Answers, _Window]:
        kept, end = self._with(chunk, state)
        heard = state.heard + len(chunk)
        ends = [at - heard + end for at in moments(state.heard, heard, state.first, state.stride)]
        room, answer, beside = kept.room, self.model.answer, state.beside
        answers = [answer((room[max(0, at - self.reach) : at], *beside)) for at in ends]
        found = np.array(answers, dtype=np.float64) if answers else np.zeros((0, 0))
        return found, _Window(state.first, state.stride, beside, kept, end, heard)

    def _with(self, chunk: Chunk, state: _Window) -> tuple[_Kept, int]:
        """The room with the chunk behind what is kept, and where it ends: a window is then a view, and nothing is copied."""
        kept, begin = state.kept, state.end
        end = begin + len(chunk)
        if kept.used[0] != begin or end > len(kept.room):
            last = kept.room[max(0, begin - self.reach) : begin]
            kept = _Kept.of(last, max(_ROOM * self.reach, len(chunk)))
            begin, end = len(last), len(last) + len(chunk)
        kept.room[begin:end] = chunk
        kept.used[0] = end
        return kept, end


def moments(before: int, after: int, first: int, stride: int) -> range:
    """The moments after ``before`` frames and up to ``after``.

    >>> list(moments(0, 60, 50, 10)), list(moments(60, 75, 50, 10))
    ([50, 60], [70])
    """
    passed = max(0, (before - first) // stride + 1)
    return range(first + passed * stride, after + 1, stride)


@dataclass
class Stream:
    """One stream under way. ``heard`` counts its frames, once ``ready`` has resampled and filtered them as the job asks;
    ``channels`` are those that a chunk must have, 0 where any will do.

    >>> class Last:
    ...     reach = 1
    ...     def answer(self, values): return [float(values[0][-1, 0])]
    >>> stream = Stream(Windowed(Last(), 1, 1), first=2, stride=2)
    >>> ends, answers = stream.push(np.arange(5.0, dtype=np.float32)[:, None])
    >>> ends.tolist(), answers.tolist()
    ([2, 4], [[1.0], [3.0]])
    """

    model: Carries
    first: int
    stride: int
    beside: tuple[Value, ...] = ()
    heard: int = 0
    channels: int = 0
    ready: Ready | None = None
    _state: Any = field(default=None, repr=False)

    def push(self, chunk: Chunk) -> tuple[NDArray[np.int64], Answers]:
        """The moments that a chunk completes, in frames from the start of the stream, and the answer at each.

        Raises DataError for a chunk of other channels; the stream is then as it was before.
        """
        if self.channels and (chunk.ndim != 2 or chunk.shape[1] != self.channels):
            raise DataError(f"A chunk is of shape {chunk.shape}. Give an array of shape (frames, {self.channels}).")
        if self._state is None:
            self._state = self.model.start(self.first, self.stride, self.beside)
        if self.ready is not None:
            chunk = self.ready.push(chunk)
        ends = np.array(moments(self.heard, self.heard + len(chunk), self.first, self.stride), dtype=np.int64)
        answers, self._state = self.model.step(chunk, self._state)
        self.heard += len(chunk)
        return ends, answers


def chunks(signals: Signals, stride: int, count: int) -> list[Chunk]:
    """The first chunks of one stride each of the streams that these moments are of, one stream after another.

    >>> signals = Signals(np.arange(6.0)[:, None], np.array([0, 0]), np.array([2, 5]))
    >>> [chunk[:, 0].tolist() for chunk in chunks(signals, 2, 9)]
    [[0.0, 1.0], [2.0, 3.0]]
    """
    starts, ends, _ = signals.streams()
    found: list[Chunk] = []
    for start, end in zip(starts, ends, strict=True):
        places = range(int(start), int(end) - stride + 1, stride)[: count - len(found)]
        found += [np.asarray(signals.samples[place : place + stride], dtype=np.float32) for place in places]
    return found


def carried(model: Model, schema: Schema) -> Carries:
    """The model as one that carries what it needs: itself, or a window kept for it.

    Raises JobError where its rows are not one signal alone, or where it does not say how far it looks back (``reach``).
    """
    if isinstance(model, Carries):
        return model
    if isinstance(model, Composed):
        return model.streamed(schema)
    reach = getattr(model, "reach", None)
    if not schema.columns or schema.columns[0].layout is None or reach is None:
        raise JobError(
            "This model cannot be streamed: it needs a signal, and start() and step(), or a reach in frames."
        )
    return Windowed(model, int(reach), len(schema.columns[0].layout.channels))


def layout_of(schema: Schema) -> Layout:
    """The layout of the one signal. Raises JobError where there is none."""
    found = [column.layout for column in schema.columns if column.layout is not None]
    if len(found) != 1:
        raise JobError(f"{len(found)} columns are signals; a decoder hears one.")
    return found[0]


def person_of(job: Job, schema: Schema) -> tuple[str, int]:
    """The column that says who wears the sensors, and its place; ("", -1) where there is none."""
    named = job.decode.person if job.decode is not None else ""
    return (named, schema.names.index(named)) if named in schema.of(Kind.CATEGORY) else ("", -1)


def looked_at(job: Job, layout: Layout, seconds: float) -> int:
    """Frames of a window of so many seconds; where the job says that no moment looks further back, at most those."""
    bound = job.decode.window if job.decode is not None and job.decode.within else seconds
    return layout.frames(min(seconds, bound))


def layout_heard(job: Job, schema: Schema) -> Layout:
    """The layout of samples as they come, before they are brought to the rate that models know."""
    layout = layout_of(schema)
    return replace(layout, rate=(job.signals.heard if job.signals is not None else 0.0) or layout.rate)


def prepared(job: Job, schema: Schema) -> Ready | None:
    """What makes samples of a stream such as the model learned from, from the stream's start; None where they are so already."""
    wanted, rate = layout_of(schema).rate, layout_heard(job, schema).rate
    if job.signals is None or not filters.asked(job.signals, rate, wanted):
        return None
    return filters.ready(job.signals, rate, wanted)


def opened(
    model: Model,
    job: Job,
    schema: Schema,
    beside: Sequence[Value] | None = None,
    rate: float | None = None,
    raw: bool = True,
) -> Stream:
    """A stream from its start, with moments as the job has them; ``beside`` are the values of the columns beside the signal,
    in the schema's order, missing where None, and ``rate`` is the one at which the samples come, in Hz.

    Samples are ``raw``, as the sensor gives them, and are resampled and filtered as the job asks; or that was done before, as
    ``recordings`` does. Raises JobError where the job does not decode, and DataError where the samples come at another rate
    than in training.
    """
    if job.decode is None:
        raise JobError("This bundle answers rows, not streams. Ask it with plimsoll predict or serve.")
    layout = layout_of(schema)
    known_rate = layout_heard(job, schema).rate if raw else layout.rate
    if rate is not None and rate != known_rate:
        raise DataError(f"The stream comes at {rate:g} Hz, and this model knows {known_rate:g} Hz. Resample it first.")
    known = [missing(column) for column in schema.columns[1:]] if beside is None else beside
    first, stride = layout.frames(job.decode.window), layout.frames(job.decode.stride)
    ready = prepared(job, schema) if raw else None
    return Stream(carried(model, schema), first, stride, tuple(known), channels=len(layout.channels), ready=ready)
