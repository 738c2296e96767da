"""Trials side by side: each on a lane of its own, and nothing that one does stops another."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from plimsoll.crew import Crew, Lane, Work
from plimsoll.devices import Device


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


def test_a_device_belongs_to_one_lane_and_goes_to_work_that_can_use_it():
    """What cannot use it leaves its lane to what can; where it is taken, work goes on without one."""
    crew = Crew([0, 1], [Device("a device", 1, 1, 9.0, "1", uuid="GPU-7")])
    assert [lane.device for lane in crew.lanes] == ["GPU-7", ""]
    both = threading.Barrier(2)

    def meet(name: str, lane: Lane) -> tuple[str, str]:
        both.wait(timeout=20.0)
        return name, lane.device

    for able in ((False, True), (True, True)):
        works = iter([Work(partial(meet, str(place)), device) for place, device in enumerate(able)])
        found = dict(crew.each(lambda works=works: next(works, None)))
        assert found == ({"0": "", "1": "GPU-7"} if able == (False, True) else {"0": "GPU-7", "1": ""})
    crew.stop()
