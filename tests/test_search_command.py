"""A search in the terminal, documents that come later, and files of queries."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from plimsoll import bundle, catalogue, cli, find_predict, predict
from plimsoll.search_command import lines
from search_toys import find, searcher, searching
from serving_toys import toy


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(catalogue, "find", find)
    bundle.write(tmp_path / "made", searching())
    return tmp_path / "made"


def told(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> tuple[str, str]:
    assert cli.main([str(word) for word in words]) == code
    said = capsys.readouterr()
    return said.out, said.err


def test_a_search_is_printed_as_it_is_found(made: Path, capsys: pytest.CaptureFixture[str]):
    """Titles, snippets and what is known of each; with --why the parts of a score; and nothing that a terminal obeys."""
    out, _ = told(capsys, "search", made, "lighthouse map", "--why", "--k", "2")
    assert out.startswith("  1  Lighthouses of the west coast\n     A lighthouse keeper")
    assert "8 · sea · 1855" in out
    assert "━" in out
    assert out.endswith("1 to 2 of 6\n")
    assert out.replace("\n", "").isprintable()
    assert "stop words" in told(capsys, "search", made, "the of")[0]


def test_a_document_cannot_give_orders_to_a_terminal(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Escapes in a title, in a text and in another column are shown as signs, and lines are not broken by it."""
    new = tmp_path / "new.jsonl"
    evil = "zeppelin \x1b[2J\x07\nat large"
    new.write_text(json.dumps({"number": 77, "title": evil, "text": evil, "kind": evil}) + "\n")
    told(capsys, "documents", made, "add", new)
    for words in (
        ["search", made, "zeppelin", "--later", tmp_path / "made.later.db"],
        ["documents", made, "show", "77"],
        ["search", made, "\x1b[2Jzepelin"],
    ):
        out, _ = told(capsys, *words)
        assert out.replace("\n", "").isprintable(), out
        assert "\nat large" not in out


def test_highlights_are_painted_where_colours_are_shown(made: Path):
    """Signs stand around each word that the query met, even in a title, and none is left over."""
    from plimsoll.box import Wanted
    from plimsoll.search_command import _painted

    page = searcher().box.page(Wanted("northern sea", count=True))
    shown = [_painted(line) for line in lines(page, 0, ("title", "text"), 100)]
    assert any("\x1b[33mnorthern\x1b[0m" in line for line in shown)
    assert not any(sign in line for line in shown for sign in "\x02\x03")


def test_filters_and_json(made: Path, capsys: pytest.CaptureFixture[str]):
    """A column and its values, twice for either, or JSON with ends."""
    for where, due in (
        (["kind=maps"], {3, 15}),
        (["kind=maps", "kind=sea"], {3, 5, 8, 15}),
        (['{"year": {"from": 1800, "to": 1900}}'], {5, 8}),
    ):
        words = [part for each in where for part in ("--where", each)]
        found = json.loads(told(capsys, "search", made, "map", "--json", *words)[0])
        assert {hit["id"] for hit in found["hits"]} == due


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--where", "knd=maps"], '--where.knd: there is no such column. Did you mean "kind"?'),
        (["--where", "maps"], "COL=VALUE"),
        (["--where", "{"], "is not JSON"),
        (["--k", "0"], "--k: expected a whole number"),
        (["--skip", "9999"], "--skip: expected"),
    ],
)
def test_what_is_wrong_is_one_line(made: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str):
    """With the flag that it was written with."""
    _, err = told(capsys, "search", made, "map", *words, code=2)
    assert says in err
    assert err.count("\n") == 1


def test_a_bundle_that_does_not_search_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """And how to make one that does."""
    from serving_toys import find as find_echo

    monkeypatch.setattr(catalogue, "find", find_echo)
    bundle.write(tmp_path / "rows", toy())
    assert "does not search" in told(capsys, "search", tmp_path / "rows", "map", code=2)[1]


def test_documents_come_and_go(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """They are found where their file is named, all of a file come or none, and the bundle stays as it was."""
    new, kept = tmp_path / "new.csv", tmp_path / "made.later.db"
    new.write_text("number,title,text,kind,year\n77,Zeppelin,Above the sea,air,1929\n78,x,y,,long ago\n")
    assert 'row 2, "year"' in told(capsys, "documents", made, "add", new, code=2)[1]
    new.write_text("number,title,text,kind,year\n77,Zeppelin,Above the sea,air,1929\n5,Ebb,It ebbs,sea,\n")
    assert "7 documents now" in told(capsys, "documents", made, "add", new)[1]
    assert "Nothing was taken away" in told(capsys, "documents", made, "delete", "3", "404", code=2)[1]
    told(capsys, "documents", made, "delete", "3")
    shown = json.loads(told(capsys, "documents", made, "show", "--json")[0])
    assert shown == {"documents": 6, "made_with": 6, "added": 2, "gone": 1, "file": str(kept)}
    assert "title: Ebb" in told(capsys, "documents", made, "show", "5")[0]
    found = json.loads(told(capsys, "search", made, "zeppelin sea tide", "--later", kept, "--json")[0])
    assert [hit["id"] for hit in found["hits"]] == [77]
    found = json.loads(told(capsys, "search", made, "sea tide", "--json")[0])
    assert {hit["id"] for hit in found["hits"]} == {3, 5}


def test_a_file_of_queries_is_answered(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A row for each place, with the query's id; as in Python, and of no rows the same columns."""
    rows, out = tmp_path / "queries.csv", tmp_path / "out.csv"
    rows.write_text("query_id,text\n01,lost map\n02,\n03,tide\n")
    told(capsys, "predict", made, rows, "--out", out, "--quiet")
    found = pl.read_csv(out, infer_schema_length=0)
    assert found.columns == ["query_id", "text", "place", "number", "score"]
    assert found.filter(pl.col("query_id") == "01")["number"].to_list() == ["8", "12", "15", "3", "5"]
    assert found.filter(pl.col("query_id") != "01").rows()[0][:4] == ("03", "tide", "1", "5")
    loaded = predict.load(made)
    frame = pl.DataFrame({"query": ["tide"]})
    assert loaded.predict(frame)["number"].to_list() == [5]
    assert loaded.predict(frame.to_pandas())["number"].to_list() == [5]
    assert loaded.predict(frame.clear()).columns == ["query", "place", "number", "score"]
    assert loaded.predict({"query": "tide"})["hits"][0]["id"] == 5
    assert repr(loaded) == "<counting searches 6 documents>"


def test_a_file_without_queries_says_so(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """No such column, or nothing that is found."""
    rows = tmp_path / "queries.csv"
    rows.write_text("qery\nmap\n")
    assert 'Did you mean "qery"' in told(capsys, "predict", made, rows, "--out", tmp_path / "o.csv", code=2)[1]
    rows.write_text("query\nthe of\n")
    assert find_predict.NOTHING in told(capsys, "predict", made, rows, "--out", tmp_path / "o.csv", code=2)[1]
