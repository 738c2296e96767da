"""transitions: how often an item came soon after another, counted in a window that fades."""

from __future__ import annotations

from plimsoll import links, listing, transitions
from plimsoll.knobs import Knobs, Space
from plimsoll.links import Links
from plimsoll.listing import Beside
from plimsoll.profile import Profile
from plimsoll.rows import Histories

SPACE = Space(
    {
        "window": (20, 3, 8, 50),  # events that are looked on to
        "gamma": (0.9, 0.7, 0.97),  # what each of them counts, beside the one before it
        "alpha": (0.7, 0.5, 0.85, 0.95),  # how a history fades, an event
        "smooth": (20.0, 5.0, 80.0),
        "keep": (500, 100, 2_000),  # links of an item
    },
    portfolio=({"window": 8, "alpha": 0.5}, {"window": 50, "gamma": 0.97, "alpha": 0.85}),
)


def fit(told: Histories, knobs: Knobs, beside: Beside) -> Links:
    numbers = {name: float(knobs[name]) for name in ("gamma", "alpha", "smooth")}
    return transitions.fit(told, window=int(knobs["window"]), keep=int(knobs["keep"]), **numbers)


def memory(profile: Profile, knobs: Knobs) -> float:
    return transitions.memory(profile.items, profile.rows, int(profile.events), int(knobs["keep"]))


def work(profile: Profile, knobs: Knobs) -> float:
    return profile.events * float(knobs["window"])


RECIPE = listing.recipe("transitions", SPACE, fit, links.of, memory, work)
