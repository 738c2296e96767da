"""Whether order carries signal: what transitions find, and what they find once the events of everybody are shuffled.

Where both are alike, no model of sequences is worth its price.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import chronology, ranking, relevance, transitions
from plimsoll.rows import Histories
from plimsoll.scorer import Scorer

Array = NDArray[Any]
MOST = 2_000_000  # events that are looked at: users beyond are left out, by chance
ASKED = 5_000  # rows that are asked about
_MEASURE = "ndcg@10"
_CELLS = 1 << 22


@dataclass(frozen=True)
class Order:
    """nDCG of the first ten as it was, and shuffled; ``low`` and ``high`` are the ends of the 95 % interval of what order adds."""

    kept: float
    shuffled: float
    low: float
    high: float

    @property
    def carries(self) -> bool:
        return self.low > 0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "carries": self.carries}


def told(learn: Histories, asked: Histories, truth: Array, again: bool, seed: int = 0) -> Order | None:
    """What order says of what came next: transitions learned from ``learn`` as it was and shuffled, and asked about histories of
    each kind. None where nothing can be found."""
    random = np.random.default_rng([seed, 11])
    kept = _some(learn, random)
    pick = np.sort(random.permutation(len(asked))[:ASKED])
    rows, due = asked.take(pick), truth[pick]
    found = [_found(kept, rows, due, again), _found(chronology.shuffled(kept, seed), _mixed(rows, seed), due, again)]
    low, _, high = relevance.interval(found[0] - found[1], seed)
    if np.isnan(low):
        return None
    return Order(relevance.mean(found[0]), relevance.mean(found[1]), low, high)


def _some(learn: Histories, random: np.random.Generator) -> Histories:
    """Whole users by chance, as many as have so many events."""
    order = random.permutation(len(learn))
    upto = np.cumsum(learn.lengths[order])
    return learn.take(np.sort(order[: max(1, int(np.searchsorted(upto, MOST, side="right")))]))


def _mixed(rows: Histories, seed: int) -> Histories:
    """Rows are of users who may be among those that are learned from, so that they are shuffled on their own."""
    return chronology.shuffled(rows, seed + 1)


def _found(learn: Histories, rows: Histories, truth: Array, again: bool) -> NDArray[np.float64]:
    return gains(transitions.fit(learn), rows, truth, again)


def gains(model: Scorer, rows: Histories, truth: Array, again: bool) -> NDArray[np.float64]:
    """nDCG of the first ten that a model lists after each of these histories, shape (rows,); what they hold is left out, unless
    it may come ``again``."""
    lists = ranking.nothing(len(rows))
    step = max(1, _CELLS // max(1, model.many))
    for begin in range(0, len(rows), step):
        some = rows.take(np.arange(begin, min(begin + step, len(rows))))
        lists[begin : begin + step] = ranking.best(model.scores(some), None if again else some)
    return relevance.each(_MEASURE, ranking.found(lists, truth))
