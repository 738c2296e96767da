"""The part of a document that shows best why it was found, and the letters in it to mark.

Marks are places in the snippet's own letters, so whoever shows it escapes the text as they need to, and no markup is in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from plimsoll import letters
from plimsoll.analysis import Analyser

LETTERS = 200  # of a snippet
SLACK = 40  # letters that a snippet may be moved by, to begin and end between words
PART = 20_000  # letters of a text that are looked through at once
MOST = 400_000  # letters that are looked through for a page, so that long documents cost a bounded time
Spot = tuple[
    int, int, tuple[str, ...]
]  # begin and end of a word in its text, and those of its terms that are looked for


@dataclass(frozen=True)
class Snippet:
    """``text`` stands at the letter ``begin`` of a field of ``letters`` letters; ``marks`` are (begin, end) within ``text``, both counted in letters."""

    text: str
    begin: int
    letters: int
    marks: tuple[tuple[int, int], ...]


class Marker:
    """Finds, for one page, the words with one of the terms of ``weights`` (each as much as it is worth to a reader).

    >>> found = Marker({"wing": 1.0}, Analyser()).snippet("The lift of a wing.")
    >>> [found.text[begin:end] for begin, end in found.marks]
    ['wing']
    """

    def __init__(self, weights: Mapping[str, float], analyser: Analyser, most: int = MOST) -> None:
        self._weights, self._analyser, self._left = weights, analyser, most

    def snippet(self, text: str, most: int = LETTERS) -> Snippet:
        """The stretch of about ``most`` letters with the most different terms, each as much as it weighs; all of a text that is no longer.

        A long text is looked through until a part of it has any of the terms, as far as may still be read for this page; where
        none is found, the snippet is its beginning.
        """
        spots = next((found for found in self._parts(text) if found), [])
        begin, end = (0, len(text)) if len(text) <= most else _window(text, spots, self._weights, most)
        marks = tuple((b - begin, e - begin) for b, e, _ in spots if begin <= b and e <= end)
        return Snippet(text[begin:end], begin, len(text), marks)

    def _parts(self, text: str) -> Iterator[list[Spot]]:
        """The words of a text that are looked for, part by part."""
        begin = 0
        while begin < len(text) and self._left > 0 and self._weights:
            end = _gap(text, begin + min(PART, self._left))
            self._left -= end - begin
            yield list(self._spots(text, begin, end))
            begin = end

    def _spots(self, text: str, begin: int, end: int) -> Iterator[Spot]:
        terms_of, nothing_of = self._analyser.terms_of, self._weights.keys().isdisjoint
        for found in letters.WORD.finditer(text, begin, end):
            terms = terms_of(found[0])
            if nothing_of(terms):
                continue
            if letters.is_run(found[0]):  # of a script without blanks only what was asked for, not all of the sentence
                yield from self._in_run(found[0], found.start())
            else:
                yield found.start(), found.end(), self._wanted(terms)

    def _wanted(self, terms: Iterable[str]) -> tuple[str, ...]:
        return tuple(term for term in terms if term in self._weights)

    def _in_run(self, run: str, at: int) -> Iterator[Spot]:
        for begin, end, terms in self._analyser.spans(run):
            if held := self._wanted(terms):
                yield at + begin, at + end, held


def _gap(text: str, place: int) -> int:
    """The last gap between words before a place, or the place where there is none near."""
    if place >= len(text):
        return len(text)
    near = [text.rfind(gap, place - SLACK, place) for gap in " \n\t"]
    return max(near) + 1 if max(near) > 0 else place


def _window(text: str, spots: list[Spot], weights: Mapping[str, float], most: int) -> tuple[int, int]:
    """Where the best stretch begins and ends: the first of those that weigh the most, with what stands around its words."""
    first, last = _heaviest(spots, weights, most)
    if not spots:
        return 0, _gap(text, most)
    begin, end = spots[first][0], spots[last][1]
    begin = max(0, begin - max(0, most - (end - begin)) // 2)
    begin = 0 if begin <= SLACK else _start(text, begin, spots[first][0])
    stop = max(_gap(text, begin + most), end)
    return begin, min(stop, len(text))


def _start(text: str, begin: int, word: int) -> int:
    """Where a word begins, from ``begin`` on and not behind ``word``."""
    gaps = [place + 1 for gap in " \n\t" if (place := text.find(gap, begin - 1, begin + SLACK)) >= 0]
    return min(min(gaps, default=begin), word)


def _heaviest(spots: list[Spot], weights: Mapping[str, float], most: int) -> tuple[int, int]:
    """The first and the last spot of the stretch that holds the most of different terms; of equals the one with more words."""
    best, found, worth, first = (-1.0, 0), (0, 0), 0.0, 0
    held: Counter[str] = Counter()
    for last, (_, end, terms) in enumerate(spots):
        for term in terms:
            worth += 0.0 if held[term] else weights[term]
            held[term] += 1
        while end - spots[first][0] > most and first < last:
            for term in spots[first][2]:
                held[term] -= 1
                worth -= 0.0 if held[term] else weights[term]
            first += 1
        if (told := (round(worth, 9), last - first)) > best:
            best, found = told, (first, last)
    return found
