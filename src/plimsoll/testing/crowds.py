"""Synthetic crowds: who did what and when, by a seeded power law, with tastes and habits that can be learned.

Nobody in them exists. They say how long a fit takes and how much memory, and that what was planted is found; they say
nothing of how well anything recommends to people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_START, _YEAR = 1_600_000_000, 31_536_000  # seconds since 1970, and of the year in which all takes place
_MOST = 5_000_000  # events that are drawn at once


@dataclass(frozen=True)
class Crowd:
    """``users`` who did ``events`` things with ``items``: how much each user did, and how often each item is met, fall by a
    power law. A user keeps to one of ``tastes`` groups of items with the chance ``keeping``; with the chance ``habit`` an
    event has the item that stands behind the last one's in its group, so that order carries signal.

    >>> crowd = Crowd(users=50, items=40, events=2_000)
    >>> who, what, when = crowd.drawn()
    >>> len(who), int(who.max()), bool((np.diff(when[who == 3]) >= 0).all())
    (2000, 49, True)
    """

    users: int = 1_000
    items: int = 500
    events: int = 50_000
    tastes: int = 10
    keeping: float = 0.7
    habit: float = 0.3
    slope: float = 0.8  # of popularity over its rank, on logarithmic scales
    seed: int = 0

    def drawn(self) -> tuple[Array, Array, Array]:
        """All events by user and time: numbers of users and of items, and seconds since 1970, shape (events,) each."""
        return tuple(np.concatenate(cells) for cells in zip(*self.parts(), strict=True))  # type: ignore[return-value]  # three of them

    def parts(self) -> Iterator[tuple[Array, Array, Array]]:
        """The same, users after users, a few million events at a time; no user is in two parts."""
        counts = self.counts()
        ends = np.cumsum(counts)
        part = ends // _MOST
        for number in range(int(part[-1]) + 1):
            users = np.flatnonzero(part == number)
            if len(users):
                yield self._part(users, counts[users], np.random.default_rng([self.seed, 1, number]))

    def counts(self) -> Array:
        """How many events each user has, one at least where there are enough, shape (users,)."""
        share = np.random.default_rng([self.seed, 0]).pareto(1.2, self.users) + 0.2
        upto = np.round(np.cumsum(share) / share.sum() * (max(self.events - self.users, 0)))
        return np.asarray(np.diff(upto, prepend=0).astype(np.int64) + (np.arange(self.users) < self.events))

    def _part(self, users: Array, counts: Array, random: np.random.Generator) -> tuple[Array, Array, Array]:
        who = np.repeat(users, counts)
        number = len(who)
        groups = max(1, min(self.tastes, self.items))
        own = np.where(random.random(number) < self.keeping, who % groups, random.integers(0, groups, number))
        size = (self.items - own + groups - 1) // groups  # items of a group stand ``tastes`` apart
        place = self._rank(random.random(number), size)
        after = random.random(number) < self.habit
        after[np.r_[True, who[1:] != who[:-1]]] = False
        here = np.arange(number)
        start = np.maximum.accumulate(np.where(after, 0, here))  # of the run of habits that an event is in
        own, place = own[start], (place[start] + here - start) % size[start]
        when = _START + random.integers(0, _YEAR, number)
        order = np.lexsort((when, who))
        return who, own + groups * place, when[order]

    def _rank(self, chance: Array, size: Array) -> Array:
        """A rank below ``size`` by the inverse of a power law's distribution."""
        power = 1.0 - self.slope
        rank = (chance * (size**power - 1.0) + 1.0) ** (1.0 / power) - 1.0
        return np.asarray(np.minimum(rank.astype(np.int64), size - 1))
