"""text_ngrams: word and character n-grams of the text columns, hashed or a learned vocabulary, with linear weights."""

from __future__ import annotations

from plimsoll import additive, looks
from plimsoll.additive import Additive
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile
from plimsoll.recipe import Facts, Fold, Members, Recipe
from plimsoll.schema import Kind, Schema
from plimsoll.text import Grams

SPACE = Space(
    {
        "words": (2, 1, 3),  # longest word n-gram
        "chars": (5, 0, 4, 6),  # longest character n-gram; 0: words alone
        "shortest": (2, 3),  # shortest character n-gram
        "strength": (1.0, 0.3, 3.0, 10.0),
        "balanced": (False, True),  # weigh classes alike
        "vocabulary": ("learned", "hashed"),
    },
    portfolio=(
        {"balanced": True},
        {"chars": 0, "strength": 1.0},
        {"strength": 3.0},
        {"chars": 0, "strength": 3.0},
    ),
)


def refuse(job: Job, schema: Schema) -> str | None:
    return None if schema.of(Kind.TEXT) else "there is no text column"


def facts(profile: Profile, knobs: Knobs) -> Facts:
    rows, outputs, letters, texts = profile.rows, max(1, profile.classes - 1), profile.letters, profile.texts
    words, orders = (
        int(knobs["words"]),
        max(0, int(knobs["chars"]) - int(knobs["shortest"]) + 1) if knobs["chars"] else 0,
    )
    spelled = texts * (orders > 0)
    most = (2.0**19, 2.0**20 * (orders > 0))
    # Heaps' law: how many different n-grams so many letters hold.
    known = ((rows * letters * words) ** 0.75, (rows * letters * orders) ** 0.75)
    held = most if knobs["vocabulary"] == "hashed" else tuple(map(min, known, most))
    return Facts(
        operations=(
            *(rows * letters * words, rows * letters * orders, rows * letters * (words / 5 + orders) * outputs),
            *(sum(held) * outputs, sum(map(min, known, most)) * outputs, texts, spelled),
        ),
        bytes=(rows * letters * words, rows * letters * orders, sum(held) * outputs, texts, spelled),
        answer=(letters * words, letters * orders, texts, spelled),
        model=(held[0] * outputs, held[1] * outputs, texts, spelled),
    )


def grams(schema: Schema, knobs: Knobs) -> list[Grams]:
    """The n-grams that these knobs ask for, of each text column: words and characters apart."""
    found = []
    for name in schema.of(Kind.TEXT):
        found.append(Grams(name, words=int(knobs["words"]), bits=19))
        if knobs["chars"]:
            found.append(Grams(name, chars=(int(knobs["shortest"]), int(knobs["chars"])), bits=20))
    return found


def plain(job: Job, schema: Schema, knobs: Knobs) -> Knobs:
    """Without n-grams of characters none is the shortest, and a number has no classes to weigh alike."""
    idle = [name for name, off in (("shortest", not knobs["chars"]), ("balanced", not schema.classes)) if off]
    return {**knobs, **{name: SPACE.default[name] for name in idle}}


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Additive:
    learned = knobs["vocabulary"] == "learned"
    seen = looks.look(schema, fold.train, grams(schema, knobs), learned=learned, table=False)
    steps = 300 if clock.left > 10 else 30
    classes, strength = len(schema.classes), float(knobs["strength"])
    balanced = bool(knobs["balanced"])
    return additive.fit(seen, fold.train, fold.target, classes, strength, balanced, steps, fold.soft)


def load(job: Job, schema: Schema, members: Members) -> Additive:
    return additive.load(schema, members)


RECIPE = Recipe("text_ngrams", SPACE, refuse, facts, fit, load, additive.join, plain=plain)
