"""Workbenches side by side: as many trials at once as there are cores, each on a core of its own.

Two fits on a core each get more done than two fits one after the other on both cores: threads share out the work of one
fit, but never all of it. A fit that is alone, or too long for one core, may have them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from plimsoll import card, machine
from plimsoll.runner import Workbench


@dataclass(frozen=True)
class Lane:
    """One workbench and the cores that its trials are kept to."""

    number: int
    cores: tuple[int, ...]
    bench: Workbench = field(default_factory=Workbench)


class Crew:
    """The lanes, and what each of them is at.

    >>> crew = Crew([0, 1])
    >>> [lane.cores for lane in crew.idle]
    [(0,), (1,)]
    """

    def __init__(self, cores: Sequence[int] | None = None) -> None:
        self.cores = tuple(machine.core_numbers() if cores is None else cores)
        self.lanes = tuple(Lane(number, (core,)) for number, core in enumerate(self.cores))
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
