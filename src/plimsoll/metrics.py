"""Scores as pure functions of what was true and what was answered.

Each takes ``truth`` of shape (rows,) (class numbers, or values) and ``answers`` of shape (rows, classes) or
(rows,), and gives a float. ``labels`` are the decided classes, which need not be the likeliest ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import units
from plimsoll.draws import ends
from plimsoll.errors import nearest

Array = NDArray[Any]


@dataclass(frozen=True)
class Quality:
    """What limits may speak of beside costs: its name, which side is better, and what it is counted in.

    ``of`` is what is counted: answers to ``rows``, the ``events`` that a rule decides from them, the ``symbols`` that they
    spell, or the ``sensors`` of a model. ``beneath`` is the proper score of rows beneath it: the score itself where it is
    one, "" where answers are no probabilities of moments, or of none at all. Whether it ``chooses`` says that no trivial model is
    the best by it.
    """

    name: str
    higher_is_better: bool
    dimension: str = units.SHARE
    of: str = "rows"
    beneath: str = ""
    chooses: bool = False


@dataclass(frozen=True)
class Metric:
    name: str
    higher_is_better: bool
    tasks: tuple[str, ...]
    of_labels: bool  # it looks at decided classes, not at probabilities
    function: Callable[[Array, Array], float]


def confusion(truth: Array, labels: Array, classes: int = 0) -> NDArray[np.float64]:
    """How many rows of each class, by line, were decided to be each, by column."""
    size = max(classes, int(max(truth.max(initial=0), labels.max(initial=0))) + 1)
    return np.bincount(truth * size + labels, minlength=size * size).reshape(size, size).astype(float)


def _accuracy(table: Array) -> float:
    return float(table.trace() / table.sum())


def accuracy(truth: Array, labels: Array) -> float:
    """The share of rows decided rightly.

    >>> accuracy(np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0]))
    0.75
    """
    return _accuracy(confusion(truth, labels))


def _balanced_accuracy(table: Array) -> float:
    support = table.sum(axis=1)
    return float(np.mean(table.diagonal()[support > 0] / support[support > 0]))


def balanced_accuracy(truth: Array, labels: Array) -> float:
    """The mean recall over the classes that occur."""
    return _balanced_accuracy(confusion(truth, labels))


def _macro_f1(table: Array) -> float:
    sizes = table.sum(axis=0) + table.sum(axis=1)
    return float(np.mean(2 * table.diagonal()[sizes > 0] / sizes[sizes > 0]))


def macro_f1(truth: Array, labels: Array) -> float:
    """The mean F1 over the classes that occur among truths or answers.

    >>> round(macro_f1(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])), 4)
    0.7333
    """
    return _macro_f1(confusion(truth, labels))


def _auc(positive: Array, score: Array) -> float:
    """The area under the ROC curve by ranks, ties counted half (Mann and Whitney 1947)."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    last = np.r_[first[1:], len(ordered)]
    ranks = np.empty(len(score))
    ranks[order] = np.repeat((first + last + 1) / 2, last - first)
    ones = int(positive.sum())
    zeros = len(positive) - ones
    if ones == 0 or zeros == 0:
        return float("nan")
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def roc_auc(truth: Array, answers: Array) -> float:
    """The area under the ROC curve; the mean over classes, each against the rest, where there are more than two.

    >>> roc_auc(np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]]))
    0.75
    """
    if answers.shape[1] == 2:
        return _auc(truth == 1, answers[:, 1])
    each = [_auc(truth == k, answers[:, k]) for k in range(answers.shape[1])]
    return float(np.nanmean(each))


def average_precision(truth: Array, answers: Array) -> float:
    """The area under precision over recall, as a step function; ties are entered together."""
    columns = [1] if answers.shape[1] == 2 else range(answers.shape[1])
    return float(np.nanmean([_average_precision(truth == k, answers[:, k]) for k in columns]))


