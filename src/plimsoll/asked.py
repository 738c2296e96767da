"""The data as a job sees them: read, inferred, checked, split, and held as plain arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import (
    audience,
    catalogue,
    checks,
    events,
    infer,
    library,
    moments,
    shift,
    sources,
    splits,
    streaming,
    waves,
)
from plimsoll.audience import Other
from plimsoll.cells import plain
from plimsoll.collection import Collection
from plimsoll.errors import DataError, JobError
from plimsoll.held import Held
from plimsoll.job import Documents, Job, Lists, Split, Task
from plimsoll.limits import Limits, parse
from plimsoll.metrics import EVENTS, LISTS, METRICS, ROBUSTNESS, SEQUENCES, SYMBOLS
from plimsoll.rows import Coded, Rows
from plimsoll.schema import ASKING, Kind, Schema
from plimsoll.sources import Source
from plimsoll.splits import Pair
from plimsoll.truth import Part, Truth

Array = NDArray[Any]
_MANY = 5_000  # rows from which a trial is scored on some folds, and the others wait for the run-off
_FOLDED = 250_000  # rows above which there is one holdout and no run-off: its rows are many enough
_FOLDS = 5
_HASHED = 1 << 30  # bytes of samples of which a digest is taken


def stated(
    predict: str,
    limits: str | Sequence[str] | Limits = (),
    split: str = "",
    metric: str = "",
    ignore: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    recipes: Sequence[str] = (),
    seed: int = 0,
    choose: str = "cheapest",
    coverage: float = 0.9,
    moments: Mapping[str, Any] | None = None,
    signals: Mapping[str, Any] | None = None,
    lists: Mapping[str, Any] | None = None,
    documents: Mapping[str, Any] | None = None,
) -> Job:
    """The job as it was written; with ``moments``, ``predict`` is the label to decode, with ``lists`` the items to recommend, and with
    ``documents`` the column of their ids, which may be found by itself. Raises JobError and LimitError in one line."""
    for name in recipes:
        catalogue.find(name)
        if name in catalogue.MADE:
            raise JobError(f'--recipes {name}: it is made of other trials by itself. Name those, such as "trees".')
    if not predict and documents is None:
        raise JobError('predict is missing. Name the column to answer with, such as predict="label".')
    if documents is not None and (lists is not None or signals is not None or moments is not None):
        raise JobError("documents are searched, and lists, moments and signals speak of other jobs. Leave them out.")
    if lists is not None and (signals is not None or moments is not None):
        raise JobError(
            f"{', '.join(signals or moments or ())} speak of signals, and --recommend reads none. Leave them out."
        )
    return Job(
        predict=predict,
        limits=limits if isinstance(limits, Limits) else parse(limits),
        metric=metric,
        split=Split.parse(split or ("random" if lists is None else "time")),
        ignore=tuple(ignore),
        kinds={name: _kind(name, kind) for name, kind in (kinds or {}).items()},
        recipes=tuple(recipes),
        seed=seed,
        choose=choose,
        coverage=coverage,
        decode=None if moments is None else waves.decode(moments),
        signals=waves.sensor(signals or {}) if signals is not None or moments is not None else None,
        task=Task.BINARY if lists is None and documents is None else Task.RANKING,
        lists=None if lists is None else Lists.from_json(lists),
        search=None if documents is None else Documents.from_json(documents),
    )


def _kind(name: str, kind: str) -> Kind:
    if kind in ASKING:
        raise JobError(
            f"--kind {name}={kind}: what a list is asked for by is told by --recommend or --search, not by a column."
        )
    try:
        return Kind(kind)
    except ValueError:
        raise JobError(
            f'--kind {name}={kind}: there is no kind "{kind}". There are: {", ".join(each for each in Kind if each not in ASKING)}.'
        ) from None


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
    ladder: Mapping[str, Pair] = field(default_factory=dict)  # of moments, a fold for each rung
    # Where answers are lists: what may be listed, what users did and what is known of them, what is learned from in a fold and at last, and what was
    # counted when events were parted.
    collection: Collection | None = None
    kept: Held | None = None
    people: Collection | None = None
    taught: tuple[Rows, ...] = ()
    parted: Mapping[str, Any] = field(default_factory=dict)
    other: Other | None = None  # the same on another split


def ask(job: Job, source: Any, test: Any) -> Asked:
    """Reads ``source``, and ``test`` where there is one, for the job; the frames are let go of on return.

    Raises DataError and JobError where the rows or the job must be changed.
    """
    if job.lists is not None:
        return _listed(job, source, test)
    if job.search is not None:
        return _searched(job, source, test)
    job = moments.settled(job)
    given = sources.read(source, job)
    beside = sources.beside(test, job, given) if test is not None else None
    job, schema = _inferred(job, given)
    _check_floors(job, schema)
    frame, dropped = infer.with_target(given.frame, job)
    warnings = [*given.warnings, *([dropped] if dropped else [])]
    if beside is None:
        index, unseen = moments.split(frame, job) if job.decode else splits.split(frame, job)
        held = frame[unseen]
        frame = frame[index]
    else:
        held, missing = infer.with_target(beside.frame, job)
        warnings += [*beside.warnings, *([missing] if missing else [])]
    if not len(frame) or not len(held):
        raise DataError("Rows are needed on both sides of the split. Give more rows, or --test FILE.")
    warnings += checks.check(frame, held, job, schema)
    folds = _folds(frame, held, job)
    digest = _digest(frame, job, schema, given)
    first = _first(frame, held, job, folds)
    parts = _part(frame, job, schema, given), _part(held, job, schema, beside or given)
    named = _named(source), _named(test) if test is not None else ""
    asked = Asked(job, schema, *parts, folds, first, digest, tuple(warnings), *named)
    return _timed(asked, frame, held) if job.decode else asked


def _listed(job: Job, source: Any, test: Any) -> Asked:
    """The data of a job whose answers are lists: users at a moment (see ``audience``)."""
    if test is not None:
        raise JobError(
            "--test with --recommend would be of other users: put all events into one table, and --split column:COL."
        )
    _check_floors(job, Schema((), job.predict))
    found = audience.of(job, source, job.seed)
    folds = [(np.arange(len(found.taught[0])), np.arange(len(found.choose)))]
    named = _named(source), ""
    parted = {name: asdict(counted) for name, counted in zip(("choice", "test"), found.counted, strict=True)}
    return Asked(
        job,
        found.schema,
        found.choose,
        found.test,
        folds,
        1,
        audience.digest(job, found),
        found.warnings,
        *named,
        collection=found.collection,
        kept=found.known,
        people=found.people,
        taught=found.taught,
        parted=parted,
        other=found.other,
    )


def _searched(job: Job, source: Any, test: Any) -> Asked:
    """The data of a job whose answers are documents: queries, and what was judged for them (see ``library``)."""
    if test is not None:
        raise JobError(
            "--test with --search would be of other queries: put all into one table, and --split column:COL."
        )
    _check_floors(job, Schema((), job.predict))
    found = library.of(job, source)
    job, frame = found.job, found.frame
    index, unseen = splits.split(frame, job)
    if not len(index) or not len(unseen):
        raise DataError("Queries are needed on both sides of the split. Give more of them.")
    folds = _folds(frame[index], frame[unseen], job)
    return Asked(
        job,
        found.schema,
        found.whole.take(index),
        found.whole.take(unseen),
        folds,
        _first(frame[index], frame[unseen], job, folds),
        library.digest(found),
        found.warnings,
        _named(source),
        "",
        collection=found.collection,
        parted={"queries": dict(found.counted), "made": found.made},
    )


def _timed(asked: Asked, frame: pl.DataFrame, held: pl.DataFrame) -> Asked:
    """The same with when its rows were, whose they are, and the folds of the ladder."""
    decode, schema, layout = asked.job.decode, asked.schema, streaming.layout_of(asked.schema)
    assert decode is not None
    rest = events.rest_of(decode.rest, schema.classes, asked.learn.truth.target)
    named = {name: column for name, column in (("person", decode.person), ("session", decode.session)) if column}

    def timed(part: Part, rows: pl.DataFrame) -> Part:
        groups = {name: Coded.of(rows[column].cast(pl.String).to_list()) for name, column in named.items()}
        when = moments.timeline(rows, decode, layout, rest)
        believed = rows[moments.BELIEVED].to_numpy()
        return replace(part, truth=replace(part.truth, timeline=when, groups=groups, believed=believed))

    for part, where in ((asked.learn, "to learn from"), (asked.test, "of the test")):
        if asked.job.score in SEQUENCES and (part.truth.target == rest).all():
            raise DataError(f"Nothing happens in the recordings {where}, so none has a {asked.job.score}.")
    ladder, learn = moments.rungs(frame, asked.job, _FOLDS), timed(asked.learn, frame)
    said = (*asked.warnings, *_unbelieved(learn.truth, schema.classes, decode.settle))
    return replace(asked, learn=learn, test=timed(asked.test, held), ladder=ladder, warnings=said)


def _unbelieved(truth: Truth, classes: Sequence[str], settle: float) -> list[str]:
    """The classes whose labels never last long enough to be believed. Raises JobError where fewer than two do."""
    assert truth.believed is not None
    lasting = np.unique(truth.target[truth.believed])
    lost = [classes[k] for k in np.setdiff1d(truth.target, lasting)]
    if lost and len(lasting) < 2:
        raise JobError(
            f'--settle {settle:g} s leaves nothing of "{lost[0]}" to learn from: no label of it lasts as long. Write a shorter one.'
        )
    named = ", ".join(f'"{name}"' for name in lost)
    return [f"--settle {settle:g} s leaves nothing to learn from of {named}: no label lasts as long."] if lost else []


def whole(job: Job, source: Any, test: Any) -> tuple[Asked, pl.DataFrame, NDArray[np.intp] | None]:
    """All rows with a known target as the part to learn from, yet to be parted: with their frame, and the numbers of
    those of ``test``, None where there is none.

    Raises DataError and JobError.
    """
    job = moments.settled(job)
    given = sources.read(source, job)
    if test is not None and job.signals is not None:
        raise JobError(
            "--test with signals is not parted further: put all recordings into one table, and --split column:COL."
        )
    job, schema = _inferred(job, given)
    frame, dropped = infer.with_target(given.frame, job)
    tested = None
    if test is not None:
        held, _ = infer.with_target(sources.read(test, job).frame, job)
        tested = np.arange(len(frame), len(frame) + len(held))
        frame = pl.concat([frame, held], how="diagonal_relaxed")
    warnings = (*given.warnings, *([dropped] if dropped else []))
    part, digest = _part(frame, job, schema, given), _digest(frame, job, schema, given)
    named = _named(source), _named(test) if test is not None else ""
    found = Asked(job, schema, part, part, [], 0, digest, warnings, *named)
    return _timed(found, frame, frame) if job.decode else found, frame, tested


def tuned_on(frame: pl.DataFrame, held: pl.DataFrame, job: Job) -> list[Pair]:
    """The folds of rows to learn from on which settings are compared, as a fit would; ``held`` are those set apart."""
    found = _folds(frame, held, job)
    return found[: _first(frame, held, job, found)]


def _sampled(given: Source) -> str:
    """The digest of a signal's samples: of all of them up to a gigabyte, else of a gigabyte in even stretches."""
    seen = hashlib.sha256()
    if given.samples is not None:
        seen.update(f"{given.samples.shape} {given.samples.dtype}".encode())
        times = max(1, -(-given.samples.nbytes // _HASHED))
        width = max(1, len(given.samples) // (1_024 * times))
        for begin in range(0, len(given.samples), width * times):
            seen.update(np.ascontiguousarray(given.samples[begin : begin + width]).tobytes())
    return seen.hexdigest()


def _inferred(job: Job, given: Source) -> tuple[Job, Schema]:
    """The job with its task settled, and the schema; who wears a sensor is a category, whatever its cells look like."""
    person = job.decode.person if job.decode else ""
    stated = {**job.kinds, **({person: Kind.CATEGORY} if person else {})}
    settled, schema = infer.infer(given.readable, replace(job, kinds=stated), given.layouts)
    return replace(settled, kinds=job.kinds, signals=given.sensor or job.signals), schema


def _folds(frame: pl.DataFrame, held: pl.DataFrame, job: Job) -> list[Pair]:
    if job.decode:
        return moments.folds(frame, held, job, _FOLDS)
    # Forward folds have little to learn from at first: of many rows in time, the latest are the one holdout.
    several = len(frame) <= _MANY or (len(frame) <= _FOLDED and job.split.how != "time")
    group = splits.groups(frame, job) if len(frame) > _MANY else None
    count = _FOLDS if group is None else splits.parts(group, _FOLDS)
    return splits.folds(frame, job, count if several else 1)


def _first(frame: pl.DataFrame, held: pl.DataFrame, job: Job, folds: Sequence[Pair]) -> int:
    """How many of the folds tell a trial's worth: all of few rows, else as few as hold out enough groups, or one."""
    if len(frame) <= _MANY:
        return len(folds)
    group = moments.groups(frame, held, job) if job.decode else splits.groups(frame, job)
    return 1 if group is None else splits.enough(folds, group)


def _check_floors(job: Job, schema: Schema) -> None:
    fitting = [metric.name for metric in METRICS.values() if job.task.value in metric.tasks]
    fitting += [name for name, quality in LISTS.items() if job.lists or (job.search and quality.chooses)]
    fitting += [*EVENTS, *SYMBOLS, *ROBUSTNESS] if job.decode else ()
    for floor in job.limits.floors:
        if job.decode and floor.name in ROBUSTNESS and (floor.slice or shift.layout_of(schema) is None):
            raise JobError(
                f'--limit "{floor}" speaks of sensors in a ring, all of them. Say that they stand in one with --ring, and name no slice.'
            )
        if job.ranks and floor.slice:
            who = "users" if job.lists else "queries"
            raise JobError(f'--limit "{floor}" names a slice, and {who} have no columns to slice by. Leave it out.')
        if floor.name not in fitting:
            raise JobError(
                f'--limit "{floor}" speaks of another kind of answer than {job.task.value}. There are: {", ".join(_short(fitting))}.'
            )


def _short(names: Sequence[str]) -> list[str]:
    """Qualities of lists once each, and not at every depth."""
    return list(dict.fromkeys(f"{name.split('@')[0]}@10" if name in LISTS else name for name in names))


def _named(source: Any) -> str:
    return str(source) if isinstance(source, str | Path) else "FRAME"


def _part(frame: pl.DataFrame, job: Job, schema: Schema, given: Source) -> Part:
    together = splits.groups(frame, job) if set(job.split.columns) <= set(frame.columns) and not job.decode else None
    truth = Truth(infer.to_target(frame, job, schema), _slices(job.limits, frame), together=together)
    return Part(infer.to_rows(frame, schema, given.samples), truth)


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


def _digest(frame: pl.DataFrame, job: Job, schema: Schema, given: Source) -> str:
    """What a run must share with the one that it continues: the job, and the rows and samples as they were read."""
    seen = hashlib.sha256(json.dumps([job.as_json(), schema.as_json()], sort_keys=True).encode())
    seen.update(frame.hash_rows(seed=0).to_numpy().tobytes())
    seen.update(_sampled(given).encode())
    return seen.hexdigest()
