"""Events that wait for a person, what people say of them, and how far they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ASKED, AUDIT, APPEAL = "asked", "audit", "appeal"
APPEALED = "appeal-"  # before the number of a decision: that of the appeal against it


@dataclass(frozen=True)
class Item:
    """An event that waits: ``priority`` orders them, the largest first; ``chance`` is that with which it came here."""

    id: str
    at: float
    why: str
    event: Mapping[str, Any]
    decision: Mapping[str, Any]
    chance: float = 1.0
    priority: float = 0.0
    needs: int = 1
    note: str = ""
    not_by: str = ""  # whom it may not come to: one whose own decision is appealed
    closed: bool = False


@dataclass(frozen=True)
class Verdict:
    """What a reviewer said of an event."""

    item: str
    reviewer: str
    label: str
    note: str
    at: float


@dataclass(frozen=True)
class Agreement:
    """Of the pairs of opinions on one event how many agree, and Cohen's kappa (1960): how far beyond chance."""

    pairs: int
    agree: int
    kappa: float | None

    def __str__(self) -> str:
        kappa = "" if self.kappa is None else f", kappa {self.kappa:.2f}"
        return f"Two reviewers agree on {self.agree:,} of {self.pairs:,} events{kappa}."


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Of pairs of labels of the same events.

    >>> agreement([("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")]).kappa
    0.5
    """
    return agreed(Counter(pairs))


def agreed(counted: Mapping[tuple[str, str], int]) -> Agreement:
    """Of how many events two said each pair of labels."""
    pairs = sum(counted.values())
    if not pairs:
        return Agreement(0, 0, None)
    agree = sum(many for (one, other), many in counted.items() if one == other)
    ones, others = Counter[str](), Counter[str]()
    for (one, other), many in counted.items():
        ones[one] += many
        others[other] += many
    chance = sum(many * others[label] for label, many in ones.items()) / pairs**2
    return Agreement(pairs, agree, (agree / pairs - chance) / (1.0 - chance) if chance < 1.0 else None)


def majority(said: Sequence[Verdict]) -> str:
    """The label that most gave an event; of those that as many gave the first of the alphabet."""
    labels = [each.label for each in said]
    return max(sorted(set(labels)), key=labels.count)
