"""Fronts: what a net is given in place of samples looks back only, is the same in chunks, and is bounded when it is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from plimsoll import covariance, fronts, net_augment, nets
from plimsoll.fronts import Front
from plimsoll.profile import Profile
from plimsoll.rows import Signals
from plimsoll.schema import Axis, Layout

LAYOUT = Layout(200.0, ("a", "b", "c", "d"), (Axis("electrode", 4, ring=True),))
SAMPLES = (np.random.default_rng(0).normal(size=(403, 4)) * 20.0 + 7.0).astype(np.float32)
ROWS = Signals(SAMPLES, np.zeros(4, dtype=np.int64), np.array([30, 100, 250, 403]))


def made(kind: str, **knobs: Any) -> Front:
    options = {name: each[0] for name, each in fronts.KINDS[kind].options.items()}
    return fronts.learned(kind, LAYOUT, ROWS, {**options, **knobs})


@pytest.fixture(params=fronts.KINDS)
def front(request: pytest.FixtureRequest) -> Front:
    return made(request.param)


def told(front: Any, samples: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    state, place, turn, found = samples[:0], 0, 0, []
    while place < len(samples):
        size = sizes[turn % len(sizes)]
        features, state = front.step(samples[place : place + size], state)
        found.append(features)
        place, turn = place + size, turn + 1
    return np.concatenate(found)


@pytest.mark.parametrize("sizes", [(1,), (7, 0, 64, 1), (5,)])
def test_a_front_in_chunks_gives_what_the_whole_gives(front: Front, sizes: tuple[int, ...]):
    whole = told(front, SAMPLES, (10_000,))
    assert whole.shape == (403 // front.hop, front.features)
    np.testing.assert_allclose(told(front, SAMPLES, sizes), whole, atol=1e-6)


def test_a_front_does_not_look_ahead_and_no_further_back_than_it_says(front: Front):
    """Everything after a frame is changed, and then everything before its reach."""
    whole, at = told(front, SAMPLES, (10_000,)), 20
    later, earlier = SAMPLES.copy(), SAMPLES.copy()
    later[at * front.hop :] *= -3.0
    np.testing.assert_allclose(told(front, later, (10_000,))[:at], whole[:at], atol=1e-6)
    assert not np.allclose(told(front, later, (10_000,))[at], whole[at])
    begin = at * front.hop - front.reach(3)
    earlier[:begin] *= -3.0
    np.testing.assert_allclose(told(front, earlier, (10_000,))[at - 3 : at], whole[at - 3 : at], atol=1e-6)


class Ahead(Front, frozen=True):
    """Planted: takes what comes next into account."""

    def step(self, chunk: Any, state: Any) -> Any:
        features, state = super().step(chunk, state)
        return (np.concatenate([features[1:], features[-1:]]) if len(features) else features), state


class Forgetful(Front, frozen=True):
    """Planted: begins anew with each chunk."""

    def step(self, chunk: Any, state: Any) -> Any:
        return super().step(chunk, state[:0] if len(chunk) else state)


def test_the_checks_above_see_a_front_that_is_at_fault(front: Front):
    """One that looks ahead, and one whose chunks are not the whole, are told by the same figures."""
    whole, plain = told(front, SAMPLES, (10_000,)), msgspec.to_builtins(front)
    ahead, forgetful = msgspec.convert(plain, Ahead), msgspec.convert(plain, Forgetful)
    later = SAMPLES.copy()
    later[20 * front.hop :] *= -3.0
    assert not np.allclose(told(ahead, later, (10_000,))[:20], told(ahead, SAMPLES, (10_000,))[:20])
    assert not np.allclose(told(forgetful, SAMPLES, (front.hop,)), whole)


def test_moments_are_told_of_the_features_that_were_whole_by_then(front: Front):
    """Streams are told once, and what a stretch is filled up with is its first sample for ever."""
    rows = Signals(SAMPLES, np.array([0, 200, 0]), np.array([90, 403, 33]))
    found = front.heard(rows)
    assert (found.ends - found.starts).tolist() == [n // front.hop + 1 for n in (90, 203, 33)]
    for row in range(3):
        stream = told(front, rows.cell(row), (10_000,))
        np.testing.assert_allclose(found.cell(row)[1:], stream, atol=1e-6)
        still = front.windows(np.repeat(rows.cell(row)[:1], front.frames, axis=0)[None])[0]
        np.testing.assert_allclose(found.cell(row)[:1], still, atol=1e-6)


def test_a_turned_ring_moves_features_and_changes_none(front: Front):
    """What is said of turned channels is what was said of them before, elsewhere."""
    orders = net_augment.turns(LAYOUT)
    windows = SAMPLES[None, : front.frames]
    level = msgspec.structs.replace(front, middle=[7.0] * 4)
    places = level.places(orders)
    assert places.shape == (3, front.features)
    for order, place in zip(orders, places, strict=True):
        np.testing.assert_allclose(
            level.windows(windows[:, :, order])[0], level.windows(windows)[0][:, place], atol=1e-4
        )


def test_bands_are_told_apart():
    """A swing of 30 Hz is in the second band of 200 Hz and in no other, of the channel that has it."""
    front, at = made("covariances"), np.arange(400) / 200.0
    swing = np.random.default_rng(1).normal(size=(400, 4)) * 0.1
    quiet = told(front, swing.astype(np.float32) + 7.0, (400,))[-1].reshape(4, 10)
    swing[:, 2] += 20.0 * np.sin(2 * np.pi * 35.0 * at)
    loud = told(front, swing.astype(np.float32) + 7.0, (400,))[-1].reshape(4, 10)
    diagonal = [0, 4, 7, 9]
    gain = (loud - quiet)[:, diagonal]
    assert np.unravel_index(gain.argmax(), gain.shape) == (1, 2)
    assert gain.max() > 3.0


def test_pieces_of_a_window_have_the_power_of_the_whole():
    """White noise has as much of it in each band whether a window is taken whole or in pieces."""
    noise = np.random.default_rng(2).normal(size=(400, 200, 2))
    one, other = (covariance.banded(noise, 1e-3, (0.1, 0.4, 0.9), piece)[:, [0, 2]].mean() for piece in (None, 50))
    assert abs(one - other) < 0.1


@pytest.mark.parametrize(
    "change",
    [
        {"hop": 1_000},
        {"piece": 1_000},
        {"level": 0.0},
        {"level": float("nan")},
        {"middle": [0.0]},
        {"edges": [0.5, 0.1, 1.0]},
        {"frames": 0},
        {"frames": 1 << 20},
        {"edges": [0.1]},
        {"edges": [0.1, 2.0]},
        {"kind": "else"},
        {"odd": 1},
    ],
)
def test_a_front_that_members_hold_is_bounded(front: Front, change: dict[str, Any]):
    with pytest.raises((ValueError, msgspec.ValidationError)):
        msgspec.convert({**msgspec.to_builtins(front), **change}, Front).checked(4)


def test_a_front_is_read_as_it_was_written(front: Front):
    again = msgspec.json.decode(msgspec.json.encode(front), type=Front).checked(4)
    np.testing.assert_array_equal(again.windows(SAMPLES[None]), front.windows(SAMPLES[None]))


def test_costs_count_the_front():
    """A longer look back and shorter steps cost more, and what is held is features."""
    recipe = nets.recipe("mine", lambda channels, classes, knobs: None, None, None, lambda *_: 1.0, front="covariances")
    profile = Profile(5_000, waves=1, channels=8, frames=200.0, classes=8)
    base = recipe.space.default
    one, longer, slower = (recipe.facts(profile, {**base, **more}) for more in ({}, {"look": 0.4}, {"step": 0.05}))
    assert longer.operations[-1] > one.operations[-1] > slower.operations[-1] > 0
    assert one.bytes[-1] > slower.bytes[-1] > 0
    assert one.answer[-1] > slower.answer[-1] > 0
    features, rate = fronts.width("covariances", 8, 200.0, base)
    assert (features, rate) == (144, 40.0)


def test_words_that_are_no_front_or_loss_are_refused():
    for words in ({"front": "wavelets"}, {"loss": "hinge"}, {"loss": "ctc", "reach": "window"}):
        with pytest.raises(ValueError, match="a front is one of covariances, spectrogram"):
            nets.recipe("mine", lambda *_: None, **{"reach": None, **words})  # type: ignore[arg-type]  # wrong on purpose


def test_a_plain_front_is_no_front():
    assert fronts.PLAIN.windows(SAMPLES) is SAMPLES
    assert fronts.PLAIN.layout(LAYOUT) is LAYOUT
    assert replace(fronts.PLAIN).reach(9) == 9
