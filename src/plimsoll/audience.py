"""A job whose answers are lists, as it sees its data: users at a moment, what they did before it, and what they came to next.

Rows to learn from and rows that are judged are different rows: all users with what they had done by then, and those of whom
it is known what they did after. So there are three sets of rows to learn from or to judge by, and one of the test.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import cuts, gathering, interactions, variety
from plimsoll.collection import Collection
from plimsoll.cuts import Counted, Cut
from plimsoll.errors import DataError, JobError
from plimsoll.held import Held
from plimsoll.interactions import Columns, Interactions
from plimsoll.job import Job, Split
from plimsoll.rows import Histories, Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.scorer import pieces
from plimsoll.truth import Part, Truth
from plimsoll.variety import Shelf

WISHES = ("k", "since", "without", "only", "why", "rows")  # words of a request beside who is asked about
MOST_AUDITED = 5_000_000  # events that are parted on another split as well


@dataclass(frozen=True)
class Other:
    """What may be learned from, parted by another ``split``: rows that are judged, and those that are learned from."""

    split: str
    part: Part
    taught: Rows


@dataclass(frozen=True)
class Audience:
    """``choose`` are the rows that trials are judged by, ``test`` those of the test; ``taught`` what models learn from for the
    one, and for the other. ``known`` has what every user had done before the test, which a bundle keeps."""

    schema: Schema
    collection: Collection
    choose: Part
    test: Part
    taught: tuple[Rows, Rows]
    known: Held
    people: Collection  # what is known of users, by the columns of the schema behind the first
    counted: tuple[Counted, Counted]  # of the choice, and of the test
    events: Interactions
    warnings: tuple[str, ...]
    other: Other | None = None


def of(job: Job, source: Any, seed: int = 0) -> Audience:
    """The rows of a job over a table of events. Raises DataError and JobError.

    >>> import polars as pl
    >>> from plimsoll.job import Lists, Split, Task
    >>> table = pl.DataFrame({"who": [1, 1, 1, 2, 2, 2], "what": [7, 8, 9, 7, 9, 8], "when": [1, 2, 3, 1, 2, 3]})
    >>> found = of(Job("what", split=Split("last"), task=Task.RANKING, lists=Lists("who", "when")), table)
    >>> len(found.choose), len(found.test), found.choose.truth.target["item"].tolist(), len(found.collection)
    (2, 2, [[1], [2]], 3)
    """
    asked = job.lists
    assert asked is not None
    held = interactions.read(source, _columns(job), _beside(job))
    gathering.check_named(_about(job), job.kinds, job.ignore)
    collection = gathering.collection(held.items, job.predict, asked.items or None, job.kinds, job.ignore)
    test = cuts.for_test(held, job.split, seed=seed, again=asked.again)
    choice = cuts.for_choice(test, job.split, seed=seed, again=asked.again)
    people = _people(job, held)
    choose, tested = (_part(cut, asked.to, people, _shelf(cut, collection)) for cut in (choice, test))
    return Audience(
        _schema(job, held, people),
        collection,
        choose,
        tested,
        (_learn(choice, asked.to, people), _learn(test, asked.to, people)),
        Held.of(held.users, test.known),
        people,
        (choice.counted, test.counted),
        held,
        (*held.told.warnings, *_warnings(test)),
        _other(job, test, collection, people) if len(held) <= MOST_AUDITED else None,
    )


def _other(job: Job, test: Cut, collection: Collection, people: Collection) -> Other | None:
    """Each user's last where the split is by time, and else by time; None where that cannot be."""
    assert job.lists is not None
    how = "last" if job.split.how == "time" else "time"
    try:
        cut = cuts.for_choice(test, Split(how), seed=job.seed + 2, again=job.lists.again)
    except DataError:
        return None
    part = _part(cut, job.lists.to, people, _shelf(cut, collection))
    return Other(how, part, _learn(cut, job.lists.to, people))


