"""A net's training: AdamW on one cycle of rates, within the clock, and back to where it did best on rows held apart.

Loshchilov and Hutter 2019 (AdamW); Smith and Topin 2018 (one cycle); Szegedy and others 2016 (label smoothing). The same
seed gives the same weights on a CPU, unless the clock cuts training short.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import net_augment, net_checkpoint, net_ctc
from plimsoll.clock import Clock
from plimsoll.errors import TrialError
from plimsoll.net_ctc import Sentences
from plimsoll.net_lessons import Page, Stretches, Windows
from plimsoll.net_steps import AdamW

Array = NDArray[Any]
Lack = Callable[[Any, Any], Any]  # scores and what is true → a loss
PATIENCE = 5  # epochs without gain before training stops
_SMOOTH = 0.05
_DECAY = 0.01
_RISE = 0.2  # share of the cycle in which the rate rises
_STEEP = 1.0  # the longest step of all weights together
_STRANGER = 0.2  # share of the rows whose wearer the net is not told
_SHARE = 0.8  # of the clock: what is left then is for the graph and for answers
_ASKED = 256  # rows that are asked at once
_LATE = 0.1  # share of the time that steps may lag behind it before it counts in their place
_COMPILED = 120.0  # seconds on the clock from which compiling for a device is worth its wait


@dataclass(frozen=True)
class Lessons:
    """Rows to learn from: ``target`` their classes, or probabilities of shape (rows, classes) where a teacher gave them;
    ``who`` the number of the wearer of each, 0 where that says nothing."""

    rows: Windows | Stretches | Sentences
    target: NDArray[Any]
    who: NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """How a net is trained. ``share`` is how likely each row is drawn; ``turned`` are channels by ``net_augment.turns``."""

    epochs: int
    rate: float
    augment: str
    share: NDArray[np.float64]
    turned: NDArray[np.int64]
    seed: int
    kept: Path | None = None  # where what is needed to go on is left, if anywhere
    blank: int = -1  # the class of nothing happening, where sequences are learned (CTC) and not moments
    teacher: Any = None  # a net whose answers are learned from beside the truth


@contextmanager
def quiet(seed: int) -> Iterator[Any]:
    """PyTorch as training wants it, and afterwards as it was: seeded, on one thread, and deterministic on a device as well.

    One thread, because nets over signals are small: two wait for each other longer than they compute.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    strict = torch.cuda.is_available() and not torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    if strict:  # on one thread of a CPU all is, and asking for it takes seconds
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield torch
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)
        if strict:
            torch.use_deterministic_algorithms(False)


def rate(progress: float) -> float:
    """The share of the highest rate at a point of the cycle, from 0 to 1.

    >>> [round(rate(each), 2) for each in (0.0, 0.2, 0.6, 1.0)]
    [0.1, 1.0, 0.5, 0.01]
    """
    if progress < _RISE:
        return 0.1 + 0.9 * progress / _RISE
    return max(0.01, 0.5 * (1.0 + math.cos(math.pi * (progress - _RISE) / (1.0 - _RISE))))


def point(steps: float, time: float) -> float:
    """The point of the cycle, by the share of the steps taken; by that of the time only where it runs out before them.

    >>> point(0.5, 0.55), point(0.5, 0.8)
    (0.5, 0.8)
    """
    return time if time > min(1.0, steps + _LATE) else steps


def train(net: Any, lessons: Lessons, valid: Lessons | None, plan: Plan, clock: Clock) -> int:
    """Trains the net where it stands; how many epochs it took to where it is comes back.

    With ``valid`` its weights are in the end those that did best there. Raises TrialError where its answers are not finite.
    """
    import torch

    optimizer = _optimizer(torch, net, plan.rate)
    done = net_checkpoint.resumed(plan.kept, net, optimizer)
    for _, loss in done.told:
        clock.tell(loss)
    quick, until = _quick(torch, net, clock), _until(clock)
    for _ in clock.steps(plan.epochs - done.epoch):
        if done.epoch and (until() >= 1.0 or done.stale >= PATIENCE):
            break
        _epoch(torch, net, quick, optimizer, lessons, plan, done.epoch, until)
        done = done.after(net, _loss(torch, net, valid, plan.blank) if valid else math.nan, clock)
        done = net_checkpoint.leave(plan.kept, net, optimizer, done)
    if valid is not None:
        net.load_state_dict(done.best)
    return done.best_epoch + 1 if valid is not None else done.epoch


def _optimizer(torch: Any, net: Any, highest: float) -> Any:
    if _device(net) == "cpu":
        return AdamW(net.parameters(), lr=highest, weight_decay=_DECAY)
    return torch.optim.AdamW(net.parameters(), lr=highest, weight_decay=_DECAY, fused=True)


def _until(clock: Clock) -> Callable[[], float]:
    """How much of the time for training has passed, from 0 to 1 and beyond."""
    begun, whole = clock.spent, max(1e-9, _SHARE * clock.left)
    return lambda: (clock.spent - begun) / whole


def _quick(torch: Any, net: Any, clock: Clock) -> Any:
    """The net, compiled where it learns on a device and there is time for that."""
    if _device(net) == "cpu" or clock.left < _COMPILED or net.carries:
        return net
    return torch.compile(net)


