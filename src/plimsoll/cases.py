"""Cases: trials as the cost model sees them, what was known before each ran and what it then cost.

A case holds no row, no column's name and no text of anybody's data: shapes, knobs and figures alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plimsoll.knobs import Knobs
from plimsoll.profile import Profile

# What is told of a candidate: core-seconds of one fit, the peak of its process, bytes of the bundle, seconds of one
# answer, bytes of the process that serves.
COSTS = ("cpu", "train_memory", "size", "p50", "memory")
SERVED = ("size", "p50", "memory")  # of them those that only a bundle as it is served shows
# What a probe tells beside: bytes of the model by itself, and seconds of one answer without its request.
TOLD = (*COSTS, "model", "answer", "score")
FULL = 0.97  # of a knob that training settles: it came to what it was allowed, and would have gone on
_MOST_TEXT = 80
_MOST_KNOBS = 40
_MOST = 1e18
_BLANK = Profile(1).as_json()


@dataclass(frozen=True)
class Known:
    """What can be said of a fit before it runs: the recipe with its knobs, and the profile of the rows."""

    recipe: str
    knobs: Knobs
    profile: Profile


@dataclass(frozen=True)
class Case:
    """A fit that ran. ``over`` names the figures that are only known to be larger than they say.

    ``settled`` holds what training settled, such as the number of trees. ``group`` is the data set; ``machine`` and
    ``versions`` say where and with what it ran. Of a fit of this run alone, ``curve`` is how its loss came down, as (seconds,
    loss on rows that it did not learn from), and ``paces`` say at which its times were taken (see ``pace``).
    """

    known: Known
    group: str
    figures: Mapping[str, float]
    over: frozenset[str] = frozenset()
    settled: Mapping[str, float] = field(default_factory=dict)
    machine: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    curve: tuple[tuple[float, float], ...] = ()
    paces: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "recipe": self.known.recipe,
            "knobs": dict(self.known.knobs),
            "profile": self.known.profile.as_json(),
            "group": self.group,
            "figures": dict(self.figures),
            "over": sorted(self.over),
            "settled": dict(self.settled),
            "machine": self.machine,
            "versions": dict(self.versions),
        }

    @staticmethod
    def from_json(value: Any) -> Case:
        """The case that ``as_json`` wrote, from a file that may say anything. Raises ValueError in words."""
        if not isinstance(value, dict):
            raise ValueError("it is not a case")
        figures = {
            name: _number(f"figures.{name}", part, -_MOST if name == "score" else 0.0)
            for name, part in _table(value, "figures").items()
        }
        over = value.get("over", [])
        if set(figures) - set(TOLD) or not isinstance(over, list) or set(map(str, over)) - set(figures):
            raise ValueError(f"its figures are not among {', '.join(TOLD)}")
        known = Known(
            _text("recipe", value.get("recipe")),
            {_text("knobs", name): _knob(name, part) for name, part in _table(value, "knobs").items()},
            _profile(_table(value, "profile")),
        )
        versions = {_text("versions", name): _text(name, part) for name, part in _table(value, "versions").items()}
        machine = _text("machine", value.get("machine", ""))
        settled = {_text("settled", name): _number(name, part) for name, part in _table(value, "settled").items()}
        return Case(known, _text("group", value.get("group")), figures, frozenset(over), settled, machine, versions)


@dataclass(frozen=True)
class Candidate:
    """A fit to be foretold, with fits that were seen on the same data: its own on fewer rows, and the default's."""

    known: Known
    probes: tuple[Case, ...] = ()
    siblings: tuple[Case, ...] = ()

    @property
    def level(self) -> str:
        return "probed" if self.probes else "default" if self.siblings else "alone"

    @property
    def seen(self) -> tuple[Case, ...]:
        return self.probes or self.siblings


def _table(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name, {})
    if not isinstance(found, dict) or len(found) > _MOST_KNOBS:
        raise ValueError(f"{name} is not a table")
    return found


def _profile(value: Mapping[str, Any]) -> Profile:
    blank = _BLANK
    if wrong := set(value) - set(blank):
        raise ValueError(f"profile has no {min(wrong)[:_MOST_TEXT]}")
    numbers = {name: _number(f"profile.{name}", part) for name, part in value.items()}
    if numbers.get("rows", 0.0) < 1:
        raise ValueError("profile.rows is missing")
    whole = {name: int(part) if isinstance(blank[name], int) else part for name, part in numbers.items()}
    return Profile(**whole)  # type: ignore[arg-type]


def _number(where: str, value: Any, least: float = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= _MOST:
        raise ValueError(f"{where[:_MOST_TEXT]} is no number from {least:g} to {_MOST:g}")
    return float(value)


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise ValueError(f"{where[:_MOST_TEXT]} is no short text")
    return value


def _knob(name: str, value: Any) -> Any:
    if isinstance(value, bool | str):
        return value if isinstance(value, bool) else _text(name, value)
    return int(value) if isinstance(value, int) and abs(value) < 1e15 else _number(name, value, -_MOST)
