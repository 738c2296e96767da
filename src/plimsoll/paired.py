"""Tests and intervals for scores that are paired by unit: each approach has one on each person, session or block of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_EXACT = 200  # units up to which the test is exact; the normal distribution beyond
_ALL = 16  # units up to which every subset is looked at for an interval
_DRAWN = 20_000  # subsets that are drawn beyond
_FLIPPED = 10_000  # patterns of signs that are drawn where there are too many to look at each
_AT_ONCE = 1 << 20  # signs that are looked at at once
_SAME = 1e-12  # of a mean: what differs by less is no nearer to 0


def settled(gap: Array, noise: float) -> Array:
    """Differences without the last digits of a float, by which equal ones would seem to differ."""
    return np.asarray(np.round(gap / noise) * noise) if noise else gap


def signed_ranks(gap: Array) -> tuple[float, float, float]:
    """Wilcoxon's test of paired differences, shape (units,): (two-sided p, sum of ranks above 0, sum below 0).

    Differences of 0 are dropped. Up to 200 units the distribution is that of all signs of the ranks at hand, ties and all,
    summed up as Streitberg and Röhmel (1986) do; beyond, it is normal.

    >>> signed_ranks(np.array([0.3, 0.1, 0.2, 0.4, 0.5]))
    (0.0625, 15.0, 0.0)
    """
    told = gap[gap != 0]
    if not len(told):
        return 1.0, 0.0, 0.0
    size = _shared(np.abs(told))
    plus, minus = float(size[told > 0].sum()), float(size[told < 0].sum())
    p = _signs(size, min(plus, minus)) if len(told) <= _EXACT else _normal(size, min(plus, minus))
    return min(1.0, p), plus, minus


def randomised(gap: Array, seed: int = 0) -> tuple[float, bool]:
    """The randomisation test of paired differences, shape (units,): two-sided p, and whether every pattern of signs was looked at.

    If the two were alike, each difference could as well have the other sign: p is the share of all signs whose mean is as far
    from 0 as the one at hand (Fisher 1935; for searches Smucker, Allan and Carterette 2007). With more than 16 differences
    that are not 0 it is counted over 10,000 patterns by chance, the one at hand among them.

    >>> randomised(np.array([0.3, 0.1, 0.2, 0.4, 0.5, 0.0]))
    (0.0625, True)
    """
    told = gap[gap != 0]
    exact = len(told) <= _ALL
    least, random = abs(float(told.sum())) * (1 - _SAME), np.random.default_rng(seed)
    many = 2 ** len(told) if exact else _FLIPPED
    step, reached = max(1, _AT_ONCE // max(1, len(told))), 0 if exact else 1
    for begin in range(0 if exact else 1, many, step):
        pick = np.arange(begin, min(begin + step, many))
        up = (pick[:, None] >> np.arange(len(told))) & 1 if exact else random.integers(0, 2, (len(pick), len(told)))
        reached += int((np.abs((2 * up - 1) @ told) >= least).sum())
    return reached / many, exact


def _signs(size: Array, least: float) -> float:
    """Twice the share of all signs whose sum of ranks is at most ``least``."""
    doubled = np.round(2 * size).astype(int)  # ranks that are shared lie halfway
    share = np.zeros(int(doubled.sum()) + 1)
    share[0] = 1.0
    for rank in doubled:
        later = np.zeros_like(share)
        later[rank:] = share[: len(share) - rank]
        share = (share + later) / 2
    return 2.0 * float(share[: round(2 * least) + 1].sum())


def _normal(size: Array, least: float) -> float:
    spread = math.sqrt(float((size**2).sum()) / 4)
    return math.erfc((float(size.sum()) / 2 - least) / spread / math.sqrt(2))


def _shared(values: Array) -> Array:
    """Ranks from 1 up, the smallest first; equal values share the mean of their places."""
    _, back, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[back])


def ranks(goodness: Array, noise: float = 0.0) -> Array:
    """The rank of each approach on each unit, both shape (approaches, units): 1 is the best, ties share their places.

    >>> ranks(np.array([[0.9, 0.5], [0.8, 0.5], [0.1, 0.1]])).tolist()
    [[1.0, 1.5], [2.0, 1.5], [3.0, 3.0]]
    """
    ahead = settled(goodness[:, None] - goodness[None], noise)  # of each approach, by how much it leads each other
    return np.asarray(0.5 + (ahead < 0).sum(axis=1) + (ahead == 0).sum(axis=1) / 2)


def holm(found: Sequence[float]) -> list[float]:
    """p-values corrected for how many they are, in the order given (Holm 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected, most = [0.0] * len(found), 0.0
    for step, place in enumerate(sorted(range(len(found)), key=lambda k: found[k])):
        most = max(most, min(1.0, (len(found) - step) * found[place]))
        corrected[place] = most
    return corrected


def friedman(goodness: Array, noise: float = 0.0) -> tuple[float, float]:
    """Friedman's test that all approaches rank alike, shape (approaches, units): (statistic, p), corrected for ties.

    p is that of a chi-squared distribution, and rough with few units.
    """
    from scipy.stats import chi2

    placed = ranks(goodness, noise)
    many, units = placed.shape
    sums = placed.sum(axis=1)
    alike = (placed**2).sum() - units * many * (many + 1) ** 2 / 4
    if alike <= 0:  # every unit puts all of them on one place
        return 0.0, 1.0
    statistic = (many - 1) * float(((sums - units * (many + 1) / 2) ** 2).sum()) / float(alike)
    return statistic, float(chi2.sf(statistic, many - 1))


def interval(gap: Array, seed: int = 0, level: float = 0.95) -> tuple[float, float] | None:
    """Bounds of the mean difference: the means of all subsets of the units are as likely to lie on one side of it as on
    the other, so that they part the line into equally likely stretches (typical values; Hartigan 1969).

    Exact where differences are spread evenly around their mean, whatever their distribution; with more than 16 units some
    subsets are drawn. None where there are too few units for any bounds.

    >>> interval(np.array([0.05] * 6)), interval(np.array([0.05] * 5))
    ((0.05, 0.05), None)
    """
    units = len(gap)
    outside = (1.0 - level) / 2
    if outside * 2.0**units < 1:
        return None
    if units <= _ALL:
        chosen = (np.arange(1, 2**units)[:, None] >> np.arange(units)) & 1
    else:
        chosen = np.random.default_rng(seed).integers(0, 2, (_DRAWN, units))
        chosen = chosen[chosen.any(axis=1)]
    means = np.sort(chosen @ gap / chosen.sum(axis=1))
    place = int(outside * (len(means) + 1))
    return float(f"{means[place - 1]:.12g}"), float(f"{means[-place]:.12g}")
