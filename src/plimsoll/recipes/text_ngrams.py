"""text_ngrams: word and character n-grams of the text columns, hashed or a learned vocabulary, with linear weights."""

from __future__ import annotations

from plimsoll import additive
from plimsoll.additive import Additive
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
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


def facts(job: Job, schema: Schema, rows: int, knobs: Knobs) -> Facts:
    orders = max(0, int(knobs["chars"]) - int(knobs["shortest"]) + 1) if knobs["chars"] else 0
    cells = len(schema.of(Kind.TEXT)) * (60 * int(knobs["words"]) + 250 * orders)
    outputs = max(1, len(schema.classes) - 1)
    return Facts(operations=30.0 * rows * cells * outputs, bytes=12.0 * rows * cells)


def grams(schema: Schema, knobs: Knobs) -> list[Grams]:
    """The n-grams that these knobs ask for, of each text column: words and characters apart."""
    found = []
    for name in schema.of(Kind.TEXT):
        found.append(Grams(name, words=int(knobs["words"]), bits=19))
        if knobs["chars"]:
            found.append(Grams(name, chars=(int(knobs["shortest"]), int(knobs["chars"])), bits=20))
    return found


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Additive:
    learned = knobs["vocabulary"] == "learned"
    seen = additive.look(schema, fold.train, grams(schema, knobs), learned=learned, table=False)
    steps = 300 if clock.left > 10 else 30
    classes, strength = len(schema.classes), float(knobs["strength"])
    return additive.fit(seen, fold.train, fold.target, classes, strength, bool(knobs["balanced"]), steps)


def load(job: Job, schema: Schema, members: Members) -> Additive:
    return additive.load(schema, members)


RECIPE = Recipe("text_ngrams", SPACE, refuse, facts, fit, load)
