"""What is said of the machine is read from it, and what can only be guessed is an interval."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import machine

COSTS = st.just(0.0) | st.floats(min_value=1e-9, max_value=1e9)


def test_the_card_is_plain_data_about_this_machine():
    """It can be written as JSON, and says how many cores and bytes there are."""
    card = json.loads(json.dumps(machine.card()))
    assert card == machine.card()
    assert card["cores"] >= 1
    assert card["memory"] > 2**27
    assert card["processor"]


def test_a_processor_is_named_where_the_kernel_does_not_say(monkeypatch: pytest.MonkeyPatch):
    """Without /proc/cpuinfo there is still a name."""

    def missing(_: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(machine.platform, "processor", lambda: "")
    assert machine.card()["processor"] == "unknown"


def test_versions_are_those_of_what_is_installed(monkeypatch: pytest.MonkeyPatch):
    """A package that is not there is left out, and the others are still found."""
    from importlib import metadata

    found = metadata.version

    def version(name: str) -> str:
        if name == "lightgbm":
            raise metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(metadata, "version", version)
    versions = machine.versions()
    assert versions["numpy"] == np.__version__
    assert "onnxruntime" in versions
    assert "lightgbm" not in versions


def _ticking(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Stands in for /proc/stat: one line a look."""
    told = iter(lines)
    monkeypatch.setattr(Path, "read_text", lambda _: f"{next(told)}\ncpu0 1 2 3\n")


@pytest.mark.parametrize(
    ("after", "share"),
    [
        ("cpu 100 0 0 200 0 0 0 0 9 9", 0.0),  # nothing but idle time has passed
        ("cpu 120 10 10 160 0 0 0 0 9 9", 0.4),  # user, nice and system are use
        ("cpu 100 0 0 150 50 0 0 0 9 9", 0.0),  # waiting for a disk is not
        ("cpu 100 0 0 100 0 50 25 25 9 9", 1.0),  # interrupts and other guests of the host are
        ("cpu 100 0 0 200 0 0 0 0 99 99", 0.0),  # guests of ours are counted in user already
    ],
)
def test_busy_is_the_share_of_ticks_that_were_not_idle(after: str, share: float, monkeypatch: pytest.MonkeyPatch):
    """Between two looks at the kernel's clock ticks, of all cores together."""
    _ticking(monkeypatch, "cpu 100 0 0 100 0 0 0 0 9 9", after)
    assert machine.others_busy(0.0) == pytest.approx(share)


def test_how_busy_a_machine_is_may_be_unknown(monkeypatch: pytest.MonkeyPatch):
    """Where no tick has passed, or the kernel does not say, it is None and not a guess."""
    _ticking(monkeypatch, "cpu 1 1 1 1 1 1 1 1", "cpu 1 1 1 1 1 1 1 1")
    assert machine.others_busy(0.0) is None
    _ticking(monkeypatch, "not what it was", "not what it was")
    assert machine.others_busy(0.0) is None


def test_busy_core_seconds_are_told_since_the_start(tmp_path: Path):
    """Ticks that were not idle, in seconds; None where the kernel does not say."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "stat").write_text("cpu 120 10 10 160 0 0 0 0 9 9\n")
    assert machine.busy_seconds(tmp_path) == pytest.approx(140 / os.sysconf("SC_CLK_TCK"))
    assert machine.busy_seconds(tmp_path / "none") is None


def test_a_process_keeps_to_the_cores_that_it_is_given():
    """The cores of a process are counted, and fewer can be asked for."""
    before = machine.core_numbers()
    assert machine.cores() == len(before)
    try:
        machine.pin(before[-1:])
        assert machine.core_numbers() == before[-1:]
        assert machine.cores() == 1
    finally:
        machine.pin(before)


def test_a_container_may_use_less_than_there_is(monkeypatch: pytest.MonkeyPatch):
    """Its limit counts where it is below the machine's memory; "max" is none."""
    whole = machine.card()["memory"]
    for text, allowed in (("1000000", 1_000_000), (str(10**18), whole), ("max", whole)):
        monkeypatch.setattr(Path, "read_text", lambda _, text=text: text)
        assert machine.allowed_memory() == allowed


@given(COSTS)
def test_energy_and_carbon_are_ordered_intervals(cpu: float):
    """Low, middle and high stand in order, and nothing costs nothing."""
    joules = machine.energy(cpu)
    for low, middle, high in (joules, machine.carbon(joules)):
        assert 0 <= low <= middle * (1 + 1e-12)
        assert middle <= high * (1 + 1e-12)
    assert (joules[2] > joules[0]) is (cpu > 0)


@given(COSTS, COSTS)
def test_more_work_never_costs_less(one: float, other: float):
    """Every end of both intervals grows with the core-seconds."""
    less, more = machine.energy(min(one, other)), machine.energy(max(one, other))
    assert all(a <= b for a, b in zip(less, more, strict=True))
    assert all(a <= b for a, b in zip(machine.carbon(less), machine.carbon(more), strict=True))


def test_carbon_is_as_unsure_as_the_energy_and_the_grid_together():
    """Its low end is the least energy from hydropower, its high end the most from coal."""
    low, _, high = machine.carbon((3.6e6, 5e6, 7.2e6))
    assert low == pytest.approx(machine.GRAMS_PER_KWH[0])
    assert high == pytest.approx(2 * machine.GRAMS_PER_KWH[1])
