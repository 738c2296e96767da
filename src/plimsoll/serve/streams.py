"""What happens to packets on their way, undone as far as it can be and counted: lost, doubled, out of order, late, in a
rush, and by a clock that runs otherwise. Nothing here has a clock or a socket of its own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from plimsoll.serve.packets import NUMBERS, Packet
from plimsoll.serve.session import Chunk

_REMEMBERED = 1_024  # packets that were given up, and would be late
_FAR = 2**20  # packets, from which on a number says nothing of how many are missing
_ANEW = 16  # packets in a row from the past, after which the sender has begun anew


@dataclass(frozen=True)
class Bounds:
    """What one stream may take. Times are in seconds, of signal or of the clock."""

    packet: float = 2.0  # of signal, in one packet
    reorder: float = 0.1  # that a packet is waited for, by the clock or by the signal that came after it
    fill: float = 0.1  # of signal that is made up where it was lost; above it the stream begins anew
    drift: float = 0.01  # share by which a clock may run otherwise before it is said
    times: float = 2.0  # the rate at which signal may come for long
    rush: float = 10.0  # of signal that may come at once beside that
    idle: float = 30.0  # without a packet
    moments: int = 64  # that wait for a slow reader; more are thinned
    events: int = 1_024  # that wait; with more the stream ends
    open: int = 64  # streams of one process


def ahead(seq: int, of: int) -> int:
    """How many packets one comes after another; below 0 before it. Their numbers go round.

    >>> ahead(2, NUMBERS - 1), ahead(NUMBERS - 1, 2)
    (3, -3)
    """
    found = (seq - of) % NUMBERS
    return found if found < NUMBERS // 2 else found - NUMBERS


class Reorder:
    """Puts packets back into order, while at most ``most`` frames wait and none for longer than ``patience`` seconds.

    The first packet begins the order. What is still missing then is given up, and late where it comes after all.

    >>> line = Reorder(most=100, patience=0.1)
    >>> one = np.zeros((10, 2), dtype=np.float32)
    >>> [[packet.seq for packet in line.put(Packet(seq, 0.0, one), 0.0)] for seq in (5, 7, 6, 6)]
    [[5], [], [6, 7], []]
    >>> line.reordered, line.doubled
    (1, 1)
    """

    def __init__(self, most: int, patience: float) -> None:
        self.doubled = self.reordered = self.late = self.anew = 0
        self._most = most
        self._patience = patience
        self._next: int | None = None
        self._held: dict[int, tuple[Packet, float]] = {}
        self._frames = 0  # that wait
        self._missed: deque[int] = deque(maxlen=_REMEMBERED)
        self._past = 0  # packets in a row that were from the past

    @property
    def due(self) -> float | None:
        """When the packet that has waited longest waits no more; None where none does."""
        return min(came for _, came in self._held.values()) + self._patience if self._held else None

    def put(self, packet: Packet, now: float) -> list[Packet]:
        """The packets whose turn it is once this one has come."""
        if self._next is None or packet.seq == self._next:  # most come so
            self._past = 0
            self._next = (packet.seq + 1) % NUMBERS
            return [packet, *self._ready()] if self._held else [packet]
        if ahead(packet.seq, self._next) < 0:
            return self._from_the_past(packet, now)
        self._past = 0
        if packet.seq in self._held:
            self.doubled += 1
            return []
        self._held[packet.seq] = packet, now
        self._frames += len(packet.frames)
        return self.lapse(now)

    def lapse(self, now: float) -> list[Packet]:
        """The packets for which nobody is waited any longer."""
        found: list[Packet] = []
        while self._held and (self._frames > self._most or now >= (self.due or 0.0)):
            found += self._give_up()
        return found

    def flush(self) -> list[Packet]:
        """All that wait."""
        found: list[Packet] = []
        while self._held:
            found += self._give_up()
        return found

    def _give_up(self) -> list[Packet]:
        """Goes on with the first that waits, without those before it."""
        here = self._next or 0
        first = min(self._held, key=lambda seq: ahead(seq, here))
        missing = min(ahead(first, here), _REMEMBERED)
        self._missed.extend((first - back) % NUMBERS for back in range(missing, 0, -1))
        self._next = first
        return self._ready(waited=False)

    def _ready(self, waited: bool = True) -> list[Packet]:
        found = []
        while self._next in self._held:
            packet, _ = self._held.pop(self._next)
            self._frames -= len(packet.frames)
            self._next = (packet.seq + 1) % NUMBERS
            found.append(packet)
        self.reordered += len(found) > 0 and waited
        return found

    def _from_the_past(self, packet: Packet, now: float) -> list[Packet]:
        self._past += 1
        if self._past >= _ANEW:
            waiting = self.flush()
            self.anew, self._past, self._next = self.anew + 1, 0, packet.seq
            self._missed.clear()
            return [*waiting, *self.put(packet, now)]
        if packet.seq in self._missed:
            self._missed.remove(packet.seq)
            self.late += 1
        else:
            self.doubled += 1
        return []


@dataclass(frozen=True)
class Gap:
    """What was lost before a packet; ``filled`` frames stand in for it, None where it was too much to make up."""

    packets: int
    frames: int
    filled: Chunk | None


class Gaps:
    """Finds what is missing between packets that come in order; up to ``most`` frames are made up by repeating the last one.

    A packet that is missing is taken to have held as many frames as the one before it.

    >>> gaps = Gaps(most=20)
    >>> one = np.ones((10, 1), dtype=np.float32)
    >>> gaps.before(Packet(0, 0.0, one)), gaps.before(Packet(2, 0.0, one)).filled.shape, gaps.before(Packet(9, 0.0, one)).filled
    (None, (10, 1), None)
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._last: Packet | None = None

    def before(self, packet: Packet) -> Gap | None:
        """What is missing before this packet, if anything."""
        last, self._last = self._last, packet
        if last is None or (away := ahead(packet.seq, last.seq)) == 1:
            return None
        if not 0 < away < _FAR:  # the sender has begun anew: how long it was away nobody knows
            return Gap(0, 0, None)
        frames = (away - 1) * len(last.frames)
        if frames > self._most or not len(last.frames):
            return Gap(away - 1, frames, None)
        return Gap(away - 1, frames, np.repeat(last.frames[-1:], frames, axis=0))


