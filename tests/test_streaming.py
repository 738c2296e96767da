"""Signals as they come: any chunks give the same answers at the same moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from plimsoll import blend, streaming
from plimsoll.errors import JobError
from plimsoll.job import Decode, Job, Task
from plimsoll.rows import Rows, Signals
from plimsoll.schema import Column, Kind, Layout, Schema

SCHEMA = Schema((Column("emg", Kind.SIGNAL, layout=Layout(10.0, ("a", "b"))),), "y", ("no", "yes"))
JOB = Job("y", task=Task.BINARY, decode=Decode(window=0.5, stride=0.3))
SAMPLES = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)


@dataclass(frozen=True)
class Mean:
    """Answers by the mean of the last frames."""

    reach: int
    times: float

    def predict(self, rows: Rows) -> np.ndarray:
        mean = rows.signals("emg").last(self.reach).mean(axis=(1, 2)) * self.times
        yes = 1.0 / (1.0 + np.exp(-mean))
        return np.stack([1.0 - yes, yes], axis=1)

    def answer(self, values: Sequence) -> list[float]:
        return self.predict(Rows.of_values(SCHEMA, [values]))[0].tolist()


def _streamed(model: object, sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    stream = streaming.opened(model, JOB, SCHEMA)
    ends, answers, at = [], [], 0
    for size in sizes:
        end, answer = stream.push(SAMPLES[at : at + size])
        ends.append(end)
        answers += list(answer)
        at += size
    return np.concatenate(ends), np.array(answers)


MODELS = {
    "window": Mean(4, 1.0),
    "blend": blend.Blend((Mean(2, 1.0), Mean(7, 0.3)), ("a", "b"), (0.6, 0.4)),
    "blend of one": blend.Blend((Mean(3, 2.0),), ("a",), (1.0,)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("sizes", [[50], [1] * 50, [7, 0, 13, 30], [49, 1]])
def test_any_chunks_give_what_the_whole_gives(name: str, sizes: list[int]):
    model = MODELS[name]
    ends, answers = _streamed(model, sizes)
    assert ends.tolist() == list(range(5, 51, 3))
    rows = Rows(len(ends), {"emg": Signals(SAMPLES, np.zeros(len(ends), dtype=np.int64), ends)})
    np.testing.assert_allclose(answers, model.predict(rows), atol=1e-6)


def test_what_comes_after_a_moment_changes_nothing():
    model = MODELS["blend"]
    _, whole = _streamed(model, [50])
    stream = streaming.opened(model, JOB, SCHEMA)
    _, before = stream.push(SAMPLES[:20])
    stream.push(SAMPLES[20:] + 100.0)
    np.testing.assert_array_equal(np.array(before), whole[: len(before)])


def test_two_streams_of_one_model_have_nothing_to_do_with_each_other():
    model = MODELS["blend"]
    one, other = (streaming.opened(model, JOB, SCHEMA) for _ in range(2))
    _, alone = _streamed(model, [25, 25])
    found = []
    for at in (0, 25):
        found += list(one.push(SAMPLES[at : at + 25])[1])
        other.push(SAMPLES[at : at + 25] * -3.0)
    np.testing.assert_array_equal(np.array(found), alone)


def test_a_model_that_hears_nothing_is_refused_in_a_line():
    with pytest.raises(JobError, match="cannot be streamed"):
        streaming.opened(object(), JOB, SCHEMA)
    with pytest.raises(JobError, match="answers rows, not streams"):
        streaming.opened(Mean(2, 1.0), Job("y"), SCHEMA)


def test_chunks_for_timing_come_one_stream_after_another():
    signals = Signals(np.arange(40.0).reshape(20, 2), np.array([0, 0, 8]), np.array([5, 8, 20]))
    found = streaming.chunks(signals, 3, 4)
    assert [chunk[0, 0] for chunk in found] == [0.0, 6.0, 16.0, 22.0]
    assert all(chunk.shape == (3, 2) and chunk.dtype == np.float32 for chunk in found)
