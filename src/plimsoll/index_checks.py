"""Whether arrays from outside are an index: every place that another array is read at lies in it, and all sums agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.postings import MOST_OFTEN, Laid

Array = NDArray[Any]
_CELLS = 1 << 22  # that are looked at together


def check(held: Laid, terms: int, fields: int) -> None:
    """Raises ValueError where these are no postings of so many terms and fields."""
    postings, many = held.docs.size, held.lengths.shape[-1] if held.lengths.ndim else 0
    _shaped(held.docs, "docs", np.int32, postings)
    _shaped(held.counts, "counts", np.uint16, fields, postings)
    _shaped(held.places, "places", np.int32, held.places.size)
    _shaped(held.lengths, "lengths", np.int32, fields, many)
    _starts(held.starts, "starts", terms, postings)
    _starts(held.place_starts, "place_starts", terms, len(held.places))
    if held.lengths.min(initial=0) < 0:
        raise ValueError("a length of a document is negative")
    if held.docs.min(initial=0) < 0 or held.docs.max(initial=-1) >= many:
        raise ValueError(f"a posting names none of the {many:,} documents there are")
    if _falls(held.docs, held.starts, np.less_equal):
        raise ValueError("the documents of a term do not rise")
    _counts(held)


def _shaped(array: Array, name: str, kind: type, *shape: int) -> None:
    if array.dtype != kind or array.shape != shape:
        raise ValueError(f"{name} of {array.dtype} and shape {array.shape}; {kind.__name__} of {shape} was to be there")


def _starts(starts: Array, name: str, terms: int, total: int) -> None:
    _shaped(starts, name, np.int64, terms + 1)
    if starts[0] != 0 or starts[-1] != total or not (starts[1:] > starts[:-1]).all():
        raise ValueError(f"{name} do not rise from 0 to {total:,}")


def _pieces(many: int) -> Iterator[slice]:
    for begin in range(0, many, _CELLS):
        yield slice(begin, min(many, begin + _CELLS))


def _falls(values: Array, heads: Array, falls: np.ufunc) -> bool:
    """Whether a value falls below the one before it anywhere but at a head; heads rise."""
    for piece in _pieces(len(values) - 1):
        fallen = falls(values[piece.start + 1 : piece.stop + 1], values[piece])
        begin, end = np.searchsorted(heads, (piece.start + 1, piece.stop + 1))
        fallen[heads[begin:end] - piece.start - 1] = False
        if fallen.any():
            return True
    return False


def _counts(held: Laid) -> None:
    """The counts of a posting and its places, of a document and its length, and of a term and its places go together."""
    lengths, done = np.zeros(held.lengths.shape, dtype=np.int64), 0
    for piece in _pieces(len(held.docs)):
        for field, counts in enumerate(held.counts):
            np.add.at(lengths[field], held.docs[piece], counts[piece].astype(np.int64))
        total = held.counts[:, piece].sum(axis=0, dtype=np.int64)
        if not total.min() > 0:
            raise ValueError("a posting counts nothing")
        heads = np.cumsum(total) - total
        begin, end = np.searchsorted(held.starts, (piece.start, piece.stop))
        own = slice(done, done + int(heads[-1] + total[-1]))
        told = held.place_starts[begin:end] - done
        if own.stop > len(held.places) or not np.array_equal(heads[held.starts[begin:end] - piece.start], told):
            raise ValueError("the places are not as many as the terms are counted")
        if held.places[own].min() < 0 or _falls(held.places[own], heads, np.less_equal):
            raise ValueError("the places of a term in a document do not rise")
        done = own.stop
    if done != len(held.places):
        raise ValueError("the places are not as many as the terms are counted")
    _lengths(held, lengths)


def _lengths(held: Laid, counted: Array) -> None:
    cut = held.counts.max(initial=0) == MOST_OFTEN  # what is beyond is not counted
    if (counted > held.lengths).any() or (not cut and (counted != held.lengths).any()):
        raise ValueError("the lengths of documents are not the sums of their terms")
