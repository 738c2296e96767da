"""What candidates promise: the score that each would have on all rows, how unsure that is, and what it is worth to know.

Scores are told as log losses, the log of what they lack of the best there can be, so that a step means the same near the
top as far from it. A candidate that has been tried on fewer rows is told by how its recipe's score changed from as few to
all; the worth of trying one on fewer rows first is that of a measurement with an error (the knowledge gradient; Frazier,
Powell and Dayanik 2009).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from plimsoll import curves
from plimsoll.curves import Point
from plimsoll.knobs import Knobs
from plimsoll.metrics import lacking
from plimsoll.outlook import Scene, Step, step_of
from plimsoll.trial import Status, Trial

LONGER = 2  # times as long, where training came to what it was allowed
# Of log losses: how far settings of one recipe lie apart, and how far a share of the rows is from telling what all will.
_SPREAD = 0.04
_UNSURE = {1.0 / 16.0: 0.04, 0.25: 0.02}
_WIDTH = 2.0 * 1.645  # of a 90 % interval, in standard deviations


@dataclass(frozen=True)
class Promise:
    """The log loss that a candidate would have on all rows: what is expected, and a standard deviation."""

    middle: float
    spread: float

    def gain(self, best: float) -> float:
        """How much it is expected to lie below the best, counted as nothing where it does not (Mockus 1975).

        >>> round(Promise(0.0, 1.0).gain(0.0), 4), Promise(1.0, 0.0).gain(0.0)
        (0.3989, 0.0)
        """
        if self.spread <= 0:
            return max(0.0, best - self.middle)
        z = (best - self.middle) / self.spread
        density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        return self.spread * (z * self.chance(best) + density)

    def chance(self, best: float) -> float:
        """Of lying below the best.

        >>> Promise(0.0, 1.0).chance(0.0)
        0.5
        """
        if self.spread <= 0:
            return float(self.middle < best)
        return 0.5 * (1.0 + math.erf((best - self.middle) / self.spread / math.sqrt(2.0)))

    def after(self, share: float) -> Promise:
        """What may be expected of it after it was tried on a share of the rows: as its middle will move, so it is spread."""
        return Promise(self.middle, self.spread**2 / math.hypot(self.spread, _UNSURE.get(share, _SPREAD)))


def promised(scene: Scene, step: Step) -> Promise:
    """What a candidate would have on all rows, by what has been tried so far."""
    own = {t.share: log_loss_of(t) for t in scene.trials if step_of(t).whole == step.whole and t.score}
    if own:
        share = max(own)
        drop = _carried(scene, step.recipe, share)
        return Promise(own[share] + drop.middle, drop.spread)
    shorter = list(_shorter(scene, step))
    if shorter:
        before = min((promised(scene, each) for each in shorter), key=lambda each: each.middle)
        change = _continued(scene, step)
        return Promise(before.middle + change.middle, math.hypot(before.spread, change.spread))
    family = [log_loss_of(trial) for trial in whole(scene, step.recipe)]
    if not family:
        return Promise(best_loss(scene.trials) or 0.0, 2.0 * _SPREAD)
    return Promise(min(family) + _SPREAD / 4, _SPREAD)


def whole(scene: Scene, recipe: str) -> list[Trial]:
    """A recipe's trials on all rows that have a score."""
    return [trial for trial in scene.trials if trial.recipe == recipe and trial.share >= 1.0 and trial.score]


def _carried(scene: Scene, recipe: str, share: float) -> Promise:
    """How much a log loss changes from a share of the rows to all of them, by the trials that have both."""
    if share >= 1.0:
        return Promise(0.0, 0.0)
    unsure = _UNSURE.get(share, _SPREAD)
    drops = changes(scene, recipe, share)
    return Promise(statistics.median(drops), unsure) if drops else Promise(-unsure, 2.0 * unsure)


def changes(scene: Scene, recipe: str, share: float) -> list[float]:
    """What the log loss of a recipe's settings changed by, from a share of the rows to all of them."""
    full = {step_of(trial).whole: log_loss_of(trial) for trial in whole(scene, recipe)}
    fewer = [t for t in scene.trials if t.share == share and t.score and step_of(t).whole in full]
    return [full[step_of(trial).whole] - log_loss_of(trial) for trial in fewer]


def _shorter(scene: Scene, step: Step) -> Iterator[Step]:
    """The settings that were tried and differ from this one in that they train for less long."""
    if step.stage == "longer":
        for trial in scene.trials:
            if trial.recipe == step.recipe and trial.score and _but_one(trial.knobs, step.knobs):
                yield step_of(trial)


def _continued(scene: Scene, step: Step) -> Promise:
    """How much a log loss changes where training goes on for longer, by its curve so far.

    The curve is of the loss that training watches, which falls much as the score's does.
    """
    for case in scene.cases:
        if case.curve and case.known.recipe == step.recipe and _but_one(case.known.knobs, step.knobs):
            made = curves.fit([Point(spent, loss) for spent, loss in case.curve if spent > 0])
            if made.refused:  # it had come down, and did not go on to
                return Promise(0.0, _SPREAD / 4)
            low, middle, high = (max(part, 1e-12) for part in made.at(LONGER * made.last.size))
            return Promise(math.log(middle / made.last.loss), _SPREAD / 8 + math.log(high / low) / _WIDTH)
    return Promise(-_SPREAD / 4, _SPREAD / 2)


def _but_one(knobs: Knobs, other: Knobs) -> bool:
    """Whether two settings differ in one knob alone."""
    return sum(other.get(name) != value for name, value in knobs.items()) == 1


def log_loss_of(trial: Trial) -> float:
    """The log of what a score lacks of the best that there can be: less is better."""
    assert trial.score is not None
    return math.log(max(lacking(trial.score.metric, trial.score.value), 1e-6))


def best_loss(trials: Iterable[Trial]) -> float | None:
    """The least log loss of those that keep their limits; of all where none does."""
    complete = [trial for trial in trials if trial.complete]
    fit = [trial for trial in complete if trial.status is Status.FITS] or complete
    return min(map(log_loss_of, fit), default=None)
