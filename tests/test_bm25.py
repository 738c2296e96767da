"""BM25 and its relatives: figures worked out by hand, bm25s's own, and lists that are those of scoring everything."""

from __future__ import annotations

import csv
import gzip
import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from plimsoll import bm25, relevance, summing, top
from plimsoll.analysis import Analyser
from plimsoll.bm25 import Bm25
from plimsoll.inverted import Index, build
from plimsoll.ranking import GRADED, found
from plimsoll.weighing import METHODS, Weighing

CRANFIELD = Path(__file__).parents[2] / "shared" / "data" / "cranfield"
PLAIN = Analyser(stem="", stop="")
LETTERS = "abcdefgh"
TEXTS = st.lists(st.text(LETTERS, max_size=12).map(" ".join), min_size=1, max_size=30)
QUERIES = st.text(LETTERS + "z", max_size=6).map(" ".join)


def of(*texts: str | None) -> Index:
    return build({"text": texts}, PLAIN)


def made_up(many: int, seed: int = 0) -> list[str]:
    """Texts of words that are as unlike in how often they occur as words are."""
    random = np.random.default_rng(seed)
    words, often = [f"w{k}" for k in range(60)], 1 / np.arange(1, 61)
    return [" ".join(random.choice(words, random.integers(1, 30), p=often / often.sum())) for _ in range(many)]


def test_a_score_is_the_one_worked_out_by_hand():
    """Robertson's formula in Lucene's spelling: of three documents two have "a", the first twice in four words where three are the mean."""
    scores = Bm25.of(of("a a b c", "a d", "e f g"), Weighing(k1=1.2, b=0.75)).scores("a b unheard")
    rare_a, rare_b = math.log(1 + 1.5 / 2.5), math.log(1 + 2.5 / 1.5)
    first = rare_a * 2 / (2 + 1.2 * (0.25 + 0.75 * 4 / 3)) + rare_b * 1 / (1 + 1.2 * (0.25 + 0.75 * 4 / 3))
    second = rare_a * 1 / (1 + 1.2 * (0.25 + 0.75 * 2 / 3))
    assert scores == pytest.approx([first, second, 0.0], rel=1e-6)
    assert first == pytest.approx(0.6610, abs=1e-4)


@pytest.mark.parametrize(
    ("k1", "b", "delta"), [(1.2, 0.75, 0.5), (1.5, 0.4, 1.0), (0.9, 0.0, 0.3), (0.1, 0.6, 0.5), (2.0, 1.0, 0.5)]
)
@pytest.mark.parametrize("method", METHODS)
def test_scores_are_those_of_bm25s(method: str, k1: float, b: float, delta: float):
    """For all five formulas. What bm25s gives a document for a term that it lacks (bm25l, bm25+) is taken off: by the formulas'
    authors a document scores for the terms that it has."""
    bm25s = pytest.importorskip("bm25s")
    texts = made_up(300)
    other = bm25s.BM25(method=method, k1=k1, b=b, delta=delta, backend="numpy")
    other.index([text.split() for text in texts], show_progress=False)
    model = Bm25.of(of(*texts), Weighing(method, k1, b, delta))
    for query in ("w1 w2", "w5 w9 w30", "w0 w59", "w3 w3 w40"):
        due = other.get_scores(query.split())
        if other.nonoccurrence_array is not None:
            for term in query.split():
                due -= other.nonoccurrence_array[other.vocab_dict[term]] * np.array(
                    [term not in text.split() for text in texts]
                )
        scores = model.scores(query)
        assert scores == pytest.approx(due, rel=2e-5, abs=1e-5)
        assert query == "w1 w2" or scores.max() > 0.2  # both are in most documents, which says nothing to robertson


