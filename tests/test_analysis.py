"""Documents and queries come to their terms on one path, whatever is written in them."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import chain
from typing import Any

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll import analysis
from plimsoll.analysis import Analyser, stems
from plimsoll.errors import JobError, MissingExtra
from plimsoll.letters import FOLDS, LONGEST
from plimsoll.remembered import Remembered
from plimsoll.stop_words import LISTS

BARE = Analyser(stem="", stop="")
MADE = (
    BARE,
    Analyser(),
    Analyser("grams", 3, fold="accents", stem="", stop="french"),
    Analyser("pieces", stem="", stop="", pieces=("a", "##b", "an", "##é", "漢")),
    Analyser(stem="turkish", stop="turkish"),
)
SIGNS = "  \n\0'’_-.abnsAIé\u0301ßİı\u00ad\u200d漢字かガｶﾞﾟที่한\u1100\u1161हिन्दी٣ﷺ㈠½ﬁ🙂\ud800\U000e0100\U0002f800"
TEXTS = st.one_of(st.text(), st.text(st.sampled_from(SIGNS), max_size=60), st.text(st.characters(max_codepoint=127)))
MADE_UP = st.sampled_from(MADE)


@settings(deadline=None)
@given(TEXTS, MADE_UP)
def test_the_terms_of_a_text_are_those_of_its_words(text: str, analyser: Analyser):
    """Spans lie in the text, in order, each with the terms of what stands there: what is found can be shown."""
    spans = analyser.spans(text)
    assert list(chain.from_iterable(terms for _, _, terms in spans)) == analyser.terms(text)
    begins = [begin for begin, _, _ in spans]
    assert begins == sorted(begins)
    for begin, end, terms in spans:
        assert 0 <= begin < end <= len(text)
        assert text[begin:end].split() == [text[begin:end]]
        assert analyser.terms_of(text[begin:end]) == terms


@settings(deadline=None)
@given(TEXTS, MADE_UP)
def test_a_term_is_something_that_can_be_kept(text: str, analyser: Analyser):
    """It has letters, no white space, is UTF-8, and is no longer than a word may be."""
    for term in analyser.terms(text):
        assert term.split() == [term]
        assert len(term) <= LONGEST + len(analysis.INSIDE)
        term.encode()


@settings(deadline=None)
@given(TEXTS, MADE_UP)
def test_what_is_remembered_is_what_is_worked_out(text: str, analyser: Analyser):
    """The second time as the first, and as by an analyser that has seen nothing yet."""
    assert analyser.terms(text) == analyser.terms(text) == replace(analyser).terms(text)


@settings(deadline=None)
@given(TEXTS)
def test_terms_asked_for_as_words_are_found(text: str):
    """A whole word's term is its own term, so a word out of the list of terms finds what it came from."""
    hypothesis.assume(
        not set(text) & {"\u0e33", "\u0eb3"}
    )  # Thai and Lao am: a letter alone, a mark and a letter in NFKC
    for term in replace(BARE, fold="accents").terms(text):
        assert replace(BARE, fold="accents").terms(term) == [term]


@pytest.mark.parametrize(
    ("analyser", "text", "terms"),
    [
        (Analyser(), "The Dogs' bowls, a dog's bowl: don't!", ["dog", "bowl", "dog", "bowl"]),
        (BARE, "The dog's ＤＯＧ don't", ["the", "dog", "dog", "don", "t"]),
        (BARE, "rock''n''s a''s '' x'''y", ["rock", "n", "a", "x", "y"]),
        (Analyser(stem="french", stop="french"), "L’avion qu'il pilote", ["avion", "pilot"]),
        (Analyser(stem="german", stop="german"), "Die Straßen der Häuser", ["strass", "haus"]),
        (Analyser(stem="german", stop="german", fold="accents"), "über HÄUSER fur", ["haus"]),
        (Analyser(stem="turkish", stop="turkish"), "IŞIKLAR İLE ışık", ["ışık", "ışık"]),
        (Analyser(fold="none"), "The Polish polish of a ＣＡＦÉ's café", ["Polish", "polish", "CAFÉ", "café"]),
        (Analyser(stem="turkish", stop="turkish", fold="none"), "IŞIK İLE ile", ["IŞIK"]),
        (BARE, "ﷺ ½ Ⅷ ﬁn", ["صلى", "الله", "عليه", "وسلم", "1", "2", "viii", "fin"]),
        (BARE, "東京都 のｶﾞｽ 猫 タワー3号", ["東京", "京都", "のガ", "ガス", "猫", "タワ", "ワー", "3", "号"]),
        (BARE, "ที่นี่", ["ที่นี่"]),
        (
            Analyser("grams", 3, stem="", stop="english"),
            "the a1 wing 東京",
            ["_a1", "a1_", "_wi", "win", "ing", "ng_", "東京"],
        ),
        (Analyser("grams", 8, stem="", stop=""), "wing", ["_wing_"]),
        (replace(BARE, units="pieces", pieces=("sub", "##sonic", "##so")), "subsonic", ["sub", "##sonic"]),
        (replace(BARE, units="pieces", pieces=("sub",)), "subx", ["sub", "##x"]),
    ],
)
def test_what_a_text_comes_to(analyser: Analyser, text: str, terms: list[str]):
    """By example, of every knob."""
    assert analyser.terms(text) == terms


