"""A bundle for one person, of seconds of their labelled moments and of what the bundle for everybody has kept.

The rows that everybody's model learned from are not needed. What it is worth is measured on later sessions of the person
where there are some, on as many seconds of calibration as are asked about, and with the sensors put on turned.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import (
    bundle,
    evidence,
    meter,
    provenance,
    shift,
    streaming,
)
from plimsoll.bundle import Bundle
from plimsoll.errors import NothingFits
from plimsoll.limits import Measured
from plimsoll.person import Person, read
from plimsoll.schema import Kind
from plimsoll.scoring import asking, deciding
from plimsoll.shift import Shifts
from plimsoll.trial import Score

Array = NDArray[Any]
SECONDS = (0.0, 1.0, 3.0, 10.0)  # of calibration, a class, that are compared
_METERING = 30.0  # seconds that measuring may take
_TIMED = 50  # chunks that are timed
_TIMES = ("p50", "p99", "memory", "size", "cold_start")


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
