"""Clues: what is told of a document beside a query, each by a name that a reader understands, for trees to weigh.

They are numbers of the query and the document, and of what is known of the collection that was learned from; never of the other
documents of a list. So a document has the same clues whichever others may be listed, and a later one goes with the earlier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import dense, fused
from plimsoll.by_field import ByField
from plimsoll.dense import unit
from plimsoll.finding import Texts
from plimsoll.fused import Fused, Heard
from plimsoll.inverted import Index, build
from plimsoll.scorer import floats

Array = NDArray[Any]
_FEW = 10  # neighbours of a document
_AMONG = 20_000  # documents among which neighbours are looked for
_FIRST = 5  # documents that are taken to be meant
_MOST_FIELDS = 4  # that are told of one by one
_TINY = 1e-12
_PIECE = 256  # documents whose neighbours are looked for together
_NEAR, _NEARNESS = "near", "nearness"


@dataclass(frozen=True)
class Clues:
    """Of the documents of ``parts``. ``fields`` is BM25 of each of the first of them. ``known`` are the documents that were learned
    from, for how a query finds these says what it means; ``near``, shape (documents, few), are those to which each lies nearest, and ``nearness`` how much each counts: shares that sum to one."""

    parts: Fused
    fields: ByField
    known: Fused
    near: NDArray[np.int32]
    nearness: NDArray[np.float32]

    @property
    def index(self) -> Index:
        return self.parts.index

    @property
    def names(self) -> tuple[str, ...]:
        """What each clue is called, in order."""
        own = tuple(f"words in {name}" for name in self.index.fields[: self.fields.fields])
        return ("words", "share of the words", *own, *_MEANINGS, *_NEIGHBOURS, "length", "words asked for")

    def of(self, heard: Heard, places: Array) -> NDArray[np.float32]:
        """The clues of some documents beside a query that ``parts`` heard, shape (places, clues)."""
        words, points = heard.words.take(places), self.parts.meaning.points.take(places, axis=0)
        said = [words, words / np.float32(heard.most), *self.fields.scores(heard.numbers).take(places, axis=1)]
        said += [points @ heard.point]
        said += self._roughly(heard, places, points)
        said += self._neighbours(heard, places, points)
        said += [self._sizes.take(places), np.log1p(heard.many)]
        # Trees look at one clue of all documents after the other.
        found = np.empty((len(said), len(places)), dtype=np.float32)
        for row, each in zip(found, said, strict=True):
            row[:] = each
        return found.T

    def _roughly(self, heard: Heard, places: Array, points: Array) -> list[Array]:
        """Cosines by the first half of the axes, and by the first quarter: these say what is meant in fewer words."""
        point, (first, second) = heard.point, _cuts(points.shape[1])
        few = points[:, :first] @ point[:first]
        more = few + points[:, first:second] @ point[first:second]
        half, quarter = self._lengths
        return [
            more / (half.take(places) * max(float(dense.lengths(point[:second])), _TINY)),
            few / (quarter.take(places) * max(float(dense.lengths(point[:first])), _TINY)),
        ]

    @cached_property
    def _lengths(self) -> list[NDArray[np.float32]]:
        """Of each document, by the first half of the axes, and by the first quarter; none is zero."""
        points = self.parts.meaning.points
        cut = [dense.lengths(points[:, :axes]) for axes in reversed(_cuts(points.shape[1]))]
        return [np.maximum(each, _TINY).astype(np.float32) for each in cut]

    @cached_property
    def _sizes(self) -> NDArray[np.float32]:
        """How many terms each document has, in logs."""
        return np.asarray(np.log1p(self.index.lengths.sum(axis=0)), dtype=np.float32)

    def _neighbours(self, heard: Heard, places: Array, points: Array) -> list[Array]:
        """How near a document is to what the query finds first among what is known, and what its neighbours there score."""
        near, shares = self.near.take(places, axis=0), self.nearness.take(places, axis=0)
        there = heard if self.known is self.parts else self.known.hear(heard.text, heard.every)
        middle = self._like_the_best(there.cosines) if heard.point.any() else heard.point
        return [
            points @ middle,
            *(np.einsum("ij,ij->i", each.take(near), shares) for each in (there.cosines, there.words)),
        ]

    def _like_the_best(self, cosines: Array) -> NDArray[np.float32]:
        """The middle of those known documents that are nearest to a query, shape (axes,) (Rocchio 1971)."""
        many = self.known.index.many
        few = min(_FIRST, many)
        best = np.argpartition(-cosines[:many], few - 1)[:few]
        return unit(self.known.meaning.points.take(best, axis=0).sum(axis=0))

    def beside(self, texts: Texts) -> Clues:
        """Of other documents; what is known is what was learned from."""
        index = build(texts, self.index.analyser)
        parts = self.parts.over(index, texts)
        near = neighbours(parts.meaning.points, self.known.meaning.points, False)
        return Clues(parts, replace(self.fields, model=parts.words), self.known, *near)

    def arrays(self) -> dict[str, Array]:
        return self.parts.arrays() | {_NEAR: self.near, _NEARNESS: self.nearness}


def of_parts(parts: Fused) -> Clues:
    """The clues that are had of BM25 and LSA of the same documents."""
    points = parts.meaning.points
    return _made(parts, *neighbours(points, points, True))


def of(arrays: Mapping[str, Array], index: Index) -> Clues:
    """The clues that ``arrays`` wrote. Raises KeyError and ValueError where they are not those of the index."""
    near, shares = arrays[_NEAR], arrays[_NEARNESS]
    if near.dtype != np.int32 or near.ndim != 2 or len(near) != index.many:
        raise ValueError(f"neighbours of {near.dtype} and shape {near.shape} for {index.many} documents")
    if near.size and (near.min() < 0 or near.max() >= index.many):
        raise ValueError("neighbours that there are not")
    rest = {name: array for name, array in arrays.items() if name not in (_NEAR, _NEARNESS)}
    return _made(fused.of(rest, index), near, floats(shares, _NEARNESS, *near.shape))


def _made(parts: Fused, near: Array, shares: Array) -> Clues:
    many = len(parts.index.fields)
    return Clues(parts, ByField(parts.words, many if 1 < many <= _MOST_FIELDS else 0), parts, near, shares)


def neighbours(
    points: Array, known: Array, same: bool, few: int = _FEW
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For each point the known ones with the largest cosine, and what each counts, shape (points, few); of very many known ones some,
    evenly. Where both are the ``same``, none is its own neighbour.

    >>> near, shares = neighbours(np.eye(3, dtype=np.float32)[[0, 0, 1]], np.eye(3, dtype=np.float32)[[0, 0, 1]], True, few=1)
    >>> near[:2, 0].tolist(), shares[:2, 0].tolist()
    ([1, 0], [1.0, 1.0])
    """
    places = np.linspace(0, len(known) - 1, min(len(known), _AMONG)).astype(np.int32)
    few = min(few, max(1, len(places) - same))
    near, shares = np.empty((len(points), few), np.int32), np.empty((len(points), few), np.float32)
    there = known[places].T
    for begin in range(0, len(points), _PIECE):
        cosines = points[begin : begin + _PIECE] @ there
        if same and len(places) > 1:
            rows = np.arange(begin, begin + len(cosines))
            own = np.minimum(np.searchsorted(places, rows), len(places) - 1)
            itself = places[own] == rows
            cosines[np.flatnonzero(itself), own[itself]] = -np.inf
        best = np.argpartition(-cosines, few - 1, axis=1)[:, :few]
        held = np.maximum(np.take_along_axis(cosines, best, axis=1), 0)
        near[begin : begin + _PIECE] = places[best]
        shares[begin : begin + _PIECE] = held / np.maximum(held.sum(axis=1, keepdims=True), np.float32(1e-9))
    return near, shares


def memory(documents: float, words: float) -> float:
    """Bytes that are held beside BM25 and LSA: weights of postings in some of the fields, and neighbours."""
    return 4.0 * (1 + _MOST_FIELDS) * words + 8.0 * _FEW * documents + 8.0 * _PIECE * min(documents, _AMONG)


def work(documents: float, rank: float) -> float:
    """Operations of looking for neighbours."""
    return 2.0 * rank * documents * min(documents, _AMONG)


_MEANINGS = ("meaning", "meaning, roughly", "meaning, very roughly")
_NEIGHBOURS = ("like what is found first", "meaning of its neighbours", "words of its neighbours")


def _cuts(rank: int) -> tuple[int, int]:
    """A quarter of the axes, and half of them."""
    return max(1, rank // 4), max(1, rank // 2)
