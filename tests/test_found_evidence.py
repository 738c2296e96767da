"""What the test queries say of a search: figures against trec_eval, tests of two models, and lists side by side."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plimsoll import found_evidence, paired, ranking
from plimsoll.collection import Collection
from plimsoll.found_evidence import FLOOR, JUDGED, MEASURES, told, versus
from plimsoll.found_queries import extremes, words
from plimsoll.ids import Ids
from plimsoll.job import Job, Lists, Task
from plimsoll.ranking import DEPTH, GRADED, RANKED
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema

JOB = Job("doc", lists=Lists("query"), task=Task.RANKING)
CRANFIELD = Path(__file__).parents[2] / "shared" / "data" / "cranfield"
TITLES = ["Lift of wings", "Heat in wings", None, "a\x1b[2Jb", "wing " * 100, "Of flow"]
TEXTS = ["They lift.", "Hot.", "No title but a text.", "Odd.", "Long.", None]


def library() -> Collection:
    """Six documents by letters; the third has no title."""
    schema = Schema((Column("title", Kind.TEXT), Column("text", Kind.TEXT)), "doc")
    return Collection(Ids.of("abcdef"), Rows(6, {"title": Coded.of(TITLES), "text": Coded.of(TEXTS)}), schema)


def graded(rows: list[dict[int, float]]) -> np.ndarray[Any, Any]:
    """What is true of queries, from the grades of documents."""
    truth = np.zeros((len(rows), max(1, *map(len, rows))), dtype=GRADED)
    truth["item"] = -1
    for row, grades in enumerate(rows):
        for place, (item, grade) in enumerate(grades.items()):
            truth[row, place] = item, grade
    return truth


def ranked(rows: list[list[int]]) -> np.ndarray[Any, Any]:
    """Lists of these documents, with scores that fall."""
    lists = np.zeros((len(rows), DEPTH), dtype=RANKED)
    lists["item"] = -1
    for row, items in enumerate(rows):
        lists["item"][row, : len(items)] = items
        lists["score"][row, : len(items)] = np.arange(len(items), 0, -1)
    return lists


def small(**more: Any) -> dict[str, Any]:
    """Of three queries the one model wins the first and loses the second; of the third nothing is relevant."""
    truth = graded([{0: 2.0, 1: 0.0, 5: 1.0}, {2: 1.0}, {3: 0.0}])
    lists = {"lsa": ranked([[0, 1, 3], [4, 2], [1]]), FLOOR: ranked([[3, 4, 0], [2], []])}
    queries = ["lifting wings", "no\x1b[2J title", "nothing"]
    return told(JOB, truth, queries, lists, library(), ("title", "text"), {"negative": 2, "copies": 0}, **more)


def test_figures_are_those_of_every_query_that_has_something_to_find() -> None:
    """Each measure has its interval, and a query of which nothing is relevant is in none."""
    found = small()
    lsa = found["models"]["lsa"]["figures"]
    assert set(lsa) == {*MEASURES, JUDGED}
    assert (found["queries"], found["known"], found["documents"], found["grades"]) == (3, 2, 6, 2.0)
    first = 2 / (2 + 1 / np.log2(3))
    assert lsa["ndcg@10"][1] == pytest.approx((first + 1 / np.log2(3)) / 2)
    assert lsa["recall@100"][1] == pytest.approx((1 / 2 + 1) / 2)
    assert lsa["precision@10"][1] == pytest.approx(0.1)
    assert all(low <= value <= high for low, value, high in lsa.values())
    assert lsa[JUDGED][1] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["counted"] == {"negative": 2}
    assert json.loads(json.dumps(found)) == found


def test_of_made_queries_nothing_is_judged() -> None:
    """How much of the first ten was judged is no figure where nobody judged; that the queries were made is passed on."""
    found = small(made=True)
    assert found["made"]
    assert set(found["models"]["lsa"]["figures"]) == set(MEASURES)


def test_what_anybody_judged_is_counted_whatever_they_said() -> None:
    """A grade of 0 and one below are judgements; the share is of what is listed, and of nothing where nothing is."""
    truth = graded([{0: 2.0, 1: 0.0, 2: -1.0}, {5: 1.0}, {5: 1.0}])
    shares = found_evidence.judged(truth, ranked([[0, 1, 2, 3], [0, 1], []]))
    assert shares[:2].tolist() == [0.75, 0.0]
    assert np.isnan(shares[2])
    assert found_evidence.judged(truth, ranked([list(range(40)), [5], [5]]))[0] == pytest.approx(0.3)


def test_a_measure_of_the_job_is_the_one_that_is_tested() -> None:
    """What chooses is what models are compared by, and it is among the figures."""
    truth, lists = graded([{0: 1.0}, {1: 1.0}]), {"lsa": ranked([[0], [0, 1]]), FLOOR: ranked([[1], [0]])}
    job = Job("doc", lists=Lists("query"), task=Task.RANKING, metric="mrr@5")
    found = told(job, truth, ["a", "b"], lists, library(), ("title",), {})
    assert found["measure"] == "mrr@5"
    assert found["models"]["lsa"]["figures"]["mrr@5"][1] == found["tests"][0]["difference"] == 0.75
    assert [each["values"]["lsa"] for each in found["asked"]] == [1.0, 0.5]


def test_the_randomisation_test_looks_at_every_pattern_of_signs() -> None:
    """With few differences p is exact, as counting all signs by hand has it; zeros change nothing."""
    gap = np.array([0.3, -0.1, 0.25, 0.4, 0.05, 0.1, -0.02])
    signs = np.array(list(itertools.product((-1, 1), repeat=len(gap))))
    due = float(np.mean(np.abs(signs @ gap) >= abs(gap.sum()) - 1e-12))
    assert paired.randomised(gap) == (due, True)
    assert paired.randomised(np.concatenate([gap, np.zeros(500)])) == (due, True)
    assert paired.randomised(np.zeros(9)) == paired.randomised(np.zeros(0)) == (1.0, True)


def test_many_patterns_of_signs_are_drawn() -> None:
    """Beyond 16 differences p is what SciPy's permutation test counts, within chance; the least is one of 10,000, and none is 0."""
    stats = pytest.importorskip("scipy.stats")
    gap = np.random.default_rng(4).normal(0.02, 0.1, 60)
    p, exact = paired.randomised(gap, 1)
    due = stats.permutation_test((gap,), np.mean, permutation_type="samples", n_resamples=20_000, rng=5).pvalue
    assert not exact
    assert p == pytest.approx(due, abs=0.02)
    assert paired.randomised(gap, 1) == (p, exact)
    assert paired.randomised(np.full(60, 0.1))[0] == 1e-4


