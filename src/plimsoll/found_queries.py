"""Query by query: what each model is worth, and the first documents of two models side by side with their judgements."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.collection import Collection
from plimsoll.printed import clipped

Array = NDArray[Any]
Why = Callable[[str, int], Sequence[tuple[str, float]]]  # the parts of a document's score to a query, the largest first
Spans = Callable[[str], Sequence[tuple[int, int, tuple[str, ...]]]]
K = 10
_EXTREME = 10  # queries of each kind that are shown whatever chance says
_SHOWN = 100  # queries whose lists are shown
_TOLD = 400  # queries whose figures are
_PARTS = 5  # of a score
_QUERY, _TITLE, _TERM = 300, 160, 40  # letters, before they are cut short
_WORD = re.compile(r"\w+")


def words(text: str) -> list[tuple[int, int, tuple[str, ...]]]:
    """Each word of a text: where it begins and ends, and the word in small letters.

    >>> words("Lift of wings")[0]
    (0, 4, ('lift',))
    """
    return [(found.start(), found.end(), (found[0].casefold(),)) for found in _WORD.finditer(text)]


def asked(
    truth: Array,
    queries: Sequence[str],
    lists: Mapping[str, Array],
    values: Mapping[str, Array],
    collection: Collection,
    fields: Sequence[str],
    why: Mapping[str, Why],
    spans: Spans,
    seed: int,
) -> dict[str, Any]:
    """``asked``: some queries, from the one that the first model gains most at down to the one that it loses most at, and
    ``shelf``: the documents that their lists name, each once. Where there is one model alone the best come first. Of many queries the extremes are shown, and others by chance."""
    own, *rest = values.values()
    lead = own - rest[0] if rest else own
    picked = extremes(lead if rest else np.zeros(len(own)), own)
    others = [row for row in np.random.default_rng([seed, 17]).permutation(len(queries)).tolist() if row not in picked]
    told = [*picked, *others][:_TOLD]
    sides = Sides(truth, queries, dict(list(lists.items())[:2]), Shelf(collection, fields), why, spans)
    shown = {row: sides.of(row, explained=row in picked) for row in told[:_SHOWN]}
    order = sorted(told, key=lambda row: (math.isnan(lead[row]), -lead[row], row))
    found = [
        {
            "text": clipped(queries[row], _QUERY),
            "due": int(((truth[row]["item"] >= 0) & (truth[row]["grade"] > 0)).sum()),
            "values": {name: _figure(each[row]) for name, each in values.items()},
            "kinds": picked.get(row, []),
            **shown.get(row, {}),
        }
        for row in order
    ]
    return {"asked": found, "shelf": sides.shelf.told}


def extremes(lead: Array, own: Array) -> dict[int, list[str]]:
    """The rows of the largest wins, the largest losses and of the least that was found, each with what it is one of.

    >>> extremes(np.array([0.2, -0.1, 0.0]), np.array([0.5, 0.3, 0.9]))
    {0: ['win', 'worst'], 1: ['loss', 'worst'], 2: ['worst']}
    """
    kinds: dict[int, list[str]] = {}
    for kind, rank, mask in (
        ("win", -lead, lead > 0),
        ("loss", lead, lead < 0),
        ("worst", own, ~np.isnan(own)),
    ):
        rows = np.flatnonzero(mask)
        for row in rows[np.argsort(rank[rows], kind="stable")][:_EXTREME].tolist():
            kinds.setdefault(row, []).append(kind)
    return kinds


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)


@dataclass
class Shelf:
    """The documents that were named so far, each with its id and its title."""

    collection: Collection
    fields: Sequence[str]
    told: list[dict[str, str]] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)

    def place(self, document: int) -> int:
        """Where a document stands in ``told``."""
        if document not in self.places:
            self.places[document] = len(self.told)
            self.told.append({"id": clipped(self.collection.ids[document], _TITLE), "title": self._title(document)})
        return self.places[document]

    def title(self, document: int) -> str:
        return self.told[self.place(document)]["title"]

    def _title(self, document: int) -> str:
        """Its first field that says anything; "" of a document that is empty."""
        for name in self.fields:
            cells = self.collection.rows.texts(name)
            code = int(cells.codes[document])
            # Only so much is looked at as may be shown: a document may be a book.
            if said := " ".join(cells.values[code][: 4 * _TITLE].split()) if code >= 0 else "":
                return clipped(said, _TITLE)
        return ""


@dataclass
class Sides:
    """Lists of two models side by side."""

    truth: Array
    queries: Sequence[str]
    lists: Mapping[str, Array]
    shelf: Shelf
    why: Mapping[str, Why]
    spans: Spans

    def of(self, row: int, explained: bool) -> dict[str, Any]:
        """The first ten of each model, and what is relevant and among none of them; ``explained``: with the parts of scores."""
        judged = {
            int(item): float(grade)
            for item, grade in zip(self.truth[row]["item"].tolist(), self.truth[row]["grade"].tolist(), strict=True)
            if item >= 0
        }
        whole = {
            name: [item for item in found[row]["item"].tolist() if item >= 0] for name, found in self.lists.items()
        }
        sought = {term for _, _, terms in self.spans(self.queries[row]) for term in terms}
        sides = {
            name: [self._hit(row, name, item, judged, whole, sought, explained) for item in items[:K]]
            for name, items in whole.items()
        }
        named = {item for items in whole.values() for item in items[:K]}
        left = sorted((-grade, item) for item, grade in judged.items() if grade > 0 and item not in named)
        missed = [self._document(item, judged, sought) | {"places": _places(item, whole)} for _, item in left[:K]]
        return {"sides": sides, "missed": missed, "unseen": len(left)}

    def _hit(
        self,
        row: int,
        name: str,
        item: int,
        judged: Mapping[int, float],
        whole: Mapping[str, list[int]],
        sought: set[str],
        explained: bool,
    ) -> dict[str, Any]:
        hit = self._document(item, judged, sought)
        hit["places"] = _places(item, {other: items for other, items in whole.items() if other != name})
        if explained and name in self.why:
            parts = list(self.why[name](self.queries[row], item))
            hit["why"] = [[clipped(term, _TERM), _short(part)] for term, part in parts[:_PARTS]]
            hit["rest"] = _short(sum(part for _, part in parts[_PARTS:]))
        return hit

    def _document(self, item: int, judged: Mapping[int, float], sought: set[str]) -> dict[str, Any]:
        """``at``: its place on the shelf; ``grade``: None where nobody has judged it; ``marks``: where its title has words of the query."""
        marks = self._marks(self.shelf.title(item), sought)
        found = {"at": self.shelf.place(item), "grade": judged.get(item)}
        return {**found, "marks": marks} if marks else found

    def _marks(self, title: str, sought: set[str]) -> list[list[int]]:
        held: list[list[int]] = []
        for begin, end, terms in self.spans(title):
            if sought.isdisjoint(terms):
                continue
            if held and begin < held[-1][1]:  # pairs of a script without blanks lie over each other
                held[-1][1] = max(end, held[-1][1])
            else:
                held.append([begin, end])
        return held


def _short(part: float) -> float:
    return float(f"{part:.4g}")


def _places(item: int, whole: Mapping[str, Iterable[int]]) -> dict[str, int]:
    """At which place each model has a document, from 1 on; a model that does not have it is left out."""
    return {name: place for name, items in whole.items() for place, other in enumerate(items, 1) if other == item}
