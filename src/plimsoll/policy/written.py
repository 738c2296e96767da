"""Rules as somebody wrote them: a file of TOML, of a size that is read, each word of it known, and its faults told in one line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from plimsoll import units
from plimsoll.errors import PolicyError, nearest

MOST_BYTES = 1_000_000  # of a file of rules
T = TypeVar("T")


def content(path: Path, instead: str) -> bytes:
    """The bytes of a file of rules; ``instead`` says what to do where it is too large. Raises PolicyError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise PolicyError(f"{path}: is larger than {units.show(MOST_BYTES, units.BYTES)}. {instead}")
        return path.read_bytes()
    except OSError as fault:
        raise PolicyError(f"{path}: cannot be read: {fault.strerror}.") from None


def table(text: bytes, whole: type[T], parts: Mapping[str, type]) -> T:
    """The text as a ``whole``, whose tables by name are ``parts``. Raises PolicyError.

    >>> class Told(msgspec.Struct, forbid_unknown_fields=True):
    ...     n: int
    >>> table(b"n = 2", Told, {}).n
    2
    >>> table(b"m = 2", Told, {})
    Traceback (most recent call last):
    plimsoll.errors.PolicyError: "m" is not known. There are: n.
    """
    try:
        value = tomllib.loads(text.decode("utf-8"))
    except UnicodeDecodeError:
        raise PolicyError("it is not UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise PolicyError(f"it is not TOML: {fault}.") from None
    try:
        return msgspec.convert(value, whole)
    except msgspec.ValidationError as fault:
        raise PolicyError(_said(str(fault), whole, parts)) from None


def _said(fault: str, whole: type, parts: Mapping[str, type]) -> str:
    """What msgspec found, with the nearest word where one is not known."""
    unknown = re.search(r"unknown field `([^`]+)`", fault)
    if unknown is None:
        return f"{fault.replace(' - at ', ', at ')}."
    place = re.search(r"at `\$\.?([^`\[.]*)", fault)
    struct: Any = parts.get(place[1] if place else "", whole)
    where = f" in {place[1]}" if place and place[1] else ""
    known = [each.name for each in msgspec.structs.fields(struct)]
    return f'"{unknown[1]}"{where} is not known. {nearest(unknown[1], known)}'
