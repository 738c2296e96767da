"""What a decoder is worth once its sensors have moved: measured on unseen moments, and a limit like any other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

import plimsoll
from plimsoll import asked, metrics, ring, shift
from plimsoll.clock import Clock
from plimsoll.errors import JobError, LimitError
from plimsoll.goal import read as goal
from plimsoll.limits import Measured, parse
from plimsoll.recipes import covariance_lda
from plimsoll.rows import Rows
from plimsoll.testing import signal_toys

TOY = signal_toys.oscillations()


def asking(decide: Callable[[Rows], tuple[np.ndarray, np.ndarray]]) -> shift.Ask:
    """The macro-F1 of a model on the rows that it is asked about."""
    return lambda rows, index: metrics.macro_f1(TOY.truth[index], decide(rows)[1])


def decide(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """A model that sees which electrode swings, and nothing else: one place of shift is its ruin."""
    windows = rows.signals("emg").last(25).astype(float)
    strong = np.abs(windows).mean(axis=1)
    best = np.where(strong.max(axis=1) < 3.5, 3, strong.argmax(axis=1))
    labels = np.array([0, 2, 3, 1])[best]
    return np.eye(4)[labels], labels


def turned_blind(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """A model that hears how strong all electrodes are together: turning them changes nothing."""
    loud = np.abs(rows.signals("emg").last(25).astype(float)).mean(axis=(1, 2)) > 3.0
    labels = np.where(loud, 0, 1)
    return np.eye(4)[labels], labels


def test_a_model_that_knows_each_electrode_is_ruined_by_one_place() -> None:
    """The score as worn is high, at one place to either side it is low, and the quantity is their ratio."""
    found = shift.measured(asking(decide), TOY.test, TOY.schema, "macro_f1")
    assert found is not None
    assert found.turned[0] > 0.8
    assert max(found.turned[-1], found.turned[1]) < 0.5
    assert found.robustness == pytest.approx(np.mean([found.turned[-1], found.turned[1]]) / found.turned[0])
    assert list(found.silent) == ["e0", "e1", "e2", "e3"]
    assert found.silent["e0"] < found.silent["e3"] == pytest.approx(found.turned[0], abs=0.1)


def test_a_model_that_hears_all_electrodes_alike_is_robust() -> None:
    """Turning the ring moves none of its answers."""
    assert shift.robustness(asking(turned_blind), TOY.test, TOY.schema, "macro_f1") == 1.0


def test_a_ring_turned_all_the_way_round_is_as_it_was() -> None:
    """Four places of four, and one place forth and back."""
    samples = TOY.test.signals("emg").samples
    assert np.array_equal(ring.turned(samples, signal_toys.LAYOUT, 4), samples)
    there = ring.turned(samples, signal_toys.LAYOUT, 1)
    assert not np.array_equal(there, samples)
    assert np.array_equal(ring.turned(there, signal_toys.LAYOUT, -1), samples)


def test_the_samples_of_the_job_are_left_as_they_were() -> None:
    """What is turned and silenced is a copy."""
    before = TOY.test.signals("emg").samples.copy()
    shift.measured(asking(decide), TOY.test, TOY.schema, "macro_f1")
    assert np.array_equal(TOY.test.signals("emg").samples, before)


def test_only_some_streams_are_asked_where_there_are_many() -> None:
    """Whole ones, so that a model with a memory hears them from their start."""
    streams = np.repeat(np.arange(9), 100)
    found = streams[shift.some(streams, 250)]
    assert len(found) == 200
    assert np.bincount(found).max() == 100


def test_a_limit_on_it_is_read_and_judged() -> None:
    """It is a share that must stay above; what was not measured is not kept; it is no goal of a curve."""
    limits = parse("shift_robustness > 0.7")
    assert not limits.judge(Measured.exactly(shift_robustness=0.8))
    assert [str(breach) for breach in limits.judge(Measured.exactly(shift_robustness=0.6))] == [
        "shift_robustness > 0.7: 0.6"
    ]
    assert limits.judge(Measured({}))
    with pytest.raises(LimitError, match="is written with >"):
        parse("shift_robustness < 0.7")
    with pytest.raises(LimitError, match="not one quality"):
        goal("shift_robustness > 0.7")


def _written(folder, seconds: float = 6.0):
    """Three people's two sessions as a table of recordings and a file of samples."""
    held = [signal_toys.session(seed, gain=0.7 + 0.1 * seed) for seed in range(6)]
    size = len(held[0][0])
    np.savez(folder / "signals.npz", emg=np.concatenate([one for one, _ in held]), rate=100.0,
             gesture=np.array(signal_toys.GESTURES)[np.concatenate([truth for _, truth in held])])  # fmt: skip
    people, sessions = [f"P{k // 2}" for k in range(6)], [k % 2 for k in range(6)]
    pl.DataFrame(
        {"who": people, "session": sessions, "start": [k * size for k in range(6)], "length": [size] * 6}
    ).write_csv(folder / "recordings.csv")
    return folder / "recordings.csv"


MOMENTS = {"window": 0.25, "delay": 0.12, "person": "who", "session": "session", "rest": "rest"}


def test_a_run_measures_it_for_every_trial_where_a_limit_names_it(tmp_path) -> None:
    """The trial and the chosen model both carry the figure, and the evidence shows every place and channel."""
    table = _written(tmp_path)
    run = plimsoll.fit(
        str(table), predict="gesture", moments=MOMENTS, signals={"ring": True}, split="session", recipes=["covariance_lda"],
        limits="train < 60 s, shift_robustness > 0.01", out=tmp_path / "run",
    )  # fmt: skip
    tried = {trial["recipe"]: trial["measured"] for trial in run.record["trials"] if trial["status"] == "fits"}
    assert tried["covariance_lda"]["shift_robustness"] < 0.7
    assert run.record["measured"]["shift_robustness"] == run.record["evidence"]["shift"]["shift_robustness"]
    assert [each["places"] for each in run.record["evidence"]["shift"]["turned"]] == [-2, -1, 0, 1, 2]
    assert len(run.record["evidence"]["shift"]["silent"]) == 4


@pytest.mark.parametrize(
    ("limit", "signals"),
    [("shift_robustness > 0.5", {}), ("shift_robustness[who=P0] > 0.5", {"ring": True})],
)
def test_a_limit_on_it_needs_a_ring_and_no_slice(tmp_path, limit: str, signals: dict) -> None:
    """One line says which flag is missing, before anything is fitted."""
    job = asked.stated("gesture", limit, moments=MOMENTS, signals=signals)
    with pytest.raises(JobError, match="--ring"):
        asked.ask(job, str(_written(tmp_path)), None)


def test_a_fitted_model_of_the_toy_is_measured_as_it_is_served() -> None:
    """The quantity of a real model lies between ruin and none."""
    model = covariance_lda.RECIPE.fit(TOY.job, TOY.schema, TOY.fold, {"window": 0.25}, Clock(9.0))

    def answers(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        found = model.predict(rows)
        return found, found.argmax(axis=1)

    found = shift.robustness(asking(answers), TOY.test, TOY.schema, "macro_f1")
    assert found is not None
    assert 0.0 < found < 0.7
