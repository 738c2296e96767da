"""SASRec's training, with PyTorch: at each event of a history, what came next is to score above what did not.

With the loss "softmax" above all other items (Klenitskiy and Vasilev 2023); with "gbce" above some drawn by chance, and calibrated
for their being so few (gBCE, Petrov and Macdonald 2023). The same seed gives the same weights on a CPU, unless the clock
cuts training short.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from plimsoll import sasrec
from plimsoll.clock import Clock
from plimsoll.errors import TrialError
from plimsoll.net_steps import AdamW
from plimsoll.net_training import quiet
from plimsoll.rows import Histories
from plimsoll.sasrec import BATCH, CELLS, NEGATIVES, Attention

Array = NDArray[Any]
Judge = Callable[[Attention], float]
LOSSES = ("gbce", "softmax")
PATIENCE = 6  # epochs without gain before training stops
_LEAST_BATCH, _BATCHES = 16, 32
_CALIBRATED = 0.75  # t of gBCE: 0 as if all items were there, 1 fully calibrated
_DECAY = 0.01
_STEEP = 1.0  # the longest step of all weights together
_SPREAD = 0.02  # of weights before they learn
_RISE = 20  # steps in which the rate rises


@dataclass(frozen=True)
class Plan:
    """How a model is shaped and trained: ``width``, ``blocks`` and ``length`` (events that it looks at); ``epochs`` at most."""

    width: int = 64
    blocks: int = 2
    length: int = 50
    dropout: float = 0.2
    rate: float = 1e-3
    epochs: int = 20
    loss: str = "gbce"


class Module(nn.Module):  # type: ignore[misc]  # torch is Any to the type checker
    """The same as ``sasrec.Attention``, for many stretches at once."""

    def __init__(self, many: int, plan: Plan) -> None:
        super().__init__()
        for name, array in sasrec.blank(many, plan.width, plan.length, plan.blocks).items():
            part = nn.Parameter(torch.from_numpy(array))
            self.register_parameter(name, part)
            if name not in ("norms", "mixing_bias", "feeding_bias"):
                nn.init.normal_(part, std=_SPREAD if name in ("items", "places") else plan.width**-0.5 / 2)
        self.drop = nn.Dropout(plan.dropout)

    def forward(self, events: Any) -> Any:
        """What each event has become, shape (batch, length, width), of items of shape (batch, length), -1 before the first;
        a shorter length has the last of the places."""
        length, width = events.shape[1], self.places.shape[1]
        told = self.items[events.clamp(min=0)] * width**0.5 + self.places[-length:]
        told, own = self.drop(told), torch.eye(length, dtype=torch.bool, device=events.device)
        # An event hears what is there and not behind it. What is no event hears itself: nobody else hears it.
        open_ = (own.new_ones(length, length).tril() & (events >= 0)[:, None, :]) | own
        for block in range(len(self.mixing)):
            told = told + self.drop(self._heard(block, self._even(told, 2 * block), open_))
            told = told + self.drop(self._fed(block, self._even(told, 2 * block + 1)))
        return self._even(told, -1)

    def _even(self, told: Any, at: int) -> Any:
        return nn.functional.layer_norm(told, told.shape[-1:], self.norms[at, 0], self.norms[at, 1], sasrec.EVEN)

    def _heard(self, block: int, told: Any, open_: Any) -> Any:
        make, bias = self.mixing[block], self.mixing_bias[block]
        query, key, value = (told @ make[part] + bias[part] for part in range(3))
        leaning = (query @ key.transpose(1, 2) * told.shape[-1] ** -0.5).masked_fill(~open_, -math.inf)
        return self.drop(leaning.softmax(-1)) @ value @ make[3] + bias[3]

    def _fed(self, block: int, told: Any) -> Any:
        make, bias = self.feeding[block], self.feeding_bias[block]
        return self.drop((told @ make[0] + bias[0]).relu()) @ make[1] + bias[1]

    def served(self, epochs: int) -> Attention:
        """Raises TrialError where its weights are not finite."""
        held = {name: part.detach().cpu().numpy().copy() for name, part in self.named_parameters()}
        try:
            return sasrec.of(held, epochs)
        except ValueError as fault:
            raise TrialError(f"its training came to nothing: {fault}") from None


def fit(
    histories: Histories, plan: Plan, seed: int = 0, clock: Clock | None = None, judge: Judge | None = None
) -> Attention:
    """A model after so many epochs, or as many as there is time for; with a ``judge``, more being better, it is the best that
    any epoch came to, and training ends where it gets no better.

    Raises TrialError where no history has two events, or where the weights do not stay finite.
    """
    if not (histories.lengths > 1).any():
        raise TrialError("no history has two events, so nothing came next that could be learned from")
    clock = clock or Clock(math.inf)
    with quiet(seed):
        module = Module(histories.many, plan).to("cuda" if torch.cuda.is_available() else "cpu")
        steps = Steps(module, plan, AdamW(module.parameters(), lr=plan.rate, weight_decay=_DECAY))
        return _trained(steps, histories, plan.epochs, seed, clock, judge)


def _trained(
    steps: Steps, histories: Histories, epochs: int, seed: int, clock: Clock, judge: Judge | None
) -> Attention:
    best, most = None, -math.inf
    for epoch in clock.steps(epochs):
        random = np.random.default_rng([seed, epoch])
        for inputs, due, weights in batches(histories, len(steps.module.places), random):
            steps.step(inputs, due, weights, random)
            if clock.up:
                break
        model = steps.module.served(epoch + 1)
        found = judge(model) if judge else float(epoch)
        if judge:
            clock.tell(-found)
        if best is None or found > most:
            best, most = model, found
        if epoch + 1 - best.epochs >= PATIENCE:
            break
    assert best is not None, "the first step is always given"
    return best


@dataclass
class Steps:
    """A module with what is remembered of its steps."""

    module: Module
    plan: Plan
    optimizer: Any
    taken: int = 0

    def step(self, inputs: Array, due: Array, weights: Array, random: np.random.Generator) -> None:
        """One step on stretches: ``inputs`` and what was ``due`` next, shape (batch, length), -1 where nothing was."""
        self.taken += 1
        self.optimizer.param_groups[0]["lr"] = self.plan.rate * min(1.0, self.taken / _RISE)
        self.module.train()
        self.optimizer.zero_grad()
        told, truth, shares = (torch.from_numpy(part).to(self.module.items.device) for part in (inputs, due, weights))
        self._lower(self.module(told.long()), truth.long(), shares / shares.sum().clamp(min=1e-12), random)
        nn.utils.clip_grad_norm_(self.module.parameters(), _STEEP)
        self.optimizer.step()

    def _lower(self, states: Any, truth: Any, shares: Any, random: np.random.Generator) -> None:
        """The slope of the loss, a few stretches at a time: scores of all of them at once would not go into memory."""
        items, held = self.module.items, states.detach().requires_grad_()
        drawn = None
        if self.plan.loss == "gbce":
            drawn = torch.from_numpy(random.integers(0, len(items), (len(truth), NEGATIVES))).to(items.device)
        step = max(1, CELLS // (truth.shape[1] * (len(items) if drawn is None else NEGATIVES)))
        for begin in range(0, len(held), step):
            part = slice(begin, begin + step)
            own = held[part], truth[part], shares[part]
            (softmax(items, *own) if drawn is None else gbce(items, *own, drawn[part])).backward()
        states.backward(held.grad)


def softmax(items: Any, states: Any, truth: Any, shares: Any) -> Any:
    """The cross-entropy of what came next among all items, summed by ``shares``, shape (batch, length) like ``truth``."""
    due = truth >= 0
    return (nn.functional.cross_entropy(states[due] @ items.T, truth[due], reduction="none") * shares[due]).sum()


def gbce(items: Any, states: Any, truth: Any, shares: Any, drawn: Any) -> Any:
    """How far what came next is from yes, to the power of beta, and those ``drawn`` for each stretch from no, summed by
    ``shares``; ``drawn`` has shape (batch, negatives)."""
    few = drawn.shape[1]
    share = min(1.0, few / max(1, len(items) - 1))
    beta = share * (_CALIBRATED * (1.0 - 1.0 / share) + 1.0 / share)
    # Scores of nothing learned say what is true on average. It moves all alike, and learning that would take epochs.
    usual = math.log(few / beta)
    yes = (states * items[truth.clamp(min=0)]).sum(-1) - usual
    no = states @ items[drawn].transpose(1, 2) - usual
    no = no.masked_fill(drawn[:, None, :] == truth[:, :, None], -math.inf)
    lacks = nn.functional.softplus(no).sum(-1) - beta * nn.functional.logsigmoid(yes)
    return (lacks * shares).sum() / (1 + few)


def batches(histories: Histories, length: int, random: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    """All events of all histories in stretches of ``length``, in an order by chance and cut elsewhere each time: the items, what
    came after each and what it weighs, shape (batch, the longest) each; -1 where nothing is."""
    begins, ends = stretches(histories, length, random)
    order = random.permutation(len(ends))
    size = int(np.clip(len(ends) // _BATCHES, _LEAST_BATCH, BATCH))
    for at in range(0, len(order), size):
        some = order[at : at + size]
        longest = int((ends[some] - begins[some]).max())
        place = ends[some, None] - longest + np.arange(longest)
        there = place >= begins[some, None]
        place = np.where(there, place, 0)
        inputs, due = (np.where(there, histories.items[place + ahead], -1) for ahead in (0, 1))
        yield inputs, due, np.where(there, histories.weights[place + 1], np.float32(0.0))


def stretches(histories: Histories, length: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Where each stretch begins and ends, in events: the last event of a history is in none, for nothing came after it.

    >>> told = Histories(np.arange(9), np.arange(9), np.ones(9, np.float32), np.array([0, 8]), np.array([8, 9]), 9)
    >>> [part.tolist() for part in stretches(told, 3, np.random.default_rng(0))]
    [[0, 3, 6], [3, 6, 7]]
    """
    whole = histories.take(np.flatnonzero(histories.lengths > 1))
    first = random.integers(1, length + 1, len(whole))  # events of the first stretch
    number = 1 + np.maximum(0, -(-(whole.lengths - 1 - first) // length))
    row = np.repeat(np.arange(len(whole)), number)
    within = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    far = whole.starts[row] + first[row] + within * length
    return np.maximum(far - length, whole.starts[row]), np.minimum(far, whole.ends[row] - 1)
