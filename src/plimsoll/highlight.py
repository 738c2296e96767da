"""The part of a document that shows best why it was found, and the letters in it to mark.

Marks are places in the snippet's own letters, so whoever shows it escapes the text as they need to, and no markup is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plimsoll.analysis import Analyser

LETTERS = 200  # of a snippet
SLACK = 40  # letters that a snippet may be moved by, to begin and end between words
PART = 20_000  # letters of a text that are looked through at once
Spot = tuple[
    int, int, tuple[str, ...]
]  # begin and end of a word in its text, and those of its terms that are looked for


@dataclass(frozen=True)
class Snippet:
    """``text`` stands at the letter ``begin`` of a field of ``letters`` letters; ``marks`` are (begin, end) within ``text``."""

    text: str
    begin: int
    letters: int
    marks: tuple[tuple[int, int], ...]


@dataclass
class Reading:
    """How many letters may still be looked through: one for all documents of a page, so that long ones cost a bounded time."""

    left: int = 400_000


def snippet(
    text: str, weights: Mapping[str, float], analyser: Analyser, reading: Reading, most: int = LETTERS
) -> Snippet:
    """The stretch of about ``most`` letters with the most different terms of ``weights``, each as much as it weighs; all of a text that is no longer.

    A long text is looked through until a part of it has any of the terms, and no further than ``reading`` allows; where none is
    found, the snippet is its beginning.

    >>> found = snippet("The lift of a wing.", {"wing": 1.0}, Analyser(stem="", stop=""), Reading())
    >>> [found.text[begin:end] for begin, end in found.marks]
    ['wing']
    """
    spots = next((found for found in _parts(text, weights, analyser, reading) if found), [])
    begin, end = (0, len(text)) if len(text) <= most else _window(text, spots, weights, most)
    marks = tuple((b - begin, e - begin) for b, e, _ in spots if begin <= b and e <= end)
    return Snippet(text[begin:end], begin, len(text), marks)


def _parts(text: str, weights: Mapping[str, float], analyser: Analyser, reading: Reading) -> Iterator[list[Spot]]:
    """The words of a text that are looked for, part by part."""
    begin = 0
    while begin < len(text) and reading.left > 0 and weights:
        end = _gap(text, begin + min(PART, reading.left))
        reading.left -= end - begin
        yield [
            (begin + b, begin + e, wanted)
            for b, e, terms in analyser.spans(text[begin:end])
            if (wanted := tuple(term for term in terms if term in weights))
        ]
        begin = end


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
    best, found = (-1.0, 0), (0, 0)
    held: dict[str, int] = {}
    first = 0
    for last, (_, end, terms) in enumerate(spots):
        for term in terms:
            held[term] = held.get(term, 0) + 1
        while end - spots[first][0] > most and first < last:
            for term in spots[first][2]:
                held[term] -= 1
            first += 1
        worth = sum(weights[term] for term, many in held.items() if many), last - first
        if worth > best:
            best, found = worth, (first, last)
    return found
