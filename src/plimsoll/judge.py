"""Judges trials: how they answer rows that no model had seen, what their bundles cost as served, what limits that breaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from plimsoll import bundle, calibration, meter, metrics, provenance, rule, scoring, shift, spellings, worth
from plimsoll.asked import Asked
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.errors import BundleError, DataError, TrialError, UserError
from plimsoll.held import PEOPLE
from plimsoll.limits import Measured
from plimsoll.rule import Choice
from plimsoll.runner import Outcome
from plimsoll.scoring import Seen, asking, qualities, run_costs, trial_limits, unseen
from plimsoll.trial import Status, Trial
from plimsoll.truth import Truth
from plimsoll.worth import Given

Array = NDArray[Any]

# What answers that cannot be read or scored raise: a trial's fault, never the run's.
BROKEN = (TrialError, DataError, OSError, EOFError, LookupError, ValueError, BadZipFile, np.linalg.LinAlgError)


@dataclass
class Judge:
    """What has been seen of the trials of a search. ``beside`` is the share of the cores that other trials are at."""

    asked: Asked
    folder: Path
    beside: float = 0.0
    seen: dict[str, Seen] = field(default_factory=dict)
    writing: float = 0.0  # seconds that the bundle of a trial took to be written, the most so far
    slowest: float = 0.0  # pace that the machine has been seen at while a model was measured
    moved: dict[str, float] = field(default_factory=dict)  # the shift_robustness of each trial's model, where asked
    paces: dict[str, float] = field(default_factory=dict)  # at which each trial's model was measured
    steps: dict[str, float] = field(default_factory=dict)  # p99 of each trial's model, in seconds
    _worse: dict[tuple[str, str, int], bool] = field(default_factory=dict)
    _rules: dict[tuple[str, int], Choice] = field(default_factory=dict)

    @cached_property
    def blank(self) -> dict[str, Any]:
        """What a bundle will say of how it was made, as long as it can become."""
        return provenance.blank(self.asked.job.limits, self.asked.job.score, self.asked)

    @cached_property
    def _beside(self) -> Mapping[str, bytes]:
        """What a bundle holds beside its model, whatever that is: what may be listed, and what users did."""
        lists, collection, kept, people = (
            self.asked.job.lists,
            self.asked.collection,
            self.asked.kept,
            self.asked.people,
        )
        found = {} if collection is None else collection.members()
        if lists is None or lists.forget or kept is None or people is None:
            return found
        return {**found, **kept.members(), **(people.members(PEOPLE) if people.schema.columns else {})}

    def recorded(self, blank: Trial, outcome: Outcome, seconds: float) -> Trial:
        """A trial with what its fit came to: its score, and on all rows what its model costs as it is served."""
        costs = run_costs(outcome)
        if not outcome.done:
            return replace(blank, status=outcome.status, why=outcome.why, measured=costs)
        try:
            seen = self.look(blank.id, outcome)
            job, truth = self.asked.job, self.asked.learn.truth.take(seen.index)
            score = worth.score(job.score, truth, seen.given, job.seed)
        except BROKEN as fault:
            return replace(blank, why=f"its answers could not be scored: {fault}", measured=costs)
        trial = replace(blank, score=score, status=Status.FITS, measured=costs)
        return trial if blank.share < 1.0 else self._metered(trial, outcome, seconds)

    def look(self, number: str, outcome: Outcome) -> Seen:
        """The unseen answers of a trial, with those that it has given before, kept for comparing it with others."""
        index, raw = outcome.answers()
        if before := self.seen.get(number):
            index, raw = np.concatenate([before.index, index]), np.concatenate([before.raw, raw])
        self.seen[number] = unseen(self.asked.job, self.asked.learn.truth.take(index), index, raw)
        return self.seen[number]

    def _metered(self, trial: Trial, outcome: Outcome, seconds: float) -> Trial:
        made = self.bundled(trial, outcome.members(), outcome.settled)
        try:
            reading = self.meter(made, trial.id, seconds)
        except TrialError as fault:
            return replace(trial, status=Status.FAILED, why=str(fault))
        self._moved(trial, made)
        measured = trial.measured.joined(reading.measured).joined(self.floors(trial.id))
        return self.verdict(replace(trial, measured=measured, notes=(*outcome.notes, *reading.notes)))

    def _moved(self, trial: Trial, made: Bundle) -> None:
        """Where a limit speaks of it, what its model is worth on the last rows unseen once its sensors have moved."""
        if self.asked.job.limits.only(metrics.ROBUSTNESS).each and trial.id not in self.moved:
            part = self.asked.learn.take(self.asked.folds[self.asked.first - 1][1])
            try:
                found = shift.robustness(asking(made, part.truth), part.rows, self.asked.schema, self.asked.job.score)
            except (*BROKEN, UserError):
                found = None  # a limit that was not measured is not kept, and the trial says so
            if found is not None:
                self.moved[trial.id] = found

    def again(self, trial: Trial, seconds: float) -> Trial:
        """A trial whose model is measured once more, from the bundle that it left; where that fails, as it was."""
        try:
            reading = self.meter(bundle.read(self.folder / trial.id / "bundle"), trial.id, seconds)
        except (TrialError, BundleError):
            return trial
        return self.verdict(
            replace(trial, measured=trial.measured.joined(reading.measured), notes=(*trial.notes, "timed twice"))
        )

    def bundled(self, trial: Trial, members: Mapping[str, bytes], settled: Mapping[str, Any]) -> Bundle:
        job, knobs, fitted = self.asked.job, {**trial.knobs, **settled}, self._calibrated(trial.id)
        members = {**members, **self._beside}
        choice, spelt = self.rules(trial.id), self.spellings(trial.id)
        return Bundle(
            job,
            self.asked.schema,
            trial.recipe,
            knobs,
            fitted,
            members,
            self.blank,
            choice.best.rule if choice else None,
            spelt.best.spelling if spelt else None,
        )

    def _calibrated(self, number: str) -> Calibration:
        job, seen = self.asked.job, self.seen[number]
        return calibration.fit(self.asked.learn.truth.target[seen.index], seen.raw, job.score, job.coverage)

    def taught(self, number: str, raw: Array, truth: Truth) -> Given:
        """What is given for other rows: calibrated and read by what a trial's answers to unseen rows taught."""
        fitted, spelt = self._calibrated(number), self.spellings(number)
        choice = self.rules(number) if self.asked.job.asks("events") else None
        answers = fitted.apply(raw)
        how = choice.best.rule if choice else None, spelt.best.spelling if spelt else None
        return Given(answers, fitted.labels(answers), scoring.said(truth, answers, *how))

    def rules(self, number: str) -> Choice | None:
        """The decision rule of a trial's model, by its answers to moments that it had not learned from; None of a job
        that does not decode."""
        known = self._known(number)
        if known is None:
            return None
        key = (number, len(known.target))
        if key not in self._rules:
            self._rules[key] = rule.chosen(known, self.asked.job.limits, self.asked.job.score)
        return self._rules[key]

    def spellings(self, number: str) -> spellings.Choice | None:
        """How the answers of a trial's model are read as a sequence, by those to moments that it had not learned from; None of
        a job that asks for none."""
        widths = self.seen[number].widths
        return None if widths is None else widths.chosen()

    def _known(self, number: str) -> rule.Known | None:
        seen = self.seen[number]
        truth = self.asked.learn.truth.take(seen.index)
        return scoring.known(truth, seen.given.answers, self.steps.get(number, 0.0))

    def meter(self, made: Bundle, name: str, seconds: float) -> meter.Reading:
        """Writes the bundle into the folder of this name and measures it."""
        scratch = self.folder / name
        scratch.mkdir(parents=True, exist_ok=True)
        began = monotonic()
        bundle.write(scratch / "bundle", made)
        self.writing = max(self.writing, monotonic() - began)
        # A core that another lane is at is no neighbour's; the chosen model is measured again when all is quiet.
        requests = self.folder / "requests.jsonl"
        reading = meter.measure(scratch / "bundle", requests, scratch, seconds, beside=self.beside)
        self.paces[name] = reading.pace
        self.steps[name] = reading.measured.middle("p99") or 0.0
        self.slowest = max(self.slowest, reading.pace)
        return reading.at(self.slowest)

    def floors(self, number: str) -> Measured:
        """The qualities that limits speak of, on the training rows that a trial's models had not seen."""
        seen, limits, compute = self.seen[number], self.asked.job.limits, self.steps.get(number, 0.0)
        given, truth = seen.given, self.asked.learn.truth.take(seen.index)
        known = self._known(number) if limits.events.each else None
        if (
            known is not None
        ):  # decided anew, for it is known by now how long a step takes, which is part of every delay
            given = replace(given, said={**given.said, "events": scoring.decided(self.asked.job, known)})
        found = qualities(limits, truth, given, compute)
        moved = self.moved.get(number)
        return found if moved is None else found.joined(Measured.exactly(shift_robustness=moved))

    def verdict(self, trial: Trial) -> Trial:
        """The same with the limits that it breaks."""
        breaches = trial_limits(self.asked.job.limits).judge(trial.measured)
        status = Status.BREACHES if breaches else Status.FITS
        return replace(trial, status=status, breaches=tuple(str(breach) for breach in breaches))

    def worse(self, trial: Trial, best: Trial) -> bool:
        """Measurably worse than the best: on the score, or on the proper score beneath one of decisions."""
        one, other = self.seen[best.id], self.seen[trial.id]
        both, here, there = np.intersect1d(one.index, other.index, assume_unique=True, return_indices=True)
        key = (trial.id, best.id, len(both))
        if key not in self._worse:
            job, truth = self.asked.job, self.asked.learn.truth.take(both)
            a, b = one.given.take(here), other.given.take(there)
            names = dict.fromkeys(name for name in (job.score, metrics.QUALITIES[job.score].beneath) if name)
            gains = (worth.gain(name, truth, a, b, job.seed)[0] for name in names)
            self._worse[key] = not len(both) or any(gain > 0 for gain in gains)
        return self._worse[key]
