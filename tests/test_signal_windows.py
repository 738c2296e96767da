"""Whole recordings by the course of their windows: bands where they are due, and a recipe that keeps its word."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from plimsoll import bands, checks
from plimsoll.clock import Clock
from plimsoll.job import Decode, Job, Sensor, Task
from plimsoll.recipe import Fold
from plimsoll.recipes import signal_windows
from plimsoll.recipes.signal_windows import MEMBER, RECIPE, SignalWindows
from plimsoll.rows import Rows, Signals
from plimsoll.schema import Column, Kind, Layout, Schema

DIGITS = Path(__file__).parents[2] / "shared" / "data" / "spoken_digits"
JOB = Job("y", task=Task.BINARY, signals=Sensor())
SOUND, ARMBAND = Layout(8_000.0, ("left",)), Layout(200.0, ("a", "b", "c"))
KNOBS = RECIPE.space.default


def schema(layout: Layout, *more: Column) -> Schema:
    return Schema((Column("wave", Kind.SIGNAL, layout=layout), *more), "y", ("no", "yes"))


def sounds(many: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """A low tone and then a high one, or a high one and then a low one, in noise; lengths and strengths differ."""
    random = np.random.default_rng(seed)
    target, cells = random.integers(0, 2, many), []
    for rising in target:
        time = np.arange(int(random.integers(800, 4_000))) / 8_000.0
        tones = np.sin(2 * np.pi * 400.0 * time), np.sin(2 * np.pi * 1_500.0 * time)
        first, second = tones if rising else tones[::-1]
        wave = np.where(np.arange(len(time)) < len(time) / 2, first, second) + 0.5 * random.normal(size=len(time))
        cells.append((random.uniform(0.01, 100.0) * wave[:, None]).astype(np.float32))
    return cells, target


def movements(many: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Three channels of noise, of which the first two go together or against each other."""
    random = np.random.default_rng(seed)
    target, cells = random.integers(0, 2, many), []
    for against in target:
        noise = random.normal(size=(int(random.integers(150, 500)), 4))
        pair = noise[:, :1] + 0.7 * noise[:, 1:3] * [1.0, 1.0]
        cells.append((20.0 * np.c_[pair * [1.0, -1.0 if against else 1.0], noise[:, 3]]).astype(np.int8))
    return cells, target


MADE = {"one channel": (SOUND, sounds), "several": (ARMBAND, movements)}


def fitted(which: str, job: Job = JOB, seconds: float = 60.0) -> tuple[SignalWindows, Rows, np.ndarray]:
    layout, make = MADE[which]
    cells, target = make(80, 0)
    rows = Rows(80, {"wave": Signals.of(cells, len(layout.channels))})
    return RECIPE.fit(job, schema(layout), Fold(rows, target), KNOBS, Clock(seconds)), rows, target


@pytest.mark.parametrize("which", MADE)
def test_the_recipe_learns_and_is_loaded_as_it_was_saved(which: str):
    """Only the order of the tones, or how channels go together, tells the classes apart: neither strength nor length does."""
    model, _, _ = fitted(which)
    layout, make = MADE[which]
    cells, target = make(60, 1)
    rows = Rows(60, {"wave": Signals.of(cells, len(layout.channels))})
    answers = model.predict(rows)
    assert (answers.argmax(axis=1) == target).mean() > 0.9
    again = RECIPE.load(JOB, schema(layout), model.members())
    np.testing.assert_array_equal(again.predict(rows), answers)
    for row, values in enumerate(rows.values(schema(layout))[:10]):
        np.testing.assert_allclose(model.answer(values), answers[row], rtol=1e-12)


def test_a_course_tells_what_one_mean_over_all_time_does_not():
    """With one segment the order of two tones is lost: this is what segments are for."""
    cells, target = sounds(80, 0)
    rows = Rows(80, {"wave": Signals.of(cells, 1)})
    flat = RECIPE.fit(JOB, schema(SOUND), Fold(rows, target), {**KNOBS, "segments": 1}, Clock(60.0))
    seen, truth = sounds(60, 1)
    found = flat.predict(Rows(60, {"wave": Signals.of(seen, 1)})).argmax(axis=1)
    assert (found == truth).mean() < 0.75


