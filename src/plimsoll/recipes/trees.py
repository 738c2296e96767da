"""trees: gradient-boosted trees (LightGBM; Ke and others 2017), texts by way of an out-of-fold score, served as ONNX."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import additive
from plimsoll.additive import Additive
from plimsoll.calibration import softmax, softmax_one
from plimsoll.clock import Clock
from plimsoll.features import MISSING, Numbers, Ordered
from plimsoll.forest import Forest, graph
from plimsoll.job import Job, Task
from plimsoll.knobs import Knobs, Space
from plimsoll.recipe import Answers, Facts, Fold, Members, Recipe
from plimsoll.rows import Rows, Value
from plimsoll.schema import USABLE, Kind, Schema
from plimsoll.text import Grams

Array = NDArray[Any]

SPACE = Space(
    {
        "trees": (300, 1000, 2000),  # at most; valid rows stop them earlier
        "rate": (0.05, 0.03, 0.1, 0.02),
        "leaves": (31, 15, 63, 127),
        "least": (20, 5, 50, 100),  # rows a leaf holds at least
        "features": (1.0, 0.8, 0.5, 0.3),  # share that each tree sees
        "rows": (1.0, 0.8, 0.6),  # share that each tree sees
        "ridge": (0.0, 1.0, 10.0),  # pull of leaf values towards zero
        "bags": (1, 3),  # forests with seeds of their own, averaged into one graph
    },
    portfolio=(
        {"trees": 400, "rate": 0.1, "leaves": 15, "features": 0.8, "ridge": 1.0},  # small, and quick to ask
        {"trees": 2000, "rate": 0.03, "features": 0.5, "rows": 0.8, "ridge": 1.0},
        {"trees": 2000, "rate": 0.03, "leaves": 63, "features": 0.5, "rows": 0.8, "ridge": 10.0},
        {"trees": 1000, "rate": 0.05, "leaves": 15, "features": 0.5, "rows": 0.8, "ridge": 1.0},
        {"trees": 2000, "rate": 0.03, "leaves": 31, "features": 0.5, "rows": 0.8, "ridge": 10.0, "bags": 3},
        {"trees": 2000, "rate": 0.03, "leaves": 63, "least": 5, "features": 0.3, "rows": 0.8, "ridge": 10.0},
    ),
)
_PATIENCE = 60  # rounds without gain before training stops
_FOLDS = 4  # for the out-of-fold text scores


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


def facts(job: Job, schema: Schema, rows: int, knobs: Knobs) -> Facts:
    trees = int(knobs["trees"]) * int(knobs["bags"]) * (len(schema.classes) if len(schema.classes) > 2 else 1)
    width = len(schema.columns)
    operations = trees * (rows * width * 0.5 + 127.0 * width * int(knobs["leaves"])) + 8.0 * rows * width
    return Facts(operations, bytes=4.0 * rows * width + 60.0 * trees * int(knobs["leaves"]))


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Trees:
    encoder, matrix = _encode(job, schema, fold)
    valid = encoder.matrix(fold.valid) if fold.valid is not None else None
    bags = int(knobs["bags"])
    boosters = []
    for bag in range(bags):
        share = Clock(clock.left / (bags - bag))
        boosters.append(_boost(job, schema, fold, matrix, valid, knobs, share, job.seed + bag))
    outputs = len(schema.classes) if job.task is Task.MULTICLASS else 1
    trees = [tree for booster, kept in boosters for tree in booster.dump_model(num_iteration=kept)["tree_info"]]
    base = [_base(job, fold.target)] if job.task is Task.REGRESSION else [0.0] * outputs
    served = Forest(graph(trees, encoder.width, outputs, base, _scale(job, fold.target) / bags))
    kept_most = max(kept for _, kept in boosters)
    settled: dict[str, Any] = {"trees": kept_most} if valid is not None else {}
    return Trees(encoder, served, job.task, settled)


def _encode(job: Job, schema: Schema, fold: Fold) -> tuple[Encoder, Array]:
    classes = len(schema.classes)
    places = [(k, c.name) for k, c in enumerate(schema.columns) if c.kind is Kind.CATEGORY]
    categories = tuple(Ordered.fit(name, k, fold.train.texts(name), fold.target, classes) for k, name in places)
    encoder = Encoder(Numbers.of(schema), categories, None)
    names = schema.of(Kind.TEXT)
    if not names:
        return encoder, encoder.matrix(fold.train)
    seen = additive.look(schema, fold.train, [Grams(name, words=2, bits=18) for name in names], table=False)
    design = seen.design(fold.train)
    whole = additive.fit_design(seen, design, fold.target, classes, 1.0, False)
    scores = np.zeros((len(fold.train), len(whole.bias)))
    part = np.random.default_rng(job.seed).integers(0, _FOLDS, len(fold.train))
    for k in range(_FOLDS):
        # The vocabulary has seen these rows, but not their answers, which is what must not leak.
        away = np.flatnonzero(part != k)
        model = additive.fit_design(seen, design[away], fold.target[away], classes, 1.0, False)
        scores[part == k] = design[part == k] @ model.weights.T + model.bias
    encoder = replace(encoder, text=whole)
    return encoder, encoder.matrix(fold.train, scores)


def _base(job: Job, target: Array) -> float:
    return float(target.mean())


def _scale(job: Job, target: Array) -> float:
    return (float(target.std()) or 1.0) if job.task is Task.REGRESSION else 1.0


def _boost(
    job: Job, schema: Schema, fold: Fold, matrix: Array, valid: Array | None, knobs: Knobs, clock: Clock, seed: int
) -> tuple[Any, int]:
    import lightgbm

    base, scale = (_base(job, fold.target), _scale(job, fold.target)) if job.task is Task.REGRESSION else (0.0, 1.0)
    # LightGBM keeps float32 labels: a centred and scaled target loses nothing to that.
    data = lightgbm.Dataset(matrix, (fold.target - base) / scale, free_raw_data=True)
    watched = []
    if valid is not None and fold.valid_target is not None:
        watched = [lightgbm.Dataset(valid, (fold.valid_target - base) / scale, reference=data)]

    def stop_in_time(env: Any) -> None:
        if clock.up:
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

    callbacks: list[Any] = [stop_in_time]
    if watched:
        callbacks.append(lightgbm.early_stopping(_PATIENCE, verbose=False))
    booster = lightgbm.train(
        _parameters(job, schema, knobs, seed, len(matrix)),
        data,
        int(knobs["trees"]),
        valid_sets=watched,
        callbacks=callbacks,
    )
    return booster, booster.best_iteration if booster.best_iteration > 0 else booster.current_iteration()


def _parameters(job: Job, schema: Schema, knobs: Knobs, seed: int, rows: int) -> dict[str, Any]:
    loss = {Task.BINARY: "binary", Task.MULTICLASS: "multiclass", Task.REGRESSION: "regression"}[job.task]
    if job.score == "mae":
        loss = "regression_l1"
    return {
        "objective": loss,
        **({"num_class": len(schema.classes)} if job.task is Task.MULTICLASS else {}),
        "learning_rate": float(knobs["rate"]),
        "num_leaves": int(knobs["leaves"]),
        "min_data_in_leaf": max(1, min(int(knobs["least"]), rows // 20)),
        "feature_fraction": float(knobs["features"]),
        "bagging_fraction": float(knobs["rows"]),
        "bagging_freq": 1 if float(knobs["rows"]) < 1 else 0,
        "lambda_l2": float(knobs["ridge"]),
        "use_missing": False,  # a missing cell is a number of its own, so that serving needs no rule for it
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 2,
        "verbosity": -1,
    }


def load(job: Job, schema: Schema, members: Members) -> Trees:
    value = json.loads(members["trees.json"])
    categories = tuple(Ordered.from_json(each) for each in value["categories"])
    text = additive.load(schema, members) if value["text"] else None
    encoder = Encoder(Numbers.of(schema), categories, text)
    return Trees(encoder, Forest(members["trees.onnx"]), job.task, {})


RECIPE = Recipe("trees", SPACE, refuse, facts, fit, load)