def naive(index: Index, weighing: Weighing, query: str) -> list[float]:
    """Each document's score by Lucene's formula with fields, from what the index counts, term by term in Python."""
    scores = [0.0] * index.many
    boosts = weighing.boosts or (1.0,) * len(index.fields)
    means = index.lengths.mean(axis=1)
    for number in index.numbers(query):
        begin, end = index.starts[number : number + 2]
        rare = math.log(1 + (index.many - (end - begin) + 0.5) / (end - begin + 0.5))
        for posting in range(begin, end):
            doc, often = index.docs[posting], 0.0
            for field, boost in enumerate(boosts):
                norm = 1 - weighing.b + weighing.b * index.lengths[field, doc] / means[field] if means[field] else 1.0
                often += boost * index.counts[field, posting] / norm if index.counts[field, posting] else 0.0
            scores[doc] += rare * often / (often + weighing.k1)
    return scores


@settings(deadline=None)
@given(TEXTS, QUERIES, st.integers(0, 8), st.sampled_from(METHODS), st.integers(0, 99), st.booleans())
def test_the_best_are_those_of_scoring_everything(
    texts: list[str], query: str, depth: int, method: str, seed: int, wide: bool
):
    """The same documents, the same scores to the last bit, of equals the lower number first, and none that may not be listed;
    whether a term is added up over all documents or over its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summing, "_FEW", 9)
        patch.setattr(summing, "_SHARE", 8 if wide else 1e-9)
        patch.setattr(summing, "_SHARE_OF_FEW", 8 if wide else 1e-9)
        patch.setattr(top, "_FEW", 10)
        patch.setattr(top, "_COLUMNS", 4)
        model = Bm25.of(of(*texts), Weighing(method))
        scores = model.scores(query)
        for among in (None, np.random.default_rng(seed).random(len(texts)) < 0.6):
            listed = [k for k in range(len(texts)) if scores[k] > 0 and (among is None or among[k])]
            due = sorted(listed, key=lambda k: (-scores[k], k))[:depth]
            lists = model.best(query, depth, among)
            assert lists["item"].tolist() == due + [-1] * (depth - len(due))
            assert lists["score"].tolist() == [*scores[due].tolist(), *[0.0] * (depth - len(due))]
    assert {k for k, score in enumerate(scores) if score > 0} == set(np.flatnonzero(model.index.matching(query)))


@settings(deadline=None)
@given(TEXTS, st.data(), st.floats(0, 3), st.floats(0, 1), st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)))
def test_fields_count_as_bm25f_has_them(
    texts: list[str], data: st.DataObject, k1: float, b: float, boosts: tuple[float, float]
):
    """Each field's frequency over its own length, boosted and summed before it saturates."""
    titles = data.draw(st.lists(st.one_of(st.none(), QUERIES), min_size=len(texts), max_size=len(texts)))
    index = build({"title": titles, "text": texts}, PLAIN)
    weighing, query = Weighing(k1=k1, b=b, boosts=boosts), data.draw(QUERIES)
    assert Bm25.of(index, weighing).scores(query) == pytest.approx(naive(index, weighing, query), rel=1e-4, abs=1e-6)


def test_a_boost_of_two_is_the_field_twice_over():
    """Where lengths do not count, a title that is boosted by 2 is one that was written twice."""
    titles, texts = ["a b", "c", None], ["c d", "a a", "b"]
    boosted = Bm25.of(build({"title": titles, "text": texts}, PLAIN), Weighing(b=0.0, boosts=(2.0, 1.0)))
    twice = Bm25.of(of("a b a b c d", "c c a a", "b"), Weighing(b=0.0))
    for query in ("a", "b c", "a b c d"):
        assert boosted.scores(query) == pytest.approx(twice.scores(query), rel=1e-6)


@settings(deadline=None)
@given(TEXTS, QUERIES)
def test_a_score_is_the_sum_of_its_parts(texts: list[str], query: str):
    """Those of the terms that a document has, the biggest first; a document without any has none."""
    model = Bm25.of(of(*texts))
    for document, score in enumerate(model.scores(query).tolist()):
        parts = model.because(query, document)
        assert sum(part for _, part in parts) == pytest.approx(score, rel=1e-5)
        assert {term for term, _ in parts} == set(query.split()) & set(texts[document].split())
        assert [part for _, part in parts] == sorted((part for _, part in parts), reverse=True)


