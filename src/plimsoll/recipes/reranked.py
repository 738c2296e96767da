"""reranked: the best of BM25 and LSA, put into order by trees that weigh what is told of query and document (LambdaMART)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plimsoll import clues, fused, lsa, reranked
from plimsoll.errors import TrialError
from plimsoll.finding import ANALYSER, Finder, Study, recipe
from plimsoll.inverted import Index
from plimsoll.knobs import Knobs, Space
from plimsoll.lambdamart import Plan
from plimsoll.profile import Profile
from plimsoll.recipe import Members

SPACE = Space(
    {**ANALYSER, **lsa.KNOBS, "trees": (150, 75, 300), "leaves": (8, 4, 16), "rate": (0.05, 0.03, 0.1)},
    portfolio=({"rate": 0.03, "trees": 300}, {"trees": 75}),
)


def fit(study: Study, knobs: Knobs) -> Finder:
    plan = Plan(int(knobs["trees"]), int(knobs["leaves"]), float(knobs["rate"]))
    try:
        told = clues.of_parts(fused.fit(study, lsa.shared(study, knobs)))
        return reranked.fit(study, told, plan)
    except ValueError as fault:
        raise TrialError(str(fault)) from None


def load(arrays: Mapping[str, Any], index: Index, members: Members) -> Finder:
    return reranked.of(arrays, index)


def memory(profile: Profile, knobs: Knobs) -> float:
    return lsa.memory(profile.items, profile.events, float(knobs["rank"])) + clues.memory(profile.items, profile.events)


def work(profile: Profile, knobs: Knobs) -> float:
    """The axes, the neighbours of documents, and some queries asked with many settings."""
    rank = float(knobs["rank"])
    return (
        lsa.work(profile.items, profile.events, rank)
        + clues.work(profile.items, rank)
        + 30.0 * profile.rows * profile.items
    )


RECIPE = recipe("reranked", SPACE, fit, load, memory, work)
