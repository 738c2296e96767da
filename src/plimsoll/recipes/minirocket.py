"""minirocket: shares of frames at which fixed dilated kernels exceed biases, and linear answers with a ridge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from plimsoll import bands, minirocket, ridge
from plimsoll.calibration import softmax, softmax_one
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.members import load as load_arrays
from plimsoll.minirocket import Kernels
from plimsoll.profile import Profile
from plimsoll.recipe import Answers, Facts, Fold, Members, Recipe
from plimsoll.ridge import Linear
from plimsoll.rows import Rows, Signals, Value
from plimsoll.schema import Kind, Schema
from plimsoll.streaming import looked_at

Array = NDArray[Any]
SPACE = Space(
    {
        # Seconds that a moment is told from; of whole recordings, how much of the usual length the widest kernel spans.
        "window": (0.25, 0.15, 0.4, 0.6),
        "features": (1_000, 2_000, 4_000, 10_000),
        "strength": (10.0, 1.0, 100.0, 1_000.0),  # of the ridge, times what its noise asks for
    },
    portfolio=({"window": 0.6}, {"features": 2_000, "strength": 100.0}),
)
MEMBER = "minirocket.safetensors"
_BLOCK = 2_048  # moments whose features are held at once
_FEW = 256  # recordings that kernels are drawn from, and that are answered together
_LONGEST = 60.0  # seconds of a window
_ROOM = 1e-10  # seconds that solving takes, times the features to the third


@dataclass(frozen=True)
class MiniRocket:
    """``frames`` of the signal ``name``, which stands at ``place`` in the schema, are looked at; all of it where 0."""

    name: str
    place: int
    frames: int
    kernels: Kernels
    linear: Linear
    classes: int
    settled: Knobs = field(default_factory=dict)

    @property
    def reach(self) -> int:
        return max(1, self.frames)

    def predict(self, rows: Rows) -> Answers:
        signals, size = rows.signals(self.name), _BLOCK if self.frames else _FEW
        parts = [signals.take(np.arange(k, min(k + size, len(rows)))) for k in range(0, max(1, len(rows)), size)]
        scores = np.concatenate([self.linear.scores(features(self.kernels, part, self.frames)) for part in parts])
        return softmax(scores) if self.classes else scores[:, 0]

    def answer(self, values: Sequence[Value]) -> Sequence[float]:
        cell = values[self.place]
        assert isinstance(cell, np.ndarray)
        held = self.kernels.features(_last(cell, self.frames)[None])[0] if self.frames else _whole(self.kernels, cell)
        scores: list[float] = self.linear.scores(held).tolist()
        return softmax_one(scores) if self.classes else scores

    def members(self) -> Members:
        kernels = self.kernels
        arrays = {
            "dilations": kernels.dilations,
            "per": kernels.per,
            "mixes": kernels.mixes,
            "biases": kernels.biases,
            "grid": kernels.grid,
            "weights": self.linear.weights,
            "offsets": self.linear.offsets,
            "frames": np.array(self.frames),
        }
        return {MEMBER: save_arrays(arrays)}


def features(kernels: Kernels, signals: Signals, frames: int) -> Array:
    """Features of each row's last frames, shape (rows, features); of whole recordings where ``frames`` is 0."""
    if frames:
        return kernels.features(signals.last(frames))
    found = np.empty((len(signals), kernels.width + signals.channels), dtype=np.float32)
    for row in range(len(signals)):
        found[row] = _whole(kernels, signals.cell(row))
    return found


def _whole(kernels: Kernels, cell: Array) -> Array:
    """Of a recording at a level of one, and beside them how loud each channel was."""
    even, loud = bands.levelled(cell)
    return np.concatenate([kernels.one(even), loud])


def _last(cell: Array, frames: int) -> Array:
    """The last frames of a cell as ``Signals.last`` gives them."""
    if len(cell) >= frames:
        return cell[len(cell) - frames :]
    alone = Signals(cell, np.zeros(1, dtype=np.int64), np.array([len(cell)]))
    return np.asarray(alone.last(frames)[0])


