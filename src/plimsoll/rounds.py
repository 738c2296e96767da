"""The rounds of a comparison: for each seed, folds that test every unit once; and the units whose scores are paired.

A unit is what would come anew: a person, else a session, else a group; of a plain table, a block of its rows. Rows of what
the job's split keeps together are never parted. Where the job says itself which rows are test rows, each seed has one round.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import asked, moments, splits
from plimsoll.cells import numbers, texts
from plimsoll.errors import DataError, JobError, nearest
from plimsoll.job import Job, Split
from plimsoll.schema import Kind
from plimsoll.splits import Pair

Index = NDArray[np.intp]
Groups = NDArray[np.int64]
BLOCKS = 10  # units of a table that names none
_MOST = 200  # groups that are units of their own
_LEAST = 20  # rows that most groups have, for each to be a unit of its own


@dataclass(frozen=True)
class Round:
    """What is learned from and what is tested, as rising row numbers; ``inner`` are the folds to tune on, of those to learn from."""

    seed: int
    fold: int
    learn: Index
    held: Index
    inner: tuple[Pair, ...]


@dataclass(frozen=True)
class Units:
    """``of`` is the place of each row's unit among ``names``, shape (rows,); ``what`` says what a unit is."""

    what: str
    names: tuple[str, ...]
    of: Groups


@dataclass(frozen=True)
class Ground:
    """The rows that a comparison stands on: settled job, frame, and the rows of a test file where there is one."""

    job: Job
    frame: pl.DataFrame
    tested: Index | None = None

    @property
    def fixed(self) -> bool:
        """Whether the job says itself which rows are test rows."""
        return self.tested is not None or self.job.split.how in ("column", "time")

    def parts(self) -> Pair:
        """(rows to learn from, test rows) where those are fixed."""
        if self.tested is not None:
            return np.setdiff1d(np.arange(self.frame.height), self.tested), self.tested
        return moments.split(self.frame, self.job) if self.job.decode else splits.split(self.frame, self.job)

    def together(self) -> Groups:
        """The number of what must not be parted, for each row: a group, a stretch of a signal, or a block of rows."""
        job = replace(self.job, split=moments.split_of(self.frame, self.job)) if self.job.decode else self.job
        found = splits.groups(self.frame, job)
        return _blocks(self.frame, job) if found is None else found


def rounds(ground: Ground, seeds: Sequence[int], count: int) -> list[Round]:
    """Every round, those of a seed after one another. Raises DataError where the rows cannot be parted so."""
    if ground.fixed:
        pair = ground.parts()
        return [_round(ground, seed, 0, *pair) for seed in seeds]
    group = ground.together()
    found: list[Round] = []
    for seed in seeds:
        dealt = deal(group, count, seed)
        for fold in range(int(dealt.max()) + 1):
            learn, held = np.flatnonzero(dealt != fold), np.flatnonzero(dealt == fold)
            if ground.job.decode is not None:  # no window that is learned from reaches into what is held out
                learn, held = moments.cut((learn, held), ground.frame)
            found.append(_round(ground, seed, fold, learn, held))
    return found


def deal(group: Groups, count: int, seed: int) -> Groups:
    """The fold of each row: groups are shuffled by the seed and dealt out in turn, so that other seeds give other folds.

    >>> deal(np.array([0, 0, 1, 2, 2]), 3, seed=0).tolist()
    [0, 0, 2, 1, 1]
    """
    many = int(group.max()) + 1
    if many < 2:
        raise DataError(
            "All rows are of one group, so none can be tested apart. Name another column in --split group:COL."
        )
    folds = np.empty(many, dtype=np.int64)
    folds[np.random.default_rng([seed, 8]).permutation(many)] = np.arange(many) % min(count, many)
    return np.asarray(folds[group])


def _round(ground: Ground, seed: int, fold: int, learn: Index, held: Index) -> Round:
    if not len(learn) or not len(held):
        raise DataError("Rows are needed on both sides of the split. Give more rows.")
    job = replace(ground.job, seed=seed)
    inner = asked.tuned_on(ground.frame[learn], ground.frame[held], job)
    return Round(seed, fold, learn, held, tuple((learn[one], learn[other]) for one, other in inner))


def _blocks(frame: pl.DataFrame, job: Job) -> Groups:
    """Blocks of rows with their share of every class each, copies together; of the job's seed, so the same for all seeds."""
    found = np.zeros(frame.height, dtype=np.int64)
    for number, (_, held) in enumerate(splits.folds(frame, replace(job, split=Split()), BLOCKS)):
        found[held] = number
    return found


# Units.


def units(ground: Ground, held: Index, column: str = "") -> Units:
    """The units of the rows that are tested: of ``column`` where it is named. Raises JobError for one that is not there."""
    job, frame = ground.job, ground.frame
    asked_for = job.decode
    names = (
        [column]
        if column
        else [name for name in (asked_for.person, asked_for.session) if name][:1]
        if asked_for
        else []
    )
    if column and column not in frame.columns:
        raise JobError(f'--unit "{column}" is not a column. {nearest(column, frame.columns)}')
    if names:
        return _named(frame, names)
    if ground.fixed:
        return _of_test(ground, held)
    group = ground.together()
    sizes = np.bincount(group)
    if asked_for is None and job.split.how == "random":
        return _numbered("block of rows", group)
    if asked_for is None and len(sizes) <= _MOST and float(np.median(sizes)) >= _LEAST:
        return _named(frame, job.split.columns)
    what = "block of stretches" if asked_for else f"block of {'/'.join(job.split.columns)}"
    return _numbered(what, deal(group, BLOCKS, job.seed))


def _named(frame: pl.DataFrame, columns: Sequence[str]) -> Units:
    """The values of columns as units."""
    said = [texts(frame[name]).fill_null("missing").to_list() for name in columns]
    joined = ["/".join(parts) for parts in zip(*said, strict=True)]
    names = sorted(set(joined), key=_counted)
    place = {name: number for number, name in enumerate(names)}
    return Units("/".join(columns), tuple(names), np.array([place[text] for text in joined], dtype=np.int64))


def _counted(name: str) -> list[tuple[int, str]]:
    """Names in the order in which people count: P2 before P10."""
    parts = re.split(r"([0-9]+)", name)
    return [(len(part.lstrip("0")), part.lstrip("0")) if k % 2 else (0, part) for k, part in enumerate(parts)]


def _of_test(ground: Ground, held: Index) -> Units:
    """Blocks of the test rows: later and later ones where the split is by time."""
    found = np.full(ground.frame.height, -1, dtype=np.int64)
    job, frame = ground.job, ground.frame[held]
    if job.decode is not None:
        found[held] = deal(splits.groups(frame, replace(job, split=Split("group", (moments.BLOCK,)))), BLOCKS, job.seed)  # type: ignore[arg-type]
        return _numbered("block of stretches", found)
    if job.split.how == "time" and ground.tested is None:
        order = np.argsort(numbers(frame[job.split.columns[0]], Kind.TIME), kind="stable")
        for number, part in enumerate(np.array_split(order, min(BLOCKS, len(order)))):
            found[held[part]] = number
        return _numbered("stretch of time", found)
    found[held] = _blocks(frame, job)
    return _numbered("block of test rows", found)


def _numbered(what: str, of: Groups) -> Units:
    return Units(what, tuple(f"{what.split()[0]} {number + 1}" for number in range(int(of.max()) + 1)), of)