@pytest.mark.parametrize("rate", [2_000.0, 8_000.0, 16_000.0, 44_100.0])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
def test_a_tone_is_loudest_in_its_band(rate: float, share: float):
    """40 bands from 50 Hz to half the rate; a tone stands out in the one that is widest where it is."""
    known, tone = bands.of(rate), share * rate / 2
    energies = known.energies(np.sin(2 * np.pi * tone * np.arange(round(rate)) / rate)).mean(axis=0)
    assert known.count == 40
    assert known.frames == round(0.032 * rate)
    assert known.hop == round(0.010 * rate)
    assert abs(energies.argmax() - np.abs(known.middles(rate) - tone).argmin()) <= 1


@pytest.mark.parametrize("rate", [1e-6, 1.0, 200.0, 1e9 - 1])
def test_any_rate_has_bands_of_a_bounded_size(rate: float):
    """What comes with a bundle may say any rate: bands are finite, none is empty, and windows do not grow with it for ever."""
    known = bands.of(rate)
    assert np.isfinite(known.weights).all()
    assert known.weights.max(axis=0).min() > 0
    assert known.weights.size < 2_000_000


def test_the_level_of_a_recording_is_told_apart_from_its_course():
    """A recording ten times as loud differs in the one number that says so."""
    cell = sounds(1, 0)[0][0]
    soft, loud = (signal_windows.told(times * cell, SOUND, bands.of(8_000.0), 8) for times in (1.0, 10.0))
    np.testing.assert_allclose(soft[:-1], loud[:-1], atol=1e-4)
    assert loud[-1] - soft[-1] == pytest.approx(np.log(10.0), abs=1e-4)


def test_columns_of_signals_are_read_side_by_side_and_others_are_left():
    """Two signals of different rates: each is cut by its own, and a number beside them changes nothing."""
    left, right = sounds(40, 0)[0], movements(40, 0)[0]
    target = np.arange(40) % 2
    columns = (Column("arm", Kind.SIGNAL, layout=ARMBAND), Column("age", Kind.NUMBER))
    both = schema(SOUND, *columns)
    cells = {"wave": Signals.of(left, 1), "arm": Signals.of(right, 3), "age": np.arange(40.0)}
    model = RECIPE.fit(JOB, both, Fold(Rows(40, cells), target), KNOBS, Clock(60.0))
    answers = model.predict(Rows(40, cells))
    np.testing.assert_array_equal(model.predict(Rows(40, {**cells, "age": np.full(40, np.nan)})), answers)
    silent = Signals.of([0 * cell for cell in right], 3)
    assert not np.allclose(model.predict(Rows(40, {**cells, "arm": silent})), answers)


def test_a_number_is_learned_from_whole_recordings():
    """Of a regression the answer is a number: here the pitch of a tone."""
    random = np.random.default_rng(0)
    pitch = random.uniform(200.0, 2_000.0, 150)
    cells = [np.sin(2 * np.pi * each * np.arange(3_000)[:, None] / 8_000.0).astype(np.float32) for each in pitch]
    rows = Rows(150, {"wave": Signals.of(cells, 1)})
    job, sound = replace(JOB, task=Task.REGRESSION), replace(schema(SOUND), classes=())
    first, rest = np.arange(100), np.arange(100, 150)
    model = RECIPE.fit(job, sound, Fold(rows.take(first), pitch[first]), KNOBS, Clock(60.0))
    answers = model.predict(rows.take(rest))
    assert np.sqrt(np.mean((answers - pitch[rest]) ** 2)) < 0.25 * pitch.std()
    assert model.answer(rows.values(sound)[100]) == pytest.approx([answers[0]])


