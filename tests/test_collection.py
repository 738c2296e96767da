"""Ids as they are written, items with what is known of them, and their members of a bundle."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from plimsoll import gathering, ids, members
from plimsoll.collection import ABOUT, ARRAYS, Collection
from plimsoll.errors import BundleError, DataError, JobError
from plimsoll.gathering import Numbering
from plimsoll.ids import Ids
from plimsoll.schema import Kind, Schema

CELLS = [
    "1",
    " 1 ",
    "01",
    "1.0",
    "-3",
    "-0",
    "1e3",
    "a",
    "ä\u3000",
    "",
    " ",
    "9" * 30,
    "1.50",
    "+1",
    "A-007",
    "\u00851",
    "0.0",
    "-0.0",
    "7.",
    "NA",
]


def films() -> Collection:
    table = pl.DataFrame(
        {
            "film": ["elsewhere", "7", "01", "x"],
            "year": [1950.0, 1995.0, None, 2001.5],
            "genre": ["comedy", "drama", "comedy", "drama"],
            "same": [1, 1, 1, 1],
        }
    )
    return gathering.collection(Ids.of(["7", "01", "x", "unseen"]), "film", table)


def test_an_id_is_spelled_alike_cell_by_cell_and_as_a_column():
    """Numbers and texts meet: 1, "1" and 1.0 are one id, and "01" is another."""
    assert gathering.spelled(pl.Series(CELLS)).fill_null("").to_list() == [ids.spelled(cell) for cell in CELLS]
    numbers = [1.0, 2.5, -3.0, 0.0, None, float("nan"), 12345678901.0]
    assert gathering.spelled(pl.Series(numbers)).fill_null("").to_list() == [ids.spelled(cell) for cell in numbers]
    assert gathering.spelled(pl.Series([1, None, -4])).to_list() == ["1", None, "-4"]
    assert {ids.spelled(cell) for cell in (1, "1", 1.0, "1.0", " 1", np.int64(1), np.float64(1))} == {"1"}
    assert [ids.spelled(cell) for cell in ("01", "7.", "1.50", "-3.00", "A.0")] == ["01", "7.", "1.50", "-3", "A.0"]
    assert ids.spelled(True) == gathering.spelled(pl.Series([True]))[0]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), max_size=30))
def test_every_id_is_found_at_its_number_however_ids_are_gathered(texts: list[str]):
    """Of columns and of lists the same ids come; each is found, and nothing else is."""
    spelled = [ids.spelled(text) for text in texts]
    held = Ids.of(spelled)
    column = gathering.ids(gathering.spelled(pl.Series(texts, dtype=pl.String)))
    assert held.names(range(len(held))) == column.names(range(len(column)))
    assert [held.find(held[k]) for k in range(len(held))] == list(range(len(held)))
    assert set(held.names(range(len(held)))) == set(spelled) - {""}
    assert held.find("\0not there") == -1
    assert Numbering.by(held).of(pl.Series(texts, dtype=pl.String)).tolist() == [held.find(text) for text in spelled]
    again = Ids.read("x", held.arrays())
    assert again.names(range(len(again))) == held.names(range(len(held)))


@pytest.mark.parametrize(
    "known", [["1", "2", "30"], ["1", "2", "9000000000"], ["1", "01", "2"], ["-5", "0", "4"], ["b", "a"]]
)
@pytest.mark.parametrize(
    "cells",
    [
        pl.Series(CELLS),
        pl.Series([1, 2, 3, None, 2**62, -(2**63)]),
        pl.Series([1.0, None, 2.5, 30.0, 9e9]),
        pl.Series(["2", "1"]),
        pl.Series([2**64 - 1], dtype=pl.UInt64),
    ],
    ids=str,
)
def test_a_column_is_numbered_as_its_cells_are_looked_up(known: list[str], cells: pl.Series):
    """Tables of numbers, searches and joins give the number that one cell by itself is given."""
    held = Ids.of(known)
    assert Numbering.by(held).of(cells).tolist() == [held.find(ids.spelled(cell)) for cell in cells.to_list()]


def test_numbers_are_in_their_order_and_texts_in_that_of_their_letters():
    """Ties by the number of the item are ties by its id: 9 comes before 10 where all ids are numbers."""
    assert Ids.of(["10", "9", "-1"]).names(range(3)) == ["-1", "9", "10"]
    assert Ids.of(["10", "9", "x"]).names(range(3)) == ["10", "9", "x"]
    assert [Ids.of(["3"]).value(0), Ids.of(["3", "x"]).value(0)] == [3, "3"]
    assert Ids.of(["5"]).find("５") == -1  # a digit of another script is no number


def test_a_collection_has_the_columns_of_its_table_and_items_beyond_it():
    """Kinds are inferred as those of any table; what is not listed has cells that are missing."""
    held = films()
    assert [(column.name, column.kind) for column in held.schema.columns] == [
        ("year", Kind.NUMBER),
        ("genre", Kind.CATEGORY),
    ]
    assert held.schema.ignored == ("same",)
    place = [held.find(cell) for cell in ("01", "7", "unseen", "x", 7.0, 1)]
    assert place == [0, 1, 2, 3, 1, -1]
    assert held.rows.texts("genre").texts() == ["comedy", "drama", None, "drama"]
    assert held.rows.numbers("year")[[1, 3]].tolist() == [1995.0, 2001.5]
    assert np.isnan(held.rows.numbers("year")[[0, 2]]).all()


def test_ids_of_a_file_keep_their_zeros(tmp_path: Path):
    """A reader of tables takes 007 for 7; a table of items is asked for its ids as they are written."""
    (tmp_path / "items.csv").write_text("code,name\n007,a\n7,b\n08,c\n", encoding="utf-8")
    listed = gathering.listed(tmp_path / "items.csv", "code")
    assert listed.to_list() == ["007", "7", "08"]
    held = gathering.collection(gathering.ids(listed), "code", tmp_path / "items.csv")
    assert held.rows.texts("name").texts() == [
        {"007": "a", "7": "b", "08": "c"}[name] for name in held.ids.names(range(3))
    ]


def test_a_table_of_items_says_each_once():
    """An item that is there twice, or without an id, is told by name."""
    with pytest.raises(DataError, match='"1" is the "film" of several rows'):
        gathering.listed(pl.DataFrame({"film": ["1", "1.0"]}), "film")
    with pytest.raises(DataError, match="1 rows of the items have no"):
        gathering.listed(pl.DataFrame({"film": ["1", None]}), "film")
    with pytest.raises(JobError, match='Did you mean "film"'):
        gathering.listed(pl.DataFrame({"film": ["1"]}), "flim")


@pytest.mark.parametrize(
    "held", [films(), gathering.collection(Ids.of(["3", "20", "100"]), "item")], ids=["table", "none"]
)
def test_a_collection_that_is_read_is_the_one_that_was_written(held: Collection):
    """Ids, cells and schema come back, and the bytes are the same every time."""
    members = held.members()
    again = Collection.read(members)
    assert again.ids.names(range(len(again))) == held.ids.names(range(len(held)))
    assert again.schema == held.schema
    assert str(again.rows.values(held.schema)) == str(held.rows.values(held.schema))
    assert again.members() == members


def _changed(name: str, change: object) -> dict[str, bytes]:
    """Members of which one array, or one word about them, is another."""
    members = films().members()
    if name in ("count", "schema", "more"):
        return {**members, ABOUT: msgspec.json.encode({**msgspec.json.decode(members[ABOUT]), name: change})}
    arrays = dict(load(members[ARRAYS]))
    arrays.pop(name, None)
    return {**members, ARRAYS: save(arrays if change is None else {**arrays, name: np.array(change)})}


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("count", 3, "4 ids where"),
        ("count", True, "not about"),
        ("more", 1, "not about"),
        ("schema", {}, "schema"),
        ("ends", [2, 3, 9], "do not end"),
        ("ends", [3, 2, 9, 10], "do not end"),
        ("ends", [-2, 3, 9, 10], "do not end"),
        ("ends", [2.0, 3, 9, 10], "not bytes"),
        ("ends", [[2, 3, 9, 10]], "not bytes"),
        ("text", None, "holds no ids"),
        ("text", np.frombuffer(b"017unseen\xff", np.uint8), "not UTF-8"),
        ("text", np.frombuffer(b"z17unseenx", np.uint8), "do not rise"),
        ("ids", [1, 2, 3, 4], "holds no ids"),
        ("numbers0", [1.0], "not 4 cells"),
        ("numbers0", [1.0, np.inf, 2.0, 3.0], "not finite"),
        ("numbers0", None, "not 4 cells"),
        ("codes1", np.array([0, 1, 2, 0], np.int32), "code without a value"),
        ("codes1", np.array([0, -2, 1, 0], np.int32), "code without a value"),
        ("codes1", [0, 1, 1, 0], "not 4 cells"),
        ("ends1", None, "without their values"),
        ("extra", [1.0], "no part"),
    ],
)
def test_members_that_are_no_collection_are_refused(name: str, change: object, why: str):
    """Sound arrays that speak of what is not there are told in one line, and nothing is loaded."""
    with pytest.raises(BundleError, match=why):
        Collection.read(_changed(name, change))


def test_ids_that_do_not_rise_are_refused_wherever_they_differ():
    """The order is looked at eight bytes at a time; a pair out of order is seen at its first and at its last letter."""
    for length in (3, 8, 9, 40):
        texts = [b"%0*d" % (length, k) for k in range(1, 2_500 if length > 3 else 900)]
        good = Ids.of_texts([b"a" + text for text in texts])
        assert len(Ids.read("x", good.arrays())) == len(texts)
        for wrong in ([*texts[1:], texts[-1]], [texts[1], texts[0], *texts[2:]]):
            with pytest.raises(BundleError, match="do not rise"):
                Ids.read("x", Ids.of_texts([b"a" + text for text in wrong]).arrays())
    with pytest.raises(BundleError, match="rise"):
        Ids.read("x", {"ids": np.array([1, 3, 3])})


@given(st.binary(max_size=200), st.integers(0, 1), st.integers(0, 600))
def test_no_bytes_bring_out_anything_but_a_refusal(noise: bytes, member: int, place: int):
    """Bytes written over a member are either the same collection to a reader, or refused."""
    members = films().members()
    name = (ARRAYS, ABOUT)[member]
    place = place % len(members[name])
    data = (members[name][:place] + noise + members[name][place + len(noise) :])[: len(members[name])]
    with contextlib.suppress(BundleError):
        Collection.read({**members, name: data})


def test_a_bundle_without_a_collection_is_told_so():
    """A member that is not there has a name in the error."""
    with pytest.raises(BundleError, match=ARRAYS):
        Collection.read({})
    said = films().schema.as_json()
    twice = _changed("schema", {**said, "columns": [*said["columns"], said["columns"][0]]})
    with pytest.raises(BundleError, match="twice, or is of a kind"):
        Collection.read(twice)
    assert Schema.from_json(films().schema.as_json()) == films().schema


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=5), max_size=9), st.integers(1, 4))
def test_texts_are_checked_in_pieces_that_cut_letters(texts: list[str], piece: int):
    """A letter that two pieces share is whole, and one that is broken is found, wherever the pieces end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "_PIECE", piece)
        text, ends = ids.packed([each.encode() for each in texts])
        ids.check_packed("here", text, ends)
        broken = np.append(text, np.uint8(0xC3))
        with pytest.raises(BundleError, match="not UTF-8"):
            ids.check_packed("here", broken, np.append(ends, len(broken)))


def test_arrays_of_a_member_are_views_of_its_bytes_that_nobody_writes_to():
    """Of every type that a member may hold, the same as the library of the format reads."""
    given_ = {
        name: np.arange(6).reshape(2, 3).astype(name)
        for name in ("f8", "f4", "i8", "i4", "i2", "i1", "u1", "u8", "u4", "?")
    }
    given_ |= {"none": np.zeros((0, 4), np.float32), "one": np.array(2.5)}
    data = save(given_)
    for held in (data, memoryview(data), memoryview(bytearray(data))):
        found = members.arrays_of("some.safetensors", held)
        assert found.keys() == given_.keys()
        for name, array in load(data).items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype
            assert not found[name].flags.writeable
            assert not found[name].flags.owndata


def test_a_cut_member_has_no_arrays():
    """Every byte that is missing is missed before an array is made."""
    data = save({"a": np.arange(3)})
    for end in range(len(data)):
        with pytest.raises(BundleError):
            members.arrays_of("some.safetensors", data[:end])
