"""Which trial next: pure functions of what has been tried, what may be tried, what it would cost and the time left.

Every recipe's default comes first. Then the window goes where a second of it promises most: each candidate has an
expected gain over the best so far, and a cost; where it is worth its while a candidate is first tried on fewer rows,
frozen there, and thawed when its is the best promise (freeze-thaw; Swersky, Snoek and Adams 2014). A candidate that
cannot keep its limits, or cannot end in time, is ruled out with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from plimsoll.cases import FULL
from plimsoll.outlook import Scene, Step, foretold, ruled_out, step_of, wall
from plimsoll.promise import DRAWN, LONGER, Promise, Promises, best_loss, log_loss_of
from plimsoll.trial import Status

RUNGS = (1.0 / 16.0, 0.25)  # shares of the rows on which candidates are tried before all of them
LEAST = 1_000  # rows of a rung
MARGIN = 1.3  # a trial may take this much longer than foretold
_WORTH = 1e-4  # an expected gain, in log loss, below which there is nothing more to look for


@dataclass(frozen=True)
class Offer:
    """A step with the gain in log loss that it is expected to lead to, and the wall seconds that it takes to get there."""

    step: Step
    gain: float
    seconds: float

    @property
    def rate(self) -> float:
        return self.gain / self.seconds


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
    offers = sorted(_offers(scene, taken), key=lambda offer: (-offer.rate, offer.step.key))
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
        (fewer,) = foretold(scene, [_on(step, share)])
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
        listed = len(space.listed)
        for place, knobs in enumerate(space.settings(scene.seed, listed + DRAWN)):
            stage = "default" if not place else "portfolio" if place < listed else "search"
            why = {"default": "the default", "portfolio": "from the portfolio", "search": "a random setting"}[stage]
            step = Step(recipe, knobs, 1.0, why, stage)
            found.setdefault(step.key, step)
    for step in (*_longer(scene), *_near(scene)):
        found.setdefault(step.key, step)
    return list(found.values())


def _near(scene: Scene) -> Iterator[Step]:
    """Settings one step away from the best of each recipe: where drawn ones have shown the place, its surroundings."""
    for recipe, space in scene.spaces.items():
        done = [t for t in scene.trials if t.recipe == recipe and t.complete and t.status is Status.FITS]
        if done:
            best = min(done, key=log_loss_of)
            for name, knobs in space.near(best.knobs):
                yield Step(recipe, knobs, 1.0, f"beside {best.id}: {name} {knobs[name]}", "near")


def _longer(scene: Scene) -> Iterator[Step]:
    """Settings that came to all that they were allowed, allowed more."""
    for case in scene.cases:
        for knob, settled in case.settled.items():
            allowed = case.known.knobs.get(knob)
            if isinstance(allowed, int) and settled >= FULL * allowed and case.known.recipe in scene.spaces:
                knobs = {**case.known.knobs, knob: LONGER * allowed}
                yield Step(case.known.recipe, knobs, 1.0, f"training was not done at {knob}={allowed}", "longer")


# What they offer.


def _offers(scene: Scene, taken: set[str]) -> Iterator[Offer]:
    """Every candidate's next step that fits into the time, with what it leads to."""
    best = best_loss(scene.trials)
    if best is None:
        return
    left = [step for step in candidates(scene) if step.key not in taken]
    told = foretold(scene, left)
    out = {step.key for step, _ in ruled_out(scene, told)} if not scene.lenient else set()
    waiting = {step.whole for step in scene.running}
    open_ = [step for step in told if step.key not in out and step.whole not in waiting]
    promises = Promises(scene)
    tries = _tries(scene, open_, promises)
    for step in open_:
        ways = _ways(scene, step, tries.get(step.key, ()), promises.of(step), best)
        found = max((way for way in ways if way.gain >= _WORTH), key=lambda way: way.rate, default=None)
        if found is not None:
            first = _timely(scene, _compared(scene, found.step, promises, taken))
            if first is not None and first.key not in taken:
                yield replace(found, step=first)


def _tries(scene: Scene, steps: Sequence[Step], promises: Promises) -> dict[str, list[Step]]:
    """Each candidate on the shares of the rows that it has yet to be tried on, with what that would cost.

    None for training that goes on for longer: what is known of the shorter tells more.
    """
    due = [(step, promises.seen(step)) for step in steps if step.stage != "longer"]
    found: dict[str, list[Step]] = {}
    for fewer in foretold(scene, [_on(step, share) for step, seen in due for share in rungs(scene) if share > seen]):
        found.setdefault(fewer.whole, []).append(fewer)
    return found


def _ways(scene: Scene, step: Step, tries: Sequence[Step], promise: Promise, best: float) -> Iterator[Offer]:
    """The ways to a candidate's score on all rows: at once, or on fewer rows first and on all where that went well."""
    full = max(wall(scene, step), 1e-9)
    yield Offer(step, promise.gain(best), full)
    for fewer in tries:
        first, after = wall(scene, fewer), promise.after(fewer.share)
        if (first + full) * MARGIN < scene.seconds:  # there must be time for all the rows after the few
            yield Offer(fewer, after.gain(best), first + after.chance(best) * full)


def _on(step: Step, share: float) -> Step:
    """A step on a share of the rows."""
    return replace(step, share=share, why=f"{step.why}, on {share:.0%} of the rows", stage="probe")


def _compared(scene: Scene, step: Step, promises: Promises, taken: set[str]) -> Step:
    """The step; or first, where nothing tells what a share of the rows is worth, the best setting of all rows on as few."""
    known = promises.whole(step.recipe)
    if step.share >= 1.0 or not known or promises.changes(step.recipe, step.share):
        return step
    best = step_of(min(known, key=log_loss_of))
    (first,) = foretold(scene, [_on(replace(best, why="the best so far, to compare others with"), step.share)])
    return step if first.key in taken else first