def _average_precision(positive: Array, score: Array) -> float:
    if not positive.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])
    hits = np.cumsum(positive[order])[ends]
    recall = np.r_[0.0, hits / positive.sum()]
    return float(np.sum(np.diff(recall) * hits / (ends + 1)))


def log_loss(truth: Array, answers: Array) -> float:
    """The mean of minus the log of the probability given to what was true."""
    return float(-np.mean(np.log(np.clip(answers[np.arange(len(truth)), truth], 1e-15, 1.0))))


def brier(truth: Array, answers: Array) -> float:
    """The mean squared distance of the probabilities from the truth (Brier 1950); one column where there are two classes."""
    if answers.shape[1] == 2:
        return float(np.mean((answers[:, 1] - (truth == 1)) ** 2))
    return float(np.mean(np.sum((answers - np.eye(answers.shape[1])[truth]) ** 2, axis=1)))


def calibration_error(truth: Array, answers: Array) -> float:
    """Expected calibration error over fifteen bins of equal count, mean over classes (Naeini and others 2015)."""
    columns = [1] if answers.shape[1] == 2 else range(answers.shape[1])
    return float(np.mean([_calibration_error(truth == k, answers[:, k]) for k in columns]))


def _calibration_error(positive: Array, probability: Array) -> float:
    order = np.argsort(probability, kind="stable")
    bins = np.array_split(order, min(15, len(order)))
    return sum(len(b) / len(order) * abs(float(positive[b].mean()) - float(probability[b].mean())) for b in bins)


def rmse(truth: Array, answers: Array) -> float:
    """The root of the mean squared error."""
    return float(np.sqrt(np.mean((truth - answers) ** 2)))


def mae(truth: Array, answers: Array) -> float:
    """The mean absolute error."""
    return float(np.mean(np.abs(truth - answers)))


def r2(truth: Array, answers: Array) -> float:
    """The share of the variance explained; nan where the truth does not vary."""
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return 1.0 - float(np.sum((truth - answers) ** 2)) / spread if spread > 0 else float("nan")


_CLASSES = ("binary", "multiclass")
_NUMBER = ("regression",)
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", True, _CLASSES, True, accuracy),
        Metric("balanced_accuracy", True, _CLASSES, True, balanced_accuracy),
        Metric("macro_f1", True, _CLASSES, True, macro_f1),
        Metric("roc_auc", True, _CLASSES, False, roc_auc),
        Metric("average_precision", True, _CLASSES, False, average_precision),
        Metric("log_loss", False, _CLASSES, False, log_loss),
        Metric("brier", False, _CLASSES, False, brier),
        Metric("calibration_error", False, _CLASSES, False, calibration_error),
        Metric("rmse", False, _NUMBER, False, rmse),
        Metric("mae", False, _NUMBER, False, mae),
        Metric("r2", True, _NUMBER, False, r2),
    )
}

# Of the events that a job over moments decides (see ``event_figures``): they take the order of moments, not rows alone.
EVENTS: dict[str, Quality] = {
    quality.name: quality
    for quality in (
        Quality("detection_rate", True, of="events"),
        Quality("false_activations_per_hour", False, of="events"),
        Quality("event_error_rate", False, of="events", beneath="log_loss"),
        Quality("delay_p50", False, units.TIME, of="events"),
        Quality("delay_p99", False, units.TIME, of="events"),
    )
}
# Of the sequence that answers spell, read by connectionist temporal classification (see ``ctc``).
SYMBOLS: dict[str, Quality] = {"character_error_rate": Quality("character_error_rate", False, of="symbols")}
# Of a decoder whose sensors stand in a ring (see ``shift``): it takes the model itself, not its answers alone.
ROBUSTNESS: dict[str, Quality] = {"shift_robustness": Quality("shift_robustness", True, of="sensors")}
# Of lists of items (see ``relevance`` and ``variety``), each for the first so many of a list. A list that shows much, or what
# nobody knows, need not be worth anything: only what was found can choose.
DEPTHS = (1, 2, 3, 5, 10, 20, 50, 100)
_FOUND = ("ndcg", "recall", "hit_rate", "mrr", "map", "precision")
_SHOWN = {"coverage": True, "popularity": False, "novelty": True, "diversity": True}
LISTS: dict[str, Quality] = {
    f"{name}@{k}": Quality(f"{name}@{k}", higher, of="lists", chooses=name in _FOUND)
    for name, higher in {**dict.fromkeys(_FOUND, True), **_SHOWN}.items()
    for k in DEPTHS
}
QUALITIES: dict[str, Quality] = {
    **LISTS,
    **{
        metric.name: Quality(
            metric.name, metric.higher_is_better, beneath="log_loss" if metric.of_labels else metric.name
        )
        for metric in METRICS.values()
    },
    **EVENTS,
    **SYMBOLS,
    **ROBUSTNESS,
}


