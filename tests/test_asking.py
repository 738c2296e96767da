"""The language of a query: what its signs ask for, and that nothing that is typed is an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import asking
from plimsoll.asking import LETTERS, MOST, Query, parse


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("wind tunnel", Query("wind tunnel")),
        ("high-speed 3-5 a+b", Query("high-speed 3-5 a+b")),
        ('"boundary layer" flow', Query("boundary layer flow", phrases=("boundary layer",))),
        ("“boundary layer”", Query("boundary layer", phrases=("boundary layer",))),
        ("flow -wing", Query("flow", without=("wing",))),
        ('flow -"thin wing"', Query("flow", without=("thin wing",))),
        ("+flow wing", Query("flow wing", must=("flow",))),
        ('+"thin wing"', Query("thin wing", phrases=("thin wing",))),
        ("wind*", Query("", prefixes=("wind",))),
        ("+wind*", Query("", must=("wind*",), prefixes=("wind",))),
        ("a -wind*", Query("a", without=("wind*",))),
        ("- + * ** -- +* -*", Query("- + * ** -- +* -*")),
        ('a "b c', Query('a "b c')),
        ('a ""', Query("a")),
        ('5" pipe 3"', Query('5" pipe 3"')),
        ("", Query("")),
        ("--wing", Query("", without=("wing",))),
    ],
    ids=str,
)
def test_a_sign_counts_where_it_begins_a_word(said: str, wanted: Query):
    """Phrases, words that must and must not be there, and words with a star; all else is plain."""
    assert parse(said) == wanted


SIGNED = st.lists(
    st.sampled_from(['"', "-", "+", "*", " ", "wing", "é", "\0", "\ud800", "“", "\n", "東京"]), max_size=40
)


@given(st.one_of(st.text(max_size=200), SIGNED.map("".join)))
def test_every_text_is_read_and_its_parts_come_out_of_it(text: str):
    """No word is made up: each part stands in the text, but for straight quotes where there were others."""
    found = parse(text)
    held = text.translate(asking._QUOTES)
    for word in found.text.split():
        assert word in held
    for part in (*found.phrases, *found.without, *found.must, *found.prefixes):
        assert part in held
        assert part.strip()
    assert not found.cut


@given(st.text(max_size=100))
def test_a_text_without_signs_is_plain(text: str):
    """What has no sign is ranked by as it was typed."""
    plain = "".join(letter for letter in text if letter not in '"“”„*+-')
    assert parse(plain) == Query(plain)


def test_a_text_that_is_too_long_is_cut_between_words_and_said_to_be():
    """Ten megabytes are two thousand letters and a word that says so; as many signs are thirty-two."""
    found = parse("boundary " * 1_200_000)
    assert found.cut
    assert LETTERS - 9 <= len(found.text) <= LETTERS
    assert set(found.text.split()) == {"boundary"}
    assert parse("x" * 10_000_000).text == "x" * LETTERS
    many = parse("+a " * (MOST + 1))
    assert many.cut
    assert len(many.must) == MOST
    assert not parse("+a " * MOST).cut
