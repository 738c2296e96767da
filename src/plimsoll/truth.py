"""What is true of rows, and what they are no separate evidence within: what answers are held against, and no model reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import moments
from plimsoll.events import Timeline
from plimsoll.rows import Coded, Rows
from plimsoll.variety import Shelf

Array = NDArray[Any]
_PEOPLE = 4  # that an interval is drawn over


@dataclass(frozen=True)
class Truth:
    """What is true of some rows, and for each quality floor on a slice, which of them it speaks of. Of moments also when they
    were, and by name the groups that they are of (``person``, ``session``): these are for evidence, and no model reads them.
    Rows that are not ``believed`` are answered and scored, and not learned from; None: all are. ``together`` numbers the
    groups of a table whose split keeps them whole. Where answers are lists, ``target`` are the items that came next with their
    grades (``ranking.GRADED``), ``shelf`` is what lists are held against as a whole, and ``users`` numbers those who are asked about."""

    target: Array
    slices: Mapping[str, NDArray[np.bool_]]
    timeline: Timeline | None = None
    groups: Mapping[str, Coded] = field(default_factory=dict)
    believed: NDArray[np.bool_] | None = None
    together: NDArray[np.int64] | None = None
    shelf: Shelf | None = None
    users: NDArray[np.int32] | None = None

    def take(self, index: NDArray[np.intp]) -> Truth:
        when = self.timeline.take(index) if self.timeline else None
        groups = {name: cells.take(index) for name, cells in self.groups.items()}
        slices = {key: mask[index] for key, mask in self.slices.items()}
        believed = None if self.believed is None else self.believed[index]
        together = None if self.together is None else self.together[index]
        users = None if self.users is None else self.users[index]
        return Truth(self.target[index], slices, when, groups, believed, together, self.shelf, users)

    def over(self, least: int = _PEOPLE) -> tuple[str, Array | None]:
        """What rows are no separate evidence within, and the number of it that each row is of: people, else sessions, groups,
        streams or stretches of five seconds, the first of which there are so many; ("rows", None) where each row is evidence.
        """
        for what, parts in self._wholes():
            found = np.unique(np.stack(parts), axis=1, return_inverse=True)[1].ravel() if parts else np.zeros(0)
            if found.max(initial=-1) + 1 >= least:
                return what, found
        return "rows", None

    def _wholes(self) -> Iterator[tuple[str, list[Array]]]:
        """Of each kind, from the largest on, the numbers that together name one."""
        codes = {name: cells.codes for name, cells in self.groups.items()}
        yield "people", [codes[name] for name in ("person",) if name in codes]
        yield "sessions", [*codes.values()] if "session" in codes else []
        yield "groups", [] if self.together is None else [self.together]
        if self.timeline is not None:
            streams, heard = self.timeline.streams, self.timeline.ends - self.timeline.streams
            yield "streams", [streams]
            yield "stretches", [streams, (heard - 1) // max(1, round(moments.STRETCH * self.timeline.rate))]

    @property
    def units(self) -> Array | None:
        """The number of the person that each row is of: what intervals are drawn over. None where people are not known, or are
        so few that streams tell more."""
        what, found = self.over()
        return found if what == "people" else None


@dataclass(frozen=True)
class Part:
    """Rows with what is true of them."""

    rows: Rows
    truth: Truth

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: NDArray[np.intp]) -> Part:
        return Part(self.rows.take(index), self.truth.take(index))
