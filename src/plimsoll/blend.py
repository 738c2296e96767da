"""blend: several models as one, their answers pooled with weights, and those of one kind compiled into one model.

For classes the pool is geometric, p ∝ Π p_k^w_k (Genest and Zidek 1986), which is the mean of the models' logits; so a
blend of forests is one forest with more trees, and a blend of linear models one linear model, and neither is told from
its parts by more than rounding. For a number the pool is the weighted mean.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np

from plimsoll import catalogue
from plimsoll.calibration import softmax, softmax_one
from plimsoll.clock import Clock
from plimsoll.errors import JobError
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space, Value
from plimsoll.profile import Profile
from plimsoll.recipe import Answers, Facts, Fold, Members, Model, Recipe, together
from plimsoll.rows import Rows
from plimsoll.rows import Value as Cell
from plimsoll.schema import Schema
from plimsoll.streaming import Carries, Chunk, carried

MOST = 16  # parts of a blend
NOT_ALONE = "it is made of other trials"
_Thing = TypeVar("_Thing")
_TINY = 1e-12  # the least probability that is pooled, as in calibration

Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9_]{0,63}\Z")]  # of a recipe
_Weight = Annotated[float, msgspec.Meta(gt=0.0)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model of a blend before it is fitted. Knobs that are not named have their defaults."""

    recipe: Name
    knobs: dict[str, Value] = {}
    weight: _Weight = 1.0  # beside those of the other parts, whatever they sum to

    @property
    def whole(self) -> dict[str, Value]:
        """Every knob of its recipe."""
        return {**single(self.recipe).space.default, **self.knobs}


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    recipe: Name
    weight: _Weight


_Parts = Annotated[list[Part], msgspec.Meta(min_length=1, max_length=MOST)]
_Listing = Annotated[list[_Kept], msgspec.Meta(min_length=1, max_length=MOST)]


def of(parts: Sequence[Part]) -> dict[str, Value]:
    """The knobs of a blend of these parts.

    >>> of([Part("linear", weight=2.0)])
    {'parts': '[{"knobs":{},"recipe":"linear","weight":2.0}]'}
    """
    return {"parts": msgspec.json.encode(list(parts), order="sorted").decode()}


def read(text: Value) -> list[Part]:
    """The parts that the knob names. Raises ValueError with the place of the fault, JobError for an unknown recipe.

    >>> read('[{"recipe": "linear", "weight": 0}]')
    Traceback (most recent call last):
    msgspec.ValidationError: Expected `float` > 0.0 - at `$[0].weight`
    """
    found: list[Part] = msgspec.json.decode(str(text), type=_Parts)
    for part in found:
        single(part.recipe)
    return found


def single(name: str) -> Recipe:
    """The recipe of a part or a student: one that is not made of others itself. Raises ValueError or JobError."""
    return catalogue.find(_alone(name))


def loaded(name: str, job: Job, schema: Schema, members: Members) -> Model:
    """The model of a part or a student, from its members. Raises ValueError or JobError as ``single`` does."""
    return catalogue.load(_alone(name), job, schema, members)


def _alone(name: str) -> str:
    if name in catalogue.MADE:
        raise ValueError(f'"{name}" is made of other models, so it cannot be a part of one')
    return name


def own(prefix: str, found: Mapping[str, _Thing]) -> dict[str, _Thing]:
    """What a part has as its own among the knobs, or the members, of all: what stands under its prefix.

    >>> own("1.", {"parts": "[]", "0.trees": 120, "1.trees": 80})
    {'trees': 80}
    """
    return {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}


def under(prefix: str, found: Mapping[str, _Thing]) -> dict[str, _Thing]:
    """The inverse of ``own``."""
    return {f"{prefix}{name}": value for name, value in found.items()}


def pool(answers: Sequence[Answers], weights: Sequence[float]) -> Answers:
    """One answer from several, the weights summing to one: geometric of probabilities, the mean of numbers.

    >>> pool([np.array([1.0, 2.0]), np.array([3.0, 2.0])], [0.5, 0.5]).tolist()
    [2.0, 2.0]
    """
    shares = zip(weights, answers, strict=True)
    if answers[0].ndim == 1:
        return np.asarray(np.sum([weight * each for weight, each in shares], axis=0))
    return softmax(np.sum([weight * np.log(np.maximum(each, _TINY)) for weight, each in shares], axis=0))


@dataclass(frozen=True)
class Blend:
    """Fitted models with their recipes' names and their weights, which sum to one."""

    models: tuple[Model, ...]
    recipes: tuple[str, ...]
    weights: tuple[float, ...]
    settled: Knobs = field(default_factory=dict)

    def predict(self, rows: Rows) -> Answers:
        answers = [model.predict(rows) for model in self.models]
        if len(answers) == 1:
            return answers[0]
        return pool(answers, self.weights)

    def answer(self, values: Sequence[Cell]) -> Sequence[float]:
        return self._pooled([model.answer(values) for model in self.models])

    def answers(self, rows: Sequence[Sequence[Cell]]) -> list[Sequence[float]]:
        each = [together(model, rows) for model in self.models]
        return [self._pooled(answers) for answers in zip(*each, strict=True)]

    def _pooled(self, answers: Sequence[Sequence[float]]) -> Sequence[float]:
        """``predict``'s pool for one row, in plain Python."""
        if len(answers) == 1:
            return answers[0]
        if len(answers[0]) == 1:
            return [sum(weight * value for weight, (value,) in zip(self.weights, answers, strict=True))]
        logs = [0.0] * len(answers[0])
        for weight, each in zip(self.weights, answers, strict=True):
            logs = [log + weight * math.log(p if p > _TINY else _TINY) for log, p in zip(logs, each, strict=True)]
        return softmax_one(logs)

    def members(self) -> Members:
        listed = [{"recipe": name, "weight": weight} for name, weight in zip(self.recipes, self.weights, strict=True)]
        found = {"blend.json": json.dumps(listed, sort_keys=True).encode()}
        for k, model in enumerate(self.models):
            found |= under(f"{k}.", model.members())
        return found

    def streamed(self, schema: Schema) -> Carries:
        return _Side(self, tuple(carried(model, schema) for model in self.models))


