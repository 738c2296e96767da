"""A history as a policy sees it: its fields in their types, the scores of the model, and what was reckoned on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.errors import DataError, PolicyError, nearest
from plimsoll.infer import to_rows
from plimsoll.policy.history import column
from plimsoll.policy.memory import Memory
from plimsoll.policy.rules import Policy, joint, scored
from plimsoll.rows import Coded, Rows, plain
from plimsoll.schema import Kind, Schema

DAY = 86_400.0
Array = NDArray[Any]


@dataclass(frozen=True)
class Past:
    """``cells`` has a column for every field and score, under the names of ``places``. ``truth`` are texts, None where it
    is not known. ``frame`` is the history as it was read."""

    frame: pl.DataFrame
    cells: pl.DataFrame
    places: Mapping[str, str]
    truth: Array | None = None
    days: float | None = None  # that the history spans

    def __len__(self) -> int:
        return self.cells.height

    def take(self, index: Array) -> Past:
        rows = index.tolist()
        truth = None if self.truth is None else self.truth[index]
        days = None if self.days is None else self.days * len(index) / max(1, len(self))
        return Past(self.frame[rows], self.cells[rows], self.places, truth, days)

    def groups(self, name: str) -> Array:
        """Each event's group by a column, as texts; what is missing is a group of its own, called "missing"."""
        if name not in self.frame.columns:
            raise PolicyError(f'"{name}" is no column of the history. {nearest(name, self.frame.columns)}')
        return self.frame[name].cast(pl.String).fill_null("missing").to_numpy()


def past(policy: Policy, frame: pl.DataFrame, schema: Schema | None = None, scores: Array | None = None) -> Past:
    """A history for a policy. ``scores`` has shape (rows, classes). Events are put in the order of their time.

    Raises PolicyError and DataError where a column is not there.
    """
    if not frame.height:
        raise DataError("The history holds no events.")
    whole = joint(policy, schema)
    if absent := [name for name in whole.names if name not in frame.columns]:
        raise DataError(f'The history has no column "{absent[0]}". {nearest(absent[0], frame.columns)}')
    rows = to_rows(frame, whole)
    order = _order(policy, rows)
    if order is not None:
        frame, rows = frame[order.tolist()], rows.take(order)
        scores = None if scores is None else scores[order]
    columns = {name: _cells(rows, name, whole[name].kind) for name in whole.names}
    columns |= _made(policy, rows, whole)
    if scores is not None:
        wide = scores if scores.ndim == 2 else scores[:, None]
        columns |= {f"score {name}": pl.Series(wide[:, k]) for k, name in enumerate(scored(schema))}
    places = {name: f"c{k}" for k, name in enumerate(columns)}
    cells = pl.DataFrame({places[name]: values for name, values in columns.items()})
    return Past(frame, cells, places, _truth(policy, frame), _days(policy, rows))


def _order(policy: Policy, rows: Rows) -> Array | None:
    """The order of time, where events have one and are not in it yet."""
    if not policy.time:
        return None
    times = rows.numbers(policy.time)
    if np.isnan(times).any():
        raise DataError(
            f'{int(np.isnan(times).sum()):,} events have no "{policy.time}", which says when they happened.'
        )
    return None if (np.diff(times) >= 0).all() else np.argsort(times, kind="stable")


def _cells(rows: Rows, name: str, kind: Kind) -> pl.Series:
    cells = plain(rows.columns[name])
    if isinstance(cells, Coded):
        places = pl.Series(cells.codes)
        return pl.Series(cells.values, dtype=pl.String).gather(places.set(places < 0, None))
    values = pl.Series(np.where(np.isfinite(cells), cells, np.nan)).fill_nan(None)
    return values == 1.0 if kind is Kind.BOOLEAN else values


def _made(policy: Policy, rows: Rows, schema: Schema) -> dict[str, pl.Series]:
    """The counters and near copies of each event, replayed."""
    if not policy.made:
        return {}
    if not policy.time:
        raise PolicyError(
            f"{policy.made[0]}: needs to know when events happened. Name the field that says it: time = …"
        )
    memory, times = Memory(policy, schema.names), rows.numbers(policy.time).tolist()
    told = [memory.tell(values, now) for values, now in zip(rows.values(schema), times, strict=True)]
    table = np.array(told, dtype=np.float64).reshape(len(told), len(policy.made))
    return {name: pl.Series(table[:, k]).fill_nan(None) for k, name in enumerate(policy.made)}


def _truth(policy: Policy, frame: pl.DataFrame) -> Array | None:
    if policy.truth is None or policy.truth.column not in frame.columns:
        return None
    return frame[policy.truth.column].cast(pl.String).to_numpy()


def _days(policy: Policy, rows: Rows) -> float | None:
    if not policy.time:
        return None
    times = rows.numbers(policy.time)
    span = float(times.max() - times.min()) / DAY
    return span if span > 0 else None


def hits(policy: Policy, seen: Past, moving: Mapping[str, Array] | None = None) -> Array:
    """Which rules fire on which events, shape (events, rules). ``moving`` are thresholds of each event's own."""
    cells, places = seen.cells, dict(seen.places)
    for name, values in (moving or {}).items():
        places[f"threshold {name}"] = f"t{len(places)}"
        cells = cells.with_columns(pl.Series(places[f"threshold {name}"], values))
    made = [column(rule.when, places).fill_null(False).alias(f"r{k}") for k, rule in enumerate(policy.rules)]
    return _wide(cells.select(made), len(seen))


def _wide(found: pl.DataFrame, rows: int) -> Array:
    """A rule of constants alone gives one line, whatever the events."""
    return np.broadcast_to(found.to_numpy(), (rows, found.width))


def outcomes(policy: Policy, fired: Array) -> Array:
    """The place of each event's outcome among the policy's, shape (events,)."""
    found = np.full(len(fired), len(policy.outcomes) - 1, dtype=np.int64)
    for place in reversed(range(len(policy.outcomes))):
        asking = [k for k, rule in enumerate(policy.rules) if rule.then == policy.outcomes[place]]
        if asking:
            found[fired[:, asking].any(axis=1)] = place
    return found


def right(policy: Policy, seen: Past, outcome: str) -> Array:
    """Whether an outcome is right for each event: 1.0 or 0.0, nan where the truth is not known."""
    found = np.full(len(seen), np.nan)
    if seen.truth is None or policy.truth is None or outcome not in policy.truth.right:
        return found
    known = np.array([value is not None for value in seen.truth])
    found[known] = np.isin(seen.truth[known].astype(str), policy.truth.right[outcome])
    return found
