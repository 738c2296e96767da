"""What candidates promise: the score that each would have on all rows, how unsure that is, and what it is worth to know.

Scores are told as log losses, the log of what they lack of the best there can be, so that a step means the same near the
top as far from it. A candidate that has been tried on fewer rows is told by how its recipe's score changed from as few to
all; the worth of trying one on fewer rows first is that of a measurement with an error (the knowledge gradient; Frazier,
Powell and Dayanik 2009).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from plimsoll import curves
from plimsoll.curves import Point
from plimsoll.knobs import Knobs, Space
from plimsoll.metrics import lacking
from plimsoll.outlook import Scene, Step, step_of
from plimsoll.trial import Status, Trial

DRAWN = 16  # random settings for each recipe
LONGER = 2  # times as long, where training came to what it was allowed
# Of log losses: how far settings of one recipe lie apart, by how much drawn ones are worse than the default, how far off
# one may count; and how far a share of the rows is from telling what all will.
_SPREAD = 0.05
_WORSE = 0.03
_FAR = 0.15
_BESIDE = (0.005, 0.02)  # by how much a setting beside the best is worse, about, and how far it may lie from that
_PRIOR = 3.0  # settings that were tried here weigh as much as what is usual
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


class Promises:
    """What candidates would have on all rows, by what has been tried so far."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._tried: dict[str, dict[float, Trial]] = {}  # by candidate, and by share of the rows
        for trial in scene.trials:
            if trial.score:
                self._tried.setdefault(step_of(trial).whole, {})[trial.share] = trial
        self._usual: dict[str, Promise] = {}

    def of(self, step: Step) -> Promise:
        """A candidate's."""
        own = self._tried.get(step.whole)
        if own:
            share = max(own)
            drop = self._carried(step.recipe, share)
            return Promise(log_loss_of(own[share]) + drop.middle, drop.spread)
        shorter = self._shorter(step)
        if shorter is not None:
            before, change = self.of(step_of(shorter)), self._continued(shorter)
            return Promise(before.middle + change.middle, math.hypot(before.spread, change.spread))
        return self._beside(step) if step.stage == "near" else self._untried(step)

    def _beside(self, step: Step) -> Promise:
        """Of a setting one step away from the best of its recipe."""
        done = [trial for trial in self.whole(step.recipe) if trial.status is Status.FITS] or self.whole(step.recipe)
        return Promise(min(map(log_loss_of, done)) + _BESIDE[0], _BESIDE[1])

    def seen(self, step: Step) -> float:
        """The largest share of the rows that a candidate was tried on."""
        return max(self._tried.get(step.whole, ()), default=0.0)

    def whole(self, recipe: str) -> list[Trial]:
        """A recipe's trials on all rows."""
        return [each[1.0] for each in self._tried.values() if 1.0 in each and each[1.0].recipe == recipe]

    def changes(self, recipe: str, share: float) -> list[float]:
        """What the log loss of a recipe's settings changed by, from a share of the rows to all of them."""
        both = [each for each in self._tried.values() if share in each and 1.0 in each and each[1.0].recipe == recipe]
        return [log_loss_of(each[1.0]) - log_loss_of(each[share]) for each in both]

    def _carried(self, recipe: str, share: float) -> Promise:
        """How much a log loss changes from a share of the rows to all of them, by the settings that have both."""
        if share >= 1.0:
            return Promise(0.0, 0.0)
        unsure = _UNSURE.get(share, _SPREAD)
        drops = self.changes(recipe, share)
        return Promise(statistics.median(drops), unsure) if drops else Promise(-unsure, 2.0 * unsure)

    def _untried(self, step: Step) -> Promise:
        """Of a setting of which nothing is known: as far from its recipe's default as settings usually are, and as those
        that have been tried here turned out to be."""
        space = self._scene.spaces.get(step.recipe)
        default = Step(step.recipe, space.default if space else {})
        if space is None or 1.0 not in self._tried.get(default.whole, ()):
            return Promise(best_loss(self._scene.trials) or 0.0, 2.0 * _SPREAD)
        if step.recipe not in self._usual:
            self._usual[step.recipe] = self._off(space, default)
        usual = self._usual[step.recipe]
        return Promise(self.of(default).middle + _worse(space, step.knobs) + usual.middle, usual.spread)

    def _off(self, space: Space, default: Step) -> Promise:
        """How far settings of a recipe turn out to lie from where they were expected."""
        steps = {whole: step_of(next(iter(each.values()))) for whole, each in self._tried.items()}
        known = [s for s in steps.values() if s.recipe == default.recipe and s.whole != default.whole]
        base = self.of(default).middle
        drawn = list(space.settings(self._scene.seed, len(space.listed) + DRAWN))
        off = [self.of(s).middle - base - _worse(space, s.knobs) for s in known if dict(s.knobs) in drawn]
        off = [max(-_FAR, min(_FAR, each)) for each in off]
        shift = sum(off) / (len(off) + _PRIOR)
        spread = (_PRIOR * _SPREAD**2 + sum((each - shift) ** 2 for each in off)) / (len(off) + _PRIOR)
        return Promise(shift, math.sqrt(spread))

    def _shorter(self, step: Step) -> Trial | None:
        """The trial whose training a step would go on with: on the most rows, and of those the longest."""
        if step.stage != "longer":
            return None
        trials = [trial for each in self._tried.values() for trial in each.values() if trial.recipe == step.recipe]
        found = [trial for trial in trials if _but_one(trial.knobs, step.knobs)]
        return max(found, key=lambda trial: (trial.share, _differing(trial.knobs, step.knobs)), default=None)

    def _continued(self, trial: Trial) -> Promise:
        """How much a log loss changes where training goes on for longer, by the trial's own curve."""
        rows = self._scene.profile.shared(trial.share).rows
        for case in self._scene.cases:
            known = case.known
            if (known.recipe, known.knobs, known.profile.rows) == (trial.recipe, trial.knobs, rows) and case.curve:
                return _ahead(case.curve)
        return Promise(-_SPREAD / 4, _SPREAD / 2)


