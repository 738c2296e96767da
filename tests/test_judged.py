"""Queries and judgements: which of them count, what is said of the others, and whether grades run backwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from plimsoll import backwards, documents, judged, known_items
from plimsoll.errors import DataError, JobError
from plimsoll.ranking import GRADED

PAPERS = documents.read(
    pl.DataFrame({"id": ["a", "b", "c", "d"], "text": ["Of wings.", "Of heat.", "Of plates.", "Of slabs of heat."]})
).collection
QUERIES = pl.DataFrame({"query_id": ["q1", "q2", "q3"], "text": ["lift", "thermal flux", "bending"]})
GRADES = [("q1", "a", 2), ("q1", "c", 1), ("q2", "b", 3), ("q2", "d", 3), ("q2", "a", 0), ("q3", "c", 1)]


def grades(rows: list[tuple[Any, ...]] = GRADES) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["query_id", "doc_id", "relevance"], orient="row", strict=False)


def pairs(found: judged.Judged) -> list[list[tuple[str, float]]]:
    return [[(PAPERS.ids[int(item)], float(grade)) for item, grade in row if item >= 0] for row in found.truth.tolist()]


TRUE = [[("a", 2.0), ("c", 1.0)], [("b", 3.0), ("d", 3.0), ("a", 0.0)], [("c", 1.0)]]


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "qrels", "trec.tsv", "frame"])
def test_judgements_are_the_same_however_they_are_written(tmp_path: Path, ending: str):
    """Columns are known by their names, and those of TREC by their places."""
    path, table = tmp_path / f"grades.{ending}", grades()
    match ending:
        case "csv":
            table.rename({"query_id": "query-id", "doc_id": "corpus-id", "relevance": "score"}).write_csv(path)
        case "tsv":
            table.rename({"query_id": "QID", "doc_id": "docno", "relevance": "label"}).write_csv(path, separator="\t")
        case "jsonl":
            table.write_ndjson(path)
        case "parquet":
            table.write_parquet(path)
        case "qrels" | "trec.tsv":
            between = "\t" if ending == "trec.tsv" else "  "
            path.write_text("".join(f"{between.join((q, '0', d, str(g)))}\n" for q, d, g in GRADES) + "\n")
    found = judged.read(QUERIES, table if ending == "frame" else path, PAPERS)
    assert pairs(found) == TRUE
    assert found.truth.dtype == GRADED
    assert found.ids == ("q1", "q2", "q3")
    assert found.texts == ("lift", "thermal flux", "bending")
    assert not found.warnings


def test_queries_keep_their_table_for_splits_and_slices():
    """A row of it for each query that counts, in their order."""
    asked = QUERIES.with_columns(pl.Series("part", ["train", "valid", "test"]))
    found = judged.read(asked, grades([each for each in GRADES if each[0] != "q2"]), PAPERS)
    assert found.ids == ("q1", "q3")
    assert found.frame["part"].to_list() == ["train", "test"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([("q1", "zz", 1)], "1 of 7 judgements are of documents that are not there"),
        ([("q9", "a", 1), ("q8", "a", 1)], "2 of 8 judgements are of queries that are not there"),
        ([("q1", None, 1)], "1 of 7 judgements have no query or no document"),
        ([("q1", "a", 2), ("q1", "a", 2)], "2 of 8 judgements are there already and count once."),
        (
            [("q1", "a", 1), ("q1", "a", 1)],
            "1 pairs of a query and a document have several grades; the highest counts.",
        ),
        ([("q3", "b", -1)], "1 of 7 judgements have a grade below zero"),
    ],
)
def test_what_does_not_count_is_counted_and_said(more: list[tuple[Any, ...]], said: str):
    """And nothing else changes: what is true of each query stays as it was."""
    found = judged.read(QUERIES, grades(more + GRADES), PAPERS)
    assert [[pair for pair in row if pair[1] > 0] for row in pairs(found)] == [
        [pair for pair in row if pair[1] > 0] for row in TRUE
    ]
    assert any(each.startswith(said) for each in found.warnings), found.warnings
    assert found.truth["grade"].min() == 0.0


def test_queries_that_tell_nothing_are_left_out_and_counted():
    """One without a text, and one without a relevant document."""
    asked = pl.DataFrame({"query_id": ["q1", "q2", "q3", "q4"], "text": ["lift", " \n", "bending", "nothing"]})
    found = judged.read(asked, grades([*GRADES, ("q4", "a", 0)]), PAPERS)
    assert found.ids == ("q1", "q3")
    assert "1 of 4 queries have no text and are left out." in found.warnings
    assert any(each.startswith("1 of 4 queries have no relevant document") for each in found.warnings)


def test_the_same_words_asked_twice_are_said():
    """Both count, and they may stand on either side of a split."""
    found = judged.read(QUERIES.with_columns(text=pl.lit("lift")), grades(), PAPERS)
    assert found.counted.alike == 2
    assert any(each.startswith("2 of 3 queries have the very text of another") for each in found.warnings)


def test_control_characters_part_words():
    """As a blank does; nothing of a query is lost."""
    asked = QUERIES.with_columns(text=pl.Series(["lift\x00of\ta\x1bwing\n", "b", "c"]))
    assert judged.read(asked, grades(), PAPERS).texts[0] == "lift of a wing"


@pytest.mark.parametrize(
    ("asked", "given", "said"),
    [
        (
            QUERIES.with_columns(text=pl.Series(["a", "b" * 70_000, "c"])),
            grades(),
            'Row 2 of the queries: "text" has 70,000 letters',
        ),
        (QUERIES.with_columns(query_id=pl.lit("q1")), grades(), '"q1" is the "query_id" of several queries'),
        (
            QUERIES.with_columns(query_id=pl.Series(["q1", None, "q3"])),
            grades(),
            'Row 2 of the queries has no "query_id"',
        ),
        (QUERIES, grades([("q1", "a", "2"), ("q1", "b", "high")]), "Row 2 of the judgements: the grade is 'high'"),
        (QUERIES, grades([("q1", "a", "2"), ("q1", "b", None)]), "Row 2 of the judgements: the grade is 'empty'"),
        (QUERIES, grades([("q1", "a", "inf")]), "Row 1 of the judgements: the grade is 'inf'"),
        (
            QUERIES,
            grades([("q1", "y", 2), ("q1", "z", 2)]),
            'No judgement is of a document that is there: they name "y"',
        ),
        (QUERIES, grades([("1", "a", 2), ("2", "b", 2), ("3", "b", 2)]), "they may mean the order of the file"),
        (QUERIES, grades([("x", "a", 2)]), 'Judgements name queries "x" and the like, and queries are called "q1"'),
        (QUERIES, grades([("q1", "a", 0), ("q2", "b", -1)]), "No query with a text has a relevant document"),
        (QUERIES.clear(), grades(), "The table of queries has no rows"),
    ],
)
def test_what_cannot_be_understood_is_an_error_that_says_where(asked: pl.DataFrame, given: pl.DataFrame, said: str):
    """In one line, with what was found."""
    with pytest.raises(DataError) as fault:
        judged.read(asked, given, PAPERS)
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_column_that_is_not_found_is_asked_for():
    """By the name that is understood."""
    with pytest.raises(JobError, match='No column of the judgements is called "relevance"'):
        judged.read(QUERIES, grades().rename({"relevance": "how much"}), PAPERS)
    with pytest.raises(JobError, match='No column of the queries is called "text"'):
        judged.read(QUERIES.rename({"text": "words"}), grades(), PAPERS)


def test_judgements_without_grades_count_one_each():
    """Who lists what is relevant says no more, and that is said."""
    found = judged.read(QUERIES, grades().drop("relevance"), PAPERS)
    assert set(found.truth["grade"][found.truth["item"] >= 0]) == {1.0}
    assert any(each.startswith("Every judgement has the grade 1") for each in found.warnings)


def test_a_line_of_trec_with_too_few_parts_is_named(tmp_path: Path):
    """By its number."""
    path = tmp_path / "some.qrels"
    path.write_text("q1 0 a 1\nq1 a 1\n")
    with pytest.raises(DataError, match="line 2: has 3 columns"):
        judged.read(QUERIES, path, PAPERS)


def test_the_first_thousand_of_a_query_are_kept(monkeypatch: pytest.MonkeyPatch):
    """Those of the highest grades, and the rest is counted."""
    monkeypatch.setattr(judged, "MOST_TRUE", 2)
    found = judged.read(QUERIES, grades([("q1", "a", 1), ("q1", "b", 3), ("q1", "c", 2)]), PAPERS)
    assert pairs(found) == [[("b", 3.0), ("c", 2.0)]]
    assert found.counted.cut == 1


def toy(backward: bool, grades_of: tuple[int, ...] = (1, 2, 3)) -> tuple[list[str], np.ndarray, Any]:
    """Thirty queries of four words, and documents with ever more of them, as their grades say or the other way round."""
    random = np.random.default_rng(0)
    words = [f"w{k}" for k in range(200)]
    asked, told, truth = [], [], np.zeros((30, len(grades_of)), dtype=GRADED)
    for row in range(30):
        query = random.choice(words, 4, replace=False)
        asked.append(" ".join(query))
        for place, grade in enumerate(grades_of):
            many = place if not backward else len(grades_of) - place
            truth[row, place] = (len(told), grade)
            told.append(" ".join([*query[:many], *random.choice(words, 20)]))
    held = documents.read(pl.DataFrame({"id": np.arange(len(told)), "text": told})).collection
    return asked, truth, held


def test_grades_that_run_backwards_are_said():
    """And not those that run as they are to, nor grades by chance, nor too few of them."""
    assert backwards.tendency(*toy(False)) > 3.0
    assert backwards.tendency(*toy(True)) < -3.0
    assert "run backwards" in backwards.warnings(*toy(True))[0]
    assert not backwards.warnings(*toy(False))
    asked, truth, held = toy(True)
    assert backwards.tendency(asked[:9], truth[:9], held) == 0.0
    truth["grade"] = np.random.default_rng(1).permuted(truth["grade"], axis=1)
    assert not backwards.warnings(asked, truth, held)


def test_grades_of_zero_and_one_that_are_swapped_are_said():
    """Where one grade is above zero it is held against zero."""
    assert backwards.warnings(*toy(True, (0, 1)))
    assert not backwards.warnings(*toy(False, (0, 1)))


CRANFIELD = Path(__file__).parents[2] / "shared" / "data" / "cranfield"


@pytest.mark.skipif(not CRANFIELD.is_dir(), reason="the collection is not here")
def test_cranfield_is_read_as_its_notes_say():
    """Grades are understood, codes in their place run backwards, and printed numbers of queries are not their ids."""
    held = documents.read(CRANFIELD / "corpus.jsonl.gz", fields=("title", "text"))
    assert (len(held.collection), held.warnings[0][:34]) == (1400, "2 of 1,400 documents have no text,")
    queries, table = CRANFIELD / "queries.jsonl", pl.read_csv(CRANFIELD / "qrels.csv")
    found = judged.read(queries, CRANFIELD / "qrels.csv", held.collection, held.fields)
    assert (len(found), int((found.truth["grade"] > 0).sum()), found.warnings) == (225, 1612, ())
    codes = table.select("query_id", "doc_id", pl.col("original_code").alias("relevance"))
    assert any("run backwards" in each for each in judged.read(queries, codes, held.collection).warnings)
    printed = pl.DataFrame([json.loads(line) for line in queries.read_text().splitlines()])
    printed = printed.select(pl.col("original_id").alias("query_id"), "text")
    assert "the order of the file" in judged.read(printed, table, held.collection).warnings[0]


def test_made_queries_find_the_documents_that_they_were_made_of():
    """Their words are the document's, two to six of them and in its order; the same seed makes the same queries."""
    random = np.random.default_rng(0)
    words = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnrs"]
    told = [" ".join(random.choice(words, 30)) for _ in range(50)]
    held = documents.read(pl.DataFrame({"id": np.arange(50), "text": told})).collection
    found = known_items.made(held, many=40, seed=1)
    assert len(found) == 40
    assert found.texts == known_items.made(held, many=40, seed=1).texts != known_items.made(held, many=40, seed=2).texts
    for query, row in zip(found.texts, found.truth, strict=True):
        asked, document = query.split(), told[row["item"][0]].split()
        first = [document.index(word) for word in asked]
        assert first == sorted(first)
        assert 2 <= len(asked) <= 6
    assert found.truth["grade"].tolist() == [[1.0]] * 40
    assert len(set(found.truth["item"][:, 0].tolist())) == 40
    assert "They favour the words that documents use themselves" in found.warnings[0]


def test_made_queries_are_of_rare_words_rather_than_of_common_ones():
    """A word of every document is next to never asked for."""
    rare = [f"{a}{b}{c}x" for a in "bdfgk" for b in "aeiou" for c in "lmnrs"]
    told = [f"the the the the {rare[k]} {rare[k + 1]} {rare[k + 2]}" for k in range(100)]
    held = documents.read(pl.DataFrame({"id": np.arange(100), "text": told})).collection
    asked = " ".join(known_items.made(held, many=100).texts).split()
    assert asked.count("the") < 0.1 * len(asked)


def test_documents_without_words_make_no_queries():
    """An error says so, rather than an evaluation of nothing."""
    held = documents.read(pl.DataFrame({"id": np.arange(30), "text": [f"aa {k}" for k in range(30)]})).collection
    with pytest.raises(DataError, match="Queries can be made of 0 documents only"):
        known_items.made(held)
