"""linear: logistic or ridge regression on numbers, quantile bins, categories and word n-grams."""

from __future__ import annotations

import numpy as np

from plimsoll import additive, looks
from plimsoll.additive import Additive
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile
from plimsoll.recipe import Facts, Fold, Members, Recipe
from plimsoll.rows import NUMERIC
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


def facts(profile: Profile, knobs: Knobs) -> Facts:
    rows, outputs = min(profile.rows, MOST_ROWS), max(1, profile.classes - 1)
    letters, words, texts = profile.letters, int(knobs["words"]), profile.texts
    cells = profile.numbers * (3 if knobs["bins"] else 2) + profile.categories
    cuts = {0: 0, 16: profile.strides}.get(int(knobs["bins"]), profile.steps)
    slots = 2 * profile.numbers + cuts  # weights of the numbers
    grams = min(
        (rows * letters) ** 0.75, words * 2.0**19
    )  # Heaps' law: how many different n-grams so many letters hold
    return Facts(
        operations=(
            *(rows * cells, rows * cells * outputs, rows * letters, rows * letters * words * outputs),
            *(grams * outputs, (profile.levels + slots) * outputs, profile.columns, texts),
        ),
        bytes=(rows * cells, rows * letters, grams * outputs, profile.levels * outputs, texts),
        answer=(letters, letters * words, profile.numbers * outputs, profile.categories * outputs, texts),
        model=(
            grams * outputs,
            texts,
            profile.levels,
            profile.spelled,
            profile.levels * outputs,
            profile.numbers,
            cuts,
            slots * outputs,
        ),
    )


def plain(job: Job, schema: Schema, knobs: Knobs) -> Knobs:
    """Bins cut numbers, and n-grams are of texts."""
    idle = [name for name, kinds in (("bins", NUMERIC), ("words", (Kind.TEXT,))) if not schema.of(*kinds)]
    return {**knobs, **{name: SPACE.default[name] for name in idle}}


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Additive:
    rows, target, soft = fold.train, fold.target, fold.soft
    if len(rows) > MOST_ROWS:
        pick = np.sort(np.random.default_rng(job.seed).choice(len(rows), MOST_ROWS, replace=False))
        rows, target, soft = rows.take(pick), target[pick], None if soft is None else soft[pick]
    grams = [Grams(name, words=int(knobs["words"]), bits=19) for name in schema.of(Kind.TEXT)]
    seen = looks.look(schema, rows, grams, bins=int(knobs["bins"]))
    steps = 300 if clock.left > 5 else 30
    return additive.fit(seen, rows, target, len(schema.classes), float(knobs["strength"]), False, steps, soft)


def load(job: Job, schema: Schema, members: Members) -> Additive:
    return additive.load(schema, members)


RECIPE = Recipe("linear", SPACE, refuse, facts, fit, load, additive.join, plain=plain)
