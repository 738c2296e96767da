"""Tiny tables whose answer is known, so that "it learns" is a test of a second.

Each toy is a job, a schema, rows to learn from, rows for early stopping and rows to be asked about.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.job import Job, Task
from plimsoll.recipe import Fold
from plimsoll.rows import NUMERIC, Cells, Coded, Rows, Signals, Value
from plimsoll.schema import Column, Kind, Schema

_CLASSES = {Task.BINARY: ("no", "yes"), Task.MULTICLASS: ("east", "north", "west"), Task.REGRESSION: ()}
_WORDS = [
    "anchor",
    "ballast",
    "canvas",
    "deck",
    "ebb",
    "fathom",
    "gale",
    "hull",
    "iron",
    "jib",
    "keel",
    "lantern",
    "mast",
    "noon",
    "oar",
    "pilot",
    "quay",
    "rope",
    "sail",
    "tide",
]
PLANTED = "lighthouse"


@dataclass(frozen=True)
class Toy:
    """A job with its rows. ``easy``: some single column gives the answer away, so that any model should see it."""

    name: str
    job: Job
    schema: Schema
    fold: Fold
    test: Rows
    truth: NDArray[Any]
    easy: bool = True

    @property
    def holed(self) -> Rows:
        """The test rows with every third cell missing, a signal of no frames, and a category never seen in the first row.

        >>> mixed(Task.BINARY).holed.texts("port").texts()[0]
        'a port never seen'
        """
        columns: dict[str, Cells] = {}
        for place, column in enumerate(self.schema.columns):
            hole = (np.arange(len(self.test)) + place) % 3 == 1
            if column.kind in NUMERIC:
                columns[column.name] = np.where(hole, np.nan, self.test.numbers(column.name))
            elif column.kind is Kind.HISTORY:
                told = self.test.histories(column.name)
                columns[column.name] = replace(told, starts=np.where(hole, told.ends, told.starts))
            elif column.kind is Kind.SIGNAL:
                heard = self.test.signals(column.name)
                columns[column.name] = Signals(heard.samples, np.where(hole, heard.ends, heard.starts), heard.ends)
            else:
                texts = [
                    None if missing else text
                    for text, missing in zip(self.test.texts(column.name).texts(), hole, strict=True)
                ]
                texts[0] = f"a {column.name} never seen"
                columns[column.name] = Coded.of(texts)
        return Rows(len(self.test), columns)


def _toy(
    name: str,
    task: Task,
    columns: Sequence[Column],
    table: Sequence[Sequence[Value]],
    target: NDArray[Any],
    easy: bool = True,
) -> Toy:
    """Half of the rows to learn from, a fifth for early stopping, the rest to be asked about."""
    schema = Schema(tuple(columns), "answer", _CLASSES[task])
    rows = Rows.of_values(schema, table)
    train, valid, test = np.split(np.arange(len(rows)), [len(rows) // 2, len(rows) * 7 // 10])
    fold = Fold(rows.take(train), target[train], rows.take(valid), target[valid])
    return Toy(name, Job("answer", task=task), schema, fold, rows.take(test), target[test], easy)


@functools.cache
def two_blobs(rows: int = 600) -> Toy:
    """Two round clouds of points, four widths apart: binary."""
    random = np.random.default_rng(1)
    target = random.integers(0, 2, rows)
    points = random.normal(size=(rows, 2)) + 4.0 * target[:, None]
    columns = [Column("x", Kind.NUMBER), Column("y", Kind.NUMBER)]
    return _toy("two_blobs", Task.BINARY, columns, points.tolist(), target)


@functools.cache
def checkerboard(rows: int = 800) -> Toy:
    """Two categories of which neither says anything alone (exclusive or): binary, and not easy."""
    random = np.random.default_rng(2)
    first, second = random.integers(0, 2, (2, rows))
    table = [("black" if a else "white", "queen" if b else "pawn") for a, b in zip(first, second, strict=True)]
    columns = [Column("square", Kind.CATEGORY, distinct=2), Column("piece", Kind.CATEGORY, distinct=2)]
    return _toy("checkerboard", Task.BINARY, columns, table, first ^ second, easy=False)


@functools.cache
def sine(rows: int = 600) -> Toy:
    """One period of a sine in a tenth of noise: regression. A straight line explains three fifths of it."""
    random = np.random.default_rng(3)
    x = random.uniform(0.0, 2 * np.pi, rows)
    target = np.sin(x) + 0.1 * random.normal(size=rows)
    return _toy("sine", Task.REGRESSION, [Column("x", Kind.NUMBER)], [(float(value),) for value in x], target)


@functools.cache
def planted_word(rows: int = 600) -> Toy:
    """Texts of a dozen words, half of them with one word more that decides: binary."""
    random = np.random.default_rng(4)
    target = random.integers(0, 2, rows)
    table = []
    for yes in target:
        words = [str(word) for word in random.choice(_WORDS, 12)]
        if yes:
            words.insert(int(random.integers(0, 12)), PLANTED)
        table.append((" ".join(words),))
    return _toy("planted_word", Task.BINARY, [Column("log", Kind.TEXT, distinct=rows)], table, target)


@functools.cache
def mixed(task: Task, rows: int = 600) -> Toy:
    """Every kind of column at once, with a twentieth of the cells missing; several of them carry the answer.

    >>> [column.kind.value for column in mixed(Task.REGRESSION).schema.columns]
    ['number', 'category', 'boolean', 'text', 'time']
    """
    random = np.random.default_rng(5)
    place = random.integers(0, 3, rows)
    target: NDArray[Any] = place
    if task is Task.BINARY:
        target = (place == 1).astype(np.int64)
    elif task is Task.REGRESSION:
        target = 10.0 * place + random.normal(size=rows)
    table: list[tuple[Value, ...]] = []
    for row in range(rows):
        words = [str(word) for word in random.choice(_WORDS, 8)]
        cells: tuple[Value, ...] = (
            float(place[row] + 0.4 * random.normal()),
            ("Hull", "Leith", "Cardiff")[place[row]] if random.random() < 0.8 else "Dover",
            float(random.random() < 0.5),
            " ".join([*words, ("fog", "storm", "calm")[place[row]]]),
            1.7e9 + 3600.0 * row,
        )
        table.append(tuple(_empty(cell) if random.random() < 0.05 else cell for cell in cells))
    columns = [
        Column("draught", Kind.NUMBER, missing=0.05, distinct=rows),
        Column("port", Kind.CATEGORY, missing=0.05, distinct=4),
        Column("loaded", Kind.BOOLEAN, missing=0.05, distinct=2),
        Column("log", Kind.TEXT, missing=0.05, distinct=rows),
        Column("sailed", Kind.TIME, missing=0.05, distinct=rows),
    ]
    return _toy(f"mixed_{task.value}", task, columns, table, target)


def _empty(cell: Value) -> Value:
    return float("nan") if isinstance(cell, float) else None


# Every toy, as functions, for making one costs a moment.
TOYS: tuple[Callable[[], Toy], ...] = (
    two_blobs,
    checkerboard,
    sine,
    planted_word,
    functools.partial(mixed, Task.BINARY),
    functools.partial(mixed, Task.MULTICLASS),
    functools.partial(mixed, Task.REGRESSION),
)
