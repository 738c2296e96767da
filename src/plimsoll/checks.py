"""What is odd about the data, in plain words, each with what to do about it.

A check answers with its lines, none where all is well. Those that look at values take a sample of the rows, so
that ten million take no longer than two hundred thousand.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.cells import codes, numbers
from plimsoll.job import Job
from plimsoll.kinds import named_id
from plimsoll.rows import NUMERIC, Coded
from plimsoll.schema import Kind, Schema

_SAMPLE = 200_000
_MOST_COMPARED = 1_000_000  # training rows that test rows are compared with
_SURE = 0.999  # a correlation, or a share of cells that tell the class, above which a column gives the target away
_SUMMANDS = 40  # numeric columns among which sums to the target are looked for
_SHOWN = 5  # columns named in one line


def check(train: pl.DataFrame, test: pl.DataFrame | None, job: Job, schema: Schema) -> list[str]:
    """Lines that tell what is odd and what to do; empty where nothing is. The job and schema come from ``infer``.

    >>> from plimsoll.infer import infer
    >>> rows = pl.DataFrame({"x": [5.0, 2.5, 9.0, 1.0] * 5, "z": [float(n * n % 7) for n in range(20)], "y": [10.0, 5.0, 18.0, 2.0] * 5})
    >>> print(check(rows, None, *infer(rows, Job("y")))[0])
    "x" gives the target away: by itself it says "y" almost exactly. Leave it out with --ignore x if it is not known when predicting.
    """
    sample = _thinned(train)
    target = _target(sample, job)
    return [
        *_giveaways(sample, target, job, schema),
        *_votes(sample, target, job, schema),
        *_sums(sample, target, job, schema),
        *_shared_rows(train, test, schema),
        *_copies(sample, schema, job),
        *_imbalance(target, job),
        *_times(job, schema),
        *_groups(sample, job),
        *_gaps(schema),
        *_set_aside(job, schema, train),
    ]


def _thinned(frame: pl.DataFrame) -> pl.DataFrame:
    return frame if frame.height <= _SAMPLE else frame.sample(_SAMPLE, seed=0)


def _target(frame: pl.DataFrame, job: Job) -> Coded | NDArray[np.float64]:
    found = frame[job.predict]
    return codes(found, tidy=True) if job.task.classifies else numbers(found, Kind.NUMBER)


def _named(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _giveaways(frame: pl.DataFrame, target: Coded | NDArray[np.float64], job: Job, schema: Schema) -> list[str]:
    lines = []
    held = {cells.name: cells for cells in frame}
    for column in schema.columns:
        found = held[column.name]
        if isinstance(target, Coded):
            told = column.kind is not Kind.TEXT and _tells(found, column.kind, target)
        else:
            told = column.kind in NUMERIC and _follows(numbers(found, column.kind), target)
        if told:
            lines.append(
                f'"{column.name}" gives the target away: by itself it says "{job.predict}" almost exactly. '
                f"Leave it out with --ignore {column.name} if it is not known when predicting."
            )
    return lines


def _follows(values: NDArray[np.float64], target: NDArray[np.float64]) -> bool:
    both = np.isfinite(values) & np.isfinite(target)
    if both.sum() < 10 or np.ptp(values[both]) == 0 or np.ptp(target[both]) == 0:
        return False
    return bool(abs(np.corrcoef(values[both], target[both])[0, 1]) > _SURE)


def _tells(found: pl.Series, kind: Kind, target: Coded) -> bool:
    """Whether the values of a column, or a few thresholds on it, tell the class."""
    known = target.codes >= 0
    classes = target.codes[known].astype(np.int64)
    rare = len(classes) - int(np.bincount(classes).max(initial=0))
    if kind in NUMERIC:
        values = np.nan_to_num(numbers(found, kind)[known], nan=-np.inf)
        levels, place = np.unique(values, return_inverse=True)
        if len(levels) > len(classes) / 20:  # too many to count each
            return _steps(values, classes, rare)
    else:
        place = codes(found, tidy=True).codes[known].astype(np.int64) + 1
    size = int(place.max(initial=0)) + 1
    if len(classes) < 20 or size < 2 or size > len(classes) / 10:
        return False
    table = np.bincount(place * len(target.values) + classes, minlength=size * len(target.values))
    wrong = len(classes) - int(table.reshape(size, -1).max(axis=1).sum())
    # Where one class is nearly all there is, any column is nearly always right: it must also mend most of the rest.
    return wrong < (1 - _SURE) * len(classes) and wrong < 0.1 * rare


def _steps(values: NDArray[np.float64], classes: NDArray[np.int64], rare: int) -> bool:
    """Whether the classes follow one another in a few stretches when the rows are sorted by value."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    low, high = np.minimum.reduceat(classes[order], starts), np.maximum.reduceat(classes[order], starts)
    mixed = int(np.diff(np.r_[starts, len(values)])[low != high].sum())
    breaks = int((np.diff(low) != 0).sum())
    slack = (1 - _SURE) * len(values)
    return mixed <= slack and breaks <= max(2 * (int(classes.max()) + 1), slack) and breaks + mixed < 0.1 * rare


