"""How much each event of a history speaks: the newer, the more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_LEAST = 1e-3  # of what the newest event weighs: older ones that weigh less are not looked at
MOST = 1_000  # events of a history that are looked at, however slowly they fade


@dataclass(frozen=True)
class Fading:
    """An event weighs its own weight times ``alpha`` to the power of its age, which is how many events are newer.

    >>> items, weights = Fading(0.5).of(np.array([7, 4, 4], dtype=np.int32))
    >>> items.tolist(), weights.tolist()
    ([7, 4, 4], [0.25, 0.5, 1.0])
    >>> Fading(0.5).reach
    10
    """

    alpha: float

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha <= 1.0:
            raise ValueError(f"a history that fades by {self.alpha} an event; this is above 0 and at most 1")
        reach = MOST if self.alpha == 1.0 else min(MOST, 1 + math.ceil(math.log(_LEAST) / math.log(self.alpha) - 1.0))
        ages = np.arange(max(1, reach))[::-1]
        object.__setattr__(self, "_ladder", np.power(self.alpha, ages, dtype=np.float64).astype(np.float32))

    @property
    def reach(self) -> int:
        """How many of the newest events are looked at."""
        return len(self._ladder)  # type: ignore[attr-defined]  # set once, in __post_init__

    def of(self, items: Array, weights: Array | None = None) -> tuple[Array, NDArray[np.float32]]:
        """The events that are looked at, the oldest first, and what each of them weighs; shape (events,) each."""
        seen = items[-self.reach :]
        ladder: Array = self._ladder[self.reach - len(seen) :]  # type: ignore[attr-defined]
        return seen, ladder if weights is None else ladder * weights[-self.reach :]
