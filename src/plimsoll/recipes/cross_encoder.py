"""cross_encoder: a network that others trained, out of a folder, reads the query beside each of the twenty best documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plimsoll import cross, encoder_files, fused, lsa
from plimsoll.cross import Cross
from plimsoll.errors import TrialError
from plimsoll.finding import ANALYSER, Finder, Study, recipe
from plimsoll.inverted import Index
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile
from plimsoll.recipe import Members
from plimsoll.schema import Schema

SPACE = Space({**ANALYSER, **lsa.KNOBS, "length": (128, 256, 64)})  # pieces of query and document that are read


def fit(study: Study, knobs: Knobs) -> Finder:
    reads, net = encoder_files.pairs(study.search.cross, int(knobs["length"]))
    try:
        model = Cross(fused.fit(study, lsa.shared(study, knobs)), cross.kept(study.texts()), reads, net)
        model.because("a", 0)  # what says no such score is told before anybody asks
    except ValueError as fault:
        raise TrialError(str(fault)) from None
    return model


def load(arrays: Mapping[str, Any], index: Index, members: Members) -> Finder:
    return cross.of(arrays, index, members)


def refuse(job: Job, schema: Schema) -> str | None:
    if job.search is None or not job.search.cross:
        return "no network that reads a query beside a document is there: --cross-encoder names a folder with one"
    return encoder_files.lacks(job.search.cross, graph=True)


def memory(profile: Profile, knobs: Knobs) -> float:
    held = min(profile.events * 6.0, profile.items * float(cross.LETTERS))
    return lsa.memory(profile.items, profile.events, float(knobs["rank"])) + 8.0 * profile.events + 2.0 * held


def work(profile: Profile, knobs: Knobs) -> float:
    return lsa.work(profile.items, profile.events, float(knobs["rank"])) + 30.0 * profile.rows * profile.items


RECIPE = recipe("cross_encoder", SPACE, fit, load, memory, work, refuse)
