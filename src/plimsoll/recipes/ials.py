"""ials: factors of people and of items by alternating least squares over all cells (Hu, Koren and Volinsky 2008)."""

from __future__ import annotations

from plimsoll import als, listing
from plimsoll.als import Factors
from plimsoll.knobs import Knobs, Space
from plimsoll.listing import Beside
from plimsoll.profile import Profile
from plimsoll.rows import Histories

SPACE = Space(
    {
        "factors": (64, 32, 128),
        "ridge": (0.01, 0.003, 0.03),
        "weight": (10.0, 3.0, 30.0),  # of an event beside a cell that was not taken
        "rounds": (10, 5, 20),
        "alpha": (0.8, 0.6, 0.95),  # how a history fades, an event
    },
    portfolio=({"factors": 32, "rounds": 5}, {"factors": 128}),
    open=("factors",),
)


def fit(told: Histories, knobs: Knobs, beside: Beside) -> Factors:
    factors, rounds = int(knobs["factors"]), int(knobs["rounds"])
    ridge, weight, alpha = (float(knobs[name]) for name in ("ridge", "weight", "alpha"))
    return als.fit(told, factors, ridge, weight, rounds, alpha, beside.seed, beside.clock)


def memory(profile: Profile, knobs: Knobs) -> float:
    return als.memory(profile.items, profile.rows, int(profile.events), int(knobs["factors"]))


def work(profile: Profile, knobs: Knobs) -> float:
    factors = float(knobs["factors"])
    return float(knobs["rounds"]) * factors * (profile.events + factors * (profile.rows + profile.items))


RECIPE = listing.recipe("ials", SPACE, fit, als.of, memory, work)