def test_alike_models_are_told_apart_as_seldom_as_is_said() -> None:
    """Of 200 pairs that differ by chance alone about one in twenty has p below 0.05, whatever the distribution's shape."""
    random = np.random.default_rng(0)
    draws = [random.choice([0.0, 0.5, 1.0], 12) - random.choice([0.0, 0.5, 1.0], 12) for _ in range(200)]
    assert 0 <= np.mean([paired.randomised(gap)[0] < 0.05 for gap in draws]) <= 0.09


def test_several_tests_are_corrected() -> None:
    """Against two others Holm's correction doubles the smaller p; a query without anything to find is in no test."""
    random = np.random.default_rng(1)
    base = random.random(40)
    base[0] = np.nan
    values = {"lsa": base, "near": base - 0.001 * random.normal(0, 1, 40), FLOOR: base - 0.1}
    near, floor = versus(values, 0)
    assert (near["one"], near["other"], floor["other"]) == ("lsa", "near", FLOOR)
    assert floor["queries"] == near["queries"] == floor["wins"] == 39
    assert floor["adjusted"] == pytest.approx(2 * floor["p"])
    assert floor["low"] == pytest.approx(0.1)
    assert near["adjusted"] == pytest.approx(max(near["p"], 2 * floor["p"]))
    assert versus({"lsa": base}, 0) == versus({}, 0) == []
    assert versus({"lsa": np.array([np.nan]), FLOOR: np.array([np.nan])}, 0) == []


