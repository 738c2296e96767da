"""What a server counts, in constant memory, printed as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plimsoll.serve.stream_counts import StreamCounts
from plimsoll.serve.times import BOUNDS, Times


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
        self.streams: StreamCounts | None = None  # where the bundle decodes

    def answered(self, status: int, seconds: float, rows: int) -> None:
        """A request that reached the model; ``seconds`` from its bytes in hand to the answer's."""
        self.refused(status)
        self.rows += rows
        self.times.add(seconds)

    def refused(self, status: int) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def state(self) -> dict[str, Any]:
        """All of it, to be added up with what other workers counted."""
        told = {
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "rows": self.rows,
            "times": self.times.as_json(),
        }
        return told if self.streams is None else {**told, "streams": self.streams.state()}

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
        if "streams" in state:
            self.streams = self.streams or StreamCounts()
            self.streams.add(state["streams"])

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
        return "\n".join(lines) + "\n" + (self.streams.text() if self.streams is not None else "")
