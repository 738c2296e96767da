"""What is odd about the data is said, and nothing is said of sound data."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from plimsoll import data
from plimsoll.checks import check
from plimsoll.infer import infer
from plimsoll.job import Job, Split

SHARED = Path(__file__).parents[2] / "shared" / "data"
N = 2000
RANDOM = np.random.default_rng(0)
X, Z = RANDOM.normal(size=N), RANDOM.normal(size=N)
CLASS = np.where(X + RANDOM.normal(size=N) > 0, "good", "bad")


def said(columns, target="y", test=None, **more):
    """All lines about a table."""
    frame = pl.DataFrame(columns)
    return "\n".join(check(frame, test, *infer(frame, Job(target, **more))))


def test_sound_data_is_passed_over():
    """A fair table brings no line, for classes and for numbers."""
    assert said({"x": X, "z": Z, "y": CLASS}) == ""
    assert said({"x": X, "z": Z, "y": X + Z + RANDOM.normal(size=N)}) == ""


@pytest.mark.parametrize(
    "copy",
    [
        np.where(CLASS == "good", "A", "B"),
        np.where(CLASS == "good", 1.0, 0.0),
        np.where(CLASS == "good", 5.0, -5.0) + Z * 0.1,
    ],
)
def test_a_column_that_gives_the_class_away_is_named(copy):
    """A renamed target, a coded one, and one behind a threshold are found."""
    assert '"leak" gives the target away' in said({"x": X, "leak": copy, "y": CLASS})


def test_missing_cells_tell_nothing():
    """A column with gaps is judged without a warning from the arithmetic."""
    assert "gives the target away" not in said({"x": np.where(Z > 0, X, np.nan), "y": CLASS})


def test_a_column_that_follows_the_number_is_named():
    """A scaled target is found."""
    assert '"leak" gives the target away' in said({"x": Z, "leak": X * 3 + 1, "y": X})


def test_summands_of_the_target_are_named():
    """Two or three columns that add up to the target are found."""
    assert '"y" is the sum of x + z' in said({"x": X, "z": Z, "y": X + Z})
    other = RANDOM.normal(size=N)
    assert '"y" is the sum of x + z + o' in said({"x": X, "z": Z, "o": other, "w": X * 0, "y": X + Z + other})


def test_rows_of_both_parts_are_counted():
    """Test rows that are training rows too are counted, even where a column has another type."""
    test = pl.DataFrame({"x": np.r_[X[:30], RANDOM.normal(size=70)], "k": [1.0] * 100, "y": ["good"] * 100})
    frame = {"x": X, "k": np.arange(N) % 2, "y": CLASS}
    assert "test rows" not in said(frame)
    assert said(frame, test=test.with_columns(pl.col("k").cast(pl.Int64))).startswith("Among 100 test rows, 15 (15.0%)")
    assert said(frame, test=test).startswith("Among 100 test rows, 15 (15.0%)")


def test_a_rare_class_is_named():
    """A class of less than a hundredth of the rows is named with its share."""
    assert 'Only 0.50% of the rows have "y" = "yes"' in said({"x": X, "y": ["yes"] * 10 + ["no"] * (N - 10)})


def test_copies_are_counted():
    """Rows that come twice are counted."""
    assert "50.0% of the training rows repeat" in said({"x": np.r_[X, X], "y": np.r_[CLASS, CLASS]})


def test_times_and_groups_ask_for_their_split():
    """A time or an id that comes back asks for its split, until the job has it."""
    times = {"day": [f"2024-{n % 12 + 1:02d}-01" for n in range(N)], "x": X, "y": CLASS}
    assert "--split time:day" in said(times)
    assert said(times, split=Split.parse("time:day")) == ""
    people = {"user_id": np.arange(N) % 70, "x": X, "y": CLASS}
    assert "--split group:user_id" in said(people)
    assert said(people, split=Split.parse("group:user_id")) == ""


def test_gaps_and_columns_set_aside_are_named():
    """Mostly empty columns, ids, constants and lists are named."""
    gaps = [None if n % 3 else float(n % 11) for n in range(N)]
    found = said({"row": range(N), "one": [1] * N, "cells": [[1, 2]] * N, "x": X, "gaps": gaps, "y": CLASS})
    assert "missing in gaps (67%)" in found
    assert "say which row it is, not what it is like: row" in found
    assert "one value only, or none: one" in found
    assert "lists or records: cells" in found


def test_votes_for_the_classes_are_named():
    """Columns whose largest names the class give the target away together."""
    file = SHARED / "hate_offensive_tweets" / "train.jsonl.gz"
    if not file.exists():
        pytest.skip("hate_offensive_tweets is not among the shared data")
    assert "votes_hate, votes_neither, votes_offensive together give" in said(data.read(file), "label")


@pytest.mark.parametrize(
    ("name", "target"), [("adult/train", "income"), ("california_housing/train", "median_house_value")]
)
def test_real_tables_without_leaks_are_not_accused(name, target):
    """No column of a known sound table is said to give the target away."""
    file = SHARED / f"{name}.csv.gz"
    if not file.exists():
        pytest.skip(f"{name} is not among the shared data")
    assert "gives the target away" not in said(data.read(file), target)


def test_what_a_sample_shows_is_said_to_be_of_a_sample(monkeypatch):
    """A line about more rows than are looked at says how many were."""
    rows = {"x": X, "leak": np.where(CLASS == "good", "A", "B"), "y": CLASS}
    assert "sample" not in said(rows)
    monkeypatch.setattr("plimsoll.checks._SAMPLE", 1_000)
    assert said(rows).endswith("when predicting. Seen in a sample of 1,000 rows.")


def test_a_name_in_the_form_of_a_pattern_is_checked():
    """A column called ^.*$ is looked at like any other."""
    assert '"^.*$" gives the target away' in said({"x": X, "^.*$": np.where(CLASS == "good", "A", "B"), "y": CLASS})
    assert "one value only, or none: ^one$" in said({"x": X, "^one$": [1] * N, "y": CLASS})
