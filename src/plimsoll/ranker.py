"""A learned ranker: trees that order the best of several recommenders by what all of them say, and by what is known of items.

Candidates are drawn from some of the members, each is told of by every member's score, by its rank among those drawn, by
the columns of a table of items, by how far it is in them from the last few events, and by how long the history is; LambdaMART orders them (Burges 2010, as LightGBM has it).
What is learned from are the last few events of histories. The members that speak of them were fitted without those, so
no member has seen what it is asked for; then all members are fitted again, on everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import lambdamart, recommenders
from plimsoll.clock import Clock
from plimsoll.forest import Forest, graph
from plimsoll.lambdamart import Plan
from plimsoll.rows import Histories
from plimsoll.scorer import Scorer, floats, scalar, taken

Array = NDArray[Any]
Maker = Callable[[Histories], Scorer]
_LEAST = 5  # events of a history that are never held out
_FEW = 5  # events that a candidate is held beside


@dataclass(frozen=True)
class Sieve:
    """Candidates for a history: the ``each`` best that it does not hold, of each of the first ``drawn`` members.

    ``table`` is what is known of items, shape (many, columns), float32.
    """

    members: tuple[Scorer, ...]
    drawn: int
    each: int
    table: NDArray[np.float32]

    @property
    def width(self) -> int:
        """How many features a candidate has."""
        return len(self.members) + self.drawn + 2 * int(self.table.shape[1]) + 1

    def sift(self, items: Array, weights: Array | None) -> tuple[NDArray[np.intp], NDArray[np.float32], Array]:
        """Candidates, ascending; their features, shape (candidates, width); and the first member's scores of all items."""
        scores = [member.score_one(items, weights) for member in self.members]
        open_ = np.zeros(len(self.table), dtype=bool)
        for said in scores[: self.drawn]:
            open_[_best(said, items, self.each)] = True
        found = np.flatnonzero(open_)
        features = np.empty((len(found), self.width), dtype=np.float32)
        for at, said in enumerate(scores):
            features[:, at] = said[found]
        for at in range(self.drawn):
            order = np.argsort(-features[:, at], kind="stable")
            features[order, len(scores) + at] = np.arange(len(found))
        known = self.table[found]
        features[:, len(scores) + self.drawn : -1] = np.hstack([known, np.abs(known - self._usual(items))])
        features[:, -1] = len(items)
        return found, features, scores[0]

    def _usual(self, items: Array) -> Array:
        """What is known of the last few events, in the mean, shape (columns,)."""
        return self.table[items[-_FEW:]].mean(axis=0) if len(items) else np.zeros(self.table.shape[1], np.float32)


def _best(scores: Array, seen: Array, most: int) -> Array:
    """The best items that were not seen; of those that share the last score, the first by number.

    >>> _best(np.array([3.0, 1.0, 2.0, 1.0, 1.0]), np.array([0]), 3).tolist()
    [2, 1, 3]
    """
    left = -scores
    left[seen] = np.inf
    # Of values, and from below: where most scores are the same, a partition of places or from above takes ten times as long.
    last = np.partition(left, most - 1)[most - 1] if most < len(left) else np.inf
    above = np.flatnonzero(left < last)
    shared = np.flatnonzero(left == last)[: most - len(above)] if last < np.inf else above[:0]
    return np.concatenate([above, shared])


@dataclass(frozen=True)
class Ranker(Scorer):
    """Candidates score 0 and more, in the trees' order; all others below -1, in the order of the first member."""

    sieve: Sieve
    forest: Forest

    @property
    def many(self) -> int:
        return len(self.sieve.table)

    def score_one(self, items: Array, weights: Array | None = None) -> NDArray[np.float32]:
        found, features, first = self.sieve.sift(items, weights)
        scores = np.asarray(first - (first.max() + np.float32(1.0)), dtype=np.float32)
        if len(found):
            told = self.forest.scores(features)[:, 0].astype(np.float32)
            scores[found] = told - told.min()
        return scores

    @property
    def trees(self) -> bytes:
        """The graph of the forest, which stands beside the arrays."""
        return self.forest.graph

    def arrays(self) -> dict[str, Array]:
        """All but the trees."""
        sieve = self.sieve
        plain = {"drawn": np.array(sieve.drawn), "each": np.array(sieve.each), "table": sieve.table}
        return recommenders.together(sieve.members) | plain


