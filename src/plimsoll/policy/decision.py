"""From an event to what is decided of it: the outcome, and the rules that asked for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from plimsoll.policy.online import compiled
from plimsoll.policy.rules import Policy

REVIEW = "review"  # the outcome that a rule which is held back asks for, where the policy has it


@dataclass(frozen=True)
class Decision:
    """``by`` are the rules that asked for the outcome, none where nothing did; ``fired`` are all that fired, in the order
    of the policy; ``held`` are those of them that a breaker holds back."""

    outcome: str
    by: tuple[str, ...] = ()
    fired: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    because: tuple[str, ...] = ()  # the reasons of those that asked for the outcome


class Decider:
    """A policy that decides events, whose values come in the order of ``names``.

    >>> from plimsoll.policy.expression import truth
    >>> from plimsoll.policy.rules import Rule, words
    >>> from plimsoll.schema import Kind
    >>> when = truth("age < 3", words(None, {"age": Kind.NUMBER}), "young")
    >>> policy = Policy("p", ("block", "allow"), (Rule("young", when, "age < 3", "block"),))
    >>> decider = Decider(policy, ["age"])
    >>> decider.decide([2.0]).outcome, decider.decide([5.0]).outcome
    ('block', 'allow')
    """

    def __init__(self, policy: Policy, names: Sequence[str]) -> None:
        self.policy = policy
        self.fires = compiled([rule.when for rule in policy.rules], names)
        # What follows from the rules that fired is the same each time, and most events fire the same few.
        self._known = lru_cache(maxsize=4_096)(self._of)

    def decide(self, values: Sequence[Any], held: Collection[int] = ()) -> Decision:
        """``held`` are the places of rules that may not have their way: they ask for a review."""
        return self.of(self.fires(values), held)

    def of(self, hits: Sequence[int], held: Collection[int] = ()) -> Decision:
        """What follows where these rules fire."""
        return self._known(tuple(hits), tuple(hit for hit in hits if hit in held) if held else ())

    def _of(self, hits: tuple[int, ...], held: tuple[int, ...]) -> Decision:
        policy = self.policy
        rules = [(policy.rules[hit], hit in held) for hit in hits]
        softer = REVIEW if REVIEW in policy.outcomes else policy.otherwise
        asked = [(softer if back and rule.then else rule.then, rule) for rule, back in rules]
        wanted = {outcome for outcome, _ in asked}
        outcome = next((name for name in policy.outcomes if name in wanted), policy.otherwise)
        by = [rule for asks, rule in asked if asks == outcome]
        return Decision(
            outcome,
            tuple(rule.name for rule in by),
            tuple(rule.name for rule, _ in rules),
            tuple(dict.fromkeys(rule.label for rule, _ in rules if rule.label)),
            tuple(rule.name for rule, back in rules if back),
            tuple(dict.fromkeys(rule.because for rule in by if rule.because)),
        )
