"""What is said of a run whose answers are lists in words, the same on the page and in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GROUPS = {"all": "everybody", "warm": "known before", "cold": "new"}
MEASURES = {
    "ndcg": "how much of what they came to next is found, and how high: 1 where nothing else stands above it",
    "hit_rate": "the share of users whose first ten hold anything of what they came to next",
    "recall": "the share of what they came to next that is among the first ten",
    "mrr": "one over the place of the first that is found: 0.5 where it stands second",
    "map": "the precision at each place where something is found, over all there is to find",
    "precision": "the share of the places that hold something of what they came to next",
    "coverage": "the share of all items that anybody is shown",
    "popularity": "how popular what is shown is: 0.5 if drawn by chance, 1 if only the most popular",
    "novelty": "how surprising what is shown is, in bits: each is one halving of the users who know it",
    "diversity": "how unlike each other the items of a list are, by who had them",
}

Told = Mapping[str, Any]


def in_short(told: Told) -> str:
    """What the chosen model shows, and to whom: a line, "" where nothing is known.

    >>> in_short({"models": {"ease": {"groups": {"all": {"rows": 9, "figures": {"coverage@10": [0.1, 0.2, 0.3]}}}}}})
    'Lists: 20 % of the items are shown to any of 9 users.'
    """
    models: Told = told.get("models") or {}
    groups: Told = next((model.get("groups") or {} for model in models.values()), {})
    figures = (groups.get("all") or {}).get("figures") or {}
    first = next((name for name in figures if name.partition("@")[0] not in ("coverage", "popularity")), None)
    split = [
        f"{held['figures'][first][1]:.3f} of {held['rows']:,} {GROUPS[name]}"
        for name, held in groups.items()
        if name != "all" and first in (held.get("figures") or {})
    ]
    said = [f"{first} {', '.join(split)}"] if len(split) > 1 else []
    if shown := figures.get("coverage@10"):
        said.insert(0, f"{share(shown[1])} of the items are shown to any of {groups['all']['rows']:,} users")
    return f"Lists: {'; '.join(said)}." if said else ""


def verdicts(audit: Told) -> list[str]:
    """What the audit came to, a sentence each.

    >>> verdicts({"other": "last", "changes": {"here": "popular", "there": "ease", "gain": [0.01, 0.03], "changes": True}})
    ['By the split last, ease is measurably better than popular: the split picks the winner.']
    """
    said, changes, order = [], audit.get("changes"), audit.get("order")
    if changes:
        there = f"By the split {audit.get('other', '')}, "
        said.append(
            f"{there}{changes['there']} is measurably better than {changes['here']}: the split picks the winner."
            if changes["changes"]
            else f"{there}nothing is measurably better than {changes['here']}, too."
        )
    if order:
        apart = f"{order['low']:+.3f} to {order['high']:+.3f}".replace("-", "−")
        what = "carries signal" if order["carries"] else "carries no signal that can be told"
        said.append(
            f"The order of events {what}: a model of what follows what finds {order['kept']:.3f} (ndcg@10), and {order['shuffled']:.3f} with everybody's shuffled (95 % {apart})."
        )
    return said


def unequal(models: Told, what: str) -> list[str]:
    """Which of several models has seen less than the others.

    >>> unequal({"ease": {"whole": True}, "popular": {"whole": False}}, "events")
    ['popular is as it was tried: there was no time to fit it on all events, too.']
    """
    tried = [name for name, told in models.items() if told.get("whole") is False]
    if not tried or len(tried) == len(models):
        return []
    return [f"{', '.join(tried)} is as it was tried: there was no time to fit it on all {what}, too."]


def share(part: float) -> str:
    """
    >>> share(0.0069), share(0.43), share(0.0)
    ('0.69 %', '43 %', '0 %')
    """
    return f"{percent(part)} %"


def percent(part: float) -> str:
    """A share to two figures, in hundredths.

    >>> percent(0.00123), percent(0.999), percent(0.05)
    ('0.12', '99.9', '5')
    """
    return f"{100 * part:.3g}" if part >= 0.1 and f"{100 * part:.2g}" == "1e+02" else f"{100 * part:.2g}"
