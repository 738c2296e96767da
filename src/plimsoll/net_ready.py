"""A net before it is trained: its module made and held to its contract, and what it is to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from plimsoll import (
    events,
    fronts,
    net_augment,
    net_ctc,
    net_lessons,
)
from plimsoll.clock import Clock
from plimsoll.errors import TrialError
from plimsoll.fronts import PLAIN, Front, Plain
from plimsoll.job import Decode, Job
from plimsoll.knobs import Knobs
from plimsoll.net_lessons import Samples, Stretches, Windows
from plimsoll.net_training import Lessons, Plan
from plimsoll.recipe import Fold
from plimsoll.ring import having
from plimsoll.rows import Rows, Signals
from plimsoll.schema import Kind, Layout, Schema
from plimsoll.streaming import person_of

Array = NDArray[Any]
Make = Callable[[int, int, Knobs], Any]
Frames = Callable[[Job, Layout, Signals, Knobs], int]
_BATCH, _STREAMS = 128, 8  # windows, and stretches of streams, that one step of training sees
_SCALED = 2_000  # windows from which a channel's mean and spread are taken
_TRIED = 128  # windows on which graph and net are held against each other
_STRETCH = 240  # steps on which a net that remembers is


@dataclass(frozen=True)
class Way:
    """What a recipe says of its nets beside their module: the kind of ``front`` that stands before them, "" where they hear
    samples, and the ``loss`` that they learn by, "moments" or "ctc"."""

    front: fronts.Word | Literal[""] = ""
    loss: str = "moments"


PLAINLY = Way()


@dataclass(frozen=True)
class Ready:
    """A net before it is trained, with all that it is trained with: its frames, of a window or of a step, who is known, and
    real frames to try it on, as its front gives them."""

    net: Any
    lessons: Lessons
    valid: Lessons | None
    plan: Plan
    frames: int
    people: Mapping[str, int]
    tried: Array
    front: Front | Plain = PLAIN


def prepared(
    make: Make,
    carries: bool,
    frames: Frames,
    job: Job,
    schema: Schema,
    fold: Fold,
    knobs: Knobs,
    clock: Clock,
    device: str,
    way: Way = PLAINLY,
) -> Ready:
    """The net on its device, held to its contract, and what it is to learn from. Raises TrialError."""
    name = schema.of(Kind.SIGNAL)[0]
    layout, signals = schema[name].layout, fold.train.signals(name)
    assert layout is not None
    people = _people(job, schema, fold.train, knobs)
    seen = 0 if carries else frames(job, layout, signals, knobs)
    front = fronts.learned(way.front, layout, signals, knobs, seen or fronts.MOST) if way.front else PLAIN
    reach = front.steps(seen) if seen else 0
    orders = front.places(net_augment.turns(layout))
    fold, layout = _told(fold, name, front), front.layout(layout)
    signals = fold.train.signals(name)
    plan = _plan(job, schema, knobs, fold, orders, clock, way.loss)
    net = _net(make, layout, signals, schema, knobs, len(people), reach, orders)
    net.prior += net.prior.new_tensor(net_lessons.prior(fold.target, plan.share, len(schema.classes)))
    if net.carries is not carries:
        said = "it has no initial_state(batch)" if carries else "it has initial_state(batch), so its reach is None"
        raise TrialError(f"its recipe and its module do not agree on whether it remembers: {said}")
    tried = _tried(signals, reach, net.hop)
    _check_module(net, tried, len(schema.classes))
    lessons, valid = _lessons(job, schema, fold, layout, people, net, reach, device, plan.blank)
    return Ready(net.to(device), lessons, valid, plan, reach or net.hop, people, tried, front)


def _told(fold: Fold, name: str, front: Front | Plain) -> Fold:
    """The fold as it is told by the front; of streams that both of its parts are of, once."""
    train, valid = fold.train, fold.valid
    if isinstance(front, Plain):
        return fold
    one, other = train.signals(name), valid.signals(name) if valid is not None else None
    if other is None or valid is None:
        return replace(fold, train=having(train, name, front.heard(one)))
    if one.samples is not other.samples:
        told = front.heard(one), front.heard(other)
    else:
        places = [np.concatenate(pair) for pair in ((one.starts, other.starts), (one.ends, other.ends))]
        both = front.heard(Signals(one.samples, *places))
        told = both.take(np.arange(len(one))), both.take(np.arange(len(one), len(both)))
    return replace(fold, train=having(train, name, told[0]), valid=having(valid, name, told[1]))


def _check_module(net: Any, tried: Array, classes: int) -> None:
    """The contract of a module, tried on real frames, shape (rows, frames, channels). Raises TrialError."""
    import torch

    from plimsoll import net_module

    try:
        net_module.check(net, torch.from_numpy(tried[:1]), classes)
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError) as fault:
        said = " ".join(str(fault).split())[:300]
        raise TrialError(
            f"its module cannot be asked for frames of shape {(1, tried.shape[2], tried.shape[1])}: {said}"
        ) from fault


def _net(
    make: Make, layout: Layout, signals: Signals, schema: Schema, knobs: Knobs, people: int, reach: int, orders: Array
) -> Any:
    """The user's module with the scale of each channel, learned from windows of the rows to learn from."""
    import torch

    picked = np.linspace(0, len(signals) - 1, min(len(signals), _SCALED)).astype(np.intp)
    seen = fronts.finite(signals.take(picked).last(min(reach, 200) or 50)).reshape(-1, signals.channels)
    middle, spread = seen.mean(axis=0), seen.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1.0)  # a channel that never moves says nothing
    middle, spread = (torch.from_numpy(part.astype(np.float32)) for part in (middle, spread))
    return wrapped(make, layout, schema, knobs, middle, spread, people, orders)


