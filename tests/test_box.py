"""The search box: whatever is asked beside the ranking, over any finder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from box_toys import DOCUMENTS, collection, finder
from plimsoll import wording
from plimsoll.analysis import Analyser
from plimsoll.box import Box, Wanted
from plimsoll.errors import RequestError
from plimsoll.shelf import Shelf

HELD = collection()
BOX = Box(finder(HELD), HELD)


def found(query: str, box: Box = BOX, **more: Any) -> list[str]:
    return [str(hit["id"]) for hit in box.page(Wanted(query, **{"highlight": False, **more})).hits]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("wing", {"1", "2"}),
        ('"boundary layer"', {"4"}),
        ('"layer boundary"', set()),
        ("boundary layer", {"4", "5"}),
        ("layer -laminar", {"5"}),
        ('layer -"boundary layer"', {"5"}),
        ("layer +laminar", {"4"}),
        ("plates +laminar", {"4"}),
        ("wing* ", {"1", "2"}),
        ("aero*", {"2"}),
        ("heating*", {"2"}),
        ("plate -bound*", set()),
        ("plate +bound*", {"4", "5"}),
        ("wing +the", {"1", "2"}),
    ],
)
def test_signs_say_which_documents_are_found(query: str, wanted: set[str]):
    """Phrases word by word, words that must and must not be there, and words that begin so."""
    assert set(found(query)) == wanted


def test_what_a_plain_query_is_given_is_what_its_finder_gives():
    """Ids, scores and their order; nothing is looked at twice, and no mask is made."""

    class Watched(type(BOX._shelves[0].finder)):  # type: ignore[misc]
        def best(self, text: str, depth: int, among: np.ndarray | None = None) -> np.ndarray:
            assert among is None
            assert depth == 3
            return super().best(text, depth, among)

    watched = Watched(BOX._shelves[0].finder.index)
    hits = Box(watched, HELD).page(Wanted("boundary plate wing", k=3, highlight=False)).hits
    best = finder(HELD).best("boundary plate wing", 3)
    assert [hit["id"] for hit in hits] == [HELD.ids.value(int(item)) for item in best["item"]]
    assert [hit["score"] for hit in hits] == best["score"].tolist()
    assert all(set(hit) == {"id", "score"} for hit in hits)


def test_pages_follow_one_another():
    """Any page is the part of one long list, to a depth of a thousand; beyond it a person is told to narrow the query."""
    whole = found("plate boundary wing the layer", k=100)
    assert len(whole) == 4
    assert [each for skip in range(4) for each in found("plate boundary wing the layer", k=1, skip=skip)] == whole
    assert found("wing", k=100, skip=900) == []
    for k, skip, place in ((0, 0, "$.k"), (101, 0, "$.k"), (10, 991, "$.skip"), (10, -1, "$.skip")):
        with pytest.raises(RequestError) as fault:
            BOX.page(Wanted("wing", k=k, skip=skip))
        assert fault.value.path == place
        assert ("Narrow the query" in fault.value.reason) == (place == "$.skip")


def test_a_word_that_no_document_has_is_taken_for_the_nearest_and_said():
    """What is asked for instead is a word that somebody wrote, not a stem; and nobody who does not want it gets it."""
    page = BOX.page(Wanted("Aerodinamic heatin of a wimg", highlight=False))
    assert page.corrected == "Aerodynamic heating of a wing"
    assert [hit["id"] for hit in page.hits] == [2, 1]
    assert BOX.page(Wanted("wing boundary")).corrected is None
    page = BOX.page(Wanted("wimg", typos=False))
    assert (page.hits, page.corrected, page.passed) == ([], None, ('No document has "wimg".',))


@pytest.mark.parametrize("query", ['"wimg tunnel" air', "+wimg tunnel", "air wimg +wimg"])
def test_a_word_that_must_be_there_is_meant_as_it_stands(query: str):
    """Nothing is found, and why is said; what must not be there is no slip either."""
    page = BOX.page(Wanted(query))
    assert (page.hits, page.corrected, page.passed) == ([], None, ('No document has "wimg".',))
    assert BOX.page(Wanted("air -wimg")).corrected is None


@pytest.mark.parametrize("query", ["win", "1951", "wing1", "xyzzyxyzzy", "qing qing"])
def test_short_words_and_numbers_are_no_slips(query: str):
    """A word of three letters is near everything, and a year beside another is another year."""
    corrected = BOX.page(Wanted(query)).corrected
    assert corrected == ("wing wing" if query == "qing qing" else None)


def test_the_likelier_word_is_taken_among_those_as_near():
    """Fewest slips first, then the word of more documents."""
    words = ["wind", "wing wing", "wing", "wine"]
    held = collection({str(k): (word, "", None, 0.0, 0.0, 0.0) for k, word in enumerate(words)})
    assert Box(finder(held), held).page(Wanted("wink")).corrected == "wing"
    assert Box(finder(held), held).page(Wanted("wind wnie")).corrected == "wind wine"


def test_a_hostile_query_tries_few_words_and_remembers_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch):
    """Of a thousand words that nobody wrote, four are compared with the lexicon; what is remembered are words of documents."""
    tried = []
    monkeypatch.setattr(wording.typos, "meant", lambda word, *_: tried.append(word))
    box = Box(finder(HELD), HELD)
    page = box.page(Wanted(" ".join(f"zz{chr(97 + k % 26)}{chr(97 + k // 26)}" for k in range(300)) + " wing"))
    assert len(tried) == wording.MOST_MENDED
    assert len(page.passed) == wording.MOST_MENDED
    assert {hit["id"] for hit in page.hits} == {1, 2}
    assert set(box._wording._known) == {"wing"}


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("", "The query is empty."),
        (" \n", "The query is empty."),
        ("\0\x1b", "There is no word in the query."),
        ("?!, *", "There is no word in the query."),
        ("the of 'and'", "There are only stop words"),
        ("-wing", "The query says only what is not to be there."),
        ("zz*", 'No word begins with "zz".'),
        ('"the"', "stop words alone"),
    ],
)
def test_a_query_without_anything_to_look_for_is_an_empty_page_that_says_why(query: str, why: str):
    """Never an error, whatever else is asked for."""
    for more in ({}, {"count": True, "facets": ("lang",), "why": True}):
        page = BOX.page(Wanted(query, **more))
        assert page.hits == []
        assert any(why in said for said in page.passed)
        assert page.total == (0 if more else None)
        assert page.facets == ({"lang": []} if more else {})


SIGNS = st.lists(
    st.sampled_from(
        ['"', "-", "+", "*", " ", " ", "wing", "Plate", "layer", "the", "é", "\0", "\ud800", "東京", "wimg"]
    ),
    max_size=25,
).map("".join)


@given(st.one_of(st.text(max_size=60), SIGNS))
def test_no_text_of_a_query_is_an_error(query: str):
    """Whatever is typed, there is a page; and what is counted are those that are listed."""
    page = BOX.page(Wanted(query, k=100, count=True, why=True))
    assert page.total == len(page.hits)


def test_ten_megabytes_are_a_query_of_which_the_beginning_is_read():
    """The page says so."""
    page = BOX.page(Wanted("wing " * 2_000_000))
    assert {hit["id"] for hit in page.hits} == {1, 2}
    assert "Only the beginning" in page.passed[0]
    assert len(BOX.page(Wanted("a* " * 3_000_000)).hits) > 0


def test_filters_and_facets_are_of_the_documents_that_match():
    """A facet's counts leave its own filter out, and keep all others; the total keeps them all."""
    wanted = Wanted(
        "wing boundary plate", where={"lang": "en", "year": {"from": 1955}}, facets=("lang", "open"), count=True
    )
    page = BOX.page(wanted)
    assert {hit["id"] for hit in page.hits} == {2, 5}
    assert page.total == 2
    assert page.facets["lang"] == [{"value": "en", "count": 2}]
    assert page.facets["open"] == [{"value": False, "count": 2}]
    page = BOX.page(Wanted("wing boundary plate", where={"lang": "en"}, facets=("lang",)))
    assert page.facets["lang"] == [{"value": "en", "count": 3}]
    page = BOX.page(Wanted("wing platte", where={"lang": "en"}, facets=("lang",)))
    assert page.facets["lang"] == [{"value": "en", "count": 2}, {"value": "de", "count": 1}]
    with pytest.raises(RequestError) as fault:
        BOX.page(Wanted("wing", facets=("lang", "lagn")))
    assert fault.value.path == "$.facets[1]"


