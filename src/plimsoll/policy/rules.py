"""A policy as it is written: rules with names and outcomes, and what they may speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from plimsoll.policy.harm import Harm
from plimsoll.policy.terms import Constant, Term, Type, Words
from plimsoll.schema import Column, Kind, Schema

TYPES: dict[Kind, Type] = {
    Kind.NUMBER: Type.NUMBER,
    Kind.TIME: Type.TIME,
    Kind.BOOLEAN: Type.TRUTH,
    Kind.CATEGORY: Type.TEXT,
    Kind.TEXT: Type.TEXT,
    Kind.ID: Type.TEXT,
}


@dataclass(frozen=True)
class Rule:
    """``when`` it is true of an event the rule fires: it asks for the outcome ``then``, or only gives the ``label``."""

    name: str
    when: Term
    text: str  # as it was written
    then: str = ""
    label: str = ""
    because: str = ""  # said to whom it befalls


@dataclass(frozen=True)
class Counter:
    """A number of every event: how many came with the same value of ``by`` in the last ``within`` seconds, itself among
    them; of those for which ``when`` is true; or the ``sum`` of a number over them."""

    name: str
    by: str
    within: float
    when: Term | None = None
    sum: str = ""


@dataclass(frozen=True)
class Copies:
    """A number of every event: how many in the last ``within`` seconds had a text that is as ``alike`` as that, from 0 to
    1, by the share of their runs of letters (Jaccard's); itself not among them."""

    name: str
    of: str
    within: float
    alike: float


@dataclass(frozen=True)
class Truth:
    """The column that says what an event was, and for each outcome the values for which it is right."""

    column: str
    right: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Policy:
    """``outcomes`` in the order of their strength: of those that rules ask for the first is taken, and the last of them
    where none does. ``fields`` are those of an event that its model does not read."""

    name: str
    outcomes: tuple[str, ...]
    rules: tuple[Rule, ...]
    fields: Mapping[str, Kind] = field(default_factory=dict)
    lists: Mapping[str, tuple[Constant, ...]] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    counters: tuple[Counter, ...] = ()
    copies: tuple[Copies, ...] = ()
    truth: Truth | None = None
    limits: tuple[Harm, ...] = ()
    version: str = ""
    time: str = ""  # the field that says when an event happened
    id: str = ""  # and which it is
    breaker: float = 10.0  # times its usual rate at which a rule is held back
    personal: tuple[str, ...] = ()  # fields that records keep apart, so that they can be redacted
    keep: float | None = None  # seconds that they are kept
    audit: float = 0.0  # share of all events that is reviewed, whatever was decided
    statement: str = ""  # the template of what is said to whom a decision befalls
    digest: str = ""  # of all that it was read from

    @property
    def otherwise(self) -> str:
        return self.outcomes[-1]

    @property
    def made(self) -> tuple[str, ...]:
        """The fields that are reckoned from the events before."""
        return (*(each.name for each in self.counters), *(each.name for each in self.copies))

    def at(self, **thresholds: float) -> Policy:
        """The same with thresholds put elsewhere."""
        moved = {**self.thresholds, **thresholds}
        rules = tuple(replace(rule, when=_moved(rule.when, moved)) for rule in self.rules)
        return replace(self, thresholds=moved, rules=rules)


def _moved(term: Term, thresholds: Mapping[str, float]) -> Term:
    if term.op == "threshold":
        return replace(term, values=(thresholds[term.name],))
    return replace(term, parts=tuple(_moved(part, thresholds) for part in term.parts)) if term.parts else term


def scored(schema: Schema | None) -> tuple[str, ...]:
    """What a model gives a score of: its classes, or the one value."""
    return (schema.classes or ("value",)) if schema else ()


def words(schema: Schema | None, fields: Mapping[str, Kind], made: tuple[str, ...] = (), **more: object) -> Words:
    """What expressions may name: the columns of the model, the policy's own fields, and what is reckoned from events.

    >>> sorted(words(None, {"age": Kind.NUMBER}, ("seen",)).fields.items())
    [('age', <Type.NUMBER: 'a number'>), ('seen', <Type.NUMBER: 'a number'>)]
    """
    columns = {column.name: TYPES[column.kind] for column in (schema.columns if schema else ())}
    own = {name: TYPES[kind] for name, kind in fields.items()}
    scores = scored(schema)
    return Words({**columns, **own, **dict.fromkeys(made, Type.NUMBER)}, scores=scores, **more)  # type: ignore[arg-type]


def joint(policy: Policy, schema: Schema | None) -> Schema:
    """The columns of the model and the policy's own fields, in the order in which events hold them."""
    columns = schema.columns if schema else ()
    known = {each.name for each in columns}
    own = tuple(Column(name, kind) for name, kind in policy.fields.items() if name not in known)
    return Schema((*columns, *own), schema.target if schema else "", schema.classes if schema else ())


def names(policy: Policy, schema: Schema | None) -> list[str]:
    """What the values of an event are, in order: its fields, what is reckoned, and the scores."""
    return [*joint(policy, schema).names, *policy.made, *(f"score {name}" for name in scored(schema))]