def wrapped(
    make: Make, layout: Layout, schema: Schema, knobs: Knobs, middle: Any, spread: Any, people: int, orders: Array
) -> Any:
    """The module that ``make`` gives, told how the ring turns, with what every net needs around it."""
    import torch

    from plimsoll.net_module import TOLD, Net

    inner = make(len(layout.channels), TOLD if people else len(schema.classes), knobs)
    if hasattr(inner, "turns"):
        inner.turns(torch.from_numpy(np.array(orders, dtype=np.int64)))
    return Net(inner, middle, spread, people, len(schema.classes))


def _tried(signals: Signals, reach: int, hop: int) -> Array:
    """Real frames on which a net is tried: windows, or the longest beginning of a stream."""
    if reach:
        picked = np.linspace(0, len(signals) - 1, min(len(signals), _TRIED)).astype(np.intp)
        return fronts.finite(signals.take(picked).last(reach))
    longest = int(np.argmax(signals.ends - signals.starts))
    return fronts.finite(signals.take(np.array([longest])).last(_STRETCH * hop))


def _people(job: Job, schema: Schema, rows: Rows, knobs: Knobs) -> dict[str, int]:
    """The wearers who have an offset of their own, numbered from 1."""
    column = person_of(job, schema)[0] if knobs["person"] == "apart" else ""
    return {who: number for number, (who, _) in enumerate(rows.parted(column), start=1)}


def _who(job: Job, rows: Rows, people: dict[str, int]) -> NDArray[np.int64]:
    if not people or job.decode is None:
        return np.zeros(len(rows), dtype=np.int64)
    cells = rows.texts(job.decode.person)
    return np.array([*(people.get(value, 0) for value in cells.values), 0], dtype=np.int64)[cells.codes]


def _lessons(
    job: Job,
    schema: Schema,
    fold: Fold,
    layout: Layout,
    people: dict[str, int],
    net: Any,
    reach: int,
    device: str,
    blank: int,
) -> tuple[Lessons, Lessons | None]:
    """The rows to learn from, and those for early stopping; for sequences, the stretches of them that begin and end at rest.

    Raises TrialError where there is no such stretch to learn from.
    """
    name = schema.of(Kind.SIGNAL)[0]
    samples = Samples.of(fold.train.signals(name).samples, device)
    settle = layout.frames((job.decode or Decode()).window)

    def of(rows: Rows, target: Array) -> Lessons:
        signals = rows.signals(name)
        held = samples if signals.samples is fold.train.signals(name).samples else Samples.of(signals.samples, device)
        if reach:
            return Lessons(Windows(held, signals, reach, device, _BATCH), target, _who(job, rows, people))
        stretches = Stretches.of(held, signals, net.hop, layout.rate, settle, device, _STREAMS)
        if blank < 0:
            return Lessons(stretches, target, _who(job, rows, people))
        decode = job.decode or Decode()
        gap = layout.frames(decode.stride + decode.settle) + 1
        return Lessons(
            net_ctc.Sentences.of(stretches, target, blank, gap, layout.rate), target, _who(job, rows, people)
        )

    truth = fold.target
    if fold.soft is not None and blank < 0:
        # A teacher speaks of classes as often as they are, and they are learned as they are drawn.
        drawn = fold.soft * np.exp(-net.prior.numpy().astype(np.float64))
        truth = (drawn / drawn.sum(axis=1, keepdims=True)).astype(np.float32)
    lessons = of(fold.train, truth)
    if blank >= 0 and not lessons.rows.many:
        raise TrialError("no stretch of these rows begins and ends where nothing happens, or where a label changes")
    held_apart = fold.valid is not None and fold.valid_target is not None and len(fold.valid) > 0
    valid = of(fold.valid, np.asarray(fold.valid_target)) if held_apart and fold.valid is not None else None
    return lessons, valid if valid is not None and valid.rows.many else None


def _plan(job: Job, schema: Schema, knobs: Knobs, fold: Fold, turned: Array, clock: Clock, loss: str) -> Plan:
    """How the net is trained; sequences are drawn as they come, for no class of a moment is drawn by itself."""
    blank = -1
    if loss == "ctc":
        blank = events.rest_of(job.decode.rest if job.decode else "", schema.classes, fold.target)
    share = net_lessons.weights(fold.target, float(knobs["balance"]) if blank < 0 else 0.0)
    numbers = int(knobs["epochs"]), float(knobs["rate"]), str(knobs["augment"])
    return Plan(*numbers, share, turned, job.seed, clock.kept, blank)
