"""How far a figure strays when what it was counted on is drawn anew: rows, or whole units of them.

Rows of one unit (a person, a session, a stretch of a signal) are alike, and no separate evidence: whole units are drawn then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Figure = Callable[[Array], float]  # of rows, by their numbers
_MOST = 20_000  # rows of a draw


def ends(
    of: Figure, value: float, count: int, seed: int = 0, draws: int = 200, units: Array | None = None
) -> tuple[float, float]:
    """The ends of the 95 % interval of a figure of ``count`` rows, whose value is known, by the bootstrap (Efron 1979): over
    rows, or over ``units``, numbers of shape (rows,), as Field and Welsh (2007) draw clusters.

    Of more than 20,000 rows so many are drawn, and their spread is scaled; of units, the same share of every one of them.

    >>> who, right = np.repeat([0, 1, 2, 3], 100), np.repeat([0.0, 1.0, 1.0, 1.0], 100)
    >>> share = lambda rows: float(right[rows].mean())
    >>> low, high = ends(share, 0.75, 400)
    >>> wide = ends(share, 0.75, 400, units=who)
    >>> round(high - low, 1), round(wide[1] - wide[0], 1)
    (0.1, 0.8)
    """
    random, step = np.random.default_rng(seed), -(-count // _MOST)
    if units is None:
        centre, scale = value, np.sqrt(min(count, _MOST) / max(1, count))
        picked = _rows(random, count, draws)
    else:
        kept = np.arange(0, count, step)
        centre, scale = value if step == 1 else of(kept), 1.0
        picked = _units(random, kept, units[kept], draws)
    drawn = [of(pick) for pick in picked]
    low, high = np.nanquantile(drawn, [0.025, 0.975]) if np.isfinite(drawn).any() else (centre, centre)
    return float(value + (low - centre) * scale), float(value + (high - centre) * scale)


def _rows(random: np.random.Generator, count: int, draws: int) -> Iterator[Array]:
    for _ in range(draws):
        yield random.integers(0, count, min(count, _MOST))


def _units(random: np.random.Generator, rows: Array, units: Array, draws: int) -> Iterator[Array]:
    each = np.unique(units, return_inverse=True)[1]
    parts = np.split(rows[np.argsort(each, kind="stable")], np.cumsum(np.bincount(each))[:-1])
    for _ in range(draws):
        yield np.concatenate([parts[k] for k in random.integers(0, len(parts), len(parts)).tolist()])
