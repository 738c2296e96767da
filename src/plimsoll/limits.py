"""Limits, what was measured, and the one place that compares the two.

A limit names a measured quantity, a side and a number with a unit: ``p99 < 2 ms``, ``rmse < 0.9``,
``accuracy[sex=Female] > 0.8``. Several stand side by side with commas between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plimsoll import units
from plimsoll.errors import LimitError
from plimsoll.metrics import EVENTS, QUALITIES, ROBUSTNESS, SYMBOLS, meant

# What each cost is counted in. Quality floors are the metrics, counted as plain numbers or shares.
COSTS: dict[str, str] = {
    "p50": units.TIME,
    "p99": units.TIME,
    "memory": units.BYTES,
    "size": units.BYTES,
    "cold_start": units.TIME,
    "train": units.TIME,
    "train_memory": units.BYTES,
    "cpu": units.TIME,
    "energy": units.ENERGY,
    "carbon": units.MASS,
}
RUN_COSTS = ("train", "train_memory", "cpu", "energy", "carbon")  # what the run costs, not the served model
LEAST = 662  # requests that a verdict on a p99 needs


def dimension(name: str) -> str:
    """What a quantity is counted in: a plain number or a share where nothing else is known."""
    return COSTS[name] if name in COSTS else QUALITIES[name].dimension if name in QUALITIES else units.SHARE


_LIMIT = re.compile(r"\s*([a-z0-9_@]+)\s*(\[[^\]]*\])?\s*(<=|>=|<|>|≤|≥)\s*(.+?)\s*$")
_UPPER = {"<": True, "<=": True, "≤": True, ">": False, ">=": False, "≥": False}


@dataclass(frozen=True)
class Limit:
    """One limit: ``p99 < 0.002`` in seconds, or ``accuracy > 0.8`` over the rows where ``slice`` holds."""

    name: str
    upper: bool  # True: the measured figure must stay below
    bound: float
    slice: tuple[str, str] | None = None  # (column, value)

    @property
    def key(self) -> str:
        """The name under which the figure is kept.

        >>> Limit("accuracy", False, 0.8, ("sex", "Female")).key
        'accuracy[sex=Female]'
        """
        return self.name if self.slice is None else f"{self.name}[{self.slice[0]}={self.slice[1]}]"

    @property
    def dimension(self) -> str:
        return dimension(self.name)

    def __str__(self) -> str:
        # A comma parts limits, so there is none in a number: what is written can be read again.
        return f"{self.key} {'<' if self.upper else '>'} {units.show(self.bound, self.dimension).replace(',', '')}"

    def as_json(self) -> dict[str, Any]:
        return {"name": self.key, "side": "<" if self.upper else ">", "bound": self.bound, "text": str(self)}


@dataclass(frozen=True)
class Measured:
    """Figures by name, each an interval (low, middle, high): a cost predicted and one measured are the same type.

    A figure counted exactly, such as a size in bytes, has low = middle = high.

    >>> Measured({"p99": (0.001, 0.0012, 0.002)}).middle("p99")
    0.0012
    """

    figures: Mapping[str, tuple[float, float, float]]

    @staticmethod
    def exactly(**figures: float) -> Measured:
        return Measured({name: (value, value, value) for name, value in figures.items()})

    def middle(self, name: str) -> float | None:
        found = self.figures.get(name)
        return None if found is None else found[1]

    def joined(self, other: Measured) -> Measured:
        """Both together; the other's figures win."""
        return Measured({**self.figures, **other.figures})

    def as_json(self) -> dict[str, Any]:
        """Middles, but energy and carbon as [low, high], for those are never a single number."""
        return {
            name: [low, high] if name in ("energy", "carbon") else middle
            for name, (low, middle, high) in self.figures.items()
        }


@dataclass(frozen=True)
class Breach:
    """A limit that is not kept: the side of the interval that counts, and how far over it is (1.2: a fifth over)."""

    limit: Limit
    found: float | None  # None: it was never measured, and a promise not checked is not kept
    ratio: float

    @property
    def shown(self) -> str:
        """The figure with its unit."""
        return "not measured" if self.found is None else units.show(self.found, self.limit.dimension)

    def __str__(self) -> str:
        return f"{self.limit}: {self.shown}"