@pytest.mark.parametrize("which", MADE)
def test_what_is_missing_or_no_number_is_answered(which: str):
    """No frames, a single one, silence, and samples that are nan or endless."""
    model, _, _ = fitted(which)
    many = len(MADE[which][0].channels)
    odd = np.full((50, many), np.nan, dtype=np.float32)
    odd[10], odd[20] = np.inf, 1e30
    cells = [np.zeros((frames, many), dtype=np.float32) for frames in (0, 1, 5_000)] + [odd]
    batch = model.predict(Rows(4, {"wave": Signals.of(cells, many)}))
    assert np.isfinite(batch).all()
    for cell, row in zip(cells, batch, strict=True):
        np.testing.assert_allclose(model.answer((cell,)), row, rtol=1e-12)
    assert model.predict(Rows(0, {"wave": Signals.of([], many)})).shape == (0, 2)


def test_a_fit_without_time_returns_a_model_that_answers():
    model, rows, _ = fitted("one channel", seconds=0.0)
    assert np.isfinite(model.predict(rows)).all()


def test_it_says_why_it_refuses():
    assert RECIPE.refuse(replace(JOB, decode=Decode()), schema(SOUND)) == "it reads whole recordings, not moments"
    assert RECIPE.refuse(JOB, Schema((Column("age", Kind.NUMBER),), "y", ("no", "yes"))) == "there is no signal"
    wide = Layout(200.0, tuple(f"c{k}" for k in range(64)))
    assert RECIPE.refuse(JOB, schema(wide)) == "it tells how up to 32 channels move together; here are 64"
    assert RECIPE.refuse(JOB, schema(ARMBAND)) is None


@pytest.mark.parametrize("beside", [(), (Column("who", Kind.CATEGORY),)], ids=["alone", "beside a category"])
def test_recordings_that_agree_in_what_stands_beside_them_are_no_copies(beside: tuple[Column, ...]):
    """Whether samples repeat is not for the checks of a table to say: it warns of nothing, also where signals stand alone."""
    frame = pl.DataFrame(
        {"wave": [{"begin": k, "end": k + 1} for k in range(60)], "who": ["ann"] * 60, "y": ["no", "yes"] * 30}
    )
    asked = schema(SOUND, *beside)
    assert not [
        line for line in checks.check(frame[:40], frame[40:], JOB, asked) if "repeat" in line or "training rows" in line
    ]


FAULTS = {
    "no segments": ("segments", lambda a: a * 0),
    "segments without end": ("segments", lambda a: a + 10**9),
    "segments that the weights are not of": ("segments", lambda a: a + 1),
    "weights for other features": ("weights", lambda a: a[1:]),
    "a weight that is none": ("weights", lambda a: a * np.float32(np.nan)),
    "classes that are not there": ("offsets", lambda a: np.r_[a, 0.0]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_members_that_were_meddled_with_are_refused(fault: str):
    """A bundle is not trusted: whatever does not go together is refused before it is asked."""
    arrays = load_arrays(fitted("one channel")[0].members()[MEMBER])
    name, meddle = FAULTS[fault]
    with pytest.raises(ValueError, match=r"\w"):
        RECIPE.load(
            JOB, schema(SOUND), {MEMBER: save_arrays({**arrays, name: np.array(meddle(arrays[name]), order="C")})}
        )


@pytest.mark.skipif(not DIGITS.exists(), reason="needs ../shared/data/spoken_digits")
def test_spoken_digits_are_told_apart():
    """On the official split, with the defaults, more than the .950 of the floor that its README gives."""
    wavfile = pytest.importorskip("scipy.io.wavfile")
    table = list(csv.DictReader((DIGITS / "metadata.csv").read_text().splitlines()))
    cells = [wavfile.read(DIGITS / row["file"])[1][:, None] for row in table]
    rows = Rows(len(table), {"wave": Signals.of(cells, 1)})
    target = np.array([int(row["label"]) for row in table])
    learn, test = (np.flatnonzero([(row["split"] == "test") is held for row in table]) for held in (False, True))
    digits = Schema(schema(SOUND).columns, "y", tuple("0123456789"))
    job = replace(JOB, task=Task.MULTICLASS)
    model = RECIPE.fit(job, digits, Fold(rows.take(learn), target[learn]), KNOBS, Clock(60.0))
    assert (model.predict(rows.take(test)).argmax(axis=1) == target[test]).mean() > 0.955
