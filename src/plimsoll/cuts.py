"""Where the events of users are parted: what may be learned from, and of whom it is asked what they did next.

A row that is judged is a user at the cut: its history is all that comes before, its truth what comes after. The fold by
which settings are chosen is cut in the same way out of what may be learned from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import truths
from plimsoll.errors import DataError, JobError
from plimsoll.interactions import Interactions
from plimsoll.job import Split
from plimsoll.ranking import DEPTH
from plimsoll.rows import Histories

Array = NDArray[Any]
SHARE = 0.2  # of the events, held out by a cut in time or at random
MOST_ROWS = 10_000  # users that are asked about: more would tell no models apart whose difference anybody would notice
MOST_TRUE = 1_000  # items that are true of a row: the next so many that a user came to …
_CELLS = 20_000_000  # … and of many rows as many as keep all truths within this, for one busy user widens all rows
_VALID, _TEST = 1, 2


@dataclass(frozen=True)
class Counted:
    """What a cut came to: ``rows`` that are judged, and of these the ``cold`` ones, of users without any event before it;
    ``ties``, rows at whose cut the events before and after have one time, so that the order of items settled it; ``truths``,
    items true of rows in all; ``items``, distinct ones of them, and of these ``unknown``, which no event that may be learned
    from has; ``lone``, users with a single event. What is not judged: ``repeats``, items that their user had come to before;
    ``idle``, users of whom nothing else was left; ``shortened``, rows with more items than are kept; ``undrawn``, users beyond
    those that are asked about, who were drawn by chance."""

    rows: int
    cold: int
    ties: int
    truths: int
    items: int
    unknown: int
    lone: int
    repeats: int = 0
    idle: int = 0
    shortened: int = 0
    undrawn: int = 0


@dataclass(frozen=True)
class Cut:
    """``known`` has a row for every user by number, with the events that may be learned from. ``rows`` are those that are
    judged, of the ``users`` by number: their histories, and in ``truth`` the items that came next, the first of them first,
    as ``ranking.GRADED`` of shape (rows, most)."""

    known: Histories
    rows: Histories
    users: NDArray[np.int32]
    truth: Array
    counted: Counted
    parts: NDArray[np.int8] | None = field(default=None, repr=False)  # of the events, in the order that they have now

    @property
    def learn(self) -> Histories:
        """The histories of the users who have one, to learn from."""
        return self.known.take(np.flatnonzero(self.known.lengths))

    @property
    def cold(self) -> NDArray[np.bool_]:
        """Which rows are of users without history, shape (rows,)."""
        return np.asarray(self.rows.lengths == 0)


def for_test(held: Interactions, split: Split, share: float = SHARE, seed: int = 0, again: bool = False) -> Cut:
    """The cut that sets test rows apart, as ``split`` says: ``time`` holds out the newest share of all events, ``last`` the
    last of each user who has two, ``random`` a share by chance, ``column`` those that a column marks.

    Items that a user had come to before are not true of them, unless they may come ``again``. Raises DataError where
    nothing can be held out, and JobError for a split that parts no events.

    >>> import polars as pl
    >>> from plimsoll.interactions import Columns, read
    >>> told = read(pl.DataFrame({"who": [1, 1, 2, 2], "what": [7, 8, 7, 9], "when": [1, 2, 3, 4]}), Columns("who", "what", "when"))
    >>> cut = for_test(told, Split("last"))
    >>> cut.truth["item"].tolist(), cut.rows.cell(1).tolist(), cut.counted.unknown
    ([[1], [2]], [0], 2)
    """
    out = _held_out(held.histories, held.parts, split, _TEST, share, seed)
    return cut(held.histories, out, held.parts, seed, again)


def for_choice(test: Cut, split: Split, share: float = SHARE, seed: int = 0, again: bool = False) -> Cut:
    """The cut inside what may be learned from, by which settings are chosen; no event behind the first cut is in it.

    A column that marks no valid events leaves the newest share of those to learn from. Raises DataError.
    """
    if split.how == "column" and not (test.parts is not None and (test.parts == _VALID).any()):
        split = Split("time")
    out = _held_out(test.known, test.parts, split, _VALID, share, seed + 1)
    return cut(test.known, out, test.parts, seed + 1, again)


def _held_out(
    told: Histories, parts: NDArray[np.int8] | None, split: Split, part: int, share: float, seed: int
) -> NDArray[np.bool_]:
    """Which events are held out of those that are told of, shape (events,)."""
    inside = _inside(told)
    if split.how == "last":
        out = np.zeros(len(inside), dtype=bool)
        out[told.ends[told.lengths > 1] - 1] = True
        why = "No user has two events, so the last of none can be held out. Split by time."
    elif split.how == "time":
        out = inside & _newest(told.times, inside, share)
        why = "All events have the same time, so no later ones can be set apart. Split by something else."
    elif split.how == "random":
        out = inside & (np.random.default_rng([seed, 3]).random(len(inside), dtype=np.float32) < share)
        why = "There are too few events to hold some out. Give more."
    elif split.how == "column":
        assert parts is not None, "the column of the split is read with the events"
        out = inside & (parts == part)
        why = f'No row of "{split.columns[0]}" says {"test" if part == _TEST else "valid"}, or none says train.'
    else:
        raise JobError(f'--split "{split}" parts no events. Write "time:COL", "last", "random" or "column:COL".')
    if not out.any() or not (inside & ~out).any():
        raise DataError(why)
    return out


def _inside(told: Histories) -> NDArray[np.bool_]:
    """Which events are of a row, shape (events,); rows do not overlap."""
    edges = np.zeros(len(told.items) + 1, dtype=np.int8)
    some = told.lengths > 0
    np.add.at(edges, told.starts[some], 1)
    np.add.at(edges, told.ends[some], -1)
    return np.asarray(np.cumsum(edges[:-1], dtype=np.int8) > 0)


def _newest(times: Array, inside: Array, share: float) -> NDArray[np.bool_]:
    """Those from the time on at which the newest share begins: events of one time stay together."""
    among = times[inside]
    if not len(among):
        return np.zeros(len(times), dtype=bool)
    place = min(int(np.ceil(len(among) * (1 - share))), len(among) - 1)
    among.partition(place)
    edge, first = among[place], among[: place + 1].min()
    return np.asarray(times > edge if edge == first else times >= edge)


def cut(
    told: Histories,
    out: NDArray[np.bool_],
    parts: NDArray[np.int8] | None = None,
    seed: int = 0,
    again: bool = False,
    most_rows: int = MOST_ROWS,
    most_true: int | None = None,
) -> Cut:
    """The cut that holds out these events of users, shape (events,); ``told`` has a row for every user.

    Of more users than ``most_rows`` so many are drawn by chance, which biases no mean. Of a row the next ``most_true`` items
    are true (1,000 of up to 20,000 rows), and later ones are not. That is a definition, which biases no
    comparison: where every later item counted, recall of the busiest rows would be lower, as more would be there to find.
    Raises DataError where no row is left.
    """
    told, out, parts = _arranged(told, out, parts)
    number = _number(told, out)
    known = replace(told, ends=told.ends - number)
    users = np.flatnonzero(number)
    drawn = _drawn(users, most_rows, seed)
    most = most_true or min(MOST_TRUE, max(DEPTH, _CELLS // max(len(drawn), 1)))
    truth, repeats, shortened = truths.after(known.take(drawn), told.ends[drawn], again, most)
    kept = np.flatnonzero(truth["item"][:, 0] >= 0) if truth.shape[1] else np.arange(0)
    if not len(kept):
        raise DataError(
            "What was held out are only items that their users had come to before. Say that these may come again, or split otherwise."
        )
    rows, truth, said = known.take(drawn[kept]), truth[kept], truth["item"][kept]
    distinct = np.unique(said[said >= 0])
    counted = Counted(
        rows=len(kept),
        cold=int((rows.lengths == 0).sum()),
        ties=_ties(rows),
        truths=int((said >= 0).sum()),
        items=len(distinct),
        unknown=len(distinct) - int(_counts(known)[distinct].astype(bool).sum()),
        lone=int((told.lengths == 1).sum()),
        repeats=repeats,
        idle=len(drawn) - len(kept),
        shortened=shortened,
        undrawn=len(users) - len(drawn),
    )
    return Cut(known, rows, drawn[kept].astype(np.int32), truth, counted, parts)


def _arranged(
    told: Histories, out: NDArray[np.bool_], parts: NDArray[np.int8] | None
) -> tuple[Histories, NDArray[np.bool_], NDArray[np.int8] | None]:
    """The same with what is held out behind the rest of each user, each in its order: as it is, but in a random split."""
    back = out[:-1] & ~out[1:]
    inside = told.lengths > 0
    back[told.ends[inside & (told.ends < len(out))] - 1] = False  # the next is another user's, or outside
    if not back.any():
        return told, out, parts
    rows, places = told.events()
    order = np.arange(len(out))
    order[places] = places[np.argsort(rows * 2 + out[places], kind="stable")]
    moved = replace(told, items=told.items[order], times=told.times[order], weights=told.weights[order])
    return moved, out[order], None if parts is None else parts[order]


def _number(told: Histories, out: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many events of each row are held out."""
    upto: Array = np.cumsum(out, dtype=np.int32 if len(out) < 2**31 else np.int64)
    some, number = np.flatnonzero(told.lengths), np.zeros(len(told), dtype=np.int64)
    first = told.starts[some]
    number[some] = upto[told.ends[some] - 1] - upto[first] + out[first]
    return number


def _drawn(users: Array, most: int, seed: int) -> Array:
    if len(users) <= most:
        return users
    return np.sort(np.random.default_rng([seed, 4]).choice(users, most, replace=False))


def _counts(told: Histories) -> Array:
    """How many events of rows each item has, shape (items,)."""
    return np.bincount(told.items[_inside(told)], minlength=told.many)


def _ties(rows: Histories) -> int:
    warm = rows.ends[rows.lengths > 0]
    return int((rows.times[warm - 1] == rows.times[warm]).sum())
