"""Following a stream: what it tells of its wearer moves what is known, and what they do does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plimsoll.discriminant import Round
from plimsoll.following import Follower, State

MEANS = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 7.0]])
KNOWN = Round(np.eye(2), MEANS, np.log([0.6, 0.2, 0.2]))
OFF = np.array([1.5, -1.0])
SWAPPED = np.array([[0, 1], [1, 0]])  # as it is, and with the two features in each other's place
FOLLOWER = Follower(KNOWN, SWAPPED, np.log([0.5, 0.5]), level=20.0, classes=np.inf, trust=0.3)


def _heard(follower: Follower, features: np.ndarray) -> State:
    state = follower.start()
    for each in features:
        state = follower.learned(state, follower.heard(state, each))
    return state


def _drawn(shares: list[float], many: int = 400, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return MEANS[random.choice(3, many, p=shares)] + random.normal(size=(many, 2))


@pytest.mark.parametrize("way", [0, 1])
def test_the_way_in_which_sensors_are_worn_is_found_without_a_label(way: int):
    """The other way is given up; before anything was heard both were as likely."""
    state = _heard(FOLLOWER, _drawn([0.4, 0.3, 0.3])[:, SWAPPED[way]])
    assert state.ways.tolist() == [SWAPPED[way].tolist()]
    assert len(FOLLOWER.start().ways) == 2


def test_a_level_that_is_off_is_found():
    """All means are moved by as much as the stream is."""
    state = _heard(FOLLOWER, _drawn([0.4, 0.3, 0.3]) + OFF)
    assert np.allclose(state.means[0], MEANS + OFF, atol=0.3)


def test_how_much_somebody_rests_moves_nothing():
    """Taking away the mean of what was heard, as is often done, would move everything by where rest lies."""
    always, never = (_heard(FOLLOWER, _drawn(shares)) for shares in ([1.0, 0.0, 0.0], [0.0, 0.5, 0.5]))
    assert np.allclose(always.means[0], MEANS, atol=0.3)
    assert np.allclose(never.means[0], MEANS, atol=0.3)
    assert np.abs(_drawn([0.0, 0.5, 0.5]).mean(axis=0) - _drawn([1.0, 0.0, 0.0]).mean(axis=0)).max() > 3


def test_a_class_that_lies_elsewhere_is_followed_and_the_others_stay():
    """Each mean moves by its own share."""
    random = np.random.default_rng(3)
    follower = replace(FOLLOWER, ways=SWAPPED[:1], odds=np.zeros(1), level=np.inf, classes=20.0)
    moved = np.array([[0.0, 0.0], [9.0, 2.5], [0.0, 7.0]])
    state = _heard(follower, moved[random.choice(3, 400)] + random.normal(size=(400, 2)))
    assert np.allclose(state.means[0], moved, atol=0.6)


def test_a_follower_that_is_told_to_stay_moves_nothing():
    """Infinite weights on what is known: the means are as they were, to the last bit."""
    follower = replace(FOLLOWER, level=np.inf, classes=np.inf, trust=0.0)
    state = _heard(follower, _drawn([0.4, 0.3, 0.3]) + 2.0)
    assert np.array_equal(state.means, follower.start().means)


def test_a_state_is_never_changed_in_place():
    """Whoever goes on from it twice finds it as it was."""
    start = FOLLOWER.start()
    before = [np.copy(part) for part in start[:4]]
    FOLLOWER.learned(start, FOLLOWER.heard(start, np.array([5.0, 5.0])))
    assert all(np.array_equal(one, two) for one, two in zip(before, start[:4], strict=True))


def test_answers_are_shares_of_all_ways():
    """While two ways are thought of, an answer stands between theirs."""
    state = FOLLOWER.start()
    heard = FOLLOWER.heard(state, np.array([9.0, 0.0]))
    answer = FOLLOWER.answer(state, heard)
    assert answer.sum() == pytest.approx(1.0)
    assert answer[1] == pytest.approx(0.5, abs=0.01)
    assert answer[2] == pytest.approx(0.5, abs=0.01)
