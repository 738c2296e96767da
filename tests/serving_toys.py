"""A tiny recipe and its bundles, for tests of what is written, read and served."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as save_arrays

from plimsoll.bundle import Bundle, write
from plimsoll.calibration import Calibration
from plimsoll.job import Job, Task
from plimsoll.knobs import Space
from plimsoll.limits import parse
from plimsoll.recipe import Answers, Facts, Members, Recipe
from plimsoll.rows import NUMERIC, Rows, Value
from plimsoll.schema import Column, Kind, Schema
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.caps import Caps
from plimsoll.serve.gate import Gate
from plimsoll.serve.house import assemble
from plimsoll.serve.review import Review
from plimsoll.serve.routes import Keys
from plimsoll.serve.version import Version

COLUMNS = (
    Column("age", Kind.NUMBER, example="39"),
    Column("hours per week", Kind.NUMBER),
    Column("job", Kind.CATEGORY, example="cook"),
    Column("member", Kind.BOOLEAN),
    Column("seen", Kind.TIME),
    Column("note", Kind.TEXT),
)


class Echo:
    """Scores a row by a sum over its cells, so every cell can be seen in the answer."""

    def __init__(self, schema: Schema, weight: float) -> None:
        self.schema, self.weight = schema, weight
        self.settled: Mapping[str, Any] = {}

    def members(self) -> Members:
        return {"echo.json": json.dumps({"weight": self.weight}).encode()}

    def answer(self, values: Sequence[Value]) -> list[float]:
        score = self.weight
        for place, (column, value) in enumerate(zip(self.schema.columns, values, strict=True)):
            if column.kind in NUMERIC:
                assert isinstance(value, float)
                score += (place + 1) * (0.25 if math.isnan(value) else math.tanh(value / 50))
            else:
                assert value is None or isinstance(value, str)
                score += (place + 1) * (0.5 if value is None else len(value) % 7 / 7)
        if not self.schema.classes:
            return [score]
        powers = [math.exp(math.sin(score + k)) for k in range(len(self.schema.classes))]
        return [power / sum(powers) for power in powers]

    def predict(self, rows: Rows) -> Answers:
        answers = np.array([self.answer(values) for values in rows.values(self.schema)])
        return answers if self.schema.classes else answers[:, 0]


def load(job: Job, schema: Schema, members: Members) -> Echo:
    return Echo(schema, float(json.loads(members["echo.json"])["weight"]))


def _unused(*_: Any) -> Any:
    raise AssertionError("what is served fits nothing")


ECHO = Recipe("echo", Space(()), lambda job, schema: None, lambda *_: Facts((1.0,), (1.0,)), _unused, load)


def find(name: str) -> Recipe:
    """Stands in for the catalogue."""
    assert name == "echo"
    return ECHO


def toy(classes: tuple[str, ...] = ("no", "yes"), class_type: str = "text", **changes: Any) -> Bundle:
    task = {0: Task.REGRESSION, 2: Task.BINARY}.get(len(classes), Task.MULTICLASS)
    schema = Schema(COLUMNS, "income", classes, class_type, ("row_id",))
    calibration = (
        Calibration(1.3, tuple(0.1 * k for k in range(len(classes))), (0.2,) + (0.0,) * (len(classes) - 1))
        if classes
        else Calibration(radius=0.5)
    )
    values: dict[str, Any] = {
        "job": Job("income", limits=parse("p99 < 2 ms, memory < 150 MB"), task=task),
        "schema": schema,
        "recipe": "echo",
        "knobs": {"depth": 3},
        "calibration": calibration,
        "members": {
            **Echo(schema, 1.0).members(),
            "arrays.safetensors": save_arrays({"w": np.arange(6.0).reshape(2, 3)}),
        },
        "facts": {"limits": ["p99 < 2 ms"], "measured": {"p99": 0.001}, "created": "2026-01-01T00:00:00Z"},
    }
    return Bundle(**{**values, **changes})


def over(
    answerer: Answerer,
    token: str | None = None,
    caps: Caps | None = None,
    gate: Gate | None = None,
    review: Review | None = None,
) -> App:
    """The app over an answerer, and over a gate where there is one."""
    return assemble(Version(answerer, gate), Keys(token), caps, review)[0]


def write_two(folder: Path) -> None:
    """Two bundles that answer otherwise, called one and two."""
    for name, weight in (("one", 0.5), ("two", 2.5)):
        made = toy()
        members = {**made.members, "echo.json": json.dumps({"weight": weight}).encode()}
        write(folder / name, replace(made, members=members))
