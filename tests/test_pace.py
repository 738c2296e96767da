"""The pace of a core: looked at while something runs, and taken out of what was timed meanwhile."""

from __future__ import annotations

import math
import signal
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import pace
from plimsoll.pace import Pacer, at

PACES = st.floats(1e-5, 1e-2)


def test_a_long_piece_of_work_is_looked_at_all_along():
    """Before and after it, and in between about as often as its time has room for."""
    looks: list[float] = []
    with Pacer() as pacer:
        pacer.look = lambda how=pace.now: looks.append(how())  # type: ignore[method-assign]
        begun = time.process_time()
        while time.process_time() - begun < 0.5:
            math.sqrt(2.0)
    assert 4 <= len(looks) <= 12


def test_the_timer_ends_with_the_work():
    """Whoever had the signal before has it again, and it comes no more."""
    before = signal.getsignal(signal.SIGPROF)
    with pytest.raises(ZeroDivisionError), Pacer():
        _ = 1 / 0
    assert signal.getsignal(signal.SIGPROF) is before
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_the_pace_of_mixed_spells_is_that_of_the_work_done(monkeypatch: pytest.MonkeyPatch):
    """Half of the time at 1 and half at 3: two thirds of the work that the better pace would have done."""
    told = iter([1.0, 3.0])
    monkeypatch.setattr(pace, "_sum", lambda: next(told))
    pacer = Pacer()
    pacer.look(pace._sum)
    pacer.look(pace._sum)
    assert pacer.pace == pytest.approx(1.5)


def test_looking_says_what_it_took():
    """So that it can be left out of what the work took."""
    with Pacer() as pacer:
        pass
    assert 0.0 < pacer.spent < 0.5


@given(st.floats(1e-6, 1e6), PACES, PACES)
def test_only_what_was_timed_follows_the_pace(seconds: float, best: float, slow: float):
    """A time at a slower pace was less at the best one, and never by more than the pace; bytes are as they are."""
    best, slow = sorted((best, slow))
    found = at(best, {"cpu": seconds, "size": 10.0}, {"cpu": slow})
    assert found["size"] == 10.0
    assert seconds * best / slow <= found["cpu"] * (1 + 1e-9)
    assert found["cpu"] <= seconds * (1 + 1e-9)


def test_a_figure_whose_pace_is_not_known_stays():
    """Nothing is reckoned from nothing."""
    assert at(1e-4, {"cpu": 2.0, "p50": 1.0}, {"p50": 0.0}) == {"cpu": 2.0, "p50": 1.0}
