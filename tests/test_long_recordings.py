"""One label a recording, end to end: long recordings are tried, measured as they are asked about, and served."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from plimsoll import bundle, catalogue, machine, underway
from plimsoll.asked import Asked, ask, stated
from plimsoll.clock import Clock
from plimsoll.crew import Crew
from plimsoll.limits import LEAST
from plimsoll.outlook import Step
from plimsoll.search import Search
from plimsoll.serve import probe
from plimsoll.serve.answerer import Answerer
from sample_files import wav

RATE, MANY, LONG = 8_000, 48, 6_000  # Hz, recordings, and frames of one


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """A tone that rises, or one that falls, in noise."""
    folder, random, rows = tmp_path_factory.mktemp("long"), np.random.default_rng(0), []
    time = np.arange(LONG) / RATE
    for k in range(MANY):
        high = (time > time[-1] / 2) == (k % 2 == 0)
        wave = np.sin(2 * np.pi * np.where(high, 1_200.0, 500.0) * time) + 0.3 * random.normal(size=LONG)
        wav(folder / f"{k}.wav", (2_000 * wave).astype(np.int16), RATE)
        rows.append({"file": f"{k}.wav", "label": ("rising", "falling")[k % 2], "part": "test" if k % 4 < 2 and k < 16 else "train"})  # fmt: skip
    pl.DataFrame(rows).write_csv(folder / "takes.csv")
    job = stated("label", split="column:part", signals={"rate": "8 kHz"}, metric="accuracy")
    return ask(job, folder / "takes.csv", None)


def test_a_run_over_long_recordings_measures_what_it_serves(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """From the table to a bundle that answers over JSON: scored, and timed with enough answers for a verdict on p99, though
    few of the recordings are written down."""
    monkeypatch.setattr(underway, "_NUMBERS", 20 * LONG)
    found = underway.begin(asked, tmp_path / "out")
    work = underway.work(tmp_path / "out")
    lines = (work / "requests.jsonl").read_bytes().splitlines()
    assert len(lines) == 20 < len(asked.learn)
    assert [len(json.loads(line)[asked.schema.names[0]]) for line in lines] == [LONG] * len(lines)
    crew = Crew(machine.core_numbers()[:1])
    try:
        search = Search(found, work, Clock(600.0), crew.first, lanes=1)
        trial = search.take(
            Step("signal_windows", catalogue.find("signal_windows").space.default, 1.0, "the default"), 300.0
        )
    finally:
        crew.stop()
    assert trial.why == "the default"
    assert trial.score is not None
    assert trial.score.value == 1.0
    assert np.isfinite(trial.measured.figures["p99"]).all()  # a bound on p99 takes LEAST answers
    served = Answerer(bundle.read(work / trial.id / "bundle"))
    answers = [json.loads(served.answer(line))["prediction"] for line in lines]
    truth = [asked.schema.classes[k] for k in asked.learn.truth.target]
    assert set(answers) == set(truth)


def test_requests_are_read_one_at_a_time(tmp_path: Path):
    """Over and over, blank lines left out, and none kept: what is asked is no part of the memory that is measured."""
    file = tmp_path / "requests.jsonl"
    file.write_bytes(b'{"a": 1}\n\n{"a": 2}\n')
    with file.open("rb") as held:
        lines = probe.Lines(held)
        assert len(lines) == 2
        assert [lines[k] for k in (1, 0, 1)] == [b'{"a": 2}', b'{"a": 1}', b'{"a": 2}']
        assert list(lines) == [b'{"a": 1}', b'{"a": 2}']


def test_slow_answers_are_warmed_up_for_a_share_of_the_time(monkeypatch: pytest.MonkeyPatch):
    """A thousand answers of a tenth of a second would leave no time to measure any."""
    now = [0.0]
    answered: list[bytes] = []

    def answer(body: bytes) -> bytes:
        now[0] += 0.1
        answered.append(body)
        return body

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    probe._warm(answer, iter([b"x"] * 5_000), 10.0)
    assert 10 <= len(answered) <= 25
    answered.clear()
    probe._warm(answer, iter([b"x"] * 5_000), float("inf"))
    assert len(answered) == probe.WARM
    assert LEAST < probe.WARM
