"""What a policy would have decided of a history, and how right that would have been."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.policy import bounds
from plimsoll.policy.past import Past, hits, outcomes, right
from plimsoll.policy.rules import Policy
from plimsoll.policy.thresholds import Held, judged

MOST_GROUPS = 200  # of a column: more than that are no groups
LEAST = 20  # events of a group that is told of
Array = NDArray[Any]


@dataclass(frozen=True)
class Share:
    """So many of so many, with an exact interval of 95 %."""

    hits: int
    many: int

    @property
    def value(self) -> float | None:
        return self.hits / self.many if self.many else None

    @property
    def interval(self) -> tuple[float, float]:
        return bounds.interval(self.hits, self.many) if self.many else (0.0, 1.0)

    def as_json(self) -> dict[str, Any]:
        low, high = self.interval
        return {"hits": self.hits, "many": self.many, "value": self.value, "low": low, "high": high}


@dataclass(frozen=True)
class Outcome:
    """How often it came, and where the truth is known: of those it befell, for how many it was right; of those for which it
    was right, how many it befell; of the others, how many it befell."""

    name: str
    events: Share
    daily: float | None = None
    precision: Share | None = None
    recall: Share | None = None
    wrong: Share | None = None


@dataclass(frozen=True)
class Fired:
    """A rule: on how many events it fires, for how many the outcome would be another without it, and how often its own
    outcome was right there."""

    name: str
    then: str
    events: Share
    alone: int
    precision: Share | None = None


@dataclass(frozen=True)
class Group:
    """A group's share of a mistake, beside that of all."""

    column: str
    value: str
    outcome: str
    wrong: Share


@dataclass(frozen=True)
class Change:
    """Events that another version decides otherwise."""

    before: str
    after: str
    events: int


@dataclass(frozen=True)
class Backtest:
    """All that is told of a policy on a history."""

    events: int
    days: float | None
    outcomes: tuple[Outcome, ...]
    rules: tuple[Fired, ...]
    held: tuple[Held, ...] = ()
    groups: tuple[Group, ...] = ()
    changes: tuple[Change, ...] | None = None
    rates: Mapping[str, float] = field(default_factory=dict)


def backtest(policy: Policy, seen: Past, by: Sequence[str] = (), other: tuple[Policy, Past] | None = None) -> Backtest:
    """``by`` are columns whose groups are compared; ``other`` is another version on the same events."""
    fired = hits(policy, seen)
    placed = outcomes(policy, fired)
    fits = {name: right(policy, seen, name) for name in policy.outcomes}
    told = tuple(_outcome(name, placed == k, fits[name], seen.days) for k, name in enumerate(policy.outcomes))
    rules = tuple(_fired(policy, fired, placed, k, fits) for k in range(len(policy.rules)))
    changes = None if other is None else _changes(policy, placed, *other)
    rates = {rule.name: rule.events.value or 0.0 for rule in rules}
    held = judged(policy, seen, placed)
    return Backtest(len(seen), seen.days, told, rules, held, _groups(policy, seen, placed, fits, by), changes, rates)


def _outcome(name: str, taken: Array, fit: Array, days: float | None) -> Outcome:
    events = Share(int(taken.sum()), len(taken))
    daily = events.hits / days if days else None
    if np.isnan(fit).all():
        return Outcome(name, events, daily)
    known, good, bad = ~np.isnan(fit), fit == 1.0, fit == 0.0
    return Outcome(
        name,
        events,
        daily,
        Share(int((taken & good).sum()), int((taken & known).sum())),
        Share(int((taken & good).sum()), int(good.sum())),
        Share(int((taken & bad).sum()), int(bad.sum())),
    )


def _fired(policy: Policy, fired: Array, placed: Array, place: int, fits: Mapping[str, Array]) -> Fired:
    rule, on = policy.rules[place], fired[:, place]
    without = fired.copy()
    without[:, place] = False
    alone = int((outcomes(policy, without)[on] != placed[on]).sum()) if rule.then and on.any() else 0
    fit = fits.get(rule.then, np.full(len(on), np.nan))
    precision = None
    if not np.isnan(fit).all():
        precision = Share(int((on & (fit == 1.0)).sum()), int((on & ~np.isnan(fit)).sum()))
    return Fired(rule.name, rule.then, Share(int(on.sum()), len(on)), alone, precision)


def _groups(
    policy: Policy, seen: Past, placed: Array, fits: Mapping[str, Array], by: Sequence[str]
) -> tuple[Group, ...]:
    """Each group's mistakes, the worst first: by the low end of the interval, so that a small group is not first by chance."""
    found = []
    for column in by:
        groups = seen.groups(column)
        common = [value for value, many in Counter(groups.tolist()).most_common(MOST_GROUPS) if many >= LEAST]
        for value in common:
            inside = groups == value
            for k, outcome in enumerate(policy.outcomes):
                bad = inside & (fits[outcome] == 0.0)
                if bad.any():
                    found.append(Group(column, value, outcome, Share(int((bad & (placed == k)).sum()), int(bad.sum()))))
    return tuple(sorted(found, key=lambda each: (-each.wrong.interval[0], each.column, each.value)))


def _changes(policy: Policy, placed: Array, other: Policy, seen: Past) -> tuple[Change, ...]:
    """What the other version decides otherwise, the commonest change first."""
    before = outcomes(other, hits(other, seen))
    pairs = Counter(zip(before.tolist(), placed.tolist(), strict=True))
    changes = [Change(other.outcomes[a], policy.outcomes[b], many) for (a, b), many in pairs.items()]
    return tuple(sorted((each for each in changes if each.before != each.after), key=lambda each: -each.events))
