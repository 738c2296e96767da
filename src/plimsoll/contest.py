"""Which approaches are told apart: paired tests over the units that were tested, corrected, with the size of each effect.

A unit is what was tested apart from the rest: a person, a session, a block of rows. Seeds are no units: each unit's score is
its mean over seeds before anything is tested. Every pair is tested by Wilcoxon's signed ranks (1945) with Holm's correction
(1979), as Benavoli, Corani and Mangili (2016) advise in place of Nemenyi's test of mean ranks; ranks, Friedman's test (1937)
and the picture are those of Demšar (2006).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import JobError
from plimsoll.paired import friedman, holm, interval, ranks, settled, signed_ranks

Array = NDArray[Any]
ALPHA = 0.05
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
    gaps = [settled(goodness[one] - goodness[other], noise) for one, other in named]
    tests = [signed_ranks(gap) for gap in gaps]
    adjusted = holm([p for p, _, _ in tests])
    return tuple(
        _versus(*names, gap, test, corrected, seed)
        for names, gap, test, corrected in zip(named, gaps, tests, adjusted, strict=True)
    )


def _versus(one: str, other: str, gap: Array, test: tuple[float, float, float], adjusted: float, seed: int) -> Versus:
    p, plus, minus = test
    low, high = interval(gap, seed) or (None, None)
    wins, losses = int((gap > 0).sum()), int((gap < 0).sum())
    spread = float(gap.std(ddof=1)) if len(gap) > 1 else 0.0
    size = float(gap.mean()) / spread if spread > 1e-9 * float(np.abs(gap).max()) else None
    biserial = (plus - minus) / (plus + minus) if plus + minus else 0.0
    counts = wins, len(gap) - wins - losses, losses
    return Versus(one, other, float(gap.mean()), low, high, *counts, p, adjusted, biserial, size)


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