def test_a_document_is_told_with_its_snippets_and_its_columns():
    """The title whole, texts as snippets, and what is missing as None."""
    (hit,) = BOX.page(Wanted("laminar layers")).hits[:1]
    title, text = hit["text"]["title"], hit["text"]["text"]
    assert [title["text"][begin:end] for begin, end in title["marks"]] == ["layers"]
    assert [text["text"][begin:end] for begin, end in text["marks"]] == ["laminar", "layer", "layer"]
    assert hit["about"] == {"lang": None, "year": None, "open": None, "seen": 180_000.0}
    held = collection({"1": ("wing " * 70, "wing " * 70, None, 0.0, 0.0, 0.0)})
    (hit,) = Box(finder(held), held).page(Wanted("wing")).hits
    assert [len(hit["text"][name]["marks"]) for name in ("title", "text")] == [70, 40]
    (hit,) = BOX.page(Wanted("tunnel", fields=("open", "title"), highlight=False)).hits
    assert hit["text"] == {"title": "Wind tunnels"}
    assert hit["about"] == {"open": True}
    with pytest.raises(RequestError, match=r'\$\.fields\[0\]: there is no such column. Did you mean "title"'):
        BOX.page(Wanted("wing", fields=("tilte",)))


def test_why_tells_the_parts_of_a_score_and_the_fields_that_match():
    """The parts add up to the score, the biggest first."""
    hit = BOX.page(Wanted("laminar layer plate", why=True)).hits[0]
    assert hit["id"] == 4
    assert sum(part["part"] for part in hit["why"]) == pytest.approx(hit["score"])
    assert [part["part"] for part in hit["why"]] == sorted((part["part"] for part in hit["why"]), reverse=True)
    assert hit["matched"] == ["title", "text"]
    assert BOX.page(Wanted("laminar", why=True)).hits[0]["matched"] == ["text"]


