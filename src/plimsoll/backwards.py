"""Whether grades run backwards: in some collections 1 is the best grade and 4 the least, and a model would learn to rank in reverse.

A document of a higher grade shares more of its query's words than one of a lower grade, on the whole. Where it is clearly the
other way round that is said, and nothing is turned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import rarity
from plimsoll.collection import Collection
from plimsoll.documents import text_of
from plimsoll.rarity import Rarity, words
from plimsoll.schema import Kind

Array = NDArray[Any]
_QUERIES = 300  # queries that are looked at
_LEAST = 10  # queries with several grades below which nothing is told
_CLEAR = 3.0  # standard errors


def warnings(queries: Sequence[str], truth: Array, collection: Collection, fields: Sequence[str] = ()) -> list[str]:
    """A sentence where the grades of ``truth``, ``ranking.GRADED`` of shape (queries, most), seem to run backwards."""
    found = tendency(queries, truth, collection, fields)
    if not found < -_CLEAR:
        return []
    return [
        "Documents of higher grades share fewer words with their queries than those of lower grades do, so the grades may run backwards:"
        " the highest is to be the most relevant. If 1 is the best here, turn them round."
    ]


def tendency(queries: Sequence[str], truth: Array, collection: Collection, fields: Sequence[str] = ()) -> float:
    """How clearly higher grades go with more of the query's words, in standard errors over queries; below zero where with fewer.

    Of each query all pairs of documents with different grades above zero count, or with zero where there is one grade above:
    the share in which the higher grade has more of the words, less the share in which it has fewer (Somers 1962). Words count
    by how rare they are. 0.0 where too few queries have several grades.
    """
    rows = [row for row in range(len(queries)) if len(_graded(truth[row])) > 1]
    rows = [rows[k] for k in np.linspace(0, len(rows) - 1, min(_QUERIES, len(rows))).astype(int)]
    if len(rows) < _LEAST:
        return 0.0
    fields = fields or collection.schema.of(Kind.TEXT)
    rare = rarity.counted(collection, fields)
    values = np.array([_agreement(queries[row], _graded(truth[row]), collection, fields, rare) for row in rows])
    spread = float(values.std(ddof=1)) / math.sqrt(len(values))
    return float(values.mean()) / spread if spread else 0.0


def _graded(row: Array) -> Array:
    """The pairs of a row that are compared; none where they have one grade."""
    held = row[row["item"] >= 0]
    above = held[held["grade"] > 0]
    chosen = above if len(np.unique(above["grade"])) > 1 else held
    return chosen if len(np.unique(chosen["grade"])) > 1 else held[:0]


def _agreement(query: str, graded: Array, collection: Collection, fields: Sequence[str], rare: Rarity) -> float:
    weight = {word: rare.of(word) for word in words(query)}
    held = [weight.keys() & set(words(text_of(collection, fields, item))) for item in graded["item"].tolist()]
    shared = np.array([sum(weight[word] for word in each) for each in held])
    order = np.sign(np.subtract.outer(graded["grade"], graded["grade"]))
    return float((order * np.sign(np.subtract.outer(shared, shared))).sum() / np.abs(order).sum())
