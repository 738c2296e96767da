"""Filters and resampling: what SciPy computes, the same in chunks as in one go, and nothing from the future."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from plimsoll import filters, streaming
from plimsoll.errors import DataError, JobError
from plimsoll.filters import Cascade
from plimsoll.hearing import hearing
from plimsoll.job import Decode, Job, Sensor, Task
from plimsoll.resampling import Resampler, frames, ratio, taps
from plimsoll.schema import Column, Kind, Layout, Schema

NOISE = np.random.default_rng(0).normal(5.0, 40.0, (3_000, 4))
SENSOR = Sensor(low=20.0, high=90.0, notch=50.0)


def _by_scipy(sensor: Sensor, rate: float) -> np.ndarray:
    parts = [signal.butter(4, sensor.low, "high", fs=rate, output="sos")] if sensor.low else []
    parts += [signal.butter(4, sensor.high, "low", fs=rate, output="sos")] if sensor.high else []
    k = 1
    while sensor.notch and sensor.notch * k < 0.49 * rate:
        parts.append(signal.tf2sos(*signal.iirnotch(sensor.notch * k, 30.0, rate)))
        k += 1
    return np.concatenate(parts)


@pytest.mark.parametrize("rate", [200.0, 1_000.0, 2_000.0])
@pytest.mark.parametrize("sensor", [SENSOR, Sensor(low=20.0), Sensor(high=90.0), Sensor(notch=60.0), Sensor(low=1.0)])
def test_filters_are_scipys(rate: float, sensor: Sensor):
    """Butterworth ends and notches, designed and run without SciPy, give what SciPy gives."""
    sos = _by_scipy(sensor, rate)
    want, _ = signal.sosfilt(sos, NOISE, axis=0, zi=signal.sosfilt_zi(sos)[:, :, None] * NOISE[0])
    found = Cascade.of(filters.sections(sensor, rate)).push(NOISE)
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-9 * np.abs(want).max())


def _cut(sizes: list[int], samples: np.ndarray) -> list[np.ndarray]:
    return np.split(samples, np.minimum(np.cumsum(sizes), len(samples)))


@given(st.lists(st.integers(0, 300), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_chunks_give_what_the_whole_gives(sizes: list[int]):
    """However a stream is cut, it is filtered and resampled alike."""
    sensor, x = Sensor(low=15.0, high=60.0, notch=50.0), NOISE[:700]
    whole = filters.ready(sensor, 250.0, 200.0).push(x)
    made = filters.ready(sensor, 250.0, 200.0)
    parts = np.concatenate([made.push(chunk) for chunk in _cut(sizes, x)])
    np.testing.assert_allclose(parts, whole, atol=1e-3 * 1e-3)


@pytest.mark.parametrize(("rate", "wanted"), [(250.0, 200.0), (2_000.0, 200.0), (200.0, 250.0), (200.0, 200.0)])
def test_nothing_is_heard_before_it_comes(rate: float, wanted: float):
    """Other samples after a moment change nothing up to then."""
    at = 500
    changed = NOISE[:1_000].copy()
    changed[at:] += 1e4
    one, other = (filters.ready(Sensor(low=20.0), rate, wanted).push(x) for x in (NOISE[:1_000], changed))
    due = frames(at, ratio(rate, wanted))
    np.testing.assert_array_equal(one[:due], other[:due])
    assert np.abs(one[due:] - other[due:]).max() > 1.0


@pytest.mark.parametrize("part", [Fraction(1, 2), Fraction(4, 5), Fraction(160, 441), Fraction(5, 4)])
def test_resampling_is_the_polyphase_of_scipy(part: Fraction):
    """The same filter by SciPy's upfirdn gives the same, but for what stands before the first frame."""
    bank = taps(part)
    flat = bank.T.ravel()
    x = NOISE[:900] - NOISE[0]
    want = signal.upfirdn(flat, x, part.numerator, part.denominator, axis=0)
    found = Resampler(part).push(NOISE[:900]) - NOISE[0]
    np.testing.assert_allclose(found, want[: len(found)], atol=1e-9)
    assert len(found) == frames(900, part)


@pytest.mark.parametrize(("rate", "wanted"), [(2_000, 200), (250, 200), (44_100, 16_000), (200, 250)])
def test_a_tone_stays_and_what_would_fold_back_goes(rate: int, wanted: int):
    """Below the lower rate's band a tone keeps its height, and comes at most three frames late; above, it is gone."""
    low, time, then = min(rate, wanted), np.arange(rate) / rate, None
    for frequency, height in ((0.05 * low, 1.0), (0.4 * low, 1.0), (0.62 * low, 0.0)):
        if height == 0.0 and frequency >= rate / 2:
            continue
        found = Resampler(ratio(rate, wanted)).push(np.sin(2 * np.pi * frequency * time)[:, None])[:, 0]
        then = np.arange(len(found)) / wanted
        waves = np.stack([np.sin(2 * np.pi * frequency * then), np.cos(2 * np.pi * frequency * then)], axis=1)
        late = wanted // 4
        fitted = np.linalg.lstsq(waves[late:], found[late:], rcond=None)[0]
        if height:
            assert np.hypot(*fitted) == pytest.approx(height, abs=0.01)
        else:
            assert np.abs(found[late:]).max() < 0.01
        if frequency < 0.1 * low:
            assert 0 <= -np.arctan2(fitted[1], fitted[0]) / (2 * np.pi * frequency) * low < 3


