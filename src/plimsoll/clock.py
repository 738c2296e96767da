"""Time left for a trial: a loop that ends when the time is up."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path


class Clock:
    """Counts down from a number of seconds.

    >>> clock = Clock(60.0, now=lambda: 0.0)
    >>> list(clock.steps(3)), clock.left
    ([0, 1, 2], 60.0)
    """

    def __init__(
        self,
        seconds: float,
        now: Callable[[], float] = time.monotonic,
        spent: float = 0.0,
        kept: Path | None = None,
        noted: Callable[[str, float], None] | None = None,
    ) -> None:
        self._now = now
        self._begun = now() - spent
        self._end = self._begun + seconds
        self.told: list[tuple[float, float]] = []
        self.kept = (
            kept  # a folder in which a fit may leave what it needs to go on, if it is cut off; it need not exist
        )

        self._noted = noted

    def note(self, doing: str, share: float) -> None:
        """Says how far something long has come, 0 to 1, to whoever waits for it."""
        if self._noted is not None:
            self._noted(doing, share)

    @property
    def left(self) -> float:
        """Seconds left; never below zero."""
        return max(0.0, self._end - self._now())

    @property
    def spent(self) -> float:
        """Seconds since it began, those that it was told were spent before included."""
        return self._now() - self._begun

    @property
    def up(self) -> bool:
        return self.left <= 0.0

    def tell(self, loss: float) -> None:
        """Notes how far training has come: a loss on rows that it does not learn from, in any unit, less the better.

        ``told`` keeps (seconds spent, loss); from it a run foretells what going on would gain.

        >>> clock = Clock(60.0, now=lambda: 0.0)
        >>> clock.tell(0.7)
        >>> clock.told
        [(0.0, 0.7)]
        """
        self.told.append((self.spent, float(loss)))

    def steps(self, count: int) -> Iterator[int]:
        """0, 1, … count - 1, ending early when the time is up. The first step is always given."""
        for step in range(count):
            if step and self.up:
                return
            yield step


def started() -> float:
    """When this process began, in seconds since 1970: as its parent says, else as the kernel does."""
    if said := os.environ.get("PLIMSOLL_STARTED"):
        return float(said)
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text().split()[0])
        return time.time() - (up - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return time.time() - time.process_time()
