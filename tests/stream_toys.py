"""A tiny bundle that decodes: two channels at 100 Hz, rest, and two classes told apart by which channel is strong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.clock import Clock
from plimsoll.discriminant import Discriminant
from plimsoll.job import Decode, Job, Sensor, Task
from plimsoll.recipe import Fold
from plimsoll.recipes import covariance_lda
from plimsoll.rows import Coded, Rows, Signals
from plimsoll.schema import Column, Kind, Layout, Schema

RATE, WINDOW, STRIDE = 100.0, 0.2, 0.05  # Hz and seconds: moments at 20, 25, 30 … frames
CLASSES = ("0", "1", "2")
LAYOUT = Layout(RATE, ("emg0", "emg1"))
SCHEMA = Schema((Column("emg", Kind.SIGNAL, layout=LAYOUT), Column("who", Kind.CATEGORY)), "labels", CLASSES, "integer")
DECODE = Decode(window=WINDOW, stride=STRIDE, within=True, rest="0", person="who")
JOB = Job("labels", task=Task.MULTICLASS, decode=DECODE, signals=Sensor(rate=RATE))


def signal(seconds: float = 12.0, seed: int = 0) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Samples, shape (frames, 2), and the label at each: two seconds of rest, two of a class, and so on."""
    frames = int(seconds * RATE)
    labels = np.array([0, 1, 0, 2])[np.arange(frames) // int(2 * RATE) % 4]
    strong = np.where(labels[:, None] == [1, 2], 40.0, 3.0)
    return (np.random.default_rng(seed).normal(size=(frames, 2)) * strong).clip(-127, 127).astype(np.int8), labels


def toy(**changes: Any) -> Bundle:
    """``covariance_lda`` on a minute of the signal."""
    samples, labels = signal(60.0)
    ends = np.arange(20, len(samples) + 1, 5)
    signals = Signals(samples, np.zeros_like(ends), ends)
    rows = Rows(len(ends), {"emg": signals, "who": Coded.of(["P01"] * len(ends))})
    model = covariance_lda.RECIPE.fit(JOB, SCHEMA, Fold(rows, labels[ends - 1]), {"window": 0.2}, Clock(60.0))
    # So unsure that every frame can be seen in an answer.
    unsure = Discriminant(0.1 * model.lda.weights, 0.1 * model.lda.offsets)
    model = replace(model, lda=unsure)
    values: dict[str, Any] = {
        "job": JOB,
        "schema": SCHEMA,
        "recipe": "covariance_lda",
        "knobs": {"window": 0.2},
        "calibration": Calibration.none(3),
        "members": dict(model.members()),
        "facts": {"limits": [], "measured": {"p99": 0.001}, "created": "2026-01-01T00:00:00Z"},
    }
    return Bundle(**{**values, **changes})


@dataclass(frozen=True)
class Found:
    frame: int
    label: int
    probability: float


@dataclass(frozen=True)
class Onset:
    """A rule: an event where the probable class changes to one that is not rest, or at every moment of one."""

    always: bool = False

    def start(self, first: int, stride: int, rate: float) -> tuple[int, int, int]:
        return first, stride, 0

    def step(self, probabilities: Any, state: tuple[int, int, int]) -> tuple[list[Found], tuple[int, int, int]]:
        found, (frame, stride, before) = [], state
        for row in np.asarray(probabilities):
            now = int(row.argmax())
            if now and (self.always or now != before):
                found.append(Found(frame, now, float(row[now])))
            frame, before = frame + stride, now
        return found, (frame, stride, before)
