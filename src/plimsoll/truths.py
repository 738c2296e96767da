"""What is true of rows by what came next: the distinct items after each, in the order in which they came."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.ranking import GRADED
from plimsoll.rows import Histories

Array = NDArray[Any]
_PARTED = 2_000_000  # events that are looked at at once


def after(rows: Histories, ends: Array, again: bool, most: int) -> tuple[Array, int, int]:
    """What came after each row, up to ``ends``, shape (rows, most of them); how many items had come before, and how many
    rows had more than are kept."""
    told, repeats = [], 0
    size = np.cumsum(ends - rows.starts)
    begin = 0
    while begin < len(rows):
        done = size[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(size, done + _PARTED, side="right")))
        row, item, before = _next(rows.take(np.arange(begin, end)), ends[begin:end], again)
        told.append((row + begin, item))
        repeats, begin = repeats + before, end
    row, item = (np.concatenate(each) for each in zip(*told, strict=True))
    number = np.bincount(row, minlength=len(rows))
    place = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    kept = place < most
    truth = np.zeros((len(rows), min(int(number.max()), most)), dtype=GRADED)
    truth["item"] = -1
    truth[row[kept], place[kept]] = np.rec.fromarrays([item[kept], np.ones(int(kept.sum()))], dtype=GRADED)
    return truth, repeats, int((number > most).sum())


def _next(rows: Histories, ends: Array, again: bool) -> tuple[Array, Array, int]:
    """The distinct items after some rows, by row and in the order in which they came; and how many were left out for having
    come before."""
    row, place = replace(rows, starts=rows.ends, ends=ends).events()
    keys = row * rows.many + rows.items[place]
    first = np.sort(np.unique(keys, return_index=True)[1])
    row, item, keys = row[first], rows.items[place[first]], keys[first]
    if again:
        return row, item, 0
    old, seen = rows.events()
    # The few are put in order and the many looked up among them, so that a long history costs little.
    known, order = np.sort(keys), np.argsort(keys)
    had = old * rows.many + rows.items[seen]
    place = np.searchsorted(known, had)
    place = place[known[np.minimum(place, len(known) - 1)] == had] if len(known) else place[:0]
    fresh = np.ones(len(keys), dtype=bool)
    fresh[order[place]] = False
    return row[fresh], item[fresh], int((~fresh).sum())
