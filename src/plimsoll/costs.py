"""What a candidate will cost, told before it is trained, from trials that ran before it.

For each recipe and each cost, in logarithms: a ridge regression on what is known beforehand (operations, bytes, rows,
columns, letters, classes, knobs), then shrunken extremely randomised trees on what it leaves (Geurts and others 2006).
Intervals are conformal (Vovk and others 2005), from trials of data sets that the model had not learned from, for rows
of one set are no strangers to each other. A trial that was killed is no figure but a bound, and learned from as one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.knobs import Knobs
from plimsoll.limits import Measured

Array = NDArray[Any]
TARGETS = ("cpu", "train_memory", "size", "p50", "memory")
LEAST = 12  # trials of a recipe from which there is something to say of the next
_STRENGTH = 0.3  # of the ridge, on standardised columns
_SHRUNK = 0.7  # of what the trees say
_FOLDS = 5
_ROUNDS = 3  # of taking a bound for what the model expects above it
_ALPHA = 0.05  # on either side


@dataclass(frozen=True)
class Known:
    """What can be said of a trial before it runs. ``letters``: characters of text in a row, on average."""

    recipe: str
    knobs: Knobs
    rows: int
    columns: int
    letters: float
    classes: int
    operations: float
    bytes: float

    def sizes(self) -> list[float]:
        outputs = 1 if self.classes <= 2 else self.classes
        plain = (self.operations, self.bytes, self.rows, self.columns + 1, self.letters + 1, outputs)
        return [math.log(max(part, 1e-9)) for part in plain]


@dataclass(frozen=True)
class Seen:
    """A trial that ran. ``over`` names the figures that are only known to be larger than they say."""

    known: Known
    group: str  # its data set
    figures: Mapping[str, float]
    over: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Line:
    """One recipe: how its costs follow from what is known, and how far off that has been."""

    knobs: tuple[str, ...]
    levels: Mapping[str, tuple[Any, ...]]  # of knobs that are words
    mean: Array
    scale: Array
    weights: Array  # (features + 1, targets)
    trees: Any
    low: Array  # of the log figures, to be added: (targets,)
    high: Array

    def features(self, known: Sequence[Known]) -> Array:
        return (_table(known, self.knobs, self.levels) - self.mean) / self.scale

    def logs(self, known: Sequence[Known]) -> Array:
        """Log figures, shape (trials, targets)."""
        table = self.features(known)
        plain = np.column_stack([table, np.ones(len(table))]) @ self.weights
        return np.asarray(plain + _SHRUNK * self.trees.predict(table).reshape(len(table), -1))


@dataclass(frozen=True)
class Costs:
    """A learned model of costs; of a recipe that it has not seen enough of, it says nothing."""

    lines: Mapping[str, Line] = field(default_factory=dict)

    def predict(self, known: Sequence[Known]) -> list[Measured]:
        """Each candidate's figures as (low, middle, high): each side is passed by one in twenty."""
        found = [Measured({}) for _ in known]
        for recipe, line in self.lines.items():
            places = [place for place, each in enumerate(known) if each.recipe == recipe]
            if places:
                logs = line.logs([known[place] for place in places])
                for place, row in zip(places, logs, strict=True):
                    found[place] = _figures(row, line)
        return found


def _figures(row: Array, line: Line) -> Measured:
    parts = zip(np.exp(row + line.low), np.exp(row), np.exp(row + line.high), strict=True)
    return Measured({name: tuple(map(float, part)) for name, part in zip(TARGETS, parts, strict=True)})  # type: ignore[misc]


def learn(seen: Sequence[Seen], seed: int = 0) -> Costs:
    """A model from trials, the seed deciding its trees and its folds."""
    lines = {}
    for recipe in sorted({each.known.recipe for each in seen}):
        own = [each for each in seen if each.known.recipe == recipe]
        if len(own) >= LEAST and len({each.group for each in own}) >= 2:
            lines[recipe] = _line(own, seed)
    return Costs(lines)