def refuse(job: Job, schema: Schema) -> str | None:
    if len(schema.of(Kind.SIGNAL)) != 1:
        return "it reads one signal"
    return "it tells classes apart, of moments" if job.decode and not job.task.classifies else None


def facts(profile: Profile, knobs: Knobs) -> Facts:
    rows, frames, channels = profile.rows, profile.frames * float(knobs["window"]), profile.channels
    width = float(knobs["features"])
    return Facts(
        operations=(rows * frames * channels, rows * frames * width, rows * width**2, width**3),
        bytes=(width**2, rows * channels, frames * channels, width * channels),
        answer=(frames * channels, frames * width, width * profile.outputs),
        model=(width * profile.outputs, width, channels),
    )


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> MiniRocket:
    name = schema.of(Kind.SIGNAL)[0]
    layout, signals = schema[name].layout, fold.train.signals(name)
    assert layout is not None
    frames = looked_at(job, layout, float(knobs["window"])) if job.decode else 0
    order = np.random.default_rng(job.seed).permutation(len(signals))
    kernels, room = _drawn(signals, order, frames, knobs, job.seed), _ROOM * float(knobs["features"]) ** 3
    if frames:
        blocks = _blocks(kernels, signals, fold.target, frames, order, clock, room)
    else:
        blocks = ridge.one_by_one(lambda row: _whole(kernels, signals.cell(row)), fold.target, order, clock, room)
    linear = ridge.fit(blocks, len(signals), len(schema.classes), float(knobs["strength"]))
    return MiniRocket(name, schema.names.index(name), frames, kernels, linear, len(schema.classes))


def _drawn(signals: Signals, order: Array, frames: int, knobs: Knobs, seed: int) -> Kernels:
    width = int(knobs["features"])
    if frames:
        some = signals.take(order[:_BLOCK]).last(frames)
        grid = minirocket.grid_of(some.reshape(-1, signals.channels))
        return minirocket.draw(some.__getitem__, len(some), frames, width, grid, seed)
    usual = int(np.median(signals.ends - signals.starts) * float(knobs["window"]))
    grid, few = np.full(signals.channels, minirocket.LEVELLED), signals.take(order[:_FEW])
    return minirocket.draw(lambda row: bands.levelled(few.cell(row))[0], len(few), usual, width, grid, seed)


def _blocks(
    kernels: Kernels, signals: Signals, target: Array, frames: int, order: Array, clock: Clock, room: float
) -> Iterator[tuple[Array, Array]]:
    """Features with the target of moments in a drawn order: where the time is up, those seen are a sample of all."""
    for begin in range(0, len(order), _BLOCK):
        if begin and clock.left <= room:
            return
        rows = order[begin : begin + _BLOCK]
        yield features(kernels, signals.take(rows), frames), target[rows]


def load(job: Job, schema: Schema, members: Members) -> MiniRocket:
    name = schema.of(Kind.SIGNAL)[0]
    layout, arrays = schema[name].layout, load_arrays(members[MEMBER])
    assert layout is not None
    frames, channels = int(arrays["frames"]), len(layout.channels)
    parts = (arrays[each] for each in ("dilations", "per", "mixes", "biases", "grid"))
    kernels = minirocket.checked(*parts)
    linear = ridge.checked(arrays["weights"], arrays["offsets"])
    width = kernels.width + (0 if frames else channels)
    outputs = len(schema.classes) or 1
    if kernels.channels != channels or linear.weights.shape != (width, outputs):
        raise ValueError(f"weights of shape {linear.weights.shape}; {(width, outputs)} go with these kernels")
    widest = int(kernels.dilations[-1])
    fits = 0 < frames <= layout.frames(_LONGEST) and (widest == 1 or minirocket.REACH * widest < frames)
    if not (fits if job.decode else frames == 0):
        raise ValueError(f"a window of {frames} frames with a dilation of {widest}")
    return MiniRocket(name, schema.names.index(name), frames, kernels, linear, len(schema.classes))


RECIPE = Recipe("minirocket", SPACE, refuse, facts, fit, load, streams=True)
