"""popular: what most came to, ever or of late, the same for everybody. The floor of all lists."""

from __future__ import annotations

from plimsoll import listing, popular
from plimsoll.knobs import Knobs, Space
from plimsoll.listing import Beside
from plimsoll.popular import Popular
from plimsoll.profile import Profile
from plimsoll.rows import Histories

SPACE = Space(
    {"share": (1.0, 0.25, 0.1, 0.03)},  # of the time, at its end, that counts
    portfolio=({"share": 0.25}, {"share": 0.1}),
)


def fit(told: Histories, knobs: Knobs, beside: Beside) -> Popular:
    return popular.fit(told, float(knobs["share"]))


def memory(profile: Profile, knobs: Knobs) -> float:
    return popular.memory(profile.items, profile.rows, int(profile.events))


def work(profile: Profile, knobs: Knobs) -> float:
    return profile.events


RECIPE = listing.recipe("popular", SPACE, fit, popular.of, memory, work)
