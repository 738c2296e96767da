"""The plan of a run: for each candidate whether it fits and what it would cost, before anything but probes is trained."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from plimsoll import card, catalogue, goal, machine, planner, prior, underway, units, window
from plimsoll.asked import ask, stated
from plimsoll.clock import Clock
from plimsoll.costs import Costs
from plimsoll.crew import Crew, Work
from plimsoll.job import Job
from plimsoll.knobs import Space
from plimsoll.limits import Limit, Limits, Measured
from plimsoll.metrics import lacking
from plimsoll.outlook import DOES_NOT, FITS, Scene, Step, foretold, verdicts, wall
from plimsoll.price import Verdict, even, prices
from plimsoll.scoring import trial_limits
from plimsoll.search import Search
from plimsoll.trial import Trial

SIZES = (400, 1_600, 6_400)  # rows of the probes
_MOST = 0.6  # of the rows, that a probe may have
_FEW = 100  # rows below which there is nothing to probe
_DEAREST = 3.0  # core-seconds of a probe that is still made
_SECONDS = 9.0  # that all probes may take
_ELSEWHERE = "Planned for another machine: intervals are wider, and the probes were run on this one."
Say = Callable[[str, float | None], None]


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
            tuple(prices(search.job.limits, found, self._expected())),
            even(took, found),
            self._answer(spaces),
            (*search.asked.warnings, *said, *([_ELSEWHERE] if self.there else [])),
            search.clock.spent,
            refused,
        )

    def _spaces(self) -> tuple[dict[str, Space], dict[str, str]]:
        """The recipes that apply, and why the others do not."""
        job, schema = self.search.job, self.search.asked.schema
        reasons = catalogue.refusals(job, schema)
        spaces = {name: catalogue.space(name, job, schema) for name, why in reasons.items() if why is None}
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

    def _expected(self) -> Mapping[str, Measured]:
        """For each recipe the score that its default is expected to have on all rows, by the curve through its probes."""
        search, found = self.search, {}
        for recipe in {trial.recipe for trial in search.trials}:
            made = goal.curve([trial for trial in search.trials if trial.recipe == recipe], search.profile.rows)
            if made is not None:
                ends = sorted(lacking(search.job.score, loss) for loss in made.at(search.profile.rows))
                found[recipe] = Measured({search.job.score: (ends[0], ends[1], ends[2])})
        return found

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

        def following() -> Work | None:
            if not waiting or search.clock.spent - begun >= _SECONDS:
                return None
            step = waiting.pop(0)
            self.say(f"{step.recipe}, {step.why}", None)
            return Work(partial(search.attempt, step, search.number(), _SECONDS), catalogue.find(step.recipe).devices)

        for taken in self.crew.each(following):
            search.keep(taken)

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
