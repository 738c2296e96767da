"""Events put in order by user, time and item, with little more room than they take; and put out of order again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.rows import Histories

Array = NDArray[Any]
_SORTED = 4_000_000  # events that are put in order at once


@dataclass
class Loose:
    """Events in any order, shape (events,) each; what has been put in order is taken out."""

    who: NDArray[np.int32]
    which: NDArray[np.int32]
    times: NDArray[np.float64]
    weights: NDArray[np.float32] | None
    parts: NDArray[np.int8] | None


def seconds(times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Times in whole seconds, in the room that they had: what is finer has put events in order, and is let go of."""
    found = times.view(np.int64)
    for begin in range(0, len(times), _SORTED):
        found[begin : begin + _SORTED] = np.floor(times[begin : begin + _SORTED])
    return found


def order_of(events: Loose, users: int) -> tuple[Array, Array, NDArray[np.bool_]]:
    """How many events each user has; the places of all in their order, found a stretch of users at a time; and which of
    these are no copy of the one before."""
    counts = np.bincount(events.who, minlength=users)
    ends = np.cumsum(counts)
    order = np.empty(len(events.who), dtype=np.int32 if len(events.who) < 2**31 else np.int64)
    fresh = np.ones(len(order), dtype=bool)
    for first, last in _stretches(ends):
        place = np.flatnonzero((events.who >= first) & (events.who < last))
        into = slice(ends[last - 1] - len(place), ends[last - 1])
        keys = events.which[place], events.times[place], events.who[place]
        sorted_ = _sorted(*keys)
        order[into] = place[sorted_]
        fresh[into][1:] = _differ(sorted_, *keys)
    return counts, order, fresh


def _sorted(which: Array, times: Array, who: Array) -> Array:
    """The places of events by user, time and item."""
    first, span = (times.min(), times.max() - times.min() + 1) if len(times) else (0.0, 1.0)
    if span * (float(who.max(initial=0)) + 1) >= 2**63 or (times != np.floor(times)).any():
        return np.lexsort((which, times, who))
    # One number for user and time is in order in a sixth of the time; items settle what that leaves open.
    moment = who.astype(np.int64) * int(span) + (times - first).astype(np.int64)
    order = np.argsort(moment)
    tied = np.flatnonzero(~_differ(order, moment))
    if len(tied):
        tied = np.union1d(tied, tied + 1)
        within = order[tied]
        order[tied] = within[np.lexsort((which[within], moment[within]))]
    return order


def _differ(order: Array, *keys: Array) -> NDArray[np.bool_]:
    """Whether each event but the first is another by any of the keys than the one before it in the order."""
    found = np.zeros(max(len(order) - 1, 0), dtype=bool)
    for cells in keys:
        held = cells[order]
        found |= held[1:] != held[:-1]
    return found


def _stretches(ends: Array) -> Iterator[tuple[int, int]]:
    """Users from one to before another who have about so many events together as are sorted at once, or are one."""
    first = 0
    while first < len(ends):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + _SORTED, side="right")))
        yield first, last
        first = last


def shuffled(told: Histories, seed: int = 0) -> Histories:
    """The same histories with the events of each row in an order by chance, at the times at which events were; rows do not overlap.

    What a model scores less on these is what it had by their order: where that is nothing, no order is worth paying for.

    >>> told = Histories(np.arange(6, dtype=np.int32), np.arange(6), np.ones(6, np.float32), np.array([0, 3]), np.array([3, 6]), 6)
    >>> sorted(shuffled(told).cell(1).tolist()), shuffled(told).times.tolist()
    ([3, 4, 5], [0, 1, 2, 3, 4, 5])
    """
    rows, places = told.events()
    taken = places[np.lexsort((np.random.default_rng(seed).random(len(rows)), rows))]
    items, weights = told.items.copy(), np.array(told.weights)
    items[places], weights[places] = told.items[taken], told.weights[taken]
    return replace(told, items=items, weights=weights)
