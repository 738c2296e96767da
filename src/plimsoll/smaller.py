"""A net that has been tried, made smaller: its numbers in eight bits, or fewer hidden units; kept where it is quicker and agrees.

For eight bits nothing is trained: the model that the trial left is written anew, and answers the rows that it had not seen.
One with fewer units is fitted as any setting is: whole, then cut, then taught by the whole. What is told of either then are
the costs of any trial. Should it be chosen, it is fitted on all rows as any setting is: ``numbers`` and ``pruned`` are knobs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import catalogue, net_quantised
from plimsoll.asked import Asked
from plimsoll.errors import BundleError
from plimsoll.knobs import Knobs
from plimsoll.limits import Measured
from plimsoll.mixing import Part
from plimsoll.net_model import GRAPH, Looking, Onnx, Remembering
from plimsoll.outlook import Step, step_of
from plimsoll.recipe import Model
from plimsoll.rows import Rows
from plimsoll.runner import Outcome
from plimsoll.schema import Kind
from plimsoll.trial import Status, Trial

Array = NDArray[Any]
KNOB, STAGE = "numbers", "smaller"
CUT, PRUNED = "pruned", "pruned"  # the knob, and the stage
SHARES = (0.5, 0.75)  # of the hidden units that are cut out, one after the other as long as that is of use
ALIKE = 0.97  # share of the rows that both must give the same class
_MEASURED = 128  # windows from which the scales are taken
_TIMED = 60  # answers of each, in turn
_STEPS = 240  # of a stream


def steps(trial: Trial, members: Mapping[str, bytes]) -> Iterator[Step]:
    """The trial's net in eight bits, in each way; nothing where it is no graph of a net, or is in eight bits already."""
    first, *others = net_quantised.NUMBERS
    if GRAPH in members and trial.knobs.get(KNOB) == first:
        for numbers in others:
            knobs = {**trial.knobs, KNOB: numbers}
            yield Step(
                trial.recipe, knobs, 1.0, f"{trial.id} in numbers of eight bits ({numbers})", STAGE, parts=(trial.id,)
            )


def cut(trial: Trial, share: float) -> Step:
    """The trial's net without this share of its hidden units."""
    return Step(
        trial.recipe, {**trial.knobs, CUT: share}, 1.0, f"{trial.id} without {share:.0%} of its hidden units", PRUNED
    )


def whole_of(trial: Trial) -> str:
    """The key of the setting that a pruned trial was cut out of."""
    return replace(step_of(trial), knobs={**trial.knobs, CUT: 0.0}).key


def made(asked: Asked, folder: Path, number: str, knobs: Knobs, part: Part, large: bool = False) -> Outcome:
    """The smaller net as if it had been fitted, with its answers; failed, with the reason, where it is no gain. Where the net is
    too ``large`` for a limit it need not be quicker as well.
    """
    begun, out = time.process_time(), folder / number
    (out / "members").mkdir(parents=True, exist_ok=True)
    before = Outcome(Status.FITS, part.folder).members()
    try:
        whole = catalogue.load(part.recipe, asked.job, asked.schema, before)
        members = written(whole, before, asked.learn.rows, str(knobs[KNOB]))
        small = catalogue.load(part.recipe, asked.job, asked.schema, members)
    except (OSError, ValueError, LookupError, BundleError) as fault:
        return Outcome(Status.FAILED, out, f"it cannot be written so: {fault}")
    # The last fold's model was left, which has learned from the rows of the folds before it.
    index = np.intersect1d(part.index, asked.folds[asked.first - 1][1])
    rows = asked.learn.rows.take(index)
    answers = small.predict(rows)
    if why := no_gain(whole, small, rows, answers, asked, large):
        return Outcome(Status.FAILED, out, why)
    for name, content in members.items():
        (out / "members" / name).write_bytes(content)
    np.savez(out / "answers.npz", index=index, answers=answers)
    spent, size = time.process_time() - begun, sum(map(len, members.values()))
    return Outcome(Status.FITS, out, wall=spent, cpu=spent, settled=part.settled, size=size)


def written(model: Model, members: Mapping[str, bytes], rows: Rows, numbers: str) -> dict[str, bytes]:
    """The members with the graph in other numbers, measured on rows. Raises ValueError where it cannot be."""
    if not isinstance(model, Looking | Remembering) or not isinstance(model.graph, Onnx):
        raise ValueError("it is no graph of a net")
    signals = rows.signals(model.heard.name)
    if isinstance(model, Remembering):
        longest = np.array([np.argmax(signals.ends - signals.starts)])
        samples = signals.take(longest).last(model.front.reach(_STEPS * model.frames))
    else:
        picked = np.linspace(0, len(rows) - 1, min(len(rows), _MEASURED)).astype(np.intp)
        samples = signals.take(picked).last(model.reach)
    graph, frames = model.graph, model.front.windows(samples.astype(np.float32))
    small = net_quantised.quantised(graph.graph, numbers, frames, graph.state(), model.frames)
    return {**members, GRAPH: small}


