"""Rules inside a list, from a file: what must and must not be in it, how many of a kind, and what stands higher than its score
puts it.

TOML in the language of policies, over what the collection knows of its items. Every expression is carried out once for all
items, when the file is read; a request then costs a few steps over arrays (see ``list_choice``).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll.collection import Collection
from plimsoll.errors import PolicyError, nearest
from plimsoll.list_choice import Cap, ListRules, Said
from plimsoll.policy.expression import truth
from plimsoll.policy.online import compiled
from plimsoll.policy.rules import TYPES
from plimsoll.policy.terms import Term, Type, Words
from plimsoll.policy.written import content, table
from plimsoll.rows import Coded

FORMAT = 1
MOST_RULES = 100
MOST_BY = 10.0  # spreads that a boost adds or takes


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _When(_Strict):
    when: str


class _AtMost(_Strict):
    of: str
    n: int


class _Boost(_Strict):
    when: str
    by: float


class _File(_Strict):
    format: int
    must: list[_When] = []
    must_not: list[_When] = []
    at_most: list[_AtMost] = []
    boost: list[_Boost] = []


_PARTS = {"must": _When, "must_not": _When, "at_most": _AtMost, "boost": _Boost}


def read(path: Path | str, items: Collection) -> ListRules:
    """The rules of a file, over these items. Raises PolicyError in one line."""
    path = Path(path)
    text = content(path, "Write fewer rules.")
    try:
        return of(text, items)
    except PolicyError as fault:
        raise PolicyError(f"{path}: {fault}") from None


def of(text: bytes, items: Collection) -> ListRules:
    """The rules of a text.

    >>> from plimsoll.ids import Ids
    >>> from plimsoll.rows import Rows
    >>> from plimsoll.schema import Column, Kind, Schema
    >>> films = Collection(Ids.of("abc"), Rows(3, {"year": np.array([1949.0, np.nan, 1999.0])}), Schema((Column("year", Kind.NUMBER),), "film"))
    >>> of(b'format = 1\\n[[must_not]]\\nwhen = "year < 1950"', films).forbidden.tolist()
    [True, False, False]
    """
    told = table(text, _File, _PARTS)
    many = len(told.must) + len(told.must_not) + len(told.at_most) + len(told.boost)
    if told.format != FORMAT:
        raise PolicyError(f"format: {told.format} is not known. This program reads format = {FORMAT}.")
    if not 1 <= many <= MOST_RULES:
        raise PolicyError(f"there are {many} rules. Write between 1 and {MOST_RULES}.")
    for place, each in enumerate(told.boost):
        if not 0.0 < abs(each.by) <= MOST_BY:
            raise PolicyError(f"boost[{place}]: by = {each.by:g} is not between {-MOST_BY:g} and {MOST_BY:g}, or is 0.")
    whens = [(kind, each.when) for kind in ("must", "must_not", "boost") for each in getattr(told, kind)]
    masks = holds(_terms(told, items), items)
    must, must_not, boost = np.split(masks, np.cumsum([len(told.must), len(told.must_not)]))
    by = np.array([each.by for each in told.boost], dtype=np.float64)
    caps = _caps(told.at_most, items)
    said = [Said(kind, when, int(mask.sum())) for (kind, when), mask in zip(whens, masks, strict=True)]
    said += [
        Said("at_most", f"{each.n} of {each.of}", int((cap.kinds >= 0).sum()))
        for each, cap in zip(told.at_most, caps, strict=True)
    ]
    found = ListRules(
        np.asarray(must_not.any(axis=0)),
        (~must).sum(axis=0).astype(np.int16),
        (by @ boost).astype(np.float32),
        caps,
        tuple(said),
        hashlib.sha256(text).hexdigest(),
    )
    _some_left(found)
    return found


def _some_left(found: ListRules) -> None:
    many = len(found.forbidden)
    if found.forbidden.all():
        raise PolicyError(f"must_not: holds for all {many:,} items, so nothing is left to list.")
    if (found.forbidden | (found.fails > 0)).all():
        raise PolicyError(f"must: of {many:,} items none keeps all of what must and must not be, so nothing is left.")


def _terms(told: _File, items: Collection) -> list[Term]:
    """Every expression, checked; the id of an item is a text by its column's name."""
    schema = items.schema
    words = Words({schema.target: Type.TEXT, **{column.name: TYPES[column.kind] for column in schema.columns}})
    parts: dict[str, Sequence[_When | _Boost]] = {"must": told.must, "must_not": told.must_not, "boost": told.boost}
    return [
        truth(each.when, words, f"{kind}[{place}]") for kind, rules in parts.items() for place, each in enumerate(rules)
    ]


def holds(terms: Sequence[Term], items: Collection) -> NDArray[np.bool_]:
    """Where each expression is true, shape (terms, items); what is missing makes it neither true nor false."""
    found = np.zeros((len(terms), len(items)), dtype=bool)
    used = sorted(set().union(*(term.named("field") for term in terms)))
    fires = compiled(terms, used)
    for place, event in enumerate(_events(used, items)):
        for hit in fires(event):
            found[hit, place] = True
    return found


def _events(used: Sequence[str], items: Collection) -> Iterator[Sequence[Any]]:
    """Of each item its cells of these columns."""
    if not used:
        return itertools.repeat((), len(items))
    cells: list[Sequence[Any]] = []
    for name in used:
        held = items.rows.columns.get(name)
        if held is None:
            cells.append(items.ids.names(range(len(items))))
        else:
            cells.append(held.texts() if isinstance(held, Coded) else np.asarray(held).tolist())
    return zip(*cells, strict=True)


def _caps(told: Sequence[_AtMost], items: Collection) -> tuple[Cap, ...]:
    named = [each.of for each in told]
    for place, each in enumerate(told):
        where = f"at_most[{place}]"
        if each.of not in items.schema.names:
            raise PolicyError(f'{where}: "{each.of}" is no column of items. {nearest(each.of, items.schema.names)}')
        if each.n < 1:
            raise PolicyError(f"{where}: n = {each.n} is less than 1. To list none of a kind, write a must_not.")
        if named.index(each.of) != place:
            raise PolicyError(f'{where}: "{each.of}" has a rule already. Keep the stricter one.')
    return tuple(Cap(each.n, _kinds(items.rows.columns[each.of])) for each in told)


def _kinds(cells: Any) -> NDArray[np.int32]:
    """The number of each cell's value, shape (items,); -1 where it is missing."""
    if isinstance(cells, Coded):
        return cells.codes
    numbers = np.unique(cells, return_inverse=True)[1].astype(np.int32)
    return np.where(np.isnan(cells), np.int32(-1), numbers)
