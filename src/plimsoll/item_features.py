"""What is known of items as numbers: of a table's columns, of their place in the catalogue, and of when they were come to."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.collection import Collection
from plimsoll.rows import NUMERIC, Coded, Histories
from plimsoll.scorer import pieces

Array = NDArray[Any]
_WORD = re.compile(r"\w[\w'-]*")


def of(collection: Collection, words: int) -> NDArray[np.float32]:
    """A row for each item: its numbers with a spread of one, and of each column of text the ``words`` that most items have,
    the rarer the heavier; shape (items, features).

    >>> from plimsoll.ids import Ids
    >>> from plimsoll.rows import Rows
    >>> from plimsoll.schema import Column, Kind, Schema
    >>> told = Rows(3, {"genres": Coded.of(["war|drama", "war", None])})
    >>> found = of(Collection(Ids.of("123"), told, Schema((Column("genres", Kind.TEXT),), "film")), 9)
    >>> (10 * found).round().astype(int).tolist()
    [[4, 11], [4, 0], [0, 0]]
    """
    parts = [_scaled(numbers(collection, catalogue=False))]
    for name in collection.schema.names:
        cells = collection.rows.columns[name]
        if isinstance(cells, Coded):
            parts.append(_worded(cells, words))
    return np.hstack(parts).astype(np.float32)


def numbers(collection: Collection, catalogue: bool = True) -> NDArray[np.float32]:
    """The columns of numbers, what is missing at their middle, and the items' own numbers where ids are numbers: who gives them
    out gives later ones to what came later; shape (items, columns)."""
    schema, rows = collection.schema, collection.rows
    found = [rows.numbers(name) for name in schema.names if schema[name].kind in NUMERIC]
    if catalogue and len(collection.ids.whole):
        found.append(collection.ids.whole.astype(np.float64))
    told = np.column_stack(found) if found else np.zeros((len(collection), 0))
    middle = np.array([np.nanmedian(column) if np.isfinite(column).any() else 0.0 for column in told.T])
    return np.where(np.isfinite(told), told, middle).astype(np.float32)


def seen(told: Histories) -> NDArray[np.float32]:
    """When each item was first come to and when usually, in days from the first event of all, shape (items, 2)."""
    first, sums, counts = np.full(told.many, np.inf), np.zeros(told.many), np.zeros(told.many)
    for piece in pieces(told):
        _, places = piece.events()
        items, times = piece.items[places], piece.times[places].astype(np.float64)
        np.minimum.at(first, items, times)
        sums += np.bincount(items, times, told.many)
        counts += np.bincount(items, minlength=told.many)
    start = first.min(initial=np.inf)
    start = start if np.isfinite(start) else 0.0
    last = float((sums / np.maximum(counts, 1)).max(initial=start))  # of an item that nobody came to: it is new
    when = np.column_stack(
        [np.where(counts > 0, first, last), np.where(counts > 0, sums / np.maximum(counts, 1), last)]
    )
    return ((when - start) / 86_400.0).astype(np.float32)


def _scaled(told: Array) -> NDArray[np.float32]:
    spread = told.std(axis=0)
    return np.asarray((told - told.mean(axis=0)) / np.where(spread > 0, spread, 1.0), dtype=np.float32)


def _worded(cells: Coded, most: int) -> NDArray[np.float32]:
    """Which of the common words each cell holds, as the logarithm of how rare they are, shape (items, words)."""
    held = [sorted(set(_WORD.findall(value.lower()))) for value in cells.values]
    many = np.bincount(cells.codes[cells.codes >= 0], minlength=len(held))
    counts: Counter[str] = Counter()
    for words, often in zip(held, many.tolist(), strict=True):
        counts.update(dict.fromkeys(words, often))
    common = sorted((word for word in counts), key=lambda word: (-counts[word], word))[:most]
    place = {word: k for k, word in enumerate(common)}
    rare = np.log(len(cells.codes) / np.array([max(1, counts[word]) for word in common]))
    found = np.zeros((len(held) + 1, len(common)), dtype=np.float32)  # what is missing has no word: the last
    for row, words in enumerate(held):
        known = [place[word] for word in words if word in place]
        found[row, known] = rare[known]
    return found[cells.codes]
