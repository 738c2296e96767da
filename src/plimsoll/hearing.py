"""A model that is asked of samples as a sensor gives them, one row at a time: they are made ready first, as in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plimsoll.job import Job
from plimsoll.knobs import Knobs
from plimsoll.recipe import Answers, Members, Model, together
from plimsoll.rows import Rows, Value
from plimsoll.schema import Schema
from plimsoll.streaming import Carries, carried, prepared


@dataclass(frozen=True)
class Hearing:
    """Rows that are asked one by one hold raw samples; batches of Rows were made ready when they were read."""

    model: Model
    job: Job
    schema: Schema

    @property
    def settled(self) -> Knobs:
        return self.model.settled

    def predict(self, rows: Rows) -> Answers:
        return self.model.predict(rows)

    def answer(self, values: Sequence[Value]) -> Sequence[float]:
        return self.model.answer(self._ready(values))

    def answers(self, rows: Sequence[Sequence[Value]]) -> Sequence[Sequence[float]]:
        return together(self.model, [self._ready(values) for values in rows])

    def members(self) -> Members:
        return self.model.members()

    def streamed(self, schema: Schema) -> Carries:
        return carried(self.model, schema)  # a stream is made ready by itself

    def _ready(self, values: Sequence[Value]) -> list[Value]:
        return made_ready(values, self.job, self.schema)


def made_ready(values: Sequence[Value], job: Job, schema: Schema) -> list[Value]:
    """A row whose signals are as a sensor gives them, as models know it."""
    found = []
    for value in values:
        made = prepared(job, schema) if isinstance(value, np.ndarray) else None
        found.append(value if made is None or not isinstance(value, np.ndarray) else made.push(value))
    return found


def rows_ready(rows: Rows, job: Job, schema: Schema) -> Rows:
    """The same of a batch."""
    if job.signals is None or prepared(job, schema) is None:
        return rows
    return Rows.of_values(schema, [made_ready(values, job, schema) for values in rows.values(schema)])


def hearing(model: Model, job: Job, schema: Schema) -> Model:
    """The model as it is to be asked: itself, where the job does nothing to its signals."""
    return model if job.signals is None or prepared(job, schema) is None else Hearing(model, job, schema)
