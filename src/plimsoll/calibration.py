"""From a model's raw answers to what is given out: calibrated probabilities, decided classes, intervals.

All of it is fitted on rows that the model has not learned from, and is small enough to stand in bundle.json.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.metrics import BY_TABLE, QUALITIES, confusion

Array = NDArray[Any]
_TINY = 1e-12
_SHIFTS = np.linspace(-2.5, 2.5, 21)  # of a class's mark, of which the best is looked for
_SCALES = np.geomspace(0.05, 4.0, 90)  # temperatures that few rows choose among
_BAGS = 10  # bootstrap draws over which the offsets of a decision are averaged


def softmax(scores: Array) -> Array:
    """Each row's scores as probabilities, shape (rows, classes)."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def softmax_one(scores: Sequence[float]) -> list[float]:
    """``softmax`` for one row, in plain Python."""
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def probable(answers: Array) -> bool:
    """Whether answers are probabilities of classes, and no numbers or lists."""
    return answers.ndim > 1 and not answers.dtype.names


@dataclass(frozen=True)
class Calibration:
    """``p' ∝ exp(scale · log p + bias)`` (Platt 1999; vector scaling, Guo and others 2017), the class with the
    largest ``log p' + offset`` as the decision, and for a number an interval of ``± radius``.

    >>> plain = Calibration.none(2)
    >>> plain.labels(np.array([[0.3, 0.7]])).tolist()
    [1]
    """

    scale: float = 1.0
    bias: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()
    radius: float = 0.0  # half the width of a number's interval, in the target's unit
    coverage: float = 0.9

    @staticmethod
    def none(classes: int) -> Calibration:
        return Calibration(bias=(0.0,) * classes, offsets=(0.0,) * classes)

    def apply(self, answers: Array) -> Array:
        """Calibrated probabilities, shape (rows, classes); numbers and lists pass through."""
        if not probable(answers):
            return answers
        logits = self.scale * np.log(np.maximum(answers, _TINY)) + np.array(self.bias)
        return softmax(logits)

    def labels(self, probabilities: Array) -> Array:
        """Decided classes for calibrated probabilities, shape (rows,); numbers and lists pass through."""
        if not probable(probabilities):
            return probabilities
        return np.asarray(np.argmax(np.log(np.maximum(probabilities, _TINY)) + np.array(self.offsets), axis=1))

    def apply_one(self, answer: Sequence[float]) -> list[float]:
        """``apply`` for one row, in plain Python: ten times quicker there than arrays of length two."""
        if len(answer) == 2:
            return self._apply_two(*answer)
        logits = [
            self.scale * math.log(part if part > _TINY else _TINY) + bias
            for part, bias in zip(answer, self.bias, strict=True)
        ]
        return softmax_one(logits)

    def _apply_two(self, no: float, yes: float) -> list[float]:
        """Two classes need only the difference of their logits."""
        no, yes = max(no, _TINY), max(yes, _TINY)
        gap = self.scale * math.log(no / yes) + self.bias[0] - self.bias[1]
        if gap > 0:
            power = math.exp(-gap)
            return [1.0 / (1.0 + power), power / (1.0 + power)]
        power = math.exp(gap)
        return [power / (1.0 + power), 1.0 / (1.0 + power)]

    def label_one(self, probabilities: Sequence[float]) -> int:
        marks = [
            math.log(p if p > _TINY else _TINY) + offset for p, offset in zip(probabilities, self.offsets, strict=True)
        ]
        return marks.index(max(marks))

    def as_json(self) -> dict[str, Any]:
        return {
            "scale": self.scale,
            "bias": list(self.bias),
            "offsets": list(self.offsets),
            "radius": self.radius,
            "coverage": self.coverage,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Calibration:
        bias, offsets = (tuple(float(part) for part in value[name]) for name in ("bias", "offsets"))
        numbers = (float(value["scale"]), float(value["radius"]), float(value["coverage"]))
        if not all(map(math.isfinite, (*numbers, *bias, *offsets))):
            raise ValueError("a figure of the calibration is not finite")
        return Calibration(numbers[0], bias, offsets, numbers[1], numbers[2])


def fit(truth: Array, answers: Array, metric: str, coverage: float = 0.9) -> Calibration:
    """The calibration for these unseen rows; decisions are tuned where the metric looks at decided classes.

    What spells a sequence says at most moments that nothing new begins, whatever is true of them: where the metric is of
    symbols, answers are no probabilities of moments, and stay as they are.
    """
    if answers.dtype.names:
        return Calibration(coverage=coverage)
    if answers.ndim == 1:
        return Calibration(radius=conformal_radius(np.abs(truth - answers), coverage), coverage=coverage)
    if not QUALITIES[metric].beneath:
        return replace(Calibration.none(answers.shape[1]), coverage=coverage)
    scale, bias = _fit_scaling(truth, answers)
    plain = Calibration(scale, tuple(bias), (0.0,) * answers.shape[1], 0.0, coverage)
    if metric not in BY_TABLE:
        return plain
    offsets = _fit_offsets(truth, plain.apply(answers), metric)
    return Calibration(scale, tuple(bias), tuple(offsets), 0.0, coverage)


def tempered(truth: Array, answers: Array, coverage: float = 0.9) -> Calibration:
    """The calibration of few rows: one temperature (Guo and others 2017), which moves no decision.

    >>> sure = np.array([[0.99, 0.01], [0.01, 0.99], [0.99, 0.01], [0.99, 0.01]])
    >>> tempered(np.array([0, 1, 1, 0]), sure).scale < 0.5
    True
    """
    logs, classes = np.log(np.maximum(answers, _TINY)), answers.shape[1]
    row = np.arange(len(truth))
    losses = [-float(np.log(softmax(scale * logs)[row, truth] + _TINY).mean()) for scale in _SCALES]
    plain = Calibration.none(classes)
    return replace(plain, scale=float(_SCALES[int(np.argmin(losses))]), coverage=coverage)


def conformal_radius(errors: Array, coverage: float) -> float:
    """The ⌈coverage (n + 1)⌉-th smallest absolute error: split conformal (Vovk and others 2005).

    >>> conformal_radius(np.arange(1, 100), 0.9)
    90.0
    """
    rank = min(math.ceil(coverage * (len(errors) + 1)), len(errors))
    return float(np.sort(errors)[rank - 1])


def _fit_scaling(truth: Array, answers: Array) -> tuple[float, list[float]]:
    """Newton's method on the log loss over (scale, biases), with a pull of one row's weight towards leaving things alone."""
    logs = np.log(np.maximum(answers, _TINY))
    classes = logs.shape[1]
    weights = np.r_[1.0, np.zeros(classes)]
    prior = weights.copy()
    hot = np.eye(classes)[truth]
    for _ in range(25):
        logits = weights[0] * logs + weights[1:]
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        p /= p.sum(axis=1, keepdims=True)
        error = p - hot
        slope = np.r_[(error * logs).sum(), error.sum(axis=0)] + (weights - prior)
        mean = (p * logs).sum(axis=1, keepdims=True)
        cross = (p * (logs - mean)).sum(axis=0)
        curve = np.eye(classes + 1)
        curve[0, 0] += (p * logs * (logs - mean)).sum()
        curve[0, 1:] += cross
        curve[1:, 0] += cross
        curve[1:, 1:] += np.diag(p.sum(axis=0)) - p.T @ p
        step = np.linalg.solve(curve, slope)
        # Full steps may overshoot where classes are separable, so no step is longer than one.
        weights = weights - step * min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-9))
        if np.abs(step).max() < 1e-7:
            break
    if weights[0] <= 0.05 or not np.isfinite(weights).all():
        return 1.0, [0.0] * classes
    return float(weights[0]), [float(part) for part in weights[1:]]


