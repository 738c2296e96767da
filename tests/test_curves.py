"""Learning curves: forecasts with honest intervals, and a refusal where there is nothing to go by."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from plimsoll.curves import FARTHEST, Point, fit

SIZES = (400.0, 1_600.0, 6_400.0)


def falling(floor: float, slope: float, sizes: tuple[float, ...] = SIZES) -> list[Point]:
    return [Point(size, floor + size**-slope) for size in sizes]


@pytest.mark.parametrize(("floor", "slope"), [(0.1, 0.5), (0.0, 0.3), (0.2, 1.0), (0.05, 0.25)])
def test_a_clean_curve_is_carried_on(floor: float, slope: float):
    """Four times the rows: within a few percent, and inside the interval."""
    low, middle, high = fit(falling(floor, slope)).at(25_600.0)
    truth = floor + 25_600.0**-slope
    assert middle == pytest.approx(truth, rel=0.05)
    assert low < truth < high


def test_an_interval_widens_with_the_distance():
    """The farther, the less is known."""
    curve = fit(falling(0.1, 0.5))
    widths = [high - low for low, _, high in map(curve.at, (6_400.0, 25_600.0, 400_000.0))]
    assert widths[0] < widths[1] < widths[2]


def test_more_rows_never_cost_score():
    """A forecast does not rise where the curve falls."""
    curve = fit(falling(0.1, 0.5))
    middles = [curve.at(size)[1] for size in np.geomspace(6_400.0, 6.4e6, 30)]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(middles))


def test_a_noisy_last_point_widens_the_interval():
    """A standard error of the last point is carried on."""
    clean = falling(0.1, 0.5)
    noisy = [Point(point.size, point.loss, 0.02) for point in clean]
    assert np.ptp(fit(noisy).at(25_600.0)) > 1.5 * np.ptp(fit(clean).at(25_600.0))


def test_the_rows_that_a_goal_needs():
    """A goal in reach comes as an interval that holds the truth; one behind the floor is not in reach."""
    curve = fit(falling(0.0, 0.3))
    goal = 25_600.0**-0.3
    least, likely, most = curve.needed(goal)
    assert least <= 25_600.0 <= most
    assert likely == pytest.approx(25_600.0, rel=0.25)
    assert fit(falling(0.2, 1.0)).needed(0.1)[1] is None


def test_a_goal_that_is_met_needs_no_more():
    """The rows that there are will do."""
    assert fit(falling(0.1, 0.5)).needed(0.5)[2] == 6_400.0


@pytest.mark.parametrize(
    ("losses", "words"),
    [((0.3, 0.2, 0.25), "rose from 0.2"), ((0.3,), "one point"), ((0.2, 0.1, 0.0), "zero already")],
)
def test_an_ill_behaved_curve_is_refused(losses: tuple[float, ...], words: str):
    """What rises, or has nothing to go by, is forecast as it is, and says why."""
    curve = fit([Point(size, loss) for size, loss in zip(SIZES, losses, strict=False)])
    assert words in curve.refused
    assert curve.at(1e6)[1] == losses[-1]


def test_a_rise_within_its_noise_is_no_reason_to_refuse():
    """Two points that are level within their errors are a flat curve."""
    points = [Point(400.0, 0.30, 0.02), Point(1_600.0, 0.20, 0.02), Point(6_400.0, 0.215, 0.02)]
    assert fit(points).refused == ""


@pytest.mark.parametrize("points", [[], [Point(0.0, 0.1)], [Point(10.0, float("nan"))], [Point(10.0, -1.0)]])
def test_what_is_no_point_is_refused(points: list[Point]):
    """Sizes above zero, losses that are finite and not below zero."""
    with pytest.raises(ValueError, match="a curve needs points"):
        fit(points)


def test_nothing_is_said_beyond_the_farthest():
    """A thousand times what was seen is as far as a forecast goes."""
    curve = fit(falling(0.1, 0.5))
    assert curve.at(6_400.0 * FARTHEST) == curve.at(6_400.0 * FARTHEST * 50)
