"""Carries out the planner's steps: fits, measures, judges and records one trial after another."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from plimsoll import bundle, calibration, evidence, machine, meter, metrics
from plimsoll.asked import Asked, Truth
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.clock import Clock
from plimsoll.errors import TrialError
from plimsoll.job import Job
from plimsoll.ledger import Ledger
from plimsoll.limits import RUN_COSTS, Limits, Measured
from plimsoll.planner import Step
from plimsoll.runner import Outcome, Workbench
from plimsoll.trial import Status, Trial

Array = NDArray[Any]

# What answers that cannot be read or scored raise: a trial's fault, never the run's.
BROKEN = (TrialError, OSError, EOFError, LookupError, ValueError, BadZipFile, np.linalg.LinAlgError)


@dataclass(frozen=True)
class Seen:
    """Answers on training rows that the models had not learned from, calibrated across halves."""

    index: Array
    raw: Array  # as the models gave them
    answers: Array
    labels: Array
    calibration: Calibration


@dataclass
class Search:
    """A search in progress. Everything on disk lies under ``folder``; everything decided is in the ledger."""

    asked: Asked
    folder: Path
    clock: Clock  # counts from the start of the run
    bench: Workbench = field(default_factory=Workbench)
    seen: dict[str, Seen] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    cpu: float = 0.0
    rate: float = 0.0  # seconds that a row takes to answer in a batch, the slowest so far
    folds: dict[str, int] = field(default_factory=dict)  # how many folds each trial has been scored on
    walls: dict[str, float] = field(default_factory=dict)  # seconds that a fold of each trial took to fit
    _worse: dict[tuple[str, str, int], bool] = field(default_factory=dict)

    @property
    def job(self) -> Job:
        return self.asked.job

    @property
    def target(self) -> Array:
        return self.asked.learn.truth.target

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder.parent / "ledger.jsonl")

    def spec(self, recipe: str, knobs: Mapping[str, Any], share: float, folds: Sequence[int]) -> dict[str, Any]:
        """What the workbench is asked to fit: on these folds, or with none on all rows."""
        return {
            "job": self.job.as_json(),
            "schema": self.asked.schema.as_json(),
            "recipe": recipe,
            "knobs": dict(knobs),
            "share": share,
            "rows": str(self.folder / "rows"),
            "folds": str(self.folder / "folds.npz") if folds else None,
            "only": list(folds),
        }

    def take(self, step: Step, seconds: float) -> Trial:
        """Carries out a step and records it, however it ends."""
        number = f"t{len(self.trials) + 1:03d}"
        self.bench.wait(seconds)
        begun = time.monotonic()
        spent = self.clock.spent
        blank = Trial(number, step.recipe, step.knobs, Status.FAILED, step.why, share=step.share, started=spent)
        outcome = self.bench.run(
            self.spec(step.recipe, step.knobs, step.share, range(self.asked.first)),
            self.folder / number,
            seconds,
            self.job.limits.get("train_memory"),
        )
        trial = self._recorded(blank, outcome, seconds - (time.monotonic() - begun))
        wall = time.monotonic() - begun
        trial = replace(trial, measured=trial.measured.joined(Measured.exactly(train=wall)))
        self.cpu += outcome.cpu
        self.rate = max(self.rate, outcome.rate)
        self.folds[number], self.walls[number] = self.asked.first, outcome.wall / self.asked.first
        self.trials.append(trial)
        self.ledger.add(trial, settled=dict(outcome.settled))
        return trial

    def extend(self, trial: Trial, seconds: float) -> None:
        """Scores a trial on one fold more, for a surer choice; where that fails, on no more."""
        fold = self.folds[trial.id]
        spec = self.spec(trial.recipe, trial.knobs, 1.0, [fold])
        place = self.folder / f"{trial.id}-{fold}"
        outcome = self.bench.run(spec, place, seconds, self.job.limits.get("train_memory"))
        self.cpu += outcome.cpu
        self.folds[trial.id] = fold + 1
        try:
            if not outcome.done or outcome.cut:
                raise TrialError(outcome.why or "its time was up")
            seen = self.look(trial.id, outcome)
        except BROKEN:
            self.folds[trial.id] = len(self.asked.folds)
            return
        found = self._judged(replace(trial, measured=trial.measured.joined(self.floors(seen))))
        self.trials = [found if each.id == trial.id else each for each in self.trials]

    def _judged(self, trial: Trial) -> Trial:
        breaches = trial_limits(self.job.limits).judge(trial.measured)
        status = Status.BREACHES if breaches else Status.FITS
        return replace(trial, status=status, breaches=tuple(str(breach) for breach in breaches))

    def _recorded(self, blank: Trial, outcome: Outcome, seconds: float) -> Trial:
        costs = _run_costs(outcome)
        if not outcome.done:
            return replace(blank, status=outcome.status, why=outcome.why, measured=costs)
        try:
            seen = self.look(blank.id, outcome)
        except BROKEN as fault:
            return replace(blank, why=f"its answers could not be scored: {fault}", measured=costs)
        truth = self.target[seen.index]
        score = evidence.score(self.job.score, truth, seen.answers, seen.labels, self.job.seed)
        trial = replace(blank, score=score, status=Status.FITS, measured=costs)
        return trial if blank.share < 1.0 else self._metered(trial, outcome, seen, seconds)

    def look(self, number: str, outcome: Outcome) -> Seen:
        """The unseen answers of a trial, with those that it has given before, kept for comparing it with others."""
        index, raw = outcome.answers()
        if before := self.seen.get(number):
            index, raw = np.concatenate([before.index, index]), np.concatenate([before.raw, raw])
        truth = self.target[index]
        answers, labels = _crossed(truth, raw, self.job)
        fitted = calibration.fit(truth, raw, self.job.score, self.job.coverage)
        self.seen[number] = Seen(index, raw, answers, labels, fitted)
        return self.seen[number]

    def _metered(self, trial: Trial, outcome: Outcome, seen: Seen, seconds: float) -> Trial:
        try:
            reading = self.meter(
                self.bundled(trial, outcome.members(), outcome.settled, seen), self.folder / trial.id, seconds
            )
        except TrialError as fault:
            return replace(trial, status=Status.FAILED, why=str(fault))
        measured = trial.measured.joined(reading.measured).joined(self.floors(seen))
        return self._judged(replace(trial, measured=measured, notes=reading.notes))

    def bundled(
        self, trial: Trial, members: Mapping[str, bytes], settled: Mapping[str, Any], seen: Seen, **facts: Any
    ) -> Bundle:
        knobs = {**trial.knobs, **settled}
        return Bundle(self.job, self.asked.schema, trial.recipe, knobs, seen.calibration, members, facts)

    def meter(self, made: Bundle, scratch: Path, seconds: float) -> meter.Reading:
        """Writes the bundle under ``scratch`` and measures it."""
        scratch.mkdir(parents=True, exist_ok=True)
        bundle.write(scratch / "bundle", made)
        return meter.measure(scratch / "bundle", self.folder / "requests.jsonl", scratch, seconds)

    def floors(self, seen: Seen) -> Measured:
        """The qualities that limits speak of, on the unseen training rows."""
        return qualities(self.job.limits, self.asked.learn.truth.take(seen.index), seen.answers, seen.labels)

    def worse(self, trial: Trial, best: Trial) -> bool:
        """Measurably worse than the best: on the score, or on the proper score beneath one of decided classes."""
        one, other = self.seen[best.id], self.seen[trial.id]
        both, here, there = np.intersect1d(one.index, other.index, assume_unique=True, return_indices=True)
        key = (trial.id, best.id, len(both))
        if key not in self._worse:
            a, b = (one.answers[here], one.labels[here]), (other.answers[there], other.labels[there])
            names = [self.job.score, *(["log_loss"] if metrics.METRICS[self.job.score].of_labels else [])]
            gains = (metrics.gain(name, self.target[both], a, b, self.job.seed, draws=100)[0] for name in names)
            self._worse[key] = not len(both) or any(gain > 0 for gain in gains)
        return self._worse[key]


def trial_limits(limits: Limits) -> Limits:
    """The limits that a single trial is held against; those on the run are held against the run."""
    return limits.without([name for name in RUN_COSTS if name != "train_memory"])


def qualities(limits: Limits, truth: Truth, answers: Array, labels: Array) -> Measured:
    """The figures of the quality floors, each on the rows that it speaks of."""
    figures = {}
    for floor in limits.floors:
        rows = truth.slices[floor.key] if floor.slice else np.ones(len(truth.target), dtype=bool)
        if rows.any():
            figures[floor.key] = metrics.score(floor.name, truth.target[rows], answers[rows], labels[rows])
    return Measured.exactly(**figures)


def _run_costs(outcome: Outcome) -> Measured:
    return spent(outcome.cpu, train=outcome.wall, train_memory=float(outcome.memory))


def spent(cpu: float, **exact: float) -> Measured:
    """Core-seconds with the energy and carbon that they are estimated to cost, beside what was counted exactly."""
    joules = machine.energy(cpu)
    estimated = Measured({"energy": joules, "carbon": machine.carbon(joules)})
    return Measured.exactly(cpu=cpu, **exact).joined(estimated)


def _crossed(truth: Array, raw: Array, job: Job) -> tuple[Array, Array]:
    """Calibrated answers and decisions, each half by what the other half taught: a score that flatters nobody."""
    if raw.ndim == 1:
        return raw, raw
    half = np.random.default_rng(job.seed).permutation(len(truth)) % 2 == 0
    answers, labels = np.empty_like(raw), np.empty(len(truth), dtype=np.int64)
    for teach, learn in ((half, ~half), (~half, half)):
        if teach.any() and learn.any():
            taught = calibration.fit(truth[teach], raw[teach], job.score)
            answers[learn] = taught.apply(raw[learn])
            labels[learn] = taught.labels(answers[learn])
    return answers, labels
