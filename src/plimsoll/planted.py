"""A recording as the packets of a sensor: when each would come, and what may be planted on its way to see it survived."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from plimsoll import units
from plimsoll.errors import UserError


class Due(NamedTuple):
    """A packet: when it comes (seconds from the start), its number, its frames from ``begin`` to ``end``, and the time on
    the sender's clock."""

    when: float
    seq: int
    begin: int
    end: int
    sent: float


@dataclass(frozen=True)
class Faults:
    """Shares of packets that are lost or come after the next; seconds of signal that come at once; and the share by which
    the sensor is faster than its clock says."""

    drop: float = 0.0
    reorder: float = 0.0
    burst: float = 0.0
    drift: float = 0.0

    @staticmethod
    def parse(drop: str, reorder: str, burst: str, drift: str) -> Faults:
        """From words such as "1%" and "200ms". Raises UserError.

        >>> Faults.parse("1%", "0", "200ms", "-0.5%")
        Faults(drop=0.01, reorder=0.0, burst=0.2, drift=-0.005)
        """
        shares = [_read(flag, text, units.SHARE) for flag, text in (("--drop", drop), ("--reorder", reorder))]
        for flag, share in zip(("--drop", "--reorder"), shares, strict=True):
            if not 0.0 <= share < 1.0:
                raise UserError(f"{flag} {share:g} is not a share. Write one such as 1%.")
        rush, fast = _read("--burst", burst, units.TIME), _read("--drift", drift, units.SHARE)
        if not (0.0 <= rush <= 10.0 and abs(fast) < 0.5):
            raise UserError("--burst is at most 10 s, and --drift less than 50 %.")
        return Faults(shares[0], shares[1], rush, fast)


def _read(flag: str, text: str, dimension: str) -> float:
    try:
        return units.parse(text, dimension) if text != "0" else 0.0
    except ValueError as fault:
        raise UserError(f"{flag}: {fault}") from None


def plan(
    frames: int, rate: float, size: int, speed: float = 1.0, faults: Faults | None = None, seed: int = 0
) -> list[Due]:
    """The packets of so many frames at a rate, ``size`` in each, in the order in which they come.

    The first is neither lost nor late, so that the stream begins where the recording does.

    >>> [due.seq for due in plan(60, 100.0, 10, faults=Faults(reorder=0.5), seed=1)]
    [0, 1, 3, 2, 4, 5]
    """
    asked, draw = faults or Faults(), random.Random(seed)
    found = []
    for seq, begin in enumerate(range(0, frames, size)):
        end = min(begin + size, frames)
        sent = end / rate
        lost, swapped = draw.random() < asked.drop and seq > 0, draw.random() < asked.reorder and seq > 0
        if lost:
            continue
        when = taken(sent, speed, asked) + (1.5 * size / rate / speed if swapped else 0.0)
        found.append(Due(when, seq, begin, end, sent))
    found.sort(key=lambda due: due.when)
    return [due._replace(when=_held_up(due.when * speed, asked.burst) / speed) for due in found]


def _held_up(when: float, burst: float) -> float:
    """When what would come at a time comes in rushes of so many seconds."""
    return math.ceil(when / burst) * burst if burst else when


def taken(at: float, speed: float, faults: Faults) -> float:
    """When a frame is taken, in seconds from the start, that stands ``at`` seconds into the recording."""
    return at / (1.0 + faults.drift) / speed


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that so large a share of them do not pass.

    >>> quantile([3.0, 1.0, 2.0], 0.5), quantile([3.0, 1.0, 2.0], 0.99)
    (2.0, 3.0)
    """
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]
