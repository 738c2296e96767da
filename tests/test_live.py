"""A search over a bundle's documents and over later ones is a search over all of them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from box_toys import DOCUMENTS, FIELDS, SCHEMA, Counting, collection, finder
from plimsoll.box import Box, Page, Wanted
from plimsoll.collection import Collection
from plimsoll.later import Later
from plimsoll.live import Live, compacted

BASE = collection()
FINDER = finder(BASE)
COLUMNS = SCHEMA.names


def opened(folder: Path | str) -> Later:
    return Later(Path(folder) / "x.later.db", "abc", SCHEMA)


def live(later: Later) -> Live:
    return Live(FINDER, BASE, later)


def ids(page: Page) -> set[str]:
    return {str(hit["id"]) for hit in page.hits}


def over(documents: Collection) -> Box:
    """A box over one collection of all documents, that knows of frequencies what the first ones said."""
    texts = {name: documents.rows.texts(name).texts() for name in FIELDS}
    return Box(FINDER.beside(texts), documents)


def test_a_later_document_is_found_at_once_and_a_changed_one_replaces(tmp_path: Path):
    """Whoever writes it: this program, or another one beside it."""
    mine, other = opened(tmp_path), opened(tmp_path)
    view = live(mine)
    assert ids(view.page(Wanted("wing vortex"))) == {"1", "2"}
    mine.add([{"id": "6", "title": "Vortex", "lang": "fr", "year": 2001}])
    assert ids(view.page(Wanted("wing vortex"))) == {"1", "2", "6"}
    other.add([{"id": 1, "title": "Of nothing"}, {"id": "6", "title": "A tail"}])
    assert ids(view.page(Wanted("wing vortex"))) == {"2"}
    assert ids(view.page(Wanted("nothing tail"))) == {"1", "6"}
    other.delete(["2", 6])
    assert ids(view.page(Wanted("wing tail"))) == set()
    mine.add([{"id": "2", "title": "Wings again"}])
    assert ids(view.page(Wanted("wing"))) == {"2"}
    assert [hit["id"] for hit in live(opened(tmp_path)).page(Wanted("wing")).hits] == [2]


def test_typos_filters_facets_and_marks_are_of_all_documents(tmp_path: Path):
    """A word that only a later document has is known, is taken for a slip of it, and is marked; ids are numbers here as there."""
    later = opened(tmp_path)
    view = live(later)
    assert view.page(Wanted("turbulence")).passed == ('No document has "turbulence".',)
    later.add([{"id": "60", "title": "Turbulence", "lang": "fr", "year": 2001, "open": True}])
    page = view.page(Wanted("turbulense wing", why=True, count=True, facets=("lang", "year"), where={"open": True}))
    assert page.corrected == "turbulence wing"
    assert {hit["id"] for hit in page.hits} == {60, 1}
    assert page.total == 2
    assert page.facets["lang"] == [{"value": "en", "count": 1}, {"value": "fr", "count": 1}]
    assert sum(each["count"] for each in page.facets["year"]) == 2
    (hit,) = [hit for hit in page.hits if hit["id"] == 60]
    assert hit["text"]["title"]["marks"] == ((0, 10),)
    assert hit["matched"] == ["title"]
    assert hit["about"]["lang"] == "fr"


def test_shelves_of_about_one_size_are_put_together(tmp_path: Path):
    """Hundreds of calls leave a handful of shelves, and none is made anew more often than its size has doubled."""
    later, made = opened(tmp_path), []

    class Watched(Counting):
        def beside(self, texts: Any) -> Counting:
            made.append(len(texts["title"]))
            return super().beside(texts)

    view = Live(Watched(FINDER.index), BASE, later)
    for number in range(200):
        later.add([{"id": f"n{number}", "title": f"wing {number}"}])
        assert view.page(Wanted("wing", k=1, count=True, highlight=False)).total == number + 3
    assert len(view._made) <= 8
    assert sum(made) <= 200 * 8
    later.delete([f"n{number}" for number in range(200)])
    assert view.page(Wanted("wing", count=True)).total == 2
    assert view._made == []


def test_a_page_that_is_being_made_keeps_the_documents_that_it_began_with(tmp_path: Path):
    """A refresh makes new shelves and changes none."""
    later = opened(tmp_path)
    later.add([{"id": "6", "title": "Wings"}])
    view = live(later)
    before = view.box()
    later.delete(["6", "1"])
    assert ids(view.page(Wanted("wing"))) == {"2"}
    assert ids(before.page(Wanted("wing"))) == {"1", "2", "6"}
    before = view.box()
    later.delete(["2"])
    assert ids(view.page(Wanted("wing"))) == set()
    assert ids(before.page(Wanted("wing"))) == {"2"}


WORDS = st.lists(
    st.sampled_from(["wing", "plate", "layer", "boundary", "the", "vortex", "naïve", "heating"]), max_size=6
)
ROWS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["1", "2", "3", "6", "7", "60"]),
        "title": WORDS.map(" ".join),
        "text": WORDS.map(" ".join),
        "lang": st.sampled_from(["en", "fr", None]),
        "year": st.sampled_from([1950, 1999, None]),
    }
)
STEPS = st.lists(st.one_of(ROWS, st.sampled_from(["1", "2", "6", "7", "99"])), max_size=10)
QUERIES = st.sampled_from(
    [
        "wing",
        "plate vortex",
        '"boundary layer"',
        "layer -wing",
        "+layer plate",
        "hea* wing",
        "vort* -plate",
        "wing boundary layer plate",
    ]
)
WHERE = st.sampled_from([{}, {"lang": "en"}, {"lang": [None, "fr"], "year": {"from": 1950}}, {"year": {"below": 1999}}])


@settings(deadline=None)
@given(STEPS, QUERIES, WHERE, st.integers(0, 3))
def test_base_and_later_are_one_collection(steps: list[Any], query: str, where: dict[str, Any], skip: int):
    """The same documents with the same scores, counts, snippets and reasons as a box over all of them, refreshed at any time."""
    with tempfile.TemporaryDirectory() as folder:
        later = opened(folder)
        view = live(later)
        for step in steps:
            later.delete([step]) if isinstance(step, str) else later.add([step])
            if len(steps) % 2:
                view.page(Wanted("wing"))
        whole = compacted(BASE, list(later.since(0)))
        wanted = Wanted(query, k=100, where=where, count=True, facets=("lang", "open"), why=True, typos=False)
        one, both = over(whole).page(wanted), view.page(wanted)
        assert [hit["score"] for hit in both.hits] == pytest.approx([hit["score"] for hit in one.hits])
        assert {str(hit["id"]): hit["text"] for hit in both.hits} == {str(hit["id"]): hit["text"] for hit in one.hits}
        assert {hit["id"]: (hit["why"], str(hit["about"]), hit["matched"]) for hit in both.hits} == {
            hit["id"]: (hit["why"], str(hit["about"]), hit["matched"]) for hit in one.hits
        }
        assert (both.total, both.facets) == (one.total, one.facets)
        part = view.page(Wanted(query, k=2, skip=skip, where=where, typos=False))
        assert [hit["id"] for hit in part.hits] == [hit["id"] for hit in both.hits][skip : skip + 2]
        later.close()


@settings(deadline=None)
@given(STEPS)
def test_what_is_compacted_is_what_there_is(steps: list[Any]):
    """Each document once, as it is now, in the order of the ids; and it can be written into a bundle."""
    with tempfile.TemporaryDirectory() as folder:
        later, told = opened(folder), dict[str, Any]()
        for name, cells in DOCUMENTS.items():
            told[name] = cells[:2]
        for step in steps:
            if isinstance(step, str):
                later.delete([step])
                told.pop(step, None)
            else:
                later.add([step])
                told[step["id"]] = tuple(step[name] or None for name in FIELDS)
        whole = compacted(BASE, list(later.since(0)))
        later.close()
    texts = zip(*(whole.rows.texts(name).texts() for name in FIELDS), strict=True)
    assert dict(zip(whole.ids.names(range(len(whole))), texts, strict=True)) == told
    assert list(whole.ids.whole) == sorted(map(int, told))
    again = Collection.read(whole.members())
    assert str(again.rows.values(SCHEMA)) == str(whole.rows.values(SCHEMA))
    assert np.array_equal(again.ids.whole, whole.ids.whole)
    assert whole.schema.names == COLUMNS
