"""Expressions over an event, from text to terms: read by Python's own parser, and nothing taken from it that is not known.

The words are Python's: names, numbers, texts in quotes, + - * /, comparisons, ``and or not``, ``in`` a list, and the
functions that are listed in ``terms``. There is no attribute, no index, no loop and no function of anybody else's. What
is missing makes an expression neither true nor false, as in SQL (Kleene 1938): a rule fires only on what is true.
"""

from __future__ import annotations

import ast
import math
import warnings
from typing import NoReturn

from plimsoll.errors import PolicyError, nearest
from plimsoll.policy import patterns
from plimsoll.policy.terms import FUNCTIONS, SPECIAL, Constant, Term, Type, Words, type_of

LONGEST = 2_000  # letters of an expression
DEEPEST = 40  # expressions in one another
_SHOWN = 60  # letters of an expression in a message
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_ORDER = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_SAME = {ast.Eq: "==", ast.NotEq: "!="}
_MEMBER = {ast.In: "in", ast.NotIn: "not in"}


def parse(text: str, words: Words, where: str) -> Term:
    """The expression, checked. Raises PolicyError in one line that begins with ``where``.

    >>> words = Words({"age": Type.NUMBER, "text": Type.TEXT})
    >>> parse("age < 3 and not contains(text, 'hi')", words, "rule a").op
    'and'
    >>> parse("agee < 3", words, "rule a")
    Traceback (most recent call last):
    plimsoll.errors.PolicyError: rule a: "agee" is no field. Did you mean "age"?
    """
    if len(text) > LONGEST:
        raise PolicyError(f"{where}: it has {len(text):,} letters, and at most {LONGEST:,} are read. Make two of it.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an escape that Python does not know is a backslash, as it always was
            tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as fault:
        at = f" near letter {fault.offset}" if fault.offset else ""
        raise PolicyError(f'{where}: "{_short(text)}" cannot be read{at}: {fault.msg}.') from None
    except (ValueError, RecursionError, MemoryError):
        raise PolicyError(f'{where}: "{_short(text)}" cannot be read.') from None
    return _Reader(text.strip(), words, where).read(tree, 0)


def truth(text: str, words: Words, where: str) -> Term:
    """The same, which must be true or false."""
    term = parse(text, words, where)
    if term.type is not Type.TRUTH:
        raise PolicyError(
            f'{where}: "{_short(text)}" gives {term.type.value}, and true or false is due. Write a comparison.'
        )
    return term


def _short(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


class _Reader:
    """Walks Python's own tree of an expression, and takes nothing from it that is not known."""

    def __init__(self, text: str, words: Words, where: str) -> None:
        self._text = text
        self._words = words
        self._where = where

    def read(self, node: ast.expr, depth: int) -> Term:
        if depth > DEEPEST:
            raise PolicyError(f"{self._where}: expressions stand {DEEPEST} deep in one another. Make two rules of it.")
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._named(node.id)
            case ast.BoolOp():
                return self._joined(node, depth)
            case ast.UnaryOp():
                return self._unary(node, depth)
            case ast.BinOp():
                return self._arithmetic(node, depth)
            case ast.Compare():
                return self._compared(node, depth)
            case ast.Call():
                return self._called(node, depth)
        return self._fail(
            node, "is not part of the language: write fields, constants, comparisons, and, or, not, in and functions"
        )

    def _fail(self, node: ast.AST, why: str) -> NoReturn:
        raise PolicyError(f'{self._where}: "{_short(self._source(node))}" {why}.')

    def _source(self, node: ast.AST) -> str:
        return ast.get_source_segment(self._text, node) or self._text

    def _constant(self, node: ast.Constant) -> Term:
        value = node.value
        if isinstance(value, bool | str):
            return Term("constant", Type.TRUTH if isinstance(value, bool) else Type.TEXT, values=(value,))
        if value is None:
            self._fail(node, "is no value: write missing(…) to ask whether one is there")
        if not isinstance(value, int | float):
            self._fail(node, "is no number, text, True or False")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self._fail(node, "is too large a number")
        return Term("constant", Type.NUMBER, values=(number,))

    def _named(self, name: str) -> Term:
        if name in self._words.thresholds:
            return Term("threshold", Type.NUMBER, name=name, values=(self._words.thresholds[name],))
        return self._field(name)

    def _field(self, name: str) -> Term:
        gives = self._words.fields.get(name)
        if gives is not None:
            return Term("field", gives, name=name)
        if name in self._words.lists:
            raise PolicyError(f'{self._where}: "{name}" is a list. Write: field in {name}.')
        quoted = [other for other in self._words.fields if not other.isidentifier() and other.startswith(name)]
        if quoted:
            raise PolicyError(f'{self._where}: "{name}" is no field. Write: field("{quoted[0]}").')
        raise PolicyError(f'{self._where}: "{name}" is no field. {nearest(name, self._words.fields)}')

    def _joined(self, node: ast.BoolOp, depth: int) -> Term:
        parts = tuple(self._of(part, depth, Type.TRUTH) for part in node.values)
        return Term("and" if isinstance(node.op, ast.And) else "or", Type.TRUTH, parts)

    def _unary(self, node: ast.UnaryOp, depth: int) -> Term:
        match node.op:
            case ast.Not():
                return Term("not", Type.TRUTH, (self._of(node.operand, depth, Type.TRUTH),))
            case ast.USub():
                part = self._of(node.operand, depth, Type.NUMBER)
                if part.op == "constant":
                    return Term("constant", Type.NUMBER, values=(-float(part.values[0]),))
                return Term("-", Type.NUMBER, (Term("constant", Type.NUMBER, values=(0.0,)), part))
        return self._fail(node, "is not part of the language")

    def _of(self, node: ast.expr, depth: int, due: Type) -> Term:
        """A part that must give this."""
        term = self.read(node, depth + 1)
        if term.type is not due:
            self._fail(node, f"is {term.type.value}, and {due.value} is due")
        return term

    def _arithmetic(self, node: ast.BinOp, depth: int) -> Term:
        op = _ARITHMETIC.get(type(node.op))
        if op is None:
            self._fail(node, "is not part of the language: there are + - * /")
        sides = (node.left, node.right)
        parts = tuple(self.read(side, depth + 1) for side in sides)
        between = op == "-" and all(part.type is Type.TIME for part in parts)  # seconds from one time to another
        for side, part in zip(sides, parts, strict=True):
            if part.type is not Type.NUMBER and not between:
                self._fail(side, f"is {part.type.value}, and {Type.NUMBER.value} is due")
        return Term(op, Type.NUMBER, parts)

    def _compared(self, node: ast.Compare, depth: int) -> Term:
        sides = [node.left, *node.comparators]
        pairs = [
            self._pair(op, left, right, depth) for op, left, right in zip(node.ops, sides, sides[1:], strict=False)
        ]
        return pairs[0] if len(pairs) == 1 else Term("and", Type.TRUTH, tuple(pairs))

    def _pair(self, op: ast.cmpop, left: ast.expr, right: ast.expr, depth: int) -> Term:
        if type(op) in _MEMBER:
            return self._member(op, left, right, depth)
        one, other = self.read(left, depth + 1), self.read(right, depth + 1)
        if one.type is not other.type:
            self._fail(right, f"is {other.type.value}, and is compared with {one.type.value}")
        if type(op) in _SAME:
            return Term(_SAME[type(op)], Type.TRUTH, (one, other))
        if type(op) not in _ORDER:
            self._fail(right, 'is compared with "is": write == or missing(…)')
        if one.type not in (Type.NUMBER, Type.TIME):
            self._fail(left, f"is {one.type.value}, which is neither more nor less than another")
        return Term(_ORDER[type(op)], Type.TRUTH, (one, other))

    def _member(self, op: ast.cmpop, left: ast.expr, right: ast.expr, depth: int) -> Term:
        one, values = self.read(left, depth + 1), self._values(right, depth)
        wrong = [value for value in values if type_of(value) is not one.type]
        if wrong:
            self._fail(right, f"holds {type_of(wrong[0]).value}, and {one.type.value} is looked for")
        found = Term("in", Type.TRUTH, (one,), values=values)
        return found if isinstance(op, ast.In) else Term("not", Type.TRUTH, (found,))

    def _values(self, node: ast.expr, depth: int) -> tuple[Constant, ...]:
        if isinstance(node, ast.Name):
            if node.id not in self._words.lists:
                raise PolicyError(f'{self._where}: "{node.id}" is no list. {nearest(node.id, self._words.lists)}')
            return self._words.lists[node.id]
        if not isinstance(node, ast.List | ast.Tuple | ast.Set):
            self._fail(node, 'is no list: write ["a", "b"], or the name of one')
        terms = [self.read(each, depth + 1) for each in node.elts]
        if not terms or any(term.op != "constant" for term in terms):
            self._fail(node, "must hold at least one number or text, and nothing else")
        return tuple(term.values[0] for term in terms)

    def _called(self, node: ast.Call, depth: int) -> Term:
        if not isinstance(node.func, ast.Name) or node.keywords:
            self._fail(node, "is not part of the language: a function takes parts in brackets, and no more")
        name, given = node.func.id, node.args
        if name in SPECIAL:
            return self._special(node, name, depth)
        if name not in FUNCTIONS:
            raise PolicyError(f'{self._where}: "{name}" is no function. {nearest(name, [*FUNCTIONS, *SPECIAL])}')
        told = FUNCTIONS[name]
        if len(given) != len(told.takes):
            self._fail(node, f"has {len(given)} parts, and {len(told.takes)} are due")
        parts = tuple(self._of(each, depth, due) for each, due in zip(given, told.takes, strict=True))
        kept = len(parts) - told.written
        if any(part.op != "constant" for part in parts[kept:]):
            self._fail(given[-1], "must be written out in quotes")
        if name == "matches":
            patterns.read(str(parts[-1].values[0]), self._where)
        return Term(name, told.gives, parts[:kept], values=tuple(part.values[0] for part in parts[kept:]))

    def _special(self, node: ast.Call, name: str, depth: int) -> Term:
        given = node.args
        if name in ("field", "score"):
            said = [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if len(said) != len(given) or len(given) > 1 or (name == "field" and not given):
                self._fail(node, f'takes a name in quotes: {name}("…")')
            return self._field(said[0]) if name == "field" else self._score(said[0] if said else "", node)
        parts = [self.read(each, depth + 1) for each in given]
        due = 1 if name == "missing" else 2
        if len(parts) != due:
            self._fail(node, f"has {len(parts)} parts, and {due} are due")
        if name == "missing":
            return Term(name, Type.TRUTH, tuple(parts))
        if parts[0].type is not parts[1].type:
            self._fail(given[1], f"is {parts[1].type.value}, and stands for {parts[0].type.value}")
        return Term(name, parts[0].type, tuple(parts))

    def _score(self, name: str, node: ast.Call) -> Term:
        known = self._words.scores
        if not known:
            self._fail(node, "needs a model, and the policy has none")
        if not name and len(known) > 1:
            self._fail(node, f'must name a class: score("{known[0]}")')
        if name and name not in known:
            raise PolicyError(f'{self._where}: the model has no class "{name}". {nearest(name, known)}')
        return Term("score", Type.NUMBER, name=name or known[0])