def _worse(space: Space, knobs: Knobs) -> float:
    """By how much a setting is usually worse than the default: one of the portfolio by nothing, a drawn one by a little."""
    return 0.0 if knobs in space.listed else _WORSE


@lru_cache(maxsize=1_024)
def _ahead(curve: tuple[tuple[float, float], ...]) -> Promise:
    """What a curve of the loss that training watches, which falls much as the score's does, says of as much training again."""
    made = curves.fit([Point(spent, loss) for spent, loss in curve if spent > 0])
    if made.refused:  # it had come down, and did not go on to
        return Promise(0.0, _SPREAD / 4)
    low, middle, high = (max(part, 1e-12) for part in made.at(LONGER * made.last.size))
    return Promise(math.log(middle / made.last.loss), _SPREAD / 8 + math.log(high / low) / _WIDTH)


def _but_one(knobs: Knobs, other: Knobs) -> bool:
    """Whether two settings differ in one knob alone."""
    return sum(other.get(name) != value for name, value in knobs.items()) == 1


def _differing(knobs: Knobs, other: Knobs) -> float:
    """The value of the one knob in which a setting differs from another, where it is a number."""
    return next((float(v) for name, v in knobs.items() if other.get(name) != v and not isinstance(v, str)), 0.0)


def log_loss_of(trial: Trial) -> float:
    """The log of what a score lacks of the best that there can be: less is better."""
    assert trial.score is not None
    return math.log(max(lacking(trial.score.metric, trial.score.value), 1e-6))


def best_loss(trials: Iterable[Trial]) -> float | None:
    """The least log loss of those that keep their limits; of all where none does."""
    complete = [trial for trial in trials if trial.complete]
    fit = [trial for trial in complete if trial.status is Status.FITS] or complete
    return min(map(log_loss_of, fit), default=None)
