"""How a ring is worn is found from what was done in it."""

from __future__ import annotations

import numpy as np
import pytest

from plimsoll import discriminant, wearing
from plimsoll.clock import Clock
from plimsoll.schema import Axis, Layout
from plimsoll.window_features import FEATURES
from worn_toys import CHANNELS, WAYS, WINDOW, rows, stream

PLACES = np.stack([FEATURES["covariance"].places(order) for order in WAYS])


def _features(ways: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    held, target = rows([stream(seed, way) for seed, way in enumerate(ways)], ["P"] * len(ways))
    signals = held.signals("emg")
    return FEATURES["covariance"].last(signals, WINDOW), target, np.unique(signals.starts, return_inverse=True)[1]


def test_a_ring_is_worn_in_as_many_ways_as_it_has_places_twice():
    """Turned by each number of places, and that the other way round; as it is comes first."""
    assert WAYS.shape == (2 * CHANNELS, CHANNELS)
    assert WAYS[0].tolist() == list(range(CHANNELS))
    assert len(np.unique(WAYS, axis=0)) == len(WAYS)


def test_neighbours_stay_neighbours_in_every_way():
    """A way of wearing never tears a ring apart; a shuffle would."""
    apart = np.abs(np.diff(WAYS, axis=1)) % CHANNELS
    assert set(np.unique(apart)) <= {1, CHANNELS - 1}


def test_only_the_axis_that_closes_is_turned():
    """Two rows of three electrodes: each row turns, and none becomes the other."""
    layout = Layout(100.0, tuple("abcdef"), (Axis("row", 2), Axis("place", 3, ring=True)))
    for way in wearing.orders(layout):
        assert set(way[:3].tolist()) == {0, 1, 2}


def test_sensors_that_stand_in_no_ring_are_worn_in_one_way():
    assert wearing.orders(Layout(100.0, ("a", "b"))).tolist() == [[0, 1]]


@pytest.mark.parametrize("planted", [[0, 3, 8, 1, 10, 5], [7, 7, 2, 11, 0, 4]])
def test_streams_are_laid_onto_one_another_as_they_were_turned(planted: list[int]):
    """Whatever way is planted in each, the same electrode ends up in the same place in all of them."""
    features, target, streams = _features(planted)
    found = wearing.aligned(features, target, streams, PLACES, 4, Clock(60.0))
    laid = np.stack([WAYS[was][WAYS[way]] for was, way in zip(planted, found, strict=True)])
    assert (laid == laid[0]).all()


def test_the_labels_are_what_streams_are_laid_by():
    """Where two gestures are mirror images, only their labels say which way round a ring is worn."""
    random = np.random.default_rng(0)
    strengths = np.array([[2, 2, 2, 2, 2, 2], [9, 30, 9, 2, 2, 2], [9, 2, 2, 2, 9, 30]])
    target, streams = np.tile(np.repeat([0, 1, 2], 60), 4), np.repeat(np.arange(4), 180)
    features = FEATURES["covariance"].of(random.normal(size=(720, 20, 6)) * strengths[target][:, None])
    assert wearing.aligned(features, target, streams, PLACES, 3, Clock(60.0)).tolist() == [0, 0, 0, 0]
    other = np.where((streams == 3) & (target > 0), 3 - target, target)
    found = wearing.aligned(features, other, streams, PLACES, 3, Clock(60.0))
    assert len(set(found[:3].tolist())) == 1
    assert found[3] != found[0]


def test_a_stream_that_says_little_is_worn_as_the_others_are():
    """One moment of rest that looks turned proves nothing; a whole stream of gestures does."""
    known = discriminant.clouds(*_features([0])[:2], 4).whitened()
    features, target, streams = _features([5, 5, 2])
    found = wearing.of_one(known, features, target, streams, PLACES, 0.015)
    assert found[0] == found[1] != found[2]
    least = np.flatnonzero((streams < 2) | ((np.cumsum(streams == 2) == 1) & (streams == 2)))
    found = wearing.of_one(known, features[least], target[least], streams[least], PLACES, 0.015)
    assert found[0] == found[1] == found[2]


def test_without_time_streams_are_laid_all_the_same():
    """The first of the starts is always carried through."""
    features, target, streams = _features([0, 3, 8])
    found = wearing.aligned(features, target, streams, PLACES, 4, Clock(0.0))
    assert found.shape == (3,)


def test_no_way_is_ruled_out_before_anything_is_heard():
    """And a person who wore it in one way is expected to wear it so again, before others."""
    odds = wearing.expected(np.array([0, 0, 1]), 12)
    assert odds.sum() == pytest.approx(1.0)
    assert odds.min() > 0
    assert wearing.seen(np.array([4]), odds).argmax() == 4
