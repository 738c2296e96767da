"""From what a model says moment by moment to a sequence: connectionist temporal classification (Graves and others 2006).

One class, the blank, says that nothing new begins. Repeats without a blank between them are one symbol.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_LEAST = 1e-12  # below it a probability counts for nothing
_WORTH = 1e-4  # symbols less likely than this are not tried at a moment: they would be pruned anyway
_NEVER = -math.inf


def greedy(probabilities: Array, blank: int) -> tuple[list[int], list[int]]:
    """The likeliest class at each moment, repeats and blanks left out: the symbols, and the moments at which they begin.

    ``probabilities`` have shape (moments, classes).

    >>> greedy(np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.8, 0.2], [0.1, 0.9]]), blank=0)
    ([1, 1], [1, 4])
    """
    best = np.asarray(probabilities).argmax(axis=1)
    new = np.flatnonzero((best != blank) & np.r_[True, best[1:] != best[:-1]]) if len(best) else np.zeros(0, dtype=int)
    return best[new].tolist(), new.tolist()


class Beam:
    """The likeliest sequences so far, over all the ways in which moments can be read as each (Hannun and others 2014).

    A prefix has two probabilities: that it ends in a blank, and that it does not; only with a blank between them are two
    like symbols two. ``step`` takes one moment, so that a stream can be read as it comes.

    >>> beam = Beam(blank=0, width=4)
    >>> for moment in ([0.6, 0.4], [0.6, 0.4]):
    ...     beam.step(moment)
    >>> beam.best
    (1,)
    """

    def __init__(self, blank: int, width: int = 16) -> None:
        self.blank, self.width = blank, width
        self._held: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, _NEVER)}

    @property
    def best(self) -> tuple[int, ...]:
        """The likeliest sequence so far."""
        return max(self._held, key=lambda prefix: _sum(*self._held[prefix]))

    def step(self, probabilities: Sequence[float]) -> None:
        """One moment, shape (classes,)."""
        logs = {k: math.log(p) for k, p in enumerate(probabilities) if p > _WORTH}
        silent = math.log(max(float(probabilities[self.blank]), _LEAST))
        found: dict[tuple[int, ...], tuple[float, float]] = {}
        for prefix, (ended, open_) in self._held.items():
            self._add(found, prefix, _sum(ended, open_) + silent, _NEVER)
            for symbol, log in logs.items():
                if symbol == self.blank:
                    continue
                longer = (*prefix, symbol)
                if prefix and prefix[-1] == symbol:
                    self._add(found, prefix, _NEVER, open_ + log)
                    self._add(found, longer, _NEVER, ended + log)
                else:
                    self._add(found, longer, _NEVER, _sum(ended, open_) + log)
        kept = sorted(found, key=lambda prefix: (-_sum(*found[prefix]), prefix))[: self.width]
        self._held = {prefix: found[prefix] for prefix in kept}

    @staticmethod
    def _add(
        found: dict[tuple[int, ...], tuple[float, float]], prefix: tuple[int, ...], ended: float, open_: float
    ) -> None:
        before = found.get(prefix, (_NEVER, _NEVER))
        found[prefix] = _sum(before[0], ended), _sum(before[1], open_)


def beamed(probabilities: Array, blank: int, width: int = 16) -> list[int]:
    """The likeliest sequence of all moments, shape (moments, classes), by a beam of so many prefixes.

    >>> beamed(np.array([[0.6, 0.4], [0.6, 0.4]]), blank=0)
    [1]
    """
    beam = Beam(blank, width)
    for moment in np.asarray(probabilities).tolist():
        beam.step(moment)
    return list(beam.best)


def _sum(one: float, other: float) -> float:
    """log(exp(one) + exp(other))."""
    if one < other:
        one, other = other, one
    return one if other == _NEVER else one + math.log1p(math.exp(other - one))
