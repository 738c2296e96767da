"""What a server counts, in constant memory, printed as Prometheus reads it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
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


class Counters:
    """Requests by status, rows, and how long answers took.

    >>> counters = Counters()
    >>> counters.answered(200, 0.0004, 1)
    >>> print(counters.text().splitlines()[2])
    plimsoll_requests_total{status="200"} 1
    """

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.rows = 0
        self.times = Times()

    def answered(self, status: int, seconds: float, rows: int) -> None:
        """A request that reached the model; ``seconds`` from its bytes in hand to the answer's."""
        self.refused(status)
        self.rows += rows
        self.times.add(seconds)

    def refused(self, status: int) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def state(self) -> dict[str, Any]:
        """All of it, to be added up with what other workers counted."""
        return {
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "rows": self.rows,
            "times": self.times.as_json(),
        }

    @classmethod
    def summed(cls, states: Iterable[Mapping[str, Any]]) -> Counters:
        """What several workers counted.

        >>> one = Counters(); one.answered(200, 0.001, 3)
        >>> Counters.summed([one.state(), one.state()]).rows
        6
        """
        found = cls()
        for state in states:
            found.add(state)
        return found

    def add(self, state: Mapping[str, Any]) -> None:
        """Adds what another counted."""
        for status, count in state["statuses"].items():
            self.statuses[int(status)] = self.statuses.get(int(status), 0) + count
        self.rows += state["rows"]
        self.times.join(state["times"])

    def text(self) -> str:
        lines = ["# HELP plimsoll_requests_total Requests by status.", "# TYPE plimsoll_requests_total counter"]
        lines += [f'plimsoll_requests_total{{status="{key}"}} {count}' for key, count in sorted(self.statuses.items())]
        lines += ["# HELP plimsoll_rows_total Rows answered.", "# TYPE plimsoll_rows_total counter"]
        lines += [f"plimsoll_rows_total {self.rows}"]
        lines += ["# HELP plimsoll_request_seconds From a request's bytes to its answer's."]
        lines += ["# TYPE plimsoll_request_seconds histogram"]
        below = 0
        for bound, count in zip((*map(repr, BOUNDS), "+Inf"), self.times.buckets, strict=True):
            below += count
            lines.append(f'plimsoll_request_seconds_bucket{{le="{bound}"}} {below}')
        lines += [f"plimsoll_request_seconds_sum {self.times.seconds!r}", f"plimsoll_request_seconds_count {below}"]
        return "\n".join(lines) + "\n"
