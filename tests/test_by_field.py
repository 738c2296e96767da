"""BM25 of each field by itself is BM25 of an index of that field alone, but for how rare a term is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plimsoll import summing
from plimsoll.analysis import Analyser
from plimsoll.bm25 import Bm25
from plimsoll.by_field import ByField
from plimsoll.inverted import build
from plimsoll.weighing import METHODS, Weighing

TITLES = ["red hats", "coats", None, "a hat and a hat"]
TEXTS = ["red red coats", "a red hat", "hats hats coat", None]
QUERY = "red hat hat coat"


def _one(cells: list[str | None], weighing: Weighing, idf: dict[str, float]) -> np.ndarray:
    index = build({"it": cells}, Analyser())
    plain = Bm25.of(index, weighing)
    told = np.array([idf[index.lexicon.term(number)] for number in range(len(index.lexicon))])
    return Bm25.of(index, weighing, replace(plain.facts, idf=told)).scores(QUERY)


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_each_field_scores_as_if_it_were_alone(method: str, wide: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(summing, "_SHARE_OF_FEW", 8 if wide else 1e-9)
    weighing = Weighing(method)
    index = build({"title": TITLES, "text": TEXTS}, Analyser())
    model = Bm25.of(index, replace(weighing, boosts=(3.0, 1.0)))  # boosts are of fields together
    found = ByField(model, 2).scores(index.numbers(QUERY))
    idf = {index.lexicon.term(number): float(each) for number, each in enumerate(model.facts.idf)}
    assert np.allclose(found, [_one(TITLES, weighing, idf), _one(TEXTS, weighing, idf)], rtol=1e-5)
    assert ByField(model, 1).scores(index.numbers(QUERY)).tolist() == found[:1].tolist()


def test_of_no_field_nothing_is_told():
    index = build({"text": TEXTS}, Analyser())
    assert ByField(Bm25.of(index), 0).scores(index.numbers(QUERY)).shape == (0, 4)