def test_equal_figures_are_a_tie_in_spite_of_the_last_digit() -> None:
    """What differs by a rounding error is neither a win nor a loss."""
    (test,) = versus({"a": np.array([0.1 + 0.2, 0.5]), "b": np.array([0.3, 0.4])}, 0)
    assert (test["wins"], test["ties"], test["losses"]) == (1, 1, 0)


def test_queries_stand_from_the_largest_gain_to_the_largest_loss() -> None:
    """What nothing is known of comes last, and a text that a terminal would obey is cleaned."""
    first, second, last = small()["asked"]
    assert [first["text"], second["text"], last["text"]] == ["lifting wings", "no�[2J title", "nothing"]
    assert first["values"]["lsa"] > first["values"][FLOOR]
    assert second["values"]["lsa"] < second["values"][FLOOR]
    assert last["values"] == {"lsa": None, FLOOR: None}
    assert [first["due"], second["due"], last["due"]] == [2, 1, 0]
    assert (first["kinds"], second["kinds"], last["kinds"]) == (["win", "worst"], ["loss", "worst"], [])


def test_lists_say_who_judged_what_and_where_the_other_has_it() -> None:
    """Of a document its grade, or that nobody judged it, and its place with the other model, beyond the first ten too."""
    first, second, last = small()["asked"]
    shelf = small()["shelf"]
    lsa = first["sides"]["lsa"]
    assert [shelf[hit["at"]]["id"] for hit in lsa] == ["a", "b", "d"]
    assert [hit["grade"] for hit in lsa] == [2.0, 0.0, None]
    assert [hit["places"] for hit in lsa] == [{FLOOR: 3}, {}, {FLOOR: 1}]
    assert [(shelf[hit["at"]]["id"], hit["grade"], hit["places"]) for hit in first["missed"]] == [("f", 1.0, {})]
    assert second["missed"] == []
    assert last["sides"][FLOOR] == []
    deep = told(
        JOB, graded([{0: 1.0}]), ["x"], {"a": ranked([[0]]), "b": ranked([[*range(1, 30), 0]])}, wide(), ("title",), {}
    )
    assert deep["asked"][0]["sides"]["a"][0]["places"] == {"b": 30}
    assert deep["asked"][0]["missed"] == []
    assert len(deep["asked"][0]["sides"]["b"]) == 10


def wide() -> Collection:
    """Thirty documents without a title."""
    none = Coded.of([None] * 30)
    return Collection(
        Ids.of(map(str, range(30))), Rows(30, {"title": none}), Schema((Column("title", Kind.TEXT),), "doc")
    )


def test_a_relevant_document_that_only_lies_deep_is_missed_and_its_place_is_said() -> None:
    """What is relevant and among neither first ten stands apart, the best grade first, with where each model has it."""
    lists = {"a": ranked([[*range(2, 20), 0]]), "b": ranked([list(range(2, 12))])}
    (asked,) = told(JOB, graded([{1: 1.0, 0: 3.0, 25: 0.0}]), ["x"], lists, wide(), ("title",), {})["asked"]
    assert [(hit["grade"], hit["places"]) for hit in asked["missed"]] == [(3.0, {"a": 19}), (1.0, {})]
    assert asked["unseen"] == 2


def test_a_document_is_called_by_its_first_field_that_says_anything() -> None:
    """No title: the text; a title without end is cut, and control characters are cleaned; nothing at all is "" beside the id."""
    lists = {"lsa": ranked([[2, 3, 4]]), FLOOR: ranked([[5]])}
    found = told(JOB, graded([{0: 1.0}]), ["x"], lists, library(), ("title", "text"), {})
    titles = {each["id"]: each["title"] for each in found["shelf"]}
    assert titles["c"] == "No title but a text."
    assert titles["d"] == "a�[2Jb"
    assert len(titles["e"]) <= 160 < len("wing " * 100)
    bare = told(JOB, graded([{0: 1.0}]), ["x"], {"lsa": ranked([[0]])}, wide(), ("title",), {})
    assert bare["shelf"] == [{"id": "0", "title": ""}]


