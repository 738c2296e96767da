"""Trials side by side: each on a lane of its own, and nothing that one does stops another."""

from __future__ import annotations

import threading
import time

import pytest

from plimsoll.crew import Crew, Lane


def test_lanes_work_at_once_and_are_idle_again():
    """Two things that wait for each other both end, which they could not one after the other."""
    crew = Crew([0, 1])
    both = threading.Barrier(2)

    def meet(lane: Lane) -> int:
        both.wait(timeout=20.0)
        return lane.number

    for lane in crew.idle:
        crew.send(lane, meet)
    assert crew.idle == []
    found = crew.ended()
    while len(crew.idle) < 2:
        found += crew.ended()
    assert sorted(found) == [0, 1]
    crew.stop()


def test_what_a_lane_raises_is_raised_where_it_is_asked_for():
    """A fault of ours is never lost in a thread."""
    crew = Crew([0])

    def fails(_lane: Lane) -> None:
        raise ValueError("a fault")

    crew.send(crew.idle[0], fails)
    with pytest.raises(ValueError, match="a fault"):
        crew.ended()
    assert len(crew.idle) == 1
    crew.stop()


def test_what_is_abandoned_is_let_go_of():
    """After it every lane is idle, and what was done is not handed out."""
    crew = Crew([0, 1])
    for lane in crew.idle:
        crew.send(lane, lambda _lane: time.sleep(0.2))
    crew.abandon()
    assert len(crew.idle) == 2
    assert crew.ended(0.0) == []
    crew.stop()
