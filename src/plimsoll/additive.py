"""Additive models: a weight for each thing that a row holds, summed, then a link.

Linear models of numbers, categories and n-grams are all of this shape, so they share the arithmetic and
differ in what they look at (``looks``). A served one needs NumPy alone.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from plimsoll.calibration import softmax, softmax_one
from plimsoll.job import Job
from plimsoll.knobs import Knobs
from plimsoll.looks import CHUNK, Block, CategoryBlock, Look, NumberBlock, TextBlock, describe, mark, revive
from plimsoll.members import load as load_arrays
from plimsoll.recipe import Model
from plimsoll.rows import Rows, Value
from plimsoll.schema import Schema

Array = NDArray[Any]
_UNLIKELY = 1e-3  # a class that a teacher finds less likely than this is left out of a row's lesson


@dataclass(frozen=True)
class Additive:
    """Weights over a look. ``classes`` 0: a number; 2: one column of weights; more: one for each class."""

    look: Look
    weights: Array  # float32, shape (outputs, width)
    bias: Array  # float64, shape (outputs,)
    classes: int
    settled: Knobs = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_steps", tuple(self._compiled()))

    def scores(self, rows: Rows) -> Array:
        """Sums before the link, shape (rows, outputs)."""
        return np.concatenate([self._scores(chunk) for chunk in rows.chunks(CHUNK)])

    def _scores(self, rows: Rows) -> Array:
        row, column, value = self.look.triplets(rows)
        sums = [np.bincount(row, weights=value * weights[column], minlength=len(rows)) for weights in self.weights]
        return np.stack(sums, axis=1) + self.bias

    def predict(self, rows: Rows) -> Array:
        scores = self.scores(rows)
        if self.classes == 0:
            return scores[:, 0]
        if self.classes == 2:
            scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
        return softmax(scores)

    def answer(self, values: Sequence[Value]) -> list[float]:
        scores = self.score_one(values)
        if self.classes == 0:
            return scores
        if self.classes == 2:
            scores = [0.0, *scores]
        return softmax_one(scores)

    def score_one(self, values: Sequence[Value]) -> list[float]:
        total = self.bias.tolist()
        for step in self._steps:  # type: ignore[attr-defined]  # set once, in __post_init__
            total = step(values, total)
        return total  # type: ignore[no-any-return]

    def parts(self) -> Iterator[tuple[Block, Array]]:
        """Each block with its weights, shape (outputs, width of the block)."""
        place = 0
        for block in self.look.blocks:
            yield block, self.weights[:, place : place + block.width]
            place += block.width

    def _compiled(self) -> Iterator[Any]:
        for block, weights in self.parts():
            if isinstance(block, NumberBlock):
                yield _number_step(block, weights.astype(np.float64))
            elif isinstance(block, CategoryBlock):
                yield _category_step(block, weights.astype(np.float64))
            else:
                yield _text_step(block, weights)

    def members(self) -> dict[str, bytes]:
        arrays: dict[str, Array] = {"weights": self.weights, "bias": self.bias}
        described = [describe(block, str(k), arrays) for k, block in enumerate(self.look.blocks)]
        text = json.dumps({"classes": self.classes, "blocks": described}, ensure_ascii=True, sort_keys=True)
        return {"additive.json": text.encode(), "additive.safetensors": save_arrays(arrays)}


def _number_step(block: NumberBlock, weights: Array) -> Any:
    """One row's numbers: a weighted sum in plain Python, which beats arrays at this size."""
    width = block.numbers.width
    centre, scale = block.centre.tolist(), block.scale.tolist()
    slopes, absent = weights[:, :width].T.tolist(), weights[:, width : 2 * width].T.tolist()
    tables, place = [], 2 * width
    for edge in block.edges or ((),) * width:
        size = len(edge) + 1 if block.edges else 0
        tables.append((edge, weights[:, place : place + size].T.tolist()))
        place += size
    plan = list(zip(centre, scale, slopes, absent, tables, strict=True))
    one, binned = block.numbers.one, bool(block.edges)

    def single(values: Sequence[Value], total: list[float]) -> list[float]:
        sum_ = total[0]
        for value, (middle, factor, (slope,), (gone,), (edge, table)) in zip(one(values), plan, strict=True):
            if value != value:
                sum_ += gone
                continue
            shifted = (value - middle) * factor
            sum_ += slope * (-8.0 if shifted < -8.0 else 8.0 if shifted > 8.0 else shifted)
            if binned:
                sum_ += table[bisect_left(edge, value)][0]
        return [sum_]

    def several(values: Sequence[Value], total: list[float]) -> list[float]:
        for value, (middle, factor, slope, gone, (edge, table)) in zip(one(values), plan, strict=True):
            if value != value:
                total = [t + g for t, g in zip(total, gone, strict=True)]
                continue
            shifted = max(-8.0, min(8.0, (value - middle) * factor))
            total = [t + s * shifted for t, s in zip(total, slope, strict=True)]
            if binned:
                total = [t + b for t, b in zip(total, table[bisect_left(edge, value)], strict=True)]
        return total

    return single if len(weights) == 1 else several


def _category_step(block: CategoryBlock, weights: Array) -> Any:
    columns = weights.T.tolist()
    table: dict[Value, list[float]] = {value: columns[k] for value, k in block.values.items()}
    table[None] = columns[-1]
    place, nothing = block.place, [0.0] * len(weights)
    alone = {value: column[0] for value, column in table.items()}

    def single(values: Sequence[Value], total: list[float]) -> list[float]:
        return [total[0] + alone.get(values[place], 0.0)]

    def several(values: Sequence[Value], total: list[float]) -> list[float]:
        return [t + w for t, w in zip(total, table.get(values[place], nothing), strict=True)]

    return single if len(weights) == 1 else several


