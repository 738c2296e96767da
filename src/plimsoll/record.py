"""What a run says of itself: the test rows' verdict, the facts in the bundle, and ``run.json``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plimsoll import catalogue, event_evidence, evidence, frontier, machine, waves, worth
from plimsoll.asked import Asked
from plimsoll.bundle import Bundle
from plimsoll.cases import COSTS
from plimsoll.job import Job
from plimsoll.limits import Measured
from plimsoll.scoring import qualities, served, spent, trial_limits
from plimsoll.search import Search
from plimsoll.trial import Score, Status, Trial
from plimsoll.truth import Part


@dataclass(frozen=True)
class Verdict:
    """What the test rows say of the bundle that will be served."""

    score: Score
    evidence: Mapping[str, Any]
    floors: Measured
    answers: Mapping[str, Any]  # how they were spread


def tested(made: Bundle, asked: Asked, test: Part, measured: Measured) -> Verdict:
    """The test rows, asked of the bundle that will be served: used once, after every choice. ``measured`` are its costs: of
    one that decodes, what a step takes is part of every delay."""
    job, truth, compute = asked.job, test.truth, measured.middle("p99") or 0.0
    given = served(made, truth)(test.rows, np.arange(len(test)))
    rows = truth.target, given.answers, given.labels
    score = worth.score(job.score, truth, given, job.seed)
    found = evidence.gather(job, asked.schema, test.rows, *rows, made.calibration.radius)
    found |= event_evidence.gather(job, truth, given, made, compute)
    floors = qualities(job.limits, truth, given, compute)
    return Verdict(score, found, floors, evidence.answered(asked.schema, given.answers, given.labels))


def sampled(test: Part, most: int, seed: int) -> Part:
    """The test rows, or a seeded sample of them where there are more than can be answered in time: of moments, whole streams."""
    if len(test) <= most:
        return test
    random = np.random.default_rng([seed, 3])
    if test.truth.timeline is None:
        return test.take(np.sort(random.choice(len(test), most, replace=False)))
    streams = test.truth.timeline.streams
    each, sizes = np.unique(streams, return_counts=True)
    order = random.permutation(len(each))
    room = max(1, int(np.searchsorted(np.cumsum(sizes[order]), most, side="right")))
    return test.take(np.flatnonzero(np.isin(streams, each[order[:room]])))


def run_costs(search: Search) -> Measured:
    """What the run has cost so far: joules as the processor counted them where it does, else estimated."""
    estimated = spent(search.cpu, train=search.clock.spent)
    counted = search.joules.joules(search.cpu)
    if counted is None:
        return estimated
    return estimated.joined(Measured({"energy": counted, "carbon": machine.carbon(counted)}))


def record(
    search: Search,
    chosen: Trial | None = None,
    measured: Measured | None = None,
    verdict: Verdict | None = None,
    order: Sequence[Trial] = (),
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """``run.json``; without a chosen trial, of a run in which nothing fitted."""
    return {
        "job": search.job.as_json(),
        "limits": [limit.as_json() for limit in search.job.limits],
        "machine": {**machine.card(), "energy": search.joules.source},
        "trials": [trial.as_json() for trial in sorted(search.trials, key=lambda trial: trial.id)],
        "chosen": chosen.id if chosen else None,
        "measured": (measured or run_costs(search)).as_json(),
        "test": verdict.score.as_json() if verdict else None,
        "why": _why(chosen, order, search.job) if chosen else "",
        "warnings": [*search.asked.warnings, *notes],
        "evidence": dict(verdict.evidence) if verdict else {},
        "reference": next((trial.id for trial in search.trials if trial.recipe in catalogue.FLOORS), None),
        "reproduce": _reproduce(search.asked),
        "elapsed": search.clock.spent,
        "timeline": search.timeline,
        "forecast": forecast(search.trials),
    }


def forecast(trials: Sequence[Trial]) -> dict[str, int]:
    """Of the figures that were foretold and then measured: how many there are, and how many lay in their interval.

    Of a trial that was killed only what has passed its upper end is known.
    """
    told = inside = 0
    for trial in trials:
        for name, (low, _, high) in trial.predicted.figures.items():
            found = trial.measured.middle(name)
            ended = trial.status in (Status.FITS, Status.BREACHES)
            if name in COSTS and found is not None and (ended or (trial.status is Status.KILLED and found > high)):
                told += 1
                inside += low <= found <= high
    return {"told": told, "inside": inside}


def nothing(search: Search) -> str:
    """Which model came nearest, what it breaches, and what each relaxation would buy."""
    limits = trial_limits(search.job.limits)
    near = frontier.nearest(search.trials, limits)
    if near is None:
        ended = "; ".join(
            f"{trial.recipe}: {trial.why}" for trial in search.trials if trial.status is not Status.RULED_OUT
        )
        return f"Nothing fits: no trial came to its end in {search.clock.spent:.0f} s. {ended}"
    breaches = limits.judge(near.measured)
    over = "; ".join(str(breach) for breach in breaches) or "it could not be fitted again in the time left"
    score = f", {near.score.metric} {near.score.value:.4g}" if near.score else ""
    return " ".join(
        [f"Nothing fits. Nearest: {near.recipe}{score}, but {over}.", *frontier.prices(search.trials, limits)]
    )


def _why(chosen: Trial, order: Sequence[Trial], job: Job) -> str:
    best = max(order, key=frontier.goodness)
    assert best.score is not None
    if chosen.id == best.id:
        return f"It has the best {job.score} of the {len(order)} models that fit."
    return f"It is the cheapest to ask (p50) of the models that are not measurably worse than the best, {best.recipe} ({best.id}, {job.score} {best.score.value:.4g})."


def _reproduce(asked: Asked) -> list[str]:
    return [
        command(asked),
        f"seed {asked.job.seed}, split {asked.job.split}, {len(asked.learn)} rows to learn from, {len(asked.test)} test rows",
        f"rows and job: sha256 {asked.digest[:16]}",
        ", ".join(f"{name} {version}" for name, version in machine.versions().items()),
    ]


def _lists(job: Job) -> list[str]:
    """The flags of a job whose answers are lists of items, or documents."""
    part = job.lists or job.search
    if part is None:
        return []
    flags = {"cross": "cross-encoder"}
    words: list[str] = []
    for name, said in part.as_json().items():
        flag = f"--{flags.get(name, name)}"
        words += [flag] if said is True else [flag, said] if said else []
    return words


def command(asked: Asked) -> str:
    """The command line that states the same job; a frame is named FRAME."""
    job = asked.job
    words = ["plimsoll", "fit", *(["--search"] if job.search else []), asked.source]
    words += ["--test", asked.test_source] if asked.test_source else []
    flag = "--decode" if job.decode else "--recommend" if job.lists else "--id" if job.search else "--predict"
    words += [flag, job.predict, *_lists(job), "--metric", job.score]
    words += ["--seed", str(job.seed), "--choose", job.choose, *waves.words(job)]
    words += ["--split", str(job.split)] if not asked.test_source else []
    for flag, listed in (("--ignore", job.ignore), ("--recipes", job.recipes)):
        words += [flag, ",".join(listed)] if listed else []
    for name, kind in job.kinds.items():
        words += ["--kind", f"{name}={kind}"]
    words += ["--limit", ", ".join(map(str, job.limits))] if job.limits.each else []
    return shlex.join(words)
