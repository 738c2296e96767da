"""Blends of trials: which of them to pool, and the pool made of the models that they have left.

Parts are added one at a time, with replacement, each time the one that makes the pool best (Caruana and others 2004), on
answers to rows that no model had learned from. What so few numbers gain by having been chosen is small, and yet it is
counted off: half of the rows choose, the other half scores, and the other way round.
"""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import blend, catalogue, distil
from plimsoll.asked import Asked
from plimsoll.job import Job
from plimsoll.knobs import Knobs
from plimsoll.limits import Measured
from plimsoll.outlook import Step
from plimsoll.runner import Outcome
from plimsoll.trial import Status, Trial

Array = NDArray[Any]
Loss = Callable[[Array, Array], float]  # of answers, on the rows of a mask
MOST = 8  # parts, counted with repeats
POOLED = 10  # trials that are looked at
_WORTH = 1e-3  # share of the loss that a blend must save


@dataclass(frozen=True)
class Part:
    """A trial as a part: what it was, where its model lies, and its answers to the rows of ``index``."""

    recipe: str
    knobs: Knobs
    settled: Mapping[str, Any]
    folder: Path
    index: Array
    raw: Array


@dataclass(frozen=True)
class Mix:
    """Which parts, how often each, and the loss that the pool has on rows that did not choose it.

    ``alone`` is the loss of the best part by itself, likewise on rows that did not choose it: the best of many on the
    rows that say which is the best looks better than it is.
    """

    counts: Mapping[int, int]
    loss: float
    alone: float


def pool(answers: Sequence[Array], weights: Sequence[float]) -> Array:
    """``blend.pool`` with weights of any sum.

    >>> pool([np.array([1.0, 2.0]), np.array([3.0, 2.0])], [1.0, 1.0]).tolist()
    [2.0, 2.0]
    """
    total = sum(weights)
    return blend.pool(answers, [weight / total for weight in weights])


def chosen(answers: Sequence[Array], loss: Loss, rows: int, seed: int) -> Mix:
    """The pool of these answers with the least loss; each half of the rows scores what the other half chose."""
    half = np.random.default_rng([seed, 7]).permutation(rows) % 2 == 0
    pooled, alone = [], []
    for side in (half, ~half):
        pooled.append(loss(_pooled(answers, _greedy(answers, loss, side)), ~side))
        losses = [loss(each, side) for each in answers]
        alone.append(loss(answers[losses.index(min(losses))], ~side))
    whole = _greedy(answers, loss, np.ones(rows, dtype=bool))
    return Mix(whole, float(np.mean(pooled)), float(np.mean(alone)))


def _greedy(answers: Sequence[Array], loss: Loss, rows: Array) -> dict[int, int]:
    taken: Counter[int] = Counter()
    best, kept = float("inf"), dict(taken)
    for _ in range(MOST):
        tried = {k: loss(_pooled(answers, taken + Counter([k])), rows) for k in range(len(answers))}
        least = min(tried, key=lambda k: tried[k])
        taken[least] += 1
        if tried[least] < best * (1.0 - 1e-5):
            best, kept = tried[least], dict(taken)
    return kept


def _pooled(answers: Sequence[Array], counts: Mapping[int, int]) -> Array:
    return pool([answers[k] for k in counts], [float(count) for count in counts.values()])


def proposed(parts: Sequence[tuple[Trial, Part]], loss: Callable[[Array, Array], float], job: Job) -> Step | None:
    """The blend of these trials with the least loss that could keep the limits; None where none beats the best alone.

    ``loss`` is of (row numbers, answers).
    """
    left = list(parts)
    while len(left) > 1:
        index = _common([part for _, part in left])
        answers = [_on(part, index) for _, part in left]

        def of(pooled: Array, rows: Array, index: Array = index) -> float:
            return loss(index[rows], pooled[rows])

        mix = chosen(answers, of, len(index), job.seed)
        if len(mix.counts) < 2 or mix.loss > mix.alone * (1.0 - _WORTH):
            return None
        named = {k: left[k] for k in mix.counts}
        if not job.limits.only(("size", "p50", "p99")).judge(_summed([trial for trial, _ in named.values()])):
            return _step(named, mix)
        largest = max(named, key=lambda k: named[k][0].measured.middle("size") or 0.0)
        left.pop(largest)
    return None


