"""A file's rows come back as they were, with the answers beside them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from plimsoll import bundle
from plimsoll.predict import predict
from serving_toys import find, toy


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle on disk."""
    monkeypatch.setattr("plimsoll.catalogue.find", find)
    bundle.write(tmp_path / "bundle", toy())
    return tmp_path / "bundle"


TABLE = """code,age,hours per week,job,member,seen,note
007,39,1.50,3.0,yes,2024/01/02,"a, b"
010,40,2.25,x,No,1970-01-01,
"""
ROWS = [
    {"code": 7, "age": 39, "hours per week": 1.5, "job": 3, "member": True, "seen": "2024/01/02", "note": "a, b"},
    {"code": 10, "age": 40, "hours per week": 2.25, "job": "x", "member": False, "seen": "1970-01-01", "note": None},
]


def test_cells_of_csv_go_to_csv_as_they_are_written(made: Path, tmp_path: Path):
    """007 stays 007 and 1.50 stays 1.50, whatever the columns hold."""
    (tmp_path / "rows.csv").write_text(TABLE)
    assert predict(made, tmp_path / "rows.csv", tmp_path / "out.csv", batch=1) == 2
    out = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.rsplit(",", 3)[0] for line in out] == TABLE.splitlines()


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_numbers_of_csv_are_numbers_elsewhere(made: Path, tmp_path: Path, ending: str):
    """A column of numbers is one in JSON and Parquet; a code with a leading zero stays a text."""
    (tmp_path / "rows.csv").write_text(TABLE)
    predict(made, tmp_path / "rows.csv", tmp_path / f"out{ending}", batch=1)
    found = (pl.read_ndjson if ending == ".jsonl" else pl.read_parquet)(tmp_path / f"out{ending}")
    assert found["code"].to_list() == ["007", "010"]
    assert found["age"].to_list() == [39, 40]
    assert found["hours per week"].to_list() == [1.5, 2.25]
    assert found["job"].to_list() == ["3.0", "x"]


def test_numbers_of_json_stay_numbers(made: Path, tmp_path: Path):
    """What was a number or a boolean in JSON is one in the answers' file."""
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    predict(made, tmp_path / "rows.jsonl", tmp_path / "out.jsonl", batch=1)
    out = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["age"] for row in out] == [39, 40]
    assert [row["member"] for row in out] == [True, False]


def test_every_way_in_gives_one_answer(made: Path, tmp_path: Path):
    """The same rows in CSV, in lines and in a list of JSON are answered alike."""
    (tmp_path / "rows.csv").write_text(TABLE)
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (tmp_path / "rows.json").write_text(json.dumps(ROWS, indent=1))
    found = []
    for ending in (".csv", ".jsonl", ".json"):
        predict(made, tmp_path / f"rows{ending}", tmp_path / "out.parquet", batch=1)
        found.append(pl.read_parquet(tmp_path / "out.parquet")["p_yes"].to_list())
    assert found[0] == found[1] == found[2]


def test_cells_that_are_no_numbers_are_answered_as_missing_and_said_so(made: Path, tmp_path: Path):
    """Once a column, with how many there are and one of them; missing cells are not among them."""
    head, first, second = TABLE.splitlines()
    odd = [first.replace(",39,", f",{cell},") for cell in ("old", "", "nan", "very old")]
    (tmp_path / "rows.csv").write_text("\n".join([head, first, *odd, second]) + "\n")
    heard: list[str] = []
    assert predict(made, tmp_path / "rows.csv", tmp_path / "out.csv", batch=2, warn=heard.append) == 6
    assert heard == ['"age" holds 2 cells that are no number, such as "old"; they count as missing.']


def test_rows_that_are_as_they_should_be_bring_no_warning(made: Path, tmp_path: Path):
    """Nothing is said where there is nothing to say."""
    (tmp_path / "rows.csv").write_text(TABLE)
    heard: list[str] = []
    predict(made, tmp_path / "rows.csv", tmp_path / "out.csv", warn=heard.append)
    assert heard == []