def fit(
    histories: Histories,
    makers: Sequence[Maker],
    drawn: int,
    table: Array,
    each: int = 60,
    last: int = 8,
    trees: int = 100,
    leaves: int = 8,
    rate: float = 0.1,
    most: int = 10_000,
    seed: int = 0,
    clock: Clock | None = None,
) -> Ranker:
    """The members that ``makers`` make, of which the first ``drawn`` give candidates, and trees over what they say.

    Learned from are the ``last`` events of each history, fewer where five would not be left, and ``most`` in all, drawn by
    chance; an event that is no candidate teaches nothing. Raises ValueError where nothing is left to learn from.
    """
    hidden = np.clip(histories.lengths - _LEAST, 0, last)
    held = replace(histories, ends=histories.ends - hidden)
    sieve = Sieve(tuple(make(held) for make in makers), drawn, each, table.astype(np.float32))
    lessons = np.argwhere(np.arange(1, last + 1) <= hidden[:, None]) + np.array([0, 1])  # (row, how far from its end)
    order = np.random.default_rng(seed).permutation(len(lessons))[:most]
    matrix, target, sizes = _taught(sieve, histories, lessons[order])
    grown = lambdamart.grow(matrix, target, sizes, Plan(trees, leaves, rate), seed, clock)
    forest = Forest(graph(grown, matrix.shape[1], 1, [0.0], 1.0))
    return Ranker(Sieve(tuple(make(histories) for make in makers), drawn, each, sieve.table), forest)


def _taught(sieve: Sieve, histories: Histories, lessons: Array) -> tuple[Array, Array, Array]:
    """Features of the candidates of all lessons (row, events from the end), which of them came next, and how many each has."""
    parts, targets = [], []
    for row, back in lessons.tolist():
        start, end = int(histories.starts[row]), int(histories.ends[row]) - back
        found, features, _ = sieve.sift(histories.items[start:end], histories.weights[start:end])
        came = found == histories.items[end]
        if came.any():
            parts.append(features)
            targets.append(came)
    if not parts:
        raise ValueError("no event held out is among the candidates: there is nothing to learn an order from")
    return np.concatenate(parts), np.concatenate(targets).astype(np.int8), np.array([len(part) for part in parts])


def of(arrays: Mapping[str, Array], trees: bytes) -> Ranker:
    """The model that ``arrays`` and the graph of its forest wrote. Raises ValueError where they cannot be one."""
    members, rest = recommenders.apart(arrays)
    sieve = _sieve(members, rest)
    return Ranker(sieve, _fitting(trees, sieve.width))


def _sieve(members: tuple[Scorer, ...], rest: Mapping[str, Array]) -> Sieve:
    drawn, each, table = taken(rest, "drawn each table")
    sieve = Sieve(members, int(scalar(drawn, "drawn")), int(scalar(each, "each")), floats(table, "table", -1, -1))
    if members[0].many != len(sieve.table):
        raise ValueError(f"members of {members[0].many} items, and a table of {len(sieve.table)}")
    if not (0 < sieve.drawn <= len(members) and sieve.each > 0):
        raise ValueError(f"{sieve.each} candidates from each of {sieve.drawn} members of {len(members)}")
    return sieve


def _fitting(trees: bytes, width: int) -> Forest:
    forest = Forest(trees)
    if (forest.width, forest.outputs) != (width, 1):
        raise ValueError(
            f"trees of {forest.width} features and {forest.outputs} scores; {width} features and one were to be"
        )
    return forest
