"""Additive models: a weight for each thing that a row holds, summed, then a link.

Linear models of numbers, categories and n-grams are all of this shape, so they share the arithmetic and
differ in what they look at. A served one needs NumPy alone.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from plimsoll.calibration import softmax, softmax_one
from plimsoll.features import Numbers
from plimsoll.knobs import Knobs
from plimsoll.rows import Coded, Rows, Value
from plimsoll.schema import Schema
from plimsoll.text import Grams

Array = NDArray[Any]
Triplets = tuple[Array, Array, Array]  # row, column, value of each cell that is not zero
_CHUNK = 2_000  # rows at a time: bounds the memory of text


@dataclass(frozen=True)
class NumberBlock:
    """Standardised numbers, a mark for a missing one, and optionally the quantile bin that each falls in."""

    numbers: Numbers
    centre: Array
    scale: Array
    edges: tuple[tuple[float, ...], ...] = ()  # of the bins, a tuple for each number; empty: no bins

    @staticmethod
    def fit(schema: Schema, rows: Rows, bins: int) -> NumberBlock:
        numbers = Numbers.of(schema)
        matrix = numbers.matrix(rows)
        empty = np.isnan(matrix).all(axis=0) if len(rows) else np.ones(numbers.width, dtype=bool)
        matrix[:, empty] = 0.0
        centre, spread = np.nanmean(matrix, axis=0), np.nanstd(matrix, axis=0)
        scale = np.where(spread > 0, 1.0 / np.maximum(spread, 1e-300), 0.0)
        edges = tuple(_edges(matrix[:, k], bins) for k in range(numbers.width)) if bins else ()
        return NumberBlock(numbers, centre, scale, edges)

    @property
    def width(self) -> int:
        return 2 * self.numbers.width + sum(len(edge) + 1 for edge in self.edges)

    def triplets(self, rows: Rows) -> Triplets:
        matrix = self.numbers.matrix(rows)
        width = matrix.shape[1]
        absent = np.isnan(matrix)
        shape = np.where(absent, 0.0, (matrix - self.centre) * self.scale)
        dense = np.concatenate([np.clip(shape, -8.0, 8.0), absent], axis=1)
        row, column = np.nonzero(dense)
        parts = [(row, column, dense[row, column])]
        place = 2 * width
        for k, edge in enumerate(self.edges):
            known = np.flatnonzero(~absent[:, k])
            parts.append((known, place + np.searchsorted(edge, matrix[known, k]), np.ones(len(known))))
            place += len(edge) + 1
        return _joined(parts)


def _edges(column: Array, bins: int) -> tuple[float, ...]:
    known = column[~np.isnan(column)]
    if not len(known):
        return ()
    return tuple(np.unique(np.quantile(known, np.arange(1, bins) / bins)).tolist())


def _joined(parts: Sequence[Triplets]) -> Triplets:
    row, column, value = (np.concatenate([part[k] for part in parts]) for k in range(3))
    return row, column, value


@dataclass(frozen=True)
class CategoryBlock:
    """One column a value seen at least twice; an unseen value weighs nothing."""

    name: str
    place: int
    values: Mapping[str, int]

    @staticmethod
    def fit(name: str, place: int, cells: Coded) -> CategoryBlock:
        count = np.bincount(cells.codes[cells.codes >= 0], minlength=len(cells.values))
        kept = sorted(value for k, value in enumerate(cells.values) if count[k] >= 2)
        return CategoryBlock(name, place, {value: k for k, value in enumerate(kept)})

    @property
    def width(self) -> int:
        return len(self.values) + 1  # the last stands for a missing cell

    def triplets(self, rows: Rows) -> Triplets:
        cells = rows.texts(self.name)
        table = np.array([*(self.values.get(value, -1) for value in cells.values), len(self.values)])
        column = table[cells.codes]
        row = np.flatnonzero(column >= 0)
        return row, column[row], np.ones(len(row))


@dataclass(frozen=True)
class TextBlock:
    """Counted n-grams, 1 + log(count), weighted by rarity, each text at length one (Salton and Buckley 1988)."""

    grams: Grams
    place: int
    rarity: Array  # of each column, float32; 0: too rare to look at
    column: Array  # where each n-gram column stands in this block, int32; -1: nowhere
    width: int

    @staticmethod
    def fit(grams: Grams, place: int, cells: Coded, learned: bool) -> TextBlock:
        """A learned vocabulary keeps the n-grams of at least two texts; a hashed one keeps its whole table."""
        texts = cells.texts()
        seen = np.zeros(grams.size)
        for start in range(0, len(texts), _CHUNK):
            seen += np.bincount(grams.counted(texts[start : start + _CHUNK])[1], minlength=grams.size)
        kept = seen >= (2 if learned else 0)
        rarity = np.where(kept, np.log((1.0 + len(texts)) / (1.0 + seen)) + 1.0, 0.0).astype(np.float32)
        column = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
        return TextBlock(grams, place, rarity, column, int(kept.sum()))

    def triplets_of(self, texts: Sequence[str | None]) -> Triplets:
        row, gram, count = self.grams.counted(texts)
        value = (1.0 + np.log(count)) * self.rarity[gram]
        length = np.sqrt(np.bincount(row, weights=value * value, minlength=len(texts)))
        value = value / np.maximum(length[row], 1e-12)
        column = self.column[gram]
        known = column >= 0
        return row[known], column[known], value[known]

    def triplets(self, rows: Rows) -> Triplets:
        return self.triplets_of(rows.texts(self.grams.column).texts())


Block = NumberBlock | CategoryBlock | TextBlock


@dataclass(frozen=True)
class Look:
    """What an additive model looks at: its blocks, side by side."""

    blocks: tuple[Block, ...]

    @property
    def width(self) -> int:
        return sum(block.width for block in self.blocks)

    def triplets(self, rows: Rows) -> Triplets:
        parts, place = [], 0
        for block in self.blocks:
            row, column, value = block.triplets(rows)
            parts.append((row, column + place, value))
            place += block.width
        return _joined(parts) if parts else (np.zeros(0, int), np.zeros(0, int), np.zeros(0))

    def design(self, rows: Rows) -> Any:
        """The rows as a SciPy sparse matrix, float32, shape (rows, width)."""
        from scipy.sparse import csr_matrix, vstack

        parts = []
        for chunk in rows.chunks(_CHUNK):
            row, column, value = self.triplets(chunk)
            parts.append(csr_matrix((value.astype(np.float32), (row, column)), shape=(len(chunk), self.width)))
        return vstack(parts, format="csr")


def look(
    schema: Schema, rows: Rows, grams: Sequence[Grams], bins: int = 0, learned: bool = True, table: bool = True
) -> Look:
    """Blocks for these rows: numbers and categories where ``table`` says so, and the n-grams that are named."""
    blocks: list[Block] = []
    if table and Numbers.of(schema).width:
        blocks.append(NumberBlock.fit(schema, rows, bins))
    for place, column in enumerate(schema.columns):
        if table and column.kind == "category":
            blocks.append(CategoryBlock.fit(column.name, place, rows.texts(column.name)))
        blocks += [
            TextBlock.fit(each, place, rows.texts(each.column), learned) for each in grams if each.column == column.name
        ]
    return Look(tuple(blocks))


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
        return np.concatenate([self._scores(chunk) for chunk in rows.chunks(_CHUNK)])

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

    def _compiled(self) -> Iterator[Any]:
        place = 0
        for block in self.look.blocks:
            weights = self.weights[:, place : place + block.width].astype(np.float64)
            place += block.width
            if isinstance(block, NumberBlock):
                yield _number_step(block, weights)
            elif isinstance(block, CategoryBlock):
                yield _category_step(block, weights)
            else:
                yield _text_step(block, self.weights[:, place - block.width : place])

    def members(self) -> dict[str, bytes]:
        arrays: dict[str, Array] = {"weights": self.weights, "bias": self.bias}
        described = [_describe(block, str(k), arrays) for k, block in enumerate(self.look.blocks)]
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

    def step(values: Sequence[Value], total: list[float]) -> list[float]:
        return [t + w for t, w in zip(total, table.get(values[place], nothing), strict=True)]

    return step


def _text_step(block: TextBlock, weights: Array) -> Any:
    place = block.place

    def step(values: Sequence[Value], total: list[float]) -> list[float]:
        _, column, value = block.triplets_of([values[place]])  # type: ignore[list-item]
        return [t + float(each[column] @ value) for t, each in zip(total, weights, strict=True)]

    return step


def _describe(block: Block, key: str, arrays: dict[str, Array]) -> dict[str, Any]:
    if isinstance(block, NumberBlock):
        arrays |= {f"{key}.centre": block.centre, f"{key}.scale": block.scale}
        return {"block": "number", "edges": [list(edge) for edge in block.edges]}
    if isinstance(block, CategoryBlock):
        return {"block": "category", "name": block.name, "place": block.place, "values": list(block.values)}
    arrays |= {f"{key}.rarity": block.rarity}
    return {"block": "text", "grams": block.grams.as_json(), "place": block.place}


def _revive(schema: Schema, value: Mapping[str, Any], key: str, arrays: Mapping[str, Array]) -> Block:
    if value["block"] == "number":
        edges = tuple(tuple(float(part) for part in edge) for edge in value["edges"])
        return NumberBlock(Numbers.of(schema), arrays[f"{key}.centre"], arrays[f"{key}.scale"], edges)
    if value["block"] == "category":
        values = {str(text): k for k, text in enumerate(value["values"])}
        return CategoryBlock(str(value["name"]), int(value["place"]), values)
    rarity = arrays[f"{key}.rarity"]
    kept = rarity > 0
    column = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    return TextBlock(Grams.from_json(value["grams"]), int(value["place"]), rarity, column, int(kept.sum()))


def load(schema: Schema, members: Mapping[str, bytes]) -> Additive:
    """The model that ``members`` wrote. Raises ValueError where shapes do not agree."""
    value = json.loads(members["additive.json"])
    arrays = load_arrays(members["additive.safetensors"])
    blocks = tuple(_revive(schema, each, str(k), arrays) for k, each in enumerate(value["blocks"]))
    model = Additive(Look(blocks), arrays["weights"], arrays["bias"], int(value["classes"]))
    if model.weights.shape != (len(model.bias), model.look.width):
        raise ValueError(f"weights of shape {model.weights.shape} for {len(model.bias)} outputs of {model.look.width}")
    return model


def fit(
    seen: Look, rows: Rows, target: Array, classes: int, strength: float, balanced: bool, steps: int = 300
) -> Additive:
    """Weights by penalised likelihood: logistic regression, or ridge for a number.

    ``strength`` is C of scikit-learn's LogisticRegression; for a number, 1 / strength is the ridge penalty.
    """
    return fit_design(seen, seen.design(rows), target, classes, strength, balanced, steps)


def fit_design(
    seen: Look, design: Any, target: Array, classes: int, strength: float, balanced: bool, steps: int = 300
) -> Additive:
    """``fit`` for rows that are already a sparse matrix."""
    if classes == 0:
        return _fit_ridge(seen, design, target, strength)
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    weigh = "balanced" if balanced else None
    model = LogisticRegression(C=strength, class_weight=weigh, max_iter=steps, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the steps are bounded on purpose
        model.fit(design, target)
    weights = np.zeros((1 if classes == 2 else classes, design.shape[1]), dtype=np.float32)
    bias = np.full(len(weights), -30.0 if classes > 2 else 0.0)
    if classes == 2:
        weights[0], bias[0] = model.coef_[0], model.intercept_[0]
    else:
        for k, found in enumerate(model.classes_):
            # Two of many classes in this fold: scikit-learn then keeps one row of weights.
            weights[found] = model.coef_[k] if len(model.classes_) > 2 else (2 * k - 1) * model.coef_[0] / 2
            bias[found] = model.intercept_[k] if len(model.classes_) > 2 else (2 * k - 1) * model.intercept_[0] / 2
    return Additive(seen, weights, bias, classes)


def _fit_ridge(seen: Look, design: Any, target: Array, strength: float) -> Additive:
    from sklearn.linear_model import Ridge

    centre, spread = float(target.mean()), float(target.std()) or 1.0
    model = Ridge(alpha=1.0 / strength, solver="sparse_cg", tol=1e-4)
    model.fit(design, (target - centre) / spread)
    weights = (model.coef_[None, :] * spread).astype(np.float32)
    return Additive(seen, weights, np.array([float(model.intercept_) * spread + centre]), 0)
