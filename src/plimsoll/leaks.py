"""Columns that give the target away: alone, as votes, or as parts of a sum."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.cells import codes, numbers
from plimsoll.job import Job
from plimsoll.rows import NUMERIC, Coded
from plimsoll.schema import Kind, Schema

Truth = Coded | NDArray[np.float64]

_SURE = 0.999  # a correlation, or a share of cells that tell the class, above which a column gives the target away
_SUMMANDS = 40  # numeric columns among which sums to the target are looked for


def leaks(frame: pl.DataFrame, target: Truth, job: Job, schema: Schema) -> list[str]:
    """A line for each column, or set of columns, that by itself says the target of these rows almost exactly.

    >>> from plimsoll.schema import Column
    >>> rows, x = pl.DataFrame({"x": [float(n) for n in range(20)]}), np.arange(20) * 3.0
    >>> leaks(rows, x, Job("y"), Schema((Column("x", Kind.NUMBER),), "y"))[0][:27]
    '"x" gives the target away: '
    """
    return [
        *_giveaways(frame, target, job, schema),
        *_votes(frame, target, job, schema),
        *_sums(frame, target, job, schema),
    ]


def _giveaways(frame: pl.DataFrame, target: Truth, job: Job, schema: Schema) -> list[str]:
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


def _votes(frame: pl.DataFrame, target: Truth, job: Job, schema: Schema) -> list[str]:
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


def _sums(frame: pl.DataFrame, target: Truth, job: Job, schema: Schema) -> list[str]:
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
