"""Learning curves: what a loss will be with more rows or more time, from a few cheap points.

Several parametric forms are fitted, and weighted by how well each forecasts the last point from those before it;
a flat line is always among them. The forms are those that did best on LCDB (Mohr and others 2022; Viering and
Loog 2021): power laws with two, three and four parameters, and the Morgan-Mercer-Flodin curve. A loss is less the
better it is: one minus an AUC, an RMSE. Curves that rise where they should fall are not carried on: about one in
seven data-size curves is like that (LCDB 1.1), and a forecast would only be wrong with confidence.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Interval = tuple[float, float, float]

FARTHEST = 1_000.0  # times the largest size seen: beyond it nothing is said
_Z = 1.645  # of a two-sided 90 % interval
_DRIFT = 0.04  # what is not known of the slope, a factor of e beyond the last point
_ALONE = 0.5  # the same where no slope has been seen: on 34 data sets nine in ten lay within it
_LEAST = 0.01  # share of a loss that its error is taken for, at least
_UNKNOWN = 0.2  # where nothing is said of it, and no third point shows it
_PULL = 0.3  # of a parameter to its start, in shares of that, where a loss counts in its errors
_RISE = 0.02  # a loss that has risen by more than this share, and more than its noise, is ill-behaved


@dataclass(frozen=True)
class Point:
    """A loss seen at a size (rows, or seconds), with its standard error."""

    size: float
    loss: float
    error: float = 0.0


@dataclass(frozen=True)
class Form:
    """One family: sizes and parameters to losses, both as shares of the last point's."""

    name: str
    function: Callable[[Array, Array], Array]
    start: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def _power(x: Array, p: Array) -> Array:
    return np.asarray(p[0] * x ** -p[1])


def _offset(x: Array, p: Array) -> Array:
    return np.asarray(p[2] + p[0] * x ** -p[1])


def _shifted(x: Array, p: Array) -> Array:
    return np.asarray(p[2] + p[0] * (x + p[3]) ** -p[1])


def _saturating(x: Array, p: Array) -> Array:
    grown = x ** p[3]
    return np.asarray((p[0] * p[1] + p[2] * grown) / (p[1] + grown))


FORMS = (
    Form("power law", _power, (1.0, 0.2), (0.0, 0.0), (5.0, 2.0)),
    Form("power law to a floor", _offset, (0.3, 0.5, 0.7), (0.0, 0.02, 0.0), (5.0, 3.0, 1.5)),
    Form("shifted power law", _shifted, (0.3, 0.5, 0.7, 0.01), (0.0, 0.02, 0.0, 0.0), (5.0, 3.0, 1.5, 1.0)),
    Form("Morgan-Mercer-Flodin", _saturating, (3.0, 0.1, 0.7, 1.0), (0.0, 1e-3, 0.0, 0.1), (50.0, 5.0, 1.5, 3.0)),
)


@dataclass(frozen=True)
class Curve:
    """A weighted set of fitted forms. ``refused`` says why none is carried on, and the forecast is then flat."""

    last: Point
    fitted: tuple[tuple[Form, tuple[float, ...]], ...]
    weights: tuple[float, ...]  # one more than the forms: the last is that of the flat line
    refused: str = ""
    drift: float = _DRIFT

    def at(self, size: float) -> Interval:
        """(low, middle, high) of the loss at a size, 90 %.

        >>> seen = [Point(n, 0.1 + n**-0.5) for n in (100.0, 400.0, 1600.0, 6400.0)]
        >>> low, middle, high = fit(seen).at(25_600.0)
        >>> low < 0.1 + 25_600.0**-0.5 < high
        True
        """
        ratio = min(size / self.last.size, FARTHEST)
        each = np.array([*(float(form.function(np.array([ratio]), np.array(p))[0]) for form, p in self.fitted), 1.0])
        weights = np.array(self.weights)
        middle = float(weights @ each)
        apart = float(np.sqrt(weights @ (each - middle) ** 2))
        noise = self.last.error / self.last.loss if self.last.loss > 0 else 0.0
        spread = _Z * float(np.sqrt(apart**2 + noise**2 + (self.drift * np.log(max(ratio, 1.0))) ** 2))
        low, high = max(0.0, middle - spread), middle + spread
        return low * self.last.loss, middle * self.last.loss, high * self.last.loss

    def needed(self, loss: float) -> tuple[float | None, float | None, float | None]:
        """(least, likely, most) size at which the loss comes down to a value; None beyond ``FARTHEST``."""
        sizes = self.last.size * np.geomspace(1.0, FARTHEST, 241)
        bands = np.array([self.at(size) for size in sizes])
        least, likely, most = (_first(sizes, bands[:, part] <= loss) for part in range(3))
        return least, likely, most


