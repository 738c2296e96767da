"""Words that begin so are found, whatever an analyser makes of words."""

from __future__ import annotations

import numpy as np
import pytest

from box_toys import DOCUMENTS, collection, finder
from plimsoll import letters, pieces
from plimsoll.analysis import Analyser
from plimsoll.beginnings import EXPANDED, Beginnings
from plimsoll.box import Box, Wanted
from plimsoll.shelf import Shelf
from plimsoll.word_forms import Forms

HELD = collection()
FIELDS = finder(HELD).index.fields
TEXTS = {name: HELD.rows.texts(name).texts() for name in FIELDS}
PLAIN = Analyser(stem="", stop="")
ANALYSERS = {
    "words": PLAIN,
    "grams of 3": Analyser("grams", size=3, stem="", stop=""),
    "grams of 5": Analyser("grams", size=5, stem="", stop=""),
    "pieces": pieces.learned(PLAIN, [text for texts in TEXTS.values() for text in texts], 60),
}


def _words(number: int) -> set[str]:
    said = (word for texts in TEXTS.values() for word in letters.words(texts[number] or ""))
    return {letters.plain(word) for word in said if not letters.is_run(word)}


WORDS = [_words(number) for number in range(len(DOCUMENTS))]
PREFIXES = sorted({word[:size] for held in WORDS for word in held for size in range(1, len(word) + 1)})


@pytest.mark.parametrize("name", ANALYSERS)
def test_a_document_is_found_where_a_word_of_it_begins_so_and_nowhere_else(name: str):
    """Every beginning of every word of all documents, and the same with a letter more, against the words as they are written."""
    shelf = Shelf(finder(HELD, ANALYSERS[name]), HELD)
    begun = Beginnings([shelf], Forms([shelf]))
    for prefix in [*PREFIXES, *(f"{prefix}q" for prefix in PREFIXES)]:
        due = [any(word.startswith(prefix) for word in held) for held in WORDS]
        np.testing.assert_array_equal(begun.documents(prefix, shelf), due, err_msg=prefix)
        words = begun.words(prefix)
        assert bool(words) == any(due), prefix
        assert len(words) <= EXPANDED
        assert all(letters.plain(word).startswith(prefix) for word in words), prefix


@pytest.mark.parametrize("name", ANALYSERS)
def test_a_star_lists_what_begins_so(name: str):
    """Alone it ranks; with a sign it demands. What begins so nowhere is said."""
    box = Box(finder(HELD, ANALYSERS[name]), HELD)
    due = {each for each, held in zip(DOCUMENTS, WORDS, strict=True) if any(word.startswith("aero") for word in held)}
    assert {str(hit["id"]) for hit in box.page(Wanted("+aero*", highlight=False)).hits} == due
    assert box.page(Wanted("aero*", highlight=False)).hits[0]["id"] in map(int, due)
    assert not box.page(Wanted("zzz*")).hits
    assert "No word begins with" in box.page(Wanted("zzz*")).passed[0]


def test_the_ending_that_a_stem_loses_may_be_asked_for():
    """Of stems alone: a word that is whole has no other ending."""
    whole, stemmed = (Shelf(finder(HELD, made), HELD) for made in (PLAIN, Analyser()))
    assert Beginnings([stemmed], Forms([stemmed])).documents("heating", stemmed).any()
    assert not Beginnings([whole], Forms([whole])).documents("wingsq", whole).any()
