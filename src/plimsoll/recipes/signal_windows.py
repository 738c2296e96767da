"""signal_windows: whole recordings by the course of their windows, band energies or log-covariances, and linear answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from plimsoll import bands, covariance, ridge
from plimsoll.calibration import softmax, softmax_one
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.members import load as load_arrays
from plimsoll.profile import Profile
from plimsoll.recipe import Answers, Facts, Fold, Members, Recipe
from plimsoll.ridge import Linear
from plimsoll.rows import Rows, Value
from plimsoll.schema import Layout, Schema

Array = NDArray[Any]
SPACE = Space(
    {
        "segments": (8, 4, 16),  # stretches of time that a recording's course is told in
        "strength": (10.0, 1.0, 100.0, 0.1),  # of the ridge, times what its noise asks for
    },
)
MEMBER = "signal_windows.safetensors"
_WINDOW, _HOP = 0.25, 0.05  # seconds, where several channels move together
_LEAST, _MOST = 8, 8_192  # frames of such a window
_FLOOR = 1e-3  # of a covariance, where the level of each channel is one
MOST_CHANNELS = 32
_MOST_SEGMENTS = 64


@dataclass(frozen=True)
class SignalWindows:
    """``heard`` are (place in the schema, name, layout) of the signals that are heard, and ``segments`` parts of a course."""

    heard: tuple[tuple[int, str, Layout], ...]
    segments: int
    linear: Linear
    classes: int
    settled: Knobs = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_bands", [bands.of(layout.rate) for _, _, layout in self.heard])

    def features(self, cells: Sequence[Array]) -> Array:
        """Of one row: its cells of the signals that are heard, in their order."""
        each = zip(cells, self.heard, self._bands, strict=True)  # type: ignore[attr-defined]  # set once, in __post_init__
        return np.concatenate([told(cell, layout, known, self.segments) for cell, (_, _, layout), known in each])

    def predict(self, rows: Rows) -> Answers:
        signals = [rows.signals(name) for _, name, _ in self.heard]
        scores = np.zeros((len(rows), len(self.linear.offsets)))
        for row in range(len(rows)):
            scores[row] = self.linear.scores(self.features([each.cell(row) for each in signals]))
        return softmax(scores) if self.classes else scores[:, 0]

    def answer(self, values: Sequence[Value]) -> Sequence[float]:
        cells = [np.asarray(values[place], dtype=np.float32) for place, _, _ in self.heard]
        scores: list[float] = self.linear.scores(self.features(cells)).tolist()
        return softmax_one(scores) if self.classes else scores

    def members(self) -> Members:
        arrays: dict[str, Array] = {
            "weights": self.linear.weights,
            "offsets": self.linear.offsets,
            "segments": np.array(self.segments),
        }
        return {MEMBER: save_arrays(arrays)}


def told(cell: Array, layout: Layout, known: bands.Bands, segments: int) -> Array:
    """A recording, shape (frames, channels): the course of its windows at a level of one, and how loud each channel is.

    One channel is told by its energy in bands of frequency, several by how they move together and how their differences
    do. A recording too short for a window in each segment has silence after it.
    """
    even, loud = bands.levelled(cell)
    alone = even.shape[1] == 1
    frames, hop = (known.frames, known.hop) if alone else _cut(layout)
    short = frames + (segments - 1) * hop - len(even)
    even = np.pad(even, ((0, max(0, short)), (0, 0)))
    if alone:
        return np.concatenate([bands.course(known.energies(even[:, 0]), segments), loud])
    steps = np.diff(even, axis=0, prepend=even[:1])
    parts = [
        covariance.of(np.lib.stride_tricks.sliding_window_view(each, frames, axis=0)[::hop].transpose(0, 2, 1), _FLOOR)
        for each in (even, steps)
    ]
    return np.concatenate([bands.course(np.concatenate(parts, axis=1), segments), loud])


def _cut(layout: Layout) -> tuple[int, int]:
    """Frames of a window of several channels, and from one to the next."""
    frames = min(_MOST, max(_LEAST, layout.frames(_WINDOW)))
    return frames, max(1, round(frames * _HOP / _WINDOW))


def width(layout: Layout, segments: int) -> int:
    """How many features tell a recording of this layout."""
    many = len(layout.channels)
    each = bands.of(layout.rate).count if many == 1 else many * (many + 1)
    return (segments + 1) * each + many


def refuse(job: Job, schema: Schema) -> str | None:
    if job.decode:
        return "it reads whole recordings, not moments"
    layouts = [column.layout for column in schema.columns if column.layout is not None]
    if not layouts:
        return "there is no signal"
    most = max(len(layout.channels) for layout in layouts)
    return (
        None if most <= MOST_CHANNELS else f"it tells how up to {MOST_CHANNELS} channels move together; here are {most}"
    )


def facts(profile: Profile, knobs: Knobs) -> Facts:
    rows, channels, segments = profile.rows, float(profile.channels), float(knobs["segments"])
    wide = segments * channels * max(channels, 20.0)
    return Facts(
        operations=(rows * profile.frames * channels, rows * wide, rows * wide**2, wide**3),
        bytes=(wide**2, rows * channels, profile.frames * channels),
        answer=(profile.frames * channels, wide, wide * profile.outputs),
        model=(wide * profile.outputs,),
    )


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> SignalWindows:
    blank = Linear(np.zeros((0, 0), dtype=np.float32), np.zeros(0))
    model = SignalWindows(_heard(schema), int(knobs["segments"]), blank, len(schema.classes))
    signals = [fold.train.signals(name) for _, name, _ in model.heard]
    order = np.random.default_rng(job.seed).permutation(len(fold.train))
    blocks = ridge.one_by_one(
        lambda row: model.features([each.cell(row) for each in signals]), fold.target, order, clock
    )
    linear = ridge.fit(blocks, len(order), model.classes, float(knobs["strength"]))
    return SignalWindows(model.heard, model.segments, linear, model.classes)


def _heard(schema: Schema) -> tuple[tuple[int, str, Layout], ...]:
    columns = enumerate(schema.columns)
    return tuple((place, column.name, column.layout) for place, column in columns if column.layout is not None)


def load(job: Job, schema: Schema, members: Members) -> SignalWindows:
    arrays, heard = load_arrays(members[MEMBER]), _heard(schema)
    segments, linear = int(arrays["segments"]), ridge.checked(arrays["weights"], arrays["offsets"])
    if not 0 < segments <= _MOST_SEGMENTS:
        raise ValueError(f"a course of {segments} segments")
    due = sum(width(layout, segments) for _, _, layout in heard), len(schema.classes) or 1
    if linear.weights.shape != due:
        raise ValueError(f"weights of shape {linear.weights.shape}; {due} are due")
    return SignalWindows(heard, segments, linear, len(schema.classes))


RECIPE = Recipe("signal_windows", SPACE, refuse, facts, fit, load)
