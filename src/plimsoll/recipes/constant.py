"""constant: the same answer for every row, the floor that a model has to beat."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile
from plimsoll.recipe import Answers, Facts, Fold, Members, Recipe
from plimsoll.rows import Rows, Value
from plimsoll.schema import Schema


@dataclass(frozen=True)
class Constant:
    """Class shares of the training rows, or the mean target."""

    value: tuple[float, ...]
    classifies: bool
    settled: Knobs = field(default_factory=dict)
    reach: int = 1  # frames of a signal: it looks at none

    def predict(self, rows: Rows) -> Answers:
        return np.tile(self.value, (len(rows), 1)) if self.classifies else np.full(len(rows), self.value[0])

    def answer(self, values: Sequence[Value]) -> Sequence[float]:
        return self.value

    def members(self) -> Members:
        return {"constant.json": json.dumps({"value": list(self.value)}).encode()}


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Constant:
    if not job.task.classifies:
        return Constant((float(fold.target.mean()),), False)
    count = np.bincount(fold.target, minlength=len(schema.classes)) + 1.0
    return Constant(tuple((count / count.sum()).tolist()), True)


def load(job: Job, schema: Schema, members: Members) -> Constant:
    value = json.loads(members["constant.json"])["value"]
    return Constant(tuple(float(part) for part in value), job.task.classifies)


def refuse(job: Job, schema: Schema) -> str | None:
    return None


def facts(profile: Profile, knobs: Knobs) -> Facts:
    return Facts(operations=(float(profile.rows),), bytes=(8.0 * profile.rows,), model=(float(profile.classes),))


RECIPE = Recipe("constant", Space(), refuse, facts, fit, load, streams=True)
