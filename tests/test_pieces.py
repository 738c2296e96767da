"""Pieces are those that the frequent pairs come to, whatever the order of the texts, and nothing of a word is lost."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll import pieces
from plimsoll.analysis import INSIDE, Analyser
from plimsoll.pieces import joined, learned

BARE = Analyser(stem="", stop="")
TEXTS = ["low lower lowest low", "new newer newest", None, "wide wider widest", "東京タワー"]
WORDS = st.dictionaries(st.text("aab", min_size=1, max_size=8), st.integers(1, 5), max_size=8)


def plainly(words: dict[str, int], size: int) -> list[str]:
    """The same by counting all pairs anew each time."""
    cut = {word: [word[0], *(INSIDE + letter for letter in word[1:])] for word in words}
    found = {piece for held in cut.values() for piece in held}
    while len(found) < size:
        counts: Counter[tuple[str, str]] = Counter()
        for word, held in cut.items():
            for pair in pairwise(held):
                counts[pair] += words[word]
        best = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if best is None or counts[best] < 2:
            break
        one = best[0] + best[1].removeprefix(INSIDE)
        found.add(one)
        for held in cut.values():
            at = 0
            while at < len(held) - 1:
                if (held[at], held[at + 1]) == best:
                    held[at : at + 2] = [one]
                at += 1
    return sorted(found)


@settings(deadline=None)
@given(WORDS, st.integers(0, 25))
def test_pairs_are_joined_as_if_all_were_counted_each_time(words: dict[str, int], size: int):
    """Counts that are kept up to date are the counts, also where a pair overlaps itself."""
    assert joined(words, size) == plainly(words, size)


@given(st.text("lowernstidxé'", max_size=30), st.integers(0, 40))
def test_the_pieces_of_a_word_come_to_the_word(text: str, size: int):
    """Letters that no text had are pieces by themselves; only the first piece of a word is without a mark."""
    made, whole = learned(BARE, TEXTS, size), BARE.terms(text)
    found = made.terms(text)
    assert "".join(piece.removeprefix(INSIDE) for piece in found) == "".join(whole)
    assert sum(not piece.startswith(INSIDE) for piece in found) == len(whole)


def test_the_order_of_the_texts_tells_nothing():
    """The same collection gives the same pieces; runs of scripts without blanks are no part of it."""
    made = learned(BARE, TEXTS, 30)
    assert made == learned(BARE, TEXTS[::-1], 30, seed=1)
    assert made.units == "pieces"
    assert not any("東" in piece for piece in made.pieces)
    assert {"low", "new", "wide"} <= set(made.pieces)
    assert Analyser.from_json(made.as_json()) == made


def test_of_many_texts_some_are_drawn(monkeypatch: pytest.MonkeyPatch):
    """By the seed, and by nothing else; of many words the most frequent are taken."""
    texts = [f"w{chr(97 + number)}x" for number in range(20)]
    monkeypatch.setattr(pieces, "_TEXTS", 5)
    assert learned(BARE, texts, 50) == learned(BARE, texts, 50)
    assert learned(BARE, texts, 50) != learned(BARE, texts, 50, seed=1)
    monkeypatch.setattr(pieces, "_WORDS", 1)
    assert learned(BARE, ["rare", "often often"], 50).terms("often rare") == ["often", "r", "##a", "##r", "##e"]
    assert learned(BARE, ["one two", "one two"], 9) == learned(BARE, ["two one", "two one"], 9)


def test_stems_are_cut_where_words_are_cut_to_stems():
    """What is learned of is what is cut: without the stop words, and of the stems."""
    made = learned(Analyser(), ["the wings", "a wing's wings"], 50)
    assert made.terms("The wings") == ["wing"]
    assert not any("t" in piece or "s" in piece for piece in made.pieces)
