"""Expressions for one event: all rules of a policy as one plain Python function.

Of every part two things are written: what makes it true, and what makes it false. So logic with three values costs no more
than Python's own ``and`` and ``or``. The source that is compiled is made of names of our own: not a letter of what a
user wrote is in it, for numbers, texts, lists and patterns are bound as values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from plimsoll.errors import PolicyError
from plimsoll.policy import patterns
from plimsoll.policy.terms import Term, Type

MOST = 2_000  # values that are kept on the way
Fires = Callable[[Sequence[Any]], list[int]]
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_WORD, _CAPITAL, _LETTER = (re.compile(each) for each in ("[^ \t\n\r\f\v]+", "[A-Z]", "[A-Za-z]"))


def compiled(rules: Sequence[Term], names: Sequence[str]) -> Fires:
    """A function from the values of ``names``, in order, to the places of the rules that fire.

    Values are as in rows: a number, a time or a truth is a finite float, nan where it is missing; a text is None. The
    score of a class goes by the name ``score CLASS``. Raises PolicyError where a rule is too much to carry out.

    >>> from plimsoll.policy.expression import truth
    >>> from plimsoll.policy.terms import Words
    >>> words = Words({"age": Type.NUMBER, "text": Type.TEXT})
    >>> fires = compiled([truth("age < 3 or text == 'x'", words, "a"), truth("age > 9", words, "b")], ["age", "text"])
    >>> fires([2.0, None]), fires([math.nan, "x"]), fires([math.nan, None])
    ([0], [0], [])
    """
    used = {name for rule in rules for name in _names(rule)}
    writer = _Writer({name: f"v{place}" for place, name in enumerate(names)})
    lines = [f"    if {writer.test(rule, True)}: hits.append({place})" for place, rule in enumerate(rules)]
    taken = "".join(f"v{place}, " if name in used else "_, " for place, name in enumerate(names))
    opened = f"    {taken}= event" if names else "    pass"
    source = "\n".join(["def fires(event):", opened, "    hits = []", *lines, "    return hits"])
    scope = {"__builtins__": {}, **writer.bound}
    exec(compile(source, "<policy>", "exec"), scope)  # noqa: S102  # source of our own words alone
    made: Fires = scope["fires"]
    return made


def _names(rule: Term) -> set[str]:
    return rule.named("field") | {f"score {name}" for name in rule.named("score")}


@dataclass(frozen=True)
class _Given:
    """How a part is had: what must hold for it to be there, one after the other, and then what it is."""

    source: str
    guards: tuple[str, ...] = ()

    @property
    def there(self) -> str:
        return " and ".join(self.guards) or "True"


class _Writer:
    """Writes parts as Python, and keeps the values that they speak of."""

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places
        self._steps = 0
        self.bound: dict[str, Any] = dict(_CALLED)

    def _bind(self, value: Any) -> str:
        name = f"c{len(self.bound)}"
        self.bound[name] = value
        return name

    def _step(self) -> str:
        self._steps += 1
        if (
            self._steps > MOST
        ):  # whether a part is there is asked of the parts in it, and so twice as often at each depth
            raise PolicyError("A rule asks too often whether something is there. Make two rules of it.")
        return f"t{self._steps}"

    def test(self, term: Term, wanted: bool) -> str:
        """What holds where the term is true, or where it is false; neither holds where it is neither."""
        match term.op:
            case "and" | "or":
                joint = " and " if (term.op == "and") is wanted else " or "
                return f"({joint.join(self.test(part, wanted) for part in term.parts)})"
            case "not":
                return self.test(term.parts[0], not wanted)
            case "missing":
                there = self._given(term.parts[0]).there
                return f"(not ({there}))" if wanted else f"({there})"
            case "constant":
                return str(term.values[0] is wanted)
            case "field":
                return f"({self._places[term.name]} == {float(wanted)})"
        if term.op in _OPPOSITE:
            one, other = map(self._given, term.parts)
            op = term.op if wanted else _OPPOSITE[term.op]
            return self._if((*one.guards, *other.guards), f"{one.source} {op} {other.source}")
        found = self._looked(term) if term.op in _LOOKS else self._given(term)
        if term.op in _LOOKS:
            return self._if(found.guards, found.source if wanted else f"not {found.source}")
        return self._if(found.guards, f"{found.source} is {wanted}")

    def _if(self, guards: Sequence[str], source: str) -> str:
        return f"({' and '.join([*guards, source])})"

    def _looked(self, term: Term) -> _Given:
        """Parts that are true or false wherever what they look at is there."""
        part = self._given(term.parts[0])
        value = term.values[0] if term.values else None
        match term.op:
            case "in":
                source = f"({part.source} in {self._bind(frozenset(term.values))})"
            case "contains":
                source = f"({self._bind(value)} in {part.source})"
            case "matches":
                look = patterns.search(patterns.read(str(value), ""))
                source = f"({self._bind(look)}({part.source}) is not None)"
            case _:
                source = f"{part.source}.{_LOOKS[term.op]}({self._bind(value)})"
        return _Given(source, part.guards)

    def _given(self, term: Term) -> _Given:
        """A part as a value."""
        match term.op:
            case "field" | "score":
                place = self._places[term.name if term.op == "field" else f"score {term.name}"]
                there = f"{place} is not None" if term.type is Type.TEXT else f"{place} == {place}"
                return _Given(f"({place} == 1.0)" if term.type is Type.TRUTH else place, (there,))
            case "constant" | "threshold":
                return _Given(self._bind(term.values[0]))
            case "or_else":
                return self._or_else(term)
        if term.type is Type.TRUTH:
            step = self._step()
            source = f"({step} := True if {self.test(term, True)} else False if {self.test(term, False)} else None)"
            return _Given(step, (f"{source} is not None",))
        return self._reckoned(term, [self._given(part) for part in term.parts])

    def _or_else(self, term: Term) -> _Given:
        one, other = map(self._given, term.parts)
        step = self._step()
        rest = f"{other.source} if {other.there} else None"
        return _Given(step, (f"({step} := {one.source} if {one.there} else {rest}) is not None",))

    def _reckoned(self, term: Term, parts: list[_Given]) -> _Given:
        guards = tuple(guard for part in parts for guard in part.guards)
        sides = [part.source for part in parts]
        if term.op in ("+", "-", "*", "/"):
            step = self._step()
            sound = (f"{sides[1]} != 0.0",) if term.op == "/" else ()
            # What is not finite is no number: infinity less itself is not nought.
            finite = f"({step} := {sides[0]} {term.op} {sides[1]}) - {step} == 0.0"
            return _Given(step, (*guards, *sound, finite))
        return _Given(_SOURCES[term.op](*sides), guards)


_LOOKS = {"in": "", "contains": "", "matches": "", "starts_with": "startswith", "ends_with": "endswith"}
_SOURCES: dict[str, Callable[..., str]] = {
    "length": lambda a: f"len({a})",
    "words": lambda a: f"words({a})",
    "capitals": lambda a: f"capitals({a})",
    "lower": lambda a: f"{a}.lower()",
    "abs": lambda a: f"abs({a})",
    "min": lambda a, b: f"({a} if {a} <= {b} else {b})",
    "max": lambda a, b: f"({a} if {a} >= {b} else {b})",
    "hour": lambda a: f"turn({a}, 3600.0, 0.0, 24.0)",
    "weekday": lambda a: f"turn({a}, 86400.0, 3.0, 7.0)",
}


def _words(text: str) -> int:
    return len(_WORD.findall(text))


def _capitals(text: str) -> float:
    """The share of the ASCII letters that are capitals; 0 without any."""
    letters = len(_LETTER.findall(text))
    return len(_CAPITAL.findall(text)) / letters if letters else 0.0


def _turn(moment: float, seconds: float, first: float, many: float) -> float:
    """Which hour of the day, or day of the week, in floats as a history reckons it."""
    turn = float(math.floor(moment / seconds)) + first
    return turn - float(math.floor(turn / many)) * many


_CALLED: dict[str, Any] = {"len": len, "abs": abs, "turn": _turn, "words": _words, "capitals": _capitals}
