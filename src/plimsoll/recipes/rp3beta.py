"""rp3beta: the chance to come from an item to another by way of somebody who came to both, over its popularity."""

from __future__ import annotations

from plimsoll import links, listing, neighbours
from plimsoll.knobs import Knobs, Space
from plimsoll.links import Links
from plimsoll.listing import Beside
from plimsoll.profile import Profile
from plimsoll.rows import Histories

SPACE = Space(
    {
        "power": (0.4, 0.8, 1.2),
        "beta": (0.6, 0.3, 0.8),
        "keep": (100, 50, 300),  # nearest of an item
        "alpha": (0.8, 0.6, 0.95),  # how a history fades, an event
    },
    portfolio=({"power": 0.8, "beta": 0.3}, {"alpha": 0.6}),
)


def fit(told: Histories, knobs: Knobs, beside: Beside) -> Links:
    power, beta, alpha = (float(knobs[name]) for name in ("power", "beta", "alpha"))
    return neighbours.walk(told, power, beta, int(knobs["keep"]), alpha)


def memory(profile: Profile, knobs: Knobs) -> float:
    return neighbours.memory(profile.items, profile.rows, int(profile.events), int(knobs["keep"]))


def work(profile: Profile, knobs: Knobs) -> float:
    return profile.events**2 / max(1.0, float(profile.rows))


RECIPE = listing.recipe("rp3beta", SPACE, fit, links.of, memory, work)
