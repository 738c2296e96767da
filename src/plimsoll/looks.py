"""What an additive model looks at: blocks of numbers, categories and n-grams, side by side.

Each block turns rows into cells of a sparse matrix, and knows how to be written down and made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.features import Numbers
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Schema
from plimsoll.text import Grams

Array = NDArray[Any]
Triplets = tuple[Array, Array, Array]  # row, column, value of each cell that is not zero
CHUNK = 2_000  # rows at a time: bounds the memory of text


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
        for start in range(0, len(texts), CHUNK):
            seen += np.bincount(grams.counted(texts[start : start + CHUNK])[1], minlength=grams.size)
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
        for chunk in rows.chunks(CHUNK):
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


def describe(block: Block, key: str, arrays: dict[str, Array]) -> dict[str, Any]:
    """The block as JSON; its arrays are put among ``arrays``, under names that begin with ``key``."""
    if isinstance(block, NumberBlock):
        arrays |= {f"{key}.centre": block.centre, f"{key}.scale": block.scale}
        if block.edges:
            arrays[f"{key}.edges"] = np.array([cut for edge in block.edges for cut in edge], dtype=np.float64)
            arrays[f"{key}.cuts"] = np.array([len(edge) for edge in block.edges], dtype=np.int32)
        return {"block": "number"}
    if isinstance(block, CategoryBlock):
        return {"block": "category", "name": block.name, "place": block.place, "values": list(block.values)}
    arrays |= {f"{key}.rarity": block.rarity}
    return {"block": "text", "grams": block.grams.as_json(), "place": block.place}


def revive(schema: Schema, value: Mapping[str, Any], key: str, arrays: Mapping[str, Array]) -> Block:
    """The block that ``describe`` wrote."""
    if value["block"] == "number":
        edges = _parted(arrays[f"{key}.edges"], arrays[f"{key}.cuts"]) if f"{key}.edges" in arrays else ()
        return NumberBlock(Numbers.of(schema), arrays[f"{key}.centre"], arrays[f"{key}.scale"], edges)
    if value["block"] == "category":
        values = {str(text): k for k, text in enumerate(value["values"])}
        return CategoryBlock(str(value["name"]), int(value["place"]), values)
    rarity = arrays[f"{key}.rarity"]
    kept = rarity > 0
    column = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    return TextBlock(Grams.from_json(value["grams"]), int(value["place"]), rarity, column, int(kept.sum()))


def _parted(edges: Array, cuts: Array) -> tuple[tuple[float, ...], ...]:
    """Edges of each number, so many as its cuts."""
    if (cuts < 0).any() or cuts.sum() != len(edges):
        raise ValueError(f"{len(edges)} edges do not go with {cuts.sum()} cuts")
    return tuple(tuple(part.tolist()) for part in np.split(edges, np.cumsum(cuts)[:-1]))


def mark(block: Block) -> bytes:
    """What is equal for two blocks exactly where they give the same cells for the same rows."""
    arrays: dict[str, Array] = {}
    text = json.dumps([describe(block, "", arrays), sorted(arrays)], sort_keys=True)
    return b"".join((text.encode(), *(arrays[name].tobytes() for name in sorted(arrays))))
