"""A job whose answers are documents, from files to rows: what is settled, what is refused, and what is never mixed up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plimsoll import asked, catalogue, library
from plimsoll.errors import DataError, JobError
from plimsoll.job import Documents, Job
from plimsoll.schema import Kind

SUBJECTS = ("drag", "lift", "flutter", "heat", "shock", "wake")
ASPECTS = ("wing", "cone", "plate", "body", "tail")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Thirty documents, a query for each subject and aspect, and the document of both as the one that is relevant."""
    pairs = [(subject, aspect) for subject in SUBJECTS for aspect in ASPECTS]
    told = [
        {"doc_id": f"{a}-{b}", "title": f"of {a} and {b}", "text": f"the {a} of a {b} is what we look at"}
        for a, b in pairs
    ]
    asking = [
        {"query_id": k, "text": f"{a} {b}", "part": "test" if k % 3 == 0 else "train"} for k, (a, b) in enumerate(pairs)
    ]
    judged = "query_id,doc_id,relevance\n" + "".join(f"{k},{a}-{b},2\n" for k, (a, b) in enumerate(pairs))
    documents, queries, judgements = tmp_path / "d.jsonl", tmp_path / "q.jsonl", tmp_path / "j.csv"
    documents.write_text("".join(json.dumps(each) + "\n" for each in told))
    queries.write_text("".join(json.dumps(each) + "\n" for each in asking))
    judgements.write_text(judged)
    return documents, queries, judgements


def job(files: tuple[Path, Path, Path], **more: Any) -> Job:
    said = {"queries": str(files[1]), "judgements": str(files[2]), "text": "title,text"}
    words = {name: more.pop(name) for name in ("split", "limits", "metric", "ignore", "kinds") if name in more}
    return asked.stated(more.pop("predict", ""), documents={**said, **more}, **words)


def test_what_is_not_said_is_settled(files: tuple[Path, Path, Path]):
    """The column of ids, the fields and the language come of the documents; rows are queries."""
    found = asked.ask(job(files, text=""), str(files[0]), None)
    assert found.job.predict == "doc_id"
    assert found.job.search == Documents(
        str(files[1]), str(files[2]), "title,text", "english", cased=False, accented=False
    )
    assert found.schema.columns[0].kind is Kind.QUERY
    assert found.schema.lists == len(found.collection or ()) == 30
    assert len(found.learn) + len(found.test) == 30


@pytest.mark.parametrize(
    ("text", "folds"),
    [
        ("drag", {"case"}),
        ("Drag", {"case", "none"}),
        ("drag é", {"case", "accents"}),
        ("Drag É", {"case", "accents", "none"}),
    ],
)
def test_what_folding_would_not_change_is_no_setting(files: tuple[Path, Path, Path], text: str, folds: set[str]):
    """Capitals and accents are told by the documents; a family's settings are tried once."""
    files[0].write_text(files[0].read_text().replace("we look at", text))
    found = asked.ask(job(files), str(files[0]), None)
    space = catalogue.space("bm25", found.job, found.schema)
    assert {each["fold"] for each in space.settings(seed=0, count=100)} == folds


def test_no_query_of_the_test_is_learned_from(files: tuple[Path, Path, Path]):
    """A column of the queries parts them, and folds are of those to learn from."""
    found = asked.ask(job(files, split="column:part"), str(files[0]), None)
    learned, tested = (set(part.rows.texts("query").texts()) for part in (found.learn, found.test))
    assert len(tested) == 10
    assert not learned & tested
    assert sorted(np.concatenate([unseen for _, unseen in found.folds])) == list(range(20))


def test_the_truth_of_a_query_is_the_document_that_was_judged(files: tuple[Path, Path, Path]):
    found = asked.ask(job(files), str(files[0]), None)
    assert found.collection is not None
    for text, row in zip(found.test.rows.texts("query").texts(), found.test.truth.target, strict=True):
        assert found.collection.ids[int(row["item"][0])] == str(text).replace(" ", "-")


def test_a_job_is_the_same_when_it_is_read_again(files: tuple[Path, Path, Path]):
    stated = asked.ask(job(files, split="column:part"), str(files[0]), None).job
    assert Job.from_json(stated.as_json()).as_json() == stated.as_json()


def test_the_same_job_over_other_documents_is_another_run(files: tuple[Path, Path, Path]):
    first = asked.ask(job(files), str(files[0]), None).digest
    assert first == asked.ask(job(files), str(files[0]), None).digest
    files[0].write_text(files[0].read_text().replace("look at", "look for"))
    assert first != asked.ask(job(files), str(files[0]), None).digest


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"split": "time:day"}, "is not one of queries"),
        ({"split": "column:prat"}, "part"),
        ({"queries": "", "judgements": "", "split": "column:part"}, "there are none"),
        ({"judgements": ""}, "--queries goes with --judgements"),
        ({"language": "englsh"}, "english"),
        ({"metric": "roc_auc"}, "ndcg@10"),
        ({"limits": "coverage@10 > 0.5"}, "another kind of answer"),
        ({"limits": "ndcg@10[a=b] > 0.5"}, "names a slice"),
        ({"text": "titel"}, "title"),
        ({"predict": "number"}, "number"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(files: tuple[Path, Path, Path], more: dict[str, Any], words: str):
    with pytest.raises((JobError, DataError), match=words) as fault:
        asked.ask(job(files, **more), str(files[0]), None)
    assert "\n" not in str(fault.value)


def test_a_few_queries_are_too_few(files: tuple[Path, Path, Path]):
    files[1].write_text("".join(files[1].read_text().splitlines(keepends=True)[:6]))
    with pytest.raises(DataError, match=f"at least {library.LEAST} are needed"):
        asked.ask(job(files), str(files[0]), None)


def test_test_rows_of_their_own_are_refused(files: tuple[Path, Path, Path]):
    with pytest.raises(JobError, match="--split column:COL"):
        asked.ask(job(files), str(files[0]), str(files[0]))


@pytest.mark.parametrize("other", [{"lists": {"to": "who"}}, {"moments": {"window": "1s"}}])
def test_a_search_is_no_other_job_as_well(files: tuple[Path, Path, Path], other: dict[str, Any]):
    with pytest.raises(JobError, match="documents are searched"):
        asked.stated("", documents={"queries": str(files[1]), "judgements": str(files[2])}, **other)
