"""The inverted index: what is in it, phrases, and arrays that nobody has to be believed about."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from plimsoll import index_build, index_checks, postings
from plimsoll.analysis import Analyser
from plimsoll.errors import BundleError, DataError
from plimsoll.inverted import Index, build
from plimsoll.letters import words
from plimsoll.postings import GAP

PLAIN = Analyser(stem="", stop="")
STOPPED = Analyser(stem="", stop="english")
GRAMS = Analyser("grams", size=3, stem="", stop="english")
TEXTS = st.one_of(
    st.none(),
    st.lists(st.sampled_from(["red", "hat", "coat", "the", "of", "and", "東京都", "京都", "x's"]), max_size=9).map(
        " ".join
    ),
)
DOCUMENTS = st.lists(st.tuples(TEXTS, TEXTS), max_size=12)

Slots = list[str | None]


def slots(text: str | None, analyser: Analyser) -> Slots:
    """The terms of a text one behind the other, None where a word has none."""
    found = Slots()
    for word in words(text or ""):
        found += analyser.terms_of(word) or (None,)
    return found


def slowly(documents: list[tuple[str | None, str | None]], analyser: Analyser) -> dict[str, dict[int, Any]]:
    """Each term's documents with its counts by field and its places."""
    found: dict[str, dict[int, Any]] = defaultdict(dict)
    for number, cells in enumerate(documents):
        begin = 0
        for field, cell in enumerate(cells):
            held = slots(cell, analyser)
            for place, term in enumerate(held):
                if term is not None:
                    counts, places = found[term].setdefault(number, ([0, 0], []))
                    counts[field] += 1
                    places.append(begin + place)
            begin += len(held) + GAP
    return found


def told(index: Index) -> dict[str, dict[int, Any]]:
    """The same, read from an index."""
    found: dict[str, dict[int, Any]] = {}
    for number in range(len(index.lexicon)):
        at, held = int(index.place_starts[number]), {}
        for posting in range(index.starts[number], index.starts[number + 1]):
            counts = index.counts[:, posting].tolist()
            held[int(index.docs[posting])] = (counts, index.places[at : at + sum(counts)].tolist())
            at += sum(counts)
        assert at == index.place_starts[number + 1]
        found[index.lexicon.term(number)] = held
    return found


def of(*texts: str | None, analyser: Analyser = PLAIN) -> Index:
    return build({"text": texts}, analyser)


def both(documents: list[tuple[str | None, str | None]], analyser: Analyser) -> Index:
    return build({"title": [one for one, _ in documents], "text": [other for _, other in documents]}, analyser)


