"""Postings: which documents have a term, how often in each of their fields, and where. A stretch of documents is sorted at a
time; the stretches are then laid together, term by term.

Nothing is compared but whole numbers: an occurrence is its term and its place in the stretch, as one number of 64 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import DataError

Array = NDArray[Any]
GAP = 1 << 16  # words between two fields of a document: no phrase is as long
MOST_OFTEN = (1 << 16) - 1  # times that a term counts in a field
_PLACES = (1 << 31) - 1


@dataclass(frozen=True)
class Stretch:
    """The postings of neighbouring documents. ``terms`` are those that occur, rising, with how many postings each has
    (``spread``) and how many places (``often``); the postings and their places stand in this order, documents rising.
    ``lengths``: terms of each field of each document, shape (fields, documents)."""

    terms: NDArray[np.int32]
    spread: NDArray[np.int64]
    often: NDArray[np.int64]
    docs: NDArray[np.int32]
    counts: NDArray[np.uint16]
    places: NDArray[np.int32]
    lengths: NDArray[np.int32]


def stretch(terms: Array, sizes: Array, first: int) -> Stretch:
    """The postings of documents from number ``first`` on: ``terms``, the number of each occurrence's or -1 of a word that has none,
    and how many of these each field has, shape (documents, fields).

    A place is the number of its occurrence in the document, ``GAP`` more with each field. Raises DataError for a document
    that is too long for a place to be told.

    >>> found = stretch(np.array([7, -1, 3, 7, 7]), np.array([[4], [1]]), first=10)
    >>> found.terms.tolist(), found.spread.tolist(), found.docs.tolist(), found.counts.tolist(), found.places.tolist()
    ([3, 7], [1, 2], [10, 10, 11], [[1, 2, 1]], [2, 0, 3, 0])
    """
    documents, fields = sizes.shape
    whole = sizes.sum(axis=1)
    if whole.max(initial=0) > _PLACES - fields * GAP:
        raise DataError(
            f"document {first + int(whole.argmax())} has {whole.max():,} words: too many to number. Part it."
        )
    cells = np.repeat(np.arange(sizes.size, dtype=np.int32), sizes.ravel())  # the field of a document that a word is in
    words = np.flatnonzero(terms >= 0)
    lengths = np.bincount(cells[words], minlength=sizes.size).astype(np.int32).reshape(documents, fields)
    key = (terms[words].astype(np.int64) << 32) | words
    key.sort()
    term, word = (key >> 32).astype(np.int32), key & 0xFFFFFFFF
    doc, field = np.divmod(cells[word], np.int32(fields)) if fields > 1 else (cells[word], np.int32(0))
    place = (word - (np.cumsum(whole) - whole)[doc] + field * GAP).astype(np.int32)
    opens = np.flatnonzero(_changes(term) | _changes(doc))
    counts = _counts(opens, field, fields, len(key))
    if counts.max(initial=0) > MOST_OFTEN:
        place, counts = _cut(place, counts)
    heads = np.flatnonzero(_changes(term[opens]))
    return Stretch(
        term[opens[heads]],
        np.diff(heads, append=len(opens)),
        _sums(counts.sum(axis=0), heads),
        doc[opens] + np.int32(first),
        counts.astype(np.uint16),
        place,
        np.ascontiguousarray(lengths.T),
    )


def _changes(values: Array) -> NDArray[np.bool_]:
    """Where a value is not the one before it; the first is none."""
    changed = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=changed[1:])
    return changed


def _sums(values: Array, heads: Array) -> NDArray[np.int64]:
    """Sums of the values from each head to the next."""
    return np.add.reduceat(values, heads, dtype=np.int64) if len(heads) else np.zeros(0, np.int64)


def _counts(opens: Array, field: Array, fields: int, many: int) -> NDArray[np.int64]:
    if fields == 1:
        return np.diff(opens, append=many)[None]
    return np.stack([_sums(field == k, opens) for k in range(fields)])


def _cut(place: Array, counts: Array) -> tuple[Array, Array]:
    """Where a term is in a field more often than can be counted, its first places there, and so many."""
    many = counts.T.ravel()  # a posting's places stand field by field
    rank = np.arange(len(place)) - np.repeat(np.cumsum(many) - many, many)
    return place[rank < MOST_OFTEN], np.minimum(counts, MOST_OFTEN)


@dataclass(frozen=True)
class Laid:
    """Postings of all documents, by term; the arrays are those of ``inverted.Index``."""

    starts: NDArray[np.int64]
    docs: NDArray[np.int32]
    counts: NDArray[np.uint16]
    place_starts: NDArray[np.int64]
    places: NDArray[np.int32]
    lengths: NDArray[np.int32]


def laid(stretches: list[Stretch], rank: Array, fields: int) -> Laid:
    """Stretches in the order of their documents, as one; ``rank`` gives the terms their numbers. The list is emptied: what was
    laid is let go of, one kind of array after another, for together they are as large as what comes of them."""
    terms = [rank[part.terms] for part in stretches]
    spread, often = [part.spread for part in stretches], [part.often for part in stretches]
    held = {name: [getattr(part, name) for part in stretches] for name in ("docs", "counts", "places", "lengths")}
    stretches.clear()
    starts, place_starts = _starts(terms, spread, len(rank)), _starts(terms, often, len(rank))
    places = np.empty(place_starts[-1], dtype=np.int32)
    _merge(held.pop("places"), terms, often, place_starts, places[None])
    docs = np.empty(starts[-1], dtype=np.int32)
    _merge(held.pop("docs"), terms, spread, starts, docs[None])
    counts = np.empty((fields, starts[-1]), dtype=np.uint16)
    _merge(held.pop("counts"), terms, spread, starts, counts)
    lengths = np.concatenate([np.zeros((fields, 0), np.int32), *held["lengths"]], axis=1)
    return Laid(starts, docs, counts, place_starts, places, lengths)


def _merge(parts: list[Array], terms: Sequence[Array], sizes: Sequence[Array], starts: Array, into: Array) -> None:
    """Lays arrays of each stretch into one of shape (rows, all): each term's run goes behind what the term has already."""
    at = starts[:-1].copy()
    for numbers, held in zip(terms, sizes, strict=True):
        goes = np.repeat(at[numbers] - (np.cumsum(held) - held), held)
        goes += np.arange(len(goes))
        at[numbers] += held
        for row, values in zip(into, np.atleast_2d(parts.pop(0)), strict=True):
            row[goes] = values


def _starts(terms: Sequence[Array], sizes: Sequence[Array], many: int) -> NDArray[np.int64]:
    total = np.zeros(many + 1, dtype=np.int64)
    for numbers, held in zip(terms, sizes, strict=True):
        total[numbers + 1] += held
    return np.cumsum(total)
