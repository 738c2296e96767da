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
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from plimsoll import popular, ranking
from plimsoll.clock import Clock
from plimsoll.collection import Collection
from plimsoll.job import Job, Task
from plimsoll.knobs import Knobs, Space
from plimsoll.popular import Popular
from plimsoll.profile import Profile
from plimsoll.recipe import Facts, Fold, Members, Recipe
from plimsoll.rows import Histories, Past, Rows, Value
from plimsoll.schema import Kind, Schema
from plimsoll.scorer import Explaining, Scorer

Array = NDArray[Any]
LATELY = 0.25  # share of the time that is popular of late
_CELLS = 1 << 22  # scores that are held at once
_POPULAR = "popular.counts"
_TREES = "trees.onnx"


@dataclass(frozen=True)
class Listing:
    """``scorer`` says how good each item is after a history, and ``lately`` how popular it is. Where items may not come
    ``again``, those of the history are left out. ``settled`` is what training settled."""

    name: str
    column: str
    scorer: Scorer
    lately: Popular
    again: bool = False
    settled: Knobs = field(default_factory=dict)

    @property
    def many(self) -> int:
        return self.scorer.many

    def scores(self, past: Past) -> NDArray[np.float32]:
        """A score for each item, shape (many,)."""
        if not len(past.items):
            return self.lately.counts.copy()
        return self.filled(self.scorer.score_one(past.items, past.weights))

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
        told = rows.histories(self.column)
        found = ranking.nothing(len(told))
        step = max(1, _CELLS // max(1, self.many))
        for begin in range(0, len(told), step):
            some = told.take(np.arange(begin, min(begin + step, len(told))))
            scores = np.stack([self.scores(some.past(row)) for row in range(len(some))])
            found[begin : begin + step] = ranking.best(scores, None if self.again else some)
        return found

    def answer(self, values: Sequence[Value]) -> Any:
        """The list of one row, shape (depth,)."""
        past = values[0]
        assert isinstance(past, Past)
        return ranking.best_one(self.scores(past), None if self.again else past.items)

    def because(self, past: Past, item: int) -> NDArray[np.float32] | None:
        """How much each event of a history adds to an item's score, shape (events,); None where the family cannot say."""
        return self.scorer.because(past.items, item, past.weights) if isinstance(self.scorer, Explaining) else None

    def members(self) -> Members:
        arrays = {name: np.asarray(array, order="C") for name, array in self.scorer.arrays().items()}
        found = {f"{self.name}.safetensors": save_arrays({**arrays, _POPULAR: self.lately.counts})}
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
        unseen = *_unseen(fold, column, again), fold.valid_target if fold.valid else None
        beside = Beside(fold.collection, clock, job.seed, *unseen, again)
        scorer = self.fit(told, knobs, beside)
        return Listing(self.name, column, scorer, popular.fit(told, LATELY), again, self.settles(scorer))

    def loaded(self, job: Job, schema: Schema, members: Members) -> Listing:
        """The model of these members. Raises KeyError and ValueError where they are none."""
        assert job.lists is not None
        arrays = dict(load_arrays(members[f"{self.name}.safetensors"]))
        lately = popular.of({"counts": arrays.pop(_POPULAR)})
        graph: Any = {_TREES: members[_TREES]} if _TREES in members else {}
        scorer = self.load({**arrays, **graph})
        column = schema.of(Kind.HISTORY)[0]
        if not scorer.many == lately.many == schema[column].distinct:
            raise ValueError(f"scores of {scorer.many} items where there are {schema[column].distinct}")
        return Listing(self.name, column, scorer, lately, job.lists.again)


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