def _first(sizes: Array, reached: Array) -> float | None:
    return float(sizes[np.argmax(reached)]) if reached.any() else None


def fit(points: Sequence[Point]) -> Curve:
    """The curve through at least one point. Raises ValueError for none, or for sizes and losses that are no numbers."""
    points = sorted(points, key=lambda point: point.size)
    if not points or not all(np.isfinite([p.size, p.loss]).all() and p.size > 0 and p.loss >= 0 for p in points):
        raise ValueError("a curve needs points with a size above zero and a finite loss")
    last = points[-1]
    if refused := _ill(points):
        return Curve(last, (), (1.0,), refused, _ALONE)
    usable = [form for form in FORMS if len(form.start) <= len(points) + 1]
    fitted = tuple((form, _fitted(form, points, last)) for form in usable)
    return Curve(last, fitted, _weights(usable, points))


def _ill(points: Sequence[Point]) -> str:
    if len(points) < 2:
        return "one point says nothing of what comes after it"
    if points[-1].loss <= 0:
        return "the loss is zero already"
    for early, late in itertools.pairwise(points):
        noise = 2.0 * float(np.hypot(early.error, late.error))
        if late.loss > early.loss * (1.0 + _RISE) + noise:
            return f"the loss rose from {early.loss:.4g} at {early.size:,.0f} to {late.loss:.4g} at {late.size:,.0f}"
    return ""


def _fitted(form: Form, points: Sequence[Point], last: Point) -> tuple[float, ...]:
    """Least squares on log losses, the parameters drawn to where curves mostly lie."""
    from scipy.optimize import least_squares

    x = np.array([point.size for point in points]) / last.size
    y = np.maximum([point.loss for point in points], 1e-12) / last.loss
    unknown = _UNKNOWN if len(points) < 3 else _LEAST
    noise = np.maximum([point.error / max(point.loss, 1e-12) if point.error else unknown for point in points], _LEAST)
    start = np.array(form.start)

    def miss(p: Array) -> Array:
        fault = (np.log(np.maximum(form.function(x, p), 1e-12)) - np.log(y)) / noise
        return np.concatenate([fault, _PULL * (p - start) / np.maximum(start, 0.1)])

    found = least_squares(miss, start, bounds=(form.low, form.high), max_nfev=200)
    return tuple(found.x.tolist())


def _weights(forms: Sequence[Form], points: Sequence[Point]) -> tuple[float, ...]:
    """By how well each form forecasts the last point from the others; alike where there are too few to tell."""
    if len(points) < 3:
        return tuple(np.full(len(forms) + 1, 1.0 / (len(forms) + 1)).tolist())
    early, last = points[:-1], points[-1]
    ratio = np.array([last.size / early[-1].size])
    fell = float(np.log(last.loss / early[-1].loss))
    told = [float(form.function(ratio, np.array(_fitted(form, early, early[-1])))[0]) for form in forms]
    faults = np.array([*(np.log(np.maximum(told, 1e-12)) - fell), -fell])
    width = max(0.02, last.error / last.loss)
    weights = np.exp(-0.5 * np.minimum((faults / width) ** 2, 50.0)) + 1e-6
    return tuple((weights / weights.sum()).tolist())
