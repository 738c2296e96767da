"""What trials are scored by: answers to rows that no model had learned from, and what is judged of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import calibration, event_figures, machine, metrics
from plimsoll.asked import Truth
from plimsoll.bundle import Bundle
from plimsoll.job import Job
from plimsoll.limits import RUN_COSTS, Limits, Measured
from plimsoll.rows import Rows
from plimsoll.runner import Outcome
from plimsoll.serve.answerer import Answerer
from plimsoll.shift import Decide

Array = NDArray[Any]


@dataclass(frozen=True)
class Seen:
    """Answers on training rows that the models had not learned from, calibrated across halves."""

    index: Array
    raw: Array  # as the models gave them
    answers: Array
    labels: Array


def trial_limits(limits: Limits) -> Limits:
    """The limits that a single trial is held against; those on the run are held against the run."""
    return limits.without([name for name in RUN_COSTS if name != "train_memory"])


def qualities(
    limits: Limits,
    truth: Truth,
    answers: Array,
    labels: Array,
    decided: Array | None = None,
    compute: float = 0.0,
) -> Measured:
    """The figures of the quality floors, each on the rows that it speaks of. ``decided`` are the events of a job over moments
    (see ``events.decisions``), and ``compute`` the seconds that a decoder takes for a step."""
    figures = {}
    for floor in limits.floors:
        rows = truth.slices[floor.key] if floor.slice else np.ones(len(truth.target), dtype=bool)
        if rows.any() and floor.name in metrics.METRICS:
            figures[floor.key] = metrics.score(floor.name, truth.target[rows], answers[rows], labels[rows])
        elif rows.any() and decided is not None and truth.timeline is not None:
            when, spoken = truth.timeline.take(rows), (truth.target[rows], decided[rows])
            found = event_figures.figures(when, *spoken, compute=compute, draws=0).each.get(floor.name)
            # What has no base has no figure: nothing found has no delay, and a limit on it is not kept.
            figures |= {floor.key: found[1]} if found else {}
    return Measured.exactly(**figures)


def deciding(made: Bundle) -> Decide:
    """What a bundle answers to rows, calibrated, and what it decides, as it is served."""
    answerer = Answerer(made)

    def decide(rows: Rows) -> tuple[Array, Array]:
        given = answerer.decide(rows)
        answers = given.values if given.probabilities is None else given.probabilities
        assert answers is not None
        return answers, answers if given.labels is None else given.labels

    return decide


def run_costs(outcome: Outcome) -> Measured:
    return spent(outcome.cpu, train=outcome.wall, train_memory=float(outcome.memory))


def spent(cpu: float, **exact: float) -> Measured:
    """Core-seconds with the energy and carbon that they are estimated to cost, beside what was counted exactly."""
    joules = machine.energy(cpu)
    estimated = Measured({"energy": joules, "carbon": machine.carbon(joules)})
    return Measured.exactly(cpu=cpu, **exact).joined(estimated)


def crossed(truth: Array, raw: Array, job: Job, units: Array | None = None) -> tuple[Array, Array]:
    """Calibrated answers and decisions, each half by what the other half taught: a score that flatters nobody. Halves are of
    ``units`` where rows are of some, whose other rows would teach too much of them."""
    if raw.ndim == 1:
        return raw, raw
    parted = units is not None and units.max(initial=0) > 0
    each = units if parted else np.arange(len(truth))
    assert each is not None
    half = (np.random.default_rng(job.seed).permutation(int(each.max(initial=-1)) + 1) % 2 == 0)[each]
    answers, labels = np.empty_like(raw), np.empty(len(truth), dtype=np.int64)
    for teach, learn in ((half, ~half), (~half, half)):
        if teach.any() and learn.any():
            taught = calibration.fit(truth[teach], raw[teach], job.score)
            answers[learn] = taught.apply(raw[learn])
            labels[learn] = taught.labels(answers[learn])
    return answers, labels