def test_words_of_the_query_are_marked_by_their_terms() -> None:
    """Marks are letters of the title as it is shown; an analyser that stems finds more, and pairs that overlap are one mark."""
    plain = small()["asked"][0]["sides"]["lsa"]
    assert plain[0]["marks"] == [[8, 13]]

    def stemmed(text: str) -> list[tuple[int, int, tuple[str, ...]]]:
        return [(begin, end, tuple(term[:4] for term in terms)) for begin, end, terms in words(text)]

    hits = small(spans=stemmed)["asked"][0]["sides"]["lsa"]
    assert hits[0]["marks"] == [[0, 4], [8, 13]]
    assert "marks" not in hits[2]

    def pairs(text: str) -> list[tuple[int, int, tuple[str, ...]]]:
        return [(k, k + 2, (text[k : k + 2].lower(),)) for k in range(len(text) - 1)]

    assert small(spans=pairs)["asked"][0]["sides"]["lsa"][0]["marks"] == [[0, 4], [7, 13]]


def test_the_parts_of_a_score_are_told_of_the_models_that_can_tell() -> None:
    """The five largest by name, and the sum of the rest; a model that has none to give has none."""
    parts = [(f"term{k}", 7.0 - k) for k in range(7)]
    calls: list[tuple[str, int]] = []

    def why(text: str, document: int) -> list[tuple[str, float]]:
        calls.append((text, document))
        return parts if document else []

    asked = small(why={"lsa": why})["asked"]
    hits = asked[0]["sides"]["lsa"]
    assert hits[1]["why"] == [["term0", 7.0], ["term1", 6.0], ["term2", 5.0], ["term3", 4.0], ["term4", 3.0]]
    assert hits[1]["rest"] == 3.0
    assert hits[0]["why"] == []
    assert "why" not in asked[0]["sides"][FLOOR][0]
    assert ("lifting wings", 1) in calls


def test_of_many_queries_the_extremes_are_there() -> None:
    """Of 1,000 queries 400 are told and 100 have lists, among them the ten largest gains, the ten largest losses and the least."""
    rows, random = 1_000, np.random.default_rng(2)
    truth = graded([{0: 1.0}] * rows)
    places = random.integers(0, 29, (2, rows))
    lists = {
        name: ranked([[*range(1, 1 + place), 0] for place in each.tolist()])
        for name, each in zip("ab", places, strict=True)
    }
    found = told(JOB, truth, [f"q{k}" for k in range(rows)], lists, wide(), ("title",), {})
    asked = found["asked"]
    assert (found["queries"], len(asked), sum("sides" in each for each in asked)) == (1_000, 400, 100)
    gaps = [each["values"]["a"] - each["values"]["b"] for each in asked]
    assert gaps == sorted(gaps, reverse=True)
    values = {name: 1 / np.log2(each + 2) * (each < 10) for name, each in zip("ab", places, strict=True)}
    due = np.sort(values["a"] - values["b"])
    assert gaps[:10] == pytest.approx(due[::-1][:10].tolist(), abs=1e-5)
    assert gaps[-10:] == pytest.approx(due[:10].tolist(), abs=1e-5)
    assert all("sides" in each for each in asked if each["kinds"])
    assert sum("worst" in each["kinds"] for each in asked) == 10
    assert len({each["text"] for each in asked}) == 400


def test_one_model_alone_has_neither_gains_nor_losses() -> None:
    """Where the floor was chosen there is nothing to compare it with: no tests, and the least it found stands out."""
    found = told(JOB, graded([{0: 1.0}, {1: 1.0}]), ["a", "b"], {FLOOR: ranked([[0], [2]])}, library(), ("title",), {})
    assert found["tests"] == []
    assert [each["kinds"] for each in found["asked"]] == [["worst"], ["worst"]]
    assert [each["values"][FLOOR] for each in found["asked"]] == [1.0, 0.0]


def test_no_query_and_no_document_are_no_fault() -> None:
    """Nothing to tell is told as nothing."""
    found = told(JOB, np.zeros((0, 1), dtype=GRADED), [], {FLOOR: ranked([])}, library(), ("title",), {})
    assert (found["queries"], found["asked"], found["models"][FLOOR]["figures"]) == (0, [], {})
    idle = told(JOB, graded([{}]), ["x"], {FLOOR: ranked([[]]), "lsa": ranked([[]])}, library(), ("title",), {})
    assert idle["tests"] == []
    assert idle["asked"][0]["values"] == {FLOOR: None, "lsa": None}


