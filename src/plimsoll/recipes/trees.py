"""trees: gradient-boosted trees (LightGBM; Ke and others 2017), texts by way of an out-of-fold score, served as ONNX."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import additive, boosting, looks
from plimsoll.additive import Additive
from plimsoll.boosting import MOST_TREES, PATIENCE
from plimsoll.calibration import softmax, softmax_one
from plimsoll.clock import Clock
from plimsoll.features import MISSING, Numbers, Ordered
from plimsoll.forest import Forest, graph, merged
from plimsoll.job import Job, Task
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile
from plimsoll.recipe import Answers, Facts, Fold, Members, Model, Recipe
from plimsoll.rows import Rows, Value
from plimsoll.schema import USABLE, Kind, Schema
from plimsoll.text import Grams

Array = NDArray[Any]

SPACE = Space(
    {
        "trees": (100, 200, 400, 800, 1600),  # at most; valid rows stop them earlier
        "rate": (0.1, 0.05, 0.03, 0.02),
        "leaves": (31, 15, 63, 127),
        "least": (20, 5, 50, 100),  # rows a leaf holds at least
        "features": (1.0, 0.8, 0.5, 0.3),  # share that each tree sees
        "rows": (1.0, 0.8, 0.6),  # share that each tree sees
        "ridge": (0.0, 1.0, 10.0),  # pull of leaf values towards zero
        "cuts": ("best", "random"),  # of a feature: the best one, or the best of one drawn (Geurts and others 2006)
    },
    portfolio=(
        {"trees": 100, "leaves": 15, "features": 0.8, "ridge": 1.0},  # small, and quick to ask
        {"trees": 400, "rate": 0.05, "features": 0.5, "rows": 0.8, "ridge": 1.0},
        {"trees": 400, "rate": 0.03, "leaves": 63, "features": 0.5, "rows": 0.8, "ridge": 10.0},
        {"trees": 400, "rate": 0.05, "leaves": 15, "features": 0.5, "rows": 0.8, "ridge": 1.0},
        {"trees": 400, "rate": 0.03, "features": 0.5, "rows": 0.8, "ridge": 10.0},
        {"trees": 400, "rate": 0.03, "leaves": 63, "least": 5, "features": 0.3, "rows": 0.8, "ridge": 10.0},
        {"trees": 400, "rate": 0.05, "leaves": 63, "features": 0.8, "rows": 0.8, "cuts": "random"},
    ),
    open=("leaves",),
)
_FOLDS = 4  # for the out-of-fold text scores
_PATH = 10.0  # trees times their rate, where training stops by itself, of many data sets


@dataclass(frozen=True)
class Encoder:
    """A row as float32 features: numbers, ordered categories, and the scores of a text model."""

    numbers: Numbers
    categories: tuple[Ordered, ...]
    text: Additive | None

    @property
    def width(self) -> int:
        return self.numbers.width + len(self.categories) + (len(self.text.bias) if self.text else 0)

    def matrix(self, rows: Rows, scores: Array | None = None) -> Array:
        """Shape (rows, width); ``scores`` stand in for the text model's own where they are out-of-fold."""
        plain = self.numbers.width
        out = np.empty((len(rows), self.width), dtype=np.float32)
        out[:, :plain] = self.numbers.matrix(rows, np.float32)
        for k, category in enumerate(self.categories):
            out[:, plain + k] = category.column(rows)
        if self.text:
            out[:, plain + len(self.categories) :] = self.text.scores(rows) if scores is None else scores
        np.nan_to_num(out, copy=False, nan=MISSING, posinf=3e38, neginf=-3e38)
        return out

    def one(self, values: Sequence[Value]) -> list[float]:
        found = [value if value == value else MISSING for value in self.numbers.one(values)]
        found += [category.one(values[category.place]) for category in self.categories]
        if self.text:
            found += self.text.score_one(values)
        return found


