"""A trial as one line of JSON in the user's own ledger: written, read back, and told from others."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, is_dataclass
from typing import Any

from plimsoll.cases import Case

VERSION = 1
_LONGEST = 1 << 16  # bytes of a line: a trial takes about 600
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+00:00")


@dataclass(frozen=True)
class Entry:
    """A trial as it was kept. ``at`` is what the clock showed, in UTC: for people, as nothing is decided by it."""

    at: str
    case: Case


class OtherVersion(ValueError):
    """A line that another version of the program wrote."""


def written(entry: Entry) -> bytes:
    """The line of a trial. Raises ValueError, TypeError or OverflowError where it holds what JSON cannot say."""
    value = {"logbook": VERSION, "at": entry.at, **entry.case.as_json()}
    return json.dumps(value, allow_nan=False).encode("ascii") + b"\n"


def understood(line: bytes) -> Entry:
    """The trial of a line that may say anything. Raises ValueError in words, OtherVersion where that is the reason.

    >>> understood(b"[1, 2]")
    Traceback (most recent call last):
    ValueError: it is not a trial
    """
    if len(line) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST // 1024} kB")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(value, dict) or "logbook" not in value:
        raise ValueError("it is not a trial")
    if value["logbook"] != VERSION:
        raise OtherVersion(f"it is of version {str(value['logbook'])[:20]}, and {VERSION} is read")
    at = value.get("at")
    return Entry(at if isinstance(at, str) and _MOMENT.fullmatch(at) else "", _case(value))


def _case(value: dict[str, object]) -> Case:
    try:
        return Case.from_json(value)
    except ValueError as fault:
        raise ValueError(" ".join(str(fault).split())) from None
    except (TypeError, OverflowError):  # such as a whole number of 400 digits
        raise ValueError("it holds a number that is too large") from None


def each(data: bytes) -> Iterator[tuple[int, bytes, Entry | ValueError]]:
    """Every line, without its end, and its number, from 1: the trial that it holds, or what is wrong with it."""
    for number, line in enumerate(map(_ended, io.BytesIO(data)), 1):
        if not line.strip():
            continue
        try:
            yield number, line, understood(line)
        except ValueError as fault:
            yield number, line, fault


def _ended(line: bytes) -> bytes:
    return line.removesuffix(b"\n")


def identity(case: Case) -> Hashable:
    """What two lines have in common that tell of one trial: all but the time when they were written."""
    return _frozen(case)


def _frozen(value: Any) -> Hashable:
    if isinstance(value, dict):
        return frozenset(value.items())
    return tuple(map(_frozen, vars(value).values())) if is_dataclass(value) else value
