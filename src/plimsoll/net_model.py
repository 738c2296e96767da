"""A net as it is served: a graph run by ONNX Runtime, or through PyTorch where it could not be made one.

One that looks through a window has a ``reach``; one with a memory has ``start`` and ``step``, and ``predict`` runs whole
streams. A wearer who is known has an offset of their own on each class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from plimsoll.calibration import softmax, softmax_one
from plimsoll.fronts import PLAIN, Front, Plain, finite
from plimsoll.job import Job
from plimsoll.knobs import Knobs
from plimsoll.members import load as load_arrays
from plimsoll.recipe import Answers, Members
from plimsoll.rows import Rows, Value
from plimsoll.schema import Kind, Schema
from plimsoll.streaming import moments

Array = NDArray[Any]
State = tuple[Array, ...]
Who = NDArray[np.int64]  # numbers of wearers, shape (batch,), 0 where not known
GRAPH, SAID, WEIGHTS, BEGUN = "net.onnx", "net.json", "net.safetensors", "net_begun.safetensors"
_BLOCK = 64  # windows at once
_STEPS = 1_024  # steps of a stream at once
_MOST = 1 << 24  # numbers that a net is given at once for one answer, or remembers

_Frames = Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]
_Text = Annotated[str, msgspec.Meta(max_length=256)]


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a net's members say beside its weights: the ``frames`` of a window, or of a step where it has a memory; who is
    known; of one that is served through PyTorch, the knobs that it is made with; and what stands before it, in whose frames
    those are."""

    frames: _Frames
    carries: bool = False
    people: Annotated[list[_Text], msgspec.Meta(max_length=100_000)] = []
    knobs: dict[_Text, int | float | str | bool] = {}
    front: Front | None = None


class Graph(Protocol):
    """What gives scores: frames of shape (batch, frames, channels), who wears the sensor and a state in, scores and the
    next state out."""

    def state(self) -> State: ...

    def run(self, frames: Array, who: Who, state: State) -> tuple[Array, State]: ...


class Onnx:
    """A graph of ONNX Runtime, on one thread; ``begun`` is what it knows before it has heard anything.

    Raises ValueError where it takes or gives what no net does.
    """

    def __init__(self, graph: bytes, begun: State = ()) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.graph = graph
        self._session = session
        self._run = session._sess.run  # the bound call beneath the checks of run()
        shapes = {each.name: each.shape for each in session.get_inputs()}
        self.knows = shapes.pop("who", None) is not None
        frames = shapes.pop("frames", ())
        self._given = [each.name for each in session.get_outputs()]
        if len(frames) != 3 or len(self._given) != 1 + len(shapes):
            raise ValueError("the graph is not that of a net")
        self.batch, self.frames, self.channels = frames
        self._states, self._state = tuple(shapes), begun
        if [list(part.shape) for part in begun] != list(shapes.values()) or any(part.size > _MOST for part in begun):
            raise ValueError("the graph does not remember what it is given to begin with")

    def state(self) -> State:
        return self._state

    def run(self, frames: Array, who: Who, state: State) -> tuple[Array, State]:
        if isinstance(self.batch, int) and len(frames) != self.batch:  # it takes one at a time
            each = [self.run(frames[k : k + 1], who[k : k + 1], state)[0] for k in range(len(frames))]
            return np.concatenate(each), state
        if state and isinstance(self.frames, int) and frames.shape[1] != self.frames:
            return self._by_step(frames, who, state)
        scores, *after = self._run(self._given, self.fed(frames, who, state), None)
        return scores, tuple(after)

    def fed(self, frames: Array, who: Who, state: State) -> dict[str, Array]:
        """What the graph is given, by name."""
        known = {"who": who} if self.knows else {}
        return {**dict(zip(self._states, state, strict=True)), **known, "frames": frames}

    def _by_step(self, frames: Array, who: Who, state: State) -> tuple[Array, State]:
        told = []
        for place in range(0, frames.shape[1], self.frames):
            scores, state = self.run(frames[:, place : place + self.frames], who, state)
            told.append(scores)
        return np.concatenate(told, axis=1), state


class Torch:
    """A module of PyTorch as a graph."""

    def __init__(self, net: Any) -> None:
        self.net = net.eval()
        self._state = tuple(part.detach().cpu().numpy() for part in net.state())

    def state(self) -> State:
        return self._state

    def run(self, frames: Array, who: Who, state: State) -> tuple[Array, State]:
        import torch

        known = [who] if self.net.people else []
        with torch.no_grad():
            scores, *after = self.net.stepped(*(torch.from_numpy(np.array(each)) for each in (frames, *known, *state)))
        return scores.numpy(), tuple(part.numpy() for part in after)


