"""Rules inside a list: what must and must not be in it, how many of a kind, and what stands higher than its score puts it.

A file of TOML in the language of policies, over what the collection knows of its items. Every expression is carried out once
for all items, when the file is read; a request then costs a few steps over arrays.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll import ranking
from plimsoll.collection import Collection
from plimsoll.errors import PolicyError, nearest
from plimsoll.policy.expression import truth
from plimsoll.policy.online import compiled
from plimsoll.policy.rules import TYPES
from plimsoll.policy.terms import Term, Type, Words
from plimsoll.policy.written import content, table
from plimsoll.rows import Coded

Array = NDArray[Any]
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


@dataclass(frozen=True)
class Said:
    """A rule as it was written: the ``kind`` of it, its ``text``, and of how many ``items`` it speaks."""

    kind: str
    text: str
    items: int


@dataclass(frozen=True)
class Cap:
    """At most ``n`` of a kind: the number of each item's kind, shape (items,), -1 of an item that is of none."""

    n: int
    kinds: NDArray[np.int32]

    @cached_property
    def many(self) -> int:
        return int(self.kinds.max(initial=-1)) + 1


@dataclass(frozen=True)
class ListRules:
    """Of each item, shape (items,): whether it is ``forbidden``, how many rules of what must be it ``fails``, and by how many
    spreads it is to ``rise``; and what there may be at most. ``said`` are the rules in the order of the file."""

    forbidden: NDArray[np.bool_]
    fails: NDArray[np.int16]
    rise: NDArray[np.float32]
    caps: tuple[Cap, ...]
    said: tuple[Said, ...] = ()
    digest: str = ""

    def best(self, scores: Array, seen: Array | None = None, k: int = ranking.DEPTH) -> tuple[Array, int]:
        """The list of one row by its scores, shape (items,): ``RANKED`` of shape (k,), and how many of it, the last ones, break
        a rule.

        Again and again the item is taken that breaks the fewest rules beside those that are in the list, and of such the one
        with the best score, or else the lowest number. So nothing is taken that breaks a rule while something is left that
        breaks none. What scores minus infinity is not offered. Raises TrialError for a score that is nan or infinite.

        >>> drama = np.array([0, 0, 1, 0], np.int32)
        >>> told = ListRules(np.array([True, False, False, False]), np.zeros(4, np.int16), np.zeros(4, np.float32), (Cap(1, drama),))
        >>> found, filled = told.best(np.array([9.0, 4.0, 1.0, 3.0]), k=3)
        >>> found["item"].tolist(), filled
        ([1, 2, 3], 1)
        """
        scores, found = self._risen(scores, seen), ranking.nothing(1, k)[0]
        tallies = [Tally(cap) for cap in self.caps]
        place = filled = level = 0
        while place < k and level <= int(self.fails.max(initial=0)) + len(self.caps):
            pool = ranking.best_one(self._breaking(level, scores, tallies))
            items = pool["item"][pool["item"] >= 0].tolist()
            for item in items:
                # What was taken before it may have filled its kind.
                if place < k and self.fails[item] + sum(tally.full(item) for tally in tallies) == level:
                    found[place] = item, scores[item]
                    scores[item] = -np.inf
                    place, filled = place + 1, filled + int(level > 0)
                    for tally in tallies:
                        tally.take(item)
            level += not items  # what breaks so many has been taken, and nothing will ever break fewer
        return found, filled

    def _breaking(self, level: int, scores: Array, tallies: Sequence[Tally]) -> NDArray[np.float32]:
        """The scores of what breaks so many rules beside what is in the list, and minus infinity of all else."""
        if not level and not any(tally.bites for tally in tallies):
            return np.asarray(scores + self._sound)  # most lists are made in this one step, so it is a quick one
        breaks = self.fails + sum((tally.broken for tally in tallies), np.int16(0))
        return np.where(breaks == level, scores, np.float32(-np.inf))

    @cached_property
    def _sound(self) -> NDArray[np.float32]:
        """0 of items that are all they must be, and minus infinity of others."""
        return np.where(self.fails > 0, np.float32(-np.inf), np.float32(0))

    @cached_property
    def _allowed(self) -> NDArray[np.float32]:
        """0 of items that are not forbidden, and minus infinity of others."""
        return np.where(self.forbidden, np.float32(-np.inf), np.float32(0))

    def _risen(self, scores: Array, seen: Array | None) -> NDArray[np.float32]:
        """What may be listed, each by its score and what it is to rise: in units of the way from the best to the hundredth."""
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is said to be below
            risen = np.asarray(scores, dtype=np.float32) + self._allowed
            if seen is not None:
                risen[seen] = -np.inf
            if self.rise.any():
                top = ranking.best_one(risen)
                held = top["score"][top["item"] >= 0]
                if len(held):
                    risen += self.rise * (held[0] - held[-1])
        return risen


class Tally:
    """How many of each kind are in a list, and which kinds may have no more."""

    def __init__(self, cap: Cap) -> None:
        self._cap, self._counts = cap, dict[int, int]()
        self._full = np.zeros(cap.many + 1, dtype=np.int16)  # the last is of what is of no kind, which is number -1

    def full(self, item: int) -> int:
        """Whether one more of this item's kind breaks the rule, 1 or 0."""
        return int(self._full[self._cap.kinds[item]])

    @property
    def bites(self) -> bool:
        """Whether any kind may have no more."""
        return bool(self._full.any())

    @property
    def broken(self) -> NDArray[np.int16]:
        """The same of all items, shape (items,)."""
        return np.asarray(self._full[self._cap.kinds])

    def take(self, item: int) -> None:
        kind = int(self._cap.kinds[item])
        if kind >= 0:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._full[kind] = self._counts[kind] >= self._cap.n


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
