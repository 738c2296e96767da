"""What it would take to reach a quality: how many more rows, how much time and energy, or that more rows will not do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from plimsoll import curves, machine, units
from plimsoll.cases import Candidate, Known
from plimsoll.costs import Costs
from plimsoll.curves import Curve, Point
from plimsoll.errors import LimitError
from plimsoll.limits import Limit, parse
from plimsoll.metrics import lacking
from plimsoll.profile import Profile
from plimsoll.trial import Trial

_ALSO = {"auc": "roc_auc", "f1": "macro_f1"}  # names that people write
_Z = 2.0 * 1.96  # widths of a 95 % interval in standard errors


@dataclass(frozen=True)
class Answer:
    """What was found out. ``rows`` are (least, likely, most), None where it is beyond what the curve can tell."""

    goal: Limit
    text: str
    rows: tuple[float | None, float | None, float | None] = (None, None, None)
    expected: tuple[float, float, float] | None = None  # the score with the rows that there are

    def as_json(self) -> dict[str, Any]:
        return {"goal": str(self.goal), "text": self.text, "rows": list(self.rows), "expected": self.expected}


def read(text: str) -> Limit:
    """A goal such as ``roc_auc > 0.95``. Raises LimitError in one line.

    >>> str(read("auc > 0.95"))
    'roc_auc > 0.95'
    """
    name = text.strip().split("<")[0].split(">")[0].strip()
    found = parse(text.replace(name, _ALSO[name], 1) if name in _ALSO else text)
    if len(found.each) != 1 or not found.floors or found.moments.each or found.each[0].slice:
        raise LimitError(
            f'--goal "{text}" is not one quality. Write a metric, a side and a number, as in "roc_auc > 0.95".'
        )
    return found.each[0]


def curve(trials: Sequence[Trial], rows: int) -> Curve | None:
    """The learning curve through a recipe's default on fewer rows and more; None without a score."""
    points = [
        Point(max(1.0, trial.share * rows), lacking(score.metric, score.value), (score.high - score.low) / _Z)
        for trial in trials
        if (score := trial.score) is not None
    ]
    return curves.fit(points) if points else None


def best(trials: Sequence[Trial], rows: int) -> tuple[str, Curve] | None:
    """The recipe whose curve promises the least loss with the rows that there are."""
    found = []
    for recipe in sorted({trial.recipe for trial in trials}):
        made = curve([trial for trial in trials if trial.recipe == recipe], rows)
        if made is not None:
            found.append((made.at(rows)[1], recipe, made))
    return min(found, key=lambda each: each[:2])[1:] if found else None


def answer(goal: Limit, trials: Sequence[Trial], profile: Profile, costs: Costs, knobs: Any) -> Answer:
    """Whether the goal is reached, and with how many rows, by the curve of the best recipe's default."""
    found = best(trials, profile.rows)
    if found is None:
        return Answer(goal, f"{goal}: nothing is known, for no probe came to a score.")
    recipe, made = found
    low, middle, high = (lacking(goal.name, loss) for loss in made.at(profile.rows))
    expected = (min(low, high), middle, max(low, high))
    wanted = lacking(goal.name, goal.bound)
    now = f"{recipe} as it comes is expected at {units.show(middle, units.SHARE)} ({units.show(expected[0], units.SHARE)} to {units.show(expected[2], units.SHARE)}) with the {profile.rows:,} rows of a fit"
    if made.refused:
        return Answer(goal, f"{goal}: {now}; beyond them nothing is said, for {made.refused}.", expected=expected)
    needed = made.needed(wanted)
    text = f"{goal}: {now}; {_told(goal, recipe, needed, profile, costs, knobs(recipe), made, wanted)}"
    return Answer(goal, text, needed, expected)


def _told(
    goal: Limit, recipe: str, needed: Any, profile: Profile, costs: Costs, knobs: Any, made: Curve, wanted: float
) -> str:
    least, likely, most = needed
    if made.at(profile.rows)[1] <= wanted:
        return "that reaches it."
    if least is None:
        floor = lacking(goal.name, made.at(profile.rows * curves.FARTHEST)[0])
        return f"more rows will not get there: the curve flattens out at {units.show(floor, units.SHARE)} at best."
    if likely is None:
        return f"it would take {least:,.0f} rows at the very least, and more likely more rows will not get there."
    upper = f"to {most:,.0f}" if most is not None else "or many more"
    (told,) = costs.predict([Candidate(Known(recipe, knobs, replace(profile, rows=int(likely))))])
    cpu = told.figures.get("cpu")
    if cpu is None or not math.isfinite(cpu[2]):
        spent = ""
    else:
        joules = machine.energy(cpu[0])[0], machine.energy(cpu[2])[2]
        spent = f"; a fit then takes {units.show(cpu[0], units.TIME)} to {units.show(cpu[2], units.TIME)} of a core and, estimated, {units.show(joules[0], units.ENERGY)} to {units.show(joules[1], units.ENERGY)}"
    return f"about {likely:,.0f} rows ({least:,.0f} {upper}) would reach it, {likely / profile.rows:.1f} times as many{spent}."