def test_a_term_that_is_asked_twice_counts_twice():
    """And the order of the words does not matter to the last bit."""
    model = Bm25.of(of(*made_up(200)))
    assert model.scores("w1 w2 w1") == pytest.approx(2 * model.scores("w1") + model.scores("w2"), rel=1e-6)
    for words in (["w9", "w1", "w2", "w1"], [f"w{k}" for k in range(12)]):
        assert np.array_equal(model.scores(" ".join(words)), model.scores(" ".join(reversed(words))))
    assert [round(part, 5) for _, part in model.because("w1 w1", 0)] == [
        round(2 * part, 5) for _, part in model.because("w1", 0)
    ]


@pytest.mark.parametrize("query", ["", " ", "unheard", "the of", "\x00\x01", "🙂"])
def test_a_query_without_a_known_term_finds_nothing(query: str):
    """Nothing is listed, and no document explained."""
    model = Bm25.of(build({"text": ["a red hat", None]}, Analyser()))
    assert model.best(query, 3).tolist() == [(-1, 0.0)] * 3
    assert not model.scores(query).any()
    assert model.because(query, 0) == []


def test_a_term_that_says_nothing_still_finds_what_has_it():
    """By some formulas a term in most documents weighs nothing; it is found all the same, below all that weighs something."""
    model = Bm25.of(of("a", "a b", "a"), Weighing("robertson"))
    assert model.best("a", 3)["item"].tolist() == [0, 2, 1]
    assert 0 < model.scores("a").max() < 1e-5
    assert Bm25.of(of("a", "a b", "a", "a", "b c"), Weighing("robertson")).best("a c", 1)["item"].tolist() == [4]


@settings(deadline=None)
@given(TEXTS, QUERIES, st.sampled_from(METHODS), st.booleans())
def test_weights_are_the_same_when_they_are_worked_out_as_they_are_asked_for(
    texts: list[str], query: str, method: str, cut: bool
):
    """To the last bit, however many postings are weighed together: so what was tried is what is kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bm25, "_PIECE", 3 if cut else 1 << 20)
        index, weighing = of(*texts), Weighing(method)
        eager, asked = Bm25.of(index, weighing), Bm25.of(index, weighing, eager=False)
    assert asked.weights is None
    assert np.array_equal(eager.scores(query), asked.scores(query))


@settings(deadline=None)
@given(TEXTS, QUERIES, st.sampled_from(METHODS), st.data())
def test_a_document_beside_scores_what_it_would_have_scored(
    texts: list[str], query: str, method: str, data: st.DataObject
):
    """By the frequencies that were learned, to the last bit: so its score goes with the others'."""
    model = Bm25.of(of(*texts), Weighing(method))
    chosen = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=5))
    beside = model.beside(of(*(texts[k] for k in chosen)))
    assert beside.scores(query).tolist() == model.scores(query)[chosen].tolist()
    assert (beside.index.many, beside.weighing) == (len(chosen), model.weighing)


def test_what_was_not_learned_is_as_rare_as_what_is_in_no_document():
    """A new word of a later document is worth a little more than any word of one document."""
    model = Bm25.of(of("a b", "c d", "a c"))
    parts = dict(model.beside(of("a new b")).because("a b new", 0))
    assert parts["new"] / parts["b"] == pytest.approx(math.log(1 + 3.5 / 0.5) / math.log(1 + 2.5 / 1.5), rel=1e-5)
    assert parts["new"] > parts["b"] > parts["a"]
    for method in METHODS:
        assert math.isfinite(Bm25.of(of("a", "b"), Weighing(method)).beside(of("new")).scores("new")[0])


def test_boosts_are_one_a_field():
    """Told before anything is weighed, also where weights are worked out later."""
    for eager in (True, False):
        with pytest.raises(ValueError, match="2 boosts for 1 fields"):
            Bm25.of(of("a"), Weighing(boosts=(1.0, 2.0)), eager=eager)


