"""ease_transitions: what goes with a history and what comes next, EASE and transitions as one model, where both win over each."""

from __future__ import annotations

import math

from plimsoll import ease, listing, tandem, transitions
from plimsoll.knobs import Knobs, Space
from plimsoll.listing import Beside
from plimsoll.profile import Profile
from plimsoll.rows import Histories
from plimsoll.scorer import Explaining, Scorer
from plimsoll.tandem import Tandem

SPACE = Space(
    {
        "ridge": (100.0, 30.0, 300.0),
        "ease_alpha": (0.9, 0.8, 0.97),  # how a history fades, an event, for EASE
        "ease_keep": (200, 500, 0),  # links of an item; 0: all of them
        "window": (20, 8, 50),  # events that transitions look on to
        "alpha": (0.7, 0.5, 0.85),  # how a history fades for them
    },
    portfolio=({"ease_keep": 0}, {"window": 8, "alpha": 0.5}),
)
_KEEP, _GAMMA = 500, 0.9
_FEW, _MANY = -20, 12  # doublings with which one of the two has no say


def fit(told: Histories, knobs: Knobs, beside: Beside) -> Tandem:
    """``doublings`` of transitions beside EASE are settled on rows that are not seen: so few or so many where one alone is better."""
    goes: Explaining = ease.fit(told, float(knobs["ridge"]), float(knobs["ease_alpha"]), int(knobs["ease_keep"]))
    comes = transitions.fit(told, int(knobs["window"]), _GAMMA, float(knobs["alpha"]), keep=_KEEP)
    if beside.unseen is None or beside.judge is None:
        return Tandem(goes, comes, 2.0 ** float(knobs.get("doublings", 3)))
    first, second = goes.scores(beside.unseen), comes.scores(beside.unseen)
    share = tandem.best_share(first, second, beside.judge)
    if share is None:
        share = 2.0**_MANY if beside.judge(second) > beside.judge(first) else 2.0**_FEW
    return Tandem(goes, comes, share)


def settled(scorer: Scorer) -> Knobs:
    assert isinstance(scorer, Tandem)
    return {"doublings": round(math.log2(scorer.share))}


def memory(profile: Profile, knobs: Knobs) -> float:
    shape = profile.items, profile.rows, int(profile.events)
    first = ease.memory(*shape, float(knobs["ridge"]), int(knobs["ease_keep"]))
    return max(first, 4.0 * profile.items**2 + transitions.memory(*shape, _KEEP))


def work(profile: Profile, knobs: Knobs) -> float:
    small, many = sorted((float(profile.rows), float(profile.items)))
    return small**2 * many + profile.events * float(knobs["window"])


RECIPE = listing.recipe("ease_transitions", SPACE, fit, tandem.of, memory, work, settled)
