"""Why one event is decided as it is: every rule, its parts, and what each of them was."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from plimsoll.policy.decision import Decider
from plimsoll.policy.memory import Memory
from plimsoll.policy.online import compiled
from plimsoll.policy.records import plain
from plimsoll.policy.rules import Policy, Rule, joint, names
from plimsoll.policy.terms import Term
from plimsoll.schema import Schema


class Scorer(Protocol):
    """What gives the scores of an event: an answerer."""

    @property
    def schema(self) -> Schema:
        """Of the columns that it reads."""

    def scores(self, values: Sequence[Any]) -> list[float]:
        """One for each class, or the one number."""


def explained(policy: Policy, model: Scorer | None, values: Sequence[Any], now: float | None = None) -> dict[str, Any]:
    """The decision of an event that stands alone, with every rule and what its parts came to.

    Counters and near copies begin empty, so a rule that counts sees this event and no other.
    """
    schema = model.schema if model is not None else None
    whole = joint(policy, schema)
    made = Memory(policy, whole.names).tell(values, time.time() if now is None else now)
    scores = model.scores(values[: len(schema.columns)]) if model is not None and schema is not None else []
    event, called = [*values, *made, *scores], names(policy, schema)
    decided = Decider(policy, called).decide(event)
    return {
        "outcome": decided.outcome,
        "by": list(decided.by),
        "labels": list(decided.labels),
        "rules": [_rule(rule, event, called) for rule in policy.rules],
        "event": {name: plain(value) for name, value in zip(called, event, strict=True)},
    }


def _rule(rule: Rule, event: Sequence[Any], called: Sequence[str]) -> dict[str, Any]:
    parts = [{"part": _written(part), "is": _answer(part, event, called)} for part in _parts(rule.when)]
    fires = _answer(rule.when, event, called)
    return {"name": rule.name, "then": rule.then or rule.label, "when": rule.text, "fires": fires, "parts": parts}


def _parts(term: Term) -> list[Term]:
    """The comparisons that a rule is joined from."""
    return [leaf for part in term.parts for leaf in _parts(part)] if term.op in ("and", "or", "not") else [term]


def _answer(term: Term, event: Sequence[Any], called: Sequence[str]) -> bool | None:
    """True, False, or None where something is missing."""
    true, false = compiled([term], called), compiled([Term("not", term.type, (term,))], called)
    return True if true(event) else False if false(event) else None


_BETWEEN = ("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/")


def _written(term: Term) -> str:
    """A term as it could be written.

    >>> from plimsoll.policy.terms import Type
    >>> _written(Term("<", Type.TRUTH, (Term("field", Type.NUMBER, name="age"), Term("constant", Type.NUMBER, values=(3.0,)))))
    'age < 3'
    """
    match term.op:
        case "field":
            return term.name if term.name.isidentifier() else f'field("{term.name}")'
        case "score":
            return f'score("{term.name}")'
        case "threshold":
            return f"{term.name} ({term.values[0]:g})"
        case "constant":
            return _constant(term.values[0])
        case "in":
            shown = ", ".join(_constant(value) for value in term.values[:4])
            return f"{_written(term.parts[0])} in [{shown}{', …' if len(term.values) > 4 else ''}]"
    parts = [_written(part) for part in term.parts] + [_constant(value) for value in term.values]
    if term.op in _BETWEEN:
        return f" {term.op} ".join(parts)
    return f"{term.op}({', '.join(parts)})"


def _constant(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)