def _text_step(block: TextBlock, weights: Array) -> Any:
    place = block.place

    def step(values: Sequence[Value], total: list[float]) -> list[float]:
        _, column, value = block.triplets_of([values[place]])  # type: ignore[list-item]
        return [t + float(each[column] @ value) for t, each in zip(total, weights, strict=True)]

    return step


def load(schema: Schema, members: Mapping[str, bytes]) -> Additive:
    """The model that ``members`` wrote. Raises ValueError where shapes do not agree."""
    value = json.loads(members["additive.json"])
    arrays = load_arrays(members["additive.safetensors"])
    blocks = tuple(revive(schema, each, str(k), arrays) for k, each in enumerate(value["blocks"]))
    model = Additive(Look(blocks), arrays["weights"], arrays["bias"], int(value["classes"]))
    if model.weights.shape != (len(model.bias), model.look.width):
        raise ValueError(f"weights of shape {model.weights.shape} for {len(model.bias)} outputs of {model.look.width}")
    return model


def join(_job: Job, _schema: Schema, models: Sequence[Model], weights: Sequence[float]) -> Additive | None:
    """One model whose sums before the link are the weighted sums of the models'; None where they answer differently.

    A block that several of them look at stands once, with its weights added up.
    """
    several = [model for model in models if isinstance(model, Additive)]
    first = several[0]
    if any(model.classes != first.classes or model.bias.shape != first.bias.shape for model in several):
        return None
    found: dict[bytes, tuple[Block, Array]] = {}
    for model, share in zip(several, weights, strict=True):
        for block, part in model.parts():
            key = mark(block)
            before = found[key][1] if key in found else 0.0
            found[key] = block, before + share * part.astype(np.float64)
    empty = np.zeros((len(first.bias), 0))
    beside = np.concatenate([empty, *(part for _, part in found.values())], axis=1).astype(np.float32)
    bias = np.sum([share * model.bias for model, share in zip(several, weights, strict=True)], axis=0)
    return Additive(Look(tuple(block for block, _ in found.values())), beside, bias, first.classes)


def fit(
    seen: Look,
    rows: Rows,
    target: Array,
    classes: int,
    strength: float,
    balanced: bool,
    steps: int = 300,
    soft: Array | None = None,
) -> Additive:
    """Weights by penalised likelihood: logistic regression, or ridge for a number.

    ``strength`` is C of scikit-learn's LogisticRegression; for a number, 1 / strength is the ridge penalty.
    ``soft`` holds a teacher's answers, shape (rows, classes), and is learned from in place of the target.
    """
    return fit_design(seen, seen.design(rows), target, classes, strength, balanced, steps, soft)


def fit_design(
    seen: Look,
    design: Any,
    target: Array,
    classes: int,
    strength: float,
    balanced: bool,
    steps: int = 300,
    soft: Array | None = None,
) -> Additive:
    """``fit`` for rows that are already a sparse matrix."""
    if classes == 0:
        return _fit_ridge(seen, design, target, strength)
    # A column that no row has anything in weighs nothing: of a hashed table of n-grams that is most of them.
    used = np.unique(design.indices)
    model = _logistic(design[:, used], target, strength, balanced, steps, soft)
    weights = np.zeros((1 if classes == 2 else classes, design.shape[1]), dtype=np.float32)
    bias = np.full(len(weights), -30.0 if classes > 2 else 0.0)
    if classes == 2:
        weights[0, used], bias[0] = model.coef_[0], model.intercept_[0]
    else:
        for k, found in enumerate(model.classes_):
            # Two of many classes in this fold: scikit-learn then keeps one row of weights.
            weights[found, used] = model.coef_[k] if len(model.classes_) > 2 else (2 * k - 1) * model.coef_[0] / 2
            bias[found] = model.intercept_[k] if len(model.classes_) > 2 else (2 * k - 1) * model.intercept_[0] / 2
    return Additive(seen, weights, bias, classes)


def _logistic(design: Any, target: Array, strength: float, balanced: bool, steps: int, soft: Array | None) -> Any:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    share, weigh = None, "balanced" if balanced else None
    if soft is not None:
        design, target, share = _repeated(design, soft, balanced)
        weigh = None
    model = LogisticRegression(C=strength, class_weight=weigh, max_iter=steps, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the steps are bounded on purpose
        return model.fit(design, target, sample_weight=share)


def _repeated(design: Any, soft: Array, balanced: bool) -> tuple[Any, Array, Array]:
    """(rows, class numbers, weights): a row once for each class that it may be of, weighed by how likely that is."""
    row, label = np.nonzero(soft > _UNLIKELY)
    share = soft[row, label]
    if balanced:
        share = share * (soft.shape[0] / (soft.shape[1] * soft.sum(axis=0)))[label]
    return design[row], label, share


def _fit_ridge(seen: Look, design: Any, target: Array, strength: float) -> Additive:
    from sklearn.linear_model import Ridge

    centre, spread = float(target.mean()), float(target.std()) or 1.0
    model = Ridge(alpha=1.0 / strength, solver="sparse_cg", tol=1e-4)
    model.fit(design, (target - centre) / spread)
    weights = (model.coef_[None, :] * spread).astype(np.float32)
    return Additive(seen, weights, np.array([float(model.intercept_) * spread + centre]), 0)