@pytest.mark.parametrize(
    "bad",
    [
        {"method": "bm26"},
        {"k1": -0.1},
        {"k1": math.nan},
        {"k1": 1e300},
        {"b": 1.1},
        {"b": -0.1},
        {"delta": math.inf},
        {"boosts": (1.0, 0.0)},
        {"boosts": (math.nan,)},
        {"boosts": (1e30,)},
    ],
)
def test_a_weighing_is_one_that_a_formula_knows(bad: dict[str, Any]):
    """No score comes to be infinite or no number."""
    with pytest.raises(ValueError):  # noqa: PT011  # each has words of its own
        Weighing(**bad)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("most", [0.0, 1_000])
def test_scores_are_numbers_whatever_the_weighing(method: str, most: float):
    """At the ends of what a weighing may be, with fields that are empty throughout."""
    index = build({"title": [None, None, None], "text": ["a " * 900 + "b", "a", None]}, PLAIN)
    for boost in (1e-3, 1e3):
        scores = Bm25.of(index, Weighing(method, k1=most, b=1.0, delta=most, boosts=(boost, boost))).scores("a b")
        assert np.isfinite(scores).all()
        assert (scores > 0).tolist() == [True, True, False]


def test_many_may_ask_at_once():
    """No two queries share what they add up in."""
    model = Bm25.of(of(*made_up(3_000)))
    queries = [f"w{k % 50} w{k % 7}" for k in range(400)]
    alone = [model.best(query, 10).tolist() for query in queries]
    with ThreadPoolExecutor(8) as pool:
        assert [lists.tolist() for lists in pool.map(lambda query: model.best(query, 10), queries)] == alone


def test_more_terms_may_be_asked_for_than_are_kept_at_hand(monkeypatch: pytest.MonkeyPatch):
    """What is let go of is found again, those that are laid over all documents too."""
    texts = made_up(100)
    due = Bm25.of(of(*texts)).scores("w0 w1 w2 w30 w40 w50")
    monkeypatch.setattr(summing, "_AT_HAND", 2)
    model = Bm25.of(of(*texts))
    for _ in range(3):
        assert np.array_equal(model.scores("w0 w1 w2 w30 w40 w50"), due)
    assert len(model._sums) <= 2


def cranfield() -> tuple[list[dict[str, str]], list[str], NDArray[Any]]:
    with gzip.open(CRANFIELD / "corpus.jsonl.gz", "rt") as lines:
        documents = [json.loads(line) for line in lines]
    queries = [json.loads(line) for line in (CRANFIELD / "queries.jsonl").read_text().splitlines()]
    number = {document["doc_id"]: k for k, document in enumerate(documents)}
    with (CRANFIELD / "qrels.csv").open() as lines:
        judged = list(csv.DictReader(lines))
    truth = np.full((len(queries), 60), np.array((-1, 0), dtype=GRADED))
    for row, query in enumerate(queries):
        own = [judgement for judgement in judged if judgement["query_id"] == query["query_id"]]
        truth[row, : len(own)] = [(number[each["doc_id"]], float(each["relevance"])) for each in own]
    return documents, [query["text"] for query in queries], truth


@pytest.mark.skipif(not CRANFIELD.is_dir(), reason="needs ../shared/data/cranfield")
def test_cranfield_is_ranked_as_well_as_bm25_is_known_to():
    """Stems and stop words, k1 1.5, b 0.75, titles counted once: nDCG@10 of about .365 over all queries."""
    pytest.importorskip("Stemmer")
    documents, queries, truth = cranfield()
    index = build({"text": [f"{document['title']} {document['text']}" for document in documents]}, Analyser())
    model = Bm25.of(index, Weighing(k1=1.5, b=0.75))
    lists = np.stack([model.best(query, 100) for query in queries])
    assert 0.355 < relevance.mean(relevance.each("ndcg@10", found(lists, truth))) < 0.385
