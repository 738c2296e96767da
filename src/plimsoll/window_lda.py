"""Linear discriminants on the features of the last window of a signal, folded into one matrix product and one offset a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from plimsoll import blending, discriminant, ring
from plimsoll.blending import Head, Sums
from plimsoll.calibration import softmax, softmax_one
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.knobs import Knobs
from plimsoll.profile import Profile
from plimsoll.recipe import Answers, Facts, Fold, Members, Model
from plimsoll.rows import Rows, Value
from plimsoll.schema import Kind, Layout, Schema
from plimsoll.streaming import layout_of, looked_at
from plimsoll.window_features import FEATURES


@dataclass(frozen=True)
class WindowLda:
    """The signal ``name`` comes first in the schema, ``frames`` of it are looked at, and ``kind`` says what they are told by.

    ``pooled`` is kept of the rows that were learned from, so that a person's own can be blended with them; ``member`` is the
    file that the model is kept in.
    """

    member: str
    name: str
    kind: str
    frames: int
    lda: Head
    pooled: Sums | None = None
    settled: Knobs = field(default_factory=dict)

    @property
    def reach(self) -> int:
        return self.frames

    def features(self, rows: Rows) -> NDArray[np.float64]:
        return FEATURES[self.kind].last(rows.signals(self.name), self.frames)

    def predict(self, rows: Rows) -> Answers:
        return softmax(self.lda.scores(self.features(rows)))

    def answer(self, values: Sequence[Value]) -> Sequence[float]:
        cell = values[0]
        assert isinstance(cell, np.ndarray)
        return softmax_one(self.lda.scores(FEATURES[self.kind].one(cell, self.frames)).tolist())

    def members(self) -> Members:
        arrays = {name: np.ascontiguousarray(getattr(self.lda, name)) for name in self.lda.__dataclass_fields__}
        kept = self.pooled.arrays() if self.pooled is not None else {}
        looked = {"frames": np.array(self.frames), "kind": np.array(list(FEATURES).index(self.kind))}
        return {self.member: safetensors.numpy.save({**arrays, **kept, **looked})}


def refuse(job: Job, schema: Schema) -> str | None:
    if len(schema.of(Kind.SIGNAL)) != 1 or schema.columns[0].layout is None:
        return "it reads one signal"
    return None if job.task.classifies else "it tells classes apart"


def facts(profile: Profile, knobs: Knobs, width: float) -> Facts:
    """Those of a model of so many features."""
    frames, channels = profile.frames * float(knobs["window"]), profile.channels
    return Facts(
        operations=(profile.rows * frames * channels**2, profile.rows * channels**3, profile.rows * width**2),
        bytes=(profile.rows * width, frames * channels),
        answer=(frames * channels**2, channels**3, width * profile.classes),
        model=(width * profile.classes, width**2),
    )


def fit(member: str, kind: str, job: Job, schema: Schema, fold: Fold, knobs: Knobs) -> WindowLda:
    name, classes = schema.names[0], len(schema.classes)
    frames, signals = looked_at(job, layout_of(schema), float(knobs["window"])), fold.train.signals(name)
    features, orders = FEATURES[kind].last(signals, frames), _turns(layout_of(schema), int(knobs.get("roll", 0)))
    turned = [features[:, FEATURES[kind].places(order)] for order in orders]
    lda = discriminant.fit(np.concatenate(turned), np.tile(fold.target, len(orders)), classes)
    return WindowLda(member, name, kind, frames, lda, Sums.of(features, fold.target, classes, signals.starts))


def _turns(layout: Layout, most: int) -> list[NDArray[np.intp]]:
    """Orders of the channels as a ring is turned by up to so many places either way; as it is where there is no ring."""
    if ring.axis_of(layout) is None:
        most = 0
    return [ring.order(layout, by) if most else np.arange(len(layout.channels)) for by in range(-most, most + 1)]


def plain(schema: Schema, knobs: Knobs) -> Knobs:
    """Only a ring can be turned."""
    return knobs if ring.axis_of(layout_of(schema)) is not None else {**knobs, "roll": 0}


def adapt(job: Job, schema: Schema, model: Model, fold: Fold, clock: Clock) -> WindowLda:  # noqa: ARG001
    """The model of one person, of a few seconds of theirs and of what is kept of everybody."""
    assert isinstance(model, WindowLda)
    assert job.decode is not None
    features, classes = model.features(fold.train), len(schema.classes)
    return replace(model, lda=blending.blend(features, fold.target, classes, job.decode.stride, model.pooled))


def load(member: str, schema: Schema, members: Members) -> WindowLda:
    """The model of these members. Raises KeyError, IndexError and ValueError where they are none."""
    arrays = safetensors.numpy.load(members[member])
    kind, frames = list(FEATURES)[int(arrays["kind"])], int(arrays["frames"])
    if not 0 < frames <= 10_000_000:
        raise ValueError(f"a window of {frames} frames")
    return WindowLda(member, schema.names[0], kind, frames, blending.head(arrays), Sums.held(arrays))
