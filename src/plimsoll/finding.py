"""A fitted search as a model whose answers are documents, and the recipe of a family of them.

A family says which documents are best for a text, among those that may be listed; all that a search box can do beside (phrases,
filters, later documents) is done alike for all, by what every family has: an index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll import inverted, letters, pieces, ranking, relevance
from plimsoll.analysis import Analyser, stems
from plimsoll.clock import Clock
from plimsoll.collection import Collection
from plimsoll.inverted import Index
from plimsoll.job import Documents, Job, Task
from plimsoll.knobs import Knobs, Space
from plimsoll.members import arrays_of, parse_json, save
from plimsoll.packed_texts import PackedTexts
from plimsoll.profile import Profile
from plimsoll.recipe import Facts, Fold, Members, Recipe, check_room
from plimsoll.rows import Rows, Value
from plimsoll.schema import Kind, Schema
from plimsoll.stop_words import LISTS

Array = NDArray[Any]
Texts = Mapping[str, Sequence[str | None]]
INDEX, ABOUT = "index.safetensors", "index.json"
QUERY = "query"  # the column of what is asked
# How text becomes terms: knobs of every family.
ANALYSER: dict[str, tuple[Any, ...]] = {
    "fold": letters.FOLDS,
    "stem": (True, False),
    "stop": (True, False),
    "units": ("words", "grams", "pieces"),
}
_GRAM = 4  # letters
_PIECES = 8_000  # subword units that are learned
_LEARNED = 20_000  # documents that they are learned of
_LETTERS = 6.0  # of a word and the space behind it, about
_POSTING = 24.0  # bytes that building an index holds for each word of a document


class Finder(Protocol):
    """What a family fits: which documents are best for a text."""

    @property
    def index(self) -> Index:
        """Of the documents, whatever they are ranked by: phrases, counts and highlights come of it."""

    def best(self, text: str, depth: int, among: NDArray[np.bool_] | None = None) -> Array:
        """The best documents of those ``among`` which may be listed, ``ranking.RANKED`` of shape (depth,)."""

    def because(self, text: str, document: int) -> list[tuple[str, float]]:
        """The parts of a document's score by name, the largest first."""

    def beside(self, texts: Texts) -> Finder:
        """The same over other documents, by what was learned of these."""

    def arrays(self) -> dict[str, Array]:
        """All that is needed to make it again beside its index."""


@dataclass(frozen=True)
class Study:
    """What a fit is given: documents with the columns that are searched, judged queries to learn from (``truth``,
    ``ranking.GRADED`` of shape (queries, most)), a clock and a seed."""

    collection: Collection
    fields: tuple[str, ...]
    queries: Sequence[str]
    truth: Array
    clock: Clock
    seed: int
    search: Documents

    def texts(self) -> Texts:
        """The documents' text by column."""
        return {name: self.collection.rows.texts(name).texts() for name in self.fields}

    def index(self, knobs: Knobs) -> Index:
        """The index by the analyser that the knobs speak of; the folds of a trial share it."""
        made = analyser(self.search, knobs)
        found: Index = self.shared(("index", made), lambda: self._index(made))
        return found

    def _index(self, made: Analyser) -> Index:
        if made.units == "pieces":
            some = np.random.default_rng(self.seed).permutation(len(self.collection))[:_LEARNED]
            drawn = [self.collection.rows.texts(name).take(np.sort(some)).texts() for name in self.fields]
            made = pieces.learned(made, list(chain.from_iterable(drawn)), _PIECES)
        cells = {name: self.collection.rows.texts(name).each() for name in self.fields}
        return inverted.build(cells, made, say=lambda share: self.clock.note("indexing", share))

    def shared(self, key: Any, make: Callable[[], Any]) -> Any:
        """What is made of documents alone, once for all folds."""
        if _SHARED.get("of") is not self.collection:
            _SHARED.clear()
            _SHARED["of"] = self.collection
        if key not in _SHARED:
            _SHARED[key] = make()
        return _SHARED[key]


def worth(lists: Sequence[Array], truth: Array) -> NDArray[np.float64]:
    """nDCG of the first ten of each list, shape (lists,): by this settings are compared."""
    return relevance.each("ndcg@10", ranking.found(np.stack(lists), truth))


_SHARED: dict[Any, Any] = {}  # in a process that fits one trial


def analyser(search: Documents, knobs: Knobs) -> Analyser:
    """How text becomes terms, by the knobs of a family and the language of the job."""
    language = "" if search.language in ("", "none") else search.language
    units = str(knobs.get("units", "words"))
    return Analyser(
        units=units,
        size=_GRAM if units == "grams" else 0,
        fold=str(knobs.get("fold", "case")),
        stem=language if knobs.get("stem", True) and units == "words" and language in stems() else "",
        stop=language if knobs.get("stop", True) and language in LISTS else "",
    )


