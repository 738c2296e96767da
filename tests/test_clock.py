"""The clock: a loop that ends when the time is up."""

from __future__ import annotations

from plimsoll.clock import Clock


class Hands:
    """A clock's hands, moved by the test."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_steps_end_when_the_time_is_up():
    """Three seconds hold three steps of a second, whatever was hoped for."""
    hands = Hands()
    taken = []
    for step in Clock(3.0, now=hands).steps(1000):
        taken.append(step)
        hands.time += 1.0
    assert taken == [0, 1, 2]


def test_the_first_step_is_always_given():
    """A fit with no time at all still makes one step, so that there is a model."""
    assert list(Clock(0.0, now=Hands()).steps(5)) == [0]
    assert list(Clock(-1.0, now=Hands()).steps(0)) == []


def test_what_is_left_never_falls_below_zero():
    """Time overdrawn is no time."""
    hands = Hands()
    clock = Clock(2.0, now=hands)
    assert (clock.left, clock.up) == (2.0, False)
    hands.time += 5.0
    assert (clock.left, clock.up) == (0.0, True)
