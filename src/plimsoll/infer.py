"""What the columns are: their kinds, the task that the target sets, and rows as recipes take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.cells import codes, numbers, plain, texts
from plimsoll.errors import DataError, JobError, nearest
from plimsoll.job import Job, Task
from plimsoll.kinds import Facts, kind_of, look
from plimsoll.metrics import METRICS
from plimsoll.rows import NUMERIC, Cells, Rows, Signals
from plimsoll.schema import Column, Kind, Layout, Schema
from plimsoll.spelling import category_text

MOST_CLASSES = 1000
PLACE = ("begin", "end")  # fields of a cell of signals: its place among the samples, in frames
_FEW = 20  # an integer target with at most this many values counts as classes
_REPEATS = 5  # … if each comes this often, on average


def infer(frame: pl.DataFrame, job: Job, layouts: Mapping[str, Layout] | None = None) -> tuple[Job, Schema]:
    """The job with its task settled, and the schema of the columns that a model may read; ``layouts`` are of the signals.

    Set aside, in ``Schema.ignored``: what the job ignores, columns of the split that say where a row goes, ids,
    constant columns, and cells that are lists or records. Raises JobError for a name that is not a column,
    DataError for a target that cannot be learned.

    >>> rows = pl.DataFrame({"age": [39.5, 28.0, 51.0], "job": ["cook", "cook", "smith"], "rich": ["no", "yes", "no"]})
    >>> job, schema = infer(rows, Job("rich"))
    >>> job.task.value, schema.classes, [(c.name, c.kind.value) for c in schema.columns]
    ('binary', ('no', 'yes'), [('age', 'number'), ('job', 'category')])
    """
    _check_names(frame, job)
    task, classes, class_type = _target(frame[job.predict], job)
    asked = {*job.ignore, *job.unread}
    layouts = layouts or {}
    free = [cells for cells in frame if cells.name != job.predict and cells.name not in (*asked, *layouts)]
    said, idle = columns_of(free, job.kinds)
    columns = (*(Column(name, Kind.SIGNAL, layout=layout) for name, layout in layouts.items()), *said)
    ignored = tuple(name for name in frame.columns if name in asked or name in idle)
    if not columns:
        raise DataError(
            f'No column is left to predict "{job.predict}" from: {", ".join(ignored) or "there are none"}. State what one is, as in --kind COL=number.'
        )
    return replace(job, task=task), Schema(columns, job.predict, classes, class_type, ignored)


def columns_of(cells: Sequence[pl.Series], stated: Mapping[str, Kind]) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """The columns among these that say something of a row, and the names of those that do not: ids, constant columns, and
    cells that are lists or records. Raises JobError for a stated kind that a column cannot have.

    >>> columns_of([pl.Series("age", [39.5, 28.0]), pl.Series("unit", ["years", "years"])], {})[1]
    ('unit',)
    """
    kinds = _kinds(cells, stated)
    said = {name: found for name, found in kinds.items() if found[0] not in (None, Kind.ID)}
    columns = tuple(_column(name, kind, facts) for name, (kind, facts) in said.items())
    return columns, tuple(name for name in kinds if name not in said)


def with_target(frame: pl.DataFrame, job: Job) -> tuple[pl.DataFrame, str | None]:
    """The rows whose target is known, and a warning where some had to go. Takes a job that ``infer`` has settled.

    >>> kept, warning = with_target(pl.DataFrame({"y": ["a", None, "b"]}), Job("y"))
    >>> kept.height, warning
    (2, '1 of 3 rows have no value of "y" and are left out.')
    """
    if job.predict not in frame.columns:
        raise DataError(f'There is no column "{job.predict}" to predict. {nearest(job.predict, frame.columns)}')
    target = frame[job.predict]
    known = codes(target, tidy=True).codes >= 0 if job.task.classifies else np.isfinite(numbers(target, Kind.NUMBER))
    lost = int((~known).sum())
    if not lost:
        return frame, None
    if lost == frame.height:
        raise DataError(f'No row has a value of "{job.predict}". Check the column to predict.')
    return frame.filter(
        pl.Series(known)
    ), f'{lost:,} of {frame.height:,} rows have no value of "{job.predict}" and are left out.'


def to_rows(frame: pl.DataFrame, schema: Schema, samples: NDArray[Any] | None = None) -> Rows:
    """The schema's columns as arrays: numbers, booleans and times (seconds since 1970, UTC) as float64, the rest coded.

    A cell that does not fit its column's kind counts as missing; one of a signal is a place {begin, end} among the
    ``samples``. Raises DataError where a column is not there.

    >>> schema = Schema((Column("age", Kind.NUMBER), Column("floor", Kind.CATEGORY)), "y")
    >>> rows = to_rows(pl.DataFrame({"age": ["39", "old"], "floor": [3.0, 1.0]}), schema)
    >>> rows.numbers("age").tolist(), rows.texts("floor").texts()
    ([39.0, nan], ['3', '1'])
    """
    held = {found.name: found for found in frame}
    cells: dict[str, Cells] = {}
    for column in schema.columns:
        if column.name not in held:
            raise DataError(f'The column "{column.name}" is missing from the rows. {nearest(column.name, held)}')
        found = held[column.name]
        if column.kind in NUMERIC:
            cells[column.name] = numbers(found, column.kind)
        elif column.kind is Kind.SIGNAL:
            cells[column.name] = _signals(found, samples)
        else:
            cells[column.name] = codes(found, tidy=column.kind is Kind.CATEGORY, feature=True)
    return Rows(frame.height, cells)


def _signals(places: pl.Series, samples: NDArray[Any] | None) -> Signals:
    if samples is None or not isinstance(places.dtype, pl.Struct):
        raise DataError(f'"{places.name}" is to be a signal, and these rows have no samples. Name them with --signals.')
    begin, end = (places.struct.field(name).cast(pl.Int64).to_numpy() for name in PLACE)
    return Signals(samples, begin, end)


def to_target(frame: pl.DataFrame, job: Job, schema: Schema) -> NDArray[np.int64] | NDArray[np.float64]:
    """The target, shape (rows,): class numbers as int64, or values as float64.

    Raises DataError for a class that the schema does not know and for a cell without a value.

    >>> to_target(pl.DataFrame({"y": ["b", "a"]}), Job("y"), Schema((), "y", ("a", "b"))).tolist()
    [1, 0]
    """
    if job.predict not in frame.columns:
        raise DataError(f'There is no column "{job.predict}" to predict. {nearest(job.predict, frame.columns)}')
    target = frame[job.predict]
    if not job.task.classifies:
        values = numbers(target, Kind.NUMBER)
        if not np.isfinite(values).all():
            raise DataError(
                f'"{job.predict}" has {int((~np.isfinite(values)).sum()):,} cells that are no number. Leave those rows out.'
            )
        return values
    coded = codes(target, tidy=True)
    if (coded.codes < 0).any():
        raise DataError(f'"{job.predict}" has {int((coded.codes < 0).sum()):,} empty cells. Leave those rows out.')
    return _known(coded.values, schema, job.predict)[coded.codes]


def _known(values: Sequence[str], schema: Schema, target: str) -> NDArray[np.int64]:
    place = {name: number for number, name in enumerate(schema.classes)}
    if unseen := [value for value in values if value not in place]:
        raise DataError(
            f'"{target}" is "{unseen[0]}" in some rows, a class that training did not have. {nearest(unseen[0], schema.classes)}'
        )
    return np.array([place[value] for value in values], dtype=np.int64)


def _check_names(frame: pl.DataFrame, job: Job) -> None:
    if not frame.height:
        raise DataError("The table has no rows. Give one with rows to learn from.")
    asked = {
        "--predict": (job.predict,),
        "--split": job.split.columns,
        "--ignore": job.ignore,
        "--kind": tuple(job.kinds),
    }
    for flag, names in asked.items():
        for name in names:
            if name not in frame.columns:
                raise JobError(f'{flag} "{name}" is not a column. {nearest(name, frame.columns)}')
    if job.predict in job.ignore or job.predict in job.split.columns:
        raise JobError(f'--predict "{job.predict}" is also ignored or split by. Keep one of the two.')


def _kinds(columns: Sequence[pl.Series], stated: Mapping[str, Kind]) -> dict[str, tuple[Kind | None, Facts]]:
    found: dict[str, tuple[Kind | None, Facts]] = {}
    for cells in columns:
        facts = look(cells)
        found[cells.name] = (_stated(cells, stated, facts) or kind_of(cells, facts), facts)
    return found


def _stated(cells: pl.Series, stated: Mapping[str, Kind], facts: Facts) -> Kind | None:
    name = cells.name
    if cells.dtype == pl.Boolean and stated.get(name) in (Kind.NUMBER, Kind.TIME):
        raise JobError(f'--kind "{name}" cannot be {stated[name].value}: its cells are true and false. Leave it out.')
    if name in stated and facts.nested:
        raise JobError(
            f'--kind "{name}" cannot be {stated[name].value}: its cells are lists or records. Spread them over columns of their own.'
        )
    return stated.get(name)


def _column(name: str, kind: Kind | None, facts: Facts) -> Column:
    assert kind is not None
    return Column(
        name,
        kind,
        facts.missing,
        facts.distinct,
        category_text(facts.example) if kind is Kind.CATEGORY else facts.example,
    )


def _target(target: pl.Series, job: Job) -> tuple[Task, tuple[str, ...], str]:
    values, numeric = _values(target)
    stated = job.kinds.get(job.predict)
    if not values:
        raise DataError(f'No row has a value of "{job.predict}". Check the column to predict.')
    if len(values) == 1:
        raise DataError(
            f'"{job.predict}" is "{values[0]}" in every row, so there is nothing to learn. Check the column to predict.'
        )
    if not _as_classes(target, values, numeric, stated, job):
        if not numeric:
            raise JobError(
                f'"{job.predict}" holds texts such as "{values[0]}", so it cannot be predicted as a number. Leave out --kind, or choose a metric of classes such as accuracy.'
            )
        return Task.REGRESSION, (), "text"
    if len(values) > MOST_CLASSES:
        raise DataError(
            f'"{job.predict}" has {len(values):,} classes; at most {MOST_CLASSES:,} can be told apart. Predict another column, or state --kind {job.predict}=number.'
        )
    whole = numeric and all(_whole(value) for value in values)
    names = sorted(values, key=int) if whole else sorted(values)
    class_type = "integer" if whole else "boolean" if set(names) == {"false", "true"} else "text"
    return (Task.BINARY if len(names) == 2 else Task.MULTICLASS), tuple(names), class_type


def _values(target: pl.Series) -> tuple[list[str], bool]:
    """The target's values as texts, and whether they are all numbers."""
    found = sorted({category_text(text) for text in texts(plain(target).unique()).drop_nulls().to_list()} - {""})
    if target.dtype.is_numeric():
        return found, True
    return found, target.dtype != pl.Boolean and bool(
        pl.Series(found, dtype=pl.String).cast(pl.Float64, strict=False).is_not_null().all()
    )


def _as_classes(target: pl.Series, values: list[str], numeric: bool, stated: Kind | None, job: Job) -> bool:
    """Whether the target is to be told apart or to be estimated: what the user says, then the metric, then the values."""
    if stated is not None:
        return stated is not Kind.NUMBER
    if job.metric:
        return job.metric not in METRICS or METRICS[job.metric].tasks != (
            "regression",
        )  # events and symbols are classes
    if not numeric or len(values) <= 2:
        return not numeric or all(_whole(value) for value in values)
    whole = not target.dtype.is_float() and all(_whole(value) for value in values)
    return whole and len(values) <= _FEW and len(values) * _REPEATS <= target.len() - target.null_count()


def _whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