@pytest.mark.parametrize("analyser", [Analyser("grams", size=3, stem="", stop=""), Analyser(stem="", stop="")])
def test_every_analyser_has_the_whole_box(analyser: Analyser):
    """Phrases, stars and marks over grams and over words without stems."""
    box = Box(finder(HELD, analyser), HELD)
    assert set(found('"boundary layer"', box)) == {"4"}
    assert "1" in found("wing -heating", box)
    assert "2" not in found("wing -heating", box)
    for query in ("wing*", "+wind wing", "wimg", "-x* wing", '"the wing" Platte'):
        box.page(Wanted(query, why=True, count=True, facets=("lang",)))


def test_several_shelves_are_one_collection():
    """Best of all, counts of all; of equals the one on the first shelf comes first; what is not alive is not found."""
    first = collection({name: DOCUMENTS[name] for name in ("1", "2", "3")})
    second = collection({name: DOCUMENTS[name] for name in ("4", "5")})
    whole = finder(HELD)
    shelf = Shelf(whole.beside({name: second.rows.texts(name).texts() for name in whole.index.fields}), second)
    base = whole.beside({name: first.rows.texts(name).texts() for name in whole.index.fields})
    box = Box(base, first, beside=[shelf])
    for query in (
        "wing plate boundary",
        "layer -laminar",
        '"boundary layer"',
        "plate +bound*",
        "aerodinamic plate",
        "heatign",
    ):
        wanted = Wanted(query, count=True, facets=("lang", "open"), why=True, where={"open": [True, False, None]})
        one, parts = BOX.page(wanted), box.page(wanted)
        assert {hit["id"]: hit for hit in parts.hits} == {hit["id"]: hit for hit in one.hits}
        assert [hit["score"] for hit in parts.hits] == [hit["score"] for hit in one.hits]
        assert (parts.total, parts.corrected, parts.facets) == (one.total, one.corrected, one.facets)
    without = box.beside([shelf], np.array([True, False, True]))
    assert "2" not in found("wing", without)
    assert without.page(Wanted("wing", count=True)).total == 1
