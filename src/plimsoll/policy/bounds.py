"""Exact bounds on shares and rates (Clopper and Pearson 1934; Garwood 1936)."""

from __future__ import annotations

from functools import lru_cache

from scipy import stats


@lru_cache(maxsize=65_536)  # one place of a threshold after another counts the same
def most(errors: int, many: int, confidence: float) -> float:
    """The upper bound on a share of which ``errors`` were seen in ``many``; 1 where none was looked at.

    >>> round(most(0, 299, 0.95), 4)
    0.01
    """
    return 1.0 if errors >= many else float(stats.beta.ppf(confidence, errors + 1, many - errors))


@lru_cache(maxsize=65_536)
def least(hits: int, many: int, confidence: float) -> float:
    """The lower bound on a share; 0 where none was looked at.

    >>> round(least(299, 299, 0.95), 4)
    0.99
    """
    return 0.0 if hits <= 0 else float(stats.beta.ppf(1.0 - confidence, hits, many - hits + 1))


def interval(hits: int, many: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a share, both sides.

    >>> tuple(round(end, 3) for end in interval(5, 10))
    (0.187, 0.813)
    """
    half = (1.0 + confidence) / 2.0
    return least(hits, many, half), most(hits, many, half)


def most_often(events: int, days: float, confidence: float) -> float:
    """The upper bound on a rate a day, of ``events`` seen in so many days.

    >>> round(most_often(0, 1.0, 0.95), 3)
    2.996
    """
    return float(stats.chi2.ppf(confidence, 2 * (events + 1))) / 2.0 / days


def needed(errors: int, bound: float, confidence: float) -> int:
    """How many must be looked at for so many errors to be under the bound.

    >>> [needed(errors, 0.01, 0.95) for errors in (0, 1, 3, 5)]
    [299, 473, 773, 1049]
    """
    low, high = errors + 1, errors + 2
    while most(errors, high, confidence) >= bound:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if most(errors, middle, confidence) >= bound else (low, middle)
    return low