def _columns(job: Job) -> Columns:
    assert job.lists is not None
    part = job.split.columns[0] if job.split.how == "column" else ""
    if job.split.how == "time" and job.split.columns and job.split.columns[0] != job.lists.time:
        raise JobError(
            f'--split "{job.split}" names another column than --time "{job.lists.time}". Write --split time.'
        )
    named = {"--recommend": job.predict, "--to": job.lists.to, "--time": job.lists.time, "--weight": job.lists.weight}
    _check_apart({**named, "--split": part})
    return Columns(job.lists.to, job.predict, job.lists.time, job.lists.weight, part)


def _check_apart(named: dict[str, str]) -> None:
    """Raises JobError where one column is to be two things."""
    first: dict[str, str] = {}
    for flag, column in named.items():
        if column and first.setdefault(column, flag) != flag:
            raise JobError(f'"{column}" cannot be both {first[column]} and {flag}. Name a column of its own for each.')


def _beside(job: Job) -> Any:
    assert job.lists is not None
    return gathering.listed(job.lists.items, job.predict) if job.lists.items else None


def _about(job: Job) -> list[str]:
    """The columns that tell about items and users."""
    assert job.lists is not None
    return [*gathering.names(job.lists.items, job.predict), *gathering.names(job.lists.users, job.lists.to)]


def _people(job: Job, held: Interactions) -> Collection:
    """What is known of users; without a table, nothing."""
    assert job.lists is not None
    found = gathering.collection(
        held.users, job.lists.to, job.lists.users or None, job.kinds, job.ignore, "--to", "users"
    )
    if taken := [name for name in found.schema.names if name in WISHES]:
        raise JobError(
            f'--users has a column "{taken[0]}", which is a word of requests. Rename it, or leave it out with --ignore.'
        )
    return found


def _schema(job: Job, held: Interactions, people: Collection) -> Schema:
    """Who is asked for, whose cells are histories of the items that there are, and what is known of them."""
    assert job.lists is not None
    column = Column(job.lists.to, Kind.HISTORY, 0.0, len(held.items), str(held.users.value(0)))
    return Schema((column, *people.schema.columns), job.predict)


def _rows(told: Histories, users: NDArray[Any], column: str, people: Collection) -> Rows:
    return Rows(len(told), {column: told, **people.rows.take(users).columns})


def _learn(cut: Cut, column: str, people: Collection) -> Rows:
    return _rows(cut.learn, np.flatnonzero(cut.known.lengths), column, people)


def _part(cut: Cut, column: str, people: Collection, shelf: Shelf) -> Part:
    truth = Truth(cut.truth, {}, shelf=shelf, users=cut.users)
    return Part(_rows(cut.rows, cut.users, column, people), truth)


def _shelf(cut: Cut, collection: Collection) -> Shelf:
    """What lists are held against as a whole: by what could be known at the cut."""
    learn, counts = cut.learn, np.zeros(len(collection), dtype=np.int64)
    for piece in pieces(learn):
        _, places = piece.events()
        counts += np.bincount(piece.items[places], minlength=len(collection))
    some = next(pieces(learn.take(np.random.default_rng(0).permutation(len(learn)))), learn)
    rows, places = some.events()
    return Shelf(counts, len(learn), variety.had_by(rows, some.items[places], len(collection)))


def _warnings(cut: Cut) -> list[str]:
    found, told = [], cut.counted
    if told.cold:
        found.append(
            f"{told.cold:,} of {told.rows:,} users of the test have no event before it: to them only what is popular can be said."
        )
    if told.ties:
        found.append(
            f"{told.ties:,} of {told.rows:,} users of the test did several things at the moment of the split: the order of items settled which came last."
        )
    return found


def digest(job: Job, found: Audience) -> str:
    """What a run must share with the one that it continues: the job, the events as they were read, and what is known of items."""
    seen = hashlib.sha256(json.dumps([job.as_json(), found.schema.as_json()], sort_keys=True).encode())
    told = found.events.histories
    for array in (told.items, told.times, told.weights, told.ends, *found.known.users.arrays().values()):
        seen.update(np.ascontiguousarray(array).data)
    for each in (found.collection, found.people):
        for content in each.members().values():
            seen.update(content)
    return seen.hexdigest()