def test_the_mains_and_its_harmonics_are_gone():
    time = np.arange(8_000) / 2_000
    hum = sum(np.sin(2 * np.pi * 50 * k * time + k) for k in range(1, 6))[:, None]
    found = filters.ready(Sensor(notch=50.0), 2_000.0, 2_000.0).push(hum)
    assert np.abs(found[4_000:]).max() < 0.01
    kept = filters.ready(Sensor(notch=50.0), 2_000.0, 2_000.0).push(np.sin(2 * np.pi * 80 * time)[:, None])
    assert np.abs(kept[4_000:]).max() == pytest.approx(1.0, abs=0.02)


def test_a_level_at_the_start_is_no_step():
    """A stream that begins at 1,000 and stays there is silence behind a high-pass, and 1,000 behind a low-pass."""
    still = np.full((50, 2), 1_000.0)
    assert np.abs(filters.ready(Sensor(low=20.0), 200.0, 200.0).push(still)).max() < 1e-3
    np.testing.assert_allclose(filters.ready(Sensor(high=20.0), 400.0, 200.0).push(still), 1_000.0, rtol=1e-6)


def test_a_value_that_is_no_number_does_not_stay():
    """One nan or inf counts as the value before it: nothing after it is lost."""
    broken = NOISE[:400].astype(np.float32)
    mended = broken.copy()
    broken[100, 0], broken[200:203, 1] = np.nan, np.inf
    mended[100, 0], mended[200:203, 1] = mended[99, 0], mended[199, 1]
    one, other = (filters.ready(SENSOR, 200.0, 200.0).push(x) for x in (broken, mended))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("sensor", [Sensor(high=100.0), Sensor(low=150.0), Sensor(notch=100.0)])
def test_a_frequency_above_half_the_rate_is_refused(sensor: Sensor):
    with pytest.raises(JobError, match="not below half of 200 Hz"):
        filters.ready(sensor, 200.0, 200.0)


def test_rates_without_a_ratio_are_refused():
    with pytest.raises(JobError, match="cannot be brought to 123"):
        ratio(48_000.0, 123.4567)


class Last:
    """Answers with the last frame that it hears."""

    reach = 1

    def answer(self, values):
        return values[0][-1].tolist()


def _job(sensor: Sensor) -> tuple[Schema, Job]:
    schema = Schema((Column("emg", Kind.SIGNAL, layout=Layout(200.0, ("a", "b"))),), "y", ("no", "yes"))
    return schema, Job("y", task=Task.BINARY, decode=Decode(window=0.05, stride=0.05), signals=sensor)


def _stream(sensor: Sensor, **said):
    schema, job = _job(sensor)
    return streaming.opened(Last(), job, schema, **said)


@pytest.mark.parametrize("size", [1, 7, 20, 400])
def test_a_stream_is_filtered_and_resampled_before_the_model_hears_it(size: int):
    """Chunks at the sensor's rate, in whole numbers, give answers at moments of the layout's rate."""
    sensor = Sensor(low=20.0, notch=50.0, heard=400.0, resample=200.0)
    raw = NOISE[:400, :2].astype(np.int16)
    stream = _stream(sensor)
    found = [stream.push(raw[k : k + size]) for k in range(0, 400, size)]
    ends = np.concatenate([end for end, _ in found])
    assert ends.tolist() == list(range(10, 201, 10))
    want = filters.ready(sensor, 400.0, 200.0).push(raw)[ends - 1]
    np.testing.assert_allclose(np.concatenate([a for _, a in found if len(a)]), want, atol=1e-4)


def test_samples_that_are_ready_are_left_as_they_are():
    sensor = Sensor(low=20.0)
    _, answers = _stream(sensor, raw=False).push(NOISE[:10, :2].astype(np.float32))
    np.testing.assert_allclose(answers[0], NOISE[9, :2], rtol=1e-6)
    _, other = _stream(sensor).push(NOISE[:10, :2].astype(np.float32))
    assert np.abs(other[0] - NOISE[9, :2]).max() > 1.0


def test_a_stream_comes_at_the_rate_of_the_recordings():
    """That is the one which the sensor has, not the one that the model knows."""
    sensor = Sensor(heard=1_000.0, resample=200.0)
    ends, _ = _stream(sensor, rate=1_000.0).push(np.ones((500, 2), dtype=np.float32))
    assert ends.tolist() == list(range(10, 101, 10))
    with pytest.raises(DataError, match="comes at 200 Hz, and this model knows 1000 Hz"):
        _stream(sensor, rate=200.0)


def test_a_row_is_made_ready_before_the_model_is_asked():
    """One raw recording is answered as a batch is that was made ready when it was read; so is a stream by the same model."""
    sensor = Sensor(low=20.0, heard=400.0, resample=200.0)
    schema, job = _job(sensor)
    model = hearing(Last(), job, schema)
    raw = NOISE[:400, :2].astype(np.float32)
    want = filters.ready(sensor, 400.0, 200.0).push(raw)
    np.testing.assert_allclose(model.answer((raw,)), want[-1], atol=1e-4)
    np.testing.assert_allclose(model.answers([(raw,), (raw[:20],)])[1], want[9], atol=1e-4)
    _, answers = streaming.opened(model, job, schema).push(raw)
    np.testing.assert_allclose(answers[-1], want[-1], atol=1e-4)
    plain = Last()
    assert hearing(plain, *reversed(_job(Sensor()))) is plain


def test_filters_of_a_stream_need_no_scipy():
    """What serves a stream imports neither SciPy nor polars."""
    told = "import sys; from plimsoll import streaming, filters; from plimsoll.job import Sensor; "
    told += "filters.ready(Sensor(low=20.0, notch=50.0), 400.0, 200.0).push(__import__('numpy').ones((9, 2))); "
    told += "sys.exit(any(name.split('.')[0] in ('scipy', 'polars') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 0