def meant(name: str, known: Iterable[str]) -> str:
    """What may have been meant by the name of a quality, or which there are.

    >>> meant("ndcg@7", LISTS)
    'ndcg is there at 1, 2, 3, 5, 10, 20, 50 and 100.'
    >>> meant("acuracy", ["accuracy"])
    'Did you mean "accuracy"?'
    """
    kind, at, _ = name.partition("@")
    if at and kind in (*_FOUND, *_SHOWN):
        return f"{kind} is there at {', '.join(map(str, DEPTHS[:-1]))} and {DEPTHS[-1]}."
    return nearest(name, known)


# Edit distances by the number of what was true (see ``sequences``): in them misses and false alarms both count, so that
# they can choose a model. Of the others a silent model, or a hasty one, has the best there is.
SEQUENCES = ("event_error_rate", "character_error_rate")


# The metrics of decided classes, by the table of ``confusion`` alone.
BY_TABLE: dict[str, Callable[[Array], float]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "macro_f1": _macro_f1,
}


def score(name: str, truth: Array, answers: Array, labels: Array) -> float:
    """One metric by name."""
    metric = METRICS[name]
    return metric.function(truth, labels if metric.of_labels else answers)


def interval(
    name: str, truth: Array, answers: Array, labels: Array, seed: int = 0, draws: int = 200, units: Array | None = None
) -> tuple[float, float, float]:
    """A metric with its 95 % interval (see ``draws.ends``): (low, value, high). ``units`` are those that rows are of, where
    rows are no separate evidence."""
    value = score(name, truth, answers, labels)

    def of(pick: Array) -> float:
        return score(name, truth[pick], answers[pick], labels[pick])

    low, high = ends(of, value, len(truth), seed, draws, units)
    return low, value, high


def gain(
    name: str,
    truth: Array,
    one: tuple[Array, Array],
    other: tuple[Array, Array],
    seed: int = 0,
    draws: int = 200,
    units: Array | None = None,
) -> tuple[float, float]:
    """How much better ``one`` scores than ``other`` on the same rows: a paired bootstrap's 95 % interval, over ``units`` where
    they are given.

    Each of the two is (answers, labels). Positive means that ``one`` is better, whichever side the metric has.
    """
    side = sign(name)

    def of(pick: Array) -> float:
        better, worse = (score(name, truth[pick], a[pick], b[pick]) for a, b in (one, other))
        return side * (better - worse)

    middle = side * (score(name, truth, *one) - score(name, truth, *other))
    return ends(of, middle, len(truth), seed, draws, units)


def lacking(name: str, value: float) -> float:
    """What a score lacks of the best there could be: a loss, of which less is better.

    >>> lacking("roc_auc", 0.75), lacking("rmse", 3.0)
    (0.25, 3.0)
    """
    return 1.0 - value if QUALITIES[name].higher_is_better else value


def sign(name: str) -> float:
    """1 where more of a quality is better, else -1: its product with a figure is more the better that is."""
    return 1.0 if QUALITIES[name].higher_is_better else -1.0
