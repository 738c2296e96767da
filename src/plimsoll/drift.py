"""Drift: whether rows are still spread as they were at training time, by counts that hold nothing of any row.

Each column is counted in the bins of its sketch. How far the counts lie apart is the population stability index (PSI;
Siddiqi 2006), beside the distance of the two distributions (Kolmogorov 1933 and Smirnov 1939 for numbers, total variation for
words). An alarm takes two things: chance alone would hardly do it (Pearson's χ² test of two samples, by Holm 1979 over all
columns together), and it is large. The first keeps few rows from raising one, the second keeps many rows from raising one for a
trifle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.sketch import Sketch
from plimsoll.spread import Bar, bars, words

Array = NDArray[Any]
LEVEL = 0.001  # chance of any false alarm at one look, over all columns together
LARGE = 0.2  # PSI from which a shift is one to act on
LEAST = 100  # rows below which nothing is said
_FEW = 15.0  # expected rows of a bin: 5 are enough for a level of 5 % (Cochran 1954), but not so far out in the tail
_HALF = 0.5  # of a row: added to each bin, so that an empty one has a logarithm


@dataclass(frozen=True)
class Shift:
    """One column's counts against its sketch; ``chance`` and ``distance_by_chance`` are what chance alone would give, but for
    one look in a thousand over all columns. ``p`` is adjusted for the number of columns. ``kind`` is numbers or words."""

    name: str
    kind: str
    rows: int
    psi: float
    chance: float
    distance: float
    distance_by_chance: float
    p: float
    alarm: bool
    words: str
    bars: list[Bar] = field(default_factory=list)


def compare(sketches: Sequence[Sketch], counts: Sequence[Array]) -> list[Shift]:
    """Each sketch with the counts of its cells (``Sketch.cells``), in order.

    >>> from plimsoll.sketch import parsed
    >>> colour = parsed("colour", {"missing": 0.0, "rows": 5000, "values": {"red": 0.7, "blue": 0.3}}, numeric=False)
    >>> [(s.alarm, s.words) for s in compare([colour], [np.array([690, 310, 0, 0])])]
    [(False, '"red" 69 %, was 70 %; "blue" 31 %, was 30 %')]
    >>> [(s.alarm, s.words) for s in compare([colour], [np.array([300, 700, 0, 0])])]
    [(True, '"red" 30 %, was 70 %; "blue" 70 %, was 30 %')]
    """
    many = max(len(sketches), 1)
    raw = [
        p_value(sketch.expected(), np.asarray(found), sketch.rows)
        for sketch, found in zip(sketches, counts, strict=True)
    ]
    adjusted = holm(raw)
    return [
        _shift(sketch, np.asarray(found), p, many) for sketch, found, p in zip(sketches, counts, adjusted, strict=True)
    ]


def _shift(sketch: Sketch, counts: Array, p: float, many: int) -> Shift:
    rows, before = int(counts.sum()), sketch.expected()
    size = psi(before, counts, sketch.rows) if rows else 0.0
    freedom = int(np.count_nonzero((before > 0) | (counts > 0))) - 1
    bound = by_chance(max(freedom, 1), LEVEL / many) * _per_row(rows, sketch.rows)
    distance, far = 0.0, 1.0
    if rows:
        numbers = bool(len(sketch.edges))
        distance = smirnov(before, counts) if numbers else variation(before, counts)
        far = smirnov_by_chance(rows, sketch.rows, LEVEL / many) if numbers else math.sqrt(bound) / 2.0
    alarm = rows >= LEAST and p <= LEVEL and size >= LARGE
    told = words(sketch, counts)
    return Shift(
        sketch.shown, sketch.kind, rows, size, bound, distance, min(far, 1.0), p, alarm, told, bars(sketch, counts)
    )


def psi(before: Array, counts: Array, rows: int) -> float:
    """The population stability index of counts against the shares of ``rows`` rows, in nats: Σ (p - q) ln (p / q).

    >>> round(psi(np.array([0.5, 0.5]), np.array([7500, 2500]), 10**9), 3)
    0.275
    """
    seen = (before > 0) | (counts > 0)
    p = (counts[seen] + _HALF) / (counts.sum() + _HALF * seen.sum())
    q = (before[seen] * rows + _HALF) / (rows + _HALF * seen.sum())
    return float(np.sum((p - q) * np.log(p / q)))


def smirnov(before: Array, counts: Array) -> float:
    """The largest gap between two distributions of numbers, over the ends of the bins; the last cell, missing, is left out."""
    known, was = counts[:-1].sum(), before[:-1].sum()
    if not known or not was:
        return 0.0
    return float(np.abs(np.cumsum(counts[:-1]) / known - np.cumsum(before[:-1]) / was).max())


def variation(before: Array, counts: Array) -> float:
    """The total variation distance: the share of rows that would have to be of another value.

    >>> round(variation(np.array([0.5, 0.5]), np.array([75, 25])), 2)
    0.25
    """
    return float(np.abs(counts / counts.sum() - before).sum() / 2.0)


def p_value(before: Array, counts: Array, rows: int) -> float:
    """How often chance alone would set two samples of one distribution so far apart, by χ²; bins of few rows are put together.

    Raises nothing: where there is too little to tell, it is 1.
    """
    live = float(counts.sum())
    if live < LEAST or rows < 1:
        return 1.0
    past, found = _grouped(before * rows, counts.astype(float), min(live, rows) / (live + rows))
    if len(past) < 2:
        return 1.0
    ratio = math.sqrt(rows / live)
    return above(len(past) - 1, float(np.sum((found * ratio - past / ratio) ** 2 / (found + past))))


def _grouped(past: Array, found: Array, share: float) -> tuple[Array, Array]:
    """Neighbouring bins together until each group is expected to hold enough rows in the smaller of the two samples."""
    groups: list[list[float]] = []
    full = True
    for a, b in zip(past.tolist(), found.tolist(), strict=True):
        if full:
            groups.append([0.0, 0.0])
        groups[-1][0] += a
        groups[-1][1] += b
        full = (groups[-1][0] + groups[-1][1]) * share >= _FEW
    if not full and len(groups) > 1:
        a, b = groups.pop()
        groups[-1][0] += a
        groups[-1][1] += b
    return np.array([each[0] for each in groups]), np.array([each[1] for each in groups])


def holm(raw: Sequence[float]) -> list[float]:
    """Probabilities adjusted so that the chance of any false alarm is kept over all of them (Holm 1979).

    >>> holm([0.01, 0.04, 0.5])
    [0.03, 0.08, 0.5]
    """
    many, worst = len(raw), 0.0
    found = [1.0] * len(raw)
    for place, index in enumerate(sorted(range(len(raw)), key=lambda each: raw[each])):
        worst = max(worst, min(1.0, raw[index] * (many - place)))
        found[index] = worst
    return found


def smirnov_by_chance(rows: int, others: int, level: float) -> float:
    """The gap that two samples of one distribution pass with this chance at most (Smirnov 1939, for many rows)."""
    return math.sqrt(-math.log(level / 2.0) / 2.0) * math.sqrt(_per_row(rows, others))


def _per_row(rows: int, others: int) -> float:
    return 1.0 / max(rows, 1) + 1.0 / max(others, 1)


@lru_cache(maxsize=4_096)
def by_chance(freedom: int, level: float) -> float:
    """What χ² passes with this chance. PSI times the rows is about that (Yurdakul 2018).

    >>> round(by_chance(1, 0.05), 3)
    3.841
    """
    low, high = 0.0, 1.0
    while above(freedom, high) > level:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if above(freedom, middle) > level else (low, middle)
    return high


def above(freedom: int, statistic: float) -> float:
    """P(χ² > statistic): the incomplete gamma function by its series, or its continued fraction (DLMF 8.11.4 and 8.9.2).

    >>> round(above(10, 18.307), 4)
    0.05
    """
    a, x = max(freedom, 1) / 2.0, statistic / 2.0
    if x <= 0.0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        term = total = 1.0 / a
        for n in range(1, 10_000):
            term *= x / (a + n)
            total += term
            if term < total * 1e-15:
                break
        return max(0.0, 1.0 - total * scale)
    return scale * _fraction(a, x)


def _fraction(a: float, x: float) -> float:
    """Lentz's way from the front."""
    b = x + 1.0 - a
    c, d = 1e300, 1.0 / b
    found = d
    for n in range(1, 10_000):
        b += 2.0
        d = 1.0 / (b - n * (n - a) * d)
        c = b - n * (n - a) / c
        found *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return found
