"""What rules inside a list cost: how good lists are with them and without, of the same model for the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import ranking, relevance
from plimsoll.list_rules import ListRules
from plimsoll.listing import Listing
from plimsoll.rows import Histories

Array = NDArray[Any]
MEASURE, K = "ndcg@10", 10
MOST_ROWS = 5_000  # rows that are asked about: more would not tell the two apart any better


@dataclass(frozen=True)
class Cost:
    """The measure of ``rows`` lists ``without`` rules and ``kept`` by them; ``change``, (low, mean, high), is how much is gained
    by the rules, below 0 where they cost, with the 95 % interval of a paired bootstrap over rows; ``filled`` is the share of
    lists among whose first ten one breaks a rule."""

    rows: int
    without: float
    kept: float
    change: tuple[float, float, float]
    filled: float


def cost(rules: ListRules, model: Listing, told: Histories, truth: Array, seed: int = 0) -> Cost:
    """What these rules cost a model, for rows of which it is known what came next (``GRADED``, shape (rows, most)).

    Of more than 5,000 rows so many are drawn by chance, which biases no mean.
    """
    pick = np.sort(np.random.default_rng([seed, 17]).permutation(len(told))[:MOST_ROWS])
    told, truth = told.take(pick), truth[pick]
    plain, ruled = ranking.nothing(len(told)), ranking.nothing(len(told))
    breaks = np.zeros(len(told), dtype=bool)
    for row in range(len(told)):
        past = told.past(row)
        scores, seen = model.scores(past), None if model.again else past.items
        ruled[row], filled = rules.best(scores, seen)
        held = int((ruled[row]["item"] >= 0).sum())
        breaks[row] = held - filled < min(K, held)
        plain[row] = ranking.best_one(scores, seen)
    one, other = (relevance.each(MEASURE, ranking.found(lists, truth)) for lists in (ruled, plain))
    change = relevance.interval(one - other, seed)
    return Cost(
        len(told), relevance.mean(other), relevance.mean(one), change, float(breaks.mean()) if len(told) else 0.0
    )