def test_a_query_finds_a_part_of_a_run():
    """Whatever stands before and behind it: the pairs of the part are among those of the whole."""
    assert set(BARE.terms("東京タワー")) <= set(BARE.terms("昨日は東京タワーに行った"))
    assert set(BARE.terms("서울")) <= set(BARE.terms("서울에서"))


@pytest.mark.parametrize("sign", ["a", "漢", "é", "\u0301", "'a", "ﷺ", "\u00ad"])
def test_a_word_without_end_does_no_harm(sign: str):
    """It is cut, nothing of it is remembered but pairs, and what it comes to is no more than there is."""
    analyser, long = Analyser(stem="", stop=""), "a" + sign * 20_000
    assert len(analyser.terms(long)) <= len(long)
    assert all(len(term) <= LONGEST for term in analyser.terms(long))
    assert len(analyser._terms) <= 3


def test_of_half_a_sentence_without_blanks_the_pairs_are_remembered():
    """It hardly comes again as a whole; its pairs do, and the words that are short."""
    analyser = Analyser(stem="", stop="")
    assert analyser.terms("漢字かな交じり文です")[:2] == ["漢字", "字か"]
    assert {len(word) for word in analyser._terms} == {2}
    assert analyser.terms("かなもじ") == ["かな", "なも", "もじ"]
    assert "かなもじ" in analyser._terms


@pytest.mark.parametrize("language", LISTS)
def test_stop_words_are_words_of_a_language_with_stems(language: str):
    """Each of them is there once, and is left out, in capitals too."""
    held = LISTS[language].split()
    assert language in stems()
    assert len(set(held)) == len(held)
    capitals = " ".join(held).replace("i", "İ" if language == "turkish" else "i").upper()
    for fold in FOLDS:
        assert Analyser(stem="", stop=language, fold=fold).terms(f"{capitals} {LISTS[language]}") == []


@pytest.mark.parametrize("analyser", MADE)
def test_an_analyser_is_what_was_written(analyser: Analyser):
    """What goes into a bundle comes out of it, and is the same analyser."""
    again = Analyser.from_json(analyser.as_json())
    assert again == analyser
    assert again.terms("A wing's İI edge") == analyser.terms("A wing's İI edge")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"units": "word"}, 'units "word". Did you mean "words"?'),
        ({"units": 3}, "units is a text"),
        ({"units": "grams"}, "from 2 to 8"),
        ({"size": 9}, "from 0 to 8"),
        ({"size": True}, "from 0 to 8"),
        ({"fold": "all"}, "cannot fold"),
        ({"stem": "englsh"}, 'Did you mean "english"?'),
        ({"stem": None}, "stem is a text"),
        ({"stop": "germna"}, 'Did you mean "german"?'),
        ({"stop": "tamil"}, "There are: "),
        ({"pieces": "ab"}, "a list of texts"),
        ({"pieces": ["a", "a"]}, "twice"),
        ({"pieces": ["a b"]}, "without white space"),
        ({"pieces": ["##"]}, "1 to 100 letters"),
        ({"pieces": [1]}, "1 to 100 letters"),
        ({"pieces": ["a" * 101]}, "1 to 100 letters"),
        ({"more": 1}, "this one has"),
    ],
)
def test_what_is_no_analyser_is_refused_in_one_line(change: dict[str, Any], told: str):
    """With what was found, and what there is instead."""
    with pytest.raises(JobError) as fault:
        Analyser.from_json({**Analyser().as_json(), **change})
    assert told in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("value", [None, [], {}, {"units": "words"}, "words"])
def test_what_is_no_table_is_refused(value: Any):
    """Nothing is taken for granted."""
    with pytest.raises(JobError, match="An analyser has units"):
        Analyser.from_json(value)


def test_stems_are_asked_for_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch):
    """Without PyStemmer, words can be left whole; and what is missing is named."""
    monkeypatch.setitem(sys.modules, "Stemmer", None)
    assert Analyser(stem="").terms("wings") == ["wings"]
    with pytest.raises(MissingExtra, match="PyStemmer"):
        Analyser()


def test_no_more_is_remembered_than_so_many_words():
    """The table is emptied before it grows further, and gives the same."""
    made: list[str] = []
    table = Remembered[str, str](lambda key: made.append(key) or key * 2, most=10, keeps=lambda key: len(key) < 3)
    for number in range(1_000):
        assert table[str(number)] == str(number) * 2
        assert len(table) <= 10
        assert all(len(key) < 3 for key in table)
    assert made == [str(number) for number in range(1_000)]
