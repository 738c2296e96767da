"""What trials are scored by: answers to rows that no model had learned from, and what is judged of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import calibration, ctc, event_figures, events, machine, metrics, rule, worth
from plimsoll.bundle import Bundle
from plimsoll.ctc import Spelling
from plimsoll.events import Rule
from plimsoll.job import Job
from plimsoll.limits import RUN_COSTS, Limits, Measured
from plimsoll.metrics import SYMBOLS
from plimsoll.rows import Rows
from plimsoll.rule import Known
from plimsoll.runner import Outcome
from plimsoll.serve.answering import answering
from plimsoll.shift import Ask
from plimsoll.spellings import Widths
from plimsoll.truth import Truth
from plimsoll.worth import Given

Array = NDArray[Any]


@dataclass(frozen=True)
class Seen:
    """Answers on training rows that the models had not learned from, calibrated and read each half by what the other half taught,
    and the spellings that they could have, where the job asks for symbols."""

    index: Array
    raw: Array  # as the models gave them
    given: Given
    widths: Widths | None = None


def trial_limits(limits: Limits) -> Limits:
    """The limits that a single trial is held against; those on the run are held against the run."""
    return limits.without([name for name in RUN_COSTS if name != "train_memory"])


def qualities(limits: Limits, truth: Truth, given: Given, compute: float = 0.0) -> Measured:
    """The figures of the quality floors, each on the rows that it speaks of. ``compute`` are the seconds that a decoder takes for
    a step."""
    figures: dict[str, float] = {}
    for floor in limits.floors:
        rows = np.flatnonzero(truth.slices[floor.key]) if floor.slice else np.arange(len(truth.target))
        found = _quality(floor.name, truth.take(rows), given.take(rows), compute) if len(rows) else None
        # What has no base has no figure: nothing found has no delay, and a limit on it is not kept.
        figures |= {} if found is None else {floor.key: found}
    return Measured.exactly(**figures)


def _quality(name: str, truth: Truth, given: Given, compute: float) -> float | None:
    if name in metrics.METRICS or name in metrics.LISTS:
        return worth.value(name, truth, given)
    if name in SYMBOLS and "symbols" in given.said:
        found = worth.value(name, truth, given)
        return found if np.isfinite(found) else None
    if "events" in given.said and truth.timeline is not None:
        spoken = truth.timeline, truth.target, given.said["events"]
        middle = event_figures.figures(*spoken, compute=compute, draws=0).each.get(name)
        return None if middle is None else middle[1]
    return None


def deciding(made: Bundle) -> Callable[[Rows], tuple[Array, Array]]:
    """What a bundle answers to rows, calibrated, and what it decides, as it is served."""
    answerer = answering(made)

    def decide(rows: Rows) -> tuple[Array, Array]:
        if made.schema.lists:
            lists = answerer.model.predict(rows)
            return lists, lists
        given = answerer.decide(rows)
        answers = given.values if given.probabilities is None else given.probabilities
        assert answers is not None
        return answers, answers if given.labels is None else given.labels

    return decide


def said(truth: Truth, answers: Array, rule: Rule | None, spelling: Spelling | None) -> dict[str, Array]:
    """What answers to moments say by a rule and a spelling: events and symbols, as far as there is one."""
    found: dict[str, Array] = {}
    if truth.timeline is not None and rule is not None:
        found["events"] = events.decisions(rule, answers, truth.timeline)
    if truth.timeline is not None and spelling is not None:
        found["symbols"] = ctc.spelt(spelling, answers, truth.timeline)[0]
    return found


def served(made: Bundle, truth: Truth) -> Callable[[Rows, Array], Given]:
    """All that a bundle gives for rows, and for their numbers among those that the truth is of."""
    decide = deciding(made)

    def give(rows: Rows, index: Array) -> Given:
        answers, labels = decide(rows)
        return Given(answers, labels, said(truth.take(index), answers, made.rule, made.spelling))

    return give


def asking(made: Bundle, truth: Truth) -> Ask:
    """The score of a bundle on rows as ``shift`` asks for it."""
    give = served(made, truth)
    return lambda rows, index: worth.value(made.job.score, truth.take(index), give(rows, index))


def run_costs(outcome: Outcome) -> Measured:
    return spent(outcome.cpu, train=outcome.wall, train_memory=float(outcome.memory))


def spent(cpu: float, **exact: float) -> Measured:
    """Core-seconds with the energy and carbon that they are estimated to cost, beside what was counted exactly."""
    joules = machine.energy(cpu)
    estimated = Measured({"energy": joules, "carbon": machine.carbon(joules)})
    return Measured.exactly(cpu=cpu, **exact).joined(estimated)


def unseen(job: Job, truth: Truth, index: Array, raw: Array) -> Seen:
    """Answers to rows that no model had learned from; the truth is of the rows of ``index`` alone."""
    answers, labels = crossed(truth.target, raw, job, truth.over(least=2)[1])
    here = known(truth, answers)
    widths = Widths(here) if here is not None and job.asks("symbols") else None
    said = {} if here is None or not job.asks("events") else {"events": decided(job, here)}
    said |= {} if widths is None else {"symbols": widths.crossed(job.seed)}
    return Seen(index, raw, Given(answers, labels, said), widths)


def known(truth: Truth, answers: Array, compute: float = 0.0) -> Known | None:
    """Answers to moments as rules and spellings are chosen by them; None where rows are no moments."""
    if truth.timeline is None:
        return None
    return Known(truth.timeline, truth.target, answers, truth.units, compute)


def decided(job: Job, known: Known) -> Array:
    """The events at moments, each half by the rule that the other half chose."""
    return rule.crossed(known, job.limits, job.seed, job.score)


def crossed(truth: Array, raw: Array, job: Job, units: Array | None = None) -> tuple[Array, Array]:
    """Calibrated answers and decisions, each half by what the other half taught: a score that flatters nobody. Halves are of
    ``units`` where rows are of some, whose other rows would teach too much of them."""
    if not calibration.probable(raw):
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