@settings(deadline=None)
@given(DOCUMENTS, st.sampled_from([PLAIN, STOPPED, GRAMS]), st.sampled_from([1, 7, 1 << 20]))
def test_an_index_holds_what_the_texts_hold(documents: Any, analyser: Analyser, piece: int):
    """Counts by field and places of each term in each document, however few words are sorted together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_build, "PIECE", piece)
        index = both(documents, analyser)
    due = slowly(documents, analyser)
    assert told(index) == due
    assert list(told(index)) == sorted(due)
    lengths = [[sum(term is not None for term in slots(cell, analyser)) for cell in cells] for cells in documents]
    assert index.lengths.T.tolist() == lengths
    assert index.many == len(documents)


@settings(deadline=None)
@given(DOCUMENTS, st.sampled_from([PLAIN, STOPPED, GRAMS]))
def test_an_index_comes_out_of_its_arrays_as_it_was_though_they_cannot_be_written_to(
    documents: Any, analyser: Analyser
):
    """Saved equals loaded, and what is answered is the same from arrays that are mapped from a file."""
    index = both(documents, analyser)
    arrays = {name: array.copy() for name, array in index.arrays().items()}
    for array in arrays.values():
        array.setflags(write=False)
    again = Index.of(arrays, analyser, index.fields)
    assert told(again) == told(index)
    for text in ("red hat", "the coat of", "京都"):
        assert np.array_equal(again.matching(text), index.matching(text))
        assert np.array_equal(again.phrase(text), index.phrase(text))


def has(held: Slots, wanted: Slots) -> bool:
    """Whether terms stand in a text at the distances that they have; what is stopped may be any word."""
    return any(
        all(begin + k < len(held) and held[begin + k] == term for k, term in enumerate(wanted) if term is not None)
        for begin in range(len(held))
    )


@settings(deadline=None)
@given(DOCUMENTS, TEXTS, st.sampled_from([PLAIN, STOPPED, GRAMS]))
def test_a_phrase_is_where_its_terms_stand_as_far_apart(documents: Any, text: str | None, analyser: Analyser):
    """Against looking for it everywhere, in each field by itself."""
    wanted = slots(text, analyser)
    while wanted and wanted[0] is None:
        wanted.pop(0)
    due = [
        any(term is not None for term in wanted) and any(has(slots(cell, analyser), wanted) for cell in cells)
        for cells in documents
    ]
    assert both(documents, analyser).phrase(text or "").tolist() == due


def test_a_stopped_word_leaves_a_gap_in_a_phrase():
    """Any stop word may stand there, but one has to."""
    index = of("state of art", "state the art", "state art", analyser=STOPPED)
    assert index.phrase("state of art").tolist() == [True, True, False]
    assert index.phrase("the state of art and").tolist() == [True, True, False]
    assert index.phrase("of the").tolist() == [False] * 3


def test_no_phrase_goes_from_one_field_into_the_next():
    """The last word of the title and the first of the text are no neighbours, however many stop words are between."""
    index = both([("red", "hat"), ("hat", "red hat")], STOPPED)
    assert index.phrase("red hat").tolist() == [False, True]
    assert index.phrase("red " + "the " * (GAP - 1) + "hat").tolist() == [False, False]


def test_a_phrase_is_found_within_a_run_of_a_script_without_blanks():
    """Pairs of letters follow one another as words do."""
    index = of("私は東京都に住む", "京都と東京")
    assert index.phrase("東京都").tolist() == [True, False]
    assert index.phrase("京都").tolist() == [True, True]


def test_a_phrase_with_a_term_that_is_nowhere_is_nowhere():
    """It is not looked for without it."""
    assert not of("red big hat").phrase("red unheard hat").any()
    assert not of("red hat").phrase("").any()


def test_a_phrase_that_is_longer_than_any_document_is_nowhere():
    """It is not looked for word by word: a text of megabytes may be asked for."""
    index = of("red " * 4, "red hat " * 2)
    assert index.phrase("red " * 4).tolist() == [True, False]
    assert not index.phrase("red " * 5).any()
    assert not index.phrase("red " * 2_000_000).any()


def test_any_term_matches():
    """Documents with one of the terms, also where the others are in none."""
    assert of("red hat", "coat", None).matching("red coat unheard").tolist() == [True, True, False]
    assert not of("red hat").matching("").any()


@pytest.mark.parametrize("texts", [[], [None], ["", "!?"], [None, "the of"]])
def test_an_index_may_have_no_terms(texts: list[str | None]):
    """Nothing, nobody's texts, signs alone, or only stop words."""
    index = of(*texts, analyser=STOPPED)
    assert (index.many, len(index.lexicon), index.lengths.sum()) == (len(texts), 0, 0)
    assert Index.of(index.arrays(), STOPPED, index.fields).matching("red").tolist() == [False] * len(texts)


def test_a_term_counts_65535_times_at_most_in_a_field():
    """Beyond that neither its count nor its places go on; the length does, and so do other terms and fields."""
    index = both([("red " * 70_000 + "hat", "red coat"), ("red", None)], PLAIN)
    held = told(index)
    assert held["red"][0][0] == [65_535, 1]
    assert held["red"][0][1] == [*range(65_535), 70_001 + GAP]
    assert held["red"][1] == ([1, 0], [0])
    assert index.lengths.tolist() == [[70_001, 1], [2, 0]]
    assert index.phrase("red coat").tolist() == [True, False]
    assert told(Index.of(index.arrays(), PLAIN, index.fields)) == held


def test_a_document_that_is_too_long_to_number_its_words_is_refused(monkeypatch: pytest.MonkeyPatch):
    """The error names it."""
    monkeypatch.setattr(postings, "_PLACES", GAP + 3)
    assert of("a b c").many == 1
    with pytest.raises(DataError, match="document 1 has 4 words"):
        of("a b c", "a b c d")


def test_fields_are_of_the_same_documents():
    """A field of fewer documents, and no field at all, are refused."""
    with pytest.raises(ValueError, match="shorter"):
        build({"title": ["a", "b"], "text": ["a"]}, PLAIN)
    with pytest.raises(ValueError, match="without a field"):
        build({}, PLAIN)


def test_the_share_that_is_done_is_told(monkeypatch: pytest.MonkeyPatch):
    """It rises to 1, and texts may come from a generator, of which nobody knows how many there are."""
    monkeypatch.setattr(index_build, "PIECE", 2)
    shares = list[float]()
    build({"text": ["red hat"] * 10}, PLAIN, shares.append)
    assert shares == sorted(shares)
    assert shares[0] < 0.2 < shares[5] < shares[-1] == 1.0
    assert build({"text": (text for text in ("red", "hat"))}, PLAIN, shares.append).many == 2


