"""The data as a job sees them: read, inferred, checked, split, and held as plain arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import catalogue, checks, data, infer, splits
from plimsoll.cells import plain
from plimsoll.errors import DataError, JobError
from plimsoll.job import Job, Split
from plimsoll.limits import Limits, parse
from plimsoll.metrics import METRICS
from plimsoll.rows import Rows
from plimsoll.schema import Kind, Schema
from plimsoll.splits import Pair

Array = NDArray[Any]
_MANY = 5_000  # rows from which a trial is scored on one fold, and the others wait for the run-off
_FOLDED = 250_000  # rows above which there is one holdout and no run-off: its rows are many enough
_FOLDS = 5


def stated(
    predict: str,
    limits: str | Sequence[str] | Limits = (),
    split: str = "random",
    metric: str = "",
    ignore: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    recipes: Sequence[str] = (),
    seed: int = 0,
    choose: str = "cheapest",
    coverage: float = 0.9,
) -> Job:
    """The job as it was written. Raises JobError and LimitError in one line."""
    for name in recipes:
        catalogue.find(name)
        if name in catalogue.MADE:
            raise JobError(f'--recipes {name}: it is made of other trials by itself. Name those, such as "trees".')
    return Job(
        predict=predict,
        limits=limits if isinstance(limits, Limits) else parse(limits),
        metric=metric,
        split=Split.parse(split),
        ignore=tuple(ignore),
        kinds={name: _kind(name, kind) for name, kind in (kinds or {}).items()},
        recipes=tuple(recipes),
        seed=seed,
        choose=choose,
        coverage=coverage,
    )


def _kind(name: str, kind: str) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        raise JobError(f'--kind {name}={kind}: there is no kind "{kind}". There are: {", ".join(Kind)}.') from None


@dataclass(frozen=True)
class Truth:
    """What is true of some rows, and for each quality floor on a slice, which of them it speaks of."""

    target: Array
    slices: Mapping[str, NDArray[np.bool_]]

    def take(self, index: NDArray[np.intp]) -> Truth:
        return Truth(self.target[index], {key: mask[index] for key, mask in self.slices.items()})


@dataclass(frozen=True)
class Part:
    """Rows with what is true of them."""

    rows: Rows
    truth: Truth

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: NDArray[np.intp]) -> Part:
        return Part(self.rows.take(index), self.truth.take(index))


@dataclass(frozen=True)
class Asked:
    """A settled job with its rows. ``test`` is for the end of the run alone."""

    job: Job
    schema: Schema
    learn: Part
    test: Part
    folds: Sequence[Pair]
    first: int  # of the folds, those that every trial is scored on
    digest: str
    warnings: tuple[str, ...]
    source: str  # as it was named; a frame has no name
    test_source: str  # empty where test rows were split off


def ask(job: Job, source: Any, test: Any) -> Asked:
    """Reads ``source``, and ``test`` where there is one, for the job; the frames are let go of on return.

    Raises DataError and JobError where the rows or the job must be changed.
    """
    frame = data.read(source)
    held = data.read(test) if test is not None else None
    job, schema = infer.infer(frame, job)
    _check_floors(job)
    frame, dropped = infer.with_target(frame, job)
    warnings = [dropped] if dropped else []
    if held is None:
        index, unseen = splits.split(frame, job)
        held = frame[unseen]
        frame = frame[index]
    else:
        held, missing = infer.with_target(held, job)
        warnings += [missing] if missing else []
    if not len(frame) or not len(held):
        raise DataError("Rows are needed on both sides of the split. Give more rows, or --test FILE.")
    warnings += checks.check(frame, held, job, schema)
    folds = _folds(frame, job)
    digest = _digest(frame, job, schema)
    first = len(folds) if len(frame) <= _MANY else 1
    parts = _part(frame, job, schema), _part(held, job, schema)
    named = _named(source), _named(test) if test is not None else ""
    return Asked(job, schema, *parts, folds, first, digest, tuple(warnings), *named)


def _folds(frame: pl.DataFrame, job: Job) -> list[Pair]:
    # Forward folds have little to learn from at first: of many rows in time, the latest are the one holdout.
    several = len(frame) <= _MANY or (len(frame) <= _FOLDED and job.split.how != "time")
    return splits.folds(frame, job, _FOLDS if several else 1)


def _check_floors(job: Job) -> None:
    fitting = [metric.name for metric in METRICS.values() if job.task.value in metric.tasks]
    for floor in job.limits.floors:
        if floor.name not in fitting:
            raise JobError(
                f'--limit "{floor}" speaks of another kind of answer than {job.task.value}. There are: {", ".join(fitting)}.'
            )


def _named(source: Any) -> str:
    return str(source) if isinstance(source, str | Path) else "FRAME"


def _part(frame: pl.DataFrame, job: Job, schema: Schema) -> Part:
    return Part(infer.to_rows(frame, schema), Truth(infer.to_target(frame, job, schema), _slices(job.limits, frame)))


def _slices(limits: Limits, frame: pl.DataFrame) -> dict[str, Array]:
    masks = {}
    for floor in limits.floors:
        if floor.slice:
            column, value = floor.slice
            if column not in frame.columns:
                raise JobError(f'limits.{floor.key}: there is no column "{column}".')
            masks[floor.key] = (plain(frame[column]).cast(pl.String) == value).fill_null(False).to_numpy()
            if not masks[floor.key].any():
                raise JobError(f'limits.{floor.key}: no row has "{value}" in {column}.')
    return masks


def _digest(frame: pl.DataFrame, job: Job, schema: Schema) -> str:
    """What a run must share with the one that it continues: the job, and the rows as they were read."""
    seen = hashlib.sha256(json.dumps([job.as_json(), schema.as_json()], sort_keys=True).encode())
    seen.update(frame.hash_rows(seed=0).to_numpy().tobytes())
    return seen.hexdigest()
