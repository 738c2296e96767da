"""What is known of the users of a job whose answers are lists, beside what they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import gathering
from plimsoll.collection import Collection
from plimsoll.errors import JobError
from plimsoll.gathering import Numbering
from plimsoll.ids import Ids
from plimsoll.job import Job
from plimsoll.ranking import WISHES
from plimsoll.rows import Rows
from plimsoll.schema import Column

_TAKEN = (*WISHES, "rows")


@dataclass(frozen=True)
class People:
    """``known`` has a row for everybody whom the table or an event names; ``places`` say which is that of each who did something."""

    known: Collection
    places: NDArray[np.int64]

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.known.schema.columns

    def rows(self, users: NDArray[Any]) -> Rows:
        """What is known of users by their numbers among those who did something."""
        return self.known.rows.take(self.places[users])


def of(job: Job, users: Ids) -> People:
    """``users`` are those who did something. Raises DataError and JobError where the table of users cannot be used.

    >>> from plimsoll.job import Lists, Task
    >>> of(Job("film", task=Task.RANKING, lists=Lists("who")), Ids.of("ab")).columns
    ()
    """
    assert job.lists is not None
    source, name = job.lists.users or None, job.lists.to
    ids = users if source is None else _everybody(source, name, users)
    known = gathering.collection(ids, name, source, job.kinds, job.ignore, "--to", "users")
    if taken := [column.name for column in known.schema.columns if column.name in _TAKEN]:
        raise JobError(
            f'--users has a column "{taken[0]}", which is a word of requests. Rename it, or leave it out with --ignore.'
        )
    if source is None:
        return People(known, np.arange(len(users)))
    return People(known, Numbering.by(ids).of(pl.Series(users.names(range(len(users))))).astype(np.int64))


def _everybody(source: str, name: str, users: Ids) -> Ids:
    """The ids of the table and of those who did something."""
    listed = gathering.listed(source, name, "--to", "users")
    return gathering.ids(pl.concat([listed, pl.Series(users.names(range(len(users))), dtype=pl.String)]))
