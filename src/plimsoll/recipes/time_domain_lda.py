"""time_domain_lda: time-domain features of the last window (Hudgins and others 1993), and linear discriminants with shrinkage."""

from __future__ import annotations

from plimsoll import time_domain, window_lda
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile
from plimsoll.recipe import Facts, Fold, Members, Recipe
from plimsoll.schema import Schema
from plimsoll.window_lda import WindowLda

SPACE = Space(
    {
        "window": (0.25, 0.15, 0.4, 0.6),
        "covariance": (True, False),  # log-covariances beside
        "roll": (0, 1),  # places by which a ring is also turned to learn from: robuster, and worse where nothing turns
        "person": window_lda.PERSON,
    },
    portfolio=({"covariance": False},),
)
MEMBER = "time_domain_lda.safetensors"


def facts(profile: Profile, knobs: Knobs) -> Facts:
    beside = profile.channels * (profile.channels + 1) / 2 if knobs.get("covariance") else 0.0
    return window_lda.facts(profile, knobs, time_domain.FIGURES * profile.channels + beside)


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> WindowLda:
    return window_lda.fit(MEMBER, "both" if knobs.get("covariance") else "time", job, schema, fold, knobs)


def load(job: Job, schema: Schema, members: Members) -> WindowLda:
    return window_lda.load(MEMBER, job, schema, members)


RECIPE = Recipe(
    "time_domain_lda",
    SPACE,
    window_lda.refuse,
    facts,
    fit,
    load,
    plain=window_lda.plain,
    streams=True,
    adapt=window_lda.adapt,
)
