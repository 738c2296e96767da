"""encoder: what texts mean to an encoder that others trained, out of a folder, in one sum with BM25."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from plimsoll import encoder, encoder_files, fused, small_world
from plimsoll.encoder import Encoded
from plimsoll.finding import ANALYSER, Finder, Study, recipe
from plimsoll.inverted import Index
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile
from plimsoll.recipe import Members
from plimsoll.schema import Schema

SPACE = Space({**ANALYSER, "length": (64, 128, 32)})  # pieces of text that a network reads at once
_AXES, _OPERATIONS = 768.0, 2e7  # of a usual network: axes of a point, and operations for each piece that it reads


def fit(study: Study, knobs: Knobs) -> Finder:
    folder, length = study.search.encoder, int(knobs["length"])

    def coded() -> tuple[Any, ...]:
        coder = encoder_files.coder(folder, length)
        points = encoder.points(coder, encoder.whole(study.texts()), study.clock)
        return coder, points, small_world.made(points, map(coder.query, study.queries), study.seed, study.clock)

    coder, *placed = study.shared(("encoder", folder, length), coded)
    return fused.fit(study, Encoded(coder, study.index(knobs), *placed))


def load(arrays: Mapping[str, Any], index: Index, members: Members) -> Finder:
    return fused.of(arrays, index, partial(encoder.of, members=members))


def refuse(job: Job, schema: Schema) -> str | None:
    if job.search is None or not job.search.encoder:
        return "no encoder is there: --encoder names a folder with one"
    return encoder_files.lacks(job.search.encoder)


def memory(profile: Profile, knobs: Knobs) -> float:
    return 4.0 * _AXES * profile.items + 8.0 * profile.events


def work(profile: Profile, knobs: Knobs) -> float:
    return _OPERATIONS * profile.events


RECIPE = recipe("encoder", SPACE, fit, load, memory, work, refuse)
