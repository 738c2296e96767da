"""Decision records: what was decided, by which rules of which policy and model, in a chain that shows every later change.

Each line holds the hash of the one before, and its own. What is personal stands in a line beside a salt, and the hash is
over a digest of the two: so a value can be taken out later, and the chain still holds (a salted commitment; Haber and
Stornetta 1991 for the chain). Only what has been redacted cannot be replayed.
"""

from __future__ import annotations

import hashlib
import math
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from plimsoll.errors import UserError
from plimsoll.policy.decision import Decision

BEGIN = "0" * 64  # what stands before the first line
_NAME = "decisions-{:06d}.jsonl"
_MOST_BYTES = 64_000_000  # of a file
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Made:
    """What decided: digests of the policy and of the bundle; and the fields that are kept beside a salt."""

    policy: str
    bundle: str = ""
    personal: tuple[str, ...] = ()


class Recorder:
    """Appends decisions to the files of a folder: ``next`` gives each its number, ``add`` takes them in that order, and
    ``flush`` sees them onto the disk. Another recorder may not write the same folder meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines: list[bytes] = []
        self._place, self._count, self._hash = _end(folder)
        self._given = self._count
        self._chain = secrets.token_hex(4)  # numbers of two servers are two

    def next(self) -> str:
        """The number of the decision to come."""
        self._given += 1
        return f"{self._given}-{self._chain}"

    def add(
        self, made: Made, now: float, fields: Mapping[str, Any], reckoned: Mapping[str, float], scores: Sequence[float],
        decision: Decision, moved: Sequence[tuple[str, float]] = (),
    ) -> None:  # fmt: skip
        """Records one decision. ``moved`` are the fields that moved the score, and by how much."""
        self._count += 1
        line: dict[str, Any] = {
            "n": self._count,
            "chain": self._chain,
            "at": now,
            "policy": made.policy,
            "bundle": made.bundle,
            "fields": {name: plain(value) for name, value in fields.items() if name not in made.personal},
            "personal": {name: [plain(fields[name]), secrets.token_hex(8)] for name in fields if name in made.personal},
            "reckoned": {name: plain(value) for name, value in reckoned.items()},
            "scores": list(scores),
            "outcome": decision.outcome,
            "by": decision.by,
            "fired": decision.fired,
            "labels": decision.labels,
            "held": decision.held,
            "moved": list(moved),
            "before": self._hash,
        }
        self._hash = hash_of(line)
        self._lines.append(_encode({**line, "hash": self._hash}))

    def flush(self) -> None:
        """Writes what was added, and sees it onto the disk."""
        if not self._lines:
            return
        place = self.folder / _NAME.format(self._place)
        if place.exists() and place.stat().st_size > _MOST_BYTES:
            self._place += 1
            place = self.folder / _NAME.format(self._place)
        with place.open("ab") as file:
            file.write(b"\n".join(self._lines) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._lines = []


def number_of(line: Mapping[str, Any]) -> str:
    """The number by which a decision is known outside: its place, and whose it is.

    >>> number_of({"n": 17, "chain": "0123abcd"})
    '17-0123abcd'
    """
    return f"{line['n']}-{line['chain']}"


def hash_of(line: Mapping[str, Any]) -> str:
    """The hash of a line, with what is personal as digests of value and salt; the same once it has been redacted."""
    closed = {name: value for name, value in line.items() if name != "hash"}
    closed["personal"] = {name: commitment(value) for name, value in line["personal"].items()}
    return hashlib.sha256(_encode(closed)).hexdigest()


def commitment(value: Any) -> str:
    """The digest that stands for a personal value: of the value and its salt, or the one that was left of them."""
    return value if isinstance(value, str) else hashlib.sha256(_encode(value)).hexdigest()


def plain(value: Any) -> Any:
    """A value as JSON has it: what is missing is null."""
    return None if isinstance(value, float) and math.isnan(value) else value


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("decisions-*.jsonl"))


def lines(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where it stands, the line) of every record. Raises UserError for what is no record; a last line that was cut off
    by a crash is passed over."""
    for path in files(folder):
        yield from _of(path)


def _of(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    content = path.read_bytes()
    whole = content.endswith(b"\n")
    parts = content.split(b"\n")[:-1] if whole else content.split(b"\n")
    for number, text in enumerate(parts, 1):
        where = f"{path.name}:{number}"
        try:
            line = msgspec.json.decode(text)
            hash_of(line)
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            if not whole and number == len(parts):
                return
            raise UserError(f"{path.parent}: {where} is not a decision record.") from None
        yield where, line


def verify(folder: Path) -> tuple[int, int]:
    """(records, those with something redacted) of a chain that holds. Raises UserError at the first line that does not."""
    before, count, redacted = BEGIN, 0, 0
    for where, line in lines(folder):
        count += 1
        if line.get("before") != before or line.get("n") != count:
            raise UserError(
                f"{folder}: {where} does not follow the line before it: one was changed, added or taken out."
            )
        before = hash_of(line)
        if line.get("hash") != before:
            raise UserError(f"{folder}: {where} is not as it was written.")
        redacted += any(isinstance(value, str) for value in line["personal"].values())
    return count, redacted


def redact(folder: Path, older_than: float, names: Sequence[str] = ()) -> int:
    """Takes the personal values out of records from before a moment, those of ``names`` or all; gives how many values went.

    Files are replaced one by one, each as a whole.
    """
    gone = 0
    for path in files(folder):
        made = []
        for _, line in _of(path):
            if line["at"] < older_than:
                for name, value in line["personal"].items():
                    if not isinstance(value, str) and (not names or name in names):
                        line["personal"][name] = commitment(value)
                        gone += 1
            made.append(_encode(line))
        fresh = path.with_suffix(".fresh")
        fresh.write_bytes(b"\n".join(made) + b"\n" if made else b"")
        os.replace(fresh, path)
    return gone


def _end(folder: Path) -> tuple[int, int, str]:
    """(number of the last file, records, hash of the last one) of a folder, which is made where there is none.

    A line that a crash cut off is cut away: it was never answered for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = files(folder)
    place = int(found[-1].stem.split("-")[1]) if found else 1
    for path in reversed(found):
        content = path.read_bytes()
        kept = content.rfind(b"\n") + 1
        if kept < len(content):
            os.truncate(path, kept)
        if kept:
            last = msgspec.json.decode(content[content.rfind(b"\n", 0, kept - 1) + 1 : kept])
            return place, last["n"], last["hash"]
    return place, 0, BEGIN