class Drift:
    """How a clock that is told of runs against the one that it is heard by: the share by which the one here gains on it.

    What is told comes late, and never early: of every second only what came with the least delay counts, and a line is laid
    through those (the median of the slopes between all pairs: Theil 1950, Sen 1968).

    >>> drift = Drift()
    >>> seconds = sum(drift.note(0.01 * k, 0.01 * k * 1.005 + (0.02 if k % 7 else 0.0)) for k in range(1000))
    >>> round(drift.share, 4)
    0.005
    """

    BLOCK, BLOCKS, LEAST = 1.0, 60, 5

    def __init__(self) -> None:
        self._least: deque[tuple[float, float]] = deque(maxlen=self.BLOCKS)  # (when, the least delay) of each second
        self._best: tuple[float, float] | None = None
        self._until = 0.0

    def note(self, said: float, now: float) -> bool:
        """Takes note of what a clock said as it was heard; whether a second is over with it."""
        delay, over = now - said, False
        if self._best is None or now >= self._until:
            over = self._best is not None
            if self._best is not None:
                self._least.append(self._best)
            self._best, self._until = (now, delay), now + self.BLOCK
        elif delay < self._best[1]:
            self._best = now, delay
        return over

    def begin(self) -> None:
        """Forgets what was noted: the clock was put elsewhere."""
        self._least.clear()
        self._best = None

    @property
    def share(self) -> float | None:
        """None where it has been heard for less than a few seconds."""
        if len(self._least) < self.LEAST:
            return None
        when, delay = (np.array(each) for each in zip(*self._least, strict=True))
        one, other = np.triu_indices(len(when), 1)
        return float(np.median((delay[other] - delay[one]) / (when[other] - when[one])))


class Rush:
    """How much signal comes at once: a bucket that a rate fills, and that packets empty. ``bursts`` are counted too: packets
    that come in a quarter of the time that they took to make, three and more in a row."""

    _QUICK, _ROW = 0.25, 3

    def __init__(self, rate: float, times: float, rush: float) -> None:
        self.bursts = 0
        self._rate, self._times, self._most = rate, times, rush * rate
        self._left = self._most
        self._came: float | None = None
        self._run = 0

    def takes(self, frames: int, now: float) -> bool:
        """Whether a packet of so many frames may come now."""
        gap = now - self._came if self._came is not None else 1e9
        self._came = now
        self._run = self._run + 1 if gap < self._QUICK * frames / self._rate else 0
        self.bursts += self._run == self._ROW - 1
        self._left = min(self._most, self._left + min(gap, 1e6) * self._rate * self._times) - frames
        return self._left >= 0
