"""The sum of BM25 and a cosine: what each counts is settled by queries, and a part that finds nothing counts nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from found_toys import index, study, texts
from plimsoll import fused, lexical, lsa
from plimsoll.fused import MEANING, Fused


def made(share: float) -> Fused:
    held = index()
    words = lexical.fit(study(), held).model
    return Fused(words, lsa.fit(held, 5), share, words)


def test_each_part_alone_is_itself():
    """With a share of nothing it is BM25, with all of it LSA."""
    words, meaning = made(0.0), made(1.0)
    assert words.best("heat1 wing2", 20)["item"].tolist() == words.words.best("heat1 wing2", 20)["item"].tolist()
    lsa_alone = meaning.meaning.best("heat1 wing2", 20)  # type: ignore[attr-defined]
    assert np.array_equal(meaning.best("heat1 wing2", 20), lsa_alone)


def test_what_means_nothing_counts_nothing():
    """With points that tell nothing apart the sum is BM25. Points that know the subject find more than words."""
    told, held = study(), index()
    sound = lsa.fit(held, 5)
    assert fused.fit(told, replace(sound, points=np.zeros_like(sound.points))).share == 0.0
    assert fused.fit(told, sound).share > 0.0


def test_the_parts_of_a_score_sum_to_it():
    model = made(0.5)
    for item, score in model.best("heat1 wing2 wing2 unheard", 10).tolist():
        parts = model.because("heat1 wing2 wing2 unheard", item)
        assert MEANING in dict(parts)
        assert sum(part for _, part in parts) == pytest.approx(score, abs=1e-5)


def test_later_documents_score_what_the_same_ones_scored():
    """Also where they lack a word of the query: what a score is a share of is what was learned."""
    model, held = made(0.5), texts()
    later = model.beside({name: cells[:3] for name, cells in held.items()})
    asked = "heat1 wing2 wave3"
    assert np.allclose(later.scores(asked)[:3], model.scores(asked)[:3], atol=1e-5)


@pytest.mark.parametrize("change", [{"share": np.array(1.5)}, {"share": np.array(np.nan)}, {"more": np.array(1.0)}])
def test_arrays_of_something_else_are_refused(change: dict[str, np.ndarray]):
    model = made(0.5)
    again = fused.of(model.arrays(), model.index)
    assert np.array_equal(again.best("heat1 wing2", 9), model.best("heat1 wing2", 9))
    with pytest.raises(ValueError, match=r"share|part"):
        fused.of(model.arrays() | change, model.index)
