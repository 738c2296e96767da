"""Time-domain features of signals whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from plimsoll import time_domain

SINE = 50 * np.sin(2 * np.pi * (10 * np.arange(400) / 200 + 0.013))[None, :, None]


def test_a_sine_has_the_figures_of_a_sine():
    """10 Hz at 200 Hz: 20 crossings and 20 turns a second, a mean absolute value of 2 / π, a power of a half."""
    mean, length, crossings, turns, power = time_domain.of(SINE)[0]
    assert np.expm1(mean) == pytest.approx(50 * 2 / np.pi, rel=0.01)
    assert np.expm1(power) == pytest.approx(50**2 / 2, rel=0.01)
    assert crossings == pytest.approx(20 / 200, rel=0.06)
    assert turns == pytest.approx(20 / 200, rel=0.06)
    assert np.expm1(length) == pytest.approx(50 * 4 * 10 / 200, rel=0.03)  # up and down twice a period


def test_noise_of_the_last_digit_crosses_nothing():
    """A sensor at rest that flickers by one count would otherwise cross zero all the time."""
    flicker = np.tile([1.0, -1.0], 50)[None, :, None]
    assert time_domain.of(flicker)[0, 2:4].tolist() == [0.0, 0.0]
    assert time_domain.of(flicker, noise=0.5)[0, 2:4].tolist() == [1.0, 1.0]


def test_a_window_of_no_length_has_figures_too():
    """One frame takes no steps; and no windows are an empty table."""
    assert np.isfinite(time_domain.of(np.full((1, 1, 2), 5.0))).all()
    assert time_domain.of(np.zeros((0, 40, 2))).shape == (0, 10)


def test_eight_bits_do_not_overflow():
    """Samples come as the file has them, and -128 squared does not fit into their type."""
    x = np.full((1, 20, 1), -128, dtype=np.int8)
    x[0, ::2] = 127
    assert np.allclose(time_domain.of(x), time_domain.of(x.astype(np.float64)))
    assert np.expm1(time_domain.of(x)[0, 1]) == pytest.approx(255)