@dataclass(frozen=True)
class Trees:
    encoder: Encoder
    forest: Forest
    task: Task
    settled: Knobs

    def predict(self, rows: Rows) -> Answers:
        parts = [self._link(self.forest.scores(self.encoder.matrix(chunk))) for chunk in rows.chunks(50_000)]
        return np.concatenate(parts)

    def _link(self, scores: Array) -> Array:
        if self.task is Task.REGRESSION:
            return scores[:, 0]
        if self.task is Task.BINARY:
            yes = 1.0 / (1.0 + np.exp(-scores[:, 0]))
            return np.stack([1.0 - yes, yes], axis=1)
        return softmax(scores)

    def answer(self, values: Sequence[Value]) -> list[float]:
        return self._link_one(self.forest.score_one(self.encoder.one(values)))

    def answers(self, rows: Sequence[Sequence[Value]]) -> list[list[float]]:
        return [self._link_one(scores) for scores in self.forest.score_each([self.encoder.one(row) for row in rows])]

    def _link_one(self, scores: list[float]) -> list[float]:
        if self.task is Task.REGRESSION:
            return scores
        if self.task is Task.BINARY:
            yes = 1.0 / (1.0 + math.exp(-scores[0]))
            return [1.0 - yes, yes]
        return softmax_one(scores)

    def members(self) -> Members:
        categories = [category.as_json() for category in self.encoder.categories]
        text = json.dumps({"categories": categories, "text": self.encoder.text is not None}, sort_keys=True)
        return {
            "trees.json": text.encode(),
            "trees.onnx": self.forest.graph,
            **(self.encoder.text.members() if self.encoder.text else {}),
        }


def refuse(job: Job, schema: Schema) -> str | None:
    return None if schema.of(*USABLE) else "there is no column to learn from"


def facts(profile: Profile, knobs: Knobs) -> Facts:
    rows, width, letters, texts = profile.rows, profile.columns, profile.letters, profile.texts
    outputs, classes = profile.outputs, max(1, profile.classes - 1)
    kept = float(knobs["trees"])
    allowed = min(float(knobs.get("trees_allowed", kept)), MOST_TREES / outputs)
    # Where it was settled how many trees are kept, training went on until its patience ended or it was stopped.
    trees, rounds = (min(each, allowed) * outputs for each in (kept, kept + PATIENCE))
    about, most = trees * _leaves(profile, knobs), trees * float(knobs["leaves"])
    held = float(knobs.get("leaves_kept", about))
    leaves, looked = max(2.0, held / max(1.0, trees)), max(1.0, width * float(knobs["features"]))
    depth, share, steps = math.log2(leaves), float(knobs["rows"]), (profile.steps + profile.levels) / max(1, width)
    tried = 1.0 if knobs["cuts"] == "random" else steps  # cuts of a feature
    grams = min((rows * letters) ** 0.75, 2.0**18) * (texts > 0)
    return Facts(
        operations=(
            *(rounds * rows * looked * share * depth, rounds * rows * looked * share, rounds * rows, rounds),
            *(rounds * leaves * looked, rounds * leaves * looked * steps, rounds * leaves * looked * tried, held),
            *(rows * width, rows * profile.categories, width),
            *(rows * letters, rows * letters * classes, grams * classes, texts),
        ),
        bytes=(rows * width, held, rows * letters, grams * classes, texts, rows * outputs),
        answer=(trees * depth, held, trees, profile.numbers, profile.categories, letters, texts),
        model=(held, trees, profile.levels, profile.spelled, texts, texts * classes, grams * classes),
        settles={"trees": (_PATH / float(knobs["rate"]), allowed), "leaves_kept": (about, most)},
    )


