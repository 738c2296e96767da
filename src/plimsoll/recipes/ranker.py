"""ranker: trees that order the best of several recommenders by what all of them say (LambdaMART, as LightGBM has it)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from plimsoll import content, ease, item_features, listing, popular, ranker, transitions
from plimsoll.collection import Collection
from plimsoll.errors import TrialError
from plimsoll.knobs import Knobs, Space
from plimsoll.listing import Beside
from plimsoll.profile import Profile
from plimsoll.ranker import Maker, Ranker
from plimsoll.rows import Histories

SPACE = Space(
    {
        "each": (60, 30, 120),  # candidates from each of two members
        "last": (8, 4, 16),  # events of a history that are learned from
        "trees": (100, 50, 200),
        "leaves": (8, 16),
        "rate": (0.1, 0.05),
        "content": (
            False,
            True,
        ),  # whether candidates are also items like those of a history, which nobody need have come to
    },
    portfolio=({"content": True}, {"each": 100, "last": 12, "trees": 200, "rate": 0.05}),
)
_KEEP = 200  # links of an item
_WORDS = 50  # of a column of text
_MOST_LESSONS = 10_000


def fit(told: Histories, knobs: Knobs, beside: Beside) -> Ranker:
    like = _like(beside.collection) if knobs["content"] else ()
    makers: tuple[Maker, ...] = (
        transitions.fit,
        partial(ease.fit, alpha=0.9, keep=_KEEP),
        *like,
        partial(transitions.fit, window=3, gamma=0.7, alpha=0.5),
        popular.fit,
        partial(popular.fit, share=listing.LATELY),
    )
    table = np.hstack([item_features.numbers(beside.collection), item_features.seen(told)])
    counts = {name: int(knobs[name]) for name in ("each", "last", "trees", "leaves")}
    rate, drawn = float(knobs["rate"]), 2 + len(like)
    try:
        return ranker.fit(told, makers, drawn, table, rate=rate, seed=beside.seed, clock=beside.clock, **counts)
    except ValueError as fault:
        raise TrialError(str(fault)) from None


def _like(collection: Collection) -> tuple[Maker, ...]:
    """The maker of what goes by what is known of items. Raises TrialError where that is nothing."""
    if not collection.schema.columns:
        raise TrialError("nothing is known of items by which any could be like others; --items names a table of them")
    features = item_features.of(collection, _WORDS)
    return (lambda _told: content.of_features(features),)


def load(arrays: Mapping[str, Any]) -> Ranker:
    trees = arrays["trees.onnx"]
    return ranker.of({name: array for name, array in arrays.items() if name != "trees.onnx"}, trees)


def memory(profile: Profile, knobs: Knobs) -> float:
    shape = profile.items, profile.rows, int(profile.events)
    lessons = min(_MOST_LESSONS, profile.rows * float(knobs["last"]))
    beside = 2.0 * 24.0 * _KEEP * profile.items + 160.0 * lessons * float(knobs["each"])
    return max(ease.memory(*shape, keep=_KEEP), transitions.memory(*shape)) + beside


def work(profile: Profile, knobs: Knobs) -> float:
    small, many = sorted((float(profile.rows), float(profile.items)))
    lessons = min(_MOST_LESSONS, profile.rows * float(knobs["last"]))
    asked = lessons * (profile.items + float(knobs["each"]) * float(knobs["trees"]))
    return 2.0 * small**2 * many + asked


RECIPE = listing.recipe("ranker", SPACE, fit, load, memory, work)
