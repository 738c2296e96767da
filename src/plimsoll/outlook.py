"""What steps would cost, and whether they could keep the limits: what is known before any of them is taken."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from plimsoll import units
from plimsoll.cases import Candidate, Case, Known
from plimsoll.costs import Costs
from plimsoll.knobs import Knobs, Space
from plimsoll.limits import Limits, Measured
from plimsoll.profile import Profile
from plimsoll.trial import Trial

FITS, MAY, DOES_NOT = "fits", "may", "does not"
_GUESS = 1.0  # core-seconds of a trial of which nothing is known
_AROUND = 0.2  # seconds beside a fit on fewer rows, which is not measured: rows handed over, answers scored
_TAIL = (1.3, 2.5)  # a p99 in p50s: usually, and at most where nobody disturbs


@dataclass(frozen=True)
class Step:
    """One trial to run. ``wide``: on all cores, alone. ``parts``: the trials that a blend is made of."""

    recipe: str
    knobs: Knobs = field(default_factory=dict)
    share: float = 1.0
    why: str = ""
    stage: str = ""
    predicted: Measured = field(default_factory=lambda: Measured({}))
    wide: bool = False
    parts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.recipe} {json.dumps(dict(self.knobs), sort_keys=True)} {self.share:g}"

    @property
    def whole(self) -> str:
        """The candidate, whatever the share of the rows."""
        return replace(self, share=1.0).key


def step_of(trial: Trial) -> Step:
    return Step(trial.recipe, trial.knobs, trial.share)


@dataclass(frozen=True)
class Scene:
    """All that a decision rests on.

    ``profile`` is that of the rows of one fit, of which each trial makes ``folds``. ``seconds`` may still be spent, and
    ``served`` is what measuring a model takes of them. ``quicker``: how many times quicker a fit is on all cores.
    """

    spaces: Mapping[str, Space]
    profile: Profile
    limits: Limits = field(default_factory=Limits)
    costs: Costs = field(default_factory=Costs)
    trials: Sequence[Trial] = ()
    cases: Sequence[Case] = ()
    running: Sequence[Step] = ()
    seconds: float = math.inf
    folds: int = 1
    seed: int = 0
    served: float = 1.5
    lanes: int = 1
    quicker: float = 1.0
    lenient: bool = False  # nothing is ruled out


def wall(scene: Scene, step: Step) -> float:
    """Wall seconds that a step is expected to take, its measuring included."""
    cpu = step.predicted.middle("cpu")
    fit = _seen(scene, step) if cpu is None else cpu
    return fit / (scene.quicker if step.wide else 1.0) + (scene.served if step.share >= 1.0 else _AROUND)


def _seen(scene: Scene, step: Step) -> float:
    """Core-seconds of a trial as the slowest of its recipe had it, by share; a guess for a recipe never seen."""
    each = [
        (case.figures["cpu"] * scene.profile.rows / case.known.profile.rows)
        for case in scene.cases
        if case.known.recipe == step.recipe and "cpu" in case.figures
    ]
    return max(each) * step.share * scene.folds if each else _GUESS


def foretold(scene: Scene, steps: Sequence[Step]) -> list[Step]:
    """The steps with what they are expected to cost."""
    own: dict[str, list[Case]] = {}
    for case in scene.cases:
        own.setdefault(case.known.recipe, []).append(case)
    asked = []
    for step in steps:
        profile = scene.profile.shared(step.share)
        seen = [case for case in own.get(step.recipe, ()) if case.known.profile.rows <= profile.rows and not case.over]
        probes = tuple(case for case in seen if case.known.knobs == step.knobs)
        asked.append(Candidate(Known(step.recipe, step.knobs, profile), probes, tuple(seen)))
    told = scene.costs.predict(asked)
    return [replace(step, predicted=_folded(measured, scene.folds)) for step, measured in zip(steps, told, strict=True)]


def _folded(told: Measured, folds: int) -> Measured:
    """What a trial takes that makes as many fits: their time adds up, and nothing else does."""
    if "cpu" not in told.figures:
        return told
    low, middle, high = (part * folds for part in told.figures["cpu"])
    return told.joined(Measured({"cpu": (low, middle, high)}))


def verdicts(scene: Scene, steps: Sequence[Step]) -> list[tuple[Step, str, tuple[str, ...]]]:
    """Of each step that has been foretold: whether it fits, may fit or does not, with the reasons."""
    found = []
    for step in steps:
        least, most = bounds(step.predicted)
        over = scene.limits.only(least.figures).judge(least)
        under = scene.limits.only(most.figures).judge(most)
        verdict = DOES_NOT if over else MAY if under else FITS
        found.append((step, verdict, tuple(map(str, over or under))))
    return found


def bounds(told: Measured) -> tuple[Measured, Measured]:
    """The low and the high ends of what was foretold, each as if it had been measured."""
    ends = tuple(Measured({name: (figure[k],) * 3 for name, figure in _implied(told).items()}) for k in (0, 2))
    return ends[0], ends[1]


def _implied(told: Measured) -> dict[str, tuple[float, float, float]]:
    """With what follows from it: a p99 is not below its p50."""
    figures = dict(told.figures)
    if "p50" in figures and "p99" not in figures:
        low, middle, high = figures["p50"]
        figures["p99"] = (low, middle * _TAIL[0], high * _TAIL[1])
    return figures


def ruled_out(scene: Scene, steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    """The steps that cannot keep a limit, each with the reason."""
    for step, verdict, reasons in verdicts(scene, steps):
        if verdict == DOES_NOT:
            yield step, f"it would need more than is allowed: {'; '.join(reasons)} at least"
        elif wall(scene, step) > scene.seconds * 4:
            yield step, f"it would take {units.show(wall(scene, step), units.TIME)}"
