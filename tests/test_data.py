"""Tables are read whole or are refused with the file, the place and what to do."""

import gzip
import json
import string

import pandas
import polars as pl
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import data, delimited
from plimsoll.delimited import sniff
from plimsoll.errors import DataError

ROWS = pl.DataFrame({"a": [1, 2, None], "b": ["x", None, "é"], "c": [1.5, 2.5, 3.5]})


def write(path, frame):
    """Write a frame as its path's ending says."""
    text = path.name.removesuffix(".gz")
    if text.endswith(".csv"):
        raw = frame.write_csv().encode()
    elif text.endswith(".tsv"):
        raw = frame.write_csv(separator="\t").encode()
    elif text.endswith((".jsonl", ".ndjson", ".json")):
        raw = frame.write_ndjson().encode()
    else:
        (frame.write_parquet if text.endswith("parquet") else frame.write_ipc)(path)
        return
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


@pytest.mark.parametrize("ending", data.ENDINGS)
def test_every_format_gives_the_same_rows(tmp_path, ending):
    """What is written in any known format is read back as it was."""
    write(tmp_path / f"rows{ending}", ROWS)
    assert data.read(tmp_path / f"rows{ending}").equals(ROWS)


@pytest.mark.parametrize("ending", data.ENDINGS)
def test_batches_hold_all_rows_in_order_and_of_one_type(tmp_path, ending):
    """Batches are as long as asked for, share one schema, and together are the file."""
    frame = pl.DataFrame({"n": range(257), "t": [f"t{n}" for n in range(257)]})
    write(tmp_path / f"rows{ending}", frame)
    parts = list(data.batches(tmp_path / f"rows{ending}", 50))
    assert [part.height for part in parts] == [50] * 5 + [7]
    assert all(part.schema == parts[0].schema for part in parts)
    assert pl.concat(parts)["n"].cast(pl.Int64).to_list() == list(range(257))


def test_frames_in_memory_are_read_as_they_are():
    """Polars, pandas and pyarrow tables, and lazy frames, give the same rows; nan from pandas is missing."""
    for source in (ROWS, ROWS.lazy(), ROWS.to_arrow(), pandas.DataFrame(ROWS.to_dict(as_series=False))):
        found = data.read(source)
        assert found.columns == ROWS.columns
        assert found["b"].to_list() == ROWS["b"].to_list()
        assert found["a"].cast(pl.Float64).to_list() == [1.0, 2.0, None]


def test_a_pandas_column_of_mixed_types_becomes_text():
    """Numbers and texts in one pandas column are read as texts."""
    assert data.read(pandas.DataFrame({"a": [1, "x", None]}))["a"].to_list() == ["1", "x", None]


def test_what_is_not_a_table_is_refused():
    """A number or a list is not a table."""
    with pytest.raises(DataError, match="int is not a table"):
        data.read(3)


def test_twin_names_are_named():
    """Duplicate column names are refused, in a file and in a frame, and said."""
    with pytest.raises(DataError, match="a is the name of several columns"):
        data.read(pandas.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(DataError, match="a is the name of several columns"):
        data.read(pyarrow.table([[1], [2]], names=["a", "a"]))


def test_twin_names_in_a_file_are_named(tmp_path):
    """A CSV whose header names a column twice is refused, not renamed."""
    (tmp_path / "t.csv").write_text("a,b,a\n1,2,3\n")
    with pytest.raises(DataError, match="line 1: a is the name of several columns"):
        data.read(tmp_path / "t.csv")


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    """The mark that spreadsheets write is stripped."""
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfage,b\n1,2\n")
    assert data.read(tmp_path / "t.csv").columns == ["age", "b"]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_found(tmp_path, delimiter):
    """A .csv with semicolons, tabs or bars is read as the table it is."""
    (tmp_path / "t.csv").write_text(f"a{delimiter}b\n1{delimiter}2\n3{delimiter}4\n")
    assert data.read(tmp_path / "t.csv").to_dict(as_series=False) == {"a": [1, 3], "b": [2, 4]}


def test_one_column_of_sentences_stays_one_column(tmp_path):
    """Semicolons in some sentences do not make a delimiter."""
    (tmp_path / "t.csv").write_text("text\nhello; world\nplain\n")
    assert data.read(tmp_path / "t.csv").columns == ["text"]


@given(
    st.lists(st.lists(st.text(string.ascii_letters, min_size=1), min_size=2, max_size=2), min_size=2),
    st.sampled_from(",;\t|"),
)
def test_sniffing_finds_the_delimiter_that_was_written(rows, delimiter):
    """Whatever the cells, the delimiter between them is found."""
    assert sniff("\n".join(delimiter.join(row) for row in rows), ",") == delimiter


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_is_refused(tmp_path, text):
    """A file without a header is said to be empty."""
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match="empty"):
        data.read(tmp_path / "t.csv")


