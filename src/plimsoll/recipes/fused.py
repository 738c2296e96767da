"""fused: the words of a query and what they mean in one sum (BM25 and LSA), with the shares that find most, none among them."""

from __future__ import annotations

from plimsoll import fused, lsa
from plimsoll.errors import TrialError
from plimsoll.finding import ANALYSER, Finder, Study, recipe
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile

SPACE = Space({**ANALYSER, **lsa.KNOBS})


def fit(study: Study, knobs: Knobs) -> Finder:
    try:
        return fused.fit(study, lsa.shared(study, knobs))
    except ValueError as fault:
        raise TrialError(str(fault)) from None


def memory(profile: Profile, knobs: Knobs) -> float:
    return lsa.memory(profile.items, profile.events, float(knobs["rank"])) + 8.0 * profile.events


def work(profile: Profile, knobs: Knobs) -> float:
    """The axes, and some queries asked with many settings."""
    return lsa.work(profile.items, profile.events, float(knobs["rank"])) + 30.0 * profile.rows * profile.items


RECIPE = recipe("fused", SPACE, fit, lambda arrays, index, _members: fused.of(arrays, index), memory, work)
