"""lsa: what words mean by the company that they keep (latent semantic analysis), so that a document is found without the words asked for."""

from __future__ import annotations

from plimsoll import lsa
from plimsoll.errors import TrialError
from plimsoll.finding import ANALYSER, Finder, Study, recipe
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile

SPACE = Space({**ANALYSER, **lsa.KNOBS})


def fit(study: Study, knobs: Knobs) -> Finder:
    try:
        return lsa.shared(study, knobs)
    except ValueError as fault:
        raise TrialError(str(fault)) from None


def memory(profile: Profile, knobs: Knobs) -> float:
    return lsa.memory(profile.items, profile.events, float(knobs["rank"]))


def work(profile: Profile, knobs: Knobs) -> float:
    return lsa.work(profile.items, profile.events, float(knobs["rank"]))


RECIPE = recipe("lsa", SPACE, fit, lambda arrays, index, _members: lsa.of(arrays, index), memory, work)
