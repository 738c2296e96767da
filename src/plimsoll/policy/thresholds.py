"""Thresholds that keep a policy's limits on harm, with a stated confidence, on events that they never saw.

Each limit is tested at one threshold after another in an order that was fixed beforehand, by an exact binomial bound, and
testing stops at the first that fails: so however many are tried, the chance that a limit is said to be kept and is not
stays under what was stated (learn then test; Angelopoulos and others 2021, fixed-sequence testing). What is counted is the
outcome of the whole policy, rules and scores together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import PolicyError
from plimsoll.policy import bounds
from plimsoll.policy.harm import LOAD, PRECISION, RATE, RECALL, Harm
from plimsoll.policy.past import Past, hits, outcomes, right
from plimsoll.policy.rules import Policy

_ENDS = np.logspace(-3.0, -6.0, 151)  # a sure model crowds its scores there: what sets them apart is the odds
# Where a threshold over a score may stand: fixed beforehand, and written as it stands, with six decimals.
GRID = np.unique(np.round([*np.linspace(0.0, 1.0, 1_001), *_ENDS, *(1.0 - _ENDS)], 6))
_ABOVE = float(np.nextafter(1.0, 2.0))  # every score: nothing is caught
STARTS = 4  # places from which a limit on precision is tested, each at its share of the doubt
Array = NDArray[Any]


@dataclass(frozen=True)
class Held:
    """A limit at the thresholds: what was counted, the bound that holds, and whether it is kept.

    ``missing`` is how many more labels would let it be kept, were the mistakes to stay as few; 0 where it is kept, or
    where no number would help.
    """

    limit: Harm
    errors: int
    many: int
    bound: float
    kept: bool
    group: str = ""
    missing: int = 0


@dataclass(frozen=True)
class Solved:
    """Where the thresholds stand, and what that promises."""

    thresholds: dict[str, float]
    held: tuple[Held, ...] = field(default_factory=tuple)

    @property
    def kept(self) -> bool:
        return all(each.kept for each in self.held)


def solve(policy: Policy, seen: Past) -> Solved:
    """The thresholds at which the policy catches most while it keeps its limits on these events.

    Those of the strongest outcome are solved first, for what is blocked is not reviewed. A threshold stands at 1 where no
    place below keeps the limits. Raises PolicyError where a limit cannot be counted on these events.
    """
    _countable(policy, seen)
    found: dict[str, float] = dict.fromkeys(policy.thresholds, _ABOVE)
    for name, outcome in _order(policy):
        trial = _Trial(policy, seen, name, outcome, dict(found))
        found[name] = trial.loosest([limit for limit in policy.limits if limit.outcome == outcome])
    written = {name: min(1.0, value) for name, value in found.items()}
    # What is judged is what is written: a score of 1 itself is caught at 1, be that promised or not.
    placed = outcomes(policy, hits(policy.at(**written), seen))
    return Solved(written, judged(policy, seen, placed))


def judged(policy: Policy, seen: Past, placed: Array) -> tuple[Held, ...]:
    """Each limit on these events, with the outcome that each came to."""
    return tuple(held for limit in policy.limits for held in _judged(policy, seen, placed, limit))


def _judged(policy: Policy, seen: Past, placed: Array, limit: Harm) -> Iterator[Held]:
    taken = placed == policy.outcomes.index(limit.outcome)
    fit = right(policy, seen, limit.outcome)
    groups = list(_groups(seen, limit))
    for group, inside in groups:
        sure = 1.0 - (1.0 - limit.confidence) / len(groups)
        counted = _counted(limit, taken[inside], fit[inside])
        yield _verdict(limit, *counted, sure, group, seen.days)


def _groups(seen: Past, limit: Harm) -> Iterator[tuple[str, Array]]:
    """The groups that a limit speaks of, each with the events in it."""
    if not limit.column:
        yield "", np.ones(len(seen), dtype=bool)
        return
    groups = seen.groups(limit.column)
    for group in [limit.group] if limit.group is not None else sorted(set(groups.tolist())):
        yield str(group), groups == group


def _counted(limit: Harm, taken: Array, fit: Array) -> tuple[int, int]:
    """(how many times it went wrong, or was caught; of how many), of events whose truth is known where that matters."""
    match limit.what:
        case "rate":
            return int((taken & (fit == 0.0)).sum()), int((fit == 0.0).sum())
        case "precision":
            return int((taken & (fit == 0.0)).sum()), int((taken & ~np.isnan(fit)).sum())
        case "recall":
            return int((taken & (fit == 1.0)).sum()), int((fit == 1.0).sum())
    return int(taken.sum()), len(taken)


def _verdict(limit: Harm, count: int, many: int, sure: float, group: str, days: float | None) -> Held:
    match limit.what:
        case "rate":
            bound = bounds.most(count, many, sure)
        case "precision":
            bound = 1.0 - bounds.most(count, many, sure)
        case "recall":
            bound = bounds.least(count, many, sure)
        case _:
            bound = bounds.most_often(count, days or 1.0, sure)
    kept = bound < limit.bound if limit.upper else bound > limit.bound
    return Held(limit, count, many, bound, kept, group, 0 if kept else _missing(limit, count, many, sure))


def _missing(limit: Harm, count: int, many: int, sure: float) -> int:
    """How many more labels would do with no more mistakes than there are."""
    if limit.what not in (RATE, PRECISION):
        return 0
    allowed = limit.bound if limit.what == RATE else 1.0 - limit.bound
    return max(0, bounds.needed(count, allowed, sure) - many)


def _countable(policy: Policy, seen: Past) -> None:
    for limit in policy.limits:
        if limit.what == LOAD:
            if seen.days is None:
                raise PolicyError(
                    f"{limit}: how many days the history spans is not known. Name its time field, or --days."
                )
        elif np.isnan(right(policy, seen, limit.outcome)).all():
            raise PolicyError(
                f"{limit}: what is right is not known. Write [truth] with the column that says it, and right.{limit.outcome}."
            )


def _order(policy: Policy) -> list[tuple[str, str]]:
    """(threshold, the outcome that it is for), the strongest first."""
    found: dict[str, str] = {}
    for rule in policy.rules:
        for name in rule.when.named("threshold"):
            if not rule.then:
                continue
            if found.setdefault(name, rule.then) != rule.then:
                raise PolicyError(
                    f'thresholds.{name}: stands in rules for "{found[name]}" and for "{rule.then}". Make two of it.'
                )
            _over_score(rule.name, rule.when, name)
    return sorted(found.items(), key=lambda each: policy.outcomes.index(each[1]))


def _over_score(rule: str, when: Any, name: str) -> None:
    for term in when.all():
        sides = [part for part in term.parts if part.op == "threshold" and part.name == name]
        if sides and not any(part.op == "score" for part in term.parts):
            raise PolicyError(
                f'rule "{rule}": the threshold {name} can be solved only where a score is held against it.'
            )


@dataclass
class _Trial:
    """One threshold, tried at every place of the grid at once: the highest at which each event comes to the outcome."""

    policy: Policy
    seen: Past
    name: str
    outcome: str
    others: dict[str, float]

    def loosest(self, limits: Sequence[Harm]) -> float:
        """The lowest place at which all of the limits are certified; above 1 where there is none."""
        place, fit = self._places(), right(self.policy, self.seen, self.outcome)
        low, high = 0, len(GRID)  # places of the grid that are certified by all; at len(GRID) nothing is caught
        for limit in limits:
            groups = list(_groups(self.seen, limit))
            sure = 1.0 - (1.0 - limit.confidence) / len(groups)
            for _, inside in groups:
                if limit.what == RECALL:
                    high = min(high, _highest(limit, place[inside], fit[inside], sure))
                else:
                    low = max(low, _lowest(limit, place[inside], fit[inside], sure, self.seen.days))
        if low >= len(GRID) or low > high:
            return _ABOVE
        return float(GRID[low])

    def _places(self) -> Array:
        """For each event the last place of the grid at which its outcome is this one or a stronger, -1 where none is.

        A threshold that is lowered never catches less, so each event's place is found by halving.
        """
        rank = self.policy.outcomes.index(self.outcome)
        fixed = self.policy.at(**{name: value for name, value in self.others.items() if name != self.name})
        low, high = np.full(len(self.seen), -1), np.full(len(self.seen), len(GRID))
        stronger = self._reached(fixed, np.full(len(self.seen), _ABOVE), rank - 1)
        for _ in range(len(GRID).bit_length()):
            middle = (low + high) // 2
            caught = self._reached(fixed, GRID[np.clip(middle, 0, len(GRID) - 1)], rank) | (middle < 0)
            low, high = np.where(caught, middle, low), np.where(caught, high, middle)
        always = self._reached(fixed, np.full(len(self.seen), _ABOVE), rank)
        low = np.where(always, len(GRID), low)  # whatever the threshold, the rules see to it
        return np.where(stronger, -1, low)  # and a stronger outcome is not this one

    def _reached(self, fixed: Policy, at: Array, rank: int) -> Array:
        return outcomes(fixed, hits(fixed, self.seen, {self.name: at})) <= rank


def _lowest(limit: Harm, place: Array, fit: Array, sure: float, days: float | None) -> int:
    """The lowest place of the grid down to which the limit is certified, from the strictest; past its end where none is."""
    if limit.what == PRECISION:
        return _lowest_precise(limit, place, fit, sure)
    counted = fit == 0.0 if limit.what == RATE else np.ones(len(place), dtype=bool)
    caught = _at_least(place[counted])
    lowest = len(GRID) + 1
    for at in range(len(GRID), -1, -1):
        held = _verdict(limit, int(caught[at]), int(counted.sum()), sure, "", days)
        if not held.kept:
            break
        lowest = at
    return lowest


def _lowest_precise(limit: Harm, place: Array, fit: Array, sure: float) -> int:
    """The same of a precision, which few that are caught cannot show: testing begins at several places, which are chosen by
    how many are caught there and by no label, each at its share of the doubt."""
    known = ~np.isnan(fit)
    wrong, many = _at_least(place[fit == 0.0]), _at_least(place[known])
    share = 1.0 - (1.0 - sure) / STARTS
    least = bounds.needed(0, 1.0 - limit.bound, share)
    certified = np.zeros(len(GRID) + 1, dtype=bool)
    for times in (1.5, 3.0, 6.0, 12.0):
        enough = np.flatnonzero(many >= times * least)
        for at in range(int(enough.max()), -1, -1) if len(enough) else ():
            if not _verdict(limit, int(wrong[at]), int(many[at]), share, "", None).kept:
                break
            certified[at] = True
    places = np.flatnonzero(certified)
    return int(places.min()) if len(places) else len(GRID) + 1


def _highest(limit: Harm, place: Array, fit: Array, sure: float) -> int:
    """The highest place up to which a recall is certified, from the loosest; -1 where none is."""
    caught, many = _at_least(place[fit == 1.0]), int((fit == 1.0).sum())
    highest = -1
    for at in range(len(GRID) + 1):
        if not _verdict(limit, int(caught[at]), many, sure, "", None).kept:
            break
        highest = at
    return highest


def _at_least(place: Array) -> Array:
    """How many events are caught at each place of the grid, and at none (the last), shape (places + 1,)."""
    counts = np.bincount(place[place >= 0], minlength=len(GRID) + 1)
    return np.cumsum(counts[::-1])[::-1]
