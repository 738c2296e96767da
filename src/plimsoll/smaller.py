"""A net that has been tried, with its numbers in eight bits: kept where it is quicker as it answers, and answers the same.

Nothing is trained: the model that the trial left is written anew, and answers the rows that it had not seen. What is told of
it then are the costs of any trial. Should it be chosen, it is fitted on all rows as any setting is, with ``numbers`` a knob.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import catalogue, net_quantised
from plimsoll.asked import Asked
from plimsoll.errors import BundleError
from plimsoll.knobs import Knobs
from plimsoll.mixing import Part
from plimsoll.net_model import GRAPH, Looking, Onnx, Remembering
from plimsoll.outlook import Step
from plimsoll.recipe import Model
from plimsoll.rows import Rows
from plimsoll.runner import Outcome
from plimsoll.schema import Kind
from plimsoll.trial import Status, Trial

Array = NDArray[Any]
KNOB, STAGE = "numbers", "smaller"
ALIKE = 0.97  # share of the rows that both must give the same class
_MEASURED = 128  # windows from which the scales are taken
_TIMED = 60  # answers of each, in turn
_STEPS = 240  # of a stream


def step(trial: Trial, members: Mapping[str, bytes]) -> Step | None:
    """The trial's net in eight bits; None where it is no graph of a net, or is in eight bits already."""
    if GRAPH not in members or trial.knobs.get(KNOB) != net_quantised.NUMBERS[0]:
        return None
    knobs = {**trial.knobs, KNOB: net_quantised.NUMBERS[1]}
    return Step(trial.recipe, knobs, 1.0, f"{trial.id} in numbers of eight bits", STAGE, parts=(trial.id,))


def made(asked: Asked, folder: Path, number: str, knobs: Knobs, part: Part) -> Outcome:
    """The smaller net as if it had been fitted, with its answers; failed, with the reason, where it is no gain."""
    begun, out = time.process_time(), folder / number
    (out / "members").mkdir(parents=True, exist_ok=True)
    before = Outcome(Status.FITS, part.folder).members()
    try:
        whole = catalogue.load(part.recipe, asked.job, asked.schema, before)
        members = written(whole, before, asked.learn.rows, str(knobs[KNOB]))
        small = catalogue.load(part.recipe, asked.job, asked.schema, members)
    except (OSError, ValueError, LookupError, BundleError) as fault:
        return Outcome(Status.FAILED, out, f"it cannot be written so: {fault}")
    index = np.sort(part.index)
    rows = asked.learn.rows.take(index)
    answers = small.predict(rows)
    if why := no_gain(whole, small, rows, answers, asked):
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


def no_gain(whole: Model, small: Model, rows: Rows, answers: Array, asked: Asked) -> str:
    """Why the smaller model is not worth keeping: it answers otherwise, or is not quicker; nothing where it is."""
    some = np.linspace(0, len(rows) - 1, min(len(rows), 4_000)).astype(np.intp)
    alike = float((whole.predict(rows.take(some)).argmax(axis=1) == answers[some].argmax(axis=1)).mean())
    if alike < ALIKE:
        return f"it gives {alike:.1%} of the rows the class that it gave in {net_quantised.NUMBERS[0]}; {ALIKE:.0%} are the least"
    slow, quick = _timed(whole, small, rows, asked)
    return "" if quick < slow else f"it is not quicker: {1e6 * quick:.0f} µs an answer, and {1e6 * slow:.0f} µs before"


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
