"""Joules as the processor counts them itself (RAPL), where its counters can be read and believed.

A counter tells of its whole package: every core with its caches and what other programs ran on them, but neither the
memory nor the power supply. So what is ours is an interval: at least our share of the busy core-seconds, at most all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plimsoll import machine

_PACKAGES = "sys/class/powercap/intel-rapl:*"  # Linux lists AMD's packages under this name, too
# More than any package draws. A counter that could have gone round twice since the last look tells nothing any more.
_MOST_WATTS = 600.0


@dataclass(frozen=True)
class Domain:
    """The counter of one package: microjoules, which begin again at zero after ``span``."""

    place: Path
    span: int

    def read(self) -> int | None:
        """What it says now; None where it may not be read, as by ordinary users since Linux 5.10."""
        return _whole(self.place)

    def passed(self, before: int, after: int, seconds: float) -> int | None:
        """Microjoules between two looks; None where it may have gone round more than once.

        >>> Domain(Path("energy_uj"), span=1_000_000_000).passed(before=999_999_990, after=5, seconds=1.0)
        15
        """
        if seconds * _MOST_WATTS * 1e6 > self.span:
            return None
        return after - before if after >= before else after - before + self.span


def found(root: Path = Path("/")) -> tuple[tuple[Domain, ...], str]:
    """The counters to go by, one a package, and in words where the joules come from or why there are none."""
    if _virtual(root):
        return (), "no counters: those of a virtual machine are not its own"
    domains = tuple(_domains(root))
    if not domains:
        return (), "no counters on this machine"
    if any(domain.read() is None for domain in domains):
        return (), f"no counters: /{domains[0].place.relative_to(root)} may be read by the administrator alone"
    return domains, f"counted by the processor (RAPL, {len(domains)} package{'s' if len(domains) > 1 else ''})"


def _domains(root: Path) -> list[Domain]:
    """Packages alone: the cores and the memory controller stand inside them and would be counted twice."""
    listed = []
    for folder in sorted(root.glob(_PACKAGES)):
        try:
            named = (folder / "name").read_text().strip()
        except OSError:
            continue
        span = _whole(folder / "max_energy_range_uj")
        if named.startswith("package") and span:
            listed.append(Domain(folder / "energy_uj", span))
    return listed


def _whole(place: Path) -> int | None:
    try:
        return int(place.read_text())
    except (OSError, ValueError):
        return None


def _virtual(root: Path) -> bool:
    try:
        lines = (root / "proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    return any("hypervisor" in line.split() for line in lines if line.startswith("flags"))


def own_seconds() -> float:
    """Core-seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


@dataclass
class Counter:
    """Joules since ``start``. Look every minute or so: a counter goes round in a few, and once is all that can be seen.

    >>> counter = Counter(root=Path("/nowhere"))
    >>> counter.start()
    >>> counter.joules(), counter.source
    (None, 'no counters on this machine')
    """

    root: Path = Path("/")
    now: Callable[[], float] = time.monotonic
    source: str = "not started"  # where the joules come from, or why there are none
    _domains: tuple[Domain, ...] = ()
    _read: tuple[int, ...] = ()
    _seen: float = 0.0  # when they were read last
    _counted: int = 0  # microjoules
    _begun: tuple[float, float, float | None] = (0.0, 0.0, None)  # seconds, core-seconds of ours, of everybody

    def start(self) -> None:
        """Counts from now on."""
        self._domains, self.source = found(self.root)
        self._seen, self._counted = self.now(), 0
        self._read = tuple(domain.read() or 0 for domain in self._domains)
        self._begun = self._seen, own_seconds(), machine.busy_seconds(self.root)

    def joules(self, core_seconds: float | None = None) -> tuple[float, float, float] | None:
        """(low, middle, high) since the start, or None: then estimate them with ``machine.energy``.

        ``core_seconds`` are those spent on what is being counted; without them, those of this process and of its
        children that have ended.
        """
        if not self._domains or not self._look():
            return None
        high = self._counted / 1e6
        low = high * self._share(core_seconds)
        return low, (low * high) ** 0.5, high

    def _look(self) -> bool:
        now, read = self.now(), [domain.read() for domain in self._domains]
        for domain, before, after in zip(self._domains, self._read, read, strict=True):
            passed = None if after is None else domain.passed(before, after, now - self._seen)
            if passed is None:
                self._domains, self.source = (), "no counters: they were lost sight of"
                return False
            self._counted += passed
        self._seen, self._read = now, tuple(after for after in read if after is not None)
        return True

    def _share(self, core_seconds: float | None) -> float:
        """Of all busy core-seconds since the start, those that were ours."""
        began, own, busy = self._begun
        ours = own_seconds() - own if core_seconds is None else core_seconds
        after = machine.busy_seconds(self.root)
        # Where nobody says how busy the cores were, they may all have been, all the time.
        most = (os.cpu_count() or 1) * (self._seen - began)
        everybody = after - busy if after is not None and busy is not None else most
        return min(1.0, max(0.0, ours) / everybody) if everybody > 0 else 1.0
