"""How a term's occurrences in a document become a weight: five formulas of the BM25 family.

Each is a product of how rare the term is (``idf``) and how its frequency, held against the length of the document, saturates:
Kamphuis, de Vries, Boytsov and Lin 2020 have them side by side; BM25L and BM25+ are Lv and Zhai's of 2011.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.inverted import Index

Array = NDArray[Any]
METHODS = ("lucene", "robertson", "atire", "bm25l", "bm25+")
MOST = 1_000  # of k1, delta and a boost: no weight comes to be nothing or infinite
LEAST = 1e-6  # idf of a term that says nothing, or less: what has it is still found


@dataclass(frozen=True)
class Weighing:
    """``boosts``: how much an occurrence in each field counts, nothing given for one each. ``delta`` is of bm25l and bm25+ alone.

    Raises ValueError for what no formula knows.
    """

    method: str = "lucene"
    k1: float = 1.2
    b: float = 0.75
    delta: float = 0.5
    boosts: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f'no formula is called "{self.method}": there are {", ".join(METHODS)}')
        if not (0 <= self.k1 <= MOST and 0 <= self.b <= 1 and 0 <= self.delta <= MOST):
            raise ValueError(f"k1 {self.k1}, b {self.b} and delta {self.delta} are not those of a weighing")
        if not all(1 / MOST <= boost <= MOST for boost in self.boosts):
            raise ValueError(f"a boost is between {1 / MOST} and {MOST:,}")


@dataclass(frozen=True)
class Learned:
    """What documents are weighed by: the ``idf`` of each term, shape (terms,), that of a term in no document (``unknown``), and
    the mean number of terms in each field, shape (fields,)."""

    idf: NDArray[np.float64]
    unknown: float
    means: NDArray[np.float64]


def learned(index: Index, weighing: Weighing) -> Learned:
    """The frequencies of an index, as a weighing takes them."""
    spread = np.diff(index.starts).astype(np.float64)
    means = index.lengths.sum(axis=1, dtype=np.float64) / max(1, index.many)
    return Learned(
        idf(spread, index.many, weighing.method), float(idf(np.zeros(1), index.many, weighing.method)[0]), means
    )


def idf(spread: Array, many: int, method: str) -> NDArray[np.float64]:
    """How much it says that a document has a term that is in ``spread`` of ``many``; never nothing, and of none as of half a one.

    >>> idf(np.array([1.0, 2.0]), 2, "lucene").round(4).tolist(), idf(np.array([2.0]), 2, "atire").round(9).tolist()
    ([0.6931, 0.1823], [1e-06])
    """
    held = np.maximum(spread, 0.5)
    odds = {
        "lucene": 1.0 + (many - spread + 0.5) / (spread + 0.5),
        "robertson": (many - spread + 0.5) / (spread + 0.5),
        "atire": many / held,
        "bm25l": (many + 1.0) / (spread + 0.5),
        "bm25+": (many + 1.0) / held,
    }[method]
    return np.asarray(np.log(np.maximum(odds, math.exp(LEAST))))


def shares(index: Index, weighing: Weighing, means: Array) -> NDArray[np.float32]:
    """What one occurrence counts in each field of each document: its boost over the length as b has it, shape (fields, documents).

    Raises ValueError for boosts that are not one a field.
    """
    boosts = np.array(weighing.boosts or [1.0] * len(index.fields), dtype=np.float32)
    if len(boosts) != len(index.fields):
        raise ValueError(f"{len(boosts)} boosts for {len(index.fields)} fields")
    found = np.empty(index.lengths.shape, dtype=np.float32)
    for field, (lengths, mean) in enumerate(zip(index.lengths, means, strict=True)):
        length = lengths / np.float32(mean) if mean > 0 else np.ones(index.many, np.float32)
        norm = np.float32(1 - weighing.b) + np.float32(weighing.b) * length.astype(np.float32)
        found[field] = boosts[field] / np.where(norm > 0, norm, np.float32(1))  # an empty field holds no term
    return found


def parts(index: Index, postings: slice, held: Array, weighing: Weighing) -> NDArray[np.float32]:
    """How much postings count before it is asked how rare their terms are; ``held`` is what ``shares`` gives."""
    docs, counts = index.docs[postings], index.counts[:, postings]
    frequency = counts[0] * held[0][docs]
    for field in range(1, len(counts)):
        frequency += counts[field] * held[field][docs]
    return saturated(frequency, weighing)


def saturated(frequency: NDArray[np.float32], weighing: Weighing) -> NDArray[np.float32]:
    """What a frequency counts, given that it is above 0."""
    k1, delta = np.float32(weighing.k1), np.float32(weighing.delta)
    if weighing.method == "bm25l":
        frequency = frequency + delta
    part = frequency / (frequency + k1)
    if weighing.method in ("lucene", "robertson"):
        return part
    part *= 1 + k1
    return part + delta if weighing.method == "bm25+" else part
