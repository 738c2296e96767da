"""bm25: how often the words of a query stand in a document, and how rare they are; k1, b and boosts by the judged queries."""

from __future__ import annotations

from plimsoll import lexical
from plimsoll.finding import ANALYSER, Finder, Study, recipe
from plimsoll.knobs import Knobs, Space
from plimsoll.weighing import METHODS


def _fit(study: Study, knobs: Knobs) -> Finder:
    return lexical.fit(study, study.index(knobs), str(knobs["method"]))


RECIPE = recipe(
    "bm25", Space({**ANALYSER, "method": METHODS}), _fit, lambda arrays, index, _members: lexical.of(arrays, index)
)
