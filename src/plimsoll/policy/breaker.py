"""A breaker for rules: one that fires far more often than it did in the backtest is held back, and its events are reviewed.

What runs away is most often a rule that was right yesterday: a list that took in a common word, a field that another team
renamed. Its harm should be bounded in minutes and not in reports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plimsoll.policy.rules import Policy

BLOCK = 1_000  # events over which a rule's firings are counted
LEAST = 20  # firings in a block that are never taken for too many


class Breaker:
    """Counts the firings of each rule over blocks of a thousand events; ``held`` are the places of those that tripped.

    A rule trips as soon as it has fired, within one block, as often as so many times its usual rate would have it fire in
    all of it. It stays held back until somebody resets it. A rule of which no usual rate is known never trips.

    >>> from plimsoll.policy.terms import Term, Type
    >>> from plimsoll.policy.rules import Rule
    >>> rule = Rule("r", Term("constant", Type.TRUTH, values=(True,)), "True", "block")
    >>> breaker = Breaker(Policy("p", ("block", "allow"), (rule,)), {"r": 0.003})
    >>> for _ in range(30): breaker.saw([0])
    >>> breaker.held
    frozenset({0})
    """

    def __init__(self, policy: Policy, rates: Mapping[str, float]) -> None:
        self._names = tuple(rule.name for rule in policy.rules)
        self._most = [max(float(LEAST), policy.breaker * rates.get(name, 1.0) * BLOCK) for name in self._names]
        self._counts = [0] * len(self._names)
        self._events = 0
        self.held: frozenset[int] = frozenset()

    def saw(self, hits: Sequence[int]) -> None:
        """Takes note of one event and the rules that fired."""
        self._events += 1
        if self._events > BLOCK:
            self._events, self._counts = 1, [0] * len(self._names)
        for hit in hits:
            self._counts[hit] += 1
            if self._counts[hit] >= self._most[hit] and hit not in self.held:
                self.held |= {hit}

    def names(self) -> tuple[str, ...]:
        """The rules that are held back."""
        return tuple(self._names[place] for place in sorted(self.held))

    def reset(self) -> tuple[str, ...]:
        """Lets all rules have their way again, and gives the names of those that were held back."""
        names = self.names()
        self.held, self._events, self._counts = frozenset(), 0, [0] * len(self._names)
        return names
