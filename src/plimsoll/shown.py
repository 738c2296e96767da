"""What lists are worth by a quality: row by row where it speaks of rows, or as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import draws, ranking, relevance, variety
from plimsoll.truth import Truth

Array = NDArray[Any]


def each(name: str, truth: Truth, answers: Array) -> NDArray[np.float64] | None:
    """A quality of each row, shape (rows,); nan where a row says nothing of it, and None of one that only a whole has."""
    kind, k = name.split("@")
    if kind in relevance.MEASURES:
        return relevance.each(name, ranking.found(answers, truth.target))
    shelf = truth.shelf
    assert shelf is not None
    if kind == "diversity":
        return variety.diversity(answers, int(k), shelf.vectors)
    if kind in ("popularity", "novelty"):
        return _of_items(_known(kind, shelf), answers, int(k))
    return None


def _known(kind: str, shelf: variety.Shelf) -> NDArray[np.float64]:
    return variety.percentiles(shelf.counts) if kind == "popularity" else variety.surprise(shelf.counts, shelf.users)


def _of_items(values: Array, answers: Array, k: int) -> NDArray[np.float64]:
    """The mean over the first k places of each row; nan where a list is empty."""
    items = answers["item"][:, :k]
    held = items >= 0
    sums, many = np.where(held, values[items], 0.0).sum(axis=1), held.sum(axis=1)
    found = np.full(len(items), np.nan)
    np.divide(sums, many, out=found, where=many > 0)
    return found


def value(name: str, truth: Truth, answers: Array) -> float:
    """A quality of these rows; nan where none of them says anything of it."""
    found = each(name, truth, answers)
    return _covered(name, truth)(answers) if found is None else relevance.mean(found)


def interval(name: str, truth: Truth, answers: Array, seed: int, many: int) -> tuple[float, float, float]:
    """The same with its 95 % interval over rows: (low, value, high)."""
    found = each(name, truth, answers)
    if found is not None:
        return relevance.interval(found, seed, many)
    of = _covered(name, truth)
    middle = of(answers)
    # Rows that are drawn twice show nothing new, so a draw covers less: the interval is laid around what was found.
    low, high = draws.ends(lambda pick: of(answers[pick]), middle, len(answers), seed, many)
    half = (high - low) / 2
    return max(0.0, middle - half), middle, min(1.0, middle + half)


def gain(name: str, truth: Truth, one: Array, other: Array, seed: int, many: int) -> tuple[float, float]:
    """How much more ``one`` has of a quality than ``other`` on the same rows: the 95 % interval of a paired bootstrap."""
    a, b = each(name, truth, one), each(name, truth, other)
    if a is not None and b is not None:
        low, _, high = relevance.interval(a - b, seed, many)
        return low, high
    of = _covered(name, truth)
    middle = of(one) - of(other)
    return draws.ends(lambda pick: of(one[pick]) - of(other[pick]), middle, len(one), seed, many)


def _covered(name: str, truth: Truth) -> Callable[[Array], float]:
    assert truth.shelf is not None
    many, k = truth.shelf.many, int(name.split("@")[1])
    return lambda answers: variety.coverage(answers, k, many)
