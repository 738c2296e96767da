"""covariance_lda: log-covariances of the last window, whole or band by band, and linear discriminants with shrinkage."""

from __future__ import annotations

from plimsoll import window_lda
from plimsoll.clock import Clock
from plimsoll.covariance import BANDS
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile
from plimsoll.recipe import Facts, Fold, Members, Recipe
from plimsoll.schema import Schema
from plimsoll.window_lda import WindowLda

SPACE = Space(
    {
        "window": (0.25, 0.15, 0.4, 0.6),
        "bands": (False, True),
        "roll": (0, 1),  # places by which a ring is also turned to learn from: robuster, and worse where nothing turns
        "person": window_lda.PERSON,
    },
    portfolio=({"bands": True},),
)
MEMBER = "covariance_lda.safetensors"


def facts(profile: Profile, knobs: Knobs) -> Facts:
    times = len(BANDS) - 1 if knobs.get("bands") else 1
    return window_lda.facts(profile, knobs, times * profile.channels * (profile.channels + 1) / 2)


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> WindowLda:
    return window_lda.fit(MEMBER, "bands" if knobs.get("bands") else "covariance", job, schema, fold, knobs)


def load(job: Job, schema: Schema, members: Members) -> WindowLda:
    return window_lda.load(MEMBER, job, schema, members)


RECIPE = Recipe(
    "covariance_lda",
    SPACE,
    window_lda.refuse,
    facts,
    fit,
    load,
    plain=window_lda.plain,
    streams=True,
    adapt=window_lda.adapt,
)
