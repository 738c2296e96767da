"""Rows are set apart as the job says, and the same way each time."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import splits
from plimsoll.errors import DataError, JobError
from plimsoll.job import Job, Split, Task

REGRESSION = Job("y", task=Task.REGRESSION)


def table(rows, seed=0):
    """A table of one random number, a rare class, a person and a day."""
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "x": random.normal(size=rows),
            "y": np.where(np.arange(rows) % 10 == 0, "rare", "often"),
            "who": random.integers(0, max(rows // 5, 2), rows),
            "day": random.integers(0, max(rows // 3, 2), rows),
        }
    )


def by(text, **more):
    return Job("y", split=Split.parse(text), **more)


@given(st.integers(20, 300), st.integers(1, 6), st.sampled_from(["random", "group:who", "time:day"]), st.integers(0, 3))
def test_the_parts_are_disjoint_and_none_is_empty(rows, count, how, seed):
    """Train and valid share no row, both hold some, and the same job splits the same way."""
    frame, job = table(rows), by(how, seed=seed)
    pairs = [splits.split(frame, job), *splits.folds(frame, job, count)]
    again = [splits.split(frame, job), *splits.folds(frame, job, count)]
    for (train, held), (other_train, other_held) in zip(pairs, again, strict=True):
        assert len(train)
        assert len(held)
        assert not set(train) & set(held)
        assert train.tolist() == other_train.tolist()
        assert held.tolist() == other_held.tolist()


@given(st.integers(20, 300), st.integers(2, 6), st.sampled_from(["random", "group:who"]))
def test_each_row_is_held_out_by_one_fold(rows, count, how):
    """The folds' valid parts are the rows, each once, and train is the rest; there are never more folds than groups."""
    frame = table(rows)
    pairs = splits.folds(frame, by(how), count)
    assert sorted(np.concatenate([valid for _, valid in pairs])) == list(range(rows))
    assert all(len(train) + len(valid) == rows for train, valid in pairs)
    assert len(pairs) == (count if how == "random" else min(count, frame["who"].n_unique()))


def test_another_seed_splits_otherwise():
    """The seed decides which rows are set apart."""
    one, other = (splits.split(table(100), Job("y", seed=seed))[1].tolist() for seed in (0, 1))
    assert one != other


def test_a_random_split_keeps_the_shares_of_the_classes():
    """A tenth of rare rows is a tenth of the test rows and of each fold."""
    frame = table(1000)
    for held in (splits.split(frame, Job("y"))[1], splits.folds(frame, Job("y"), 5)[2][1]):
        assert len(held) == 200
        assert (frame["y"].to_numpy()[held] == "rare").sum() == 20


def test_a_class_of_one_row_stays_in_training():
    """The only row of a class is never a test row."""
    frame = pl.DataFrame({"x": np.arange(50) / 7, "y": ["a"] * 49 + ["b"]})
    assert all(49 in splits.split(frame, Job("y", seed=seed))[0] for seed in range(20))


def test_copies_of_a_row_stay_on_one_side():
    """Rows alike in all but target and id are never split up."""
    frame = table(400).drop("who", "day")
    frame = pl.concat([frame, frame.head(100)]).with_row_index("row_id")
    for train, held in [splits.split(frame, Job("y")), *splits.folds(frame, Job("y"), 4)]:
        assert not set(frame["x"].to_numpy()[train]) & set(frame["x"].to_numpy()[held])


def test_a_table_of_few_distinct_rows_is_still_split():
    """Where copies are the rule they do not hold the split up."""
    frame = pl.DataFrame({"x": [0, 1] * 50, "y": ["a", "b"] * 50})
    assert len(splits.split(frame, Job("y"))[1]) == 20


@given(st.integers(20, 300), st.integers(1, 5))
def test_groups_stay_whole(rows, count):
    """No group is on both sides."""
    frame, job = table(rows), by("group:who")
    who = frame["who"].to_numpy()
    for train, held in [splits.split(frame, job), *splits.folds(frame, job, count)]:
        assert not set(who[train]) & set(who[held])


def test_a_group_may_be_several_columns():
    """Rows are of one group where all the columns are alike; missing cells are alike."""
    frame = pl.DataFrame({"a": ["x", "x", "y", None, None], "b": [1, 2, 1, 1, 1]})
    assert splits.groups(frame, by("group:a,b")).tolist() == [1, 2, 3, 0, 0]
    assert splits.groups(frame, Job("y")) is None


@given(st.integers(20, 300), st.integers(1, 5))
def test_what_is_held_out_is_later(rows, count):
    """Every held row is later than every training row, so ties are on one side."""
    frame, job = table(rows), by("time:day")
    day = frame["day"].to_numpy()
    pairs = [splits.split(frame, job), *splits.folds(frame, job, count)]
    assert all(day[train].max() < day[held].min() for train, held in pairs)


def test_forward_folds_grow():
    """Each forward fold trains on all that came before."""
    sizes = [
        (len(train), len(held)) for train, held in splits.folds(pl.DataFrame({"day": range(60)}), by("time:day"), 5)
    ]
    assert sizes == [(10, 10), (20, 10), (30, 10), (40, 10), (50, 10)]


def test_a_row_of_unknown_time_trains():
    """A missing time is never tested on."""
    frame = pl.DataFrame({"day": ["2024-01-02", None, "2024-01-03", "2024-01-01", "2024-01-04"]})
    train, held = splits.split(frame, by("time:day"))
    assert (train.tolist(), held.tolist()) == ([0, 1, 2, 3], [4])


def test_a_column_says_where_a_row_goes():
    """Test rows are those that say so in any case; valid rows are training rows that make the only fold."""
    frame = pl.DataFrame({"part": ["Train", "VALID", "test", "train"]})
    train, held = splits.split(frame, by("column:part"))
    assert (train.tolist(), held.tolist()) == ([0, 1, 3], [2])
    [(train, held)] = splits.folds(frame[train], by("column:part"), 5)
    assert (train.tolist(), held.tolist()) == ([0, 2], [1])


@pytest.mark.parametrize(
    ("frame", "how", "what"),
    [
        ({"p": ["train", "other"]}, "column:p", '"other" is none of'),
        ({"p": ["train", None]}, "column:p", "is none of"),
        ({"p": ["train", "valid"]}, "column:p", "No row"),
        ({"p": [1, 1]}, "time:p", "same time"),
        ({"p": ["x", "y"]}, "time:p", "no cell is a time"),
        ({"p": ["x", "x"]}, "group:p", "one group"),
        ({"p": [1]}, "random", "at least two"),
    ],
)
def test_rows_that_cannot_be_split_are_refused(frame, how, what):
    """Each split says why it cannot be made."""
    with pytest.raises(DataError, match=what):
        splits.split(pl.DataFrame(frame), by(how))


def test_a_split_by_no_column_brings_the_near_one():
    """A mistyped column is answered with the one that was meant."""
    with pytest.raises(JobError, match='Did you mean "who"'):
        splits.split(table(20), by("group:whoo"))


def test_a_single_holdout_is_never_larger_than_is_useful():
    """Above 250,000 rows the holdout stays at 50,000."""
    frame = pl.DataFrame({"x": np.arange(300_000) / 7, "y": np.arange(300_000) / 3})
    assert len(splits.folds(frame, REGRESSION, 1)[0][1]) == 50_000
    assert len(splits.folds(frame.head(1000), REGRESSION, 1)[0][1]) == 200