def _line(seen: Sequence[Seen], seed: int) -> Line:
    misses = [[] for _ in TARGETS]  # type: list[list[float]]
    groups = sorted({each.group for each in seen})
    order = np.random.default_rng(seed).permutation(len(groups))
    for part in np.array_split(order, min(_FOLDS, len(groups))):
        away = {groups[k] for k in part}
        line = _fitted([each for each in seen if each.group not in away], seed)
        unseen = [each for each in seen if each.group in away]
        for each, row in zip(unseen, line.logs([each.known for each in unseen]), strict=True):
            for k, name in enumerate(TARGETS):
                if each.figures.get(name, 0) > 0 and name not in each.over:
                    misses[k].append(math.log(each.figures[name]) - row[k])
    low, high = ([_quantile(part, share) for part in misses] for share in (_ALPHA, 1.0 - _ALPHA))
    whole = _fitted(seen, seed)
    return Line(
        whole.knobs, whole.levels, whole.mean, whole.scale, whole.weights, whole.trees, np.array(low), np.array(high)
    )


def _quantile(misses: Sequence[float], share: float) -> float:
    """The conformal quantile: one rank further out than that of the sample."""
    if not misses:
        return -math.inf if share < 0.5 else math.inf
    ordered, count = sorted(misses), len(misses)
    rank = math.ceil(share * (count + 1)) if share > 0.5 else math.floor(share * (count + 1))
    return ordered[min(max(rank, 1), count) - 1]


def _fitted(seen: Sequence[Seen], seed: int) -> Line:
    from sklearn.ensemble import ExtraTreesRegressor

    knobs = tuple(sorted({name for each in seen for name in each.known.knobs}))
    levels = {name: _levels(seen, name) for name in knobs}
    table = _table([each.known for each in seen], knobs, levels)
    mean, scale = table.mean(axis=0), table.std(axis=0)
    scale[scale < 1e-9] = 1.0
    table = (table - mean) / scale
    logs, bounds = _logs(seen)
    weights = np.zeros((table.shape[1] + 1, len(TARGETS)))
    rest = np.zeros_like(logs)
    trees = ExtraTreesRegressor(60, min_samples_leaf=4, random_state=seed)
    guess = np.where(bounds, np.nan, logs)  # a bound says nothing until there is an expectation to hold against it
    for _ in range(_ROUNDS if bounds.any() else 1):
        for k in range(len(TARGETS)):
            known = np.isfinite(guess[:, k])
            weights[:, k] = _ridge(table[known], guess[known, k])
        plain = np.column_stack([table, np.ones(len(table))]) @ weights
        rest = np.where(np.isfinite(guess), guess - plain, 0.0)
        trees.fit(table, rest)
        expected = plain + _SHRUNK * trees.predict(table).reshape(len(table), -1)
        guess = np.where(bounds, np.maximum(logs, expected), logs)
    return Line(knobs, levels, mean, scale, weights, trees, np.zeros(len(TARGETS)), np.zeros(len(TARGETS)))


def _ridge(table: Array, logs: Array) -> Array:
    if not len(table):
        return np.zeros(table.shape[1] + 1)
    # These rows may be some of those that the columns were standardised on, so their own middle counts.
    centre, middle = table.mean(axis=0), logs.mean()
    table = table - centre
    slopes = np.linalg.solve(table.T @ table + _STRENGTH * np.eye(table.shape[1]), table.T @ (logs - middle))
    return np.append(slopes, middle - centre @ slopes)


def _logs(seen: Sequence[Seen]) -> tuple[Array, Array]:
    """(log figures, nan where there is none; which of them are bounds), each (trials, targets)."""
    figures = np.array([[each.figures.get(name) or np.nan for name in TARGETS] for each in seen], dtype=float)
    bounds = np.array([[name in each.over for name in TARGETS] for each in seen])
    return np.log(figures), bounds


def _levels(seen: Sequence[Seen], name: str) -> tuple[Any, ...]:
    words = {each.known.knobs[name] for each in seen if isinstance(each.known.knobs.get(name), str)}
    return tuple(sorted(words))


def _table(known: Sequence[Known], knobs: Sequence[str], levels: Mapping[str, tuple[Any, ...]]) -> Array:
    return np.array([[*each.sizes(), *(_number(each.knobs.get(n), levels[n]) for n in knobs)] for each in known])


def _number(value: Any, levels: Sequence[Any]) -> float:
    if isinstance(value, str):
        return float(levels.index(value)) if value in levels else -1.0
    return 0.0 if value is None else math.log1p(abs(float(value)))
