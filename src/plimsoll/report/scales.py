"""From figures to places on paper: linear and logarithmic scales, with ticks at numbers that people count in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plimsoll import units

_SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000, 86400)


@dataclass(frozen=True)
class Scale:
    """Figures from ``low`` to ``high``, drawn from ``start`` to ``end``.

    >>> scale = Scale(1.0, 100.0, 0.0, 10.0, log=True)
    >>> scale(10.0), scale.pinned(1e9)
    (5.0, 10.0)
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        turn: Callable[[float], float] = math.log10 if self.log else float
        part = (turn(value) - turn(self.low)) / (turn(self.high) - turn(self.low))
        return self.start + part * (self.end - self.start)

    def pinned(self, value: float) -> float:
        """The place, or the nearer edge for what lies outside."""
        return self(min(max(value, self.low), self.high))

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def linear_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between two figures.

    >>> linear_ticks(0.81, 0.93)
    [0.82, 0.84, 0.86, 0.88, 0.9, 0.92]
    """
    rough = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough * 0.75)
    return [
        float(f"{step * index:.10g}")
        for index in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    ]


def tick_texts(ticks: Sequence[float]) -> list[str]:
    """Each to the digits that the finest of them needs.

    >>> tick_texts([0.989, 0.99, -1000.0])
    ['0.989', '0.990', '−1,000.000']
    """
    digits = max((len(f"{tick:.10f}".rstrip("0").split(".")[1]) for tick in ticks), default=0)
    return [f"{tick:,.{digits}f}".replace("-", "−") for tick in ticks]


def log_ticks(low: float, high: float, dimension: str) -> list[float]:
    """1, 2, 5, 10 … between two figures, but minutes and hours where time is long; tens alone over a wide span.

    >>> log_ticks(0.0004, 0.004, units.TIME), log_ticks(20, 400, units.TIME)
    ([0.0005, 0.001, 0.002], [20.0, 30.0, 60.0, 120.0, 300.0])
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    times = (1,) if len(decades) > 5 else (1, 2, 5)
    ticks = [float(f"{step}e{decade}") for decade in decades for step in times]
    if dimension == units.TIME and high > 60:
        ticks = [tick for tick in ticks if tick < 1] + [float(tick) for tick in _SECONDS]
    inside = [tick for tick in ticks if low <= tick <= high]
    if len(inside) < 3 and len(decades) <= 5:
        fine = (float(f"{step}e{decade}") for decade in decades for step in (1, 1.5, 2, 3, 4, 5, 6, 8))
        inside = [tick for tick in fine if low <= tick <= high]
    return inside[:: math.ceil(len(inside) / 7)] if len(inside) >= 2 else linear_ticks(low, high, 3)


def clock_ticks(high: float) -> list[float]:
    """Seconds from zero, in steps that a clock has."""
    if high < 6:
        return linear_ticks(0, high)
    steps = [step for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600) if step * 7 >= high]
    step = steps[0] if steps else 3600 * math.ceil(high / 3600 / 6)
    return [float(step * index) for index in range(int(high // step) + 1)]


def around(values: Sequence[float], margin: float = 0.08) -> tuple[float, float]:
    """A span a little wider than the values."""
    low, high = min(values), max(values)
    room = (high - low) * margin or abs(high) * margin or 1.0
    return low - room, high + room


def log_around(values: Sequence[float], margin: float = 0.07) -> tuple[float, float]:
    low, high = around([math.log10(value) for value in values], margin)
    if high - low < 0.3:  # nearly equal costs would otherwise look far apart
        middle = (high + low) / 2
        low, high = middle - 0.15, middle + 0.15
    return float(10**low), float(10**high)
