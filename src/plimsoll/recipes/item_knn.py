"""item_knn: items that the same people came to, by the cosine with shrinking."""

from __future__ import annotations

from plimsoll import links, listing, neighbours
from plimsoll.knobs import Knobs, Space
from plimsoll.links import Links
from plimsoll.listing import Beside
from plimsoll.profile import Profile
from plimsoll.rows import Histories

SPACE = Space(
    {
        "keep": (100, 50, 300),  # nearest of an item
        "shrink": (20.0, 5.0, 100.0),
        "alpha": (0.8, 0.6, 0.95),  # how a history fades, an event
    },
    portfolio=({"alpha": 0.6, "keep": 50},),
)


def fit(told: Histories, knobs: Knobs, beside: Beside) -> Links:
    return neighbours.cosine(told, float(knobs["shrink"]), int(knobs["keep"]), float(knobs["alpha"]))


def memory(profile: Profile, knobs: Knobs) -> float:
    return neighbours.memory(profile.items, profile.rows, int(profile.events), int(knobs["keep"]))


def work(profile: Profile, knobs: Knobs) -> float:
    return profile.events**2 / max(1.0, float(profile.rows))


RECIPE = listing.recipe("item_knn", SPACE, fit, links.of, memory, work)