def _device(net: Any) -> str:
    return str(next(net.parameters()).device.type)


def _lighter(torch: Any, net: Any) -> AbstractContextManager[Any]:
    """Products in half precision where a device has them as fast ones."""
    if _device(net) == "cpu" or not torch.cuda.is_bf16_supported():
        return nullcontext()
    lighter: AbstractContextManager[Any] = torch.autocast("cuda", dtype=torch.bfloat16)
    return lighter


def _epoch(
    torch: Any,
    net: Any,
    quick: Any,
    optimizer: Any,
    lessons: Lessons,
    plan: Plan,
    epoch: int,
    until: Callable[[], float],
) -> None:
    """One round; each has draws of its own by the seed, so that a run which goes on draws what it would have drawn."""
    random = np.random.default_rng([plan.seed, epoch])
    torch.manual_seed(plan.seed * 1_000 + epoch)
    turned = torch.from_numpy(plan.turned).to(net.middle.device)
    net.train()
    place = 0
    for page in lessons.rows.drawn(plan.share, random):
        told = _told(torch, page, lessons, random.random(len(page.rows)) < _STRANGER)
        told = replace(told, frames=net_augment.augmented(told.frames, net.middle, plan.augment, turned, random))
        for batch in told.parts(lessons.rows.size):
            progress = point((epoch + place / lessons.rows.many) / plan.epochs, until())
            if progress >= 1.0 and place:
                return
            _step(
                torch, net, quick, optimizer, batch, plan.rate * rate(min(1.0, progress)), _aim(torch, plan, progress)
            )
            place += 1


def _aim(torch: Any, plan: Plan, progress: float) -> Lack:
    """What a step of training lowers: how far the net is from the truth, and half of it how far it is from a teacher."""
    lack = partial(_lack, torch, smooth=_SMOOTH, blank=plan.blank, lead=net_ctc.led(progress))
    if plan.teacher is None:
        return lack
    return lambda scores, batch: (lack(scores, batch) + _apart(torch, scores, batch, plan.teacher)) / 2.0


def _step(torch: Any, net: Any, quick: Any, optimizer: Any, batch: _Told, slope: float, lack: Lack) -> None:
    for group in optimizer.param_groups:
        group["lr"] = slope
    with _lighter(torch, net):
        scores = quick(batch.frames, batch.who)
    optimizer.zero_grad()
    lack(scores, batch).backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), _STEEP)
    optimizer.step()


@dataclass(frozen=True)
class _Told:
    """A page with what is true of it: ``who``, shape (page,); ``truth`` of each step, of some row where none is due."""

    frames: Any
    who: Any
    truth: Any
    due: NDArray[np.bool_]  # shape (page, steps)

    def parts(self, size: int) -> Iterator[_Told]:
        for place in range(0, len(self.due), size):
            some = slice(place, place + size)
            yield _Told(self.frames[some], self.who[some], self.truth[some], self.due[some])


def _told(torch: Any, page: Page, lessons: Lessons, unknown: Array) -> _Told:
    """The page beside which stands who wears the sensor, where the net is told, and what is true."""
    device = page.frames.device
    who = torch.from_numpy(np.where(unknown, 0, lessons.who[page.rows[:, -1]])).to(device)
    truth = torch.from_numpy(np.asarray(lessons.target[np.maximum(page.rows, 0)])).to(device)
    return _Told(page.frames, who, truth, page.rows >= 0)


def _lack(torch: Any, scores: Any, batch: _Told, smooth: float, blank: int, lead: float = 0.0) -> Any:
    """The mean cross-entropy of the steps that stand for a moment; or with a blank, the CTC loss of their sequences."""
    if blank >= 0:
        return net_ctc.lack(scores.float(), batch.truth, batch.due, blank, lead)
    scores, truth, due = scores.float().flatten(0, -2), batch.truth.flatten(0, 1), batch.due.ravel()
    if not due.all():
        picked = torch.from_numpy(np.flatnonzero(due)).to(scores.device)
        scores, truth = scores[picked], truth[picked]
    return torch.nn.functional.cross_entropy(scores, truth, label_smoothing=smooth if truth.ndim == 1 else 0.0)


def _apart(torch: Any, scores: Any, batch: _Told, teacher: Any) -> Any:
    """The mean cross-entropy of all steps beside what a teacher says of the same frames, of classes as often as they are drawn."""
    with torch.no_grad():
        said = (teacher(batch.frames, batch.who) - teacher.prior).float().softmax(-1)
    return -(said * scores.float().log_softmax(-1)).sum(-1).mean()


def _loss(torch: Any, net: Any, valid: Lessons, blank: int) -> float:
    """The loss on rows held apart."""
    net.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for page in valid.rows.watched():
            for batch in _told(torch, page, valid, np.zeros(len(page.rows), dtype=bool)).parts(_ASKED):
                due = int(batch.due.sum())
                total += due * float(_lack(torch, net(batch.frames, batch.who), batch, 0.0, blank))
                count += due
    if not math.isfinite(total):
        raise TrialError("its answers are not finite numbers")
    return total / max(1, count)
