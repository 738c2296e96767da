"""The statement of reasons: what is said to the person whom a decision befalls, from a template in the policy.

What it should hold follows Article 17 of the European Digital Services Act (Regulation 2022/2065): what was decided, on what facts
and what ground, whether by machine, and what can be done about it. Where a person decided, or decided again
after an appeal, it is that decision which is told.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plimsoll.errors import PolicyError, nearest
from plimsoll.policy.decision import REVIEW
from plimsoll.policy.queue import APPEALED, ASKED, Queue, majority
from plimsoll.policy.records import number_of
from plimsoll.policy.rules import Policy

TEMPLATE = """\
On $time we decided: $outcome.

Why: $because
What it rests on: $facts
The ground: version $version of our policy "$policy".

This was decided $automated. The decision has the number $id.
$redress"""
_WORDS = ("time", "outcome", "because", "facts", "automated", "version", "policy", "id", "redress")
_APPEAL = "If you think that it is wrong, you can appeal, and a person who did not decide it will look at it again."
_BEYOND = "You can also turn to a body that settles disputes out of court, or to a court."


@dataclass(frozen=True)
class Said:
    """What people said of an event, and when the last of them did; an empty ``label`` where nobody has yet."""

    label: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class Reviewed:
    """What became of a decision before people: ``asked`` by the policy or drawn at random, and of the appeal against it."""

    asked: bool
    first: Said
    appeal: Said | None = None


def reviewed(queue: Queue, number: str) -> Reviewed | None:
    """What a queue knows of a decision; None where no person was to see it."""
    found, again = queue.find(number), queue.find(f"{APPEALED}{number}")
    if found is None:
        return None
    told = [
        Said(majority(each[1]), each[1][-1].at) if each[0].closed and each[1] else Said()
        for each in (found, again)
        if each is not None
    ]
    return Reviewed(found[0].why == ASKED, *told)


def check(template: str) -> None:
    """Raises PolicyError where a template asks for what is not known.

    >>> check("We decided $outcom.")
    Traceback (most recent call last):
    plimsoll.errors.PolicyError: statement: "$outcom" is not known. Did you mean "outcome"?
    """
    for found in string.Template.pattern.finditer(template):
        name = found["named"] or found["braced"]
        if found["invalid"] is not None:
            raise PolicyError("statement: a $ stands alone. Write $$ for one that should be shown.")
        if name is not None and name not in _WORDS:
            raise PolicyError(f'statement: "${name}" is not known. {nearest(name, _WORDS)}')


def statement(policy: Policy, record: Mapping[str, Any], review: Reviewed | None = None) -> str:
    """What is said of a recorded decision; ``review``: what people said of it since."""
    last = _last(review)
    outcome = _outcome(policy, last.label) if last is not None else record["outcome"]
    words = {
        "time": _moment(last.at if last is not None else record["at"]),
        "outcome": outcome,
        "because": _because(policy, record, outcome, last),
        "facts": _facts(record, review),
        "automated": _automated(record, review),
        "version": policy.version or policy.digest[:12],
        "policy": policy.name,
        "id": number_of(record),
        "redress": _redress(policy, record, review),
    }
    return string.Template(policy.statement or TEMPLATE).substitute(words)


def _last(review: Reviewed | None) -> Said | None:
    """The decision of a person that stands; None where a machine's does."""
    said = [each for each in (review.appeal, review.first) if each is not None and each.label] if review else []
    return said[0] if said else None


def _outcome(policy: Policy, label: str) -> str:
    """What follows of what a person said: an outcome, or something for which one is right, the strongest first."""
    if label in policy.outcomes:
        return label
    right = policy.truth.right if policy.truth else {}
    return next((name for name in policy.outcomes if label in right.get(name, ())), policy.otherwise)


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _because(policy: Policy, record: Mapping[str, Any], outcome: str, last: Said | None) -> str:
    """The reasons of the rules where they bear on what was decided in the end, and what a person found."""
    reasons = {rule.name: rule.because for rule in policy.rules}
    bear = last is None or record["outcome"] in (outcome, REVIEW)
    because = [reasons.get(name, "") for name in record["by"]] if bear and outcome != policy.otherwise else []
    found = [f"A person found: {last.label}."] if last is not None else []
    return " ".join(dict.fromkeys(reason for reason in (*because, *found) if reason)) or "no rule gave a reason."


def _facts(record: Mapping[str, Any], review: Reviewed | None) -> str:
    rules = ", ".join(record["by"])
    held = f"what was sent, for which these rules held: {rules}" if rules else "what was sent, for which no rule held"
    if review is None:
        return f"{held}."
    drawn = "" if review.asked or not review.first.label else "; it was drawn at random to be looked at"
    return f"{held}{drawn}."


def _automated(record: Mapping[str, Any], review: Reviewed | None) -> str:
    if review is None or _last(review) is None:
        waits = " so far" if review is not None and (review.asked or review.appeal is not None) else ""
        return f"by a machine, with no person taking part{waits}"
    if review.appeal is not None and review.appeal.label:
        return "by a person, after an appeal"
    before = "a machine had put it before them" if review.asked else f"a machine had decided: {record['outcome']}"
    return f"by a person; {before}"


def _redress(policy: Policy, record: Mapping[str, Any], review: Reviewed | None) -> str:
    """The way to appeal; after an appeal what came of it, and what is left."""
    if review is None or review.appeal is None:
        return f"{_APPEAL} {_BEYOND}"
    if not review.appeal.label:
        return f"You have appealed; a person who did not decide it will look at it again. {_BEYOND}"
    before = _outcome(policy, review.first.label) if review.first.label else record["outcome"]
    now = _outcome(policy, review.appeal.label)
    came = f"it stands: {now}" if now == before else f"instead of {before} it is now: {now}"
    return f"You appealed, and a person who had not decided it before looked at it again: {came}. {_BEYOND}"
