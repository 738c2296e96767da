"""What a decoder is worth once its sensors have moved: a ring that is put on turned by a place or two, a sensor that is silent.

One electrode of shift costs more than any choice of a model gains, so it is a quantity of its own: ``shift_robustness`` is the score
at one place to either side over the score as worn, on moments that the model had not learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import metrics, ring
from plimsoll.rows import Rows
from plimsoll.schema import Kind, Layout, Schema

Array = NDArray[Any]
Ask = Callable[
    [Rows, Array], float
]  # rows as they would be, and their numbers among those that are known → their score
PLACES = (-2, -1, 0, 1, 2)
MOST = 10_000  # moments that are answered once more for every shift; whole streams of them
_SILENT = 8  # channels that are silenced, one after another


@dataclass(frozen=True)
class Shifts:
    """The score with the ring turned by so many places, and with each of some channels silent."""

    metric: str
    turned: Mapping[int, float]
    silent: Mapping[str, float]
    rows: int

    @property
    def robustness(self) -> float | None:
        """The mean at one place to either side over the score as worn; for a loss, the other way round. None without a base.

        >>> Shifts("macro_f1", {-1: 0.3, 0: 0.8, 1: 0.5}, {}, 90).robustness
        0.5
        """
        worn, moved = self.turned[0], float(np.mean([self.turned[-1], self.turned[1]]))
        above, below = (moved, worn) if metrics.QUALITIES[self.metric].higher_is_better else (worn, moved)
        if worn == moved:  # an error of nought, as worn and moved, is all that there was
            return 1.0
        return above / below if below > 0 and np.isfinite(above) else None

    def as_json(self) -> dict[str, Any]:
        turned = [{"places": places, "score": score} for places, score in sorted(self.turned.items())]
        silent = [{"channel": name, "score": score} for name, score in self.silent.items()]
        told = {"metric": self.metric, "rows": self.rows, "turned": turned, "silent": silent}
        return {**told, "shift_robustness": self.robustness}


def layout_of(schema: Schema) -> Layout | None:
    """The layout of the one signal whose channels stand in a ring; None where there is no such."""
    named = schema.of(Kind.SIGNAL)
    layout = schema[named[0]].layout if len(named) == 1 else None
    return layout if layout is not None and ring.axis_of(layout) is not None else None


def robustness(ask: Ask, rows: Rows, schema: Schema, metric: str) -> float | None:
    """The quantity alone, for a limit on it; None of a job whose sensors stand in no ring."""
    found = measured(ask, rows, schema, metric, (-1, 0, 1), 0)
    return None if found is None else found.robustness


def measured(
    ask: Ask,
    rows: Rows,
    schema: Schema,
    metric: str,
    places: tuple[int, ...] = PLACES,
    silent: int = _SILENT,
) -> Shifts | None:
    """The score of moments, or of some whole streams of many, each time with another fault of the sensors.

    None of a job whose sensors stand in no ring.
    """
    layout = layout_of(schema)
    if layout is None or not len(rows):
        return None
    name = schema.of(Kind.SIGNAL)[0]
    pick = some(rows.signals(name).starts, MOST)
    held = ring.streams_of(rows.take(pick), name)
    signals = held.signals(name)

    def score(samples: Array) -> float:
        return ask(ring.having(held, name, replace(signals, samples=samples)), pick)

    turned = {by: score(ring.turned(signals.samples, layout, by)) for by in places}
    many = len(layout.channels)
    chosen = np.unique(np.linspace(0, many - 1, min(many, silent)).round().astype(int)).tolist() if silent else []
    dead = {layout.channels[k]: score(ring.silenced(signals.samples, k)) for k in chosen}
    return Shifts(metric, turned, dead, len(pick))


def some(streams: Array, most: int, seed: int = 0) -> NDArray[np.intp]:
    """The rows of as many whole streams, drawn by the seed, as hold so many rows at most; of one at least, its first.

    >>> some(np.array([0, 0, 7, 7, 9, 9]), 4).tolist() in ([0, 1, 2, 3], [0, 1, 4, 5], [2, 3, 4, 5])
    True
    >>> some(np.array([3, 3, 3]), 2).tolist()
    [0, 1]
    """
    if len(streams) <= most:
        return np.arange(len(streams))
    each, sizes = np.unique(streams, return_counts=True)
    order = np.random.default_rng([seed, 6]).permutation(len(each))
    room = max(1, int(np.searchsorted(np.cumsum(sizes[order]), most, side="right")))
    return np.flatnonzero(np.isin(streams, each[order[:room]]))[:most]
