"""Texts to postings: words are found, each distinct one is worked on once, and a thread sorts what was read while more is read."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plimsoll.analysis import Analyser
from plimsoll.letters import LONGEST, words
from plimsoll.postings import Laid, Stretch, laid, stretch

Say = Callable[[float], None]
PIECE = 1 << 21  # words that are sorted together
_NONE = -1  # the code of a word without terms; words of several have the codes below


class Words(dict[str, int]):
    """The codes of words: the number of its only term, -1 of a word without one, or -2, -3, … of words of several, whose
    terms stand one after another in ``flat``, up to the places in ``ends``. A word is analysed when it is first asked for."""

    def __init__(self, analyser: Analyser) -> None:
        super().__init__()
        self.analyser = analyser
        self.terms: dict[str, int] = {}
        self._several: list[str] = []
        self.flat, self.ends = array("i"), array("q", [0])

    def __missing__(self, word: str) -> int:
        numbers = [self.terms.setdefault(term, len(self.terms)) for term in self.analyser.terms_of(word)]
        code = numbers[0] if numbers else _NONE
        if len(numbers) > 1:
            code = _NONE - len(self.ends)
            self.flat.extend(numbers)
            self.ends.append(len(self.flat))
            self._several.append(word)
        if len(word) <= LONGEST:
            self[word] = code
        return code

    def turned(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The terms of words of several so far, and where each one's end. These words are forgotten: in scripts without blanks
        no two are the same."""
        held = np.asarray(self.flat), np.asarray(self.ends)
        for word in self._several:
            self.pop(word, None)
        self._several, self.flat, self.ends = [], array("i"), array("q", [0])
        return held


@dataclass(frozen=True)
class Piece:
    """Neighbouring documents from number ``first`` on: the codes of their words, ``ends`` of each of their fields, and the terms of
    words of several with the end of each."""

    codes: NDArray[np.int32]
    ends: NDArray[np.int64]
    first: int
    fields: int
    flat: NDArray[np.int32]
    parts: NDArray[np.int64]

    def sorted(self) -> Stretch:
        """Its postings. A word of several terms has a place for each, so these follow one another as words do."""
        codes, ends = self.codes, self.ends
        if len(self.parts) > 1:
            codes, places = _expanded(codes, self.flat, self.parts)
            ends = places[ends]
        return stretch(codes, np.diff(ends, prepend=0).reshape(-1, self.fields), self.first)


def read(
    texts: Mapping[str, Iterable[str | None]], analyser: Analyser, say: Say | None = None
) -> tuple[list[str], Laid]:
    """The terms in their order, and the postings of all documents, whose fields come side by side.

    Raises ValueError where there is no field or one has fewer documents than another, DataError for a document that is too long.
    """
    if not texts:
        raise ValueError("documents without a field")
    table, found = Words(analyser), list[Stretch]()
    held = [len(cells) for cells in texts.values() if isinstance(cells, Sized)]
    with ThreadPoolExecutor(1) as pool:
        waiting: Future[Stretch] | None = None
        for piece in _pieces(texts, table):
            if waiting is not None:
                found.append(waiting.result())
            waiting = pool.submit(piece.sorted)
            if say is not None and held:
                say(piece.first / max(held))
        if waiting is not None:
            found.append(waiting.result())
    terms = sorted(table.terms)
    rank = np.empty(len(terms), dtype=np.int32)
    rank[[table.terms[term] for term in terms]] = np.arange(len(terms), dtype=np.int32)
    postings = laid(found, rank, len(texts))
    if say is not None:
        say(1.0)
    return terms, postings


def _pieces(texts: Mapping[str, Iterable[str | None]], table: Words) -> Iterator[Piece]:
    """Documents until there are enough words of them; none is cut."""
    code, fields, first = table.__getitem__, len(texts), 0
    codes, ends = array("i"), array("q")
    for cells in zip(*texts.values(), strict=True):
        for cell in cells:
            if cell:
                codes.extend(map(code, words(cell)))
            ends.append(len(codes))
        if len(codes) + len(table.flat) >= PIECE:
            yield _piece(codes, ends, first, fields, table)
            first += len(ends) // fields
            codes, ends = array("i"), array("q")
    if ends:
        yield _piece(codes, ends, first, fields, table)


def _piece(codes: array[int], ends: array[int], first: int, fields: int, table: Words) -> Piece:
    return Piece(np.asarray(codes), np.asarray(ends), first, fields, *table.turned())


def _expanded(
    codes: NDArray[np.int32], flat: NDArray[np.int32], parts: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Codes with the terms of words of several in their place; and where each word begins now, with the end of the last.

    >>> codes, begins = _expanded(np.array([4, -2, -1], np.int32), np.array([7, 8], np.int32), np.array([0, 2]))
    >>> codes.tolist(), begins.tolist()
    ([4, 7, 8, -1], [0, 1, 3, 4])
    """
    which = np.flatnonzero(codes < _NONE)
    of = _NONE - codes[which]
    sizes = np.ones(len(codes), dtype=np.int64)
    sizes[which] = parts[of] - parts[of - 1]
    begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    found = np.repeat(codes, sizes)
    shift = np.repeat(parts[of - 1] - begins[which], sizes[which])
    inside = np.flatnonzero(found < _NONE)
    found[inside] = flat[inside + shift]
    return found, begins