@dataclass(frozen=True)
class Heard:
    """What a net reads of rows: the signal ``name`` at ``place`` of the schema, with so many channels; and of whom, where
    ``people`` are known by their number: the column ``whose``, at ``seat``."""

    name: str
    place: int
    channels: int
    classes: int
    whose: str = ""
    seat: int = -1
    people: Mapping[str, int] = field(default_factory=dict)

    def who(self, rows: Rows) -> Who:
        """The number of the wearer of each row, 0 where not known."""
        if not self.people:
            return np.zeros(len(rows), dtype=np.int64)
        cells = rows.texts(self.whose)
        known = [*(self.people.get(value, 0) for value in cells.values), 0]
        return np.array(known, dtype=np.int64)[cells.codes]

    def one(self, value: Value) -> Who:
        """The same of one cell."""
        return np.array([self.people.get(str(value), 0)], dtype=np.int64)

    def cell(self, values: Sequence[Value]) -> tuple[Array, Who]:
        """One row's signal, and who wears the sensor."""
        found = values[self.place]
        assert isinstance(found, np.ndarray)
        return found, self.one(values[self.seat] if self.people else None)


@dataclass(frozen=True)
class Kept:
    """What both kinds of net have in common: the graph, what it hears and through what, and the members that it was loaded
    from. ``frames`` are those that the front gives."""

    graph: Graph
    heard: Heard
    frames: int
    written: Members
    settled: Knobs = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    front: Front | Plain = PLAIN

    def members(self) -> Members:
        return self.written


@dataclass(frozen=True)
class Looking(Kept):
    """A net that looks at the last ``frames`` before a moment."""

    @property
    def reach(self) -> int:
        return self.front.reach(self.frames)

    def predict(self, rows: Rows) -> Answers:
        signals, who = rows.signals(self.heard.name), self.heard.who(rows)
        found = [np.zeros((0, self.heard.classes))]
        for place in range(0, len(rows), _BLOCK):
            some = np.arange(place, min(place + _BLOCK, len(rows)))
            windows = self.front.windows(finite(signals.take(some).last(self.reach)))
            found.append(softmax(self.graph.run(windows, who[some], ())[0].astype(np.float64)))
        return np.concatenate(found)

    def answer(self, values: Sequence[Value]) -> Sequence[float]:
        (cell, who), reach = self.heard.cell(values), self.reach
        cell = cell[-reach:]
        if len(cell) < reach:  # as Signals.last fills it up
            first = cell[:1] if len(cell) else np.zeros((1, self.heard.channels), dtype=np.float32)
            cell = np.concatenate([np.repeat(first, reach - len(cell), axis=0), cell])
        return softmax_one(self.graph.run(self.front.windows(finite(cell)[None]), who, ())[0][0].tolist())


@dataclass(frozen=True)
class _Memory:
    """A stream under way: what the front needs of the past, what it has told and has not yet made a step, what the net
    remembers, how many frames there were, and the last scores."""

    first: int
    stride: int
    who: Who
    past: Array
    waiting: Array
    state: State
    heard: int
    last: Array


