"""What folding in new events loses against learning them: the lists of two models for the same histories, and bounds on how
far they are apart.

A model of lists is a function of a history, so events that come after its fit are answered by a longer history; only what
they say about other users is not learned until the next fit. No family says in closed form how much that is: for counts the
order of two items cannot turn while their counts are further apart than all that came since weighs, but scores that are
normalised, cut to the strongest links or factored may turn by a single event. So it is measured, on users of whom both
models could answer, and bounded for users like them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import ranking, relevance
from plimsoll.listing import Listing
from plimsoll.rows import Histories, Rows

Array = NDArray[Any]
MEASURE, K = "ndcg@10", 10
MOST_ROWS = 5_000  # users who are asked about
_GRID = 2_000  # means that are tried
_BET = 0.5  # the share of the capital that a bet may lose


@dataclass(frozen=True)
class Folding:
    """Of ``rows`` users: how much of its first ten a list of the old model shares with the new one's on average, and the least
    that this is ``at_least``; how much ndcg@10 is lost by not fitting again on average (below 0: gained), and the most that
    this is ``at_most``. Each bound alone holds with 95 % confidence. The latter two are nan where no truth is known."""

    rows: int
    overlap: float
    at_least: float
    lost: float
    at_most: float


def measured(old: Listing, new: Listing, told: Histories, truth: Array | None = None, seed: int = 0) -> Folding:
    """What the ``old`` model loses that is told of new events only as the end of histories, against the ``new`` one that was
    fitted with them.

    ``told`` are histories that hold the new events, and ``truth`` what came after, ``GRADED`` of shape (rows, most). Of more
    than 5,000 rows so many are drawn by chance. The bounds speak of the mean over users of whom these are a fair sample, for
    these two models: another stretch of time, or another amount of new events, is to be measured anew.
    """
    pick = np.random.default_rng([seed, 19]).permutation(len(told))[:MOST_ROWS]
    asked = told.take(pick)
    rows = Rows(len(asked), {old.column: asked})
    lists = old.predict(rows), new.predict(rows)
    shared = overlaps(*lists)
    if truth is None:
        return Folding(len(pick), _mean(shared), least(shared), math.nan, math.nan)
    one, other = (relevance.each(MEASURE, ranking.found(each, truth[pick])) for each in lists)
    lost = (other - one)[~np.isnan(other - one)]
    # A loss lies between -1 and 1, and the bound is on what lies between 0 and 1.
    return Folding(len(pick), _mean(shared), least(shared), _mean(lost), 1.0 - 2.0 * least((1.0 - lost) / 2.0))


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else math.nan


def overlaps(one: Array, other: Array, k: int = K) -> NDArray[np.float64]:
    """The share of the first k items that two lists of a row have in common, whatever their places; shape (rows,).

    Of the longer list, where there are fewer than k; 1 where both are empty.

    >>> a, b = (np.array([[(item, 0.0) for item in row]], dtype=ranking.RANKED) for row in ([3, 1, 2], [2, 3, 9]))
    >>> overlaps(a, b).round(2).tolist(), overlaps(a, b, k=1).tolist()
    ([0.67], [0.0])
    """
    a, b = one["item"][:, :k], other["item"][:, :k]
    common = ((a[:, :, None] == b[:, None, :]) & (a >= 0)[:, :, None]).sum(axis=(1, 2))
    most = np.maximum((a >= 0).sum(axis=1), (b >= 0).sum(axis=1))
    return np.where(most > 0, common / np.maximum(most, 1), 1.0)


def least(values: Array, confidence: float = 0.95) -> float:
    """A lower bound on the mean of what these values between 0 and 1 were drawn from, independently; 0 where there are none.

    By betting (Waudby-Smith and Ramdas 2024): for each mean that there could be, a gambler who bets on more, at odds that are
    fair if it is the mean, comes to 1 / (1 - confidence) times the stake with a chance of 1 - confidence at most. The least
    mean at which nobody did is the bound. It needs no shape of the distribution, and holds for any number of values.

    >>> round(least(np.full(200, 0.9)), 2), least(np.zeros(50)), least(np.ones(0))
    (0.87, 0.0, 0.0)
    """
    means = np.arange(_GRID) / _GRID
    capital, best, doubt = np.zeros(_GRID), np.zeros(_GRID), math.log(1.0 / (1.0 - confidence))
    # A bet is settled by the values before alone: their spread, begun with a half and a quarter.
    total, squares = 0.5, 0.25
    for place, value in enumerate(values.tolist(), start=1):
        bet = math.sqrt(2.0 * doubt / (len(values) * squares / place))
        capital += np.log1p(np.minimum(bet, _BET / np.maximum(means, 1e-12)) * (value - means))
        np.maximum(best, capital, out=best)
        total += value
        squares += (value - total / (place + 1)) ** 2
    held = np.flatnonzero(best < doubt)
    # Between two of the grid the least mean may be anywhere, so it is the one below that is told.
    return float(means[max(held[0] - 1, 0)]) if len(held) else float(means[-1])
