"""Ranked answers: lists of items, made of scores; and at which places of a list the relevant ones were found.

An answer to a row is a list of pairs (item, score), the best first, in an array of ``RANKED`` of shape (rows, depth) whose
item is -1 where there are fewer. What is true of a row are pairs (item, grade), ``GRADED`` of shape (rows, most), each item
once, -1 where there are fewer. Items are numbers into a collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import TrialError
from plimsoll.rows import Histories

Array = NDArray[Any]
RANKED = np.dtype([("item", np.int32), ("score", np.float32)])
GRADED = np.dtype([("item", np.int32), ("grade", np.float32)])
DEPTH = 100  # items of a list
WISHES = ("k", "since", "without", "only", "why")  # words of a request for a list, beside who is asked about
_CELLS = 1 << 22  # of lists and truths that are matched at once, and of scores that are ranked at once


def best(scores: Array, seen: Histories | None = None, depth: int = DEPTH) -> Array:
    """The best items of each row by their scores, shape (rows, items); ``RANKED`` of shape (rows, depth).

    Of items that score the same the lower number comes first. What a row has ``seen`` is left out, and so is what scores
    minus infinity, for it is not to be offered. Raises TrialError for a score that is nan or infinite.

    >>> best(np.array([[0.5, 0.9, 0.5, -np.inf]]), depth=3)["item"].tolist()
    [[1, 0, 2]]
    """
    if seen is not None and (len(seen) != len(scores) or seen.many != scores.shape[1]):
        raise ValueError(f"{len(seen)} histories over {seen.many} items do not go with scores of {scores.shape}")
    found = nothing(len(scores), depth)
    step = max(1, _CELLS // max(1, scores.shape[1]))
    for begin in range(0, len(scores), step):
        with np.errstate(over="ignore"):  # what is beyond float32 is infinite, and said to be below
            part = np.array(scores[begin : begin + step], dtype=np.float32)  # a copy: what was seen is struck out
        if part.size and not part.max() < np.inf:  # a nan is the greatest of all to numpy
            raise TrialError("a score is not a finite number")
        if seen is not None:
            rows, places = seen.take(np.arange(begin, begin + len(part))).events()
            part[rows, seen.items[places]] = -np.inf
        _fill(found[begin : begin + step], part)
    return found


def best_one(scores: Array, seen: Array | None = None, depth: int = DEPTH) -> Array:
    """The same for one row: scores of shape (items,), and ``RANKED`` of shape (depth,).

    >>> best_one(np.array([0.5, 0.9, 0.5]), np.array([1]), depth=2)["item"].tolist()
    [0, 2]
    """
    found = nothing(1, depth)[0]
    scores = np.asarray(scores, dtype=np.float32)
    if scores.size and not scores.max() < np.inf:
        raise TrialError("a score is not a finite number")
    left = -scores  # from below: where most scores are the same, a partition from above takes ten times as long
    if seen is not None:
        left[seen] = np.inf
    last = np.partition(left, depth - 1)[depth - 1] if depth < len(left) else np.inf
    chosen = np.flatnonzero(left <= last) if last < np.inf else np.flatnonzero(left < np.inf)
    chosen = chosen[np.argsort(left[chosen], kind="stable")[:depth]]  # of equals the lower number comes first
    found["item"][: len(chosen)], found["score"][: len(chosen)] = chosen, scores[chosen]
    return np.asarray(found)


def nothing(rows: int, depth: int = DEPTH) -> Array:
    """Lists without an item."""
    found = np.empty((rows, depth), dtype=RANKED)
    found["item"], found["score"] = -1, 0.0
    return found


def _fill(lists: Array, scores: Array) -> None:
    """Puts the best of each row into its list."""
    depth = min(lists.shape[1], scores.shape[1])
    if not depth:
        return
    chosen = np.argpartition(scores, scores.shape[1] - depth, axis=1)[:, -depth:]
    edge = np.take_along_axis(scores, chosen, axis=1).min(axis=1)
    # Which of those that share the last score got in is chance so far.
    shared = (scores >= edge[:, None]).sum(axis=1) > depth
    for row in np.flatnonzero(shared & (edge > -np.inf)):
        above = np.flatnonzero(scores[row] > edge[row])
        equal = np.flatnonzero(scores[row] == edge[row])[: depth - len(above)]
        chosen[row] = np.concatenate([above, equal])
    chosen.sort(axis=1)
    held = np.take_along_axis(scores, chosen, axis=1)
    order = np.argsort(-held, axis=1, kind="stable")
    held = np.take_along_axis(held, order, axis=1)
    offered = held > -np.inf
    lists["item"][:, :depth] = np.where(offered, np.take_along_axis(chosen, order, axis=1), -1)
    lists["score"][:, :depth] = np.where(offered, held, 0.0)


def checked(answers: Array, rows: int, many: int) -> Array:
    """Lists as they were given, once they are ones: the best first, each of ``many`` items once, and none after a gap.

    Raises TrialError.
    """
    if answers.dtype != RANKED or answers.ndim != 2 or len(answers) != rows:
        raise TrialError(
            f"answers of type {answers.dtype} and shape {answers.shape} where lists of {rows} rows were due"
        )
    items, scores = answers["item"], answers["score"]
    held = items >= 0
    if (items < -1).any() or (items >= many).any():
        raise TrialError(f"a list names an item that is none of the {many:,} there are")
    if not np.isfinite(scores[held]).all():
        raise TrialError("a score is not a finite number")
    if (held[:, 1:] & ~held[:, :-1]).any():
        raise TrialError("a list goes on after a gap")
    if (held[:, 1:] & (scores[:, 1:] > scores[:, :-1])).any():
        raise TrialError("a list does not have the best first")
    ordered = np.sort(items, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        raise TrialError("a list names an item twice")
    return answers


@dataclass(frozen=True)
class Found:
    """Of each row its relevant items: ``places``, shape (rows, most), at which they were found, from 1 on, 0 where they
    were not; and ``grades`` of the same shape, 0 where an item is not relevant. ``depth`` is the length of the lists."""

    places: NDArray[np.int32]
    grades: NDArray[np.float32]
    depth: int

    @property
    def relevant(self) -> NDArray[np.int64]:
        """How many items are relevant, found or not, shape (rows,)."""
        return np.asarray((self.grades > 0).sum(axis=1))

    def take(self, index: Array) -> Found:
        return Found(self.places[index], self.grades[index], self.depth)


def found(answers: Array, truth: Array) -> Found:
    """Where the relevant items of each row stand in its list; a grade of 0 or below is not relevant.

    Pessimistic: an item that shares its score with others has the last of their places, and where the last of a full list
    is among these, it was not found, for as many more may share it outside. So a constant score finds nothing.
    Raises TrialError where a list names an item twice.

    >>> lists = np.array([[(4, 0.9), (2, 0.5), (7, 0.5), (-1, 0.0)]], dtype=RANKED)
    >>> found(lists, np.array([[(2, 1.0), (4, 1.0), (5, 1.0)]], dtype=GRADED)).places.tolist()
    [[3, 1, 0]]
    """
    if len(answers) != len(truth):
        raise ValueError(f"{len(answers)} answers to {len(truth)} rows")
    relevant = (truth["item"] >= 0) & (truth["grade"] > 0)
    places = np.zeros(truth.shape, dtype=np.int32)
    step = max(1, _CELLS // max(1, answers.shape[1] + truth.shape[1]))
    for begin in range(0, len(answers), step):
        part = slice(begin, begin + step)
        places[part] = _matched(answers[part], truth["item"][part], relevant[part])
    return Found(places, np.where(relevant, truth["grade"], np.float32(0)), answers.shape[1])


def last_of_equals(answers: Array) -> NDArray[np.int32]:
    """The place of each item of a list, from 1 on, such that equal scores share the last of theirs; 0 where it is open."""
    items, scores = answers["item"], answers["score"]
    depth = answers.shape[1]
    if not depth:
        return np.zeros(answers.shape, dtype=np.int32)
    ends = np.ones(answers.shape, dtype=bool)
    ends[:, :-1] = (scores[:, 1:] != scores[:, :-1]) | (items[:, 1:] < 0)
    place = np.where(ends, np.arange(1, depth + 1, dtype=np.int32), np.int32(depth))
    place = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    full = (items[:, -1] >= 0) & ~ends[:, -2] if depth > 1 else np.zeros(len(items), dtype=bool)
    return np.where((items < 0) | (full[:, None] & (place == depth)), np.int32(0), place)


def _matched(answers: Array, truth: Array, relevant: Array) -> NDArray[np.int32]:
    rows, column = np.nonzero(answers["item"] >= 0)
    span = int(max(answers["item"].max(initial=0), truth.max(initial=0))) + 1
    keys = rows * span + answers["item"][rows, column]
    order = np.argsort(keys)
    keys, place = keys[order], last_of_equals(answers)[rows, column][order]
    if (keys[1:] == keys[:-1]).any():
        raise TrialError("a list names an item twice")
    matched = np.zeros(truth.shape, dtype=np.int32)
    at, which = np.nonzero(relevant)
    wanted = at * span + truth[at, which]
    spot = np.searchsorted(keys, wanted)
    hit = spot < len(keys)
    hit[hit] = keys[spot[hit]] == wanted[hit]
    matched[at[hit], which[hit]] = place[spot[hit]]
    return matched
