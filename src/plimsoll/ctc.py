"""From what a model says moment by moment to a sequence: connectionist temporal classification (Graves and others 2006).

One class, the blank, says that nothing new begins. Repeats without a blank between them are one symbol.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from plimsoll import events
from plimsoll.errors import JobError
from plimsoll.events import Timeline

Array = NDArray[Any]
MOST_WIDTH = 256  # prefixes of a beam
_LATE = 20  # moments after it began, at which a symbol is settled as the likeliest prefix has it
_LEAST = 1e-12  # below it a probability counts for nothing
_WORTH = 1e-4  # symbols less likely than this are not tried at a moment: they would be pruned anyway
_FAR = math.log(1e-2)  # prefixes so much less likely than the best are given up: they would keep the others open
_NEVER = -math.inf


class Symbol(NamedTuple):
    """A symbol of a sequence: its class, and the moments, counted from the start, at which it begins and was settled."""

    label: int
    begins: int
    settled: int


def greedy(probabilities: Array, blank: int) -> tuple[list[int], list[int]]:
    """The likeliest class at each moment, repeats and blanks left out: the symbols, and the moments at which they begin.

    ``probabilities`` have shape (moments, classes).

    >>> greedy(np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.8, 0.2], [0.1, 0.9]]), blank=0)
    ([1, 1], [1, 4])
    """
    best = np.asarray(probabilities).argmax(axis=1)
    new = np.flatnonzero((best != blank) & np.r_[True, best[1:] != best[:-1]]) if len(best) else np.zeros(0, dtype=int)
    return best[new].tolist(), new.tolist()


class _Held(NamedTuple):
    """A prefix: how likely it is to end in a blank, and not to, as logarithms; and when each of its symbols began."""

    ended: float
    open: float
    begins: tuple[int, ...]

    @property
    def whole(self) -> float:
        return _sum(self.ended, self.open)


_Prefix = tuple[int, ...]


class Beam:
    """The likeliest sequences so far, over all the ways in which moments can be read as each (Hannun and others 2014).

    A prefix has two probabilities: that it ends in a blank, and that it does not; only with a blank between them are two
    like symbols two. ``step`` takes one moment, so that a stream can be read as it comes. What all kept prefixes begin with
    is settled, and so is what began twenty moments ago, as the likeliest has it: without a language what comes later
    says nothing of it. What is settled is given out and no longer kept, so a stream may go on without an end.

    >>> beam = Beam(blank=0, width=4)
    >>> for moment in ([0.6, 0.4], [0.6, 0.4]):
    ...     settled = beam.step(moment)
    >>> beam.best
    (1,)
    """

    def __init__(self, blank: int, width: int = 16) -> None:
        self.blank, self.width = blank, width
        self._last = -1  # the class that was settled last
        self._moment = 0
        self._held: dict[_Prefix, _Held] = {(): _Held(0.0, _NEVER, ())}

    @property
    def best(self) -> _Prefix:
        """The likeliest sequence of what is not settled yet."""
        return max(self._held, key=lambda prefix: self._held[prefix].whole)

    def step(self, probabilities: Sequence[float]) -> list[Symbol]:
        """One moment, shape (classes,): the symbols that it settles."""
        logs = {k: math.log(p) for k, p in enumerate(probabilities) if p > _WORTH and k != self.blank}
        silent = math.log(max(float(probabilities[self.blank]), _LEAST))
        stayed, grown = dict[_Prefix, tuple[float, float]](), dict[_Prefix, float]()
        for prefix, held in self._held.items():
            last, whole = prefix[-1] if prefix else self._last, held.whole
            stayed[prefix] = whole + silent, held.open + logs[last] if last in logs else _NEVER
            for symbol, log in logs.items():
                grown[*prefix, symbol] = (held.ended if symbol == last else whole) + log
        self._held = self._kept(stayed, grown)
        self._moment += 1
        return self._settled()

    def end(self) -> list[Symbol]:
        """What is left when a stream ends: the likeliest of what was open. The next moment begins anew."""
        best = self.best
        told = [Symbol(*each, self._moment - 1) for each in zip(best, self._held[best].begins, strict=True)]
        self._held, self._last = {(): _Held(0.0, _NEVER, ())}, -1
        return told

    def _kept(
        self, stayed: Mapping[_Prefix, tuple[float, float]], grown: Mapping[_Prefix, float]
    ) -> dict[_Prefix, _Held]:
        """The likeliest prefixes, the likeliest first, each against the likeliest: so logarithms stay near nought."""
        same = {prefix: _sum(*each) for prefix, each in stayed.items()}
        whole = {**grown, **{prefix: _sum(log, grown.get(prefix, _NEVER)) for prefix, log in same.items()}}
        order = sorted(whole, key=lambda prefix: (-whole[prefix], prefix))[: self.width]
        top, kept = whole[order[0]], {}
        for prefix in order:
            if whole[prefix] < top + _FAR:
                break
            (ended, open_), more = stayed.get(prefix, (_NEVER, _NEVER)), grown.get(prefix, _NEVER)
            # Its last symbol began where most of its likelihood did: here, or where it was held before.
            anew = more > same.get(prefix, _NEVER)
            begins = (*self._held[prefix[:-1]].begins, self._moment) if anew else self._held[prefix].begins
            kept[prefix] = _Held(ended - top, _sum(open_, more) - top, begins)
        return kept

    def _settled(self) -> list[Symbol]:
        told: list[Symbol] = []
        best = next(iter(self._held))
        while best and (self._late(best) or all(prefix[:1] == best[:1] for prefix in self._held)):
            alike = {prefix: held for prefix, held in self._held.items() if prefix[:1] == best[:1]}
            # The earliest of all: so no two symbols of a sequence begin at one moment, whichever prefix they come from.
            told.append(Symbol(best[0], min(held.begins[0] for held in alike.values()), self._moment - 1))
            self._last = best[0]
            self._held = {prefix[1:]: held._replace(begins=held.begins[1:]) for prefix, held in alike.items()}
            best = best[1:]
        return told

    def _late(self, prefix: _Prefix) -> bool:
        return self._moment - self._held[prefix].begins[0] > _LATE


class Greedy:
    """``greedy`` moment by moment: a symbol is settled as it begins.

    >>> stream = Greedy(blank=0)
    >>> [stream.step(moment) for moment in ([0.9, 0.1], [0.2, 0.8], [0.3, 0.7])]
    [[], [Symbol(label=1, begins=1, settled=1)], []]
    """

    def __init__(self, blank: int) -> None:
        self.blank = self._last = blank
        self._moment = -1

    def step(self, probabilities: Sequence[float]) -> list[Symbol]:
        before, self._last = self._last, max(range(len(probabilities)), key=probabilities.__getitem__)
        self._moment += 1
        if self._last in (before, self.blank):
            return []
        return [Symbol(self._last, self._moment, self._moment)]

    def end(self) -> list[Symbol]:
        self._last = self.blank
        return []


@dataclass(frozen=True)
class Spelling:
    """How the answers at moments are read as a sequence, with ``rest`` (the number of a class) as the blank: the likeliest
    class of each moment where ``width`` is 1, else by a beam of so many prefixes.

    >>> word = Spelling(width=1, rest=0).start()
    >>> word.step([0.1, 0.9])
    [Symbol(label=1, begins=0, settled=0)]
    """

    width: int = 1
    rest: int = 0

    def __post_init__(self) -> None:
        whole = type(self.width) is int and type(self.rest) is int
        if not whole or not (1 <= self.width <= MOST_WIDTH and self.rest >= 0):
            raise JobError(f"A spelling has a width of 1 to {MOST_WIDTH} and a rest, in whole numbers.")

    def start(self) -> Greedy | Beam:
        """A stream that nothing has been heard of: ``step`` takes the calibrated probabilities of a moment and gives the
        symbols that it settles, and ``end`` the others."""
        return Greedy(self.rest) if self.width == 1 else Beam(self.rest, self.width)

    def read(self, probabilities: Array) -> list[Symbol]:
        """The symbols of a whole stream, shape (moments, classes)."""
        if self.width == 1:
            return [Symbol(*each, each[1]) for each in zip(*greedy(probabilities, self.rest), strict=True)]
        return list(_stepped(self.start(), np.asarray(probabilities).tolist()))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Spelling:
        """The spelling that ``as_json`` wrote. Raises JobError where it cannot be one."""
        if set(value) != {"width", "rest"}:
            raise JobError(f"A spelling has width, rest; this one has {', '.join(map(str, value)) or 'nothing'}.")
        return Spelling(value["width"], value["rest"])


def _stepped(stream: Greedy | Beam, moments: Sequence[Sequence[float]]) -> Iterator[Symbol]:
    for moment in moments:
        yield from stream.step(moment)
    yield from stream.end()


def spelt(spelling: Spelling, probabilities: Array, timeline: Timeline) -> tuple[Array, Array]:
    """The class of the symbol that begins at each moment, -1 where none does, and how many moments later it was settled, both
    of shape (rows,); each piece of a stream is read by itself, and the rows may have any order."""
    held = events.pieces(timeline)
    labels, later = np.full(len(probabilities), -1), np.zeros(len(probabilities), dtype=np.int64)
    begins = np.flatnonzero(held.place == 0)
    for rows in np.split(held.order, begins[1:]) if len(begins) else ():
        for symbol in spelling.read(probabilities[rows]):
            labels[rows[symbol.begins]] = symbol.label
            later[rows[symbol.begins]] = symbol.settled - symbol.begins
    return labels, later


def beamed(probabilities: Array, blank: int, width: int = 16) -> list[int]:
    """The likeliest sequence of all moments, shape (moments, classes), by a beam of so many prefixes.

    >>> beamed(np.array([[0.6, 0.4], [0.6, 0.4]]), blank=0)
    [1]
    """
    return [symbol.label for symbol in _stepped(Beam(blank, width), np.asarray(probabilities).tolist())]


def _sum(one: float, other: float) -> float:
    """log(exp(one) + exp(other))."""
    if one < other:
        one, other = other, one
    return one if other == _NEVER else one + math.log1p(math.exp(other - one))
