"""content: items that are like those of a history in what is known of them, so that one that nobody came to yet can be found."""

from __future__ import annotations

from plimsoll import content, item_features, listing
from plimsoll.content import Content
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.listing import Beside
from plimsoll.profile import Profile
from plimsoll.rows import Histories
from plimsoll.schema import Schema

SPACE = Space(
    {"alpha": (0.8, 0.6, 0.95), "words": (200, 50, 1_000)}
)  # how a history fades; words of a column that count


def refuse(job: Job, schema: Schema) -> str | None:
    return (
        None
        if job.lists and job.lists.items
        else "it goes by what is known of items; name a table of them with --items"
    )


def fit(told: Histories, knobs: Knobs, beside: Beside) -> Content:
    features = item_features.of(beside.collection, int(knobs["words"]))
    return content.of_features(features, float(knobs["alpha"]))


def memory(profile: Profile, knobs: Knobs) -> float:
    return 12.0 * profile.items * float(knobs["words"])


def work(profile: Profile, knobs: Knobs) -> float:
    return profile.items * float(knobs["words"])


RECIPE = listing.recipe("content", SPACE, fit, content.of, memory, work, refuse=refuse)
