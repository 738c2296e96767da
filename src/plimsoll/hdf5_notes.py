"""What an HDF5 file says of a signal beside its samples: attributes, names of channels, and tables of events.

After the descriptions of the public layouts: emg2qwerty keeps keystrokes and prompts as JSON among the attributes of a
group, generic-neuromotor-interface keeps prompts and stages as tables that pandas wrote, emg2pose keeps attributes alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from plimsoll import intervals, pandas_tables
from plimsoll.intervals import Intervals
from plimsoll.takes import RATES, rate_of

_WRISTBANDS = ("data", "emg2pose/timeseries", "emg2qwerty/timeseries")
_LONGEST = 200  # characters of what is said of a whole recording
_MOST_TEXT = 1 << 26  # characters of a table in JSON
_CHANNELS = ("channels", "channel_names")
# What the library that pandas writes with says of itself.
_OWN = (
    "CLASS",
    "TITLE",
    "VERSION",
    "PYTABLES_FORMAT_VERSION",
    "pandas_type",
    "pandas_version",
    "encoding",
    "errors",
    "NROWS",
    "FILTERS",
    "EXTDIM",
    "FLAVOR",
)


def is_wristband(path: str) -> bool:
    """Whether records of this path are a public layout's, whose electrodes stand around a wrist."""
    return path in _WRISTBANDS


def said(held: Any, path: str) -> dict[str, Any]:
    """The attributes of one short value, from the file down to the dataset; the nearest one counts."""
    found: dict[str, Any] = {}
    for place in _down(held, path):
        for name in place.attrs:
            value = _value(place.attrs, name)
            if (
                isinstance(value, str | int | float | bool)
                and len(str(value)) <= _LONGEST
                and not name.startswith("FIELD_")
            ):
                found[name] = value
    return {name: value for name, value in found.items() if name not in _OWN and name.lower() not in RATES}


def rate(held: Any, path: str) -> float:
    """The rate among the attributes, the nearest one; 0 where none says it."""
    for place in reversed(list(_down(held, path))):
        if found := rate_of({name: _value(place.attrs, name) for name in place.attrs if name.lower() in RATES}):
            return found
    return 0.0


def channel_names(each: Any) -> tuple[str, ...]:
    for name in _CHANNELS:
        if name in each.attrs:
            value = _value(each.attrs, name)
            if isinstance(value, np.ndarray) and value.ndim == 1:
                return tuple(_word(cell) for cell in value.tolist())
    return ()


def tables(held: Any, path: str) -> dict[str, Intervals]:
    """Events and intervals by the name of their table: of pandas, of records, and of JSON among the attributes."""
    found: dict[str, Intervals] = {}
    for place in _down(held, path):
        for name in place.attrs:
            if (table := _from_json(_value(place.attrs, name))) is not None:
                found[name] = table
        for name in place if hasattr(place, "keys") else ():
            if (table := _from_item(place, name)) is not None:
                found[name] = table
    return found


def _down(held: Any, path: str) -> Iterator[Any]:
    """The file, the groups on the way, and the dataset."""
    yield held
    place = held
    for name in path.split("/"):
        place = place[name]
        yield place


def _from_item(place: Any, name: str) -> Intervals | None:
    if place.get(name, getclass=True, getlink=True).__name__ != "HardLink":
        return None
    item = place[name]
    if hasattr(item, "keys"):
        columns = pandas_tables.columns(item)
    elif (
        item.dtype.names
        and item.ndim == 1
        and item.nbytes <= _MOST_TEXT
        and not any(item.dtype[key].shape for key in item.dtype.names)
    ):
        rows = item[()]
        columns = {key: rows[key].tolist() for key in item.dtype.names}
    else:
        return None
    return intervals.of(columns) if columns else None


def _from_json(value: Any) -> Intervals | None:
    if not isinstance(value, str) or value.lstrip()[:1] != "[" or len(value) > _MOST_TEXT:
        return None
    try:
        rows = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not rows or not all(isinstance(row, dict) for row in rows):
        return None
    for row in rows:
        payload = row.get("payload")
        if isinstance(payload, dict) and isinstance(payload.get("text"), str):
            row["label"] = payload["text"]
    names = {name for row in rows for name in row}
    return intervals.of({str(name): [row.get(name) for row in rows] for name in names})


def _value(attrs: Any, name: str) -> Any:
    """An attribute as plain Python: texts as str, single numbers as numbers; None where it cannot be read."""
    try:
        value = attrs[name]
    except Exception:  # a type that h5py has no word for
        return None
    if isinstance(value, bytes | np.bytes_):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    return value.item() if isinstance(value, np.generic) else value


def _word(cell: Any) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