@dataclass(frozen=True)
class Beside:
    """A pruned net beside its whole: the share of unseen rows that both give the same class, and seconds of an answer of each."""

    alike: float
    slow: float
    quick: float

    def held(self, asked: Asked, trial: Trial, whole: Trial, worse: Callable[[], bool]) -> Trial:
        """The trial with what it is beside its whole; failed, with the reason, where it is no gain.

        A net that has been trained on gives other answers to rows that are in doubt. It agrees where it gives nearly all rows
        the class that the whole gave, or else is not measurably worse. Where the whole breaks a limit it has no such duty:
        there a little is given up for a net that may keep it, and where that is one on bytes it need not be quicker.
        """
        said = f"{self.alike:.1%} of the rows have the class that {whole.id} gave; {1e6 * self.quick:.0f} µs an answer, {1e6 * self.slow:.0f} µs before"
        if self.quick >= self.slow and not too_large(asked, whole):
            return _failed(trial, f"it is not quicker: {said}")
        if whole.status is Status.FITS and self.alike < ALIKE and worse():
            return _failed(trial, f"it answers otherwise, and measurably worse: {said}")
        return replace(trial, notes=(*trial.notes, said))


def too_large(asked: Asked, whole: Trial) -> bool:
    """Whether a net breaks a limit that one of fewer bytes may keep, be it quicker or not."""
    return bool(asked.job.limits.only(("size", "memory")).judge(whole.measured))


def _failed(trial: Trial, why: str) -> Trial:
    """As if it had not been scored: what failed is not chosen, nor measured beside others."""
    costs = {
        name: figure for name, figure in trial.measured.figures.items() if name in ("train", "cpu", "train_memory")
    }
    return replace(trial, status=Status.FAILED, why=why, score=None, measured=Measured(costs), breaches=())


def beside(asked: Asked, part: Part, outcome: Outcome) -> Beside:
    """A pruned net beside its whole, on the rows that neither has seen, and timed in turn."""
    index, answers = outcome.answers()
    _, here, there = np.intersect1d(part.index, index, assume_unique=True, return_indices=True)
    alike = float((part.raw[here].argmax(axis=1) == answers[there].argmax(axis=1)).mean()) if len(here) else 0.0
    members = Outcome(Status.FITS, part.folder).members(), outcome.members()
    whole, small = (catalogue.load(part.recipe, asked.job, asked.schema, each) for each in members)
    return Beside(alike, *_timed(whole, small, asked.learn.rows.take(np.sort(index)), asked))


def no_gain(whole: Model, small: Model, rows: Rows, answers: Array, asked: Asked, large: bool = False) -> str:
    """Why the smaller model is not worth keeping: it answers otherwise, or is not quicker; nothing where it is."""
    some = np.linspace(0, len(rows) - 1, min(len(rows), 4_000)).astype(np.intp)
    alike = float((whole.predict(rows.take(some)).argmax(axis=1) == answers[some].argmax(axis=1)).mean())
    if alike < ALIKE:
        return f"it gives {alike:.1%} of the rows the class that it gave in {net_quantised.NUMBERS[0]}; {ALIKE:.0%} are the least"
    slow, quick = _timed(whole, small, rows, asked)
    return (
        ""
        if quick < slow or large
        else f"it is not quicker: {1e6 * quick:.0f} µs an answer, and {1e6 * slow:.0f} µs before"
    )


def _timed(whole: Model, small: Model, rows: Rows, asked: Asked) -> tuple[float, float]:
    """Seconds of an answer of each, taken in turn: the median, and of streams no more of the past than a moment needs."""
    name = asked.schema.of(Kind.SIGNAL)[0]
    cell = rows.take(np.arange(1))
    frames = int(getattr(whole, "reach", 0)) or 50
    values = replace(cell, columns={**cell.columns, name: cell.signals(name).ending(frames)}).values(asked.schema)[0]
    taken: dict[int, list[float]] = {0: [], 1: []}
    for turn in range(2 * _TIMED):
        begun = time.perf_counter()
        (whole, small)[turn % 2].answer(values)
        taken[turn % 2].append(time.perf_counter() - begun)
    return float(np.median(taken[0])), float(np.median(taken[1]))
