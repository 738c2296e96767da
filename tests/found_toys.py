"""Documents on five subjects, each with words of its own that stand together, and queries of whom it is known what they are about."""

from __future__ import annotations

import numpy as np

from plimsoll import inverted
from plimsoll.analysis import Analyser
from plimsoll.clock import Clock
from plimsoll.collection import Collection
from plimsoll.finding import Study
from plimsoll.ids import Ids
from plimsoll.inverted import Index
from plimsoll.job import Documents
from plimsoll.ranking import GRADED
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema

PLAIN = Analyser(stem="", stop="")
SUBJECTS, EACH = 5, 8
WORDS = [[f"{subject}{k}" for k in range(6)] for subject in ("wing", "heat", "wave", "gear", "fuel")]


def texts(seed: int = 0) -> dict[str, list[str | None]]:
    random = np.random.default_rng(seed)
    drawn = [random.choice(WORDS[k % SUBJECTS], 4, replace=False) for k in range(SUBJECTS * EACH)]
    return {"title": [str(words[0]) for words in drawn], "text": [f"the {' '.join(words[1:])}" for words in drawn]}


def index() -> Index:
    return inverted.build(texts(), PLAIN)


def study(queries: int = 60, seed: int = 1) -> Study:
    """A query is two words of a subject, and all of its documents are good, those that have the first word doubly so."""
    random, held = np.random.default_rng(seed), texts()
    asked, truth = [], np.zeros((queries, EACH), dtype=GRADED)
    for row in range(queries):
        subject = row % SUBJECTS
        words = random.choice(WORDS[subject], 2, replace=False).tolist()
        asked.append(" ".join(words))
        truth["item"][row] = np.arange(subject, SUBJECTS * EACH, SUBJECTS)
        whole = [f"{held['title'][item]} {held['text'][item]}".split() for item in truth["item"][row]]
        truth["grade"][row] = [2 if words[0] in document else 1 for document in whole]
    about = Schema((Column("title", Kind.TEXT), Column("text", Kind.TEXT)), "id")
    cells = Rows(SUBJECTS * EACH, {name: Coded.of(values) for name, values in held.items()})
    shelf = Collection(Ids.of([f"d{k:02d}" for k in range(SUBJECTS * EACH)]), cells, about)
    return Study(shelf, ("title", "text"), asked, truth, Clock(600.0), 0, Documents(text="title,text", language="none"))