def _summed(trials: Sequence[Trial]) -> Measured:
    """What a blend would cost at most: joined, it is less."""
    sums = {name: sum(t.measured.middle(name) or 0.0 for t in trials) for name in ("size", "p50", "p99")}
    return Measured.exactly(**sums)


def _step(named: Mapping[int, tuple[Trial, Part]], mix: Mix) -> Step:
    listed = [blend.Part(t.recipe, dict(t.knobs), float(mix.counts[k])) for k, (t, _) in named.items()]
    ids = tuple(trial.id for trial, _ in named.values())
    why = f"of {', '.join(ids)}: together they err less than any of them"
    return Step("blend", blend.of(listed), 1.0, why, "blend", parts=ids)


def student(top: Trial, most: int | None = None) -> Step | None:
    """A small model that learns what a trial says: of its family, or the families of its parts, those that name small settings;
    the first ``most`` of them."""
    teacher = blend.read(top.knobs["parts"]) if top.recipe == "blend" else [blend.Part(top.recipe, dict(top.knobs))]
    families = dict.fromkeys(part.recipe for part in teacher)
    small = [blend.Part(name, dict(knobs)) for name in families for knobs in catalogue.find(name).students][:most]
    if not small:
        return None
    return Step("distilled", distil.of(teacher, small), 1.0, f"a small model taught by {top.id}", "distilled")


def mixed(asked: Asked, folder: Path, number: str, knobs: Knobs, parts: Sequence[Part]) -> Outcome:
    """The blend of trials as if it had been fitted: their models pooled into one, and their answers."""
    named = blend.read(knobs["parts"])
    out = folder / number
    outcome = joined(asked, out, named, [Outcome(Status.FITS, part.folder) for part in parts])
    if not outcome.done:
        return outcome
    index = _common(parts)
    pooled = pool([_on(part, index) for part in parts], [part.weight for part in named])
    np.savez(out / "answers.npz", index=index, answers=pooled)
    settled = {f"{k}.{name}": value for k, part in enumerate(parts) for name, value in part.settled.items()}
    return replace(outcome, settled=settled)


def joined(asked: Asked, out: Path, named: Sequence[blend.Part], fitted: Sequence[Outcome]) -> Outcome:
    """One model of several that have been fitted, its members in ``out``."""
    begun = time.process_time()
    (out / "members").mkdir(parents=True, exist_ok=True)
    try:
        models = [
            catalogue.load(part.recipe, asked.job, asked.schema, outcome.members())
            for part, outcome in zip(named, fitted, strict=True)
        ]
        members = blend.pooled(asked.job, asked.schema, named, models).members()
    except (OSError, ValueError, LookupError) as fault:
        return Outcome(Status.FAILED, out, f"its parts could not be joined: {fault}")
    for name, content in members.items():
        (out / "members" / name).write_bytes(content)
    spent = time.process_time() - begun
    memory = max((outcome.memory for outcome in fitted), default=0)
    size = sum(map(len, members.values()))
    return Outcome(Status.FITS, out, wall=spent, cpu=spent, memory=memory, size=size)


def _common(parts: Sequence[Part]) -> Array:
    """The rows that all of them have answered."""
    return functools.reduce(np.intersect1d, [part.index for part in parts])


def _on(part: Part, index: Array) -> Array:
    """A part's answers to these rows, all of which it has answered."""
    order = np.argsort(part.index, kind="stable")
    return np.asarray(part.raw[order[np.searchsorted(part.index[order], index)]])
