"""A fitted recommender as a model whose answers are lists, and the recipe of a family of them.

A family says how scores come from a history; lists are made here, for all alike: what was seen is left out, the best come
first, and an item of which the scorer says nothing at all stands where its popularity puts it among its like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from plimsoll import popular, ranking, segments
from plimsoll.clock import Clock
from plimsoll.collection import Collection
from plimsoll.job import Job, Task
from plimsoll.knobs import Knobs, Space
from plimsoll.members import load as load_arrays
from plimsoll.popular import Popular
from plimsoll.profile import Profile
from plimsoll.recipe import Facts, Fold, Members, Recipe, check_room
from plimsoll.rows import Histories, Past, Rows, Value, listed
from plimsoll.schema import Kind, Schema
from plimsoll.scorer import Explaining, Scorer
from plimsoll.segments import Segments

Array = NDArray[Any]
LATELY = 0.25  # share of the time that is popular of late
_CELLS = 1 << 22  # scores that are held at once
_POPULAR = "popular.counts"
_TREES = "trees.onnx"


@dataclass(frozen=True)
class Listing:
    """``scorer`` says how good each item is after a history, and ``lately`` how popular it is; to somebody who has done nothing yet,
    ``segments`` say how popular among people like them, by the columns ``about`` them. Where items may not come ``again``,
    those of the history are left out. ``settled`` is what training settled."""

    name: str
    column: str
    scorer: Scorer
    lately: Popular
    again: bool = False
    settled: Knobs = field(default_factory=dict)
    about: tuple[str, ...] = ()
    segments: Segments = field(default_factory=lambda: Segments(()))

    @property
    def many(self) -> int:
        return self.scorer.many

    def scores(self, past: Past, about: Sequence[Value] = ()) -> NDArray[np.float32]:
        """A score for each item, shape (many,), after a history of somebody of whom so much is known."""
        if not len(past.items):
            return self._to_nobody(about)
        return self.filled(self.scorer.score_one(past.items, past.weights))

    def _to_nobody(self, about: Sequence[Value]) -> NDArray[np.float32]:
        counts = self.lately.counts
        if not about:
            return counts.copy()
        return np.asarray(counts * np.exp(self.segments.lift(about, self.many)), dtype=np.float32)

    def filled(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same with items of which nothing is said in the order of their popularity: below all that something good is said
        of, and above what something bad is."""
        silent = np.flatnonzero(scores == 0.0)
        if len(silent):
            sizes = np.abs(scores)
            sizes[silent] = np.inf
            least = sizes.min()
            room = 0.5 * least if 0.0 < least < np.inf else 1.0
            scores[silent] = -np.float32(room) * self._unpopular[silent]
        return scores

    @property
    def _unpopular(self) -> NDArray[np.float32]:
        """From near 0 of the most popular to 1, each its own, shape (many,)."""
        held: NDArray[np.float32] | None = self.__dict__.get("_places")
        if held is None:
            order = np.argsort(-self.lately.counts, kind="stable")
            held = np.empty(self.many, dtype=np.float32)
            held[order] = np.arange(1, self.many + 1) / self.many
            object.__setattr__(self, "_places", held)
        return held

    def predict(self, rows: Rows) -> Array:
        """Lists of rows, ``ranking.RANKED`` of shape (rows, depth)."""
        told, about = rows.histories(self.column), self._about(rows)
        found = ranking.nothing(len(told))
        step = max(1, _CELLS // max(1, self.many))
        for begin in range(0, len(told), step):
            some = told.take(np.arange(begin, min(begin + step, len(told))))
            scores = np.stack([self.scores(some.past(row), about[begin + row]) for row in range(len(some))])
            found[begin : begin + step] = ranking.best(scores, None if self.again else some)
        return found

    def _about(self, rows: Rows) -> list[tuple[Value, ...]]:
        """What is known of who each row is of, in the order of the columns."""
        if not self.about:
            return [()] * len(rows)
        return list(zip(*(listed(rows.columns[name]) for name in self.about), strict=True))

    def answer(self, values: Sequence[Value]) -> Any:
        """The list of one row, shape (depth,)."""
        past = values[0]
        assert isinstance(past, Past)
        return ranking.best_one(self.scores(past, values[1:]), None if self.again else past.items)

    def because(self, past: Past, item: int) -> NDArray[np.float32] | None:
        """How much each event of a history adds to an item's score, shape (events,); None where the family cannot say."""
        return self.scorer.because(past.items, item, past.weights) if isinstance(self.scorer, Explaining) else None

    def members(self) -> Members:
        arrays = {name: np.asarray(array, order="C") for name, array in self.scorer.arrays().items()}
        arrays |= {_POPULAR: self.lately.counts, **self.segments.arrays()}
        found = {f"{self.name}.safetensors": save_arrays(arrays)}
        trees = getattr(self.scorer, "trees", None)
        return found if trees is None else {**found, _TREES: trees}


Fit = Callable[[Histories, Knobs, "Beside"], Scorer]
Load = Callable[[Mapping[str, Array]], Scorer]
Work = Callable[[Profile, Knobs], float]


@dataclass(frozen=True)
class Beside:
    """What a fit is given beside histories: the collection, a clock, a seed, and a judge of scores on rows that are not seen
    (None in the last fit), shape (rows, many), more being better. ``truth`` is what came next in those rows, and whether items
    may come ``again``, for a fit that asks about some of them."""

    collection: Collection
    clock: Clock
    seed: int
    unseen: Histories | None = None
    judge: Callable[[Array], float] | None = None
    truth: Array | None = None
    again: bool = False


def recipe(
    name: str,
    space: Space,
    fit: Fit,
    load: Load,
    memory: Work,
    work: Work,
    settles: Callable[[Scorer], Knobs] = lambda _scorer: {},
    refuse: Callable[[Job, Schema], str | None] = lambda _job, _schema: None,
    devices: bool = False,
) -> Recipe:
    """The recipe of a family: how it is fitted and loaded again, the bytes that a fit holds beside the events, and the
    operations of it."""
    family = Family(name, fit, load, memory, work, settles, refuse)
    return Recipe(name, space, family.refusal, family.facts, family.fitted, family.loaded, devices=devices, lists=True)


@dataclass(frozen=True)
class Family:
    """The functions of a recipe of lists."""

    name: str
    fit: Fit
    load: Load
    memory: Work
    work: Work
    settles: Callable[[Scorer], Knobs]
    refuse: Callable[[Job, Schema], str | None]

    def refusal(self, job: Job, schema: Schema) -> str | None:
        if job.task is not Task.RANKING or len(schema.of(Kind.HISTORY)) != 1:
            return "it answers with lists"
        return self.refuse(job, schema)

    def facts(self, profile: Profile, knobs: Knobs) -> Facts:
        """A fit goes over the events once or so; an answer scores every item."""
        return Facts(
            operations=(profile.events, self.work(profile, knobs), profile.items),
            bytes=(self.memory(profile, knobs), 20.0 * profile.events),
            answer=(profile.items, profile.events / max(1, profile.rows)),
            model=(profile.items, self.memory(profile, knobs)),
        )

    def fitted(self, job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Listing:
        column = schema.of(Kind.HISTORY)[0]
        told = fold.train.histories(column)
        assert job.lists is not None
        assert fold.collection is not None
        again = job.lists.again
        self._check_room(job, told, knobs)
        unseen = *_unseen(fold, column, again), fold.valid_target if fold.valid else None
        beside = Beside(fold.collection, clock, job.seed, *unseen, again)
        scorer = self.fit(told, knobs, beside)
        people = schema.without([column])
        known = segments.fit(told, fold.train, people)
        lately = popular.fit(told, LATELY)
        return Listing(self.name, column, scorer, lately, again, self.settles(scorer), people.names, known)

    def _check_room(self, job: Job, told: Histories, knobs: Knobs) -> None:
        """Raises TrialError before memory is spent that is not there: some families grow with the square of the items."""
        shape = Profile(len(told), events=float(told.lengths.sum()), items=told.many)
        check_room(job, self.memory(shape, knobs))

    def loaded(self, job: Job, schema: Schema, members: Members) -> Listing:
        """The model of these members. Raises KeyError and ValueError where they are none."""
        assert job.lists is not None
        arrays = dict(load_arrays(members[f"{self.name}.safetensors"]))
        lately = popular.of({"counts": arrays.pop(_POPULAR)})
        column = schema.of(Kind.HISTORY)[0]
        people = schema.without([column])
        known = segments.of(arrays, lately.many, people)
        arrays = {name: array for name, array in arrays.items() if not name.startswith(segments.PREFIX)}
        graph: Any = {_TREES: members[_TREES]} if _TREES in members else {}
        scorer = self.load({**arrays, **graph})
        if not scorer.many == lately.many == schema[column].distinct:
            raise ValueError(f"scores of {scorer.many} items where there are {schema[column].distinct}")
        return Listing(self.name, column, scorer, lately, job.lists.again, about=people.names, segments=known)


def _unseen(fold: Fold, column: str, again: bool) -> tuple[Histories | None, Callable[[Array], float] | None]:
    """Histories whose next items are known, and how many of these scores find: nDCG of the first ten."""
    if fold.valid is None or fold.valid_target is None:
        return None, None
    told, truth = fold.valid.histories(column), fold.valid_target
    from plimsoll import relevance

    def judge(scores: Array) -> float:
        lists = ranking.best(scores, None if again else told)
        return relevance.mean(relevance.each("ndcg@10", ranking.found(lists, truth)))

    return told, judge
