"""Pieces of words, learned of a collection: what is frequent stays whole, and what is rare comes to parts that are known.

Pairs of neighbouring pieces are joined one after another, the most frequent first (byte pair encoding: Sennrich et al. 2016), and a
word is cut by the longest piece that is known, again and again (WordPiece: Wu et al. 2016). What is kept is the list of
pieces, nothing else. It is learned here and not by a library because the same texts must give the same pieces.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np

from plimsoll import letters
from plimsoll.analysis import INSIDE, Analyser

_TEXTS = 100_000  # texts that pieces are learned of; of more so many are drawn
_WORDS = 50_000  # distinct words that pieces are learned of, the most frequent
_LEAST = 2  # times that a pair stands somewhere, to be a piece

Pair = tuple[str, str]


def learned(analyser: Analyser, texts: Sequence[str | None], size: int, seed: int = 0) -> Analyser:
    """The analyser with its words cut into pieces, about ``size`` of them, and every letter that occurs among them.

    >>> texts = ["low lower lowest", "new newer newest", "wide wider widest"]
    >>> made = learned(Analyser(stem="", stop=""), texts, size=20)
    >>> made.terms("slower lowest")
    ['s', '##l', '##o', '##wer', 'lo', '##west']
    """
    words = replace(analyser, units="words", pieces=())
    counted: Counter[str] = Counter()
    for text in _drawn(texts, seed):
        counted.update(words.terms(text or ""))
    # In the order of the alphabet where they are as frequent, so that no order of the texts tells.
    held = sorted((word for word in counted if not letters.is_run(word)), key=lambda word: (-counted[word], word))
    return replace(
        analyser, units="pieces", pieces=tuple(joined({word: counted[word] for word in held[:_WORDS]}, size))
    )


def _drawn(texts: Sequence[str | None], seed: int) -> Iterable[str | None]:
    if len(texts) <= _TEXTS:
        return texts
    picked = np.random.default_rng(seed).choice(len(texts), _TEXTS, replace=False)
    return (texts[k] for k in np.sort(picked).tolist())


def joined(words: Mapping[str, int], size: int) -> list[str]:
    """The pieces of words that stand so often, in order: each letter, and joined pairs until there are ``size`` pieces.

    >>> joined({"low": 5, "lower": 2}, size=7)
    ['##e', '##o', '##ow', '##r', '##w', 'l', 'low']
    """
    cut = [[word[0], *(INSIDE + letter for letter in word[1:])] for word in words]
    times = list(words.values())
    pieces = {piece for each in cut for piece in each}
    pairs = _Pairs(cut, times)
    while len(pieces) < size and (pair := pairs.pop()) is not None:
        pieces.add(pairs.join(pair))
    return sorted(pieces)


class _Pairs:
    """Words in pieces, how often each pair of neighbours stands in them, and where: kept up to date as pairs are joined."""

    def __init__(self, cut: list[list[str]], times: Sequence[int]) -> None:
        self._cut, self._times = cut, times
        self._counts: Counter[Pair] = Counter()
        self._where: defaultdict[Pair, set[int]] = defaultdict(set)
        for number in range(len(cut)):
            self._count(number, 1)
        self._queue = [(-count, pair) for pair, count in self._counts.items()]
        heapify(self._queue)

    def _count(self, number: int, sign: int) -> set[Pair]:
        """Puts a word's pairs in, or takes them out."""
        held = self._cut[number]
        pairs = list(pairwise(held))
        for pair in pairs:
            self._counts[pair] += sign * self._times[number]
            self._where[pair].add(number)
        return set(pairs)

    def pop(self) -> Pair | None:
        """The most frequent pair, the first by the alphabet of those as frequent; None where none stands twice."""
        while self._queue:
            count, pair = heappop(self._queue)
            if (
                -count == self._counts[pair] >= _LEAST
            ):  # else it was joined to something since, and stands in the queue anew
                return pair
        return None

    def join(self, pair: Pair) -> str:
        """Makes one piece of a pair wherever it stands."""
        one, changed = pair[0] + pair[1].removeprefix(INSIDE), set()
        for number in self._where.pop(pair):
            changed |= self._count(number, -1)
            self._cut[number] = _with(self._cut[number], pair, one)
            changed |= self._count(number, 1)
        for each in changed:
            heappush(self._queue, (-self._counts[each], each))
        return one


def _with(held: list[str], pair: Pair, one: str) -> list[str]:
    found: list[str] = []
    for piece in held:
        if found and (found[-1], piece) == pair:
            found[-1] = one
        else:
            found.append(piece)
    return found
