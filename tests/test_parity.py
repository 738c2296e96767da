"""The same row is the same values, whichever file or request it comes from."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll import data, infer
from plimsoll.schema import Column, Kind, Schema
from plimsoll.serve.request import Reader

KINDS = {
    "^amount.*$": Kind.NUMBER,
    "flag": Kind.BOOLEAN,
    "code": Kind.CATEGORY,
    'when, "UTC"': Kind.TIME,
    "note": Kind.TEXT,
}
SCHEMA = Schema(tuple(Column(name, kind) for name, kind in KINDS.items()), "y")
ENDINGS = (".csv", ".csv.gz", ".tsv", ".jsonl", ".json", ".parquet", ".arrow", ".feather")


def column(*flavours: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Four cells of one flavour, some of them missing."""
    return st.one_of([st.lists(st.none() | flavour, min_size=4, max_size=4) for flavour in flavours])


WHOLE = st.integers(-(2**53), 2**53)
DECIMAL = st.floats(allow_nan=False, allow_infinity=False)
SPELT = st.sampled_from(
    [
        "007",
        "7",
        "7.0",
        "-0",
        "1e3",
        "1000",
        "1.50",
        "+5",
        " 5",
        ".5",
        "x7",
        "True",
        "NaN",
        "1e400",
        "NA",
        " None",
        "null",
    ]
)
NOTES = st.text(st.sampled_from(list("ab ,;\"'\n\t|=é漢🙂\x1f07.")), max_size=8).map(lambda text: f"{text}!")
TABLES = st.fixed_dictionaries(
    {
        "^amount.*$": column(WHOLE, DECIMAL, st.sampled_from(["1", " 2.50", "-1e-7", "007"])),
        "flag": column(st.booleans(), st.integers(0, 1), st.sampled_from(["yes", "No", "TRUE", "f", "0", "1.0"])),
        "code": column(WHOLE, DECIMAL, st.booleans(), SPELT, NOTES),
        'when, "UTC"': column(
            st.datetimes().map(lambda moment: moment.isoformat(" ")),
            st.dates().map(lambda day: f"{day:%Y/%m/%d}".rjust(10, "0")),
            st.integers(0, 2**31),
        ),
        "note": column(NOTES),
    }
)


def write(path: Path, table: dict[str, list[Any]]) -> None:
    """The table in a file, its cells as their own types where the format has any."""
    rows = [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    frame = pl.DataFrame(table, strict=False)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".arrow":
        frame.write_ipc_stream(path)
    elif path.suffix == ".feather":
        frame.write_ipc(path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    else:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "wt", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writerow(table)
            writer.writerows([spelt(row[name]) for name in table] for row in rows)


def spelt(cell: Any) -> str:
    """A cell as Python writes it into CSV."""
    return "" if cell is None else str(cell)


@settings(max_examples=12, deadline=None)
@given(table=TABLES)
def test_files_batches_and_requests_agree(tmp_path_factory: pytest.TempPathFactory, table: dict[str, list[Any]]):
    """Numbers, booleans, categories, times and texts are the same values read whole, in batches and as requests."""
    reader, folder = Reader(SCHEMA), tmp_path_factory.mktemp("parity", numbered=True)
    rows = [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    expected = reader.read(json.dumps(rows).encode())[0]
    texts = [{name: spelt(cell) for name, cell in row.items()} for row in rows]
    np.testing.assert_equal(reader.read(json.dumps(texts).encode())[0], expected, "as texts")
    for ending in ENDINGS:
        path = folder / f"rows[1]{ending}"
        write(path, table)
        whole = infer.to_rows(data.read(path), SCHEMA).values(SCHEMA)
        np.testing.assert_equal(whole, expected, f"whole {ending}")
        parts = [infer.to_rows(part, SCHEMA).values(SCHEMA) for part in data.batches(path, 3)]
        np.testing.assert_equal([row for part in parts for row in part], expected, f"batches {ending}")
