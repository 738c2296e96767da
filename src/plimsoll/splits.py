"""Which rows are set apart: test rows, and folds of the training rows, by chance, time, group or a column that says so.

Every choice follows from the job's seed, so the same rows and job give the same split.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.cells import codes, numbers, texts
from plimsoll.copies import copies
from plimsoll.errors import DataError, JobError, nearest
from plimsoll.job import Job
from plimsoll.schema import Kind
from plimsoll.spelling import WHITE

Index = NDArray[np.intp]
Pair = tuple[Index, Index]

_HOLDOUT = 0.2
_MOST_HELD = 50_000  # rows that a single holdout keeps at most: more would not choose better
_TELLING = 6  # groups that are to be held out, for a score to say something of another one
_FEWEST = 3  # folds, of which each holds out a third
_DRAWS = 20  # shuffles of groups among which the one nearest to the wanted shares is taken
_WORDS = {"train": 0, "training": 0, "valid": 1, "validation": 1, "val": 1, "dev": 1, "test": 2}


def split(frame: pl.DataFrame, job: Job, share: float = 0.2) -> Pair:
    """Row numbers (train, test), each rising, as ``job.split`` says; the test part is about ``share`` of the rows.

    Raises DataError where the rows cannot be split so.

    >>> train, test = split(pl.DataFrame({"x": range(10), "y": ["a", "b"] * 5}), Job("y"))
    >>> len(train), len(test)
    (8, 2)
    """
    if job.split.how == "column":
        part = _parts(frame, job)
        return _pair(
            part == 2,
            f'No row of "{job.split.columns[0]}" says test, or none says train. Write test in some, or give --test FILE.',
        )
    return _apart(frame, job, share, np.random.default_rng([job.seed, 1]))


def folds(frame: pl.DataFrame, job: Job, count: int) -> list[Pair]:
    """Folds of training rows, as pairs (train, valid) of row numbers, that keep groups whole and times in order.

    A count of 1 gives one holdout of a fifth of the rows, 50,000 at most. A column that marks valid rows gives
    one pair whatever the count. Times give forward folds, each trained on all that came before (Tashman 2000).

    >>> [len(valid) for _, valid in folds(pl.DataFrame({"x": range(9), "y": [0, 1, 2] * 3}), Job("y"), 3)]
    [3, 3, 3]
    """
    random = np.random.default_rng([job.seed, 2])
    if job.split.how == "column":
        part = _parts(frame, job)
        if (part == 1).any():
            return [(np.flatnonzero(part == 0), np.flatnonzero(part == 1))]
    if count <= 1:
        return [_apart(frame, job, min(_HOLDOUT, _MOST_HELD / max(frame.height, 1)), random)]
    if job.split.how == "time":
        return _forward(_times(frame, job), count)
    fold = (
        _grouped(_required(groups(frame, job)), kin(frame, job), count, random)
        if job.split.how == "group"
        else _numbered(frame, job, count, random)
    )
    return [
        _pair(fold == number, f"Rows to learn from: {frame.height}, too few for {count} folds. Give more.")
        for number in range(int(fold.max()) + 1)
    ]


def parts(group: NDArray[np.int64], most: int) -> int:
    """How many folds groups are parted into: as many as hold out six of them each, three at least and ``most`` at most.

    Groups differ by more than rows do, and a model is worth to another one what it is worth to several, not to the two that
    a fifth of ten would be.

    >>> parts(np.arange(10), 5), parts(np.arange(24), 5), parts(np.arange(99), 5), parts(np.arange(2), 5)
    (3, 4, 5, 2)
    """
    many = len(np.unique(group))
    return min(many, most, max(_FEWEST, many // _TELLING))


def enough(folds: Sequence[Pair], group: NDArray[np.int64]) -> int:
    """The fewest of the folds that hold out six groups together; all of them where there are fewer.

    >>> enough([(np.arange(0), np.arange(0, 4)), (np.arange(0), np.arange(4, 8)), (np.arange(0), np.arange(8, 9))], np.arange(9))
    2
    """
    held: set[int] = set()
    for count, (_, unseen) in enumerate(folds, 1):
        held |= set(np.unique(group[unseen]).tolist())
        if len(held) >= _TELLING:
            return count
    return len(folds)


def groups(frame: pl.DataFrame, job: Job) -> NDArray[np.int64] | None:
    """The number of each row's group, shape (rows,), or None where the job names no groups. Missing cells are one group.

    >>> from plimsoll.job import Split
    >>> groups(pl.DataFrame({"who": ["b", "a", "b"]}), Job("y", split=Split.parse("group:who"))).tolist()
    [1, 0, 1]
    """
    return _joined(frame, job.split.columns) if job.split.how == "group" else None


def kin(frame: pl.DataFrame, job: Job) -> NDArray[np.int64]:
    """The kin of each group, shape (groups,): those that are alike in all columns of the split but its last, as the sessions
    of one person. They are parted, so that whoever is held out is known; of one column each group stands for itself.

    >>> from plimsoll.job import Split
    >>> frame = pl.DataFrame({"who": ["a", "a", "b"], "day": [1, 2, 1]})
    >>> kin(frame, Job("y", split=Split.parse("group:who,day"))).tolist()
    [0, 0, 1]
    """
    group = _joined(frame, job.split.columns)
    if len(job.split.columns) < 2:
        return np.arange(int(group.max(initial=-1)) + 1)
    first = np.unique(group, return_index=True)[1]
    return _joined(frame, job.split.columns[:-1])[first]


def _joined(frame: pl.DataFrame, names: Sequence[str]) -> NDArray[np.int64]:
    joined = np.zeros(frame.height, dtype=np.int64)
    for name in names:
        coded = codes(_column(frame, name), tidy=True)
        joined = joined * (len(coded.values) + 1) + coded.codes + 1
        joined = np.unique(joined, return_inverse=True)[1]  # small again, so that many columns cannot overflow
    return joined


def _apart(frame: pl.DataFrame, job: Job, share: float, random: np.random.Generator) -> Pair:
    if frame.height < 2:
        raise DataError(f"{frame.height} rows cannot be split. Give at least two.")
    if job.split.how == "time":
        return _latest(_times(frame, job), share)
    if job.split.how == "group":
        return _some_groups(_required(groups(frame, job)), kin(frame, job), _classes(frame, job), share, random)
    held = _places(frame, job, random, spread=False) < share
    if not held.any():
        held[random.integers(frame.height)] = True
    return _pair(held, "All rows are copies of one another, so none can be set apart. Give rows that differ.")


def _pair(held: NDArray[np.bool_], why: str) -> Pair:
    if held.all() or not held.any():
        raise DataError(why)
    return np.flatnonzero(~held), np.flatnonzero(held)


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    if name not in frame.columns:
        raise JobError(f'--split "{name}" is not a column. {nearest(name, frame.columns)}')
    return frame[name]


def _required(found: NDArray[np.int64] | None) -> NDArray[np.int64]:
    assert found is not None
    return found


def _classes(frame: pl.DataFrame, job: Job) -> NDArray[np.int64]:
    """Class numbers, from 0 up; a single class where the target is a number or is not there."""
    if not job.task.classifies or job.predict not in frame.columns:
        return np.zeros(frame.height, dtype=np.int64)
    return codes(frame[job.predict], tidy=True).codes.astype(np.int64) + 1


def _places(frame: pl.DataFrame, job: Job, random: np.random.Generator, spread: bool) -> NDArray[np.float64]:
    """A place in 0 to 1 for each row, such that any stretch takes its share of every class, and copies stand together."""
    classes = _classes(frame, job)
    twins = copies(frame, job)
    if twins is None:
        return _stratified(classes, random, spread)
    _, first, inverse = np.unique(twins, return_index=True, return_inverse=True)
    return _stratified(classes[first], random, spread)[inverse]


def _stratified(classes: NDArray[np.int64], random: np.random.Generator, spread: bool) -> NDArray[np.float64]:
    shuffled = random.permutation(len(classes))
    order = shuffled[np.argsort(classes[shuffled], kind="stable")]
    sizes = np.bincount(classes)
    # Half a step keeps a class of one row out of a small test part; a drawn step spreads rare classes over folds.
    step = random.random(len(sizes)) if spread else np.full(len(sizes), 0.5)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    places = np.empty(len(order))
    places[order] = (rank + np.repeat(step, sizes)) / np.repeat(sizes, sizes)
    return places


def _numbered(frame: pl.DataFrame, job: Job, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    fold = np.floor(_places(frame, job, random, spread=True) * min(count, max(frame.height, 2))).astype(np.int64)
    return np.unique(fold, return_inverse=True)[1]  # a fold that no row fell into is left out


def _times(frame: pl.DataFrame, job: Job) -> NDArray[np.float64]:
    name = job.split.columns[0]
    found = numbers(_column(frame, name), Kind.TIME)
    if np.isnan(found).all():
        raise DataError(
            f"--split time:{name}: no cell is a time, such as 2024-05-01 or 2024-05-01T12:00:00Z. Name a column of times or numbers."
        )
    return np.nan_to_num(found, nan=-np.inf)  # a row of unknown time may be old, so it never tests the future


def _latest(times: NDArray[np.float64], share: float) -> Pair:
    ordered = np.sort(times)
    edge = ordered[min(int(np.ceil(len(times) * (1 - share))), len(times) - 1)]
    held = times >= edge
    if held.all():  # the edge is the earliest time: rows of one time stay together, so begin after it
        held = times > edge
    return _pair(held, "All rows have the same time, so no later ones can be set apart. Split by something else.")


def _forward(times: NDArray[np.float64], count: int) -> list[Pair]:
    ordered = np.sort(times)
    edges = np.unique(ordered[[len(times) * part // (count + 1) for part in range(1, count + 1)]])
    edges = edges[edges > ordered[0]]
    if not len(edges):
        return [_latest(times, _HOLDOUT)]
    ends = np.append(edges[1:], np.inf)
    return [
        (np.flatnonzero(times < low), np.flatnonzero((times >= low) & (times < high)))
        for low, high in zip(edges, ends, strict=True)
    ]


def _some_groups(
    group: NDArray[np.int64],
    kin: NDArray[np.int64],
    classes: NDArray[np.int64],
    share: float,
    random: np.random.Generator,
) -> Pair:
    """Whole groups that come nearest to the wanted share of every class, among a few shuffles, and leave some of all kin."""
    number = int(group.max()) + 1
    if number < 2:
        raise DataError(
            "All rows are of one group, so none can be set apart. Name another column in --split group:COL."
        )
    table = np.zeros((number, int(classes.max()) + 1))
    np.add.at(table, (group, classes), 1.0)
    wanted = table.sum(axis=0) * share
    several = np.bincount(kin) > 1
    best, least = np.array([0]), (np.inf, np.inf)
    for _ in range(_DRAWS):
        order = random.permutation(number)
        filled = np.cumsum(table[order].sum(axis=1))
        taken = int(np.clip(np.argmin(np.abs(filled - share * len(group))) + 1, 1, number - 1))
        left = np.bincount(kin[order[taken:]], minlength=len(several))
        lost = float(np.sum(several & (left == 0)))
        miss = (lost, float(np.abs(table[order[:taken]].sum(axis=0) - wanted).sum()))
        if miss < least:
            best, least = order[:taken], miss
    return _pair(np.isin(group, best), "The groups cannot be split. Name another column in --split group:COL.")


def _grouped(
    group: NDArray[np.int64], kin: NDArray[np.int64], count: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """A fold for each row: the largest groups first, each to the fold that is smallest of those with fewest of its kin."""
    sizes = np.bincount(group)
    if len(sizes) < 2:
        raise DataError("All rows are of one group, so there are no folds. Name another column in --split group:COL.")
    filled = np.zeros(min(count, len(sizes)), dtype=np.int64)
    held = np.zeros((int(kin.max()) + 1, len(filled)), dtype=np.int64)
    fold = np.empty(len(sizes), dtype=np.int64)
    shuffled = random.permutation(len(sizes))
    for each in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fewest = held[kin[each]]
        fold[each] = int(np.argmin(np.where(fewest == fewest.min(), filled, len(group) + 1)))
        filled[fold[each]] += sizes[each]
        fewest[fold[each]] += 1
    return fold[group]


def _parts(frame: pl.DataFrame, job: Job) -> NDArray[np.int64]:
    """0 for train, 1 for valid, 2 for test."""
    name = job.split.columns[0]
    found = texts(_column(frame, name)).str.strip_chars(WHITE).str.to_lowercase()
    if odd := [word for word in found.unique().to_list() if word not in _WORDS]:
        raise DataError(
            f'--split column:{name}: "{odd[0] or ""}" is none of train, valid and test. Write one of them in every row.'
        )
    return found.replace_strict(list(_WORDS), list(_WORDS.values()), return_dtype=pl.Int64).to_numpy()
