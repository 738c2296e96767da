"""How long things took, in constant memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

BOUNDS = (25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1.0)


class Times:
    """How long things took: how many fell below each bound, and their sum.

    >>> times = Times()
    >>> for _ in range(99): times.add(60e-6)
    >>> times.add(0.2)
    >>> times.quantile(0.5), times.quantile(0.999)
    (0.0001, 0.25)
    """

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    @property
    def count(self) -> int:
        return sum(self.buckets)

    def quantile(self, share: float) -> float | None:
        """The bound below which so large a share fell; None where nothing was timed, or it was above all bounds."""
        due, below = share * self.count, 0
        for bound, count in zip(BOUNDS, self.buckets, strict=False):
            below += count
            if below and below >= due:
                return bound
        return None

    def join(self, told: Mapping[str, Any]) -> None:
        """Adds what another counted, from its ``as_json``."""
        self.buckets = [a + b for a, b in zip(self.buckets, told["buckets"], strict=True)]
        self.seconds += told["seconds"]

    def as_json(self) -> dict[str, Any]:
        """With quantiles as the bounds that they lie below."""
        mean = self.seconds / self.count if self.count else None
        said = {"count": self.count, "mean": mean, "p50_below": self.quantile(0.5), "p99_below": self.quantile(0.99)}
        return {**said, "buckets": self.buckets, "seconds": self.seconds}
