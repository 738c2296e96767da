"""How well a model does now: with labels by its metric and an interval, and without by what its own probabilities say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import metrics
from plimsoll.calibration import Calibration
from plimsoll.trial import Score

Array = NDArray[Any]
LEAST = 50  # labels below which nothing is said
_DRAWS = 200
_SURE = 3.29 / 1.96  # from an interval of 95 % to one of 99.9 %: an alarm is for a look in a thousand


class Ring:
    """The last rows of figures, as many as there is room for. ``count`` are all that came.

    >>> ring = Ring(2, 1)
    >>> ring.add(np.array([[1.0], [2.0], [3.0]]))
    >>> ring.rows().tolist(), ring.count
    ([[2.0], [3.0]], 3)
    """

    def __init__(self, most: int, width: int) -> None:
        self.most = most
        self.count = 0
        self._rows = np.zeros((0, width))
        self._next = 0

    def add(self, rows: Array) -> None:
        self.count += len(rows)
        rows = rows[-self.most :]
        if len(self._rows) < self.most:  # it grows only as it is filled
            room = self.most - len(self._rows)
            self._rows = np.concatenate([self._rows, rows[:room]])
            rows = rows[room:]
        places = (self._next + np.arange(len(rows))) % self.most
        self._rows[places] = rows
        self._next = (self._next + len(rows)) % self.most

    def rows(self) -> Array:
        """A copy, the oldest first."""
        return np.roll(self._rows, -self._next, axis=0)


@dataclass(frozen=True)
class Live:
    """A metric now, with its 95 % interval, beside what it was on the test rows."""

    metric: str
    value: float
    low: float
    high: float
    rows: int
    was: float | None
    alarm: bool
    words: str


def live(test: Score, truth: Array, answers: Array, labels: Array) -> Live | None:
    """The metric on labelled answers (as ``metrics`` takes them), and whether it is measurably worse than on the test rows.

    The interval is a bootstrap's (Efron 1979). It is worse where the difference passes both samples' doubt at 99.9 %. None
    where there are too few labels, or the metric cannot be told of them.
    """
    if len(truth) < LEAST:
        return None
    low, value, high = metrics.interval(test.metric, truth, answers, labels, draws=_DRAWS)
    if not all(map(math.isfinite, (low, value, high))):
        return None
    worse = (test.value - value) * metrics.sign(test.metric)
    doubt = math.hypot((high - low) / 2.0, (test.high - test.low) / 2.0) * _SURE
    alarm = worse > doubt
    told = f"{test.metric} {value:.4f} ({low:.4f} to {high:.4f}) on the last {len(truth):,} labels, was {test.value:.4f} on the test rows"
    return Live(test.metric, value, low, high, len(truth), test.value, alarm, told)


def expected(test: Score, answers: Array, calibration: Calibration, seed: int = 0) -> Live | None:
    """What the metric would be if the probabilities mean what they say, without any label; answers of shape (rows, classes).

    Truths are drawn from the probabilities, again and again (the confidence-based estimate; Guillory and others 2021, Garg and
    others 2022, NannyML's CBPE). It does not see what the probabilities do not: where what leads to an answer has changed, it is
    wrong. So it raises no alarm.
    """
    if len(answers) < LEAST:
        return None
    random = np.random.default_rng(seed)
    steps, labels, drawn = np.cumsum(answers, axis=1), calibration.labels(answers), []
    for _ in range(_DRAWS // 2):
        pick = random.integers(0, len(answers), len(answers))
        lot = random.random((len(answers), 1)) * steps[pick, -1:]
        truth = np.minimum((lot > steps[pick]).sum(axis=1), answers.shape[1] - 1)
        drawn.append(metrics.score(test.metric, truth, answers[pick], labels[pick]))
    if not np.isfinite(drawn).any():
        return None
    low, high = (float(end) for end in np.nanquantile(drawn, [0.025, 0.975]))
    value = float(np.nanmean(drawn))
    told = f"{test.metric} would be {value:.4f} ({low:.4f} to {high:.4f}) if the probabilities still mean what they say, was {test.value:.4f}"
    return Live(test.metric, value, low, high, len(answers), test.value, False, told)