def _leaves(profile: Profile, knobs: Knobs) -> float:
    """Leaves of a tree: as many as are allowed where the rows suffice, and fewer where a leaf would hold too few of them.

    Cuts at random often find nothing to gain, the sooner the fewer features are tried. The shapes were fitted to trees of
    thirty data sets.
    """
    least = max(1, min(int(knobs["least"]), profile.rows // 20))
    held = profile.rows * float(knobs["rows"]) / least
    if knobs["cuts"] == "random":
        most = 1.6 * held**0.35 * max(1.0, profile.columns * float(knobs["features"])) ** 0.3
    else:
        most = 1.5 * held**0.7 / profile.outputs**0.3
    return max(2.0, float((most**-4 + float(knobs["leaves"]) ** -4) ** -0.25))


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Trees:
    encoder, matrix = _encode(job, schema, fold)
    valid = encoder.matrix(fold.valid) if fold.valid is not None else None
    booster, kept = boosting.grow(job, schema, fold, matrix, valid, knobs, clock, job.seed)
    outputs = len(schema.classes) if job.task is Task.MULTICLASS else 1
    base, scale = boosting.standard(job, fold.target)
    trees = booster.dump_model(num_iteration=kept)["tree_info"]
    served = Forest(graph(trees, encoder.width, outputs, [base] * outputs, scale))
    held = sum(int(tree["num_leaves"]) for tree in trees)
    settled: dict[str, Any] = {"trees": kept, "leaves_kept": held} if valid is not None else {}
    return Trees(encoder, served, job.task, settled)


def _encode(job: Job, schema: Schema, fold: Fold) -> tuple[Encoder, Array]:
    classes = len(schema.classes)
    places = [(k, c.name) for k, c in enumerate(schema.columns) if c.kind is Kind.CATEGORY]
    categories = tuple(Ordered.fit(name, k, fold.train.texts(name), fold.target, classes) for k, name in places)
    encoder = Encoder(Numbers.of(schema), categories, None)
    names = schema.of(Kind.TEXT)
    if not names:
        return encoder, encoder.matrix(fold.train)
    seen = looks.look(schema, fold.train, [Grams(name, words=2, bits=18) for name in names], table=False)
    design = seen.design(fold.train)
    whole = additive.fit_design(seen, design, fold.target, classes, 1.0, False, soft=fold.soft)
    scores = np.zeros((len(fold.train), len(whole.bias)))
    groups = np.arange(len(fold.train)) if fold.groups is None else fold.groups
    part = np.random.default_rng(job.seed).integers(0, _FOLDS, 1 + groups.max(initial=-1))[groups]
    for k in range(_FOLDS):
        # The vocabulary has seen these rows, but not their answers, which is what must not leak.
        away = np.flatnonzero(part != k)
        soft = None if fold.soft is None else fold.soft[away]
        model = additive.fit_design(seen, design[away], fold.target[away], classes, 1.0, False, soft=soft)
        scores[part == k] = design[part == k] @ model.weights.T + model.bias
    encoder = replace(encoder, text=whole)
    return encoder, encoder.matrix(fold.train, scores)


def join(job: Job, schema: Schema, models: Sequence[Model], weights: Sequence[float]) -> Trees | None:
    """One graph of all the trees, where the models read rows alike."""
    several = [model for model in models if isinstance(model, Trees)]
    first = several[0]
    if any(model.task is not first.task or not _alike(model.encoder, first.encoder) for model in several):
        return None
    return replace(first, forest=Forest(merged([model.forest.graph for model in several], weights)), settled={})


def _alike(one: Encoder, other: Encoder) -> bool:
    """Whether two encoders give the same features for every row: the texts' models to the last byte."""
    texts = [encoder.text.members() if encoder.text else {} for encoder in (one, other)]
    return (one.numbers, one.categories) == (other.numbers, other.categories) and texts[0] == texts[1]


def load(job: Job, schema: Schema, members: Members) -> Trees:
    value = json.loads(members["trees.json"])
    categories = tuple(Ordered.from_json(each) for each in value["categories"])
    text = additive.load(schema, members) if value["text"] else None
    encoder = Encoder(Numbers.of(schema), categories, text)
    return Trees(encoder, Forest(members["trees.onnx"]), job.task, {})


_STUDENTS: tuple[Knobs, ...] = (
    {"trees": 30, "rate": 0.3, "leaves": 15, "ridge": 1.0},
    {"trees": 100, "rate": 0.15, "leaves": 15, "features": 0.8, "ridge": 1.0},
    {"trees": 400, "rate": 0.1, "features": 0.8, "ridge": 1.0},
)
RECIPE = Recipe("trees", SPACE, refuse, facts, fit, load, join, students=_STUDENTS)
