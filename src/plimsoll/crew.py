"""Workbenches side by side: as many trials at once as there are cores, each on a core of its own.

Two fits on a core each get more done than two fits one after the other on both cores: threads share out the work of one
fit, but never all of it. A fit that is alone, or too long for one core, may have them all. A CUDA device belongs to one
lane, so that no two fits share its memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from plimsoll import card, devices, machine
from plimsoll.devices import Device
from plimsoll.runner import Workbench


@dataclass(frozen=True)
class Lane:
    """One workbench, the cores that its trials are kept to, and the device that is its own, if any."""

    number: int
    cores: tuple[int, ...]
    bench: Workbench = field(default_factory=Workbench)
    device: str = ""  # as CUDA_VISIBLE_DEVICES names it


@dataclass(frozen=True)
class Work:
    """What a lane is to do; ``device``: it can use one, and gets a lane that has one where such a lane is idle."""

    do: Callable[[Lane], Any]
    device: bool = False


class Crew:
    """The lanes, and what each of them is at.

    >>> crew = Crew([0, 1])
    >>> [lane.cores for lane in crew.idle]
    [(0,), (1,)]
    """

    def __init__(self, cores: Sequence[int] | None = None, own: Sequence[Device] | None = None) -> None:
        self.cores = tuple(machine.core_numbers() if cores is None else cores)
        named = [device.uuid or str(place) for place, device in enumerate(devices.found() if own is None else own)]
        named += [""] * len(self.cores)
        self.lanes = tuple(Lane(number, (core,), device=named[number]) for number, core in enumerate(self.cores))
        self.quicker = _quicker(len(self.cores))
        self._pool = ThreadPoolExecutor(len(self.lanes))
        self._at: dict[Future[Any], int] = {}

    @property
    def first(self) -> Workbench:
        """The workbench for what is done alone."""
        return self.lanes[0].bench

    @property
    def idle(self) -> list[Lane]:
        busy = set(self._at.values())
        return [lane for lane in self.lanes if lane.number not in busy]

    def start(self) -> None:
        for lane in self.lanes:
            lane.bench.start()

    def ready(self, seconds: float) -> None:
        """Waits until every workbench has imported what it needs, or the time is up."""
        for lane in self.lanes:
            lane.bench.wait(seconds)

    def send(self, lane: Lane, work: Callable[[Lane], Any]) -> None:
        """Puts an idle lane to work."""
        self._at[self._pool.submit(work, lane)] = lane.number

    def each(self, following: Callable[[], Work | None]) -> Iterator[Any]:
        """Keeps the lanes at work as long as something follows, and gives what each comes to as it ends.

        >>> crew, left = Crew([0, 1], ()), [3, 2, 1]
        >>> sorted(crew.each(lambda: Work(lambda lane, k=left.pop(): 10 * k) if left else None))
        [10, 20, 30]
        """
        while True:
            while (idle := self.idle) and (work := following()):
                self.send(min(idle, key=lambda lane: bool(lane.device) is not work.device), work.do)
            if not self._at:
                return
            yield from self.ended()

    def ended(self, seconds: float | None = None) -> list[Any]:
        """What has been done since it was last asked; waits for the first to end, or so many seconds."""
        done, _ = wait(self._at, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in done:
            del self._at[future]
        return [future.result() for future in done]

    def abandon(self) -> None:
        """Ends what is being done, and whatever it has come to is let go of."""
        for future, number in list(self._at.items()):
            if not future.cancel():
                self.lanes[number].bench.stop()
        wait(self._at, timeout=_PATIENCE)
        self._at = {}

    def stop(self) -> None:
        for lane in self.lanes:
            lane.bench.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)


_PATIENCE = 5.0  # seconds for a thread to see that its workbench is gone


def _quicker(cores: int) -> float:
    """How many times quicker a fit is on all cores: as this machine's card has it, or a cautious guess."""
    known = card.stored()
    measured = known.fit_scaling if known is not None else 1.0 + 0.3 * (cores - 1) ** 0.5
    return min(max(1.0, measured), float(cores))
