"""Tiny signals whose answer is known: which of four electrodes swings, moment by moment or once a recording.

The electrodes stand in a ring, sampled at 100 Hz. At rest all of them whisper; to each gesture one of them swings.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.job import Decode, Job, Sensor, Task
from plimsoll.recipe import Fold
from plimsoll.ring import having
from plimsoll.rows import Coded, Rows, Signals
from plimsoll.schema import Axis, Column, Kind, Layout, Schema
from plimsoll.testing.toys import Toy

Array = NDArray[Any]
RATE, CHANNELS = 100.0, 4
LAYOUT = Layout(RATE, ("e0", "e1", "e2", "e3"), (Axis("electrode", CHANNELS, ring=True),))
GESTURES = ("first", "rest", "second", "third")  # sorted, as a schema has its classes
REST = 1
WINDOW, STRIDE = 25, 5  # frames
_DELAY = 12  # frames: a moment is labelled by the middle of its window, so that few are in doubt
_HELD = 100  # frames that a gesture, and the rest before it, last
_PEOPLE, _SESSIONS = 3, 2


def session(seed: int, rounds: int = 2, gain: float = 1.0) -> tuple[Array, Array]:
    """Samples of one session as int8, shape (frames, channels), and the class at each frame: rest, a gesture, rest, the next.

    >>> samples, truth = session(0, rounds=1)
    >>> samples.shape, truth[::100].tolist()
    ((600, 4), [1, 0, 1, 2, 1, 3])
    """
    random = np.random.default_rng([seed, 9])
    truth = np.repeat(np.tile([REST, 0, REST, 2, REST, 3], rounds), _HELD)
    swings = np.stack([truth == 0, truth == 2, truth == 3, np.zeros_like(truth, dtype=bool)], axis=1)
    phase = 2 * np.pi * (20.0 * np.arange(len(truth)) / RATE + random.random())
    samples = random.normal(size=(len(truth), CHANNELS)) * 3.0 + gain * 8.0 * np.sin(phase)[:, None] * swings
    return np.clip(np.round(samples), -128, 127).astype(np.int8), truth


@functools.cache
def oscillations(rounds: int = 2) -> Toy:
    """Moments of three people's two sessions each. The first sessions are learned from; who wears the electrodes stands beside."""
    held = [session(seed, rounds, 0.7 + 0.1 * seed) for seed in range(_PEOPLE * _SESSIONS)]
    samples, truth = (np.concatenate(parts) for parts in zip(*held, strict=True))
    size = len(held[0][0])
    within = np.arange(WINDOW, size + 1, STRIDE)
    whose = np.repeat(np.arange(len(held)), len(within))
    ends = whose * size + np.tile(within, len(held))
    people = Coded((whose // _SESSIONS).astype(np.int32), tuple(f"P{k + 1}" for k in range(_PEOPLE)))
    signals = Signals(samples, (whose * size).astype(np.int64), ends.astype(np.int64))
    rows, target = Rows(len(ends), {"emg": signals, "who": people}), truth[ends - 1 - _DELAY]
    learn, valid, test = (np.flatnonzero(np.isin(whose, part)) for part in ([0, 2, 4], [1], [3, 5]))
    fold = Fold(rows.take(learn), target[learn], rows.take(valid), target[valid])
    columns = (Column("emg", Kind.SIGNAL, layout=LAYOUT), Column("who", Kind.CATEGORY, distinct=_PEOPLE, example="P1"))
    asked = Decode(WINDOW / RATE, STRIDE / RATE, False, _DELAY / RATE, rest="rest", person="who", session="session")
    job = Job("gesture", task=Task.MULTICLASS, decode=asked, signals=_sensor())
    return Toy("oscillations", job, Schema(columns, "gesture", GESTURES), fold, rows.take(test), target[test])


@functools.cache
def recordings(rows: int = 480) -> Toy:
    """Recordings of half a second to a second, each with one answer: whether the first electrode swings, or the third."""
    random = np.random.default_rng(8)
    target = random.integers(0, 2, rows)
    cells = [_recording(random, int(random.integers(50, 100)), 2 * yes) for yes in target.tolist()]
    schema = Schema((Column("emg", Kind.SIGNAL, layout=LAYOUT),), "swings", ("first", "third"))
    table = Rows(rows, {"emg": Signals.of(cells, CHANNELS)})
    train, valid, test = np.split(np.arange(rows), [rows // 2, rows * 7 // 10])
    fold = Fold(table.take(train), target[train], table.take(valid), target[valid])
    job = Job("swings", task=Task.BINARY, signals=_sensor())
    return Toy("recordings", job, schema, fold, table.take(test), target[test])


def _recording(random: np.random.Generator, frames: int, channel: int) -> Array:
    found = random.normal(size=(frames, CHANNELS)) * 3.0
    found[:, channel] += 30.0 * np.sin(2 * np.pi * (20.0 * np.arange(frames) / RATE + random.random()))
    return found.astype(np.float32)


def _sensor() -> Sensor:
    return Sensor(file="signals.npz", rate=RATE, ring=True)


def changed_after(rows: Rows, name: str, at: int, seed: int = 0) -> Rows:
    """The same rows, in whose signal every sample from frame ``at`` on is another."""
    samples = rows.signals(name).samples.copy()
    samples[at:] = _others(samples[at:].shape, samples.dtype, seed)
    return having(rows, name, replace(rows.signals(name), samples=samples))


def changed_before(rows: Rows, name: str, frames: int, seed: int = 0) -> Rows:
    """The same rows as recordings of their own, in each of which every sample before its last ``frames`` is another."""
    cells = rows.signals(name).cells()
    for cell in cells:
        cell[:-frames] = _others(cell[:-frames].shape, cell.dtype, seed)
    return having(rows, name, Signals.of(cells, rows.signals(name).channels))


def _others(shape: tuple[int, ...], kind: Any, seed: int) -> Array:
    return np.random.default_rng([seed, 10]).integers(-100, 100, shape).astype(kind)


TOYS = (oscillations, recordings)
