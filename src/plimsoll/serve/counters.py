"""What a server counts, in constant memory, printed as Prometheus reads it."""

from __future__ import annotations

from bisect import bisect_left

BOUNDS = (25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1.0)


class Counters:
    """Requests by status, rows, and how long answers took.

    >>> counters = Counters()
    >>> counters.answered(200, 0.0004, 1)
    >>> print(counters.text().splitlines()[2])
    plimsoll_requests_total{status="200"} 1
    """

    def __init__(self) -> None:
        self._statuses: dict[int, int] = {}
        self._rows = 0
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def answered(self, status: int, seconds: float, rows: int) -> None:
        """A request that reached the model; ``seconds`` from its bytes in hand to the answer's."""
        self.refused(status)
        self._rows += rows
        self._buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    def refused(self, status: int) -> None:
        self._statuses[status] = self._statuses.get(status, 0) + 1

    def text(self) -> str:
        lines = ["# HELP plimsoll_requests_total Requests by status.", "# TYPE plimsoll_requests_total counter"]
        lines += [f'plimsoll_requests_total{{status="{key}"}} {count}' for key, count in sorted(self._statuses.items())]
        lines += ["# HELP plimsoll_rows_total Rows answered.", "# TYPE plimsoll_rows_total counter"]
        lines += [f"plimsoll_rows_total {self._rows}"]
        lines += ["# HELP plimsoll_request_seconds From a request's bytes to its answer's."]
        lines += ["# TYPE plimsoll_request_seconds histogram"]
        below = 0
        for bound, count in zip((*map(repr, BOUNDS), "+Inf"), self._buckets, strict=True):
            below += count
            lines.append(f'plimsoll_request_seconds_bucket{{le="{bound}"}} {below}')
        lines += [f"plimsoll_request_seconds_sum {self._seconds!r}", f"plimsoll_request_seconds_count {below}"]
        return "\n".join(lines) + "\n"
