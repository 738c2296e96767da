"""What is wrong with a policy though it can be read: rules that never fire, that change nothing, or that gainsay another.

Every part of a rule that is compared with constants is taken for an unknown of its own, and it is enough to try the
constants, what lies between and beyond them, and nothing at all. So a rule that is said never to fire never does; one of
which nothing is said may still never fire, where its unknowns hang on one another.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plimsoll.policy.online import compiled
from plimsoll.policy.rules import Policy, Rule
from plimsoll.policy.terms import Term, Type

MOST_PAIRS = 20_000  # of rules that are compared
MOST = 100_000  # combinations that are tried of a rule or of a pair
_LOGIC = ("and", "or", "not")
_ORDERS = ("==", "!=", "<", "<=", ">", ">=", "in")


@dataclass(frozen=True)
class Fault:
    """``kind`` is dead, redundant, contradictory or unused; ``what`` is the rule, or the list, field or threshold."""

    kind: str
    what: str
    why: str


def faults(policy: Policy) -> list[Fault]:
    """What should be looked at, in the order of the policy."""
    dead = [Fault("dead", rule.name, "it can never be true.") for rule in policy.rules if _fires([rule]) is False]
    lame = {fault.what for fault in dead}
    rules = [rule for rule in policy.rules if rule.name not in lame]
    pairs = list(itertools.islice(_near(rules), MOST_PAIRS + 1))
    found = [fault for one, other in pairs[:MOST_PAIRS] for fault in _pair(policy, one, other)]
    if len(pairs) > MOST_PAIRS:
        found.append(
            Fault("unchecked", policy.name, f"it has so many rules that only {MOST_PAIRS:,} pairs were compared.")
        )
    firsts: dict[tuple[str, str], Fault] = {}
    for fault in found:
        firsts.setdefault((fault.kind, fault.what), fault)
    return [*dead, *firsts.values(), *_unused(policy)]


def _near(rules: Sequence[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Pairs of rules that look at something alike: of others neither says anything of the other."""
    looks = []
    for rule in rules:
        unknowns = _Unknowns()
        unknowns.named(rule.when)
        looks.append(set(unknowns.terms))
    for one, other in itertools.permutations(range(len(rules)), 2):
        if looks[one] & looks[other]:
            yield rules[one], rules[other]


def _pair(policy: Policy, one: Rule, other: Rule) -> Iterable[Fault]:
    """What is wrong with the first because of the second."""
    implied = _implied(one, other)
    if not implied:
        return
    both, after = _implied(other, one), policy.rules.index(one) > policy.rules.index(other)
    strength = {name: place for place, name in enumerate((*policy.outcomes, ""))}
    if both and one.then != other.then and one.then and other.then and not one.label and not other.label:
        if after:
            yield Fault(
                "contradictory", one.name, f'"{other.name}" fires on the same events and asks for "{other.then}".'
            )
    elif one.then == other.then and one.label == other.label:
        if not both or after:
            yield Fault("redundant", one.name, f'"{other.name}" fires wherever it does, and asks for the same.')
    elif one.then and not one.label and strength[other.then] < strength[one.then]:
        yield Fault(
            "dead",
            one.name,
            f'"{other.name}" fires wherever it does, and "{other.then}" is stronger than "{one.then}".',
        )


def _unused(policy: Policy) -> Iterable[Fault]:
    terms = [*(rule.when for rule in policy.rules), *(each.when for each in policy.counters if each.when is not None)]
    named = {op: {name for term in terms for name in term.named(op)} for op in ("field", "threshold")}
    elsewhere = {policy.time, policy.id, *(each.by for each in policy.counters), *(each.of for each in policy.copies)}
    elsewhere |= {each.sum for each in policy.counters}
    for name in policy.fields:
        if name not in named["field"] | elsewhere:
            yield Fault("unused", name, "no rule looks at this field.")
    for name in policy.thresholds:
        if name not in named["threshold"]:
            yield Fault("unused", name, "no rule stands at this threshold.")
    for name in policy.made:
        if name not in named["field"]:
            yield Fault("unused", name, "it is reckoned of every event, and no rule looks at it.")
    asked = {rule.then for rule in policy.rules}
    for name in policy.outcomes[:-1]:
        if name not in asked:
            yield Fault("unused", name, "no rule asks for this outcome.")


# Whether rules can be true.


def _implied(one: Rule, other: Rule) -> bool:
    """Whether the second is true wherever the first is; False where it is not known."""
    return _fires([one], [other]) is False


def _fires(true: Sequence[Rule], untrue: Sequence[Rule] = ()) -> bool | None:
    """Whether some event makes the first ones true and none of the others; None where there are too many to try."""
    unknowns = _Unknowns()
    terms = [unknowns.named(rule.when) for rule in (*true, *untrue)]
    values = [unknowns.values(k) for k in range(len(unknowns.terms))]
    if math.prod(map(len, values)) > MOST:
        return None
    fires, wanted = compiled(terms, unknowns.names), list(range(len(true)))
    return any(fires(event) == wanted for event in itertools.product(*values))


class _Unknowns:
    """The parts of rules that are compared with constants, each as a field of its own."""

    def __init__(self) -> None:
        self.terms: list[Term] = []
        self._met: list[set[Any]] = []

    @property
    def names(self) -> list[str]:
        return [f"x{k}" for k in range(len(self.terms))]

    def named(self, term: Term) -> Term:
        """The rule with its unknowns in their places."""
        if term.op in _LOGIC:
            return replace(term, parts=tuple(self.named(part) for part in term.parts))
        if term.op == "constant":
            return term
        if term.op == "missing":
            return replace(term, parts=(self._unknown(term.parts[0]),))
        constants = [part for part in term.parts if part.op in ("constant", "threshold")]
        if term.op in _ORDERS and len(term.parts) - len(constants) == 1:
            given = [*term.values, *(value for part in constants for value in part.values)]
            parts = (part if part in constants else self._unknown(part, given) for part in term.parts)
            return replace(term, parts=tuple(parts))
        return self._unknown(term)

    def _unknown(self, term: Term, given: Sequence[Any] = ()) -> Term:
        if term not in self.terms:
            self.terms.append(term)
            self._met.append(set())
        place = self.terms.index(term)
        self._met[place].update(given)
        return Term("field", term.type, name=f"x{place}")

    def values(self, place: int) -> list[Any]:
        """Enough values of an unknown to tell what the rules can tell apart."""
        type_, met = self.terms[place].type, self._met[place]
        if type_ is Type.TRUTH:
            return [1.0, 0.0, math.nan]
        if type_ is Type.TEXT:
            return [*sorted(met), "\N{REPLACEMENT CHARACTER} none of these", None]
        marks = sorted(float(value) for value in met)
        between = [(a + b) / 2.0 for a, b in itertools.pairwise(marks)]
        ends = [marks[0] - 1.0 - abs(marks[0]), marks[-1] + 1.0 + abs(marks[-1])] if marks else [0.0]
        return [*marks, *between, *ends, math.nan]
