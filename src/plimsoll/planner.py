"""Which trial next: pure functions of what has been tried, what may be tried, what it would cost and the time left.

Every recipe's default comes first. Then the window goes where a second of it promises most: each candidate has an
expected gain over the best so far, and a cost; candidates that cost much are first tried on fewer rows, frozen there, and
thawed when theirs is the best promise (freeze-thaw; Swersky, Snoek and Adams 2014). A candidate that cannot keep its
limits, or cannot end in time, is ruled out with the reason.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from plimsoll import curves
from plimsoll.cases import FULL
from plimsoll.curves import Point
from plimsoll.knobs import Knobs
from plimsoll.metrics import lacking
from plimsoll.outlook import Scene, Step, foretold, ruled_out, step_of, wall
from plimsoll.trial import Status, Trial

RUNGS = (1.0 / 16.0, 0.25)  # shares of the rows on which candidates are tried before all of them
LEAST = 1_000  # rows of a rung
DRAWN = 16  # random settings for each recipe
MARGIN = 1.3  # a trial may take this much longer than foretold
# Of log losses: how far settings of one recipe lie apart, and how far a rung is from telling what all rows will.
_SPREAD = 0.04
_UNSURE = {1.0 / 16.0: 0.04, 0.25: 0.02}
_WORTH = 1e-4  # an expected gain, in log loss, below which there is nothing more to look for
_SHORT = 0.5  # core-seconds of a fit that is not worth trying on fewer rows
_LONGER = 2  # times as long, where training came to what it was allowed
_WIDTH = 2.0 * 1.645  # of a 90 % interval, in standard deviations


@dataclass(frozen=True)
class Offer:
    """A step with what it promises: the expected gain in log loss, and the wall seconds of all that leads to it."""

    step: Step
    gain: float
    seconds: float


def next_step(scene: Scene) -> Step | None:
    """The step to take now; None where nothing that is worth its while fits into the time.

    >>> from plimsoll.knobs import Space
    >>> from plimsoll.profile import Profile
    >>> next_step(Scene({"constant": Space()}, Profile(100), seconds=60.0)).why
    'the default'
    """
    taken = {step_of(trial).key for trial in scene.trials} | {step.key for step in scene.running}
    for recipe, space in scene.spaces.items():
        default = Step(recipe, space.default, 1.0, "the default", "default")
        if default.key in taken:
            continue
        step = _timely(scene, foretold(scene, [default])[0])
        if step and step.key not in taken:
            return step
    offers = sorted(_offers(scene, taken), key=lambda offer: (-offer.gain / offer.seconds, offer.step.key))
    return offers[0].step if offers else None


def _timely(scene: Scene, step: Step) -> Step | None:
    """The step as it can end in time: on one core, on all of them, on fewer rows; or not at all."""
    begun = scene.running or any(trial.status is not Status.RULED_OUT for trial in scene.trials)
    if wall(scene, step) * MARGIN < scene.seconds or not begun:  # without one there is nothing to serve
        return step
    wide = replace(step, wide=True)
    if scene.lanes > 1 and wall(scene, wide) * MARGIN < scene.seconds:
        return None if scene.running else wide
    for share in reversed(rungs(scene)):
        (fewer,) = foretold(
            scene, [replace(step, share=share, why=f"{step.why}, on {share:.0%} of the rows", stage="probe")]
        )
        if wall(scene, fewer) * MARGIN < scene.seconds:
            return fewer
    return None


def rungs(scene: Scene) -> list[float]:
    """The shares of the rows that make rungs."""
    return [share for share in RUNGS if share * scene.profile.rows >= LEAST]


# What there is to try.


def candidates(scene: Scene) -> list[Step]:
    """Every setting of every recipe that could be tried on all rows: the default, the portfolio, longer ones, drawn ones."""
    found: dict[str, Step] = {}
    for recipe, space in scene.spaces.items():
        for place, knobs in enumerate(space.settings(scene.seed, 1 + len(space.portfolio) + DRAWN)):
            stage = "default" if not place else "portfolio" if place <= len(space.portfolio) else "search"
            why = {"default": "the default", "portfolio": "from the portfolio", "search": "a random setting"}[stage]
            step = Step(recipe, knobs, 1.0, why, stage)
            found.setdefault(step.key, step)
    for step in _longer(scene):
        found.setdefault(step.key, step)
    return list(found.values())


def _longer(scene: Scene) -> Iterator[Step]:
    """Settings that came to all that they were allowed, allowed more."""
    for case in scene.cases:
        for knob, settled in case.settled.items():
            allowed = case.known.knobs.get(knob)
            if isinstance(allowed, int) and settled >= FULL * allowed and case.known.recipe in scene.spaces:
                knobs = {**case.known.knobs, knob: _LONGER * allowed}
                yield Step(case.known.recipe, knobs, 1.0, f"training was not done at {knob}={allowed}", "longer")


# What they promise.


def _offers(scene: Scene, taken: set[str]) -> Iterator[Offer]:
    """Every candidate's next step that fits into the time, with its promise."""
    best = best_loss(scene.trials)
    if best is None:
        return
    left = [step for step in candidates(scene) if step.key not in taken]
    told = foretold(scene, left)
    out = {step.key for step, _ in ruled_out(scene, told)} if not scene.lenient else set()
    for step in told:
        if step.key in out:
            continue
        path = _path(scene, step)
        if path[0].key in taken:
            continue
        middle, spread = _expected(scene, step)
        gain = expected_gain(best, middle, spread)
        cost = sum(wall(scene, each) for each in path)
        if len(path) > 1 and cost * MARGIN >= scene.seconds:
            continue  # there would be no time for all the rows after the few
        if gain >= _WORTH and (first := _timely(scene, path[0])) is not None and first.key not in taken:
            yield Offer(first, gain, cost)


