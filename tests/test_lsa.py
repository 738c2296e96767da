"""LSA: exact singular vectors, cosines that are sums over the words of a query, and documents that have none of them."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from found_toys import PLAIN, SUBJECTS, index, texts
from plimsoll import dense, lsa, relevance
from plimsoll.analysis import Analyser
from plimsoll.inverted import build
from plimsoll.ranking import GRADED, found

CRANFIELD = Path(__file__).parents[2] / "shared" / "data" / "cranfield"


def scores(model: lsa.Lsa, text: str) -> np.ndarray:
    return dense.towards(model.points, model.point(text))[: model.index.many]


def test_axes_are_those_of_the_whole_decomposition():
    """The randomised way comes to the same space as NumPy's own, worked out of the written formula."""
    held = index()
    model = lsa.fit(held, rank=SUBJECTS)
    counts = np.zeros((held.many, len(held.lexicon)))
    for number in range(len(held.lexicon)):
        own = slice(held.starts[number], held.starts[number + 1])
        counts[held.docs[own], number] = held.counts[:, own].sum(axis=0)
    share = counts / counts.sum(axis=0)
    weights = 1 + (share * np.log(np.where(share > 0, share, 1))).sum(axis=0) / np.log(held.many)
    matrix = np.log1p(counts) * weights
    axes = np.linalg.svd(matrix / np.linalg.norm(matrix, axis=1, keepdims=True))[2][:SUBJECTS]
    points = dense.unit(matrix @ axes.T)
    assert np.allclose(model.points @ model.points.T, points @ points.T, atol=1e-3)


def test_documents_on_the_subject_are_found_without_the_word():
    """All eight documents of a subject come first, also those in which the word that is asked for is not."""
    model = lsa.fit(index(), rank=SUBJECTS)
    best = model.best("heat3", 8)["item"]
    has_it = index().matching("heat3")
    assert set(best.tolist()) == set(range(1, 40, SUBJECTS))
    assert not has_it[best].all()


def test_the_parts_of_a_score_sum_to_it():
    model = lsa.fit(index(), rank=6)
    for document in (0, 7, 21):
        parts = model.because("wing1 gear2 gear2 unheard", document)
        assert {name for name, _ in parts} == {"wing1", "gear2"}
        assert sum(part for _, part in parts) == pytest.approx(
            float(scores(model, "wing1 gear2 gear2")[document]), abs=1e-5
        )


def test_later_documents_lie_where_the_same_ones_lay():
    """Documents that come later are put on the axes that were learned; a word that was not learned changes nothing."""
    model, held = lsa.fit(index(), rank=6, short=0.5), texts()
    later = model.beside({name: [*cells, "new"] for name, cells in held.items()})
    assert np.allclose(later.points[:-1], model.points, atol=1e-5)
    assert not later.points[-1].any()
    assert later.best("gear1", 5)["item"].tolist() == model.best("gear1", 5)["item"].tolist()


def test_every_term_places_its_documents():
    """Each document has one term, from the first of the lexicon to the last: it is found by that alone."""
    model = lsa.fit(build({"text": ["a", "b", "c"]}, PLAIN), 3)
    assert [int(model.best(text, 1)["item"][0]) for text in "abc"] == [0, 1, 2]


def test_a_short_field_counts_more_where_that_is_wanted():
    """The title is a third as long as the text."""
    plain, boosted = lsa.fit(index(), 4), lsa.fit(index(), 4, short=0.5)
    assert plain.axes.boosts.tolist() == [1.0, 1.0]
    assert boosted.axes.boosts.tolist() == pytest.approx([2.0, 1.0])  # of four words in a text


def test_what_is_no_word_finds_nothing():
    model = lsa.fit(index(), rank=4)
    for text in ("", "?!", "unheard of"):
        assert (model.best(text, 5)["item"] == -1).all()


def test_documents_without_a_word_are_told():
    with pytest.raises(ValueError, match="no document has a word"):
        lsa.fit(build({"text": ["", None]}, PLAIN), 4)


def test_what_lies_off_the_axes_lies_nowhere():
    """What rounding leaves of it is not made a point of length one."""
    model = lsa.fit(build({"text": ["a b", "a b", "a b c", "d"]}, PLAIN), 1)
    assert not model.points[3].any()
    assert not model.point("d").any()


def test_there_are_no_more_axes_than_documents():
    assert lsa.fit(build({"text": ["a b", "b c"]}, PLAIN), 100).points.shape == (2, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"terms": np.ones((3, 4), np.float32)},
        {"points": np.full((40, 4), np.nan, np.float32)},
        {"points": np.ones((40, 5), np.float32)},
        {"boosts": np.ones(3, np.float32)},
        {"more": np.ones(3, np.float32)},
    ],
)
def test_arrays_of_something_else_are_refused(change: dict[str, np.ndarray]):
    held = index()
    arrays = lsa.fit(held, rank=4).arrays()
    lsa.of(arrays, held)
    with pytest.raises(ValueError, match=r"shape|finite|arrays"):
        lsa.of(arrays | change, held)


@pytest.mark.skipif(not CRANFIELD.exists(), reason="the collection is not here")
def test_cranfield_is_found_as_well_as_was_measured():
    """0.425 over all 225 queries; BM25 comes to 0.386."""
    packed = (CRANFIELD / "corpus.jsonl.gz").read_bytes()
    documents = [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()]
    queries = [json.loads(line) for line in (CRANFIELD / "queries.jsonl").read_text().splitlines()]
    place = {each["doc_id"]: row for row, each in enumerate(documents)}
    truth = np.zeros((len(queries), 60), dtype=GRADED)
    truth["item"], many = -1, [0] * len(queries)
    for each in csv.DictReader((CRANFIELD / "qrels.csv").read_text().splitlines()):
        row = int(each["query_id"]) - 1
        truth[row, many[row]] = (place[each["doc_id"]], float(each["relevance"]))
        many[row] += 1
    held = build({name: [each[name] for each in documents] for name in ("title", "text")}, Analyser())
    model = lsa.fit(held, 200, short=0.33)
    lists = np.stack([model.best(each["text"], 100) for each in queries])
    assert relevance.mean(relevance.each("ndcg@10", found(lists, truth))) > 0.42
