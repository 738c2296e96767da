"""Toys of a ring of sensors: who wears it, which way round, and what they do, all planted."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import wearing
from plimsoll.clock import Clock
from plimsoll.job import Decode, Job, Sensor, Task
from plimsoll.recipe import Fold
from plimsoll.recipes import adaptive_lda
from plimsoll.rows import Coded, Rows, Signals
from plimsoll.schema import Axis, Column, Kind, Layout, Schema

Array = NDArray[Any]
CHANNELS, WINDOW, STRIDE = 6, 20, 5  # frames, at 100 Hz
LAYOUT = Layout(100.0, tuple(f"e{k}" for k in range(CHANNELS)), (Axis("electrode", CHANNELS, ring=True),))
WAYS = wearing.orders(LAYOUT)
# How strong each electrode is in each class; no two of them are turns of each other, and rest is weak.
STRENGTHS = np.array([[2, 2, 2, 2, 2, 2.5], [30, 12, 3, 3, 3, 5], [3, 3, 30, 6, 15, 3], [4, 25, 4, 4, 4, 25]])
SCHEMA = Schema(
    (Column("emg", Kind.SIGNAL, layout=LAYOUT), Column("who", Kind.CATEGORY, distinct=3, example="P0")),
    "gesture",
    ("first", "rest", "second", "third"),
)
JOB = Job(
    "gesture",
    task=Task.MULTICLASS,
    decode=Decode(WINDOW / 100, STRIDE / 100, True, rest="rest", person="who"),
    signals=Sensor(file="x.npz", rate=100.0, ring=True),
)
_CLASS = np.array([1, 0, 2, 3])  # of the rows of STRENGTHS


def stream(
    seed: int, way: int = 0, level: float = 1.0, rounds: int = 3, held: int = 150, shuffled: bool = False
) -> Any:
    """Samples of a stream, shape (frames, channels), float32, and the class at each frame: rest, and a gesture after it."""
    random = np.random.default_rng([seed, 4])
    what = np.tile([0, 1, 0, 2, 0, 3], rounds)
    if shuffled:
        random.shuffle(what)
    done = np.repeat(what, held)
    samples = random.normal(size=(len(done), CHANNELS)) * STRENGTHS[done] * level
    return samples[:, WAYS[way]].astype(np.float32), _CLASS[done]


def rows(streams: list[Any], people: list[str]) -> tuple[Rows, Array]:
    """The moments of streams, with who wore the ring in each, and the class at each."""
    sizes = [len(samples) for samples, _ in streams]
    starts = np.cumsum([0, *sizes[:-1]])
    ends = [np.arange(start + WINDOW, start + size + 1, STRIDE) for start, size in zip(starts, sizes, strict=True)]
    whose = np.repeat(np.arange(len(streams)), [len(each) for each in ends])
    when, truth = np.concatenate(ends), np.concatenate([truth for _, truth in streams])
    signals = Signals(np.concatenate([samples for samples, _ in streams]), starts[whose], when)
    return Rows(len(when), {"emg": signals, "who": Coded.of([people[k] for k in whose])}), truth[when - 1]


@functools.cache
def fitted(ways: tuple[int, ...] = (0, 3, 8, 1, 10, 5), people: str = "001122", **knobs: Any) -> Any:
    """``adaptive_lda`` of streams that are worn in these ways, two of each person."""
    held = [stream(seed, way) for seed, way in enumerate(ways)]
    train, target = rows(held, [f"P{who}" for who in people])
    settings = {**adaptive_lda.SPACE.default, "hold": 0.0, **knobs}
    return adaptive_lda.fit(JOB, SCHEMA, Fold(train, target), settings, Clock(60.0))


def right(answers: Array, truth: Array) -> float:
    return float(np.mean(answers.argmax(axis=1) == truth))
