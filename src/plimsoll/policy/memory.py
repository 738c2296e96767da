"""What a policy remembers of the events before: its counters and near copies, one event after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
        self._tellers: list[_Teller] = [_counter(each, place, names) for each in policy.counters]
        self._tellers += [_copies(each, place) for each in policy.copies]

    def tell(self, values: Values, now: float) -> list[float]:
        """The made fields of an event, which is then one of those before."""
        return [teller(values, now) for teller in self._tellers]


def _counter(told: Counter, place: dict[str, int], names: Sequence[str]) -> _Teller:
    window = Window(told.within)
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


def _copies(told: Copies, place: dict[str, int]) -> _Teller:
    texts, of = NearCopies(told.within, told.alike), place[told.of]

    def tell(values: Values, now: float) -> float:
        text = values[of]
        return math.nan if text is None else texts.add(text, now)

    return tell
