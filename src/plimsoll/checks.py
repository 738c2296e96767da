"""What is odd about the data, in plain words, each with what to do about it.

A check answers with its lines, none where all is well. Those that look at values take a sample of the rows, so
that ten million take no longer than two hundred thousand.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from plimsoll.cells import codes, numbers, plain
from plimsoll.copies import alike
from plimsoll.job import Job
from plimsoll.kinds import named_id
from plimsoll.leaks import Truth, leaks
from plimsoll.rows import Coded
from plimsoll.schema import Kind, Schema

_SAMPLE = 200_000
_MOST_COMPARED = 1_000_000  # training rows that test rows are compared with
_SHOWN = 5  # columns named in one line


def check(train: pl.DataFrame, test: pl.DataFrame | None, job: Job, schema: Schema) -> list[str]:
    """Lines that tell what is odd and what to do; empty where nothing is. The job and schema come from ``infer``.

    >>> from plimsoll.infer import infer
    >>> rows = pl.DataFrame({"x": [5.0, 2.5, 9.0, 1.0] * 5, "z": [float(n * n % 7) for n in range(20)], "y": [10.0, 5.0, 18.0, 2.0] * 5})
    >>> print(check(rows, None, *infer(rows, Job("y")))[0])
    "x" gives the target away: by itself it says "y" almost exactly. Leave it out with --ignore x if it is not known when predicting.
    """
    if job.decode:  # moments lie side by side, and overlap: their own checks are made of recordings
        return []
    signals = schema.of(Kind.SIGNAL)
    schema = schema.without(signals)  # recordings that agree in all that stands beside them are no copies
    sample = _thinned(train)
    target = _target(sample, job)
    note = f" Seen in a sample of {_SAMPLE:,} rows." if sample.height < train.height else ""
    seen = [
        *leaks(sample, target, job, schema),
        *([] if signals else _copies(sample, schema, job)),
        *_imbalance(target, job),
        *_groups(sample, job),
    ]
    return [
        *(line + note for line in seen),
        *([] if signals else _shared_rows(train, test, schema)),
        *_times(job, schema),
        *_gaps(schema),
        *_set_aside(job, schema, train),
    ]


def _thinned(frame: pl.DataFrame) -> pl.DataFrame:
    return frame if frame.height <= _SAMPLE else frame.sample(_SAMPLE, seed=0)


def _target(frame: pl.DataFrame, job: Job) -> Truth:
    found = frame[job.predict]
    return codes(found, tidy=True) if job.task.classifies else numbers(found, Kind.NUMBER)


def _named(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _features(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    held = {cells.name: cells for cells in frame}
    return pl.DataFrame([held[name] for name in schema.names if name in held])


def _shared_rows(train: pl.DataFrame, test: pl.DataFrame | None, schema: Schema) -> list[str]:
    if test is None or not test.height or not schema.columns:
        return []
    step = train.height // _MOST_COMPARED + 1
    ours, theirs = _features(train.gather_every(step), schema), _features(_thinned(test), schema)
    if ours.columns != theirs.columns:
        return []
    same = int(np.isin(alike(theirs, ours), alike(ours, theirs)).sum())
    if not same:
        return []
    least = "" if step == 1 else "at least "
    return [
        f"Among {theirs.height:,} test rows, {least}{same:,} ({same / theirs.height:.1%}) are also training rows, feature by feature. "
        f"Remove them, or the score says too much."
    ]


def _copies(frame: pl.DataFrame, schema: Schema, job: Job) -> list[str]:
    if not schema.columns:
        return []
    both = _features(frame, schema).with_columns(frame[job.predict])
    extra = frame.height - len(np.unique(both.hash_rows().to_numpy()))
    if extra < max(0.01 * frame.height, 2):
        return []
    return [
        f"{extra / frame.height:.1%} of the training rows repeat another row exactly. Remove copies if they are not meant."
    ]


def _imbalance(target: Truth, job: Job) -> list[str]:
    if not isinstance(target, Coded):
        return []
    counts = np.bincount(target.codes[target.codes >= 0], minlength=len(target.values))
    least, share = int(np.argmin(counts)), counts.min() / max(counts.sum(), 1)
    if share >= 0.01:
        return []
    return [
        f'Only {share:.2%} of the rows have "{job.predict}" = "{target.values[least]}". '
        f"Judge by --metric average_precision or macro_f1, not by accuracy, and gather more of them if you can."
    ]


def _times(job: Job, schema: Schema) -> list[str]:
    found = schema.of(Kind.TIME)
    if job.split.how != "random" or not found:
        return []
    return [
        f'The rows have times ("{found[0]}") but are split at random. If you predict the future, write --split time:{found[0]}.'
    ]


def _groups(frame: pl.DataFrame, job: Job) -> list[str]:
    if job.split.how != "random":
        return []
    lines = []
    for cells in frame:
        name = cells.name
        if not named_id(name) or name == job.predict or cells.dtype.is_nested():
            continue
        filled = plain(cells).drop_nulls()
        distinct = filled.n_unique()
        if 1 < distinct < 0.9 * len(filled):
            lines.append(
                f'"{name}" names {distinct:,} things that come back in several rows, but the rows are split at random. To predict for new ones, write --split group:{name}.'
            )
    return lines


def _gaps(schema: Schema) -> list[str]:
    found = [f"{column.name} ({column.missing:.0%})" for column in schema.columns if column.missing > 0.5]
    return (
        [
            f"More than half of the cells are missing in {_named(found)}. Leave them out with --ignore unless a gap means something."
        ]
        if found
        else []
    )


def _set_aside(job: Job, schema: Schema, train: pl.DataFrame) -> list[str]:
    left = {*schema.ignored} - {*job.ignore, *job.split.columns}
    held = [cells for cells in train if cells.name in left]
    nested = [cells.name for cells in held if cells.dtype.is_nested()]
    flat = [cells for cells in held if not cells.dtype.is_nested()]
    constant = [cells.name for cells in flat if plain(cells).head(_SAMPLE).n_unique() <= 1]
    ids = [cells.name for cells in flat if cells.name not in set(constant)]
    return [
        *(
            [
                f"Set aside as they say which row it is, not what it is like: {_named(ids)}. If one does, write --kind {ids[0]}=number or =category."
            ]
            if ids
            else []
        ),
        *([f"Set aside as they hold one value only, or none: {_named(constant)}."] if constant else []),
        *(
            [
                f"Set aside as their cells are lists or records: {_named(nested)}. Spread them over columns of their own to use them."
            ]
            if nested
            else []
        ),
    ]
