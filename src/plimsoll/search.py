"""Carries out the planner's steps: fits one trial after another, has each judged, and records it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll import catalogue, finding, mixing, profile, smaller, workbench
from plimsoll.asked import Asked
from plimsoll.cases import SERVED, Case, Known
from plimsoll.clock import Clock
from plimsoll.crew import Lane
from plimsoll.energy import Counter
from plimsoll.errors import TrialError
from plimsoll.job import Job
from plimsoll.judge import BROKEN, Judge
from plimsoll.ledger import Ledger
from plimsoll.limits import Measured
from plimsoll.outlook import Step, step_of
from plimsoll.profile import Profile
from plimsoll.runner import Outcome, Workbench
from plimsoll.trial import Status, Trial

Array = NDArray[Any]


@dataclass(frozen=True)
class Taken:
    """A step that was carried out: its trial, how the fit ended, and of a blend the trials that are its parts."""

    trial: Trial
    outcome: Outcome
    parts: tuple[str, ...] = ()


@dataclass
class Search:
    """A search in progress. Everything on disk lies under ``folder``; everything decided is in the ledger."""

    asked: Asked
    folder: Path
    clock: Clock  # counts from the start of the run
    bench: Workbench = field(default_factory=Workbench)
    trials: list[Trial] = field(default_factory=list)
    cpu: float = 0.0
    rate: float = 0.0  # seconds that a row takes to answer in a batch, the slowest so far
    looked: set[str] = field(default_factory=set)  # trials whose models were timed twice
    folds: dict[str, int] = field(default_factory=dict)  # how many folds each trial has been scored on
    walls: dict[str, float] = field(default_factory=dict)  # core-seconds that a fold of each trial took to fit
    cases: list[Case] = field(default_factory=list)  # of this run, for the cost model
    begun: int = 0  # trials that have been given a number
    lanes: int = 1  # trials side by side
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of each blend, its trials
    settled: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # knobs that each trial's training settled
    timeline: list[dict[str, Any]] = field(default_factory=list)
    served: float = 1.5  # seconds that measuring a model takes
    meterings: dict[str, float] = field(default_factory=dict)  # those that measuring the model of each trial took
    joules: Counter = field(default_factory=Counter)
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self.judge = Judge(self.asked, self.folder, (self.lanes - 1) / self.lanes)

    @property
    def job(self) -> Job:
        return self.asked.job

    @property
    def target(self) -> Array:
        return self.asked.learn.truth.target

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder.parent / "ledger.jsonl")

    @cached_property
    def profile(self) -> Profile:
        """Of the rows that one fit learns from."""
        rows, target = self.asked.learn.rows, self.target
        if self.asked.taught:
            rows = self.asked.taught[0]
            target = np.zeros(len(rows))
        whole = profile.of(rows, target, self.asked.schema)
        said = len(msgspec.json.format(msgspec.json.encode(self.judge.blank)))
        if self.asked.collection is not None and self.job.search is not None:
            whole = replace(whole, events=finding.words(self.asked.collection, self.job.search.fields))
        return replace(whole, rows=len(self.asked.folds[0][0]), described=whole.described + said)

    def spec(
        self, recipe: str, knobs: Mapping[str, Any], share: float, folds: Sequence[int], lane: Lane, wide: bool = False
    ) -> dict[str, Any]:
        """What a lane's workbench is asked to fit: on these folds, or with none on all rows; if wide, on all cores."""
        return {
            "cores": [] if wide else list(lane.cores),
            "device": lane.device if catalogue.find(recipe).devices else "",
            "job": self.job.as_json(),
            "schema": self.asked.schema.as_json(),
            "recipe": recipe,
            "knobs": dict(knobs),
            "share": share,
            "rows": str(self.folder / "rows"),
            "kept": str(self.folder / "kept"),
            "taught": str(self.folder / workbench.TAUGHT[not folds]) if self.asked.taught else "",
            "folds": str(self.folder / "folds.npz") if folds else None,
            "only": list(folds),
        }

    def take(self, step: Step, seconds: float) -> Trial:
        """Carries out a step and records it, however it ends."""
        return self.keep(self.attempt(step, self.number(), seconds, Lane(0, (), self.bench)))

    def number(self) -> str:
        """The next trial's."""
        self.begun = max(self.begun, len(self.trials)) + 1
        return f"t{self.begun:03d}"

    def attempt(self, step: Step, number: str, seconds: float, lane: Lane) -> Taken:
        """Carries out a step on a lane; what it came to is for ``keep`` to record. Lanes may do this at once."""
        lane.bench.wait(seconds)
        begun = time.monotonic()
        blank = Trial(
            number,
            step.recipe,
            step.knobs,
            Status.FAILED,
            step.why,
            predicted=step.predicted,
            share=step.share,
            started=self.clock.spent,
            stage=step.stage,
            lane=lane.number,
        )
        outcome = self._outcome(step, number, seconds, lane)
        trial = self.judge.recorded(blank, outcome, seconds - (time.monotonic() - begun))
        if step.stage == smaller.PRUNED and trial.complete:
            trial = self._held(trial, outcome)
        wall = time.monotonic() - begun
        self.mark(f"{step.recipe} {number}, {step.why}", blank.started, "trial", lane.number, number)
        return Taken(replace(trial, measured=trial.measured.joined(Measured.exactly(train=wall))), outcome, step.parts)

    def _outcome(self, step: Step, number: str, seconds: float, lane: Lane) -> Outcome:
        if step.stage == smaller.STAGE:
            whole = next(each for each in self.trials if each.id == step.parts[0])
            large = smaller.too_large(self.asked, whole)
            return smaller.made(self.asked, self.folder, number, step.knobs, self.part(whole.id), large)
        if step.parts:
            return mixing.mixed(self.asked, self.folder, number, step.knobs, [self.part(each) for each in step.parts])
        spec = self.spec(step.recipe, step.knobs, step.share, range(self.asked.first), lane, step.wide)
        return lane.bench.run(spec, self.folder / number, seconds, self.job.limits.get("train_memory"))

    def _held(self, trial: Trial, outcome: Outcome) -> Trial:
        """A pruned net held against the trial that it was cut out of."""
        key = smaller.whole_of(trial)
        whole = next(each for each in self.trials if each.complete and step_of(each).key == key)
        found = smaller.beside(self.asked, self.part(whole.id), outcome)
        return found.held(self.asked, trial, whole, partial(self.judge.worse, trial, whole))

    def part(self, number: str) -> mixing.Part:
        """A trial as a part of others."""
        trial = next(each for each in self.trials if each.id == number)
        seen = self.judge.seen[number]
        return mixing.Part(trial.recipe, trial.knobs, self.settled[number], self.folder / number, seen.index, seen.raw)

    def keep(self, taken: Taken) -> Trial:
        """Writes down what a step came to."""
        trial, outcome = taken.trial, taken.outcome
        self.cpu += outcome.cpu
        self.joules.joules(self.cpu)  # a counter that nobody looks at for minutes has gone round unseen
        self.rate = max(self.rate, outcome.rate)
        if "p50" in trial.measured.figures:
            took = max(0.1, (trial.measured.middle("train") or 0.0) - outcome.wall)
            self.served, self.meterings[trial.id] = 0.7 * self.served + 0.3 * took, took
        self.folds[trial.id], self.walls[trial.id] = self.asked.first, outcome.cpu / self.asked.first
        self.settled[trial.id] = dict(outcome.settled)
        if taken.parts:  # to fit it again is to fit its parts again
            self.parts[trial.id] = taken.parts
            self.walls[trial.id] = sum(self.walls[part] for part in taken.parts)
        self.trials.append(trial)
        self.cases += self._case(trial, outcome)
        self.ledger.add(trial, settled=dict(outcome.settled), parts=list(taken.parts))
        return trial

    def _case(self, trial: Trial, outcome: Outcome) -> list[Case]:
        """What the cost model learns from a trial: nothing from one that failed, and a bound from one that was killed."""
        if trial.stage in ("blend", smaller.STAGE, smaller.PRUNED) or outcome.status is Status.FAILED or outcome.cut:
            return []
        known = Known(trial.recipe, trial.knobs, self.profile.shared(trial.share))
        once = {"cpu": outcome.cpu / self.asked.first, "train_memory": float(outcome.memory)}
        shown = {"model": float(outcome.size), "answer": outcome.answer} if outcome.done else {}
        served = {name: figure for name in SERVED if (figure := trial.measured.middle(name))}
        score = {"score": trial.score.value} if trial.score else {}
        over = frozenset() if outcome.done else frozenset(once)
        figures = {name: figure for name, figure in {**once, **shown, **served, **score}.items() if figure}
        settled = {name: float(value) for name, value in outcome.settled.items() if isinstance(value, int | float)}
        curve = tuple((float(spent), float(loss)) for spent, loss in outcome.curve)
        paces = {**outcome.paces, "p50": self.judge.paces.get(trial.id, 0.0)}
        return [Case(known, self.asked.digest[:16], figures, over & figures.keys(), settled, curve=curve, paces=paces)]

    def extension(self, trial: Trial, seconds: float, lane: Lane) -> tuple[Trial, Outcome]:
        """Fits a trial on one fold more; what it came to is for ``extended`` to record. Lanes may do this at once."""
        fold = self.folds[trial.id]
        spec = self.spec(trial.recipe, trial.knobs, 1.0, [fold], lane)
        begun = self.clock.spent
        outcome = lane.bench.run(spec, self.folder / f"{trial.id}-{fold}", seconds, self.job.limits.get("train_memory"))
        self.mark(f"{trial.recipe} {trial.id}, fold {fold + 1}", begun, "run-off", lane.number, trial.id)
        return trial, outcome

    def extended(self, trial: Trial, outcome: Outcome) -> None:
        """Scores a trial on one fold more, for a surer choice; where that failed, on no more."""
        self.cpu += outcome.cpu
        self.folds[trial.id] += 1
        try:
            if not outcome.done or outcome.cut:
                raise TrialError(outcome.why or "its time was up")
            self.judge.look(trial.id, outcome)
        except BROKEN:
            self.folds[trial.id] = len(self.asked.folds)
            return
        found = self.judge.verdict(replace(trial, measured=trial.measured.joined(self.judge.floors(trial.id))))
        self.trials = [found if each.id == trial.id else each for each in self.trials]

    def timed_again(self, trial: Trial, seconds: float) -> Trial:
        """Measures a trial's model once more, and says what becomes of it."""
        begun = self.clock.spent
        found = self.judge.again(trial, seconds)
        self.mark(f"{trial.recipe} {trial.id}, timed once more", begun, "run-off", 0, trial.id)
        self.trials = [found if each.id == trial.id else each for each in self.trials]
        return found

    def mark(self, what: str, begun: float, kind: str, lane: int = 0, trial: str | None = None) -> None:
        """Notes on the time line what has just ended."""
        spent = {"what": what, "begin": begun, "end": self.clock.spent, "lane": lane, "kind": kind, "trial": trial}
        self.timeline.append(spent)
