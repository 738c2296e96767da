"""The plan of a run: for each candidate whether it fits and what it would cost, before anything but probes is trained."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from plimsoll import card, catalogue, goal, machine, planner, prior, underway, units, window
from plimsoll.asked import ask
from plimsoll.clock import Clock
from plimsoll.costs import Costs
from plimsoll.crew import Crew
from plimsoll.job import Job
from plimsoll.knobs import Space
from plimsoll.limits import COSTS, Limit, Limits, Measured
from plimsoll.outlook import DOES_NOT, FITS, Scene, Step, foretold, verdicts, wall
from plimsoll.scoring import trial_limits
from plimsoll.search import Search
from plimsoll.solve import stated
from plimsoll.trial import Trial

SIZES = (400, 1_600, 6_400)  # rows of the probes
_MOST = 0.6  # of the rows, that a probe may have
_FEW = 100  # rows below which there is nothing to probe
_DEAREST = 3.0  # core-seconds of a probe that is still made
_SECONDS = 9.0  # that all probes may take
_REQUEST = 1.1  # what reading a request adds to its answer, in core-seconds of the answer
_ELSEWHERE = "Planned for another machine: intervals are wider, and the probes were run on this one."
Say = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Verdict:
    """One candidate: "fits", "may" or "does not", why, and with how many rows it would fit where it does not."""

    step: Step
    verdict: str
    reasons: tuple[str, ...]
    rows: int | None = None

    def as_json(self) -> dict[str, Any]:
        told = {name: list(figure) for name, figure in self.step.predicted.figures.items()}
        return {
            "recipe": self.step.recipe,
            "knobs": dict(self.step.knobs),
            "stage": self.step.stage,
            "verdict": self.verdict,
            "why": list(self.reasons),
            "predicted": told,
            "rows_that_fit": self.rows,
        }


@dataclass(frozen=True)
class Plan:
    """What a run would meet: verdicts, probes, what the run takes, the price of each limit, and the goal."""

    job: Job
    rows: int
    machine: str
    verdicts: tuple[Verdict, ...]
    probes: tuple[Trial, ...]
    run: Measured
    trials: int
    prices: tuple[str, ...]
    even: str
    goal: goal.Answer | None = None
    warnings: tuple[str, ...] = ()
    elapsed: float = 0.0
    refused: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "job": self.job.as_json(),
            "rows": self.rows,
            "machine": self.machine,
            "candidates": [each.as_json() for each in self.verdicts],
            "probes": [trial.as_json() for trial in self.probes],
            "run": {name: list(figure) for name, figure in self.run.figures.items()},
            "trials": self.trials,
            "prices": list(self.prices),
            "break_even": self.even,
            "goal": self.goal.as_json() if self.goal else None,
            "refused": dict(self.refused),
            "warnings": list(self.warnings),
            "elapsed": self.elapsed,
        }


def plan(
    source: Any,
    *,
    predict: str,
    limits: str | Sequence[str] | Limits = (),
    test: Any = None,
    goal: str | None = None,
    on_machine: Path | str | None = None,
    progress: Say | None = None,
    **words: Any,
) -> Plan:
    """What a fit of the same words would meet. Trains nothing but probes on a few hundred to a few thousand rows.

    ``goal`` is a quality to reach, such as "roc_auc > 0.95"; ``on_machine`` the card of the machine that would run it.
    Raises UserError as ``fit`` does.
    """
    aim = _goal(goal)
    if aim is not None and not words.get("metric"):
        words["metric"] = aim.name
    job = stated(predict, limits, **words)
    there = card.read(Path(on_machine)) if on_machine is not None else None
    say = progress or (lambda _what, _left: None)
    clock, crew = Clock(window.seconds(job.limits)), Crew()
    crew.start()
    try:
        with tempfile.TemporaryDirectory(prefix="plimsoll-plan-") as folder:
            say("reading", None)
            learned = prior.Learning(job.seed, there)
            found = underway.begin(ask(job, source, test), Path(folder))
            search = Search(found, underway.work(Path(folder)), clock, crew.first, lanes=len(crew.lanes))
            crew.ready(10.0)
            return _Planning(search, crew, learned.costs(30.0), say, aim, there).plan(learned.said)
    finally:
        crew.stop()


def _goal(text: str | None) -> Limit | None:
    return goal.read(text) if text else None


@dataclass
class _Planning:
    search: Search
    crew: Crew
    costs: Costs
    say: Say
    aim: Limit | None
    there: card.Card | None

    def plan(self, said: Sequence[str]) -> Plan:
        search = self.search
        spaces, refused = self._spaces()
        begun = search.clock.spent
        scene = self._scene(spaces)
        self._probe(scene, begun)
        scene = replace(scene, trials=search.trials, cases=self._seen())
        tried = [step for step in planner.candidates(scene) if step.stage in ("default", "portfolio")]
        found = tuple(self._verdict(scene, *each) for each in verdicts(scene, foretold(scene, tried)))
        took, trials = _taken(scene, found)
        named = self.there.facts if self.there else machine.card()
        return Plan(
            search.job,
            len(search.asked.learn),
            f"{named['processor']}, {named['cores']} cores",
            found,
            tuple(search.trials),
            took,
            trials,
            tuple(prices(search.job.limits, found)),
            even(took, found),
            self._answer(spaces),
            (*search.asked.warnings, *said, *([_ELSEWHERE] if self.there else [])),
            search.clock.spent,
            refused,
        )

    def _spaces(self) -> tuple[dict[str, Space], dict[str, str]]:
        """The recipes that apply, and why the others do not."""
        reasons = catalogue.refusals(self.search.job, self.search.asked.schema)
        spaces = {name: catalogue.find(name).space for name, why in reasons.items() if why is None}
        return spaces, {name: why for name, why in reasons.items() if why is not None}

    def _scene(self, spaces: Mapping[str, Space]) -> Scene:
        search = self.search
        return Scene(
            spaces,
            search.profile,
            trial_limits(search.job.limits),
            self.costs,
            seconds=search.clock.left,
            folds=search.asked.first,
            seed=search.job.seed,
            lanes=len(self.crew.lanes),
            quicker=self.crew.quicker,
        )

    def _answer(self, spaces: Mapping[str, Space]) -> goal.Answer | None:
        if self.aim is None:
            return None
        search = self.search
        return goal.answer(self.aim, search.trials, search.profile, self.costs, lambda recipe: spaces[recipe].default)

    def _seen(self) -> Sequence[Any]:
        """What the probes cost; on another machine it would be otherwise, and only what is kept tells of that."""
        if self.there is None:
            return self.search.cases
        timed = ("cpu", "answer", "p50")
        return [
            replace(each, figures={name: part for name, part in each.figures.items() if name not in timed})
            for each in self.search.cases
        ]

    def _probe(self, scene: Scene, begun: float) -> None:
        """Every recipe's default on a few rows, the cheapest first, side by side."""
        search, rows = self.search, scene.profile.rows
        shares = [size / rows for size in sizes(rows)]
        steps = [
            Step(recipe, space.default, share, f"a probe on {share * rows:,.0f} rows", "probe")
            for share in shares
            for recipe, space in scene.spaces.items()
        ]
        waiting = [step for step in foretold(scene, steps) if wall(scene, step) < _DEAREST]
        running = 0
        while waiting or running:
            for lane in self.crew.idle:
                if waiting and search.clock.spent - begun < _SECONDS:
                    step = waiting.pop(0)
                    self.say(f"{step.recipe}, {step.why}", None)
                    self.crew.send(lane, partial(search.attempt, step, search.number(), _SECONDS))
                    running += 1
            if search.clock.spent - begun >= _SECONDS:
                waiting = []
            for taken in self.crew.ended() if running else []:
                search.keep(taken)
                running -= 1

    def _verdict(self, scene: Scene, step: Step, verdict: str, reasons: tuple[str, ...]) -> Verdict:
        if verdict == FITS or wall(scene, step) < scene.seconds:
            late: tuple[str, ...] = ()
        else:
            late = (
                f"it would take {units.show(wall(scene, step), units.TIME)} of the {units.show(scene.seconds, units.TIME)} left",
            )
            verdict = DOES_NOT
        reasons = (*reasons, *late)
        return Verdict(step, verdict, reasons, _rows_that_fit(scene, step) if verdict == DOES_NOT else None)