def test_words_that_are_too_long_to_come_again_are_not_kept():
    """What fills no index fills no table either: a file in letters is one word after another that nobody writes twice."""
    table = index_build.Words(PLAIN)
    assert [table["x" * 200], table["x" * 200 + "y"], table["hat"], table["東京都"]] == [0, 0, 1, -2]
    assert set(table) == {"hat", "東京都"}
    flat, ends = table.turned()
    assert (flat.tolist(), ends.tolist(), set(table)) == ([2, 3], [0, 2], {"hat"})
    assert table["京都大"] == -2


Arrays = dict[str, NDArray[Any]]


def changed(name: str, place: Any, value: Any) -> Any:
    def change(arrays: Arrays) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name][place] = value

    return change


def instead(name: str, made: Any) -> Any:
    def change(arrays: Arrays) -> None:
        arrays[name] = made(arrays[name])

    return change


HOSTILE = {
    "another kind of number": (instead("docs", lambda docs: docs.astype(np.int64)), "docs of int64"),
    "floats for counts": (instead("counts", lambda counts: counts.astype(np.float32)), "counts of float32"),
    "a field too few": (instead("counts", lambda counts: counts[:1]), "counts of uint16"),
    "one number": (instead("lengths", lambda _: np.int32(3) * np.ones((), np.int32)), "lengths"),
    "documents in two dimensions": (instead("docs", lambda docs: docs[None]), "docs"),
    "a term too many": (instead("starts", lambda starts: starts[:-1]), "starts"),
    "starts that fall": (changed("starts", 1, 9), "starts do not rise"),
    "starts below zero": (changed("starts", 0, -1), "starts do not rise"),
    "starts beyond the postings": (changed("starts", -1, 99), "starts do not rise"),
    "a term without a posting": (changed("starts", 1, 0), "starts do not rise"),
    "place starts that end elsewhere": (changed("place_starts", -1, 9), "place_starts do not rise"),
    "a document below zero": (changed("docs", 0, -1), "names none of the 3"),
    "a document that is not there": (changed("docs", -1, 3), "names none of the 3"),
    "a document twice in a term": (changed("docs", 1, 0), "do not rise"),
    "a posting that counts nothing": (changed("counts", (slice(None), 0), 0), "counts nothing"),
    "a count too high": (changed("counts", (0, 0), 2), "places"),
    "a count far too high": (changed("counts", (0, -1), 60_000), "as many as the terms are counted"),
    "a count too low at the end": (changed("counts", (1, -1), 1), "as many as the terms are counted"),
    "a place too few": (instead("places", lambda places: places[:-1]), "place_starts do not rise"),
    "a place below zero": (changed("places", 0, -1), "do not rise"),
    "places that fall": (changed("places", slice(3, 5), [1, 0]), "do not rise"),
    "a place twice": (changed("places", slice(3, 5), 0), "do not rise"),
    "a length below zero": (changed("lengths", (0, 0), -1), "negative"),
    "a length too short": (changed("lengths", (1, 1), 0), "lengths"),
    "a length too long": (changed("lengths", (1, 1), 3), "lengths"),
}


def hostile() -> tuple[Index, Arrays]:
    """Places 3 and 4 are those of one term in one document."""
    index = both([("hat", "coat"), ("coat", "red red"), (None, "red tie tie")], PLAIN)
    assert told(index)["red"][1][1] == index.places[3:5].tolist()
    return index, index.arrays()


@pytest.mark.parametrize("cells", [1, 2, 1 << 22])
@pytest.mark.parametrize("what", HOSTILE)
def test_arrays_that_are_no_index_are_refused(what: str, cells: int, monkeypatch: pytest.MonkeyPatch):
    """Each fault by itself, wherever the pieces are cut that are looked at together."""
    monkeypatch.setattr(index_checks, "_CELLS", cells)
    index, arrays = hostile()
    Index.of(arrays, PLAIN, index.fields)
    change, message = HOSTILE[what]
    change(arrays)
    with pytest.raises(ValueError, match=message):
        Index.of(arrays, PLAIN, index.fields)


def test_an_index_without_one_of_its_arrays_or_its_terms_is_refused():
    """The error names what is not there."""
    index, arrays = hostile()
    with pytest.raises(ValueError, match="without places"):
        Index.of({name: array for name, array in arrays.items() if name != "places"}, PLAIN, index.fields)
    with pytest.raises(BundleError):
        Index.of({name: array for name, array in arrays.items() if name != "lexicon.text"}, PLAIN, index.fields)
    with pytest.raises(BundleError):
        Index.of({**arrays, "weights": np.zeros(3)}, PLAIN, index.fields)
