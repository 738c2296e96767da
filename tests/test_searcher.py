"""A bundle that searches, asked as the server asks it: its answers, its pages, and documents that come later."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import given
from openapi_spec_validator import OpenAPIV31SpecValidator

from plimsoll import bundle, catalogue
from plimsoll.box import MOST_K
from plimsoll.errors import BundleError, JobError, RequestError
from plimsoll.serve.answering import answering
from plimsoll.serve.feedback import answers_of
from plimsoll.serve.house import assemble
from plimsoll.serve.routes import Keys
from plimsoll.serve.searcher import Searcher
from plimsoll.serve.version import Origin, Version, load
from search_toys import DOCUMENTS, HOSTILE, find, searcher, searching
from serving_toys import over, toy
from test_app import ask
from test_openapi_fuzz import CHECKS, FUZZ

ADMIN = {"authorization": "Bearer chief"}


@pytest.fixture(autouse=True)
def _family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "find", find)


def answer(value: Any, by: Searcher | None = None) -> Any:
    return json.loads((by or searcher()).answer(json.dumps(value).encode()))


def ids(told: Any) -> list[int]:
    return [each["id"] for each in told["hits"]]


def test_a_query_finds_documents_with_their_ids_and_scores_and_nothing_else():
    """What nobody asked for is not worked out: no texts, no counts, no total."""
    told = answer({"query": "lighthouse storms"})
    assert ids(told) == [8, 10]
    assert list(told) == ["hits"]
    assert all(list(hit) == ["id", "score"] for hit in told["hits"])
    assert ids(answer({"query": "lighthouse storms", "k": 1})) == [8]
    assert ids(answer({"query": "lighthouse storms", "k": 1, "skip": 1})) == [10]
    assert ids(answer({"query": '"lost map"'})) == [8]


def test_what_is_asked_for_beside_the_query_comes_back():
    """Snippets with their marks, other columns, the parts of a score, counts of a column and of all that match."""
    told = answer(
        {"query": "map", "fields": ["title", "year"], "highlight": True, "why": True, "count": True, "facets": ["kind"]}
    )
    hit = next(each for each in told["hits"] if each["id"] == 3)
    title = hit["text"]["title"]
    assert [title["text"][begin:end] for begin, end in title["marks"]] == ["map"]
    assert hit["about"] == {"year": 1720.0}
    assert [part["name"] for part in hit["why"]] == ["map"]
    assert told["total"] == 5
    assert told["facets"]["kind"][0] == {"value": "maps", "count": 2}
    assert ids(answer({"query": "map", "where": {"year": {"from": 1800, "to": 1900}}})) == [5, 8]


def test_a_slip_is_mended_and_said_unless_nobody_wants_that():
    """The query that was carried out instead is told."""
    told = answer({"query": "lighthuose"})
    assert {*ids(told)} == {8, 10}
    assert "lighthous" in told["corrected"].lower()
    assert ids(answer({"query": "lighthuose", "typos": False})) == []


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"where": {"yaer": 1}}, r'^\$\.where\.yaer: .*"year"'),
        ({"k": 0}, r"^\$\.k: "),
        ({"k": 101}, r"^\$\.k: "),
        ({"skip": -1}, r"^\$\.skip: "),
        ({"hihglight": True}, r'^\$\.hihglight: .*"highlight"'),
        ({"fields": ["titel"]}, r'^\$\.fields\[0\]: .*"title"'),
        ({"facets": ["text"]}, r"^\$\.facets\[0\]: "),
        ({"query": 3}, r"^\$\.query: "),
        ({"query": "x" * 100_001}, r"^\$\.query: the text is longer"),
        ({"fields": ["title"] * 101}, r"^\$\.fields: more than 100"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(asked: dict[str, Any], says: str):
    """In one row, and in a list of them with the number of the row."""
    row = {"query": "map", **asked}
    with pytest.raises(RequestError, match=says):
        answer(row)
    with pytest.raises(RequestError, match=says.replace(r"^\$", r"^\$\[1\]")):
        answer([{}, row])
    with pytest.raises(RequestError, match=says.replace(r"^\$", r"^\$\.rows\[0\]")):
        answer({"rows": [row]})


def test_queries_of_nothing_find_nothing():
    """None, an empty one, stop words alone, signs, control characters."""
    for query in (None, "", " ", "the of", '-"', "\x00\x07\u202e", "🦊"):
        told = answer({"query": query})
        assert told["hits"] == [], query
        assert told["passed"], query
    assert answer({}) == answer({"query": ""})


def test_rows_together_are_answered_as_alone():
    """In a list, under rows, and requests that come at once, a broken one among them."""
    one, rows = searcher(), [{"query": "map"}, {"query": "tide", "k": 1, "why": True}, {}]
    alone = [answer(row) for row in rows]
    assert answer(rows) == answer({"rows": rows}) == alone
    bodies = [json.dumps(rows[0]).encode(), b"{", json.dumps(rows).encode()]
    first, fault, last = one.answer_all(bodies)
    assert first == one.answer_counted(bodies[0])
    assert isinstance(fault, RequestError)
    assert last == one.answer_counted(bodies[2])


def test_a_bundle_is_written_and_read_with_all_that_it_answers_by(tmp_path: Path):
    """As a folder and as one file; one whose collection is another is refused."""
    bundle.write(tmp_path / "made", searching())
    bundle.pack(tmp_path / "made", tmp_path / "made.plimsoll")
    for place in (tmp_path / "made", tmp_path / "made.plimsoll"):
        made = answering(bundle.read(place))
        assert isinstance(made, Searcher)
        assert answer({"query": "map", "why": True}, made) == answer({"query": "map", "why": True})
    less = replace(searching().schema.columns[0], distinct=5)
    with pytest.raises(BundleError, match="6 items, and the schema says 5"):
        Searcher(replace(searching(), schema=replace(searching().schema, columns=(less,))))
    with pytest.raises(JobError, match="--lists"):
        answering(searching(), lists=tmp_path / "rules.toml")


def test_an_address_searches_as_a_body_does():
    """Counted and measured as any request; what is wrong in it is said with its word."""
    app = over(searcher())
    status, _, body = ask(
        app, "GET", "/search.json?q=map&k=2&fields=title&highlight=1&where=%7B%22kind%22%3A%22maps%22%7D"
    )
    assert status == 200
    wanted = {"query": "map", "k": 2, "fields": ["title"], "highlight": True, "where": {"kind": "maps"}}
    assert json.loads(body) == answer(wanted)
    assert app.desk.counters.rows == 1
    for query, path in (
        ("?q=map&k=x", "?k"),
        ("?where=%7B", "?where"),
        ("?qq=map", "?qq"),
        ("?why=maybe", "?why"),
        ("?q=map&k=999", "$.k"),
    ):
        status, _, body = ask(app, "GET", f"/search.json{query}")
        assert (status in (400, 422), json.loads(body)["error"]["path"]) == (True, path)


def test_a_document_is_shown_whole():
    """By its id, however it is written; one that is not there is said not to be."""
    app = over(searcher())
    told = json.loads(ask(app, "GET", "/documents?id=12")[2])
    assert told == {"id": 12, "fields": {"title": HOSTILE, "text": DOCUMENTS[4][2], "kind": None, "year": None}}
    assert ask(app, "GET", "/documents?id=4")[0] == 404
    assert ask(app, "GET", "/documents")[0] == 422
    assert ask(app, "POST", "/documents", b'{"number": 1}')[0] == 401


def test_the_page_of_openapi_tells_of_a_search():
    """It is valid, has the pages, and says of changes only where documents may come later."""
    shown = json.loads(ask(over(searcher()), "GET", "/openapi.json")[2])
    assert not list(OpenAPIV31SpecValidator(shown).iter_errors())
    assert {"/predict", "/search", "/search.json", "/documents"} <= shown["paths"].keys()
    assert "/feedback" not in shown["paths"]
    k = shown["components"]["schemas"]["Row"]["properties"]["k"]
    assert (k["minimum"], k["maximum"], answer({"k": k["maximum"]})["hits"]) == (1, MOST_K, [])
    assert list(shown["paths"]["/documents"]) == ["get"]


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("way", [("/predict", "POST"), ("/search.json", "GET"), ("/documents", "GET")])
def test_requests_made_of_the_page_are_answered_as_it_says(mode: schemathesis.GenerationMode, way: tuple[str, str]):
    """Whatever the page allows is answered in the form that it tells, and whatever it forbids is refused in a line."""
    path, method = way
    operation = schemathesis.openapi.from_asgi("/openapi.json", over(searcher()))[path][method]
    told: Counter[int] = Counter()

    @FUZZ
    @given(case=operation.as_strategy(generation_mode=mode))
    def fuzzed(case: schemathesis.Case) -> None:
        told[case.call_and_validate(checks=CHECKS, headers={"host": "localhost"}).status_code] += 1

    fuzzed()
    assert sum(told.values()) >= 3, told


def test_tensors_are_refused_in_a_line():
    """The open inference protocol tells of the model, and that it takes no tensors."""
    app = over(searcher())
    assert json.loads(ask(app, "GET", "/v2/models/number")[2])["inputs"] == []
    status, _, body = ask(app, "POST", "/v2/models/number/infer", b"{}")
    assert (status, b"no tensors" in body) == (422, True)


# Documents that come later.


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "made.later.db"


def changing(kept: Path, caller: str | None = None) -> Any:
    return assemble(Version(searcher(kept)), Keys(caller, "chief"))[0]


def test_what_comes_later_is_found_at_once_and_what_goes_is_not(kept: Path):
    """New ones, changed ones, ones that are taken away; and again after a restart, and by another worker."""
    app, other = changing(kept), changing(kept)
    new = {"number": 99, "title": "A zeppelin", "text": "It flies over a map.", "kind": "air", "year": 1929}
    status, _, body = ask(app, "POST", "/documents", json.dumps(new).encode(), **ADMIN)
    assert (status, json.loads(body)) == (200, {"changed": 1, "documents": 7})
    for one in (app, other, changing(kept)):
        assert ids(json.loads(ask(one, "GET", "/search.json?q=zeppelin")[2])) == [99]
        assert json.loads(ask(one, "GET", "/documents?id=99")[2])["fields"]["kind"] == "air"
    changed = [{"number": 3, "title": "Nothing of the kind", "text": "Empty."}]
    assert ask(other, "POST", "/documents", json.dumps(changed).encode(), **ADMIN)[0] == 200
    assert ids(json.loads(ask(app, "GET", "/search.json?q=northern+sea")[2])) == []
    assert json.loads(ask(app, "DELETE", "/documents?id=99&id=5", **ADMIN)[2]) == {"changed": 2, "documents": 5}
    assert ids(json.loads(ask(other, "GET", "/search.json?q=zeppelin+tide")[2])) == []
    assert ask(other, "GET", "/documents?id=5")[0] == 404


def test_who_may_not_change_documents_changes_none(kept: Path):
    """Without the token of those who say what is served, with the callers' one, and where nothing is kept."""
    app = changing(kept, "caller")
    body = json.dumps({"number": 99, "title": "x"}).encode()
    for headers in ({}, {"authorization": "Bearer caller"}, {"authorization": "Bearer wrong"}):
        assert ask(app, "POST", "/documents", body, **headers)[0] == 401
        assert ask(app, "DELETE", "/documents?id=3", **headers)[0] == 401
    assert json.loads(ask(app, "GET", "/documents?id=3", authorization="Bearer caller")[2])["id"] == 3
    without = assemble(Version(searcher()), Keys(None, "chief"))[0]
    status, _, said = ask(without, "POST", "/documents", body, **ADMIN)
    assert (status, b"--later FILE" in said) == (404, True)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", b"not JSON"),
        (b"3", b"expected a document"),
        (b"[{}, 3]", b"$[1]"),
        (b'{"title": "x"}', b"number"),
        (b'{"number": 1, "titel": "x"}', b"title"),
        (b'[{"number": 1}, {"number": 2, "year": "long ago"}]', b"$[1].year"),
        (b'[{"number": 1}, {"number": "1"}]', b"several"),
    ],
)
def test_documents_that_cannot_be_are_refused_whole(kept: Path, body: bytes, says: bytes):
    """With the place of the fault, and none of them is kept."""
    app = changing(kept)
    status, _, said = ask(app, "POST", "/documents", body, **ADMIN)
    assert (status in (400, 422), says in said) == (True, True), said
    assert ask(app, "GET", "/documents?id=1")[0] == 404


def test_changes_are_told_of_where_documents_may_come_later(kept: Path):
    """On the OpenAPI page, which stays valid."""
    shown = json.loads(ask(changing(kept), "GET", "/openapi.json")[2])
    assert not list(OpenAPIV31SpecValidator(shown).iter_errors())
    assert {*shown["paths"]["/documents"]} == {"get", "post", "delete"}


def test_later_documents_of_another_bundle_are_refused(kept: Path, tmp_path: Path):
    """A file belongs to one bundle."""
    bundle.write(tmp_path / "made", searching())
    load(Origin(tmp_path / "made", later=kept))
    with pytest.raises(BundleError, match="of another bundle"):
        Searcher(replace(searching(), facts={"digest": "cd" * 32}), later=kept)
    with pytest.raises(JobError, match="--later"):
        answering(toy(), later=kept)


def test_what_is_watched_of_an_answer_is_how_long_its_list_is():
    """Of one and of several; what the server answers can be noted."""
    one = searcher()
    for asked, due in ((b'{"query": "map"}', [[5.0]]), (b'[{"query": "tide"}, {}]', [[1.0], [0.0]])):
        assert answers_of(one.answer(asked), one.schema) == due
    assert one.cells(b'{"query": "map"}') == [("map",)]
