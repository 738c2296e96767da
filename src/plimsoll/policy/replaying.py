"""Decisions decided again from their records: the same event, policy and model give the same, to the last bit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from plimsoll.policy.decision import Decider
from plimsoll.policy.explain import Scorer
from plimsoll.policy.rules import TYPES, Policy, joint, names
from plimsoll.policy.terms import Type

_SAID = ("outcome", "by", "fired", "labels")


@dataclass(frozen=True)
class Replayed:
    """How many records came out the same, how many could not be tried, and what differs of the others."""

    same: int
    closed: int  # redacted, or of another policy or model
    differing: tuple[tuple[int, str], ...]


def replay(records: Iterable[Mapping[str, Any]], policy: Policy, model: Scorer | None, bundle: str = "") -> Replayed:
    """Decides each record again."""
    schema = model.schema if model is not None else None
    whole, decider = joint(policy, schema), Decider(policy, names(policy, schema))
    texts = {column.name for column in whole.columns if TYPES[column.kind] is Type.TEXT}
    same, closed, differing = 0, 0, []
    for line in records:
        told = {**line["fields"], **line["personal"]}
        if line["policy"] != policy.digest or line["bundle"] != bundle or any(_redacted(line, name) for name in told):
            closed += 1
            continue
        values = [_value(told.get(name), name in texts) for name in whole.names]
        scores = model.scores(values[: len(schema.columns)]) if model is not None and schema is not None else []
        reckoned = [_value(line["reckoned"].get(name), False) for name in policy.made]
        held = {place for place, rule in enumerate(policy.rules) if rule.name in line["held"]}
        found = decider.decide([*values, *reckoned, *scores], held)
        wrong = "scores" if list(scores) != line["scores"] else _first(found, line)
        if wrong:
            differing.append((line["n"], wrong))
        else:
            same += 1
    return Replayed(same, closed, tuple(differing))


def _redacted(line: Mapping[str, Any], name: str) -> bool:
    return isinstance(line["personal"].get(name), str)


def _value(told: Any, text: bool) -> Any:
    """A value as an event holds it; a personal one stands beside its salt."""
    value = told[0] if isinstance(told, list) else told
    return value if text else math.nan if value is None else float(value)


def _first(found: Any, line: Mapping[str, Any]) -> str:
    return next((name for name in _SAID if _listed(getattr(found, name)) != line[name]), "")


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
