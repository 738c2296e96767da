"""What a candidate will cost, told before it is trained, from trials that ran before it.

For each recipe: first the knobs that training settles by itself (the number of trees that early stopping keeps), then
every cost with those knobs in place (see ``growth``). Where fits on a few rows of the same data have been seen, of the
candidate itself or of the recipe's default, what they cost more or less than told is carried over. Intervals are
conformal (Vovk and others 2005), from data sets that the model had not learned from, each set counting alike, for rows
of one set are no strangers to each other. A trial that was killed is no figure but a bound, and learned from as one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import catalogue
from plimsoll.carry import LEVELS, Unseen, carried_of, carries_of, watched
from plimsoll.cases import Candidate, Case
from plimsoll.errors import JobError
from plimsoll.limits import Measured
from plimsoll.tariff import LEAST, WHOLES, Tariff, fitted, log_of

Array = NDArray[Any]
Interval = tuple[float, float, float]

_FOLDS = 5
_ALPHA = 0.05  # on either side
_NEXT = 8.0  # data sets of which the one to come weighs an eighth: where there are few, it weighs as one of them


@dataclass(frozen=True)
class Costs:
    """A learned model of costs; of a recipe that it has not seen enough of, it says nothing."""

    tariffs: Mapping[str, Tariff] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)  # that the trials ran with
    times: Mapping[str, Interval] = field(default_factory=dict)  # longer, by recipe and for "p50", than where they ran
    width: float = 1.0  # of the intervals, in times what the trials told

    def wider(self, times: float) -> Costs:
        """The same with wider intervals, where it is less sure than its trials."""
        return replace(self, width=self.width * times)

    def scaled(self, times: Mapping[str, Interval]) -> Costs:
        """The same for another machine, on which times are so many times longer."""
        return replace(self, times=times)

    def predict(self, candidates: Sequence[Candidate]) -> list[Measured]:
        """Each candidate's figures as (low, middle, high): each side is passed by one in twenty."""
        found: list[Measured] = [Measured({}) for _ in candidates]
        for recipe, tariff in self.tariffs.items():
            places = [place for place, each in enumerate(candidates) if each.known.recipe == recipe]
            if places:
                told = _told(tariff, [candidates[place] for place in places])
                for k, place in enumerate(places):
                    level = candidates[place].level
                    margins = {name: tariff.margin(level, name) for name in told}
                    figures = {name: self._interval(recipe, name, told[name][k], margins[name]) for name in told}
                    found[place] = Measured(figures)
        return found

    def _interval(self, recipe: str, name: str, middle: float, margin: tuple[float, float]) -> Interval:
        slower = self.times.get({"cpu": recipe, "p50": "p50", "answer": "p50"}.get(name, ""), (1.0, 1.0, 1.0))
        ends = (margin[0] * self.width, 0.0, margin[1] * self.width)
        low, at, high = (factor * math.exp(min(middle + end, 700.0)) for factor, end in zip(slower, ends, strict=True))
        return low, at, high


def learn(cases: Sequence[Case], seed: int = 0) -> Costs:
    """A model from trials, the seed deciding its folds."""
    tariffs = {}
    versions: dict[str, str] = {}
    for recipe in sorted({each.known.recipe for each in cases}):
        own = [each for each in cases if each.known.recipe == recipe]
        if len(own) >= LEAST and len({each.group for each in own}) >= 2 and _present(recipe):
            tariffs[recipe] = _tariff(own, seed)
            versions |= own[-1].versions
    return Costs(tariffs, versions)


def _present(recipe: str) -> bool:
    try:
        catalogue.find(recipe)
    except JobError:
        return False
    return True


def _tariff(cases: Sequence[Case], seed: int) -> Tariff:
    """The tariff of one recipe, with its carries and margins from folds that leave whole data sets out."""
    groups = sorted({each.group for each in cases})
    order = np.random.default_rng(seed).permutation(len(groups))
    parts = [{groups[k] for k in part} for part in np.array_split(order, min(_FOLDS, len(groups)))]
    tariffs = [fitted([each for each in cases if each.group not in away]) for away in parts]
    unseen = [
        watched(tariff, [each for each in cases if each.group in away])
        for tariff, away in zip(tariffs, parts, strict=True)
    ]
    faults = []
    for k, tariff in enumerate(tariffs):
        others = [each for j, part in enumerate(unseen) if j != k for each in part]
        faults += _faults(replace(tariff, carries=carries_of(others)), unseen[k])
    carries = carries_of([each for part in unseen for each in part])
    return replace(fitted(cases), carries=carries, margins=_margins(faults))


def _faults(tariff: Tariff, unseen: Sequence[Unseen]) -> list[tuple[str, str, str, float]]:
    """(level, figure, group, log of what it came to over what would have been told) of fits of unseen data sets."""
    if not unseen:
        return []
    told = _told(tariff, [each.candidate for each in unseen])
    return [
        (each.level, name, each.case.group, log_of(each.case, name) - float(logs[k]))
        for name, logs in told.items()
        for k, each in enumerate(unseen)
        if math.isfinite(log_of(each.case, name))
    ]


def _told(tariff: Tariff, candidates: Sequence[Candidate]) -> dict[str, Array]:
    """Log figures of candidates, each at its own level."""
    known = [each.known for each in candidates]
    carried = carried_of(tariff, candidates)
    more = {name: np.array([each.get(name, 0.0) for each in carried]) for name in tariff.settles}
    figures = tariff.logs(known, tariff.settled(known, more))
    figures = {name: logs + np.array([each.get(name, 0.0) for each in carried]) for name, logs in figures.items()}
    for whole, (shown, rest) in WHOLES.items():
        if rest in figures:
            figures[whole] = np.logaddexp(figures[shown], figures.pop(rest))
    return figures


# How far off it has been.


def _margins(faults: Sequence[tuple[str, str, str, float]]) -> dict[tuple[str, str], tuple[float, float]]:
    """Of (level, figure, group, fault): how far below and above what is told nine in ten lie, each group alike."""
    found = {}
    for level in LEVELS:
        for name in sorted({figure for _, figure, _, _ in faults}):
            own = [(group, fault) for at, figure, group, fault in faults if (at, figure) == (level, name)]
            if own:
                found[level, name] = (_quantile(own, _ALPHA), _quantile(own, 1.0 - _ALPHA))
    return found


def _quantile(faults: Sequence[tuple[str, float]], share: float) -> float:
    """The conformal quantile, where every group weighs one, and the group to come its share at the far end."""
    count = Counter(group for group, _ in faults)
    ordered = sorted(faults, key=lambda each: each[1], reverse=share < 0.5)
    due, weight = max(share, 1.0 - share) * (len(count) + min(1.0, _NEXT / len(count))), 0.0
    for group, fault in ordered:
        weight += 1.0 / count[group]
        if weight >= due - 1e-9:
            return fault
    return ordered[-1][1]
