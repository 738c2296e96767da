"""Decision records: what was decided, by which rules of which policy and model, in a chain that shows every later change.

Each line holds the hash of the one before, and its own. What is personal stands in a line beside a salt, and the hash is
over a digest of the two: so a value can be taken out later, and the chain still holds (a salted commitment; Haber and
Stornetta 1991 for the chain). Only what has been redacted cannot be replayed.
"""

from __future__ import annotations

import errno
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
from plimsoll.shared_file import held

BEGIN = "0" * 64  # what stands before the first line
_NAME = "decisions-{:06d}.jsonl"
_MOST_BYTES = 64_000_000  # of a file
LOCK = "decisions"  # who appends to a file, or puts another into its place, holds it
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
        """Writes what was added, and sees it onto the disk. Raises OSError; then all of it is kept for the next time."""
        if not self._lines:
            return
        with held(self.folder / LOCK):
            place = self.folder / _NAME.format(self._place)
            if place.exists() and place.stat().st_size > _MOST_BYTES:
                self._place += 1
                place = self.folder / _NAME.format(self._place)
            _append(place, b"\n".join(self._lines) + b"\n")
        self._lines = []


def _append(path: Path, data: bytes) -> None:
    """All of it or nothing: what a full disk took half of would be there twice once it is written again."""
    with path.open("ab", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise


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
    """The files of a folder's chain, in its order."""
    return sorted(path for path in folder.glob("decisions-*.jsonl") if path.stem[10:].isdecimal())


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
            line = record(text, f"{path.parent}: {where}")
        except UserError:
            if not whole and number == len(parts):
                return
            raise
        yield where, line


def record(text: bytes, where: str) -> dict[str, Any]:
    """A line as a record. Raises UserError where it is none."""
    try:
        line = msgspec.json.decode(text, type=dict[str, Any])
        msgspec.convert(line, _Shape)
        hash_of(line)
    except (ValueError, RecursionError):  # no JSON, not UTF-8, or not what a record has
        raise UserError(f"{where} is not a decision record.") from None
    return line


class _Shape(msgspec.Struct):
    """What every record has, whoever asks."""

    n: int
    chain: str
    at: float
    policy: str
    bundle: str
    fields: dict[str, Any]
    personal: dict[str, Any]
    reckoned: dict[str, Any]
    scores: list[float]
    outcome: str
    by: list[str]
    fired: list[str]
    labels: list[str]
    held: list[str]
    before: str
    hash: str


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


def _end(folder: Path) -> tuple[int, int, str]:
    """(number of the last file, records, hash of the last one) of a folder, which is made where there is none.

    A line that a crash cut off is cut away: it was never answered for. Raises UserError where no records can be kept.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with held(folder / LOCK):
            return _last(folder)
    except OSError as fault:
        raise UserError(f"{folder}: cannot keep records: {fault.strerror or fault}.") from None


def _last(folder: Path) -> tuple[int, int, str]:
    found = files(folder)
    place = int(found[-1].stem.split("-")[1]) if found else 1
    for path in reversed(found):
        content = path.read_bytes()
        kept = content.rfind(b"\n") + 1
        if kept < len(content):
            os.truncate(path, kept)
        if kept:
            last = record(content[content.rfind(b"\n", 0, kept - 1) + 1 : kept], f"{folder}: the end of {path.name}")
            return place, last["n"], last["hash"]
    return place, 0, BEGIN
