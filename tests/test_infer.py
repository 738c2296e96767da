"""Kinds, tasks and rows follow from what the data holds and what the user says."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import data, infer, spelling
from plimsoll.errors import DataError, JobError
from plimsoll.job import Job, Split, Task
from plimsoll.schema import Column, Kind, Schema

SHARED = Path(__file__).parents[2] / "shared" / "data"
N = 40
YES = ["no", "yes"] * (N // 2)


def shared(name):
    """A shared data set, or a skip where it is not there."""
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not among the shared data")
    return data.read(SHARED / name)


def kinds(frame, target, **more):
    """Kind by column, and what was ignored."""
    _, schema = infer.infer(frame, Job(target, **more))
    return {column.name: column.kind.value for column in schema.columns}, schema.ignored


COLUMNS = {
    "number": ([n * 0.37 % 5 for n in range(N)], "number"),
    "whole": ([n * 7 % 11 for n in range(N)], "number"),
    "written": ([str(n * 7 % 11) for n in range(N - 1)] + ["oops"], "number"),
    "absent": (["NA", "?"] + [str(n * 7 % 11) for n in range(N - 2)], "number"),
    "real_boolean": ([n % 3 == 0 for n in range(N)], "boolean"),
    "boolean": (["True", "false"] * (N // 2), "boolean"),
    "yes": (["yes", "no", None, "no"] * (N // 4), "category"),
    "few_long": (["No internet service here", "Yes"] * (N // 2), "category"),
    "text": ([f"the {n} quick brown foxes jump" for n in range(N)], "text"),
    "date": ([f"2024-01-{n % 28 + 1:02d}" for n in range(N)], "time"),
    "stamp": ([f"2024-01-{n % 28 + 1:02d}T10:00:00Z" for n in range(N - 1)] + ["later"], "time"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_is_of_the_kind_that_its_values_show(name):
    """Each sort of values has its kind."""
    values, kind = COLUMNS[name]
    found, _ = kinds(pl.DataFrame({name: values, "other": [n % 7 / 3 for n in range(N)], "y": YES}), "y")
    assert found[name] == kind


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("row", list(range(N))),
        ("user_id", [n * 7919 % 10007 for n in range(N)]),
        ("key", [f"tweets-{n}" for n in range(N)]),
        ("uuid", [f"{n:08x}-0000-4000-8000-00000000abcd" for n in range(N)]),
        ("constant", ["x"] * N),
        ("empty", [None] * N),
        ("list", [[1, 2]] * N),
    ],
)
def test_a_column_that_says_nothing_of_the_row_is_ignored(name, values):
    """Ids, constants, empty columns and lists are set aside."""
    found, ignored = kinds(pl.DataFrame({name: values, "x": [n % 7 / 3 for n in range(N)], "y": YES}), "y")
    assert ignored == (name,)
    assert found == {"x": "number"}


def test_a_stated_kind_wins():
    """What the user says of a column is taken, even of an id; what they ignore or split by is left out."""
    frame = pl.DataFrame({"row": range(N), "who": ["a", "b"] * 20, "z": YES, "y": YES})
    job = {"kinds": {"row": Kind.NUMBER}, "ignore": ("z",), "split": Split.parse("group:who")}
    assert kinds(frame, "y", **job) == ({"row": "number"}, ("who", "z"))


def test_ten_thousand_columns_are_understood():
    """A wide table has its kinds, in the order of its columns."""
    wide = pl.DataFrame({f"c{n}": [n % 3 / 7, 1.5, n % 5 / 3] for n in range(10_000)})
    _, schema = infer.infer(wide.with_columns(y=pl.Series(["a", "b", "a"])), Job("y"))
    assert schema.names == tuple(wide.columns)
    assert schema.of(Kind.NUMBER) == schema.names


def test_a_time_that_splits_stays_a_column():
    """The column of a time split may be learned from."""
    frame = pl.DataFrame({"when": [f"2024-01-{n % 28 + 1:02d}" for n in range(N)], "y": YES})
    assert kinds(frame, "y", split=Split.parse("time:when"))[0] == {"when": "time"}


@pytest.mark.parametrize(
    "job",
    [Job("yy"), Job("y", ignore=("xx",)), Job("y", kinds={"xx": Kind.TEXT}), Job("y", split=Split.parse("group:xx"))],
)
def test_a_name_that_is_no_column_brings_the_near_one(job):
    """Every name in the job must be a column."""
    with pytest.raises(JobError, match=r"is not a column\. Did you mean"):
        infer.infer(pl.DataFrame({"x": [1.0, 2.5], "y": ["a", "b"]}), job)


TARGETS = [
    (YES, {}, Task.BINARY, ("no", "yes"), "text"),
    ([True, False] * 20, {}, Task.BINARY, ("false", "true"), "boolean"),
    (["True", "False"] * 20, {}, Task.BINARY, ("false", "true"), "boolean"),
    ([0, 1] * 20, {}, Task.BINARY, ("0", "1"), "integer"),
    ([0.0, 1.0] * 20, {}, Task.BINARY, ("0", "1"), "integer"),
    ([2, 10, 9, -1] * 10, {}, Task.MULTICLASS, ("-1", "2", "9", "10"), "integer"),
    (["2", "10"] * 20, {}, Task.BINARY, ("2", "10"), "integer"),
    (list(range(N)), {}, Task.REGRESSION, (), "text"),
    ([n / 7 for n in range(N)], {}, Task.REGRESSION, (), "text"),
    ([1, 2, 3, 4] * 10, {"metric": "rmse"}, Task.REGRESSION, (), "text"),
    ([0.5, 1.5] * 20, {"metric": "accuracy"}, Task.BINARY, ("0.5", "1.5"), "text"),
    ([1, 2, 3, 4] * 10, {"kinds": {"y": Kind.NUMBER}}, Task.REGRESSION, (), "text"),
    (
        list(range(20)) * 2,
        {"kinds": {"y": Kind.CATEGORY}},
        Task.MULTICLASS,
        tuple(str(n) for n in range(20)),
        "integer",
    ),
]


@pytest.mark.parametrize(("values", "more", "task", "classes", "class_type"), TARGETS)
def test_the_task_follows_from_the_target_unless_the_user_says(values, more, task, classes, class_type):
    """The stated kind comes first, then the metric, then the values."""
    frame = pl.DataFrame({"x": [n % 7 / 3 for n in range(N)], "y": values})
    job, schema = infer.infer(frame, Job("y", **more))
    assert (job.task, schema.classes, schema.class_type) == (task, classes, class_type)


@pytest.mark.parametrize(
    ("values", "more", "what"),
    [
        (["a"] * 2000, {}, "in every row"),
        ([None] * 2000, {}, "No row has a value"),
        ([f"word {n}" for n in range(2000)], {}, "2,000 classes"),
        (YES * 50, {"metric": "rmse"}, "cannot be predicted as a number"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(values, more, what):
    """One class, no value, too many classes, or a text as a number: each says so."""
    with pytest.raises((DataError, JobError), match=what):
        infer.infer(
            pl.DataFrame({"x": [n / 3 for n in range(2000)], "y": pl.Series(values, dtype=pl.String)}), Job("y", **more)
        )


def test_rows_without_a_target_are_left_out_and_counted():
    """Blank, missing and, for a regression, unreadable targets go; with none there is no warning."""
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": ["1.5", " ", None, "x"]})
    kept, warning = infer.with_target(frame, Job("y", task=Task.REGRESSION))
    assert kept["x"].to_list() == [1.0]
    assert warning is not None
    assert warning.startswith("3 of 4 rows")
    assert infer.with_target(frame.head(1), Job("y"))[1] is None


def test_classes_are_numbered_and_unseen_ones_refused():
    """A target becomes its class numbers, whichever type its cells have; a new class is named."""
    schema = Schema((), "y", ("2", "10"), "integer")
    for values in ([10, 2], [10.0, 2.0], ["10", "2"]):
        assert infer.to_target(pl.DataFrame({"y": values}), Job("y"), schema).tolist() == [1, 0]
    with pytest.raises(DataError, match='"y" is "3"'):
        infer.to_target(pl.DataFrame({"y": [2, 3]}), Job("y"), schema)


def test_a_missing_column_is_named():
    """Rows without a column that the schema has are refused."""
    with pytest.raises(DataError, match='column "age" is missing'):
        infer.to_rows(pl.DataFrame({"agge": [1]}), Schema((Column("age", Kind.NUMBER),), "y"))


def one(values, kind, dtype=None):
    """A column of one kind as ``to_rows`` gives it."""
    rows = infer.to_rows(pl.DataFrame({"x": pl.Series(values, dtype=dtype)}), Schema((Column("x", kind),), "y"))
    return rows.texts("x").texts() if kind in (Kind.CATEGORY, Kind.TEXT) else rows.numbers("x").tolist()


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_cells_that_do_not_fit_are_missing(dtype):
    """A bad number, time or boolean becomes nan, and blanks are missing texts."""
    np.testing.assert_equal(one(["1", "x", "inf", None], Kind.NUMBER, dtype), [1.0, np.nan, np.nan, np.nan])
    np.testing.assert_equal(one(["Yes", "0", "maybe"], Kind.BOOLEAN, dtype), [1.0, 0.0, np.nan])
    np.testing.assert_equal(one(["1970-01-02", "soon"], Kind.TIME, dtype), [86400.0, np.nan])
    assert one(["b", " ", None, "a", "b"], Kind.CATEGORY, dtype) == ["b", None, None, "a", "b"]


@pytest.mark.parametrize(
    "text", ["2024-03-01T12:30:00Z", "2024-03-01 12:30", "2024-03-01T14:30:00+02:00", "2024/03/01 12:30:00.000"]
)
def test_times_are_seconds_in_utc(text):
    """However it is written, an instant is one number."""
    assert one([text], Kind.TIME) == [1709296200.0]


def test_times_of_every_type_are_seconds():
    """Dates and zoned times of a frame give the same seconds as their texts."""
    times = pl.Series(["2024-03-01T12:30:00"]).str.to_datetime()
    for each in (
        times,
        times.dt.cast_time_unit("ms"),
        times.dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"),
    ):
        assert one(each, Kind.TIME) == [1709296200.0]
    assert one(times.dt.date(), Kind.TIME) == [1709251200.0]


def test_a_category_reads_the_same_from_every_type():
    """3, 3.0 and "3.0" are one category, and true is True."""
    assert (
        one([3, None], Kind.CATEGORY)
        == one([3.0, None], Kind.CATEGORY)
        == one(["3.0", None], Kind.CATEGORY)
        == ["3", None]
    )
    assert one([True], Kind.CATEGORY) == one(["True"], Kind.CATEGORY) == ["true"]


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_survive_being_coded(cells):
    """Every text comes back as it was, but for blank ones, which are missing."""
    found = one(cells, Kind.TEXT, pl.String)
    assert [text for text in found if text] == [text for text in cells if text and infer.texts(pl.Series([text]))[0]]
    assert len(found) == len(cells)


@given(st.lists(st.none() | st.floats(allow_infinity=False, width=64)))
def test_numbers_survive_being_written_as_text(values):
    """A column of texts gives the numbers that were written."""
    written = [None if value is None else repr(value) for value in values]
    np.testing.assert_equal(one(written, Kind.NUMBER, pl.String), one(values, Kind.NUMBER, pl.Float64))


@pytest.mark.parametrize(
    ("name", "target", "task", "expected", "ignored"),
    [
        ("adult/train.csv.gz", "income", "binary", {"fnlwgt": "number", "age": "number", "sex": "category"}, ()),
        (
            "california_housing/train.csv.gz",
            "median_house_value",
            "regression",
            {"ocean_proximity": "category", "latitude": "number"},
            (),
        ),
        (
            "clothing_reviews/train.csv.gz",
            "recommended",
            "binary",
            {"title": "text", "review_text": "text", "clothing_id": "number", "class_name": "category"},
            ("row_id",),
        ),
        (
            "hate_offensive_tweets/train.jsonl.gz",
            "label",
            "multiclass",
            {"text": "text", "votes_hate": "number"},
            ("id",),
        ),
        ("vader_sentiment/train.jsonl.gz", "score", "regression", {"text": "text", "domain": "category"}, ("id",)),
        ("tabular_suite/ames_houses.csv.gz", "target", "regression", {"Street": "category", "LotArea": "number"}, None),
        ("tabular_suite/abalone.csv.gz", "target", "regression", {"sex": "category"}, ()),
        ("tabular_suite/vowel.csv.gz", "target", "multiclass", {"V1": "category", "V2": "number"}, ()),
    ],
)
def test_real_tables_are_understood(name, target, task, expected, ignored):
    """Known data sets get the kinds that a person would give them."""
    frame = shared(name)
    job, schema = infer.infer(frame, Job(target))
    assert job.task.value == task
    assert {column: schema[column].kind.value for column in expected} == expected
    assert ignored is None or schema.ignored == ignored


def test_batches_of_texts_give_the_rows_of_the_whole_file():
    """Reading in batches of texts ends in the same arrays as reading whole."""
    frame = shared("tabular_suite/titanic.csv.gz")
    _, schema = infer.infer(frame, Job("target"))
    whole = infer.to_rows(frame, schema).values(schema)
    parts = [
        infer.to_rows(part, schema).values(schema)
        for part in data.batches(SHARED / "tabular_suite/titanic.csv.gz", 100)
    ]
    np.testing.assert_equal([row for part in parts for row in part], whole)


@pytest.mark.parametrize("name", ["^.*$", "^b$", ""])
def test_a_column_may_be_called_anything(name):
    """A name that polars takes for a pattern is a name, of a column read and of a target."""
    frame = pl.DataFrame({name: [n % 7 / 3 for n in range(N)], "b": ["x", "z"] * 20, "y": YES})
    assert kinds(frame, "y")[0] == {name: "number", "b": "category"}
    kept, _ = infer.with_target(frame, Job(name, task=Task.REGRESSION))
    job, schema = infer.infer(kept, Job(name))
    assert infer.to_target(kept, job, schema).tolist() == frame[name].to_list()
    assert infer.to_rows(kept, schema).texts("b").values == ("x", "z")


def test_columns_of_float64_are_not_copied():
    """Numbers that are as a recipe takes them are shared with the frame, so ten million rows are held once."""
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0]})
    found = infer.to_rows(frame, Schema((Column("x", Kind.NUMBER),), "y")).numbers("x")
    assert np.shares_memory(found, frame["x"].to_numpy())


def test_booleans_are_no_numbers():
    """A stated kind that the cells cannot have is refused, so that files and requests agree."""
    frame = pl.DataFrame({"x": [True, False] * 20, "y": YES})
    with pytest.raises(JobError, match='--kind "x" cannot be number'):
        infer.infer(frame, Job("y", kinds={"x": Kind.NUMBER}))
    np.testing.assert_equal(one([True], Kind.NUMBER), one(["true"], Kind.NUMBER, pl.String))


@given(st.text(st.sampled_from("0123456789-/:.,+TZ e"), max_size=24) | st.datetimes().map(str))
def test_a_column_is_parsed_as_its_cells_are(text):
    """Numbers, times and booleans of a column are what the rule for one cell says."""
    rules = {Kind.NUMBER: spelling.number, Kind.BOOLEAN: spelling.boolean}
    rules[Kind.TIME] = lambda text: spelling.number(text) if (since := spelling.seconds(text)) is None else since
    for kind, rule in rules.items():
        value = rule(text)
        np.testing.assert_equal(one([text], kind, pl.String), [np.nan if value is None else value])


def test_a_table_read_by_pandas_is_the_same_table(tmp_path):
    """What pandas takes for missing in a column of categories is missing in the file as well."""
    pandas = pytest.importorskip("pandas")
    words = ["cook", "NA", "N/A", "null", "None", "", "nan", "none", "smith"]
    (tmp_path / "rows.csv").write_text("job,y\n" + "".join(f"{word},{k % 2}\n" for k, word in enumerate(words * 20)))
    whole = data.read(tmp_path / "rows.csv")
    _, schema = infer.infer(whole, Job("y"))
    found = infer.to_rows(whole, schema).texts("job").texts()
    assert found == infer.to_rows(data.read(pandas.read_csv(tmp_path / "rows.csv")), schema).texts("job").texts()
    assert found[:9] == ["cook", None, None, None, None, None, None, "none", "smith"]


def test_a_word_for_nothing_may_be_a_class():
    """In the column to predict, NA and None are what the rows say they are."""
    frame = pl.DataFrame({"x": np.arange(40) / 7, "y": ["NA", "None"] * 20})
    assert infer.infer(frame, Job("y"))[1].classes == ("NA", "None")
