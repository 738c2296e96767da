"""Joules are counted where the processor counts them, and where it does not nobody says that it did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from plimsoll import energy, machine
from plimsoll.energy import Counter

SPAN = 262_143_328_850  # microjoules, as Intel's counters have it


class Machine:
    """A folder that stands in for /sys and /proc: what it says is what a test writes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seconds = 0.0
        self._write("proc/cpuinfo", "processor : 0\nflags : fpu avx2\n")
        self.ticks(0)

    def _write(self, place: str, text: str) -> None:
        (self.root / place).parent.mkdir(parents=True, exist_ok=True)
        (self.root / place).write_text(text)

    def domain(self, folder: str, name: str, counted: int, span: int = SPAN) -> None:
        place = f"sys/class/powercap/{folder}"
        self._write(f"{place}/name", f"{name}\n")
        self._write(f"{place}/energy_uj", f"{counted}\n")
        self._write(f"{place}/max_energy_range_uj", f"{span}\n")

    def ticks(self, busy: int) -> None:
        self._write("proc/stat", f"cpu {busy} 0 0 1000000 0 0 0 0 0 0\n")

    def virtual(self) -> None:
        self._write("proc/cpuinfo", "processor : 0\nflags : fpu hypervisor avx2\n")

    def counter(self) -> Counter:
        counter = Counter(self.root, now=lambda: self.seconds)
        counter.start()
        return counter


@pytest.fixture
def metal(tmp_path: Path) -> Machine:
    found = Machine(tmp_path)
    found.domain("intel-rapl:0", "package-0", 5_000_000)
    return found


def test_all_that_a_package_used_is_the_most_that_was_ours(metal: Machine):
    """Half of the busy core-seconds make half of the joules the least; the middle is the geometric mean."""
    counter = metal.counter()
    metal.domain("intel-rapl:0", "package-0", 105_000_000)
    metal.ticks(8 * 100)  # eight core-seconds of everybody, at a hundred ticks each
    metal.seconds = 5.0
    assert counter.joules(core_seconds=4.0) == pytest.approx((50.0, 5000**0.5, 100.0))
    assert counter.source == "counted by the processor (RAPL, 1 package)"


def test_packages_are_added_and_their_parts_are_not(metal: Machine):
    """Cores, memory, the whole board and a second way to the same counter are no packages of their own."""
    others = {"intel-rapl:0:0": "core", "intel-rapl:0:1": "dram", "intel-rapl:2": "psys"}
    more = {**others, "intel-rapl:1": "package-1", "intel-rapl-mmio:0": "package-0"}
    for folder, name in more.items():
        metal.domain(folder, name, 0)
    counter = metal.counter()
    for folder, name in more.items():
        metal.domain(folder, name, 7_000_000)
    joules = counter.joules(core_seconds=1.0)
    assert joules is not None
    assert joules[2] == pytest.approx(7.0)
    assert "2 packages" in counter.source


def test_a_counter_that_begins_again_goes_on(metal: Machine):
    """What was left before it came to its end is added to what it says after; looks add up, and once round is seen."""
    counter = metal.counter()
    for counted, whole in ((SPAN - 1_000_000, SPAN - 6_000_000), (2_000_000, SPAN - 3_000_000)):
        metal.domain("intel-rapl:0", "package-0", counted)
        joules = counter.joules(core_seconds=0.0)
        assert joules is not None
        assert joules[2] == pytest.approx(whole / 1e6)


def test_a_counter_that_may_have_gone_round_twice_says_nothing(metal: Machine):
    """Looked at after an hour, it cannot be told from one that has hardly moved: that is said, and no figure given."""
    counter = metal.counter()
    metal.seconds = 3600.0
    assert counter.joules(core_seconds=1.0) is None
    assert "lost sight" in counter.source
    assert counter.joules(core_seconds=1.0) is None


@pytest.mark.parametrize("ours", [0.0, 3.0, 1e9])
def test_the_interval_is_in_order(ours: float, metal: Machine):
    """Nothing of ours makes the least nothing; more of ours than of everybody is all of it."""
    counter = metal.counter()
    metal.domain("intel-rapl:0", "package-0", 65_000_000)
    metal.ticks(600)
    joules = counter.joules(core_seconds=ours)
    assert joules is not None
    low, middle, high = joules
    assert low <= middle <= high == pytest.approx(60.0)
    assert low == pytest.approx(min(60.0, ours * 10.0))


def test_cores_of_which_nobody_says_how_busy_they_were_may_all_have_been(metal: Machine, monkeypatch):
    """Without /proc/stat our share is taken of every core for all of the time."""
    monkeypatch.setattr(energy.os, "cpu_count", lambda: 4)
    (metal.root / "proc/stat").unlink()
    counter = metal.counter()
    metal.domain("intel-rapl:0", "package-0", 85_000_000)
    metal.seconds = 10.0
    joules = counter.joules(core_seconds=20.0)
    assert joules is not None
    assert joules[0] == pytest.approx(40.0)


def test_what_this_process_used_is_known_without_being_told(metal: Machine, monkeypatch):
    """Core-seconds of this process and its children since the start, where none are given."""
    spent = iter([2.0, 5.0])
    monkeypatch.setattr(energy, "own_seconds", lambda: next(spent))
    counter = metal.counter()
    metal.domain("intel-rapl:0", "package-0", 25_000_000)
    metal.ticks(600)
    joules = counter.joules()
    assert joules is not None
    assert joules[0] == pytest.approx(10.0)


def _none_there(made: Machine) -> None:
    made.domain("intel-rapl:0", "psys", 1)


def _not_a_number(made: Machine) -> None:
    made.domain("intel-rapl:0", "package-0", 1)
    (made.root / "sys/class/powercap/intel-rapl:0/energy_uj").write_text("soon\n")


def _for_others(made: Machine) -> None:
    """A folder where a file is due raises as a file that may not be read does, also for an administrator."""
    made.domain("intel-rapl:0", "package-0", 1)
    place = made.root / "sys/class/powercap/intel-rapl:0/energy_uj"
    place.unlink()
    place.mkdir()


def _as_a_guest(made: Machine) -> None:
    made.domain("intel-rapl:0", "package-0", 1)
    made.virtual()


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (_none_there, "no counters on this machine"),
        (_not_a_number, "administrator"),
        (_for_others, "/sys/class/powercap/intel-rapl:0/energy_uj may be read by the administrator alone"),
        (_as_a_guest, "virtual machine"),
    ],
)
def test_without_counters_there_are_no_joules(made: Callable[[Machine], None], words: str, tmp_path: Path):
    """None, with the reason in words: the caller estimates, and says that it does."""
    found = Machine(tmp_path)
    made(found)
    counter = found.counter()
    assert counter.joules(core_seconds=1.0) is None
    assert words in counter.source


def test_a_counter_that_goes_away_is_lost(metal: Machine):
    """A figure is given as long as there is one, and never made up from what was read before."""
    counter = metal.counter()
    assert counter.joules(core_seconds=0.0) is not None
    (metal.root / "sys/class/powercap/intel-rapl:0/energy_uj").unlink()
    assert counter.joules(core_seconds=0.0) is None


def test_this_machine_answers_either_way():
    """Whatever it is: joules with their source, or none with the reason."""
    counter = Counter()
    counter.start()
    assert (counter.joules() is None) is counter.source.startswith("no counters")
    assert energy.own_seconds() > 0
    assert (machine.busy_seconds() or 1.0) > 0
