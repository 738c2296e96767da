"""What a policy remembers of the events before: its counters and near copies, one event after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plimsoll.policy.near import NearCopies
from plimsoll.policy.online import compiled
from plimsoll.policy.rules import Copies, Counter, Policy
from plimsoll.policy.windows import Window

Values = Sequence[Any]
_Teller = Callable[[Values, float], float]


class Memory:
    """The fields of a policy that are reckoned from the events before, in the order of ``Policy.made``.

    A live decision and the replay of a history both go through here. Values come in the order of ``names``; now is
    seconds since 1970. What is missing counts nowhere, and is missing in what it makes.
    """

    def __init__(self, policy: Policy, names: Sequence[str]) -> None:
        place = {name: k for k, name in enumerate(names)}
        windows = {each: Window(each.within) for each in policy.counters}
        copies = {each: NearCopies(each.within, each.alike) for each in policy.copies}
        self._policy, self._place, self._names = policy, place, names
        self._set(windows, copies)

    def _set(self, windows: Mapping[Counter, Window], copies: Mapping[Copies, NearCopies]) -> None:
        self._windows, self._copies = windows, copies
        self._tellers: list[_Teller] = [
            _counter(each, windows[each], self._place, self._names) for each in self._policy.counters
        ]
        self._tellers += [_near(each, copies[each], self._place) for each in self._policy.copies]

    def tell(self, values: Values, now: float) -> list[float]:
        """The made fields of an event, which is then one of those before."""
        return [teller(values, now) for teller in self._tellers]

    def inherit(self, other: Memory) -> None:
        """Takes over the windows of those fields that another policy defines in the same words."""
        windows = {each: other._windows.get(each, own) for each, own in self._windows.items()}
        self._set(windows, {each: other._copies.get(each, own) for each, own in self._copies.items()})


def _counter(told: Counter, window: Window, place: Mapping[str, int], names: Sequence[str]) -> _Teller:
    by, amount = place[told.by], place.get(told.sum, -1)
    holds = compiled([told.when], names) if told.when is not None else None

    def tell(values: Values, now: float) -> float:
        key = values[by]
        many = values[amount] if amount >= 0 else 1.0
        if key is None or key != key:
            return math.nan
        if many != many or (holds is not None and not holds(values)):
            return window.look(key, now)
        return window.add(key, now, many)

    return tell


def _near(told: Copies, texts: NearCopies, place: Mapping[str, int]) -> _Teller:
    of = place[told.of]

    def tell(values: Values, now: float) -> float:
        text = values[of]
        return math.nan if text is None else texts.add(text, now)

    return tell
