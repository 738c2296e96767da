"""Terms are found, begin alike and are near as they are by comparing all of them, however many there are."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA
from safetensors.numpy import load, save

from plimsoll import lexicon
from plimsoll.errors import BundleError, MissingExtra
from plimsoll.ids import packed
from plimsoll.lexicon import Lexicon

TERMS = st.lists(st.text("abcé漢𠀀", min_size=1, max_size=6), max_size=30)
ANY = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6), max_size=12)


@settings(deadline=None)
@given(st.one_of(TERMS, ANY), st.text(max_size=4))
def test_a_term_has_its_place_among_the_sorted(terms: list[str], other: str):
    """The order of letters is that of bytes; a term is found at its number and nothing else is."""
    made, held = Lexicon.of_terms(terms), sorted(set(terms))
    assert [made.term(number) for number in range(len(made))] == held
    assert [made.find(term) for term in held] == list(range(len(held)))
    assert made.find(other) == (held.index(other) if other in held else -1)
    assert made.find("") == -1


@settings(deadline=None)
@given(TERMS)
def test_many_terms_are_found_as_few_are(terms: list[str]):
    """Where no table is made of them, they are searched for, and what was looked for is remembered within bounds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexicon, "_TABLED", 0)
        patch.setattr(lexicon, "_MOST", 2)
        made, held = Lexicon.of_terms(terms), sorted(set(terms))
        for term in [*held, "zz", *held]:
            assert made.find(term) == (held.index(term) if term in held else -1)
            assert len(made._seen) <= 2


@settings(deadline=None)
@given(TERMS, st.text("abé漢𠀀", max_size=3))
def test_what_begins_alike_lies_side_by_side(terms: list[str], prefix: str):
    """Every term with the beginning, and no other; the empty one begins all."""
    made = Lexicon.of_terms(terms)
    begin, end = made.starting(prefix)
    assert [made.term(k) for k in range(begin, end)] == [t for t in sorted(set(terms)) if t.startswith(prefix)]


@settings(deadline=None)
@given(TERMS, st.text("abcdé漢", max_size=7), st.integers(0, 3), st.integers(1, 40))
def test_no_term_that_is_near_is_missed(terms: list[str], term: str, edits: int, most: int):
    """What is left out before the comparing could not be near; the nearest come first, then the most frequent."""
    made = Lexicon.of_terms(terms)
    often = np.arange(len(made)) * 7 % 5
    near = [(k, OSA.distance(term, made.term(k))) for k in range(len(made))]
    wanted = sorted((each for each in near if each[1] <= edits), key=lambda each: (each[1], -often[each[0]], each[0]))
    assert made.near(term, edits, most, often) == wanted[:most]
    assert {*made.near(term, edits, len(made))} == {*wanted}


def test_near_terms_are_found_across_stretches(monkeypatch: pytest.MonkeyPatch):
    """Terms are compared roughly so many at once, and those of every stretch are there."""
    monkeypatch.setattr(lexicon, "_AT_ONCE", 7)
    terms = Lexicon.of_terms(f"wing{number}" for number in range(50))
    assert [terms.term(number) for number, _ in terms.near("wing3x", 1, 50)] == [
        "wing3",
        *(f"wing3{k}" for k in range(10)),
    ]
    assert Lexicon.of_terms([]).near("wing", 2, 5) == []


def test_few_are_left_to_be_compared():
    """Terms with the same letters are told apart by those that they have twice."""
    made = Lexicon.of_terms(["abccc", "aabbc", "aabbb", "xyz"])
    assert [made.term(number) for number in made._alike("aabbc", 1)] == ["aabbb", "aabbc"]


def test_without_what_compares_it_is_named(monkeypatch: pytest.MonkeyPatch):
    """Terms are found without rapidfuzz; slips are not."""
    monkeypatch.setitem(sys.modules, "rapidfuzz.distance", None)
    made = Lexicon.of_terms(["wing"])
    assert made.find("wing") == 0
    with pytest.raises(MissingExtra, match="rapidfuzz"):
        made.near("wnig", 1, 5)


@given(st.one_of(TERMS, ANY))
def test_what_was_written_is_read(terms: list[str]):
    """Out of a file, and of arrays that nobody may write to, it is the same terms."""
    made = Lexicon.of_terms(terms)
    arrays = load(save(made.arrays()))
    for array in arrays.values():
        array.setflags(write=False)
    again = Lexicon.of(arrays)
    assert [again.term(k) for k in range(len(again))] == sorted(set(terms))
    assert [again.find(term) for term in sorted(set(terms))] == list(range(len(made)))


def _hostile(texts: list[bytes], **change: Any) -> dict[str, Any]:
    text, ends = packed(texts)
    return {name: array for name, array in {"text": text, "ends": ends, **change}.items() if array is not None}


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        (_hostile([b"b", b"a"]), "do not rise"),
        (_hostile([b"a", b"a"]), "do not rise"),
        (_hostile([b"", b"a"]), "no letters"),
        (_hostile([b"a\xff"]), "not UTF-8"),
        (_hostile(["é".encode()[:1], "é".encode()[1:]]), "within a letter"),
        (_hostile([b"a"], ends=np.array([2])), "where they are said to"),
        (_hostile([b"ab"], ends=np.array([3, 2])), "where they are said to"),
        (_hostile([b"ab"], ends=np.array([-1, 2])), "where they are said to"),
        (_hostile([b"a"], ends=np.array([1.0])), "bytes with their ends"),
        (_hostile([b"a"], ends=np.array([[1]])), "bytes with their ends"),
        (_hostile([b"a"], text=np.array([97])), "bytes with their ends"),
        (_hostile([b"a"], text=None), "holds no terms"),
        (_hostile([b"a"], more=np.zeros(1)), "holds no terms"),
        ({"ids": np.array([1, 2])}, "holds no terms"),
        ({}, "holds no terms"),
    ],
)
def test_arrays_that_hold_no_terms_are_refused(arrays: dict[str, Any], told: str):
    """In one line that says where and why; numbers are ids, but no terms."""
    with pytest.raises(BundleError, match=told) as fault:
        Lexicon.of(arrays, "words.safetensors")
    assert str(fault.value).startswith("words.safetensors: ")
    assert "\n" not in str(fault.value)