@dataclass(frozen=True)
class Limits:
    """All limits of a job.

    >>> limits = parse("p99 < 2 ms, accuracy > 90 %")
    >>> [str(limit) for limit in limits]
    ['p99 < 2 ms', 'accuracy > 0.9']
    >>> [str(breach) for breach in limits.judge(Measured.exactly(p99=0.003, accuracy=0.95))]
    ['p99 < 2 ms: 3 ms']
    """

    each: tuple[Limit, ...] = ()

    def __iter__(self) -> Iterator[Limit]:
        return iter(self.each)

    def get(self, name: str) -> float | None:
        """The bound on a cost, or None where it is free."""
        return next((limit.bound for limit in self.each if limit.key == name), None)

    def only(self, names: Iterable[str]) -> Limits:
        wanted = set(names)
        return Limits(tuple(limit for limit in self.each if limit.key in wanted or limit.name in wanted))

    def without(self, names: Iterable[str]) -> Limits:
        unwanted = set(names)
        return Limits(tuple(limit for limit in self.each if limit.name not in unwanted))

    @property
    def floors(self) -> tuple[Limit, ...]:
        """The limits on quality."""
        return tuple(limit for limit in self.each if limit.name not in COSTS)

    @property
    def moments(self) -> Limits:
        """Those that no rows alone can be held to: on events, on what is spelt, and on sensors that have moved."""
        return self.only({**EVENTS, **SYMBOLS, **ROBUSTNESS})

    @property
    def events(self) -> Limits:
        """Those on the events that a decoder decides."""
        return self.only(EVENTS)

    def judge(self, measured: Measured) -> tuple[Breach, ...]:
        """Every limit that is not kept, the worst first: the only comparison of a figure with a limit.

        An upper limit is held against the high end of the interval, and a floor against the middle, for a
        quality's interval speaks of other rows than those that were asked for.
        """
        breaches = []
        for limit in self.each:
            figure = measured.figures.get(limit.key)
            found = None if figure is None else figure[2 if limit.name in COSTS else 1]
            if found is None:
                breaches.append(Breach(limit, None, float("inf")))
            elif (found >= limit.bound) if limit.upper else (found <= limit.bound):
                breaches.append(Breach(limit, found, _ratio(found, limit)))
        return tuple(sorted(breaches, key=lambda breach: -breach.ratio))

    def load(self, measured: Measured) -> float:
        """How deep a model sits: the largest share of any upper limit on a cost that it uses up; 0 with no limits."""
        shares = [
            (measured.figures[limit.key][1] / limit.bound)
            for limit in self.each
            if limit.upper and limit.key in measured.figures and limit.bound > 0
        ]
        return max(shares, default=0.0)


def _ratio(found: float, limit: Limit) -> float:
    top, bottom = (found, limit.bound) if limit.upper else (limit.bound, found)
    return top / bottom if bottom > 0 else float("inf")


def parse(text: str | Sequence[str]) -> Limits:
    """Limits from a text such as ``"p99 < 2 ms, memory < 150 MB"``, or from several of them.

    Raises LimitError with the place and what to write.

    >>> parse("p99 < 2 parsecs")
    Traceback (most recent call last):
    plimsoll.errors.LimitError: limits[0].p99: "2 parsecs" is not a time. Write a number and a unit, such as "25 ms" (units: ns us µs ms s sec min m h).
    """
    parts = [text] if isinstance(text, str) else list(text)
    words = [word for part in parts for word in re.split(r",(?![^\[]*\])", part) if word.strip()]
    limits = tuple(_parse_one(word, index) for index, word in enumerate(words))
    for index, limit in enumerate(limits):
        if any(limit.key == other.key and limit.upper == other.upper for other in limits[:index]):
            raise LimitError(f"limits[{index}]: {limit.key} has been given twice. Keep one of them.")
    return Limits(limits)


def _parse_one(word: str, index: int) -> Limit:
    match = _LIMIT.match(word)
    if match is None:
        raise LimitError(
            f'limits[{index}]: "{word.strip()}" is not a limit. Write a name, a side and a number, such as "p99 < 25 ms".'
        )
    name, where, side, number = match.groups()
    if name not in COSTS and name not in QUALITIES:
        raise LimitError(f'limits[{index}]: nothing called "{name}" is measured. {meant(name, [*COSTS, *QUALITIES])}')
    upper = _UPPER[side]
    _check_side(name, upper, index)
    try:
        bound = units.parse(number, dimension(name))
    except ValueError as fault:
        raise LimitError(f"limits[{index}].{name}: {fault}") from None
    if name in COSTS and bound <= 0:
        raise LimitError(f"limits[{index}].{name}: {number} leaves no room. Write a number above zero.")
    return Limit(name, upper, bound, _slice(where, name, index))


def _check_side(name: str, upper: bool, index: int) -> None:
    wanted = True if name in COSTS else not QUALITIES[name].higher_is_better
    if upper != wanted:
        right = "<" if wanted else ">"
        raise LimitError(
            f'limits[{index}].{name}: a limit on {name} is written with {right}, as in "{name} {right} …".'
        )


def _slice(where: str | None, name: str, index: int) -> tuple[str, str] | None:
    if where is None:
        return None
    column, equals, value = where[1:-1].partition("=")
    if name in COSTS or not equals or not column.strip():
        raise LimitError(
            f'limits[{index}].{name}: "{where}" is not a slice. Write a quality over a column\'s value, such as "accuracy[sex=Female] > 0.8".'
        )
    return column.strip(), value.strip()