def _votes(frame: pl.DataFrame, target: Coded | NDArray[np.float64], job: Job, schema: Schema) -> list[str]:
    """Columns that count votes for the classes: the largest names the class."""
    names = schema.of(Kind.NUMBER)
    if not isinstance(target, Coded) or not 2 < len(target.values) <= min(len(names), _SUMMANDS) or len(names) > 200:
        return []
    thin = frame.head(5000)
    classes = target.codes[: thin.height]
    values = np.nan_to_num(np.stack([numbers(thin[name], Kind.NUMBER) for name in names]))
    hot = (classes[None] == np.arange(len(target.values))[:, None]).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):  # a column may be constant within the sample
        near = np.nan_to_num(np.corrcoef(np.vstack([hot, values]))[: len(hot), len(hot) :])
    best = near.argmax(axis=1)
    if len(set(best.tolist())) < len(best) or (values[best].argmax(axis=0) == classes).mean() < 0.99:
        return []
    found = ", ".join(names[place] for place in best)
    return [
        f'{found} together give the target away: the largest of them names "{job.predict}". '
        f"Leave them out with --ignore if they are not known when predicting."
    ]


def _sums(frame: pl.DataFrame, target: Coded | NDArray[np.float64], job: Job, schema: Schema) -> list[str]:
    if isinstance(target, Coded) or not np.isfinite(target).any():
        return []
    thin = frame.head(2000)
    held = {name: numbers(thin[name], Kind.NUMBER) for name in schema.of(Kind.NUMBER)[:_SUMMANDS]}
    truth = target[: thin.height]
    for size in (2, 3):
        for names in combinations(held, size):
            if _adds_up(np.stack([held[name] for name in names]), truth):
                return [
                    f'"{job.predict}" is the sum of {" + ".join(names)}. '
                    f"Leave them out with --ignore if they are not known when predicting."
                ]
    return []


def _adds_up(parts: NDArray[np.float64], truth: NDArray[np.float64]) -> bool:
    gap = parts.sum(axis=0) - truth
    both = np.isfinite(gap)
    spread = truth[both].var() if both.sum() >= 10 else 0.0
    # Coefficients of one and R2 above 0.9999; a part that is constant or nothing would make a smaller sum.
    return bool(spread > 0 and gap[both].var() < 1e-4 * spread and (parts[:, both].var(axis=1) > 1e-4 * spread).all())


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
    same = int(np.isin(_comparable(theirs, ours), _comparable(ours, theirs)).sum())
    if not same:
        return []
    least = "" if step == 1 else "at least "
    return [
        f"Among {theirs.height:,} test rows, {least}{same:,} ({same / theirs.height:.1%}) are also training rows, feature by feature. "
        f"Remove them, or the score says too much."
    ]


def _comparable(frame: pl.DataFrame, other: pl.DataFrame) -> NDArray[np.uint64]:
    """A number for each row, alike where the cells are, though one file's whole numbers may be another's decimals."""
    odd = [
        cells.cast(pl.Float64 if cells.dtype.is_numeric() and other[cells.name].dtype.is_numeric() else pl.String)
        for cells in frame
        if cells.dtype != other[cells.name].dtype
    ]
    return frame.with_columns(odd).hash_rows(seed=0).to_numpy()


def _copies(frame: pl.DataFrame, schema: Schema, job: Job) -> list[str]:
    both = _features(frame, schema).with_columns(frame[job.predict])
    extra = frame.height - len(np.unique(both.hash_rows().to_numpy()))
    if extra < max(0.01 * frame.height, 2):
        return []
    return [
        f"{extra / frame.height:.1%} of the training rows repeat another row exactly. Remove copies if they are not meant."
    ]


def _imbalance(target: Coded | NDArray[np.float64], job: Job) -> list[str]:
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
        filled = cells.drop_nulls()
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
    constant = [cells.name for cells in flat if cells.head(_SAMPLE).n_unique() <= 1]
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