def test_a_missing_file_brings_a_near_name(tmp_path):
    """A mistyped path is answered with the file that was meant."""
    (tmp_path / "train.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r'Did you mean "train\.csv"'):
        data.read(tmp_path / "trian.csv")


def test_an_unknown_ending_is_refused(tmp_path):
    """An ending that is not known is answered with those that are."""
    (tmp_path / "t.xlsx").write_text("x")
    with pytest.raises(DataError, match="this ending is not known"):
        data.read(tmp_path / "t.xlsx")


@pytest.mark.parametrize(("row", "what"), [("3,4,5", "more cells"), ("3", "fewer cells")])
def test_a_ragged_row_is_named_by_its_line(tmp_path, row, what):
    """A row of another length than the header is refused with its line number."""
    (tmp_path / "t.csv").write_text(f'a,b\n"1\n1",2\n{row}\n5,6\n')
    with pytest.raises(DataError, match=f"line 4: the row has {what}"):
        data.read(tmp_path / "t.csv")


def test_text_that_is_not_utf_8_is_named_by_its_line(tmp_path):
    """Bytes of another encoding are refused with their line."""
    (tmp_path / "t.csv").write_bytes(b"a,b\n" + b"x,y\n" * 200_000 + b"x,caf\xe9\n")
    with pytest.raises(DataError, match="line 200002: the text is not UTF-8"):
        data.read(tmp_path / "t.csv")


def test_a_damaged_gzip_file_is_refused(tmp_path):
    """A gzip file that is cut off or is none says so."""
    (tmp_path / "t.csv.gz").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(DataError, match="gzip"):
        data.read(tmp_path / "t.csv.gz")


def test_a_bad_json_line_is_named(tmp_path):
    """A line that is no JSON is refused with its number, whole and in batches."""
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n{"a": oops}\n')
    with pytest.raises(DataError, match="line 2"):
        data.read(tmp_path / "t.jsonl")
    with pytest.raises(DataError, match="line 2"):
        list(data.batches(tmp_path / "t.jsonl", 10))


def test_json_may_be_a_list_of_rows(tmp_path):
    """A .json file may hold one list instead of lines."""
    (tmp_path / "t.json").write_text(json.dumps([{"a": 1}, {"a": 2, "b": "x"}]))
    assert data.read(tmp_path / "t.json").to_dict(as_series=False) == {"a": [1, 2], "b": [None, "x"]}


def test_json_keys_that_come_late_are_in_every_batch(tmp_path):
    """A key of the last row only is a column of the first batch too."""
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n{"a": true}\n{"a": "x", "b": 2.5}\n')
    first, last = data.batches(tmp_path / "t.jsonl", 2)
    assert first.to_dict(as_series=False) == {"a": ["1", "true"], "b": [None, None]}
    assert last.to_dict(as_series=False) == {"a": ["x"], "b": [2.5]}


@pytest.mark.parametrize("small", [True, False])
def test_a_column_that_turns_into_text_is_text(tmp_path, monkeypatch, small):
    """Numbers first and text later do not break reading, in a small file or in a large one."""
    if not small:
        monkeypatch.setattr(delimited, "_SMALL", 0)
        monkeypatch.setattr(delimited, "_LOOK", 10)
    (tmp_path / "t.csv").write_text("a,b\n" + "1,x\n" * 500 + "none,y\n")
    found = data.read(tmp_path / "t.csv")
    assert found["a"].to_list() == ["1"] * 500 + ["none"]
    assert found["b"].cast(pl.String).to_list() == ["x"] * 500 + ["y"]


def test_repeated_texts_of_a_large_file_are_stored_once(tmp_path, monkeypatch):
    """In a large file a text column of few values is a categorical from the start."""
    monkeypatch.setattr(delimited, "_SMALL", 0)
    (tmp_path / "t.csv").write_text("a,b\n" + "1,x\n" * 500)
    assert data.read(tmp_path / "t.csv")["b"].dtype == pl.Categorical


def test_a_folder_and_a_glob_are_one_table(tmp_path):
    """Files of one folder are read in the order of their names, columns matched by name."""
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("b,a\n2.5,3\n")
    (tmp_path / "notes.txt").write_text("no table")
    for source in (tmp_path, str(tmp_path / "*.csv")):
        assert data.read(source).to_dict(as_series=False) == {"a": [1, 3], "b": [2.0, 2.5]}


def test_files_of_other_columns_are_not_joined(tmp_path):
    """A folder whose files differ in columns is refused, and the column named."""
    (tmp_path / "1.csv").write_text("a\n1\n")
    (tmp_path / "2.csv").write_text("c\n2\n")
    with pytest.raises(DataError, match="a, c is in one only"):
        data.read(tmp_path)


def test_a_nameless_column_gets_one(tmp_path):
    """The index column that pandas writes without a name is called by its place."""
    (tmp_path / "t.csv").write_text(",a\n0,1\n")
    assert data.read(tmp_path / "t.csv").columns == ["column_1", "a"]


def test_ten_thousand_columns_are_read(tmp_path):
    """A wide table is read whole."""
    names = [f"c{n}" for n in range(10_000)]
    (tmp_path / "t.csv").write_text("\n".join([",".join(names), *[",".join(["1"] * 10_000)] * 3]))
    assert data.read(tmp_path / "t.csv").shape == (3, 10_000)


def test_an_arrow_stream_is_read_whole_and_in_batches(tmp_path):
    """A file of Arrow may be a stream, which has no index of its parts."""
    ROWS.write_ipc_stream(tmp_path / "t.arrow")
    assert data.read(tmp_path / "t.arrow").equals(ROWS)
    assert pl.concat(data.batches(tmp_path / "t.arrow", 2)).equals(ROWS)


def test_a_list_in_json_comes_in_batches(tmp_path):
    """A list of rows is given in batches as lines are, with its numbers."""
    (tmp_path / "t.json").write_text(json.dumps([{"a": 1}, {"a": 2, "b": "x"}, {"a": 2.5}], indent=1))
    first, last = data.batches(tmp_path / "t.json", 2)
    assert first.to_dict(as_series=False) == {"a": [1.0, 2.0], "b": [None, "x"]}
    assert last.to_dict(as_series=False) == {"a": [2.5], "b": [None]}


def test_json_cells_of_several_types_are_texts(tmp_path):
    """A boolean among numbers makes texts of both, whole and in batches; so does a mark at the beginning no harm."""
    (tmp_path / "t.jsonl").write_text('\ufeff{"a": 1, "b": 1}\n{"a": true, "b": null}\n', encoding="utf-8")
    for found in (data.read(tmp_path / "t.jsonl"), *data.batches(tmp_path / "t.jsonl", 9)):
        assert found.to_dict(as_series=False) == {"a": ["1", "true"], "b": [1, None]}


def test_batches_of_several_files_share_the_order_of_their_columns(tmp_path):
    """The second file's columns come in the first one's order, and other columns are refused."""
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("b,a\n4,3\n")
    assert pl.concat(data.batches(tmp_path, 9)).rows() == [("1", "2"), ("3", "4")]
    (tmp_path / "3.csv").write_text("a,c\n1,2\n")
    with pytest.raises(DataError, match=r"3\.csv: its columns are not those"):
        list(data.batches(tmp_path, 9))


def test_types_are_what_all_cells_can_be_cast_to(tmp_path):
    """A late decimal, word or leading zero settles a column's type, over all files."""
    cells = {"whole": "3", "late": "2.5", "code": "007", "word": "x", "gone": "", "yes": "true", "^r.*$": "-1"}
    head, last = ",".join(cells), ",".join(cells.values())
    (tmp_path / "t.csv").write_text(f"{head}\n" + "1,1,1,1,,false,1\n" * 2_000 + f"{last}\n")
    types = {"whole": pl.Int64, "late": pl.Float64, "code": pl.String, "word": pl.String, "gone": pl.String}
    types |= {"yes": pl.Boolean, "^r.*$": pl.Int64}
    assert data.types(tmp_path / "t.csv") == types
    (tmp_path / "u.csv").write_text(f"{head}\n1.5,1,1,1,,false,1\n")
    assert data.types(tmp_path) == types | {"whole": pl.Float64}


def test_a_name_in_the_form_of_a_pattern_is_a_name(tmp_path):
    """A column called ^.*$ and a file called a[1] are what they are called."""
    frame = pl.DataFrame({"^.*$": ["1", "x"], "b": [None, 2]})
    for ending in (".csv", ".jsonl", ".parquet", ".arrow"):
        write(tmp_path / f"a[1]{ending}", frame)
        assert data.read(tmp_path / f"a[1]{ending}").equals(frame)
        assert pl.concat(data.batches(tmp_path / f"a[1]{ending}", 1)).columns == frame.columns


def test_numbers_too_long_for_a_number_are_texts(tmp_path):
    """Digits beyond 64 bits, and digits of other scripts, are kept as they are."""
    (tmp_path / "t.csv").write_text("a,b\n12345678901234567890,1\n" + "9" * 50 + ",\uff11\n", encoding="utf-8")
    assert data.read(tmp_path / "t.csv").rows() == [("12345678901234567890", "1"), ("9" * 50, "\uff11")]


@pytest.mark.parametrize(
    ("name", "raw", "what"),
    [
        ("t.csv", b"PAR1....PAR1", "this is a Parquet file, not csv"),
        ("t.jsonl", b"\x1f\x8b....", "this is a gzip file, not jsonl"),
        ("t.parquet", b"", "the file is empty"),
        ("t.parquet", b"a,b\n1,2\n", "cannot be read as parquet"),
        ("t.arrow", b"a,b\n1,2\n", "cannot be read as arrow"),
        ("t.csv", b"a,b\r1,2\r", "a carriage return stands alone"),
        ("t.csv", b"a,b\n1,2\n" + b'"1,2\n' * 3, "a quote is opened and not closed"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), "not UTF-8"),
        ("t.csv.gz", gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 9_000 + b",2\n")[:-9], "the gzip file is damaged"),
        ("t.jsonl", b" \n\n", "holds no rows"),
        ("t.json", b"[]", "holds no rows"),
        ("t.json", b"[1, 2]", r"not a list of rows in JSON \(Expected `object`"),
        ("t.jsonl", b'{"a": ' + b"[" * 100_000, "line 1: not a row in JSON"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(tmp_path, name, raw, what):
    """Each wrong file is answered with one line, whole and in batches."""
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(DataError, match=f"^[^\n]*{what}[^\n]*$"):
        data.read(tmp_path / name)
    with pytest.raises(DataError, match=what):
        list(data.batches(tmp_path / name, 10))