def sizes(rows: int) -> list[int]:
    """The rows of the probes.

    >>> sizes(20_000), sizes(3_000), sizes(500), sizes(20)
    ([400, 1600, 6400], [400, 1600], [125, 250], [])
    """
    found = [size for size in SIZES if size <= _MOST * rows]
    return found or ([rows // 4, rows // 2] if rows >= _FEW else [])


def _rows_that_fit(scene: Scene, step: Step) -> int | None:
    """The largest number of rows with which a candidate would not be ruled out; None where even a few are too many."""
    low, high = 0, scene.profile.rows
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        fewer = replace(step, share=middle / scene.profile.rows)
        ((told, verdict, _),) = verdicts(scene, foretold(scene, [fewer]))
        fits = verdict != DOES_NOT and wall(scene, told) < scene.seconds
        low, high = (middle, high) if fits else (low, middle)
    return low if low >= 100 else None


def _taken(scene: Scene, found: Sequence[Verdict]) -> tuple[Measured, int]:
    """(what the run takes, with how many trials): the candidates that are not ruled out, as far as the window goes."""
    kept = [each.step for each in found if each.verdict != DOES_NOT]
    times = [step.predicted.figures.get("cpu", (1.0, 1.0, 1.0)) for step in kept]
    ends = [sum(part[k] for part in times) for k in range(3)]
    around = 2.0 + scene.served * len(kept) / scene.lanes
    taken = [min(scene.seconds, end / scene.lanes + around) for end in ends]
    cpu = [min(end, scene.seconds * scene.lanes) for end in ends]
    joules = machine.energy(cpu[0])[0], machine.energy(cpu[1])[1], machine.energy(cpu[2])[2]
    grams = machine.carbon(joules)
    figures = {"train": tuple(taken), "cpu": tuple(cpu), "energy": joules, "carbon": grams}
    return Measured(figures), len(kept)  # type: ignore[arg-type]


def prices(limits: Limits, found: Sequence[Verdict]) -> list[str]:
    """For each limit on a cost what more of it would let in: the candidates that nothing else keeps out."""
    lines = []
    for limit in limits:
        if limit.name not in COSTS:
            continue
        others = trial_limits(Limits(tuple(each for each in limits if each is not limit)))
        shut = [each for each in found if any(reason.startswith(limit.key) for reason in each.reasons)]
        free = [
            each
            for each in shut
            if not others.only(each.step.predicted.figures).judge(each.step.predicted)
            and limit.key in each.step.predicted.figures
        ]
        if free:
            ends = sorted(each.step.predicted.figures[limit.key][2] for each in free)
            least, most = (units.show(end, limit.dimension) for end in (ends[0], ends[-1]))
            many = f"{len(free)} of {len(found)} candidates"
            lines.append(f"{limit} keeps out or in doubt {many}: {least} would let the first in for sure, {most} all.")
        elif limit.name in ("size", "p50", "p99", "memory", "train_memory"):
            lines.append(f"{limit} costs nothing: no candidate is near it.")
    return lines


def even(run: Measured, found: Sequence[Verdict]) -> str:
    """After how many answers serving has taken as much energy as the run: both by core-seconds, whose watts cancel out."""
    answers = [each.step.predicted.figures["p50"] for each in found if "p50" in each.step.predicted.figures]
    answers = [each for each in answers if each[0] > 0]
    cpu = run.figures.get("cpu")
    if not answers or cpu is None:
        return ""
    most = cpu[2] / (_REQUEST * min(each[0] for each in answers))
    least = cpu[0] / (_REQUEST * max(each[2] for each in answers))
    return f"Serving overtakes the energy of training after {_rounded(least)} to {_rounded(most)} answers."


def _rounded(count: float) -> str:
    for factor, word in ((1e9, " billion"), (1e6, " million"), (1e3, ",000")):
        if count >= factor:
            return f"{count / factor:.2g}{word}" if word[0] == " " else f"{count / factor:.0f}{word}"
    return f"{count:.0f}"
