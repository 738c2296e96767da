"""Log-covariances: a matrix logarithm, band by band, that follows its channels."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from plimsoll import covariance
from plimsoll.window_features import FEATURES

RANDOM = np.random.default_rng(0)


def test_the_features_are_the_matrix_logarithm_of_the_covariance():
    """The diagonal as it is, and what stands beside it times √2, so that distances are those between the matrices."""
    x = RANDOM.normal(size=(1, 50, 4)) * 9
    wanted = scipy.linalg.logm(x[0].T @ x[0] / 50 + np.eye(4)).real
    rows, columns = np.triu_indices(4)
    assert np.allclose(covariance.of(x)[0], wanted[rows, columns] * np.where(rows == columns, 1, np.sqrt(2)))
    assert np.isclose(np.linalg.norm(covariance.of(x)[0]), np.linalg.norm(wanted))


def test_a_signal_twice_as_strong_is_moved_and_nothing_else():
    """So a level that is off is one constant, which whoever follows a level takes away."""
    x = RANDOM.normal(size=(2, 400, 3)) * 50
    apart = covariance.of(2 * x, floor=1e-9) - covariance.of(x, floor=1e-9)
    rows, columns = np.triu_indices(3)
    assert np.allclose(apart, np.where(rows == columns, np.log(4), 0.0), atol=1e-6)


def test_a_sine_is_heard_in_its_own_band():
    """10 Hz at 200 Hz lies in the first of four bands, 80 Hz in the last."""
    time = np.arange(52) / 200
    for hertz, band in ((10.0, 0), (35.0, 1), (60.0, 2), (85.0, 3)):
        found = covariance.banded(100 * np.sin(2 * np.pi * hertz * time)[None, :, None], floor=1.0)[0]
        assert found.argmax() == band
        assert found.max() > 3 + np.delete(found, band).max(), hertz


def test_the_bands_hold_the_power_of_the_whole():
    """White noise has as much power in all bands together as in the whole, but for what lies below the first."""
    x = RANDOM.normal(size=(400, 64, 1)) * 10
    parts = np.exp(covariance.banded(x, floor=1e-9)).sum(axis=1).mean()
    assert parts == pytest.approx(100, rel=0.1)


@pytest.mark.parametrize("kind", FEATURES)
def test_channels_that_change_places_take_their_features_along(kind: str):
    """What ``places`` says is what turning the channels of the samples does."""
    x, order = RANDOM.normal(size=(3, 40, 5)) * 20, np.array([3, 0, 4, 2, 1])
    features = FEATURES[kind]
    assert np.allclose(features.of(x)[:, features.places(order)], features.of(x[:, :, order]))
    assert not np.allclose(features.of(x), features.of(x[:, :, order]))


@pytest.mark.parametrize("kind", FEATURES)
@pytest.mark.parametrize("frames", [0, 1, 7, 60])
def test_one_cell_is_told_as_it_is_in_a_batch(kind: str, frames: int):
    """A cell shorter than the window has its first frame repeated before it, and one of no frames is silence."""
    cell = RANDOM.integers(-128, 127, (frames, 3)).astype(np.float32)
    padded = np.concatenate([np.repeat(cell[:1] if frames else np.zeros((1, 3)), 40, axis=0), cell])[-40:]
    one = FEATURES[kind].one(cell, 40)
    assert np.allclose(one, FEATURES[kind].of(padded[None])[0])
    assert np.isfinite(one).all()
