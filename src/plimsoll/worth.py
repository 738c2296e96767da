"""What answers to rows are worth by a quality: the one place where a score is asked, whatever it is counted over.

Of rows it is a metric (see ``metrics``), drawn over rows, or over what rows are alike within (``Truth.over``); of what is
said in a stream, an edit distance (see ``sequences``), drawn over people or streams; of lists, what was found and what was
shown (see ``shown``), drawn over who is asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import evidence, metrics, sequences, shown
from plimsoll.errors import DataError
from plimsoll.metrics import LISTS, QUALITIES, SEQUENCES
from plimsoll.sequences import Counts
from plimsoll.trial import Score
from plimsoll.truth import Truth

Array = NDArray[Any]
_DRAWS = 100


@dataclass(frozen=True)
class Given:
    """Calibrated answers and decided classes of rows, and of moments what is ``said``: the ``events`` that are decided and the
    ``symbols`` that are spelt, as far as a job asks for them, each by row: a class, or -1 where nothing begins."""

    answers: Array
    labels: Array
    said: Mapping[str, Array] = field(default_factory=dict)

    @staticmethod
    def joined(parts: Sequence[Given]) -> Given:
        """Those of several lots of rows, one after another, of which all say the same."""
        said = {of: np.concatenate([part.said[of] for part in parts]) for of in parts[0].said}
        answers, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("answers", "labels"))
        return Given(answers, labels, said)

    def take(self, index: Array) -> Given:
        said = {of: each[index] for of, each in self.said.items()}
        return Given(self.answers[index], self.labels[index], said)


def value(name: str, truth: Truth, given: Given) -> float:
    """One quality of these rows; nan where it says nothing of them."""
    if name in SEQUENCES:
        return _counts(name, truth, given).rate
    if name in LISTS:
        return shown.value(name, truth, given.answers)
    return metrics.score(name, truth.target, given.answers, given.labels)


def score(name: str, truth: Truth, given: Given, seed: int = 0) -> Score:
    """The same with its 95 % interval. Raises DataError where nothing happens in the rows that it is to be of."""
    if name in LISTS:
        low, middle, high = shown.interval(name, truth, given.answers, seed, _DRAWS)
        if np.isnan(middle):
            raise DataError(f"Of none of the {len(truth.target):,} rows it is known what {name} would be of.")
        return Score(name, middle, low, high, len(truth.target))
    if name not in SEQUENCES:
        return evidence.score(name, truth.target, given.answers, given.labels, seed, truth.over()[1])
    counts = _counts(name, truth, given)
    if not counts.true.sum():
        raise DataError(f"Nothing happens in the {len(truth.target):,} moments that {name} would be of.")
    low, middle, high = sequences.interval(counts, seed, _DRAWS)
    return Score(name, middle, low, high, len(truth.target))


def gain(name: str, truth: Truth, one: Given, other: Given, seed: int = 0) -> tuple[float, float]:
    """How much better ``one`` is than ``other`` on the same rows, by a paired bootstrap's 95 % interval: above 0 is better."""
    if name in SEQUENCES:
        return sequences.gain(_counts(name, truth, one), _counts(name, truth, other), seed, _DRAWS)
    if name in LISTS:
        low, high = shown.gain(name, truth, one.answers, other.answers, seed, _DRAWS)
        return (low, high) if QUALITIES[name].higher_is_better else (-high, -low)
    pair = (one.answers, one.labels), (other.answers, other.labels)
    return metrics.gain(name, truth.target, *pair, seed, _DRAWS, truth.over()[1])


def _counts(name: str, truth: Truth, given: Given) -> Counts:
    assert truth.timeline is not None
    return sequences.counted(truth.timeline, truth.target, given.said[QUALITIES[name].of], truth.units)
