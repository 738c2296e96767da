"""Personal values taken out of what is kept of decisions, beside a server that goes on keeping.

A file of records is written anew beside itself while the server appends to it; only for its last lines, which came meanwhile,
does the recorder wait. Then the new file takes the old one's place, whole and on the disk: a crash leaves the one or the
other, and the chain holds in both, for its hashes are over digests. The queue is changed a few hundred events at a time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from plimsoll.errors import UserError
from plimsoll.policy import records
from plimsoll.policy.queue import APPEAL, Item, Queue
from plimsoll.shared_file import held

AT_ONCE = 200  # lines or events between two rests
_FRESH = ".fresh"  # how a file ends that is being written
_encode = msgspec.json.Encoder().encode
Rest = Callable[[], None]


class _Said(msgspec.Struct):
    """What a line says of its age and of what is personal in it; most lines need no more."""

    at: float
    personal: dict[str, Any]


_said = msgspec.json.Decoder(_Said).decode


@dataclass(frozen=True)
class _Due:
    """Which values are to go: those of ``names``, or all that are personal, of what is from ``before`` a moment."""

    before: float
    names: Sequence[str]

    def of(self, at: float, personal: dict[str, Any]) -> list[str]:
        if at >= self.before:
            return []
        return [
            name for name, it in personal.items() if not isinstance(it, str) and (not self.names or name in self.names)
        ]


def redact(folder: Path, older_than: float, names: Sequence[str] = (), rest: Rest = lambda: None) -> int:
    """Takes the personal values out of records from before a moment, those of ``names`` or all; gives how many values went.

    ``rest`` is called every few hundred lines, and may raise to end it: what has not been replaced stays as it was.
    Raises UserError where a line is no record, or where somebody else is at it.
    """
    due = _Due(older_than, names)
    try:
        with held(folder / "redaction"):
            for left in folder.glob(f"*{_FRESH}"):  # of one that crashed: it holds what should be gone
                left.unlink()
            return sum(_file(path, due, rest) for path in records.files(folder))
    except TimeoutError:
        raise UserError(f"{folder}: another redaction is at it, or a server writes. Try again in a moment.") from None


def _file(path: Path, due: _Due, rest: Rest) -> int:
    if not _any(path, due, rest):
        return 0
    fresh = path.with_suffix(_FRESH)
    try:
        gone, end = _copied(path, 0, fresh, due, rest)
        shutil.copymode(path, fresh)
        with held(path.parent / records.LOCK):
            gone += _copied(path, end, fresh, due, lambda: None)[0]
            os.replace(fresh, path)
            _onto_disk(path.parent)
    finally:
        fresh.unlink(missing_ok=True)
    return gone


def _any(path: Path, due: _Due, rest: Rest) -> bool:
    """Whether a file holds anything to take out: most do not, and are not written anew."""
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if number % AT_ONCE == 0:
                rest()
            try:
                told = _said(text)
            except (ValueError, RecursionError):
                return True  # the copying says what is wrong with it
            if due.of(told.at, told.personal):
                return True
    return False


def _copied(path: Path, start: int, fresh: Path, due: _Due, rest: Rest) -> tuple[int, int]:
    """(how many values went, where the last whole line ended): the lines from ``start`` added to a fresh file.

    A line that is cut off is left out: it is being written, or a crash cut it off and it was never answered for.
    """
    gone, end = 0, start
    with path.open("rb") as old, fresh.open("ab") as new:
        old.seek(start)
        for number, text in enumerate(old, 1):
            if not text.endswith(b"\n"):
                break
            line = records.record(text, f"{path.parent}: {path.name}, byte {end},")
            names = due.of(line["at"], line["personal"])
            for name in names:
                line["personal"][name] = records.commitment(line["personal"][name])
            new.write(_encode(line) + b"\n" if names else text)
            gone, end = gone + len(names), end + len(text)
            if number % AT_ONCE == 0:
                rest()
        new.flush()
        os.fsync(new.fileno())
    return gone, end


def _onto_disk(folder: Path) -> None:
    """The folder's own entry, so that a file that was replaced stays replaced."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def redact_queue(queue: Queue, older_than: float, names: Sequence[str] = (), rest: Rest = lambda: None) -> int:
    """Takes personal values out of the queue's events from before a moment: those of ``names``, or those that the policy
    called personal when they were queued; how many went. An appeal that nobody has decided yet keeps its own."""
    gone, after = 0, ""
    while True:
        changed, last = queue.rewrite(older_than, after, AT_ONCE, lambda item: without(item, names))
        gone += sum(len(_lost(before, now)) for before, now in changed)
        if last is None:
            break
        after = last
        rest()
    if gone:
        queue.settle()
    return gone


def without(item: Item, names: Sequence[str] = ()) -> Item:
    """An event without what is personal in it, and without the words of an appeal; closed, for nobody can judge it now.

    >>> item = Item("1", 0.0, "asked", {"text": "hi", "age": 3.0}, {"outcome": "review", "personal": ["text"]})
    >>> told = without(item)
    >>> dict(told.event), told.decision["redacted"], told.closed
    ({'text': None, 'age': 3.0}, ['text'], True)
    """
    due = [name for name in (names or item.decision.get("personal", ())) if item.event.get(name) is not None]
    if (item.why == APPEAL and not item.closed) or not (due or (item.note and not names)):
        return item
    redacted = sorted({*item.decision.get("redacted", ()), *due})
    event = {name: None if name in due else value for name, value in item.event.items()}
    note = item.note if names else ""
    return replace(item, event=event, decision={**item.decision, "redacted": redacted}, note=note, closed=True)


def _lost(before: Item, now: Item) -> list[str]:
    lost = [name for name, value in before.event.items() if value is not None and now.event[name] is None]
    return [*lost, "note"] if before.note and not now.note else lost