def _path(scene: Scene, step: Step) -> list[Step]:
    """The rungs that a candidate has yet to climb, and the top: rungs that save nothing are left out."""
    done = {trial.share for trial in scene.trials if step_of(trial).whole == step.whole and trial.score}
    full = wall(scene, step)
    top = max((share for share in done if share < 1.0), default=0.0)
    path = [step]
    shares = [share for share in rungs(scene) if share > top]
    if full - scene.served > _SHORT and shares:
        tries = [
            replace(step, share=share, why=f"{step.why}, on {share:.0%} of the rows", stage="probe")
            for share in shares
            if step.stage != "longer"
        ]
        path = [each for each in foretold(scene, tries) if wall(scene, each) < 0.5 * full][:1] + path
    return path


def _expected(scene: Scene, step: Step) -> tuple[float, float]:
    """(middle, spread) of the log loss that a candidate would have on all rows."""
    own = {t.share: log_loss_of(t) for t in scene.trials if step_of(t).whole == step.whole and t.score}
    if own:
        share = max(own)
        drop, spread = _carried(scene, step.recipe, share)
        return own[share] + drop, spread
    family = [log_loss_of(t) for t in scene.trials if t.recipe == step.recipe and t.share >= 1.0 and t.score]
    if not family:
        best = best_loss(scene.trials)
        return (best or 0.0), 2.0 * _SPREAD
    shorter = [log_loss_of(t) for t in _shorter(scene, step)]
    if not shorter:
        return min(family) + _SPREAD / 4, _SPREAD
    change, spread = _continued(scene, step)
    return min(shorter) + change, spread


def _continued(scene: Scene, step: Step) -> tuple[float, float]:
    """(how much a log loss changes where training goes on for longer, how unsure that is), by its curve so far.

    The curve is of the loss that training watches, which falls much as the score's does.
    """
    for case in scene.cases:
        if case.curve and case.known.recipe == step.recipe and _but_one(case.known.knobs, step.knobs):
            made = curves.fit([Point(spent, loss) for spent, loss in case.curve if spent > 0])
            if made.refused:  # it had come down, and did not go on to
                return 0.0, _SPREAD / 4
            low, middle, high = (max(part, 1e-12) for part in made.at(_LONGER * made.last.size))
            return math.log(middle / made.last.loss), _SPREAD / 8 + math.log(high / low) / _WIDTH
    return -_SPREAD / 4, _SPREAD / 2


def _but_one(knobs: Knobs, other: Knobs) -> bool:
    """Whether two settings differ in one knob alone."""
    return sum(other.get(name) != value for name, value in knobs.items()) == 1


def _shorter(scene: Scene, step: Step) -> Iterator[Trial]:
    """The trials on all rows of the same setting with less training."""
    if step.stage == "longer":
        for trial in scene.trials:
            if trial.recipe == step.recipe and trial.share >= 1.0 and trial.score and _but_one(trial.knobs, step.knobs):
                yield trial


def _carried(scene: Scene, recipe: str, share: float) -> tuple[float, float]:
    """(how much a log loss changes from a share of the rows to all of them, how unsure that is), from those that have both."""
    full = {step_of(t).whole: log_loss_of(t) for t in scene.trials if t.share >= 1.0 and t.score and t.recipe == recipe}
    drops = [
        full[step_of(t).whole] - log_loss_of(t)
        for t in scene.trials
        if t.share == share and t.score and step_of(t).whole in full
    ]
    unsure = _UNSURE.get(share, _SPREAD)
    return (statistics.median(drops), unsure) if drops else (-unsure, 2.0 * unsure)


def log_loss_of(trial: Trial) -> float:
    """The log of what a score lacks of the best that there can be: less is better."""
    assert trial.score is not None
    return math.log(max(lacking(trial.score.metric, trial.score.value), 1e-6))


def best_loss(trials: Iterable[Trial]) -> float | None:
    """The least log loss of those that keep their limits; of all where none does."""
    whole = [trial for trial in trials if trial.complete]
    fit = [trial for trial in whole if trial.status is Status.FITS] or whole
    return min(map(log_loss_of, fit), default=None)


def expected_gain(best: float, middle: float, spread: float) -> float:
    """How much below the best a normal variable lies on average, counted as nothing where it does not (Mockus 1975).

    >>> round(expected_gain(0.0, 0.0, 1.0), 4), expected_gain(0.0, 1.0, 0.0)
    (0.3989, 0.0)
    """
    if spread <= 0:
        return max(0.0, best - middle)
    z = (best - middle) / spread
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return spread * (z * 0.5 * (1.0 + math.erf(z / math.sqrt(2.0))) + density)
