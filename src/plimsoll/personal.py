"""A bundle for one person, of seconds of their labelled moments and of what the bundle for everybody has kept.

The rows that everybody's model learned from are not needed. What it is worth is measured on later sessions of the person
where there are some, on as many seconds of calibration as are asked about, and with the sensors put on turned.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import (
    bundle,
    calibration,
    catalogue,
    events,
    evidence,
    infer,
    listed,
    meter,
    metrics,
    moments,
    provenance,
    shift,
    sources,
    streaming,
    worth,
)
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.clock import Clock
from plimsoll.errors import DataError, JobError, NothingFits, nearest
from plimsoll.infer import PLACE
from plimsoll.job import Decode, Job
from plimsoll.limits import Measured
from plimsoll.own import Own, in_order
from plimsoll.recipe import Fold, Model
from plimsoll.rows import Rows
from plimsoll.schema import Kind, Schema
from plimsoll.scoring import asking, deciding, served
from plimsoll.shift import Shifts
from plimsoll.sources import Source
from plimsoll.trial import Score
from plimsoll.truth import Truth

Array = NDArray[Any]
SECONDS = (0.0, 1.0, 3.0, 10.0)  # of calibration, a class, that are compared
_METERING = 30.0  # seconds that measuring may take
_TIMED = 50  # chunks that are timed
_TIMES = ("p50", "p99", "memory", "size", "cold_start")


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
        return adapt(self.made.job, self.made.schema, self.base, fold, Clock(_METERING))

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


@dataclass(frozen=True)
class Personal:
    """What came of it: the bundle, the seconds of each class that it learned from, and what it is worth later."""

    made: Bundle
    person: str
    seconds: Mapping[str, float]
    measured: Measured
    curve: Sequence[tuple[float, Score]] = ()  # seconds of calibration → the score on later moments
    shifts: Shifts | None = None
    later: str = ""
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        curve = [{"seconds": seconds, **score.as_json()} for seconds, score in self.curve]
        told = {"person": self.person, "recipe": self.made.recipe, "seconds": dict(self.seconds)}
        shifts = self.shifts.as_json() if self.shifts is not None else None
        found = {"measured": self.measured.as_json(), "curve": curve, "later": self.later, "shift": shifts}
        return {**told, **found, "of": self.made.facts["personal"]["of"], "notes": list(self.notes)}


def personalise(place: Path, given: Any, out: Path, person: str = "", seconds: float = 10.0) -> Personal:
    """Writes the bundle of one person to ``out``, made of the one at ``place`` and of ``seconds`` of each class in recordings.

    Raises BundleError, JobError and DataError where something must be changed, and NothingFits where the new bundle breaks a
    limit on what it costs.
    """
    held = read(bundle.read(bundle.of(place)), given, person, seconds)
    used = held.own.chosen(seconds, held.made.schema.classes)
    later = held.own.later(used)
    made = held.adapted(used)
    score = held.score(made, later) if len(later) else None
    counts = np.bincount(held.own.target[used], minlength=len(made.schema.classes)) * held.own.stride
    told = dict(zip(made.schema.classes, counts.round(3).tolist(), strict=True))
    origin = {"of": held.made.facts["digest"], "person": held.name, "seconds": told}
    made = replace(made, facts=_facts(held, made, used, score, origin))
    made, found = _written(held, made, used, out)
    shifts = None
    if len(later):
        ask = asking(made, held.truth.take(later))
        shifts = shift.measured(ask, held.rows.take(later), made.schema, made.job.score)
    return Personal(
        made, held.name, told, found, _curve(held, used, later, score), shifts, _said(held, later), held.warnings
    )


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


def _facts(held: Person, made: Bundle, used: Array, score: Score | None, origin: Mapping[str, Any]) -> dict[str, Any]:
    rows = held.rows.take(used)
    answers, labels = deciding(made)(rows)
    spread, outputs = evidence.sketches(rows), evidence.answered(made.schema, answers, labels)
    blank = score or Score(made.job.score, 0.0, 0.0, 0.0)
    told = provenance.facts(made.job.limits, Measured({}), blank, spread, outputs)
    return {**told, "metrics": [] if score is None else told["metrics"], "personal": dict(origin)}


def _written(held: Person, made: Bundle, used: Array, out: Path) -> tuple[Bundle, Measured]:
    """Measures the bundle as it will be served, and writes it where it keeps the limits on what it costs."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        bundle.write(work / "bundle", made)
        (work / "requests.jsonl").write_bytes(_requests(held, used))
        found = meter.measure(work / "bundle", work / "requests.jsonl", work, _METERING).measured
        for _ in range(3):  # a digit more or less in what it says of its size changes the size
            made = replace(made, facts={**made.facts, "measured": found.as_json()})
            bundle.write(work / "bundle", made)
            found = found.joined(Measured.exactly(size=float(meter.size(work / "bundle"))))
        if breaches := made.job.limits.only(_TIMES).judge(found):
            raise NothingFits(f"The model of {held.name or 'this person'} breaches {'; '.join(map(str, breaches))}.")
        bundle.write(out, made)
        return bundle.read(out), found


def _requests(held: Person, used: Array) -> bytes:
    """Chunks of a stream, each of one stride."""
    schema, rows = held.made.schema, held.rows.take(used)
    beside = rows.take(np.arange(1)).values(schema)[0][1:]
    asked = held.made.job.decode
    assert asked is not None
    stride = streaming.layout_of(schema).frames(asked.stride)
    chunks = streaming.chunks(rows.signals(schema.of(Kind.SIGNAL)[0]), stride, _TIMED)
    return meter.requests([(chunk, *beside) for chunk in chunks], schema.names)


def _curve(held: Person, used: Array, later: Array, score: Score | None) -> list[tuple[float, Score]]:
    """What so many seconds of calibration are worth on the same later moments; none of them is everybody's model."""
    if score is None:
        return []
    classes, own = held.made.schema.classes, held.own
    have = float(np.bincount(own.target[used], minlength=len(classes)).min() * own.stride)
    asked = [seconds for seconds in SECONDS if held.own.stride <= seconds < 0.95 * have]
    parts = [(seconds, own.chosen(seconds, classes)) for seconds in asked]
    some = [
        (seconds, held.score(held.adapted(part), later))
        for seconds, part in parts
        if not len(np.intersect1d(part, later))
    ]
    return [(0.0, held.score(held.made, later)), *some, (have, score)]


def _said(held: Person, later: Array) -> str:
    if not len(later):
        return "There is no later recording of this person, so nothing can say what the model is worth to them."
    sessions = len(np.unique(held.own.session[later]))
    named = (
        "later sessions"
        if sessions > 1
        else "a later session"
        if held.own.session[later[0]] > 0
        else "later recordings"
    )
    return f"{len(later):,} moments of {named}"
