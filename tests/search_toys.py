"""A small bundle that searches, of documents about an old library, without a run: its family counts what a document has."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import catalogue, finding, inverted, ranking
from plimsoll.analysis import Analyser
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.collection import Collection
from plimsoll.finding import Finding
from plimsoll.ids import Ids
from plimsoll.inverted import Index
from plimsoll.job import Documents, Job, Task
from plimsoll.knobs import Space
from plimsoll.recipe import Members, Recipe
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.serve.searcher import Searcher

HOSTILE = '<img src=x onerror=alert(1)> & "quotes" on a map'
DOCUMENTS: list[tuple[int, str, str, str | None, float]] = [
    (3, "A map of the northern sea", "Old charts show a northern sea that no ship has crossed.", "maps", 1720.0),
    (5, "Tides", "The tide turns twice a day. A map helps no one who forgets the tide.", "sea", 1801.0),
    (8, "Lighthouses of the west coast", "A lighthouse keeper writes letters about storms and a lost map.", "sea", 1855.0),
    (10, "Letters of a keeper", "Letters from a lighthouse, written in winter storms.", "letters", 1857.0),
    (12, HOSTILE, "<script>document.title='owned'</script> stands in a text about a map.", None, float("nan")),
    (15, "🗺🧭 A map with pictures", "🗺 Signs stand before the map, and a 🧭 behind it.", "maps", 1990.0),
]  # fmt: skip


@dataclass(frozen=True)
class Counting:
    """Ranks by how often a document has the terms of a text, the rarer ones for more."""

    index: Index

    def _parts(self, text: str) -> dict[str, NDArray[np.float32]]:
        found: dict[str, NDArray[np.float32]] = {}
        for term in dict.fromkeys(self.index.analyser.terms(text)):
            if (number := self.index.lexicon.find(term)) >= 0:
                own = slice(int(self.index.starts[number]), int(self.index.starts[number + 1]))
                part = np.zeros(self.index.many, dtype=np.float32)
                part[self.index.docs[own]] = self.index.counts[:, own].sum(axis=0) / (own.stop - own.start)
                found[term] = part
        return found

    def best(self, text: str, depth: int, among: NDArray[np.bool_] | None = None) -> NDArray[Any]:
        scores = sum(self._parts(text).values(), np.zeros(self.index.many, dtype=np.float32))
        scores = np.where(scores > 0, scores, -np.inf)
        return ranking.best_one(scores if among is None else np.where(among, scores, -np.inf), None, depth)

    def because(self, text: str, document: int) -> list[tuple[str, float]]:
        told = [(term, float(part[document])) for term, part in self._parts(text).items() if part[document] > 0]
        return sorted(told, key=lambda each: -each[1])

    def beside(self, texts: Mapping[str, Sequence[str | None]]) -> Counting:
        return Counting(inverted.build(texts, self.index.analyser))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {}


def _unused(*_: Any) -> Any:
    raise AssertionError("what is served fits nothing")


def _loaded(arrays: Mapping[str, Any], index: Index, members: Members) -> Counting:
    return Counting(index)


COUNTING: Recipe = finding.recipe("counting", Space(()), _unused, _loaded)


def find(name: str) -> Recipe:
    """Stands in for the catalogue."""
    return COUNTING if name == "counting" else _real(name)


_real = catalogue.find


def shelf(documents: Sequence[tuple[Any, ...]] = DOCUMENTS) -> Collection:
    ids, titles, texts, kinds, years = zip(*documents, strict=True)
    columns: dict[str, Any] = {
        "title": Coded.of(titles),
        "text": Coded.of(texts),
        "kind": Coded.of(kinds),
        "year": np.array(years, dtype=np.float64),
    }
    schema = Schema(
        (
            Column("title", Kind.TEXT),
            Column("text", Kind.TEXT),
            Column("kind", Kind.CATEGORY),
            Column("year", Kind.NUMBER),
        ),
        "number",
    )
    return Collection(Ids.of(map(str, ids)), Rows(len(ids), columns), schema)


@functools.cache
def searching() -> Bundle:
    held, fields = shelf(), ("title", "text")
    index = inverted.build({name: held.rows.texts(name).texts() for name in fields}, Analyser())
    job = Job("number", task=Task.RANKING, search=Documents(text=",".join(fields)))
    schema = Schema((Column(finding.QUERY, Kind.QUERY, 0.0, len(held), "a lost map"),), "number")
    members = {**Finding("counting", Counting(index)).members(), **held.members()}
    return Bundle(job, schema, "counting", {}, Calibration(), members, {"digest": "ab" * 32})


def searcher(later: Path | None = None) -> Searcher:
    """Needs ``find`` in the catalogue's place."""
    return Searcher(searching(), later=later)
