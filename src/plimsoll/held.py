"""What users did, as a bundle keeps it: so that a request need name nobody's history, only them.

Of each user the newest events are kept, a thousand at most. They are members of the bundle, as the collection is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from plimsoll.errors import BundleError
from plimsoll.fading import MOST
from plimsoll.ids import Ids, spelled
from plimsoll.members import check
from plimsoll.members import load as load_arrays
from plimsoll.rows import Histories, Past

MEMBER = "users.safetensors"
PEOPLE = "people"  # what is known of them, as a collection of this name
_IDS = ("ids", "text", "ends")


@dataclass(frozen=True)
class Held:
    """``users`` by number, and of each its stretch of ``items`` and ``weights``, which ends at its ``stops``; ``many`` are the
    items that there are.

    >>> held = Held.of(Ids.of(["7", "9"]), Histories.of([Past.of([3, 1]), Past.of([])], 4))
    >>> held.past("7").items.tolist(), held.past("9").items.tolist(), held.past("8")
    ([3, 1], [], None)
    """

    users: Ids
    items: NDArray[np.int32]
    weights: NDArray[np.float32]
    stops: NDArray[np.int64]
    many: int

    def past(self, user: Any) -> Past | None:
        """What is kept of a user, whose id may be written in any way; None of one who is not known."""
        number = self.users.find(spelled(user))
        if number < 0:
            return None
        begin, end = (int(self.stops[number - 1]) if number else 0), int(self.stops[number])
        return Past(self.items[begin:end], self.weights[begin:end])

    @staticmethod
    def of(users: Ids, told: Histories, most: int = MOST) -> Held:
        """``told`` has a row for each user."""
        starts = np.maximum(told.starts, told.ends - most)
        last = Histories(told.items, told.times, told.weights, starts, told.ends, told.many)
        _, places = last.events()
        return Held(users, told.items[places], told.weights[places], np.cumsum(last.lengths), told.many)

    def members(self) -> dict[str, bytes]:
        """As members of a bundle: weights only where they are not all one."""
        arrays: dict[str, NDArray[Any]] = {**self.users.arrays(), "items": self.items, "stops": self.stops}
        if len(self.weights) and (self.weights != 1.0).any():
            arrays["weights"] = self.weights
        return {MEMBER: save_arrays(arrays)}

    @staticmethod
    def read(members: Mapping[str, bytes], many: int) -> Held | None:
        """What ``members`` wrote, each byte of it checked; None where a bundle keeps nothing of users. Raises BundleError."""
        if MEMBER not in members:
            return None
        check(MEMBER, members[MEMBER])
        arrays = load_arrays(members[MEMBER])
        users = Ids.read(MEMBER, {name: arrays.pop(name) for name in _IDS if name in arrays})
        items, stops = (arrays.pop(name, np.zeros(0)) for name in ("items", "stops"))
        weights = arrays.pop("weights", np.ones(len(items), dtype=np.float32))
        _check(len(users), items, stops, weights, many)
        if arrays:
            raise BundleError(f'{MEMBER}: holds "{min(arrays)[:60]}", which says nothing of users.')
        return Held(users, items, weights, stops, many)


def _check(users: int, items: NDArray[Any], stops: NDArray[Any], weights: NDArray[Any], many: int) -> None:
    kinds = items.dtype == np.int32 and stops.dtype == np.int64 and weights.dtype == np.float32
    if not kinds or items.ndim != 1 or weights.shape != items.shape or stops.shape != (users,):
        raise BundleError(f"{MEMBER}: the events of {users:,} users are not what they are to be.")
    rising = not users or (stops[0] >= 0 and (np.diff(stops) >= 0).all() and stops[-1] == len(items))
    if not rising or (not users and len(items)):
        raise BundleError(f"{MEMBER}: the events of users do not follow one another.")
    if len(items) and not 0 <= items.min() <= items.max() < many:
        raise BundleError(f"{MEMBER}: a user came to an item that is not there.")
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise BundleError(f"{MEMBER}: an event weighs what no event can.")
