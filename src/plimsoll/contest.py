"""Which approaches are told apart: paired tests over the units that were tested, corrected, with the size of each effect.

A unit is what was tested apart from the rest: a person, a session, a block of rows. Seeds are no units: each unit's score is
its mean over seeds before anything is tested. Every pair is tested by Wilcoxon's signed ranks (1945) with Holm's correction
(1979), as Benavoli, Corani and Mangili (2016) advise in place of Nemenyi's test of mean ranks; ranks, Friedman's test (1937)
and the picture are those of Demšar (2006).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import JobError

Array = NDArray[Any]
ALPHA = 0.05
_EXACT = 200  # units up to which the test is exact; the normal distribution beyond
_ALL = 16  # units up to which every subset is looked at for an interval
_DRAWN = 20_000  # subsets that are drawn beyond
_NOISE = 1e-12  # of the largest score: differences below it are none


@dataclass(frozen=True)
class Versus:
    """One approach against another over the units. ``difference`` above 0: the first is the better one.

    ``low`` and ``high`` bound its mean at 95 %, None with fewer than 6 units. ``rank_biserial`` is in -1 to 1 (Kerby 2014);
    ``d_z`` is the mean difference in standard deviations of the differences, None where those do not vary.
    """

    one: str
    other: str
    difference: float
    low: float | None
    high: float | None
    wins: int
    ties: int
    losses: int
    p: float
    adjusted: float
    rank_biserial: float
    d_z: float | None

    @property
    def apart(self) -> bool:
        """Whether the two are told apart."""
        return self.adjusted < ALPHA


@dataclass(frozen=True)
class Contest:
    """What the units say of approaches, in the order of their mean ranks; rank 1 is the best.

    ``friedman`` is (statistic, p), None with two approaches. ``groups`` are the largest sets of approaches of which no two
    are told apart. ``least`` is the smallest p that so many units and pairs could come to after correction.
    """

    units: int
    ranks: Mapping[str, float]
    friedman: tuple[float, float] | None
    pairs: tuple[Versus, ...]
    groups: tuple[tuple[str, ...], ...]
    least: float

    def as_json(self) -> dict[str, Any]:
        pairs = [{**asdict(pair), "apart": pair.apart} for pair in self.pairs]
        groups = [list(group) for group in self.groups]
        friedman = None if self.friedman is None else {"statistic": self.friedman[0], "p": self.friedman[1]}
        told = {"units": self.units, "alpha": ALPHA, "least_p": self.least, "ranks": dict(self.ranks)}
        return {**told, "friedman": friedman, "pairs": pairs, "groups": groups}


def contest(scores: Mapping[str, Array], higher_is_better: bool, seed: int = 0) -> Contest:
    """The contest of approaches with a score for each unit, shape (units,), the same units in the same order.

    Raises JobError where there are fewer than two approaches, or where they were not scored on the same units.

    >>> found = contest({"a": np.arange(10.0), "b": np.arange(10.0) - 0.05}, higher_is_better=True)
    >>> found.ranks, found.pairs[0].apart
    ({'a': 1.0, 'b': 2.0}, True)
    """
    if len(scores) < 2 or len({len(each) for each in scores.values()}) != 1 or not len(next(iter(scores.values()))):
        raise JobError("A contest needs two approaches or more, all scored on the same units.")
    goodness = {name: np.asarray(each, dtype=float) * (1 if higher_is_better else -1) for name, each in scores.items()}
    table = np.array(list(goodness.values()))
    if not np.isfinite(table).all():
        raise JobError("A contest needs a finite score of every approach on every unit.")
    noise = _NOISE * max(1e-300, float(np.abs(table).max()))
    places = dict(zip(goodness, ranks(table, noise).mean(axis=1).tolist(), strict=True))
    order = sorted(goodness, key=lambda name: (places[name], -round(float(goodness[name].mean()) / noise / 1e3)))
    pairs = _pairs({name: goodness[name] for name in order}, noise, seed)
    apart = {frozenset((pair.one, pair.other)) for pair in pairs if pair.apart}
    units = table.shape[1]
    return Contest(
        units,
        {name: places[name] for name in order},
        friedman(table, noise) if len(table) > 2 else None,
        pairs,
        groups(order, apart),
        least_p(units, len(pairs)),
    )


def least_p(units: int, pairs: int = 1) -> float:
    """The smallest p of a signed-rank test of so many units, times the pairs that Holm corrects the first of them for.

    >>> least_p(5), least_p(6), least_p(5, 3)
    (0.0625, 0.03125, 0.1875)
    """
    return float(min(1.0, pairs * 2.0 ** (1 - units)))


def _pairs(goodness: Mapping[str, Array], noise: float, seed: int) -> tuple[Versus, ...]:
    """Every pair, the better by rank first."""
    named = list(itertools.combinations(goodness, 2))
    gaps = [_settled(goodness[one] - goodness[other], noise) for one, other in named]
    tests = [signed_ranks(gap) for gap in gaps]
    adjusted = holm([p for p, _, _ in tests])
    return tuple(
        _versus(*names, gap, test, corrected, seed)
        for names, gap, test, corrected in zip(named, gaps, tests, adjusted, strict=True)
    )


def _settled(gap: Array, noise: float) -> Array:
    """Differences without the last digits of a float, by which equal ones would seem to differ."""
    return np.asarray(np.round(gap / noise) * noise) if noise else gap


def _versus(one: str, other: str, gap: Array, test: tuple[float, float, float], adjusted: float, seed: int) -> Versus:
    p, plus, minus = test
    low, high = interval(gap, seed) or (None, None)
    wins, losses = int((gap > 0).sum()), int((gap < 0).sum())
    spread = float(gap.std(ddof=1)) if len(gap) > 1 else 0.0
    size = float(gap.mean()) / spread if spread > 1e-9 * float(np.abs(gap).max()) else None
    biserial = (plus - minus) / (plus + minus) if plus + minus else 0.0
    counts = wins, len(gap) - wins - losses, losses
    return Versus(one, other, float(gap.mean()), low, high, *counts, p, adjusted, biserial, size)


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
    ahead = _settled(goodness[:, None] - goodness[None], noise)  # of each approach, by how much it leads each other
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


def groups(names: Sequence[str], apart: set[frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    """The largest sets of which no two are apart, of two or more, each in the order of the names (Bron and Kerbosch 1973).

    >>> groups(["a", "b", "c"], {frozenset("ac")})
    (('a', 'b'), ('b', 'c'))
    """
    alike = {one: {other for other in names if other != one and frozenset((one, other)) not in apart} for one in names}
    found: list[frozenset[str]] = []

    def grow(held: frozenset[str], open_: set[str], shut: set[str]) -> None:
        if not open_ and not shut:
            found.append(held)
        for name in sorted(open_, key=names.index):
            grow(held | {name}, open_ & alike[name], shut & alike[name])
            open_ = open_ - {name}
            shut = shut | {name}

    grow(frozenset(), set(names), set())
    ordered = [tuple(sorted(each, key=names.index)) for each in found if len(each) > 1]
    return tuple(sorted(ordered, key=lambda group: [names.index(name) for name in group]))
