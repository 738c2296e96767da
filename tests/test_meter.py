"""A bundle is measured as it will be served, and one that cannot be is a reason and not the end of the run."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plimsoll import bundle, catalogue, machine, meter
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.clock import Clock
from plimsoll.errors import TrialError
from plimsoll.limits import LEAST, parse
from plimsoll.testing import toys

# A recipe of the user's own that never answers one row.
MUTE = '''
"""mute: never answers."""
import time
from dataclasses import replace
from plimsoll.recipes import constant
from plimsoll.recipes.constant import Constant


class Mute(Constant):
    def answer(self, values):
        time.sleep(600)


def load(*asked):
    made = constant.load(*asked)
    return Mute(made.value, made.classifies)


RECIPE = replace(constant.RECIPE, name="mute", load=load)
'''


def made() -> Bundle:
    """A bundle of the constant model of a toy."""
    toy = toys.two_blobs()
    recipe = catalogue.find("constant")
    model = recipe.fit(toy.job, toy.schema, toy.fold, recipe.space.default, Clock(10.0))
    return Bundle(toy.job, toy.schema, "constant", {}, Calibration.none(2), dict(model.members()), {})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a bundle and the requests to ask it."""
    toy = toys.two_blobs()
    bundle.write(tmp_path / "bundle", made())
    (tmp_path / "requests.jsonl").write_bytes(meter.requests(toy.test.values(toy.schema), toy.schema.names))
    return tmp_path


def measure(place: Path, seconds: float = 30.0, count: int = meter.REQUESTS) -> meter.Reading:
    return meter.measure(place / "bundle", place / "requests.jsonl", place, seconds, count)


def probed(**changes: Any) -> dict[str, Any]:
    """What a probe says, of a quiet window of 1,000 requests."""
    latencies = {"p50": 10.0, "p99": 20.0, "p99_upper": 30.0, "count": 1_000}
    figures = {
        "latencies_us": latencies,
        "noisy_windows": 0,
        "repeated": 0,
        "memory": 1e6,
        "cold_start": 0.2,
        "pace": 1e-4,
    }
    return {**figures, **changes}


def test_every_cost_of_serving_is_measured(place: Path, monkeypatch: pytest.MonkeyPatch):
    """A real bundle in a real process: times in order, memory of an interpreter at least, every byte of every file."""
    monkeypatch.setattr(machine, "others_busy", lambda *_: 0.9)
    reading = measure(place)
    figures = reading.measured.figures
    assert set(figures) == {"p50", "p99", "memory", "size", "cold_start"}
    low, middle, high = figures["p99"]
    assert 0 < figures["p50"][1] <= low == middle <= high < math.inf
    assert figures["memory"][1] > 5e6
    assert figures["cold_start"][1] > figures["p50"][1]
    assert figures["size"][1] == sum(len(path.read_bytes()) for path in (place / "bundle").iterdir())
    assert "the machine was busy (90 % of its cores) when the timing started" in reading.notes


def test_size_counts_every_file(tmp_path: Path):
    """Files in folders below count, and folders themselves do not."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "one").write_bytes(b"x" * 10)
    (tmp_path / "deep" / "er" / "two").write_bytes(b"x" * 7)
    assert meter.size(tmp_path) == 17


@pytest.mark.parametrize(("count", "kept"), [(LEAST - 1, False), (LEAST, True)])
def test_a_limit_on_p99_is_kept_by_enough_requests_alone(count: int, kept: bool):
    """With fewer than 662 requests there is no bound on a p99, so no limit on it is kept, however wide."""
    assert LEAST == 662
    said = probed(latencies_us={"p50": 10.0, "p99": 20.0, "p99_upper": 30.0, "count": count})
    found = meter._reading(said, 1, None).measured
    assert (not parse("p99 < 1 h").judge(found)) is kept
    assert not parse("p50 < 1 h").judge(found)


def test_a_p99_is_held_against_its_upper_bound():
    """A p99 below the limit whose bound lies above it is a breach."""
    found = meter._reading(probed(), 1, None).measured
    assert found.figures["p99"] == pytest.approx((20e-6, 20e-6, 30e-6))
    assert [breach.found for breach in parse("p99 < 25 us").judge(found)] == [pytest.approx(30e-6)]


@pytest.mark.parametrize("busy", [None, 0.0, machine.BUSY])
def test_a_quiet_machine_is_not_remarked_on(busy: float | None):
    """Without noise there is no note, nor where it cannot be known how busy the machine is."""
    assert meter._reading(probed(), 1, busy).notes == ()


def test_noisy_windows_are_noted():
    """A reading that others have disturbed says so."""
    notes = meter._reading(probed(noisy_windows=2, repeated=7), 1, 0.0).notes
    assert notes == ("2 noisy windows of requests, 7 measured again",)


def test_a_bundle_that_hangs_is_ended_in_its_time(place: Path, monkeypatch: pytest.MonkeyPatch):
    """One that never answers is a TrialError, and the run goes on without it."""
    (place / "mute.py").write_text(MUTE)
    monkeypatch.setenv(catalogue.OWN, "mute")
    monkeypatch.setenv("PYTHONPATH", str(place))
    bundle.write(place / "bundle", replace(made(), recipe="mute"))
    with pytest.raises(TrialError, match="one-row answers did not end in"):
        measure(place, seconds=0.0)


def test_a_bundle_that_cannot_be_served_says_why(place: Path):
    """The last thing that the probe said is the reason, and an older reading is not taken for this one's."""
    (place / "probe.json").write_text(json.dumps(probed()))
    (place / "bundle" / "constant.json").write_bytes(b"{}")
    with pytest.raises(TrialError, match=r"could not be served: .*constant\.json"):
        measure(place)


@pytest.mark.parametrize("script", ["exit 0", 'echo "{}" > "$5"; exit 1'], ids=["nothing written", "failed at the end"])
def test_a_probe_that_ends_in_silence_is_a_reason_too(place: Path, script: str, monkeypatch: pytest.MonkeyPatch):
    """A process that writes nothing, or does not end well, has failed; an older reading does not stand in for it."""
    (place / "probe.json").write_text(json.dumps(probed()))
    (place / "python").write_text(f"#!/bin/sh\n{script}\n")
    (place / "python").chmod(0o755)
    monkeypatch.setattr(meter.sys, "executable", str(place / "python"))
    with pytest.raises(TrialError, match="no reason given"):
        measure(place)


def test_requests_are_one_json_object_a_line():
    """Missing cells are null, whatever they were, and a broken text cannot break a line."""
    lines = meter.requests([(1.5, "a\nb"), (float("nan"), None), (2.0, "\ud800")], ['the "x"', "note"]).splitlines()
    assert [json.loads(line) for line in lines] == [
        {'the "x"': 1.5, "note": "a\nb"},
        {'the "x"': None, "note": None},
        {'the "x"': 2.0, "note": "?"},
    ]
