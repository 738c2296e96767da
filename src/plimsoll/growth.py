"""How figures grow with what is known of a fit: addends that the recipe names, then what these leave.

First a sum of addends with factors that are never below zero (non-negative least squares on relative errors; Lawson and
Hanson 1974), for a cost is a sum of parts; then, in logarithms, a ridge regression on the profile of the rows and the
knobs, and a kernel ridge on the rest, which is what shrunken trees would be, but smooth, and learned in a tenth of the time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from plimsoll.cases import Known
from plimsoll.knobs import Value

Array = NDArray[Any]
_STRENGTH = 1_000.0  # of the ridge, on standardised columns
_REACH = 4.0  # how far, in standard deviations of all columns together, fits are alike
_NOISE = 2.0  # of a figure, in what is left
_NEAR = 0.05  # a sum that is so near, in logs, is near enough
_MOST = 400  # fits that a smooth curve goes by
_LEAST = 4
_DOUBT = 1e-3  # of a relative error, squared, that an addend is to be worth
_WEIGHED = 8  # rounds of weighing relative errors anew
_ROUNDS = 3  # of taking a bound for what is expected above it


@dataclass(frozen=True)
class Table:
    """How what is known becomes numbers: the knobs in order, the levels of those that are words, centre and scale."""

    knobs: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    mean: Array
    scale: Array

    @staticmethod
    def of(known: Sequence[Known]) -> Table:
        knobs = tuple(sorted({name for each in known for name in each.knobs}))
        levels = {name: _words(known, name) for name in knobs}
        plain = Table(knobs, levels, np.zeros(1), np.ones(1))
        table = plain.matrix(known)
        scale = table.std(axis=0)
        return replace(plain, mean=table.mean(axis=0), scale=np.where(scale < 1e-9, 1.0, scale))

    def matrix(self, known: Sequence[Known]) -> Array:
        """Shape (fits, features)."""
        rows = [[*_sizes(each), *(self._knob(each.knobs.get(name), name) for name in self.knobs)] for each in known]
        return np.asarray((np.array(rows) - self.mean) / self.scale)

    def _knob(self, value: Value | None, name: str) -> float:
        levels = self.levels[name]
        if isinstance(value, str):
            return float(levels.index(value)) if value in levels else -1.0
        return 0.0 if value is None else math.log(abs(float(value)) + 0.01)


def _words(known: Sequence[Known], name: str) -> tuple[str, ...]:
    return tuple(sorted({value for each in known if isinstance(value := each.knobs.get(name), str)}))


def _sizes(known: Known) -> list[float]:
    rows = known.profile
    grown = (rows.rows, rows.columns + 1, rows.levels + 1, rows.letters + 1, rows.outputs)
    told = (math.sqrt(rows.signal), math.sqrt(min(rows.signals, 9.0)), rows.missing, float(rows.classes == 0))
    return [*(math.log(max(part, 1e-9)) for part in grown), *told]


@dataclass(frozen=True)
class Sum:
    """Addends with their factors; never less than a share of the smallest figure seen."""

    factors: Array
    least: float

    @staticmethod
    def of(addends: Array, figures: Array) -> Sum:
        """From addends of shape (fits, addends) and figures above zero."""
        most = np.maximum(addends.max(axis=0), 1e-300)
        table, weights = addends / most, 1.0 / figures
        factors = np.zeros(table.shape[1])
        # Where all fits are of one size, nothing tells what grows from what is always there. The last addend is what is: a factor of
        # any other would tell of sizes that nobody has seen, and weighs a little against itself.
        doubt = np.eye(table.shape[1])[:-1] * (math.sqrt(_DOUBT * len(figures)) / float(np.median(figures)))
        nothing = np.zeros(len(doubt))
        for _ in range(_WEIGHED):
            factors = _least_squares(np.vstack([table * weights[:, None], doubt]), np.r_[figures * weights, nothing])
            told = np.maximum(table @ factors, 1e-3 * figures)
            # Half of the weight from what is told: a figure told far too low would else weigh next to nothing. And what
            # is far off weighs less, so that the many whose sum is plain are not bent to the few whose sum is not.
            weights = 1.0 / np.sqrt(figures * told * np.maximum(abs(np.log(figures / told)), _NEAR))
        return Sum(factors / most, float(figures.min()) / 2)

    def logs(self, addends: Array) -> Array:
        return np.asarray(np.log(np.maximum(addends @ self.factors, self.least)))


def _least_squares(table: Array, figures: Array) -> Array:
    """Factors that are never below zero."""
    from scipy.optimize import lsq_linear, nnls

    try:
        return np.asarray(nnls(table, figures, maxiter=100 * table.shape[1])[0])
    except RuntimeError:  # it went round in circles: columns that are nearly the same
        return np.asarray(lsq_linear(table, figures, (0.0, np.inf)).x)


@dataclass(frozen=True)
class Rest:
    """What sums leave, in logarithms: a ridge and a smooth curve over it, one column for each figure."""

    weights: Array  # (features + 1, figures)
    near: Array  # the fits learned from: (fits, features)
    pulls: Array  # what each of them says to those like it: (fits, figures)

    def logs(self, table: Array) -> Array:
        """Shape (fits, figures)."""
        return np.asarray(_with_one(table) @ self.weights + _alike(table, self.near) @ self.pulls)


class Learner:
    """Learns rests over one table of fits, shape (fits, features); most of the work is the same for every figure."""

    def __init__(self, table: Array) -> None:
        from scipy.linalg import cho_factor

        self._table = table
        # Some hundreds of fits say what all of them would, at a tenth of the work.
        self._some = np.linspace(0, len(table) - 1, min(len(table), _MOST)).astype(np.intp)
        near = table[self._some]
        self._factor = cho_factor(_alike(near, near) + _NOISE * np.eye(len(near)))

    def rest(self, left: Array) -> Rest:
        """Of what is left, shape (fits, figures)."""
        from scipy.linalg import cho_solve

        weights = np.column_stack([ridge(self._table, column, _STRENGTH) for column in left.T])
        smooth = (left - _with_one(self._table) @ weights)[self._some]
        return Rest(weights, self._table[self._some], cho_solve(self._factor, smooth))


def _alike(one: Array, other: Array) -> Array:
    """How alike fits are, from 0 to 1, shape (ones, others)."""
    apart = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2.0 * one @ other.T
    return np.asarray(np.exp(-np.maximum(apart, 0.0) / (2.0 * _REACH**2)))


def _with_one(table: Array) -> Array:
    return np.column_stack([table, np.ones(len(table))])


def ridge(table: Array, logs: Array, strength: float) -> Array:
    """Slopes with the intercept at the end, which is not shrunken."""
    centre, middle = table.mean(axis=0), logs.mean()
    table = table - centre
    slopes = np.linalg.solve(table.T @ table + strength * np.eye(table.shape[1]), table.T @ (logs - middle))
    return np.append(slopes, middle - centre @ slopes)


def filled(table: Array, logs: Array, least: Array) -> Rest:
    """A rest of figures, shape (fits, figures), of which some were not seen, and of some only a least is known.

    What is missing is taken for what is expected, and expected anew, a few times over (Buckley and James 1979).
    """
    seen = cast("Array", np.isfinite(logs).all(axis=1))
    wanted = seen | np.isfinite(least).any(axis=1)
    table, logs, least, start = table[wanted], logs[wanted], least[wanted], seen[wanted]
    if seen.sum() < _LEAST:
        start = np.ones(len(table), dtype=bool)
    known = np.where(np.isfinite(logs), logs, least)
    found = Learner(table[start]).rest(known[start])
    if seen[wanted].all():
        return found
    learner = Learner(table)
    for _ in range(_ROUNDS):
        guess = np.where(np.isfinite(logs), logs, np.maximum(least, found.logs(table)))
        found = learner.rest(guess)
    return found
