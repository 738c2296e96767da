"""linear: logistic or ridge regression on numbers, quantile bins, categories and word n-grams."""

from __future__ import annotations

import numpy as np

from plimsoll import additive
from plimsoll.additive import Additive
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.recipe import Facts, Fold, Members, Recipe
from plimsoll.schema import USABLE, Kind, Schema
from plimsoll.text import Grams

SPACE = Space(
    {
        "strength": (1.0, 0.1, 0.3, 3.0, 10.0),  # C: larger trusts the rows more
        "bins": (0, 16, 64),  # quantile bins a number is also cut into
        "words": (2, 1, 3),  # longest n-gram of a text
    },
    portfolio=({"bins": 64}, {"bins": 16, "strength": 0.3}),
)
MOST_ROWS = 1_000_000  # more rows move additive weights less than the seed does


def refuse(job: Job, schema: Schema) -> str | None:
    return None if schema.of(*USABLE) else "there is no column to learn from"


def facts(job: Job, schema: Schema, rows: int, knobs: Knobs) -> Facts:
    texts = len(schema.of(Kind.TEXT))
    cells = (len(schema.columns) - texts) * (2 if knobs["bins"] else 1) + 100 * texts
    outputs = max(1, len(schema.classes) - 1)
    return Facts(operations=30.0 * min(rows, MOST_ROWS) * cells * outputs, bytes=8.0 * rows * cells)


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Additive:
    rows, target = fold.train, fold.target
    if len(rows) > MOST_ROWS:
        pick = np.sort(np.random.default_rng(job.seed).choice(len(rows), MOST_ROWS, replace=False))
        rows, target = rows.take(pick), target[pick]
    grams = [Grams(name, words=int(knobs["words"]), bits=19) for name in schema.of(Kind.TEXT)]
    seen = additive.look(schema, rows, grams, bins=int(knobs["bins"]))
    steps = 300 if clock.left > 5 else 30
    return additive.fit(seen, rows, target, len(schema.classes), float(knobs["strength"]), False, steps)


def load(job: Job, schema: Schema, members: Members) -> Additive:
    return additive.load(schema, members)


RECIPE = Recipe("linear", SPACE, refuse, facts, fit, load)
