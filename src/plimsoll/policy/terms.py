"""What an expression is once it has been read: a small tree of typed terms that two back ends carry out alike."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Constant = float | str | bool


class Type(enum.StrEnum):
    """What an expression gives."""

    NUMBER = "a number"
    TEXT = "a text"
    TRUTH = "true or false"
    TIME = "a time"


@dataclass(frozen=True)
class Term:
    """A part of an expression.

    ``op`` is what is done with ``parts``; of a leaf it is ``field``, ``score`` or ``threshold`` (with a name), or
    ``constant``. ``values`` are the constants that go with it: those of a list for ``in``, a text that is looked for, a
    pattern, or what a threshold stands at.
    """

    op: str
    type: Type
    parts: tuple[Term, ...] = ()
    name: str = ""
    values: tuple[Constant, ...] = ()

    def all(self) -> Iterator[Term]:
        """The term and every part of it, at any depth."""
        yield self
        for part in self.parts:
            yield from part.all()

    def named(self, op: str) -> set[str]:
        """The names of the fields, scores or thresholds that it speaks of.

        >>> age = Term("field", Type.NUMBER, name="age")
        >>> Term("<", Type.TRUTH, (age, Term("constant", Type.NUMBER, values=(3.0,)))).named("field")
        {'age'}
        """
        return {term.name for term in self.all() if term.op == op}


@dataclass(frozen=True)
class Words:
    """What expressions may name: fields with their types, lists of constants, thresholds with where they stand, and the
    classes that a model scores."""

    fields: Mapping[str, Type]
    lists: Mapping[str, tuple[Constant, ...]] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    scores: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function:
    """What a function takes and gives; the last ``written`` parts must be written out as constants."""

    takes: tuple[Type, ...]
    gives: Type
    written: int = 0


_N, _T, _B, _W = Type.NUMBER, Type.TEXT, Type.TRUTH, Type.TIME
FUNCTIONS: dict[str, Function] = {
    "length": Function((_T,), _N),
    "words": Function((_T,), _N),
    "capitals": Function((_T,), _N),
    "lower": Function((_T,), _T),
    "contains": Function((_T, _T), _B, 1),
    "starts_with": Function((_T, _T), _B, 1),
    "ends_with": Function((_T, _T), _B, 1),
    "matches": Function((_T, _T), _B, 1),
    "abs": Function((_N,), _N),
    "min": Function((_N, _N), _N),
    "max": Function((_N, _N), _N),
    "hour": Function((_W,), _N),
    "weekday": Function((_W,), _N),
}
SPECIAL = ("field", "score", "missing", "or_else")  # they take a name, or any type


def type_of(value: Constant) -> Type:
    """
    >>> type_of(True).value, type_of("x").value, type_of(1.5).value
    ('true or false', 'a text', 'a number')
    """
    return Type.TRUTH if isinstance(value, bool) else Type.TEXT if isinstance(value, str) else Type.NUMBER