def plain(job: Job, schema: Schema, knobs: Knobs) -> Knobs:  # noqa: ARG001  # the column changes nothing
    """Only words have a stem, and where documents have no accents or no capitals these need no folding."""
    there = job.search or Documents()
    without = {"accents": not there.accented, "none": not there.cased}
    idle = {"stem": knobs.get("units", "words") != "words", "fold": without.get(str(knobs.get("fold")), False)}
    return {**knobs, **{name: ANALYSER[name][0] for name, off in idle.items() if off}}


@dataclass(frozen=True)
class Finding:
    """A family's finder as a model: a row is a query."""

    name: str
    finder: Finder
    settled: Knobs = field(default_factory=dict)

    def predict(self, rows: Rows) -> Array:
        """Lists of rows, ``ranking.RANKED`` of shape (rows, depth)."""
        found = ranking.nothing(len(rows))
        for row, text in enumerate(rows.texts(QUERY).texts()):
            found[row] = self.finder.best(text or "", ranking.DEPTH)
        return found

    def answer(self, values: Sequence[Value]) -> Any:
        """The list of one query, shape (depth,)."""
        text = values[0]
        return self.finder.best(text if isinstance(text, str) else "", ranking.DEPTH)

    def members(self) -> Members:
        index = self.finder.index
        about = {"fields": list(index.fields), "analyser": index.analyser.as_json()}
        return {
            INDEX: save(index.arrays()),
            ABOUT: msgspec.json.encode(about),
            f"{self.name}.safetensors": save(self.finder.arrays()),
            **getattr(self.finder, "graphs", {}),
        }


Fit = Callable[[Study, Knobs], Finder]
Load = Callable[[Mapping[str, Array], Index, Members], Finder]
Work = Callable[[Profile, Knobs], float]


def recipe(
    name: str,
    space: Space,
    fit: Fit,
    load: Load,
    memory: Work = lambda _profile, _knobs: 0.0,
    work: Work = lambda profile, _knobs: profile.events,
    refuse: Callable[[Job, Schema], str | None] = lambda _job, _schema: None,
) -> Recipe:
    """The recipe of a family: how it is fitted and loaded again, the bytes that it holds beside its index, and its operations."""
    family = Family(name, fit, load, memory, work, refuse)
    return Recipe(name, space, family.refusal, family.facts, family.fitted, family.loaded, plain=plain, finds=True)


@dataclass(frozen=True)
class Family:
    """The functions of a recipe of search."""

    name: str
    fit: Fit
    load: Load
    memory: Work
    work: Work
    refuse: Callable[[Job, Schema], str | None]

    def refusal(self, job: Job, schema: Schema) -> str | None:
        if job.task is not Task.RANKING or len(schema.of(Kind.QUERY)) != 1:
            return "it finds documents for queries"
        return self.refuse(job, schema)

    def facts(self, profile: Profile, knobs: Knobs) -> Facts:
        """A fit goes over the words once; an answer looks at a share of the documents."""
        return Facts(
            operations=(profile.events, self.work(profile, knobs), profile.rows),
            bytes=(_POSTING * profile.events, self.memory(profile, knobs), profile.items),
            answer=(profile.items, profile.letters),
            model=(profile.events, self.memory(profile, knobs)),
        )

    def fitted(self, job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Finding:  # noqa: ARG002
        assert job.search is not None
        assert fold.collection is not None
        self._check_room(job, fold.collection, knobs)
        queries = [text or "" for text in fold.train.texts(QUERY).texts()]
        fields = job.search.fields
        study = Study(fold.collection, fields, queries, fold.target, clock, job.seed, job.search)
        return Finding(self.name, self.fit(study, knobs))

    def _check_room(self, job: Job, collection: Collection, knobs: Knobs) -> None:
        """Raises TrialError before memory is spent that is not there."""
        assert job.search is not None
        shape = Profile(1, items=len(collection), events=words(collection, job.search.fields))
        check_room(job, self.memory(shape, knobs))

    def loaded(self, job: Job, schema: Schema, members: Members) -> Finding:  # noqa: ARG002
        """The model of these members. Raises KeyError and ValueError where they are none."""
        about = parse_json(ABOUT, members[ABOUT])
        made = Analyser.from_json(about["analyser"])
        index = Index.of(arrays_of(INDEX, members[INDEX]), made, tuple(map(str, about["fields"])))
        if index.many != schema.lists:
            raise ValueError(f"an index of {index.many} documents where there are {schema.lists}")
        held = f"{self.name}.safetensors"
        own = arrays_of(held, members[held])
        return Finding(self.name, self.load(own, index, members))


def words(collection: Collection, fields: Sequence[str]) -> float:
    """About how many words the documents have."""
    found = 0
    for name in fields:
        cells = collection.rows.texts(name)
        held = cells.values
        sizes = held.sizes() if isinstance(held, PackedTexts) else np.fromiter(map(len, held), np.int64, len(held))
        found += int(sizes[cells.codes[cells.codes >= 0]].sum())
    return found / _LETTERS
