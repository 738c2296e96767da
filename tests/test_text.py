"""Texts become counted n-grams: the same alone as in a batch, and right against a slow count."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.text import Grams

# Any character, among them lone surrogates, NUL, blanks and those whose lower case is longer.
CHARACTERS = st.characters() | st.sampled_from("aAbB  \0\t\n'_-.İßΣσς\ud800\udfff\u2028\u2019é日😀")
TEXTS = st.none() | st.text(CHARACTERS, max_size=30)
BOTH = Grams("t", words=3, chars=(2, 4), bits=20)


def counts(grams: Grams, text: str | None) -> dict[int, float]:
    """Column → count of one text."""
    rows, columns, count = grams.counted([text])
    assert not rows.any()
    return dict(zip(columns.tolist(), count.tolist(), strict=True))


def words(text: str) -> list[str]:
    """The words of a text, found one character at a time."""

    def belongs(letter: str) -> bool:
        code = ord(letter)
        return letter.isalnum() or letter in "_'" if code < 256 else not 0x2000 <= code <= 0x206F

    return ["".join(run) for inside, run in groupby(text.lower(), belongs) if inside]


def slow(text: str, longest: int) -> Counter[tuple[str, ...]]:
    """Every word n-gram with its count, by slicing lists."""
    found = words(text)
    return Counter(tuple(found[k : k + n]) for n in range(1, longest + 1) for k in range(len(found) - n + 1))


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_a_text_gives_the_same_alone_as_in_a_batch(texts: list[str | None]):
    """A row's columns and counts do not depend on its neighbours, so no n-gram crosses texts."""
    rows, columns, count = BOTH.counted(texts)
    for k, text in enumerate(texts):
        mine = rows == k
        assert dict(zip(columns[mine].tolist(), count[mine].tolist(), strict=True)) == counts(BOTH, text)


@given(st.text(CHARACTERS, max_size=40), st.integers(1, 4))
def test_word_counts_are_those_of_a_slow_count(text: str, longest: int):
    """As many different n-grams with the same counts, and each word's own column holds its count."""
    found, due = counts(Grams("t", words=longest, bits=24), text), slow(text, longest)
    assert sorted(found.values()) == sorted(due.values())
    for word, count in slow(text, 1).items():
        (column,) = counts(Grams("t", words=1, bits=24), word[0])
        assert found[column] == count


def test_a_known_sentence_is_counted_by_hand():
    """Words that come twice count twice, and so does a pair of them."""
    text, grams = "to be or not to be", Grams("t", words=2, bits=24)
    found = counts(grams, text)
    assert sorted(found.values()) == [1, 1, 1, 1, 1, 2, 2, 2]  # or, not, be or, or not, not to; to, be, to be
    (be,) = counts(Grams("t", words=1, bits=24), "be")
    assert found[be] == 2


@given(st.text(st.sampled_from("abAB 'xé-ZÉ"), max_size=20))
def test_case_does_not_count(text: str):
    """Upper case and lower case give the same n-grams."""
    assert counts(BOTH, text.upper()) == counts(BOTH, text.lower())


def test_words_of_neighbours_make_no_pair():
    """The last word of a text and the first of the next are not a pair."""
    (pair,) = set(counts(Grams("t", words=2), "good day")) - set(counts(Grams("t", words=1), "good day"))
    assert pair not in Grams("t", words=2).counted(["good", "day"])[1]
    assert pair in Grams("t", words=2).counted(["good day"])[1]


@given(st.integers(1, 12), st.integers(1, 12))
def test_characters_keep_to_their_word_and_its_edges(n: int, letters: int):
    """A word of so many different letters has as many n-grams as fit in it with a blank at each end."""
    found = counts(Grams("t", chars=(n, n), bits=24), "abcdefghijkl"[:letters])
    assert sum(found.values()) == max(0, letters + 2 - n + 1) - (2 if n == 1 else 0)


def test_a_gram_of_characters_has_no_blank_inside():
    """No n-gram of three characters joins two words."""
    grams = Grams("t", chars=(3, 3), bits=24)
    assert set(counts(grams, "ab cd")) == set(counts(grams, "ab")) | set(counts(grams, "cd"))


@pytest.mark.parametrize("text", [None, "", "\0", " \t\n", "\0\0 \0"])
def test_a_text_without_words_has_no_word(text: str | None):
    """Missing, empty and blank texts give nothing, and so does NUL, which parts words as a blank does."""
    assert counts(Grams("t", words=3), text) == {}


def test_a_nul_inside_a_text_parts_words():
    """NUL is a blank: it does not start another text."""
    assert counts(BOTH, "good\0day") == counts(BOTH, "good day")


def test_a_text_longer_than_the_first_table_of_powers_is_counted():
    """A word is the same word a hundred thousand characters into a text."""
    found = counts(Grams("t", words=1), "x " * 50_000 + "end")
    (end,) = counts(Grams("t", words=1), "end")
    assert sorted(found.values()) == [1, 50_000]
    assert found[end] == 1


@given(st.integers(8, 24), st.integers(0, 5), st.integers(1, 5), st.integers(5, 10))
def test_grams_are_read_back_as_they_were_written(bits: int, longest: int, low: int, high: int):
    """What n-grams are is kept in JSON, and nothing is lost."""
    grams = Grams("titel", longest, (low, high), bits)
    assert Grams.from_json(grams.as_json()) == grams


@pytest.mark.parametrize(
    "change", [{"words": 6}, {"words": -1}, {"chars": [3, 2]}, {"chars": [2, 11]}, {"bits": 25}, {"bits": 7}]
)
def test_grams_out_of_range_are_refused(change: dict[str, object]):
    """A damaged description cannot ask for a table without bounds."""
    with pytest.raises(ValueError, match="out of range"):
        Grams.from_json({**BOTH.as_json(), **change})


@given(TEXTS)
def test_columns_are_within_the_table(text: str | None):
    """With few bits, n-grams share columns and none falls outside."""
    _, columns = Grams("t", words=2, chars=(1, 3), bits=8).hashed([text])
    assert np.all((columns >= 0) & (columns < 256))
