"""ease: the linear model of items from items, solved at once (Steck 2019), over histories that fade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plimsoll import ease, links, listing
from plimsoll.ease import Ease
from plimsoll.knobs import Knobs, Space
from plimsoll.links import Links
from plimsoll.listing import Beside
from plimsoll.profile import Profile
from plimsoll.rows import Histories

SPACE = Space(
    {
        "ridge": (100.0, 30.0, 300.0, 1_000.0),
        "alpha": (0.8, 0.6, 0.9, 0.97),  # how a history fades, an event
        "keep": (200, 500, 0),  # links of an item; 0: all of them
    },
    portfolio=({"alpha": 0.9}, {"keep": 0, "alpha": 0.9}, {"ridge": 300.0}),
)


def fit(told: Histories, knobs: Knobs, beside: Beside) -> Ease | Links:
    return ease.fit(told, float(knobs["ridge"]), float(knobs["alpha"]), int(knobs["keep"]))


def load(arrays: Mapping[str, Any]) -> Ease | Links:
    return links.of(arrays) if "indptr" in arrays else ease.of(arrays)


def memory(profile: Profile, knobs: Knobs) -> float:
    return ease.memory(profile.items, profile.rows, int(profile.events), float(knobs["ridge"]), int(knobs["keep"]))


def work(profile: Profile, knobs: Knobs) -> float:
    """The smaller square is solved, and what comes of it is as wide as the items."""
    small, many = sorted((float(profile.rows), float(profile.items)))
    return small**2 * many


RECIPE = listing.recipe("ease", SPACE, fit, load, memory, work)