def _fit_offsets(truth: Array, probabilities: Array, metric: str) -> list[float]:
    """Offsets of the decision that score well: the mean over bootstrap draws of those that score best.

    One search alone follows the noise of a step function; the mean of ten (bagging, Breiman 1996) does not.
    """
    logs = np.log(np.maximum(probabilities, _TINY))
    random = np.random.default_rng(0)
    size = min(len(truth), 10_000)
    draws = [random.integers(0, len(truth), size) for _ in range(_BAGS)]
    return [float(part) for part in np.mean([_best_offsets(truth[pick], logs[pick], metric) for pick in draws], axis=0)]


def _best_offsets(truth: Array, logs: Array, metric: str) -> Array:
    """Coordinate search over a grid, twice around."""
    classes, value = logs.shape[1], BY_TABLE[metric]
    offsets = np.zeros(classes)
    best = value(confusion(truth, np.argmax(logs, axis=1), classes))
    for _ in range(2):
        for k in range(classes if classes > 2 else 1):
            for shift, table in zip(
                _SHIFTS, _tables(truth, logs + offsets * (np.arange(classes) != k), k), strict=True
            ):
                found = value(table)
                # A tie goes to what was there before, so equal data give equal decisions.
                if found > best + 1e-12:
                    best, offsets = found, np.where(np.arange(classes) == k, shift, offsets)
    return offsets


def _tables(truth: Array, marks: Array, k: int) -> Array:
    """The confusion at each shift of one class's marks, shape (shifts, classes, classes).

    From one shift to the next some rows go over to the class, each from the best of the others: counted once for all.
    """
    classes = marks.shape[1]
    others = marks.copy()
    others[:, k] = -np.inf
    second = np.argmax(others, axis=1)
    gap = others[np.arange(len(truth)), second] - marks[:, k]
    over = np.where(k < second, np.searchsorted(_SHIFTS, gap, "left"), np.searchsorted(_SHIFTS, gap, "right"))
    code = (over * classes + truth) * classes + second
    moved = np.bincount(code, minlength=(len(_SHIFTS) + 1) * classes**2).reshape(-1, classes, classes).astype(float)
    gone = np.cumsum(moved, axis=0)[:-1]  # by each shift, with whom they were
    tables = moved.sum(axis=0) - gone
    tables[:, :, k] += gone.sum(axis=2)
    return np.asarray(tables)
