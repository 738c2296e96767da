"""policy.toml: read, checked to the last word, and told in one line where it is wrong."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from plimsoll import units
from plimsoll.errors import PolicyError, nearest
from plimsoll.policy import harm, notice
from plimsoll.policy.expression import truth
from plimsoll.policy.rules import TYPES, Copies, Counter, Policy, Rule, Truth, words
from plimsoll.policy.terms import FUNCTIONS, SPECIAL, Constant, Term, Type, Words
from plimsoll.policy.written import content, table
from plimsoll.schema import Kind, Schema

MOST_LISTED = 50_000_000  # bytes of a list in a file of its own
MOST_RULES = 1_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_DAYS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:d|days?)\s*")


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Rule(_Strict):
    name: str
    when: str
    then: str = ""
    label: str = ""
    because: str = ""


class _Counter(_Strict):
    by: str
    within: str
    when: str = ""
    sum: str = ""


class _Copies(_Strict):
    of: str
    within: str
    alike: float = 0.8


class _Listed(_Strict):
    file: str


class _Records(_Strict):
    personal: list[str] = []
    keep: str = ""


class _Truth(_Strict):
    column: str
    right: dict[str, list[str]]


class _File(_Strict):
    name: str
    outcomes: list[str]
    rules: list[_Rule]
    version: str = ""
    time: str = ""
    id: str = ""
    fields: dict[str, str] = {}
    lists: dict[str, list[str | float] | _Listed] = {}
    thresholds: dict[str, float] = {}
    counters: dict[str, _Counter] = {}
    copies: dict[str, _Copies] = {}
    truth: _Truth | None = None
    limits: str | list[str] = ""
    breaker: float = 10.0
    records: _Records | None = None
    audit: float = 0.0
    statement: str = ""


_PARTS = {
    "rules": _Rule,
    "counters": _Counter,
    "copies": _Copies,
    "truth": _Truth,
    "lists": _Listed,
    "records": _Records,
}


def read(path: Path | str, schema: Schema | None = None) -> Policy:
    """The policy of a file, for a model of this schema, or for none. Raises PolicyError."""
    path = Path(path)
    text = content(path, "Put long lists into files.")
    try:
        return _policy(table(text, _File, _PARTS), text, path.parent, schema)
    except PolicyError as fault:
        raise PolicyError(f"{path}: {fault}") from None


def _policy(told: _File, text: bytes, folder: Path, schema: Schema | None) -> Policy:
    if schema is not None and (signals := schema.of(Kind.SIGNAL)):
        raise PolicyError(
            f'rules decide on single values, and the model reads a signal, "{signals[0]}". Serve it without.'
        )
    if schema is not None and schema.lists:
        raise PolicyError(
            "rules decide by scores of rows, and the model answers with lists of items. Serve it without."
        )
    outcomes = _outcomes(told)
    fields = {name: _kind(kind, name) for name, kind in told.fields.items()}
    lists, read_from = _lists(told.lists, folder)
    thresholds = {name: float(value) for name, value in told.thresholds.items()}
    _apart(told, fields, schema)
    before = words(schema, fields, lists=lists, thresholds=thresholds)
    counters = tuple(_counter(name, each, before) for name, each in told.counters.items())
    copies = tuple(_copies(name, each, before) for name, each in told.copies.items())
    made = (*told.counters, *told.copies)
    known = words(schema, fields, made, lists=lists, thresholds=thresholds)
    digest = hashlib.sha256(text)
    for part in read_from:
        digest.update(hashlib.sha256(part).digest())
    return Policy(
        told.name,
        outcomes,
        _rules(told.rules, outcomes, known),
        fields,
        lists,
        thresholds,
        counters,
        copies,
        _truth(told.truth, outcomes),
        harm.parse(told.limits, outcomes),
        told.version,
        _field(told.time, "time", before, Type.TIME),
        _field(told.id, "id", before, Type.TEXT),
        _breaker(told.breaker),
        tuple(_field(name, "records.personal", before) for name in told.records.personal) if told.records else (),
        seconds(told.records.keep, "records.keep") if told.records and told.records.keep else None,
        _audit(told.audit),
        _statement(told.statement),
        digest.hexdigest(),
    )


def _outcomes(told: _File) -> tuple[str, ...]:
    for name in told.outcomes:
        if not _NAME.fullmatch(name):
            raise PolicyError(f'outcomes: "{name}" is no name. Write letters, digits and _.')
    if len(told.outcomes) < 2 or len(set(told.outcomes)) != len(told.outcomes):
        raise PolicyError(
            'outcomes: write at least two different ones, the strongest first: ["block", "review", "allow"].'
        )
    if not told.rules or len(told.rules) > MOST_RULES:
        raise PolicyError(f"rules: there are {len(told.rules)}. Write between 1 and {MOST_RULES:,}.")
    return tuple(told.outcomes)


def _kind(word: str, name: str) -> Kind:
    try:
        if (kind := Kind(word)) in TYPES:
            return kind
    except ValueError:
        pass
    raise PolicyError(f'fields.{name}: "{word}" is no kind. {nearest(word, [kind.value for kind in TYPES])}') from None


def _apart(told: _File, fields: Mapping[str, Kind], schema: Schema | None) -> None:
    """No word stands for two things."""
    taken = dict.fromkeys(schema.names if schema else (), "a column of the model")
    taken |= dict.fromkeys((*FUNCTIONS, *SPECIAL), "a function")
    parts: dict[str, Mapping[str, Any]] = {"fields": fields, "lists": told.lists, "thresholds": told.thresholds}
    parts |= {"counters": told.counters, "copies": told.copies}
    for part, names in parts.items():
        for name in names:
            same = (
                schema is not None and part == "fields" and name in schema.names and schema[name].kind is fields[name]
            )
            if name in taken and not same:
                raise PolicyError(f"{part}.{name}: is {taken[name]} already. Give it another name.")
            if part != "fields" and not _NAME.fullmatch(name):
                raise PolicyError(f'{part}: "{name}" is no name. Write letters, digits and _.')
            taken[name] = f"one of the {part}"


def _lists(
    told: Mapping[str, list[str | float] | _Listed], folder: Path
) -> tuple[dict[str, tuple[Constant, ...]], list[bytes]]:
    """The lists, and the bytes of those that stand in files: a text a line, beside the policy."""
    lists: dict[str, tuple[Constant, ...]] = {}
    files = []
    for name, each in told.items():
        if isinstance(each, _Listed):
            text = _beside(folder, each.file, name)
            files.append(text)
            lists[name] = tuple(line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip())
        else:
            lists[name] = tuple(value if isinstance(value, str) else float(value) for value in each)
        if not lists[name] or len({type(value) for value in lists[name]}) > 1:
            raise PolicyError(f"lists.{name}: must hold texts alone or numbers alone, and at least one.")
    return lists, files


def _beside(folder: Path, file: str, name: str) -> bytes:
    place = folder / file
    if Path(file).name != file or place.is_symlink():
        raise PolicyError(f'lists.{name}: "{file}" is not the plain name of a file beside the policy.')
    try:
        if place.stat().st_size > MOST_LISTED:
            raise PolicyError(f"lists.{name}: {file} is larger than {units.show(MOST_LISTED, units.BYTES)}.")
        return place.read_bytes()
    except OSError as fault:
        raise PolicyError(f"lists.{name}: {file} cannot be read: {fault.strerror}.") from None


def _rules(told: list[_Rule], outcomes: tuple[str, ...], known: Words) -> tuple[Rule, ...]:
    found: dict[str, Rule] = {}
    for place, each in enumerate(told):
        name = each.name.strip()
        where = f'rule "{name}"' if name else f"rules[{place}]"
        if not name or name in found or not name.isprintable():
            raise PolicyError(f"{where}: every rule has a name of its own.")
        if each.then and each.then not in outcomes:
            raise PolicyError(f'{where}: "{each.then}" is no outcome. {nearest(each.then, outcomes)}')
        if not each.then and not each.label:
            raise PolicyError(f'{where}: does nothing. Write then = "{outcomes[0]}", or a label.')
        when = truth(each.when, known, where)
        _rising(when, True, where)
        found[name] = Rule(name, when, " ".join(each.when.split()), each.then, each.label, each.because)
    return tuple(found.values())


def _rising(term: Term, wanted: bool, where: str) -> None:
    """A threshold that is lowered must make its rule fire on more: only so can it be solved for a bound on harm."""
    if not term.named("threshold"):
        return
    if term.op in ("and", "or", "not"):
        for part in term.parts:
            _rising(part, wanted is not (term.op == "not"), where)
        return
    rising = (">", ">=") if wanted else ("<", "<=")
    falling = ("<", "<=") if wanted else (">", ">=")
    sides = [part.op == "threshold" for part in term.parts]
    free = [not part.named("threshold") for part in term.parts]
    if (term.op in rising and sides[1:] == [True] and free[0]) or (term.op in falling and sides[0] and free[1]):
        return
    name = min(term.named("threshold"))
    raise PolicyError(
        f'{where}: the threshold "{name}" stands where lowering it need not catch more. Write: … >= {name}.'
    )


def _counter(name: str, told: _Counter, known: Words) -> Counter:
    where = f"counters.{name}"
    when = truth(told.when, known, where) if told.when else None
    by, amount = _field(told.by, f"{where}.by", known), _field(told.sum, f"{where}.sum", known, Type.NUMBER)
    if not by:
        raise PolicyError(f"{where}.by: name the field whose events are counted.")
    return Counter(name, by, seconds(told.within, f"{where}.within"), when, amount)


def _copies(name: str, told: _Copies, known: Words) -> Copies:
    where = f"copies.{name}"
    if not 0.3 <= told.alike <= 1.0:
        raise PolicyError(f"{where}.alike: {told.alike:g} is not between 0.3 and 1.")
    of = _field(told.of, f"{where}.of", known, Type.TEXT)
    if not of:
        raise PolicyError(f"{where}.of: name the text that is compared.")
    return Copies(name, of, seconds(told.within, f"{where}.within"), told.alike)


def seconds(text: str, where: str) -> float:
    """A time such as "10 min" or "7 days". Raises PolicyError."""
    days = _DAYS.fullmatch(text)
    try:
        found = float(days[1]) * 86_400.0 if days else units.parse(text, units.TIME)
    except ValueError:
        raise PolicyError(f'{where}: "{text}" is not a time. Write one such as "10 min", "1 h" or "7 days".') from None
    if found <= 0:
        raise PolicyError(f"{where}: {text} is no time at all.")
    return found


def _field(name: str, where: str, known: Words, due: Type | None = None) -> str:
    """A field that is named elsewhere than in an expression."""
    if name and name not in known.fields:
        raise PolicyError(f'{where}: "{name}" is no field. {nearest(name, known.fields)}')
    if name and due is not None and known.fields[name] is not due:
        raise PolicyError(f'{where}: "{name}" is {known.fields[name].value}, and {due.value} is due.')
    return name


def _truth(told: _Truth | None, outcomes: tuple[str, ...]) -> Truth | None:
    if told is None:
        return None
    for outcome in told.right:
        if outcome not in outcomes:
            raise PolicyError(f'truth.right: "{outcome}" is no outcome. {nearest(outcome, outcomes)}')
    return Truth(told.column, {outcome: tuple(values) for outcome, values in told.right.items()})


def _audit(share: float) -> float:
    if not 0.0 <= share <= 1.0:
        raise PolicyError(f"audit: {share:g} is no share. Write one between 0 and 1, such as 0.01.")
    return share


def _statement(text: str) -> str:
    notice.check(text)
    return text


def _breaker(times: float) -> float:
    if not times > 1.0:
        raise PolicyError(f"breaker: {times:g} is not above 1. A rule is held back at so many times its usual rate.")
    return times