@dataclass(frozen=True)
class Remembering(Kept):
    """A net with a memory, which takes ``frames`` a step; a moment is answered by the last step that was whole by then."""

    @property
    def hop(self) -> int:
        """Samples of a step."""
        return self.frames * self.front.hop

    def start(self, first: int, stride: int, beside: Sequence[Value] = ()) -> _Memory:
        seat = self.heard.seat - 1  # the signal itself comes first, and is not beside
        who = self.heard.one(beside[seat] if self.heard.people and seat < len(beside) else None)
        silence = np.zeros((1, self.heard.classes))
        return _Memory(first, stride, who, self._nothing(), self._untold(), self.graph.state(), 0, silence)

    def _nothing(self) -> Array:
        return np.zeros((0, self.heard.channels), dtype=np.float32)

    def _untold(self) -> Array:
        return self.front.step(self._nothing(), self._nothing())[0]

    def step(self, chunk: Array, state: _Memory) -> tuple[Answers, _Memory]:
        found, past = self.front.step(finite(chunk), state.past)
        waiting = np.concatenate([state.waiting, found]) if len(state.waiting) else found
        whole = len(waiting) // self.frames * self.frames
        scores, after = self._scores(waiting[:whole], state.who, state.state)
        before, heard = state.heard // self.hop, state.heard + len(chunk)
        told = np.concatenate(
            [state.last, scores]
        )  # the scores after as many steps as before, after one more, and so on
        ends = np.array(moments(state.heard, heard, state.first, state.stride), dtype=np.intp)
        answers = softmax(told[ends // self.hop - before]) if len(ends) else np.zeros((0, self.heard.classes))
        left = waiting[whole:].copy()
        return answers, _Memory(state.first, state.stride, state.who, past, left, after, heard, told[-1:])

    def _scores(self, frames: Array, who: Who, state: State) -> tuple[Array, State]:
        """The scores of every step of whole steps, shape (steps, classes)."""
        told, size = [np.zeros((0, self.heard.classes))], _STEPS * self.frames
        for place in range(0, len(frames), size):
            scores, state = self.graph.run(finite(frames[None, place : place + size]), who, state)
            told.append(scores[0].astype(np.float64))
        return np.concatenate(told), state

    def _whole(self, samples: Array, who: Who) -> Array:
        """The scores of a stream after no step, which say nothing, after one, and so on, shape (steps + 1, classes)."""
        told, size = [np.zeros((1, self.heard.classes))], _STEPS * self.hop
        past, state = self._nothing(), self.graph.state()
        for place in range(0, len(samples) // self.hop * self.hop, size):
            frames, past = self.front.step(finite(samples[place : place + size]), past)
            scores, state = self._scores(frames[: len(frames) // self.frames * self.frames], who, state)
            told.append(scores)
        return np.concatenate(told)

    def predict(self, rows: Rows) -> Answers:
        signals, who = rows.signals(self.heard.name), self.heard.who(rows)
        scores = np.zeros((len(rows), self.heard.classes))
        for start, wearer in np.unique(np.stack([signals.starts, who]), axis=1).T:
            own = np.flatnonzero((signals.starts == start) & (who == wearer))
            lengths = np.maximum(signals.ends[own] - start, 0)
            told = self._whole(signals.samples[start : start + lengths.max()], np.array([wearer]))
            scores[own] = told[lengths // self.hop]
        return softmax(scores) if len(rows) else scores

    def answer(self, values: Sequence[Value]) -> Sequence[float]:
        return softmax_one(self._whole(*self.heard.cell(values))[-1].tolist())


def made(
    graph: Graph, job: Job, schema: Schema, said: Said, members: Members, settled: Knobs | None = None, note: str = ""
) -> Looking | Remembering:
    """The model of a graph and what its members say. Raises ValueError where these do not go with the schema."""
    name = schema.of(Kind.SIGNAL)[0]
    layout = schema[name].layout
    assert layout is not None
    channels = len(layout.channels)
    front = said.front.checked(channels) if said.front is not None else PLAIN
    if front.reach(said.frames) * channels > _MOST or said.frames * front.width(channels) > _MOST:
        raise ValueError(f"a window of {said.frames} frames of {channels} channels is too large")
    whose = job.decode.person if said.people and job.decode else ""
    if said.people and whose not in schema.names:
        raise ValueError("the net knows people, and no column says who they are")
    seat = schema.names.index(whose) if whose else -1
    people = {person: number for number, person in enumerate(said.people, start=1)}
    heard = Heard(name, schema.names.index(name), channels, len(schema.classes), whose, seat, people)
    kind = Remembering if said.carries else Looking
    return kind(graph, heard, said.frames, members, settled or {}, (note,) if note else (), front)


def members(graph: bytes, said: Said, begun: State) -> dict[str, bytes]:
    """What a net that is a graph leaves: the graph, what is said of it, and what it knows before it has heard anything."""
    found = {GRAPH: graph, SAID: msgspec.json.encode(said, order="sorted")}
    return found | ({BEGUN: save_arrays({f"state{k}": part for k, part in enumerate(begun)})} if begun else {})


def load(job: Job, schema: Schema, members: Members) -> Looking | Remembering:
    """The net that these members hold as a graph, whatever recipe it was made by. Raises ValueError where it is none."""
    said = msgspec.json.decode(members[SAID], type=Said)
    begun = load_arrays(members[BEGUN]) if said.carries else {}
    graph = Onnx(members[GRAPH], tuple(begun[f"state{k}"].astype(np.float32) for k in range(len(begun))))
    model = made(graph, job, schema, said, members)
    if graph.channels != (due := model.front.width(model.heard.channels)):
        raise ValueError(f"the graph takes {graph.channels} channels, and is given {due}")
    if graph.frames != said.frames and (isinstance(graph.frames, int) or not said.carries):
        raise ValueError(f"the graph takes {graph.frames} frames, and {said.frames} are given")
    if bool(graph.state()) != said.carries or graph.knows != bool(said.people):
        raise ValueError("the graph and what is said of it do not agree on what it is given")
    return model
