"""How good ranked answers are, row by row, from where the relevant items were found; always over the whole collection.

A name is a measure and how deep it looks, such as ``ndcg@10``. There are no sampled measures: taking the relevant items
and a few others puts models into another order than the collection does (Krichene and Rendle 2020).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import JobError, nearest
from plimsoll.ranking import DEPTH, Found

Array = NDArray[Any]
_NAME = re.compile(r"([a-z_]+)(?:@([1-9][0-9]{0,5}))?")
_MOST_DRAWN = 20_000  # rows that are drawn at once: the spread is scaled above that many


def ndcg(held: Found, k: int) -> NDArray[np.float64]:
    """Discounted gain of the first k, as a share of the most there could be (Järvelin and Kekäläinen 2002).

    The gain of an item is its grade, as trec_eval has it and not 2^grade - 1; the discount of place p is log2(p + 1). The
    most is had by the k relevant items of the highest grades, found or not.
    """
    ideal = -np.sort(-held.grades, axis=1)[:, :k]
    most = (ideal / np.log2(np.arange(2, ideal.shape[1] + 2))).sum(axis=1, dtype=np.float64)
    gained = np.where(_within(held, k), held.grades / np.log2(np.maximum(held.places, 1) + 1.0), 0.0)
    return _share(gained.sum(axis=1), most)


def recall(held: Found, k: int) -> NDArray[np.float64]:
    """The share of all relevant items that is among the first k; not of the k that could have been."""
    return _share(_within(held, k).sum(axis=1), held.relevant)


def precision(held: Found, k: int) -> NDArray[np.float64]:
    """The share of k places that a relevant item has, also where the list is shorter."""
    return np.where(held.relevant > 0, _within(held, k).sum(axis=1) / k, np.nan)


def hit_rate(held: Found, k: int) -> NDArray[np.float64]:
    """1 where a relevant item is among the first k, else 0."""
    return np.where(held.relevant > 0, _within(held, k).any(axis=1).astype(np.float64), np.nan)


def mrr(held: Found, k: int) -> NDArray[np.float64]:
    """One over the place of the first relevant item, 0 where none is among the first k (Voorhees 1999)."""
    reciprocal = np.where(_within(held, k), 1.0 / np.maximum(held.places, 1), 0.0).max(axis=1, initial=0.0)
    return np.where(held.relevant > 0, reciprocal, np.nan)


def average_precision(held: Found, k: int) -> NDArray[np.float64]:
    """The precision at each relevant item among the first k, summed, over all relevant items."""
    places = np.sort(np.where(_within(held, k), held.places, np.iinfo(np.int32).max), axis=1)
    at = np.where(places < np.iinfo(np.int32).max, np.arange(1, places.shape[1] + 1) / places, 0.0)
    return _share(at.sum(axis=1), held.relevant)


def _within(held: Found, k: int) -> NDArray[np.bool_]:
    return (held.places > 0) & (held.places <= k)


def _share(part: Array, whole: Array) -> NDArray[np.float64]:
    """Nan where there is nothing to find, so that such a row is no success and no failure."""
    found = np.full(len(part), np.nan)
    np.divide(part, whole, out=found, where=np.asarray(whole) > 0)
    return found


MEASURES: dict[str, Callable[[Found, int], NDArray[np.float64]]] = {
    "ndcg": ndcg,
    "recall": recall,
    "precision": precision,
    "hit_rate": hit_rate,
    "mrr": mrr,
    "map": average_precision,
}
_WHOLE = ("mrr", "map")  # which speak of a whole list where no depth is said


@dataclass(frozen=True)
class Measure:
    """A measure and how many places it looks at."""

    name: str
    k: int

    def __str__(self) -> str:
        return f"{self.name}@{self.k}"


def measure(text: str, depth: int = DEPTH) -> Measure:
    """The measure that a name speaks of. Raises JobError for one that is not known or looks deeper than lists are.

    >>> measure("ndcg@10"), str(measure("map"))
    (Measure(name='ndcg', k=10), 'map@100')
    """
    found = _NAME.fullmatch(text)
    name, k = found.groups() if found else (text.partition("@")[0], None)
    if name not in MEASURES:
        known = nearest(name, MEASURES)
        raise JobError(
            f'"{text}" is not a measure of ranked answers. {known} Write one with a depth, such as "ndcg@10".'
        )
    if k is None and (text != name or name not in _WHOLE):
        raise JobError(f'"{text}" does not say how many places it looks at. Write "{name}@10".')
    if int(k or depth) > depth:
        raise JobError(f'"{text}" looks deeper than lists are. Write at most "{name}@{depth}".')
    return Measure(name, int(k or depth))


def each(name: str, held: Found) -> NDArray[np.float64]:
    """A measure of each row by its name, shape (rows,); nan where a row has no relevant item. Raises JobError.

    >>> held = Found(np.array([[1, 0], [4, 2]]), np.ones((2, 2)), DEPTH)
    >>> each("recall@3", held).tolist(), each("mrr@10", held).tolist()
    ([0.5, 0.5], [1.0, 0.5])
    """
    wanted = measure(name, held.depth)
    return MEASURES[wanted.name](held, wanted.k)


def mean(values: Array) -> float:
    """The mean over the rows that have something to find; nan where none has.

    >>> mean(np.array([1.0, np.nan, 0.0]))
    0.5
    """
    told = values[~np.isnan(values)]
    return float(told.mean()) if len(told) else float("nan")


def interval(values: Array, seed: int = 0, draws: int = 200) -> tuple[float, float, float]:
    """The mean of what ``each`` gives with its 95 % interval by the bootstrap over rows (Efron 1979): (low, mean, high).

    Of the differences between two models on the same rows, it is that of a paired bootstrap.

    >>> interval(np.array([0.25, 0.25, np.nan]))
    (0.25, 0.25, 0.25)
    """
    told = values[~np.isnan(values)]
    if not len(told):
        return float("nan"), float("nan"), float("nan")
    random, middle = np.random.default_rng(seed), float(told.mean())
    size = min(len(told), _MOST_DRAWN)
    scale = np.sqrt(size / len(told))
    drawn = [float(told[random.integers(0, len(told), size)].mean()) for _ in range(draws)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(middle + (low - middle) * scale), middle, float(middle + (high - middle) * scale)
