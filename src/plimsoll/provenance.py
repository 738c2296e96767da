"""What a bundle says of how it was made: what was asked and measured, where, with what, and how its columns were spread."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from plimsoll import evidence, machine
from plimsoll.asked import Asked
from plimsoll.limits import COSTS, Limits, Measured
from plimsoll.trial import Score

_LONG = 1e-5 / 3.0  # as many digits as a figure can have


def facts(
    limits: Limits, measured: Measured, test: Score, sketches: Mapping[str, Any], answers: Mapping[str, Any]
) -> dict[str, Any]:
    """What a bundle says of how it was made; ``sketches`` are of the training rows, or of histories up
    to the test, ``answers`` of those to the test rows."""
    return {
        "limits": [str(limit) for limit in limits],
        "measured": measured.as_json(),
        "machine": machine.card(),
        "metrics": [test.as_json()],
        "sketches": dict(sketches),
        "answers": dict(answers),
        "versions": machine.versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def blank(limits: Limits, metric: str, asked: Asked) -> dict[str, Any]:
    """The same before anything is known, and as long as it can become: a trial's bundle weighs what will be served."""
    names = {*COSTS, *(limit.key for limit in limits)}
    measured = Measured(dict.fromkeys(names, (_LONG, _LONG, _LONG)))
    test = Score(metric, _LONG, _LONG, _LONG)
    answers = evidence.longest_answered(asked.schema, _LONG)
    # Who is served has a history up to now, which is as long as those that the test rows have.
    rows = asked.test.rows if asked.schema.lists else asked.learn.rows
    return facts(limits, measured, test, evidence.sketches(rows), answers)
