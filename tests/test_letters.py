"""Words of any script are found as they are written, and two spellings of one are one."""

from __future__ import annotations

import sys
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import letters
from plimsoll.letters import FOLDS, WORD, is_run, pairs, plain, words

SPACED = (
    "boundary straße Ελληνικά русский հայերեն ქართული עִבְרִית اَلعَرَبِيَّة ܣܘܪܝܝܐ ދިވެހި हिन्दी বাংলা ਪੰਜਾਬੀ ગુજરાતી ଓଡ଼ିଆ தமிழ் తెలుగు ಕನ್ನಡ മലയാളം සිංහල "
    "བོད አማርኛ ᏣᎳᎩ ᐃᓄᒃᑎᑐᑦ ᠮᠣᠩᠭᠣᠯ ꆈꌠ ߒߞߏ ⵜⴰⵎⴰⵣⵉⵖⵜ ᬩᬮᬶ ꦗꦮ ᮞᮥᮔ᮪ᮓ ᱥᱟᱱᱛᱟᱲᱤ ꯃꯤꯇꯩꯂꯣꯟ 𐌲𐌿𐍄 𞤀𞤣𞤤𞤢𞤥 ⲕⲏⲙⲉ ᚠᚢᚦ ꕙꔤ 𐓏𐓘𐓻𐓘𐓻𐓟 ᨒᨚᨈᨑ 𑄌𑄋𑄴𑄟𑄳𑄦"
)
RUNS = "漢字 ひらがな カタカナ ﾊﾝｶｸ ไทยที่นี่ ພາສາລາວ ភាសាខ្មែរ မြန်မာဘာသာ 한국어 ㄅㄆㄇ 𠀀𠀁"
SIGNS = st.text(
    st.sampled_from(" \t\0'’_-.a1ZéÉßİıſ\u0301\u00ad\u200d\u200b漢字かガｶﾞที่한\u1100\u1161हिन्दी٣ﷺ㈠½🙂\ud800\U000e0100")
)
ASCII = st.text(st.characters(max_codepoint=127))


@given(st.one_of(st.text(), SIGNS, ASCII, st.text(st.sampled_from("ab' _-"))))
def test_the_quick_way_finds_what_the_expression_finds(text: str):
    """Texts of ASCII are parted in another way, to the same words."""
    assert words(text) == WORD.findall(text)


@pytest.mark.parametrize("word", SPACED.split())
def test_a_word_of_a_script_with_blanks_is_one_word(word: str):
    """Vowel signs and accents that stand by themselves do not part it, and no letter of it is left out."""
    assert words(f"({word}, {word}!") == [word, word]
    assert not is_run(word)


@pytest.mark.parametrize("run", RUNS.split())
def test_a_script_without_blanks_comes_in_runs_of_its_own(run: str):
    """Next to a word of another script, it is another word; and its pairs cover it all."""
    assert words(f"the{run}2024") == ["the", run, "2024"]
    assert is_run(run)
    places = pairs(run)
    assert places[0][0] == 0
    assert places[-1][1] == len(run)
    assert all(begin < other < end for (begin, end), (other, _) in pairwise(places))


@pytest.mark.parametrize("word", [*SPACED.split(), *RUNS.split(), "école", "Ελληνικά", "ÅNGSTRÖM", "ガギグ"])
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_way_to_write_a_letter_is_one(word: str, form: str):
    """Letters in one and letters in parts, as some systems write them, are one word with as many pairs."""
    other = unicodedata.normalize(form, word)
    assert words(other) == [other]
    assert plain(other) == plain(word)
    if is_run(word):
        assert len(pairs(other)) == len(pairs(word))


@given(st.one_of(st.text(max_size=20), SIGNS), st.sampled_from(FOLDS))
def test_what_is_plain_stays_as_it_is(text: str, fold: str):
    """Made plain twice is made plain once, word by word."""
    for word in words(text):
        once = plain(word, fold)
        assert plain(once, fold) == once


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("don't O’Neill's 'tis dogs' rock''n'", ["don't", "O’Neill's", "tis", "dogs", "rock''n"]),
        ("snake_case __init__ _", ["snake", "case", "init"]),
        ("a-b 3.14 1,000 x@y.org C++ #1", ["a", "b", "3", "14", "1", "000", "x", "y", "org", "C", "1"]),
        ("co\u00adop می‌خواهم zero\u200bwidth", ["co\u00adop", "می‌خواهم", "zero", "width"]),
        ("nul\0l \x1b[31mred\x07 \ud800 🙂 \u0301", ["nul", "l", "31mred"]),
    ],
)
def test_what_parts_words_and_what_does_not(text: str, found: list[str]):
    """Apostrophes and joiners stand inside a word; all else, control characters too, stands between two."""
    assert words(text) == found
    assert words(f"{text} é")[:-1] == found


def test_accents_are_folded_where_they_are_accents():
    """Vowel signs and the sound marks of Kana are no accents, nor is the short i of Russian; points of Hebrew and Arabic are."""
    folded = {
        word: plain(word, "accents")
        for word in ["Ærø", "łódź", "žluťoučký", "ѐлка", "йод", "हिन्दी", "がぎ", "שָׁלוֹם", "كِتَاب", "ά"]
    }
    assert list(folded.values()) == ["aero", "lodz", "zlutoucky", "елка", "йод", "हिन्दी", "がぎ", "שלום", "كتاب", "α"]


def test_marks_that_are_not_seen_make_no_other_word():
    """Soft hyphens, joiners and variants of a sign fall away; so does the dot that case folding leaves above an i."""
    assert plain("co\u00adop\ufe0f\u200d") == "coop"
    assert plain("İstanbul") == "istanbul"
    assert plain("DON’T") == plain("donʼt") == "don't"
    assert letters.plain("I".translate(letters.TURKISH)) == "ı"


def test_no_mark_is_forgotten():
    """Wherever a mark stands in Unicode, it belongs to the letter before it."""
    marks = [sign for sign in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(sign)[0] == "M"]
    assert words(" ".join(f"a{sign}b" for sign in marks)) == [f"a{sign}b" for sign in marks]
