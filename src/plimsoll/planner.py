"""Which trial next: pure functions of what has been tried, what may be tried and the time left.

The order is: every recipe's default; then the portfolios of the recipes that are still in reach of the best;
then successive halving (Jamieson and Talwalkar 2016) of seeded random settings, first on a quarter of the rows.
The learned planner takes the place of ``next_step`` and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plimsoll.frontier import goodness
from plimsoll.knobs import Knobs, Space
from plimsoll.trial import Trial

SHARE = 0.25  # of the rows, in the first round of halving
DRAWN = 8  # random settings for each recipe in reach
KEPT = 3  # of them that go on to all rows
MARGIN = 1.15  # a trial may take this much longer than its forecast


@dataclass(frozen=True)
class Step:
    """One trial to run."""

    recipe: str
    knobs: Knobs = field(default_factory=dict)
    share: float = 1.0
    why: str = ""

    @property
    def key(self) -> str:
        return f"{self.recipe} {json.dumps(dict(self.knobs), sort_keys=True)} {self.share:g}"


def key(trial: Trial) -> str:
    return Step(trial.recipe, trial.knobs, trial.share).key


def next_step(
    trials: Sequence[Trial], spaces: Mapping[str, Space], rows: int, seconds: float, seed: int
) -> Step | None:
    """The first step not yet taken for which there is time; None ends the search.

    >>> next_step([], {"constant": Space()}, rows=100, seconds=60.0, seed=0).why
    'the default'
    """
    taken = {key(trial) for trial in trials}
    for step in steps(trials, spaces, rows, seed):
        if step.key not in taken and forecast(step, trials) * MARGIN < seconds:
            return step
    return None


def steps(trials: Sequence[Trial], spaces: Mapping[str, Space], rows: int, seed: int) -> Iterator[Step]:
    """Every step that could be taken now, in the order of its worth."""
    for recipe, space in spaces.items():
        yield Step(recipe, space.default, 1.0, "the default")
    reach = in_reach(trials, spaces)
    for turn in range(max((len(spaces[name].portfolio) for name in reach), default=0)):
        for name in reach:
            for change in spaces[name].portfolio[turn : turn + 1]:
                yield Step(name, {**spaces[name].default, **change}, 1.0, "from the portfolio")
    for name in reach:
        yield from _halving(trials, name, spaces[name], rows, seed)


def _halving(trials: Sequence[Trial], name: str, space: Space, rows: int, seed: int) -> Iterator[Step]:
    drawn = list(space.settings(seed, 1 + len(space.portfolio) + DRAWN))[1 + len(space.portfolio) :]
    if rows * SHARE < 1_000:
        yield from (Step(name, knobs, 1.0, "a random setting") for knobs in drawn[:KEPT])
        return
    first = [Step(name, knobs, SHARE, "a random setting, on a quarter of the rows") for knobs in drawn]
    yield from first
    keys = {step.key for step in first}
    seen = [trial for trial in trials if key(trial) in keys and trial.score]
    seen.sort(key=lambda trial: (-goodness(trial), trial.id))
    for trial in seen[:KEPT]:
        yield Step(name, trial.knobs, 1.0, "among the best of the quarter")


def in_reach(trials: Sequence[Trial], spaces: Mapping[str, Space]) -> list[str]:
    """Recipes with knobs whose best score's interval reaches the best one's, the best first."""
    full = [trial for trial in trials if trial.share >= 1.0 and trial.score]
    best = max(full, key=goodness, default=None)
    if best is None or best.score is None:
        return []
    half = (best.score.high - best.score.low) / 2
    tops: dict[str, float] = {}
    for trial in full:
        tops[trial.recipe] = max(tops.get(trial.recipe, float("-inf")), goodness(trial))
    near = [
        name
        for name, top in tops.items()
        if name in spaces and spaces[name].options and top > goodness(best) - 2 * half
    ]
    return sorted(near, key=lambda name: -tops[name])


def forecast(step: Step, trials: Sequence[Trial]) -> float:
    """Wall seconds that a step may take: the slowest of its recipe so far, by share; one second for a new recipe."""
    seen = [
        (trial.measured.middle("train") or 0.0) / max(trial.share, 1e-9)
        for trial in trials
        if trial.recipe == step.recipe
    ]
    return max(seen, default=1.0) * step.share
