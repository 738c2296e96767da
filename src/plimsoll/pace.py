"""How quick the core is just now: on shared machines it has spells in which everything takes nearly twice the time."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping

_TERMS = 5_000  # of a sum, whose seconds are the pace
_SUMS = 5
_EVERY = 0.05  # seconds of this process between two looks, of which each takes less than a hundredth
# How much of a spell comes through to other work, in logarithms: a sum suffers a little more than most, and a fit is not
# looked at while its process starts and ends.
_SHARES = {"cpu": 0.75, "answer": 0.9, "p50": 0.9}


def now() -> float:
    """Seconds that the core needs for a short sum: the median of some."""
    return sorted(_sum() for _ in range(_SUMS))[_SUMS // 2]


def _sum() -> float:
    begun = time.perf_counter()
    sum(k * k for k in range(_TERMS))
    return time.perf_counter() - begun


class Pacer:
    """Looks at the pace before something runs, after it, and all along, as this process uses its time.

    For the main thread, and one at a time: it goes by the process's profiling timer.

    >>> with Pacer() as pacer:
    ...     work = sum(range(100_000))
    >>> 0.0 < pacer.pace < 1.0
    True
    """

    def __init__(self) -> None:
        self._seen: list[float] = []
        self.spent = 0.0  # seconds that looking took

    def __enter__(self) -> Pacer:
        self.look()
        self._before = signal.signal(signal.SIGPROF, lambda *_: self.look(_sum))
        signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, self._before)
        self.look()

    def look(self, how: Callable[[], float] = now) -> None:
        """Takes the pace once."""
        begun = time.perf_counter()
        self._seen.append(how())
        self.spent += time.perf_counter() - begun

    @property
    def pace(self) -> float:
        """Seconds of a short sum: time over this is the work that was done, which is why it is a mean of rates."""
        return len(self._seen) / sum(1.0 / each for each in self._seen)


def at(best: float, figures: Mapping[str, float], paces: Mapping[str, float]) -> dict[str, float]:
    """Figures with those that were timed as they would have been at another pace; ``paces`` says at which each was.

    >>> at(1.0, {"cpu": 8.0, "size": 8.0}, {"cpu": 16.0})
    {'cpu': 1.0, 'size': 8.0}
    """
    return {
        name: figure * (best / paces[name]) ** _SHARES[name] if paces.get(name) else figure
        for name, figure in figures.items()
    }