@dataclass(frozen=True)
class _Side:
    """The models of a blend side by side, as one that carries the states of all."""

    blend: Blend
    models: tuple[Carries, ...]

    def start(self, first: int, stride: int, beside: Sequence[Cell] = ()) -> tuple[Any, ...]:
        return tuple(model.start(first, stride, beside) for model in self.models)

    def step(self, chunk: Chunk, state: tuple[Any, ...]) -> tuple[Answers, tuple[Any, ...]]:
        told = [model.step(chunk, own) for model, own in zip(self.models, state, strict=True)]
        answers = [each for each, _ in told]
        pooled = answers[0] if len(answers) == 1 or not len(answers[0]) else pool(answers, self.blend.weights)
        return pooled, tuple(own for _, own in told)


def refuse(_job: Job, _schema: Schema) -> str | None:
    return NOT_ALONE


def facts(profile: Profile, knobs: Knobs) -> Facts:
    """The sums of the parts' facts: what fitting them all costs, and what asking and keeping them would, unjoined."""
    return summed([single(part.recipe).facts(profile, part.whole) for part in read(knobs["parts"])])


def summed(several: Sequence[Facts]) -> Facts:
    """Facts of one addend each: families name theirs in terms of their own, so only sums can be added up.

    >>> summed([Facts((1.0, 2.0), (3.0,)), Facts((4.0,), (5.0,))]).operations
    (7.0,)
    """

    def whole(name: str) -> tuple[float]:
        return (float(sum(sum(getattr(facts, name)) for facts in several)),)

    return Facts(whole("operations"), whole("bytes"), whole("answer"), whole("model"))


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Blend:
    """Every part fitted on the fold, each with its share of the clock, then joined where they can be."""
    parts = read(knobs["parts"])
    models: list[Model] = []
    settled: dict[str, Value] = {}
    for k, part in enumerate(parts):
        share = Clock(clock.left / (len(parts) - k))
        chosen = {**part.whole, **own(f"{k}.", knobs)}
        models.append(single(part.recipe).fit(job, schema, fold, chosen, share))
        settled |= under(f"{k}.", models[-1].settled)
    return pooled(job, schema, parts, models, settled)


def pooled(
    job: Job, schema: Schema, parts: Sequence[Part], models: Sequence[Model], settled: Knobs | None = None
) -> Blend:
    """The blend of models that have been fitted, joined where they can be."""
    total = sum(part.weight for part in parts)
    recipes, found, weights = zip(*_joined(job, schema, parts, models), strict=True)
    return Blend(found, recipes, tuple(weight / total for weight in weights), settled or {})


def _joined(
    job: Job, schema: Schema, parts: Sequence[Part], models: Sequence[Model]
) -> Iterator[tuple[str, Model, float]]:
    """The fewest models that answer as the parts do, each as (recipe, model, weight)."""
    kinds: dict[Any, list[int]] = {}
    for k, part in enumerate(parts):
        kinds.setdefault(single(part.recipe).join or k, []).append(k)
    for join, places in kinds.items():
        weight = sum(parts[k].weight for k in places)
        shares = [parts[k].weight / weight for k in places]
        one = join(job, schema, [models[k] for k in places], shares) if len(places) > 1 else None
        if one is not None:
            yield parts[places[0]].recipe, one, weight
        else:
            yield from ((parts[k].recipe, models[k], parts[k].weight) for k in places)


def adapt(job: Job, schema: Schema, model: Model, fold: Fold, clock: Clock) -> Blend:
    """One person's blend: each part made theirs by its own family, without the parts that know no such thing, for those
    would go on speaking for everybody. Raises JobError where no part can be.
    """
    assert isinstance(model, Blend)
    adapts = [single(name).adapt for name in model.recipes]
    able = [k for k, each in enumerate(adapts) if each is not None]
    if not able:
        raise JobError(f"None of {', '.join(model.recipes)} can be made one person's.")
    total = sum(model.weights[k] for k in able)
    made = []
    for left, k in enumerate(able):
        part = adapts[k]
        assert part is not None
        share = Clock(clock.left / (len(able) - left))
        made.append(part(job, schema, model.models[k], fold, share))
    return Blend(tuple(made), tuple(model.recipes[k] for k in able), tuple(model.weights[k] / total for k in able))


def load(job: Job, schema: Schema, members: Members) -> Blend:
    """The blend that ``members`` wrote. Raises ValueError where it is not one."""
    listed: list[_Kept] = msgspec.json.decode(members["blend.json"], type=_Listing)
    weights = tuple(each.weight for each in listed)
    if abs(sum(weights) - 1.0) > 1e-6:
        raise ValueError(f"the weights of a blend sum to {sum(weights):g}, not to one")
    models = tuple(loaded(each.recipe, job, schema, own(f"{k}.", members)) for k, each in enumerate(listed))
    return Blend(models, tuple(each.recipe for each in listed), weights)


RECIPE = Recipe("blend", Space(), refuse, facts, fit, load, streams=True, adapt=adapt)
