"""Snippets: the best stretch of a text, with the letters to mark."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.analysis import Analyser
from plimsoll.highlight import LETTERS, PART, SLACK, Marker, Snippet

PLAIN = Analyser(stem="", stop="")
WORDS = st.sampled_from(["wing", "Wings", "layer", "the", "boundary", "x" * 90, "東京都", "naïve", "ﷺ", "a'b"])
GAPS = st.sampled_from([" ", "\n", ", ", " - ", "\0", "<b>"])
TEXTS = st.lists(st.tuples(WORDS, GAPS), max_size=80).map(
    lambda parts: "".join(chain for part in parts for chain in part)
)


def marked(found: Snippet) -> list[str]:
    return [found.text[begin:end] for begin, end in found.marks]


@given(
    TEXTS,
    st.sets(st.sampled_from(["wing", "layer", "boundari", "東京", "京都", "naïv", "nowhere"])),
    st.integers(1, 300),
)
def test_marks_lie_on_words_whose_terms_are_looked_for(text: str, terms: set[str], most: int):
    """Every mark is a word of the text with such a term, the snippet is of the text, and none of a short text is missed."""
    analyser = Analyser()
    found = Marker(dict.fromkeys(terms, 1.0), analyser).snippet(text, most)
    assert text[found.begin : found.begin + len(found.text)] == found.text
    assert found.letters == len(text)
    spans = {(begin, end): held for begin, end, held in analyser.spans(text)}
    places = [(found.begin + begin, found.begin + end) for begin, end in found.marks]
    assert places == sorted(set(places))
    for place in places:
        assert terms & set(spans[place])
    due = [place for place, held in spans.items() if terms & set(held)]
    if len(text) <= most:
        assert found.text == text
        assert places == due
    elif due:
        assert places


def test_the_stretch_with_the_most_different_words_wins_and_rare_ones_count_more():
    """Two words of the query together stand above one of them three times, and a rare one above a frequent one."""
    filler = "nothing of it " * 40
    text = f"wing wing wing {filler} the wing of a boundary {filler} wing {filler} vortex {filler}"
    weights = {"wing": 1.0, "boundary": 1.0, "vortex": 1.5}
    assert marked(Marker({"wing": 1.0, "boundary": 1.0}, PLAIN).snippet(text)) == ["wing", "boundary"]
    assert marked(Marker(weights, PLAIN).snippet(text)) == ["wing", "boundary"]
    assert marked(Marker({**weights, "vortex": 2.5}, PLAIN).snippet(text)) == ["vortex"]
    assert marked(Marker({"wing": 1.0}, PLAIN).snippet(text)) == ["wing", "wing", "wing"]


def test_a_snippet_begins_and_ends_between_words_with_its_words_in_the_middle():
    """It is about two hundred letters long, and what is around the words is shown on both sides."""
    text = "lorem ipsum dolor " * 100 + "wing " + "sit amet dolor " * 100
    found = Marker({"wing": 1.0}, PLAIN).snippet(text)
    assert marked(found) == ["wing"]
    assert LETTERS - 2 * SLACK <= len(found.text) <= LETTERS
    assert text[found.begin - 1] == " "
    assert (text + " ")[found.begin + len(found.text) - 1] == " "
    assert 60 <= found.marks[0][0] <= 140


def test_a_text_without_the_words_shows_its_beginning():
    """Nothing is marked, and nothing is missing."""
    found = Marker({"wing": 1.0}, PLAIN).snippet("word " * 100)
    assert (found.begin, found.marks) == (0, ())
    assert found.text == "word " * 40
    assert Marker({}, PLAIN).snippet("") == Snippet("", 0, 0, ())
    assert len(Marker({"wing": 1.0}, PLAIN).snippet("w" * 1_000_000).text) == LETTERS


def test_a_long_text_is_read_until_its_words_are_found_and_no_further_than_may_be():
    """A word far behind is found; one beyond what may be read for a page is not, whatever the document."""
    far = "word " * PART + "wing"
    assert marked(Marker({"wing": 1.0}, PLAIN).snippet(far)) == ["wing"]
    assert marked(Marker({"wing": 1.0}, PLAIN, most=PART).snippet(far)) == []
    marker = Marker({"wing": 1.0}, PLAIN, most=3 * PART)
    assert marked(marker.snippet("word " * PART)) == []
    assert marked(marker.snippet("wing")) == []
    assert marked(Marker({"wing": 1.0}, PLAIN).snippet("wing " + "word " * PART)) == ["wing"]


def test_a_word_across_two_parts_of_a_long_text_is_one():
    """Parts end between words."""
    for shift in range(12):
        text = "x" * shift + " " + "word " * (PART // 5 - 1) + "wing " + "word " * 100
        found = Marker({"wing": 1.0, "wi": 5.0, "ng": 5.0, "w": 5.0}, PLAIN).snippet(text)
        assert marked(found) == ["wing"], shift
