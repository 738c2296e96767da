"""Limits on what a policy does to people: on its mistakes, its misses and the work that it makes.

    false_block_rate < 1 % at 95 %          of the events for which "block" is wrong, how many are blocked
    block_precision > 90 % at 95 %          of those that are blocked, for how many it is right
    block_recall > 60 % at 95 %             of those for which "block" is right, how many are blocked
    review_load < 200 per day               events that come to the outcome "review", each day

A limit with ``[lang]`` is held in every group of that column, and one with ``[lang=en]`` in that group. ``at 95 %``: the
limit is held on events like those of the history with that confidence, by exact bounds; without it at 95 %.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from plimsoll import units
from plimsoll.errors import PolicyError, nearest

RATE, PRECISION, RECALL, LOAD = "rate", "precision", "recall", "load"
CONFIDENCE = 0.95
_FORMS = {
    RATE: re.compile(r"false_(\w+)_rate"),
    PRECISION: re.compile(r"(\w+)_precision"),
    RECALL: re.compile(r"(\w+)_recall"),
    LOAD: re.compile(r"(\w+)_load"),
}
_UPPER = {RATE: True, PRECISION: False, RECALL: False, LOAD: True}
_LIMIT = re.compile(
    r"\s*(\w+)\s*(?:\[\s*([^\]=]+?)\s*(?:=\s*([^\]]*?)\s*)?\])?\s*(<=|>=|<|>|≤|≥)\s*(.+?)\s*(per\s+day)?\s*(?:at\s+(.+?))?\s*$"
)
_EXAMPLE = '"false_block_rate < 1 % at 95 %"'


@dataclass(frozen=True)
class Harm:
    """One limit: what is counted of which outcome, where, and how surely.

    >>> str(parse("false_block_rate[lang] < 1%", ("block", "allow"))[0])
    'false_block_rate[lang] < 1 % at 95 %'
    """

    what: str  # RATE, PRECISION, RECALL or LOAD
    outcome: str
    bound: float  # a share; of a load, events a day
    column: str = ""
    group: str | None = None  # None with a column: each group of it
    confidence: float = CONFIDENCE

    @property
    def upper(self) -> bool:
        """Whether the figure must stay below the bound."""
        return _UPPER[self.what]

    @property
    def name(self) -> str:
        return f"false_{self.outcome}_rate" if self.what == RATE else f"{self.outcome}_{self.what}"

    def __str__(self) -> str:
        where = "" if not self.column else f"[{self.column}]" if self.group is None else f"[{self.column}={self.group}]"
        bound = f"{self.bound:g} per day" if self.what == LOAD else f"{100 * self.bound:g} %"
        return f"{self.name}{where} {'<' if self.upper else '>'} {bound} at {100 * self.confidence:g} %"


def parse(text: str | Sequence[str], outcomes: Sequence[str]) -> tuple[Harm, ...]:
    """Limits between commas, or several texts of them. Raises PolicyError.

    >>> parse("false_blok_rate < 1 %", ("block", "allow"))
    Traceback (most recent call last):
    plimsoll.errors.PolicyError: limits: "blok" is no outcome. Did you mean "block"?
    """
    parts = [text] if isinstance(text, str) else list(text)
    return tuple(_one(word, outcomes) for part in parts for word in part.split(",") if word.strip())


def _one(word: str, outcomes: Sequence[str]) -> Harm:
    found = _LIMIT.match(word)
    if found is None:
        raise PolicyError(f'limits: "{word.strip()}" is not a limit. Write one such as {_EXAMPLE}.')
    name, column, group, side, number, daily, confidence = found.groups()
    what, outcome = _what(name, outcomes)
    if (side in ("<", "<=", "≤")) is not _UPPER[what]:
        right = "<" if _UPPER[what] else ">"
        raise PolicyError(f'limits: a limit on {name} is written with {right}, as in "{name} {right} …".')
    if (daily is not None) is not (what == LOAD):
        said = "is a number of events: write per day behind it" if what == LOAD else "is a share: leave per day out"
        raise PolicyError(f"limits: {name} {said}.")
    bound = _number(number, name)
    if what != LOAD and not 0.0 < bound < 1.0:
        raise PolicyError(f'limits: {name}: "{number}" is not a share between 0 and 100 %.')
    sure = CONFIDENCE if confidence is None else _number(confidence, name)
    if not 0.5 <= sure < 1.0:
        raise PolicyError(f'limits: {name}: "{confidence}" is no confidence. Write one such as 95 %.')
    return Harm(what, outcome, bound, column or "", group, sure)


def _what(name: str, outcomes: Sequence[str]) -> tuple[str, str]:
    for what, form in _FORMS.items():
        if match := form.fullmatch(name):
            if match[1] not in outcomes:
                raise PolicyError(f'limits: "{match[1]}" is no outcome. {nearest(match[1], outcomes)}')
            return what, match[1]
    first = outcomes[0]
    known = [f"false_{first}_rate", *(f"{first}_{what}" for what in (PRECISION, RECALL, LOAD))]
    raise PolicyError(f'limits: nothing called "{name}" is counted of a policy. {nearest(name, known)}')


def _number(text: str, name: str) -> float:
    try:
        return units.parse(text, units.SHARE)
    except ValueError as fault:
        raise PolicyError(f"limits: {name}: {fault}") from None
