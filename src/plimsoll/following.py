"""Follow one stream: how its sensors are worn, how far its level is off, and where its classes lie, from what was heard so far.

Nothing is told of a stream but its features. Each way of wearing the sensors is a hypothesis with class means of its own.
Every so often the newest features count for or against each hypothesis, by how likely they are whatever the class, and
move its means: all of them by what is left over once the likeliest class is taken away (so that the share of rest in a
stream moves nothing), and each by its own share. That is online expectation-maximisation with a prior that weighs as so
many seconds (Cappé and Moulines 2009; adapting a mixture's means from a prior: Gauvain and Lee 1994).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from plimsoll.discriminant import Round

Array = NDArray[Any]
TRUST = 0.3  # windows overlap and models are rough: a second of signal speaks for a way of wearing as this many windows
_LOST = 40.0  # a way whose logarithm is so far behind is given up


class State(NamedTuple):
    """What is known of a stream; arrays are replaced and never changed.

    ``ways`` are those that are still thought of, shape (ways, features), ``odds`` their logarithms, ``means`` of the
    classes in each, shape (ways, classes, features), ``seen`` how many windows of each class, and ``steps`` of all.
    """

    ways: NDArray[np.intp]
    odds: NDArray[np.float64]
    means: NDArray[np.float64]
    seen: NDArray[np.float64]
    steps: int


class Heard(NamedTuple):
    """Some features as each way has them: how far from each mean, how likely each class, and how likely they are at all."""

    apart: NDArray[np.float64]  # shape (ways, classes, features)
    shares: NDArray[np.float64]  # shape (ways, classes)
    likely: NDArray[np.float64]  # shape (ways,)


@dataclass(frozen=True)
class Follower:
    """``known`` is what holds before a stream begins, and ``odds`` how likely each way is then, as logarithms.

    ``level`` and ``classes`` are what that weighs against what is heard, in steps, for where all means lie and for each of
    them; infinite where a stream moves nothing. ``trust`` is what one step tells of how the sensors are worn.

    >>> known = Round(np.eye(1), np.array([[0.0], [8.0]]), np.log([0.5, 0.5]))
    >>> follower = Follower(known, np.zeros((1, 1), dtype=np.intp), np.zeros(1), level=4.0, classes=np.inf, trust=0.1)
    >>> state = follower.start()
    >>> for _ in range(40):
    ...     state = follower.learned(state, follower.heard(state, np.array([3.0])))
    >>> state.means.round(1).ravel().tolist()
    [2.7, 10.7]
    """

    known: Round
    ways: NDArray[np.intp]
    odds: NDArray[np.float64]
    level: float
    classes: float
    trust: float

    def start(self) -> State:
        many, classes = len(self.ways), len(self.known.prior)
        means = np.repeat(self.known.means[None], many, axis=0)
        return State(self.ways, self.odds, means, np.zeros((many, classes)), 0)

    def heard(self, state: State, features: Array) -> Heard:
        """Features of one window, shape (features,), as each way has them."""
        turned = features[state.ways] @ self.known.root
        apart = turned[:, None] - state.means
        logs = self.known.prior - 0.5 * np.vecdot(apart, apart)
        top = logs.max(axis=1, keepdims=True)
        powers = np.exp(logs - top)
        whole = powers.sum(axis=1, keepdims=True)
        return Heard(apart, powers / whole, (top + np.log(whole))[:, 0])

    def answer(self, state: State, heard: Heard) -> Array:
        """How likely each class is, all ways weighed, shape (classes,)."""
        if len(state.odds) == 1:
            return np.asarray(heard.shares[0])
        weights = np.exp(state.odds - state.odds.max())
        return np.asarray(weights @ heard.shares / weights.sum())

    def learned(self, state: State, heard: Heard) -> State:
        """The state once these features count."""
        steps, seen = state.steps + 1, state.seen + heard.shares
        pulls = heard.shares[:, :, None] * heard.apart
        level = pulls.sum(axis=1, keepdims=True) / (steps + self.level)
        means = state.means + level + pulls / (seen + self.classes)[:, :, None]
        odds = state.odds + self.trust * heard.likely
        odds = odds - odds.max()
        keep = odds > -_LOST
        if keep.all():
            return State(state.ways, odds, means, seen, steps)
        return State(state.ways[keep], odds[keep], means[keep], seen[keep], steps)
