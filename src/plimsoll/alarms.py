"""What is told of what was watched: each column's shift, the metric now, and the alarms with their evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from plimsoll.drift import LARGE, LEAST, LEVEL, Shift, compare
from plimsoll.errors import DataError
from plimsoll.labelled import LEAST as LEAST_LABELS
from plimsoll.labelled import Live, expected, live
from plimsoll.sketch import parted
from plimsoll.spread import percent
from plimsoll.watching import View

_MOST_BYTES = 50_000_000  # of what a server tells


@dataclass(frozen=True)
class Told:
    """``rows`` are those looked at, of ``all_rows`` that were counted; ``columns`` and ``answers`` have the widest shift first."""

    digest: str
    target: str
    rows: int
    all_rows: int
    passed_over: int
    labels: int
    since: str | None
    columns: list[Shift]
    answers: list[Shift]
    score: Live | None
    expected: Live | None
    alarms: list[str]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def told(view: View) -> Told:
    """All that can be said of what was watched.

    An alarm is raised for a column or an answer that has shifted (see ``drift``), and for a metric that labels say is worse.
    """
    reference, many = view.reference, len(view.reference.columns)
    shifts = compare(
        [*reference.columns, *reference.answers], parted([*reference.columns, *reference.answers], view.counts)
    )
    columns, answers = (sorted(part, key=lambda each: -each.psi) for part in (shifts[:many], shifts[many:]))
    test, pairs = reference.test, view.pairs
    score = would = None
    if test is not None:
        truth, given = pairs[:, 0], pairs[:, 1:]
        numbers = not reference.schema.classes
        found = (truth, given[:, 0]) if numbers else (truth.astype(int), given)
        score = live(test, *found, reference.labels(given)) if len(pairs) else None
        would = None if numbers else expected(test, view.seen, reference.calibration)
    alarms = [*_shifted("", columns), *_shifted("answers: ", answers)]
    if score is not None and score.alarm:
        alarms.append(f"Worse than on the test rows: {score.words}.")
    since = datetime.fromtimestamp(view.since, UTC).isoformat(timespec="seconds") if view.since is not None else None
    counted = (view.rows, view.all_rows, view.passed_over, view.labels, since)
    return Told(
        reference.digest, reference.schema.target, *counted, columns, answers, score, would, alarms, _notes(view)
    )


def _shifted(before: str, shifts: Iterable[Shift]) -> list[str]:
    return [
        f"{before}{each.name}: {each.words} (PSI {each.psi:.2f}; chance alone gives up to {each.chance:.2f})."
        for each in shifts
        if each.alarm
    ]


def _notes(view: View) -> list[str]:
    """What cannot be said, and why."""
    found, reference = [], view.reference
    if not reference.columns:
        found.append("The bundle holds no sketches, so columns are not compared.")
    if not reference.answers:
        found.append("The bundle does not say how its answers were spread, so they are not compared.")
    if reference.test is None:
        found.append("The bundle holds no test score, so labels are not held against one.")
    if view.rows < LEAST:
        found.append(f"{view.rows:,} rows are too few to tell drift from chance; {LEAST} are enough to begin.")
    if 0 < len(view.pairs) < LEAST_LABELS:
        found.append(f"{len(view.pairs):,} labels are too few for a score; {LEAST_LABELS} are enough to begin.")
    return found


def rule() -> str:
    """When an alarm is raised, in a sentence."""
    return (
        f"A shift is an alarm where its PSI is {LARGE:g} or more, and chance alone would raise one, over all columns together, "
        f"in {percent(LEVEL)} of looks (Holm)."
    )


def read(text: bytes, place: str) -> Told:
    """What a server says at /watch. Raises DataError where it is something else."""
    if len(text) > _MOST_BYTES:
        raise DataError(f"{place}: says more than {_MOST_BYTES} bytes, which no watch does.")
    try:
        return msgspec.json.decode(text, type=Told)
    except (msgspec.DecodeError, RecursionError) as fault:
        raise DataError(f"{place}: is not what plimsoll serve says at /watch: {fault}.") from None