def test_extremes_leave_out_what_is_neither() -> None:
    """A tie is no gain, and a query without a figure is none of the least."""
    kinds = extremes(np.array([0.0, np.nan, -0.2]), np.array([0.5, np.nan, 0.1]))
    assert kinds == {2: ["loss", "worst"], 0: ["worst"]}


@pytest.mark.skipif(not CRANFIELD.is_dir(), reason="needs ../shared/data/cranfield")
def test_figures_over_cranfield_are_those_of_trec_eval() -> None:
    """Real judgements of four grades, of which one in eight is below zero: every figure is what trec_eval makes of the same
    lists, and what has no judgement is counted as what it is."""
    oracle = pytest.importorskip("pytrec_eval", reason="needs pytrec-eval-terrier, which is trec_eval in Python")
    truth, lists, queries, collection, judged = cranfield()
    names = {"ndcg@10": "ndcg_cut_10", "precision@10": "P_10", "recall@100": "recall_100"}
    names |= {"map@100": "map_cut_100", "mrr@10": "recip_rank"}
    found = told(JOB, truth, queries, {FLOOR: lists}, collection, ("title", "text"), {})
    run = {
        query: {collection.ids[int(item)]: float(score) for item, score in row if item >= 0}
        for query, row in zip(judged, lists.tolist(), strict=True)
    }
    wanted = {"ndcg_cut.10", "P.10", "recall.100", "map_cut.100"}
    due = oracle.RelevanceEvaluator(judged, wanted).evaluate(run)
    due_mrr = oracle.RelevanceEvaluator(judged, {"recip_rank"}).evaluate(
        {query: dict(sorted(row.items(), key=lambda pair: -pair[1])[:10]) for query, row in run.items()}
    )
    assert (truth["grade"] < 0).sum() == 225
    for ours, theirs in names.items():
        of = due_mrr if theirs == "recip_rank" else due
        expected = np.mean([of[query][theirs] for query in judged])
        assert found["models"][FLOOR]["figures"][ours][1] == pytest.approx(expected, abs=1e-6), ours
    shares = [
        np.mean([document in judged[query] for document in sorted(row, key=lambda d: -row[d])[:10]])
        for query, row in run.items()
    ]
    assert found["models"][FLOOR]["figures"][JUDGED][1] == pytest.approx(np.mean(shares))
    assert found["models"][FLOOR]["figures"]["ndcg@10"][1] > 0.2


def cranfield() -> tuple[Any, Any, list[str], Collection, dict[str, dict[str, int]]]:
    """The collection, its queries and judgements with code -1 as grade -1, and lists by shared words that are rare."""
    with gzip.open(CRANFIELD / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines]
    asked = [json.loads(line) for line in (CRANFIELD / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    schema = Schema((Column("title", Kind.TEXT), Column("text", Kind.TEXT)), "doc_id")
    cells = {name: Coded.of([each[name] or None for each in documents]) for name in ("title", "text")}
    collection = Collection(Ids.of([str(each["doc_id"]) for each in documents]), Rows(len(documents), cells), schema)
    judged: dict[str, dict[str, int]] = defaultdict(dict)
    with (CRANFIELD / "qrels.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            grade = -1 if row["original_code"] == "-1" else int(row["relevance"])
            judged[row["query_id"]][row["doc_id"]] = grade
    held = [{term for _, _, (term,) in words(f"{each['title']} {each['text']}")} for each in documents]
    many = defaultdict(int)
    for terms in held:
        for term in terms:
            many[term] += 1
    # A little by the number of the document parts what is equal, so that trec_eval's order of ties does not matter.
    nudge = np.arange(len(documents)) * 1e-6
    scores = np.array(
        [
            [sum(np.log(len(held) / many[term]) for term in terms & own) for own in held] + nudge
            for terms in ({term for _, _, (term,) in words(each["text"])} for each in asked)
        ]
    )
    order = {str(each["query_id"]): judged[str(each["query_id"])] for each in asked}
    truth = graded([{collection.find(document): grade for document, grade in each.items()} for each in order.values()])
    return truth, ranking.best(scores), [each["text"] for each in asked], collection, order
