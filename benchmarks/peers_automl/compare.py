"""Which contender is better over many sets, and how sure that is: ranks, wins, ratios of losses, and their bootstrap.

Pure functions over results. A failure is read against the one that failed: the last rank, and the loss of a constant answer.
Ranks over data sets as in Demšar (2006); the bootstrap draws whole sets, since another set is what the next user brings.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 10_000
_LESS_IS_BETTER = ("rmse", "mae", "log_loss", "brier")


@dataclass(frozen=True)
class Result:
    """What a contender reached on one set with one seed. ``loss``: less is better. ``least``: losses below it are alike."""

    set: str
    contender: str
    loss: float
    seed: int = 0
    failed: bool = False
    least: float = 0.0


@dataclass(frozen=True)
class Interval:
    """A mean over sets with its 95 % interval; nan where there is nothing to tell it from."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Versus:
    """One contender against another over the sets that both have: below 0, the first is the better one in ``rank`` and ``log_ratio``."""

    other: str
    sets: int
    wins: int
    ties: int
    losses: int
    rank: Interval
    log_ratio: Interval


def loss(metric: str, score: float) -> float:
    """What is left to gain: the error itself, or the distance from a perfect score of 1.

    >>> loss("rmse", 3.0), loss("roc_auc", 0.75)
    (3.0, 0.25)
    """
    return score if metric in _LESS_IS_BETTER else 1.0 - score


def least(metric: str, rows: int) -> float:
    """The loss below which so many test rows tell nothing: half a row, where the loss is a share of them.

    >>> least("macro_f1", 250), least("rmse", 250)
    (0.002, 0.0)
    """
    return 0.0 if metric in _LESS_IS_BETTER else 0.5 / rows


def ranks(losses: Mapping[str, float], failed: Iterable[str] = ()) -> dict[str, float]:
    """The place of each, from 1; those alike share the mean of their places, and those that failed share the last ones.

    >>> ranks({"a": 0.2, "b": 0.1, "c": 0.2, "d": 0.0}, failed=["d"])
    {'a': 2.5, 'b': 1.0, 'c': 2.5, 'd': 4.0}
    """
    last = set(failed)
    # Nine digits: two sums of the same numbers in another order are no difference between contenders.
    goodness = {name: math.inf if name in last else float(f"{value:.9g}") for name, value in losses.items()}
    ordered = sorted(goodness.values())
    return {name: ordered.index(value) + (ordered.count(value) + 1) / 2 for name, value in goodness.items()}


def set_ranks(results: Iterable[Result]) -> dict[str, dict[str, float]]:
    """For each set the rank of each contender that has a result there, the mean over the seeds."""
    drawn: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (name, _), here in _cells(results).items():
        placed = ranks({each.contender: each.loss for each in here}, [each.contender for each in here if each.failed])
        for contender, rank in placed.items():
            drawn[name][contender].append(rank)
    return {name: {who: sum(each) / len(each) for who, each in placed.items()} for name, placed in drawn.items()}


def mean_ranks(results: Iterable[Result]) -> dict[str, tuple[float, int]]:
    """(mean rank over the sets that a contender has, how many they are), the best first.

    >>> mean_ranks([Result("x", "a", 0.1), Result("x", "b", 0.2), Result("y", "a", 0.3)])
    {'a': (1.0, 2), 'b': (2.0, 1)}
    """
    found: dict[str, list[float]] = defaultdict(list)
    for placed in set_ranks(results).values():
        for name, rank in placed.items():
            found[name].append(rank)
    means = {name: (sum(each) / len(each), len(each)) for name, each in found.items()}
    return dict(sorted(means.items(), key=lambda item: item[1][0]))


def versus(results: Sequence[Result], ours: str, other: str, seed: int = 0, draws: int = DRAWS) -> Versus:
    """``ours`` against ``other``: wins, ties and losses by set, and the mean differences with intervals over sets.

    ``rank`` is the difference of their ranks among all contenders; ``log_ratio`` the logarithm of loss over loss.
    """
    pair = [each for each in results if each.contender in (ours, other)]
    among, alone, ratios = set_ranks(results), set_ranks(pair), log_ratios(pair, ours, other)
    shared = [name for name, placed in alone.items() if len(placed) == 2]
    apart = [alone[name][ours] - alone[name][other] for name in shared]
    return Versus(
        other,
        len(shared),
        sum(each < 0 for each in apart),
        sum(each == 0 for each in apart),
        sum(each > 0 for each in apart),
        bootstrap([among[name][ours] - among[name][other] for name in shared], seed, draws),
        bootstrap([ratios[name] for name in shared], seed, draws),
    )


def log_ratios(results: Iterable[Result], ours: str, other: str) -> dict[str, float]:
    """log(our loss / theirs) for each set that both have, the mean over the seeds; losses below ``least`` count as it.

    >>> log_ratios([Result("x", "a", 0.1), Result("x", "b", 0.1)], "a", "b")
    {'x': 0.0}
    """
    found: dict[str, list[float]] = defaultdict(list)
    for (name, _), here in _cells(results).items():
        losses = {each.contender: max(each.loss, each.least) for each in here}
        if ours in losses and other in losses:
            found[name].append(_log(losses[ours]) - _log(losses[other]))
    return {name: sum(each) / len(each) for name, each in found.items()}


def bootstrap(differences: Sequence[float], seed: int = 0, draws: int = DRAWS) -> Interval:
    """The mean of paired differences, one a set, and its 95 % interval over sets drawn with replacement (Efron 1979).

    Below two sets there is no interval.

    >>> bootstrap([1.0, 1.0, 1.0])
    Interval(mean=1.0, low=1.0, high=1.0)
    """
    values = np.asarray(differences, float)
    if len(values) < 2:
        return Interval(float(values.mean()) if len(values) else math.nan, math.nan, math.nan)
    picks = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    low, high = np.quantile(values[picks].mean(axis=1), [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


def _cells(results: Iterable[Result]) -> dict[tuple[str, int], list[Result]]:
    """The results of one set and seed, which are compared with one another."""
    cells: dict[tuple[str, int], list[Result]] = defaultdict(list)
    for each in results:
        cells[each.set, each.seed].append(each)
    return cells


def _log(value: float) -> float:
    return math.log(max(value, 1e-300))  # an error of 0 in a regression: as good as can be, and still a number
