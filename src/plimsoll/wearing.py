"""How a ring of sensors is worn: which way round, and turned by how far. Nobody notes it, and it changes all the features.

Streams that were learned from are laid onto one another by their labels: each is turned, or turned and reversed, the way
in which it is most likely under the classes of all of them, until none turns any more (hard expectation-maximisation;
Dempster and others 1977). How a stream is worn that is only heard, ``following`` finds from its features alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import discriminant, ring
from plimsoll.clock import Clock
from plimsoll.discriminant import Round
from plimsoll.schema import Layout

Array = NDArray[Any]
Index = NDArray[np.intp]
_ROUNDS = 12
_ROWS = 12_000  # that are looked at, of all streams together
_STARTS = 3  # streams that are tried as the one that the others are laid onto


def orders(layout: Layout) -> Index:
    """The ways in which a ring can be worn, as orders of its channels, shape (ways, channels): as it is comes first.

    Where no axis is a ring there is one way.

    >>> from plimsoll.schema import Axis
    >>> orders(Layout(200.0, ("a", "b", "c"), (Axis("electrode", 3, ring=True),))).tolist()
    [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0], [0, 2, 1], [1, 0, 2]]
    """
    axis = ring.axis_of(layout)
    if axis is None:
        return np.arange(len(layout.channels))[None]
    turned = [ring.order(layout, by) for by in range(axis.size)]
    found = np.stack([*turned, *(reversed_(layout)[order] for order in turned)])
    return found[np.sort(np.unique(found, axis=0, return_index=True)[1])]


def reversed_(layout: Layout) -> Index:
    """The order of the channels of a ring that is worn the other way round."""
    axis = ring.axis_of(layout)
    assert axis is not None
    return np.asarray(np.flip(ring.by_axes(layout), axis=layout.axes.index(axis)).ravel())


def aligned(features: Array, target: Array, streams: Array, ways: Index, classes: int, clock: Clock) -> Index:
    """The way in which each stream is worn, shape (streams,), so that all of them look alike.

    ``features`` are of shape (rows, features), ``target`` the class and ``streams`` the stream of each row, and ``ways``
    of shape (ways, features): where each feature is found, as the channels stand in that way. The first way is how they
    stand; which stream it is that stands so is of no matter, for all are turned alike.
    """
    many = int(streams.max()) + 1
    if len(ways) == 1 or many == 1:
        return np.zeros(many, dtype=np.intp)
    pick = np.arange(0, len(target), max(1, len(target) // _ROWS))
    held = [np.flatnonzero(streams[pick] == stream) for stream in range(many)]
    some, truth = features[pick], target[pick]
    largest = np.argsort([-len(np.unique(truth[rows])) - len(rows) / len(pick) for rows in held], kind="stable")
    best, found = -np.inf, np.zeros(many, dtype=np.intp)
    for start in clock.steps(min(_STARTS, many)):
        fit, worn = _from(int(largest[start]), some, truth, held, ways, classes)
        if fit > best + 1e-9:
            best, found = fit, worn
    return found


def _from(
    first: int, features: Array, truth: Array, held: list[Index], ways: Index, classes: int
) -> tuple[float, Index]:
    """The mean log-likelihood, and the ways, that come of laying all streams onto one of them."""
    worn = np.zeros(len(held), dtype=np.intp)
    known, fit = [first], -np.inf
    for _ in range(_ROUNDS):
        rows = np.concatenate([held[stream] for stream in known])
        turned = np.concatenate([features[held[stream]][:, ways[worn[stream]]] for stream in known])
        clouds = discriminant.clouds(turned, truth[rows], classes).whitened()
        likely = np.array([fits(clouds, features[each], truth[each], ways) for each in held])
        now = likely.argmax(axis=1)
        done = len(known) == len(held) and np.array_equal(now, worn)
        worn, known = now, list(range(len(held)))
        fit = float(likely.max(axis=1).mean())
        if done:
            break
    return fit, worn


def fits(clouds: Round, features: Array, target: Array, ways: Index) -> Array:
    """How likely the rows of a stream are in each way of wearing, shape (ways,), as mean log-likelihoods but for a constant."""
    return np.array([clouds.likely(features[:, way], target) for way in ways])


def of_one(clouds: Round, features: Array, target: Array, streams: Array, ways: Index, worth: float) -> Index:
    """How one person wore the sensors in each of their streams, shape (streams,), under what is known of everybody.

    ``worth`` is for how many windows of its own a row counts. A stream too short to tell, or of one gesture alone, is taken to
    be worn as the others are: another way must be a hundred times as likely.
    """
    rows = [np.flatnonzero(streams == stream) for stream in range(int(streams.max()) + 1)]
    evidence = np.array([worth * len(each) * fits(clouds, features[each], target[each], ways) for each in rows])
    common = int(evidence.sum(axis=0).argmax())
    evidence[:, common] += np.log(100.0)
    return np.asarray(evidence.argmax(axis=1))


def expected(worn: Index, ways: int) -> NDArray[np.float64]:
    """How likely each way is before anything is heard, shape (ways,): as often as it was seen, and none ruled out.

    >>> expected(np.array([0, 0, 1]), 4).tolist()
    [0.5625, 0.3125, 0.0625, 0.0625]
    """
    return np.asarray((np.bincount(worn, minlength=ways) + 1.0 / ways) / (len(worn) + 1.0))


def seen(worn: Index, odds: Array) -> NDArray[np.float64]:
    """How likely each way is of somebody who wore the sensors in these ways; what holds of everybody counts as once.

    >>> seen(np.array([1]), np.array([0.5, 0.5])).tolist()
    [0.25, 0.75]
    """
    return np.asarray((np.bincount(worn, minlength=len(odds)) + odds) / (len(worn) + 1.0))
