"""MiniRocket: features as the paper says them, the same whatever stands beside a window, and a recipe that keeps its word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from plimsoll import minirocket, ridge, streaming
from plimsoll.clock import Clock
from plimsoll.job import Decode, Job, Sensor, Task
from plimsoll.minirocket import Kernels
from plimsoll.recipe import Fold
from plimsoll.recipes.minirocket import MEMBER, RECIPE, MiniRocket
from plimsoll.rows import Rows, Signals
from plimsoll.schema import Column, Kind, Layout, Schema

KNOBS = {**RECIPE.space.default, "features": 84 * 4}


def naive(window: np.ndarray, kernels: Kernels) -> list[float]:
    """The features of one window, shape (frames, channels), tap by tap as the paper defines them, in whole numbers of Python."""
    frames, found, place = len(window), [], 0
    for at, dilation in enumerate(kernels.dilations.tolist()):
        for kernel, heavy in enumerate(combinations(range(9), 3)):
            channels = np.flatnonzero(kernels.mixes[at, kernel])
            inside = (at + kernel) % 2 == 1 and frames > 8 * dilation
            told = []
            for frame in range(4 * dilation, frames - 4 * dilation) if inside else range(frames):
                taps = [frame + (tap - 4) * dilation for tap in range(9)]
                sums = [sum(int(window[t, c]) for c in channels) if 0 <= t < frames else 0 for t in taps]
                told.append(sum((2 if tap in heavy else -1) * value for tap, value in enumerate(sums)))
            for bias in kernels.biases[place : place + kernels.per[at]]:
                found.append(sum(value > bias for value in told) / len(told))
            place += int(kernels.per[at])
    return found


def windows(rows: int, frames: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, (rows, frames, channels)).astype(np.int8)


def drawn(cells: np.ndarray, features: int = 84 * 3) -> Kernels:
    return minirocket.draw(cells.__getitem__, len(cells), cells.shape[1], features, np.ones(cells.shape[2]), seed=3)


@pytest.mark.parametrize(("frames", "channels"), [(9, 1), (30, 1), (41, 3), (52, 12)])
def test_features_are_those_of_the_definition(frames: int, channels: int):
    """Dilations, mixes of channels, halves with and without padding, and strict comparisons: all as the paper has them."""
    cells = windows(2, frames, channels)
    kernels = drawn(cells)
    expected = [naive(cell, kernels) for cell in cells]
    np.testing.assert_allclose(kernels.features(cells), expected, atol=1e-6)


def test_a_feature_on_its_bias_is_not_above_it():
    """A window of zeros answers zero everywhere, which is not more than a bias of zero."""
    kernels = drawn(windows(2, 20, 1))
    level = replace(kernels, biases=np.zeros_like(kernels.biases))
    assert level.features(np.zeros((1, 20, 1))).max() == 0.0
    assert replace(level, biases=level.biases - 0.5).features(np.zeros((1, 20, 1))).min() == 1.0


def test_a_signal_shorter_than_a_kernel_is_answered_whole():
    """No frame has all taps inside: every kernel then counts all frames, as the definition does elsewhere."""
    kernels = drawn(windows(3, 80, 2))
    for frames in (1, 5, 40):
        cell = windows(1, frames, 2)[0]
        np.testing.assert_allclose(kernels.one(cell), naive(cell, kernels), atol=1e-6)
    assert kernels.one(np.zeros((0, 2), dtype=np.float32)).tolist() == [0.0] * kernels.width


@pytest.mark.parametrize("frames", [3_999, 4_001, 9_000])
def test_a_long_recording_is_answered_in_stretches_as_in_one(frames: int, monkeypatch: pytest.MonkeyPatch):
    """What a cache takes in bounds the memory, and changes no feature."""
    kernels, cell = drawn(windows(2, 500, 2), 84 * 3), windows(1, frames, 2)[0]
    found = kernels.one(cell)
    monkeypatch.setattr(minirocket, "_STRETCH", 10_000)
    np.testing.assert_array_equal(kernels.one(cell), found)


def test_a_window_gives_the_same_to_the_last_bit_alone_and_among_others():
    """Samples of any kind are put on a grid on which sums are exact: what stands beside a window cannot move a tie."""
    cells = np.random.default_rng(1).normal(size=(300, 52, 8)).astype(np.float32) * 1e-5
    grid = minirocket.grid_of(cells.reshape(-1, 8))
    kernels = minirocket.draw(cells.__getitem__, 300, 52, 1_000, grid, seed=0)
    batch = kernels.features(cells)
    for row in (0, 7, 299):
        np.testing.assert_array_equal(kernels.features(cells[row : row + 1])[0], batch[row])


def test_the_grid_keeps_whole_numbers_and_bounds_the_rest():
    """Steps are powers of two, so bytes lose nothing; a channel in other units weighs alike; what is no number is silence."""
    samples = np.array([[127, 3e-6], [-128, -1e-6]])
    grid = minirocket.grid_of(samples)
    assert np.log2(grid).tolist() == [math.log2(step) for step in (128 / 2**15, grid[1])]
    snapped = minirocket.snapped(samples, grid)
    assert (snapped[:, 0] * grid[0]).tolist() == [127.0, -128.0]
    assert 2**14 <= abs(snapped[0, 1]) <= 2**15
    assert minirocket.snapped(np.array([[np.nan, np.inf]]), grid).tolist() == [[0.0, 2.0**17]]


def test_dilations_are_spread_over_the_logarithm_of_a_window():
    """Each kernel has as many features as were asked for, at dilations whose widest still fits the window."""
    for frames in (1, 9, 52, 200, 3_000):
        for features in (84, 1_000, 10_000):
            found, per = minirocket.dilations(frames, features)
            assert per.sum() == features // 84
            assert per.min() >= 1
            assert found[0] == 1
            assert found[-1] == 1 or 8 * found[-1] <= frames - 1


def test_mixes_hear_from_one_to_nine_channels():
    """Few channels more often than many."""
    counts = minirocket._mixes(np.random.default_rng(0), 5_000, 30).sum(axis=1)
    assert counts.min() == 1
    assert counts.max() == 9
    assert np.bincount(counts)[1] > 4 * np.bincount(counts)[8]


@pytest.mark.parametrize("channels", [1, 8])
def test_features_are_those_of_aeon(channels: int):
    """With the kernels that aeon drew, read out of its parameters, every feature is the same to 1e-5."""
    rocket = pytest.importorskip(
        "aeon.transformations.collection.convolution_based",
        reason="needs aeon, which has numba compile for half a minute",
    )
    cells = windows(200, 52, channels)
    laid = np.ascontiguousarray(cells.transpose(0, 2, 1).astype(np.float32))
    peer = rocket.MiniRocket(1_000, random_state=0).fit(laid)
    many, indices, dilations, per, biases = peer.parameters
    mixes = np.zeros((len(many), channels), dtype=bool)
    mixes[np.repeat(np.arange(len(many)), many), indices] = True
    ours = Kernels(
        dilations.astype(np.int64), per.astype(np.int64), mixes.reshape(-1, 84, channels), biases, np.ones(channels)
    )
    np.testing.assert_allclose(ours.features(cells), peer.transform(laid), atol=1e-5)


# The recipe.

RATE = 100.0
LAYOUT = Layout(RATE, ("a", "b"))
DECODE = Job("y", task=Task.BINARY, decode=Decode(window=0.3, stride=0.1), signals=Sensor())
WHOLE = Job("y", task=Task.BINARY, signals=Sensor())
SCHEMA = Schema((Column("emg", Kind.SIGNAL, layout=LAYOUT),), "y", ("slow", "fast"))


def toy(seed: int = 0, moments: int = 600) -> tuple[Rows, np.ndarray]:
    """Stretches of two seconds of a slow or a fast sine of the same strength, in noise; moments every tenth of a second."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, 2, moments // 20)
    time = np.arange(200) / RATE
    parts = [np.sin(2 * np.pi * (25.0 if kind else 4.0) * time[:, None] + [0.0, 1.0]) for kind in kinds]
    samples = (20.0 * np.concatenate(parts) + 5.0 * random.normal(size=(len(kinds) * 200, 2))).astype(np.int8)
    ends = np.arange(1, moments + 1) * 10
    signals = Signals(samples, np.zeros(moments, dtype=np.int64), ends)
    return Rows(moments, {"emg": signals}), kinds[(ends - 1) // 200].astype(np.int64)


def recordings(seed: int = 0, many: int = 60, kind: type = np.float32) -> tuple[list[np.ndarray], np.ndarray]:
    """Recordings of different lengths, each of a slow or a fast sine at a strength of its own."""
    random, cells, told = np.random.default_rng(seed), [], random_classes(seed, many)
    for each in told:
        time = np.arange(int(random.integers(60, 400))) / RATE
        wave = np.sin(2 * np.pi * (25.0 if each else 4.0) * time[:, None] + [0.0, 1.0])
        cells.append((random.uniform(1.0, 50.0) * (wave + 0.5 * random.normal(size=wave.shape))).astype(kind))
    return cells, told


def random_classes(seed: int, many: int) -> np.ndarray:
    return np.random.default_rng(seed + 100).integers(0, 2, many)


def fitted(job: Job = DECODE, seconds: float = 60.0) -> tuple[MiniRocket, Rows, np.ndarray]:
    if job.decode:
        rows, target = toy()
    else:
        cells, target = recordings()
        rows = Rows(len(cells), {"emg": Signals.of(cells, 2)})
    return RECIPE.fit(job, SCHEMA, Fold(rows, target), KNOBS, Clock(seconds)), rows, target


def unseen(job: Job) -> tuple[Rows, np.ndarray]:
    if job.decode:
        return toy(seed=9)
    cells, target = recordings(seed=9)
    return Rows(len(cells), {"emg": Signals.of(cells, 2)}), target


@pytest.mark.parametrize("job", [DECODE, WHOLE], ids=["moments", "recordings"])
def test_the_recipe_learns_and_is_loaded_as_it_was_saved(job: Job):
    """Moments and whole recordings of different lengths: told apart, answered one by one as together, to the last bit after loading."""
    model, _, _ = fitted(job)
    rows, target = unseen(job)
    answers = model.predict(rows)
    assert (answers.argmax(axis=1) == target).mean() > 0.9
    np.testing.assert_allclose(answers.sum(axis=1), 1.0)
    again = RECIPE.load(job, SCHEMA, model.members())
    np.testing.assert_array_equal(again.predict(rows), answers)
    for row, values in enumerate(rows.values(SCHEMA)[:20]):
        np.testing.assert_allclose(model.answer(values), answers[row], rtol=1e-9, atol=1e-12)


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others():
    first, rows, target = fitted()
    assert fitted()[0].members() == first.members()
    other = RECIPE.fit(replace(DECODE, seed=1), SCHEMA, Fold(rows, target), KNOBS, Clock(60.0))
    assert other.members() != first.members()


def test_a_number_is_learned_from_whole_recordings():
    """Of a regression the answer is a number: here how fast the sine is."""
    random = np.random.default_rng(0)
    speeds = random.uniform(2.0, 20.0, 120)
    cells = [np.sin(2 * np.pi * speed * np.arange(300)[:, None] / RATE + [0.0, 1.0]) for speed in speeds]
    rows = Rows(120, {"emg": Signals.of([cell.astype(np.float32) for cell in cells], 2)})
    job, schema = replace(WHOLE, task=Task.REGRESSION), replace(SCHEMA, classes=())
    first, rest = np.arange(80), np.arange(80, 120)
    model = RECIPE.fit(job, schema, Fold(rows.take(first), speeds[first]), KNOBS, Clock(60.0))
    answers = model.predict(rows.take(rest))
    assert np.sqrt(np.mean((answers - speeds[rest]) ** 2)) < 0.2 * speeds.std()
    assert model.answer(rows.values(schema)[80]) == pytest.approx([answers[0]])


def test_no_moment_looks_further_back_than_its_reach():
    """Samples before the window and after the moment change nothing; one inside it does."""
    model, rows, _ = fitted()
    signals, row = rows.signals("emg"), 300
    end = int(signals.ends[row])
    asked = rows.take(np.array([row]))
    before = model.predict(asked)
    samples = signals.samples.copy()
    samples[: end - model.reach], samples[end:] = 99, 99
    other = Rows(1, {"emg": Signals(samples, signals.starts[[row]], signals.ends[[row]])})
    np.testing.assert_array_equal(model.predict(other), before)
    samples[end - model.reach + 5] = 120
    assert not np.array_equal(model.predict(other), before)


@pytest.mark.parametrize("sizes", [[1] * 130, [130], [7, 50, 0, 73]])
def test_a_stream_gives_in_any_chunks_what_the_whole_gives(sizes: Sequence[int]):
    model, rows, _ = fitted()
    heard = rows.signals("emg").samples[:130].astype(np.float32)
    stream, found, at = streaming.opened(model, DECODE, SCHEMA), [], 0
    for size in sizes:
        found += list(stream.push(heard[at : at + size])[1])
        at += size
    np.testing.assert_allclose(found, model.predict(rows.take(np.arange(2, 13))), rtol=1e-9)


def test_a_fit_without_time_returns_a_model_that_answers():
    """With the clock run out, the first block of a drawn order is all that is learned from."""
    rows, target = toy(moments=6_000)
    model = RECIPE.fit(DECODE, SCHEMA, Fold(rows, target), RECIPE.space.default, Clock(0.0))
    assert np.isfinite(model.predict(rows.take(np.arange(50)))).all()
    whole, given, _ = fitted(WHOLE, seconds=0.0)
    assert np.isfinite(whole.predict(given)).all()


@pytest.mark.parametrize("job", [DECODE, WHOLE], ids=["moments", "recordings"])
def test_what_is_missing_or_no_number_is_answered(job: Job):
    """No frames, a single one, and samples that are nan or endless."""
    model, _, _ = fitted(job)
    odd = np.full((50, 2), np.nan, dtype=np.float32)
    odd[10], odd[20] = np.inf, 1e30
    cells = [np.zeros((0, 2), dtype=np.float32), np.ones((1, 2), dtype=np.float32), odd]
    batch = model.predict(Rows(3, {"emg": Signals.of(cells, 2)}))
    assert np.isfinite(batch).all()
    for cell, row in zip(cells, batch, strict=True):
        np.testing.assert_allclose(model.answer((cell,)), row, rtol=1e-9, atol=1e-12)
    assert model.predict(Rows(0, {"emg": Signals.of([], 2)})).shape == (0, 2)


def test_it_says_why_it_refuses():
    two = replace(SCHEMA, columns=(*SCHEMA.columns, Column("ecg", Kind.SIGNAL, layout=LAYOUT)))
    assert RECIPE.refuse(DECODE, two) == "it reads one signal"
    assert RECIPE.refuse(DECODE, replace(SCHEMA, columns=(Column("age", Kind.NUMBER),))) == "it reads one signal"
    assert RECIPE.refuse(replace(DECODE, task=Task.REGRESSION), SCHEMA)
    assert RECIPE.refuse(WHOLE, SCHEMA) is None


FAULTS = {
    "a dilation that no window holds": ("dilations", lambda a: a * 2**20),
    "dilations that shrink": ("dilations", lambda a: a[::-1]),
    "dilations of floats": ("dilations", lambda a: a.astype(np.float64)),
    "no features at a dilation": ("per", lambda a: a * 0),
    "more features than biases": ("per", lambda a: a + 1),
    "kernels left out": ("mixes", lambda a: a[:, :80]),
    "channels that are not there": ("mixes", lambda a: np.repeat(a, 2, axis=2)),
    "mixes of numbers": ("mixes", lambda a: a.astype(np.float32)),
    "a bias that is none": ("biases", lambda a: np.where(np.arange(len(a)) == 5, np.nan, a)),
    "a step of nothing": ("grid", lambda a: a * 0),
    "weights for other features": ("weights", lambda a: a[1:]),
    "a weight without end": ("weights", lambda a: a + np.float32(np.inf)),
    "classes that are not there": ("offsets", lambda a: np.r_[a, 0.0]),
    "a window of a day": ("frames", lambda a: a + 10**9),
    "no window": ("frames", lambda a: a * 0),
    "a window narrower than its kernels": ("frames", lambda a: a * 0 + 9),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_members_that_were_meddled_with_are_refused(fault: str):
    """A bundle is not trusted: whatever does not go together is refused before it is asked."""
    model, _, _ = fitted()
    arrays = load_arrays(model.members()[MEMBER])
    name, meddle = FAULTS[fault]
    with pytest.raises(ValueError, match=r"\w"):
        RECIPE.load(DECODE, SCHEMA, {MEMBER: save_arrays({**arrays, name: np.array(meddle(arrays[name]), order="C")})})


def test_sums_over_rows_and_over_features_come_to_the_same():
    """Fewer rows than features are solved by a square of the rows, which is the same model."""
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 40)) @ random.normal(size=(40, 40))
    for classes, target in ((3, random.integers(0, 3, 60)), (0, random.normal(size=60))):
        one, other = (ridge.fit([(features, target)], rows, classes) for rows in (1_000, 1))
        np.testing.assert_allclose(one.scores(features), other.scores(features), rtol=1e-3, atol=1e-3)


def test_the_discriminants_are_those_of_bayes_where_classes_are_round():
    """Two round clouds of one spread, three times as many in the first: the posterior is known in closed form."""
    random = np.random.default_rng(0)
    target = (random.random(40_000) < 0.25).astype(np.int64)
    features = random.normal(size=(40_000, 2)) + np.array([1.5, 0.0]) * target[:, None]
    blocks = [(features[k : k + 10_000], target[k : k + 10_000]) for k in range(0, 40_000, 10_000)]
    scores = ridge.fit(blocks, 40_000, 2).scores(np.array([[0.0, 0.0], [1.5, 3.0]]))
    gap = scores[:, 1] - scores[:, 0]
    np.testing.assert_allclose(gap, np.log(1 / 3) + 1.5 * np.array([0.0, 1.5]) - 1.125, atol=0.1)


def test_a_class_without_rows_is_never_answered():
    features, target = np.random.default_rng(0).normal(size=(50, 3)), np.tile([0, 2], 25)
    assert set(ridge.fit([(features, target)], 50, 3).scores(features).argmax(axis=1)) <= {0, 2}
