"""What requests cost here and now: how long they will take, and whether several are quicker together than one by one."""

from __future__ import annotations

from collections.abc import Sequence

_HEAD = 256  # bytes that stand for what a request costs whatever it holds
_NEW = 0.05  # weight of the newest turn
_TRY = 64  # turns after which the slower way is tried again


class Pace:
    """Seconds by the weight of requests, which is their length and something for each; a moving average of the turns.

    The answers of a model are the same to the last bit both ways (a promise of every recipe), so only time decides.

    >>> pace = Pace()
    >>> pace.took([b"x" * 744], 0.001)
    >>> pace.of(b"y" * 744), pace.of(b"y" * 1_744)
    (0.001, 0.002)
    """

    def __init__(self, seconds: float = 0.0) -> None:
        """``seconds`` is what a short request took when it was measured, until the first one tells."""
        self._alone = seconds / (2 * _HEAD)
        self._together = 0.0
        self._turns = 0

    def of(self, body: bytes) -> float:
        """Seconds that a request will take, about."""
        return (_HEAD + len(body)) * min(self._alone, self._together or self._alone)

    def waits(self, bodies: int, size: int) -> float:
        """Seconds that so many requests of so many bytes in all will take."""
        return (_HEAD * bodies + size) * min(self._alone, self._together or self._alone)

    def gathers(self, many: int) -> bool:
        """Whether so many requests should be asked together: where that has been quicker, and now and then to see."""
        if many < 2:
            return False
        self._turns += 1
        quicker = not self._together or self._together <= self._alone
        return quicker != (self._turns % _TRY == 0)

    def took(self, bodies: Sequence[bytes], seconds: float, together: bool = False) -> None:
        """Takes note of a turn."""
        rate = seconds / sum([_HEAD + len(body) for body in bodies])
        if together:
            self._together = _moved(self._together, rate)
        else:
            self._alone = _moved(self._alone, rate)


def _moved(mean: float, new: float) -> float:
    """A turn that was held up (by a collector, a neighbour) says little of the next: it counts as twice what is usual."""
    return mean + _NEW * (min(new, 2 * mean) - mean) if mean else new
