"""One person's moments as a bundle reads them: whose they are, what was true of them, and what calibrates a model of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import (
    calibration,
    catalogue,
    events,
    evidence,
    infer,
    listed,
    metrics,
    moments,
    sources,
    streaming,
    worth,
)
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.clock import Clock
from plimsoll.errors import DataError, JobError, nearest
from plimsoll.infer import PLACE
from plimsoll.job import Decode, Job
from plimsoll.own import Own, in_order
from plimsoll.recipe import Fold, Model
from plimsoll.rows import Rows
from plimsoll.schema import Schema
from plimsoll.scoring import served
from plimsoll.sources import Source
from plimsoll.trial import Score
from plimsoll.truth import Truth

Array = NDArray[Any]
_ADAPTING = 30.0  # seconds that fitting to a person may take


@dataclass(frozen=True)
class Person:
    """The moments of one person as a bundle reads them, and what calibrates of them."""

    made: Bundle
    name: str
    rows: Rows
    own: Own
    truth: Truth
    warnings: tuple[str, ...] = ()

    @cached_property
    def base(self) -> Model:
        return self.made.model()

    def adapted(self, used: Array) -> Bundle:
        """The bundle of a person whose model has learned from these rows, calibrated on halves of them."""
        model = self._model(used)
        held = replace(self.made, members=dict(model.members()))
        return replace(held, calibration=self._calibrated(used))

    def _model(self, used: Array) -> Model:
        adapt = catalogue.find(self.made.recipe).adapt
        assert adapt is not None
        fold = Fold(self.rows.take(used), self.own.target[used])
        return adapt(self.made.job, self.made.schema, self.base, fold, Clock(_ADAPTING))

    def _calibrated(self, used: Array) -> Calibration:
        """How far its probabilities may be believed: decisions stay those of the model, for seconds are too few to move them."""
        halves, answers = self.own.halves(used), []
        for learn, held in halves:
            answers.append(self._model(used[learn]).predict(self.rows.take(used[held])))
        if not answers:
            return Calibration.none(len(self.made.schema.classes))
        if not metrics.QUALITIES[self.made.job.score].beneath:  # they are no probabilities of moments
            return Calibration.none(len(self.made.schema.classes))
        truth = np.concatenate([self.own.target[used[held]] for _, held in halves])
        return calibration.tempered(truth, np.concatenate(answers), self.made.calibration.coverage)

    def score(self, made: Bundle, rows: Array) -> Score:
        """On these rows, with a 95 % interval by the bootstrap over stretches, whose moments are no separate evidence."""
        name, part = self.made.job.score, self.truth.take(rows)
        given = served(made, part)(self.rows.take(rows), np.arange(len(rows)))
        if name in metrics.SEQUENCES:  # drawn over streams
            return worth.score(name, part, given, made.job.seed)
        spoken = part.target, given.answers, given.labels, made.job.seed
        return evidence.score(name, *spoken, self.own.stretches(rows))


def read(made: Bundle, given: Any, person: str = "", seconds: float = 10.0) -> Person:
    """The moments of one person in recordings, as a bundle takes them. Raises JobError and DataError."""
    job, schema = made.job, made.schema
    if job.decode is None or catalogue.find(made.recipe).adapt is None:
        able = ", ".join(name for name in catalogue.names() if catalogue.find(name).adapt is not None)
        raise JobError(
            f"{made.recipe} cannot be made one person's. Fit a job that decodes with one of these: --recipes {able}."
        )
    if not job.decode.window <= seconds <= 3_600:
        raise DataError(
            f"--seconds {seconds:g} is not a time to calibrate by. Write at least a window, {job.decode.window:g}, and at most 3600."
        )
    asked = _known(job, given)
    layout = {column.name: column.layout for column in schema.columns if column.layout is not None}
    source = sources.read(given, asked, known=layout)
    frame, dropped = infer.with_target(source.frame, asked)
    frame, name = _whose(frame, asked, person)
    who = job.decode.person
    if who in schema.names and who not in frame.columns:
        frame = frame.with_columns(pl.lit(name or None, dtype=pl.String).alias(who))
    rows = infer.to_rows(frame, schema, source.samples)
    warnings = (*source.warnings, *([dropped] if dropped else []))
    own = _own(frame, asked, schema, source)
    assert asked.decode is not None
    when = moments.timeline(frame, asked.decode, streaming.layout_of(schema), own.rest)
    return Person(made, name, rows, own, Truth(own.target, {}, when), warnings)


def _known(job: Job, given: Any) -> Job:
    """The job without the person and the session that a table does not name: it is then all one person's, and one session."""
    assert job.decode is not None
    assert job.signals is not None
    columns = listed.of(given, job.signals).frame.columns
    named = {part: name for part in ("person", "session") if (name := getattr(job.decode, part)) in columns}
    return replace(job, decode=replace(job.decode, **{"person": "", "session": "", **named}))


def _whose(frame: pl.DataFrame, job: Job, person: str) -> tuple[pl.DataFrame, str]:
    assert job.decode is not None
    if not job.decode.person:
        return frame, person
    told = frame[job.decode.person].cast(pl.String)
    people = told.drop_nulls().unique(maintain_order=True).to_list()
    if not person and len(people) == 1:
        person = people[0]
    if not person:
        raise JobError(
            f"--person is missing: these are recordings of {', '.join(people[:12])}. Name the one whose model it is."
        )
    if person not in people:
        raise JobError(f'--person "{person}" is not in these recordings. {nearest(person, people)}')
    return frame.filter(told == person), person


def _own(frame: pl.DataFrame, job: Job, schema: Schema, source: Source) -> Own:
    asked: Decode | None = job.decode
    assert asked is not None
    layout = streaming.layout_of(schema)
    places = frame[next(iter(source.layouts))].struct
    target = infer.to_target(frame, job, schema)
    rest = events.rest_of(asked.rest, schema.classes, target)
    recording = in_order((frame[moments.BLOCK] // moments.BLOCKS).to_list())
    session = in_order(frame[asked.session].to_list()) if asked.session else np.zeros(len(frame), dtype=np.int64)
    ends = places.field(PLACE[1]).to_numpy().astype(np.int64)
    believed, stride = frame[moments.BELIEVED].to_numpy(), layout.frames(asked.stride) / layout.rate
    return Own(target, session, recording, ends, believed, stride, layout.frames(asked.window), rest)
