"""A column's spread now beside what it was, in words and as bars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.sketch import Sketch

Array = NDArray[Any]
_WIDE = 0.08  # share of rows from which bins of numbers stand alone
_BARS = 8  # values that have a bar of their own
_NOTED = 0.01  # change of a share from which it is worth a word


@dataclass(frozen=True)
class Bar:
    """The share of rows that has what the label says: at training time, and now."""

    label: str
    was: float
    now: float


def words(sketch: Sketch, counts: Array) -> str:
    """What has changed most, in a line.

    >>> ages = Sketch("age", 100, 0.0, (18.0, 30.0, 90.0), (0.1, 0.5, 1.0), middle=30.0)
    >>> counts = ages.cells(np.array([20.0, 80.0, 80.0, np.nan]))
    >>> words(ages, counts)
    'median 45, was 30; 25 % missing, was 0 %'
    """
    total = int(counts.sum())
    if not total:
        return "no rows"
    now, was = counts / total, sketch.expected()
    told = list(_numbers(sketch, counts) if sketch.edges else _values(sketch, now, was))
    if abs(now[-1] - was[-1]) >= _NOTED or not told:
        told.append(f"{percent(now[-1])} missing, was {percent(was[-1])}")
    return "; ".join(told)


def _numbers(sketch: Sketch, counts: Array) -> Iterator[str]:
    known = int(counts[:-1].sum())
    if not known:
        return
    yield f"median {_middle(sketch, counts[:-1])}, was {figure(sketch.middle)}"
    under = counts[: int(np.searchsorted(sketch.cuts, sketch.edges[0]))].sum() / known
    over = counts[int(np.searchsorted(sketch.cuts, sketch.edges[-1])) + 1 : -1].sum() / known
    if under >= _NOTED:
        yield f"{percent(under)} below {figure(sketch.edges[0])}, where none was"
    if over >= _NOTED:
        yield f"{percent(over)} above {figure(sketch.edges[-1])}, where none was"


def _middle(sketch: Sketch, counts: Array) -> str:
    """The median, as well as the bins tell it: in the bin where it was, it is taken to be where it was."""
    half = np.cumsum(counts) / counts.sum()
    place = int(np.searchsorted(half, 0.5))
    if place == int(np.searchsorted(sketch.cuts, sketch.middle)):
        return figure(sketch.middle)
    if place in (0, len(sketch.cuts)):
        return f"{'below' if place == 0 else 'above'} {figure(float(sketch.cuts[min(place, len(sketch.cuts) - 1)]))}"
    before = float(half[place - 1])
    low, high = (float(each) for each in sketch.cuts[place - 1 : place + 1])
    return figure(low + (high - low) * (0.5 - before) / (float(half[place]) - before))


def _values(sketch: Sketch, now: Array, was: Array) -> Iterator[str]:
    """The two values whose shares have changed most; the second only where that is worth a word."""
    change = np.abs(now - was)[:-1]
    names = [*(f'"{value}"' for value in sketch.values), "other values"]
    if not sketch.values:
        return
    for rank, place in enumerate(np.argsort(-change, kind="stable")[:2].tolist()):
        if rank == 0 or change[place] >= _NOTED:
            yield f"{names[place][:60]} {percent(now[place])}, was {percent(was[place])}"


def bars(sketch: Sketch, counts: Array) -> list[Bar]:
    """Few enough to be seen at once: neighbouring bins put together, or the commonest values, and what is missing."""
    total = max(int(counts.sum()), 1)
    now, was = counts / total, sketch.expected()
    found = list(_bins(sketch, now, was) if sketch.edges else _commonest(sketch, now, was))
    if now[-1] or was[-1]:
        found.append(Bar("missing", float(was[-1]), float(now[-1])))
    return found


def _bins(sketch: Sketch, now: Array, was: Array) -> Iterator[Bar]:
    """What lies below all that was known, bins put together until each holds enough, and what lies above."""
    first, last = sketch.edges[0], sketch.edges[-1]
    low, high = (int(place) for place in np.searchsorted(sketch.cuts, [first, last]))
    if now[:low].any():
        yield Bar(f"below {figure(first)}", 0.0, float(now[:low].sum()))
    start = low
    for place in range(low, high + 1):
        before = float(was[start : place + 1].sum())
        if before >= _WIDE or place == high:
            ends = figure(first if start == low else float(sketch.cuts[start - 1])), figure(float(sketch.cuts[place]))
            label = ends[1] if ends[0] == ends[1] else " to ".join(ends)
            yield Bar(label, before, float(now[start : place + 1].sum()))
            start = place + 1
    if now[high + 1 : -1].any():
        yield Bar(f"above {figure(last)}", float(was[high + 1 : -1].sum()), float(now[high + 1 : -1].sum()))


def _commonest(sketch: Sketch, now: Array, was: Array) -> Iterator[Bar]:
    order = np.argsort(-np.maximum(now, was)[:-2], kind="stable")
    shown, rest = order[:_BARS].tolist(), order[_BARS:]
    for place in shown:
        yield Bar(sketch.values[place][:60], float(was[place]), float(now[place]))
    before, after = (float(each[-2] + each[rest].sum()) for each in (was, now))
    if before > 1e-9 or after:
        yield Bar("other" if sketch.values else "there", before, after)


def percent(share: float) -> str:
    """
    >>> [percent(share) for share in (0.0, 0.00214, 0.183, 1.0)]
    ['0 %', '0.21 %', '18 %', '100 %']
    """
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{float(f'{100 * share:.2g}'):g} %"


def figure(value: float) -> str:
    """
    >>> [figure(value) for value in (0.123456, 37.0, 123456.7)]
    ['0.1235', '37', '123,457']
    """
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"
