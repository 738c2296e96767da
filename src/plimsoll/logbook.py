"""The user's own ledger: the trials of every run on this machine, that the cost model learns from.

One JSON line a trial, in one file for all runs. The order of the lines says what is newer; the clock never does.
"""

from __future__ import annotations

import io
import os
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

from plimsoll import shared_file
from plimsoll.cases import Case
from plimsoll.errors import UserError
from plimsoll.logline import VERSION, Entry, OtherVersion, each, identity, understood, written

MOST = 20_000  # trials that are kept; a quarter more may gather before the oldest go
LARGEST = 64_000_000  # bytes of a file that are read
_ROOM = LARGEST * 3 // 4  # bytes that are left when the oldest go
_MOST_REFUSED = 1_000  # lines of an import, before the whole of it is
_OFF = ("", "off")
_NO_HOME = "PLIMSOLL_HOME is off, and nothing is kept. Unset it, or let it name a folder"


def place(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file: in PLIMSOLL_HOME, else XDG_DATA_HOME/plimsoll, else ~/.local/share/plimsoll. None: nothing is kept.

    >>> place({"PLIMSOLL_HOME": "/srv/plimsoll"}).as_posix(), place({"PLIMSOLL_HOME": "off"})
    ('/srv/plimsoll/trials.jsonl', None)
    """
    home, data = environ.get("PLIMSOLL_HOME"), Path(environ.get("XDG_DATA_HOME", ""))
    if home is not None and home.strip().lower() in _OFF:
        return None
    try:
        if home is not None:
            return Path(home).expanduser().absolute() / "trials.jsonl"
        # The XDG specification has a path that is not absolute passed over.
        shared = data if data.is_absolute() else Path.home() / ".local" / "share"
    except (RuntimeError, OSError):  # a user without a home, as in some containers, or a folder that has gone
        return None
    return shared / "plimsoll" / "trials.jsonl"


def add(cases: Iterable[Case], path: Path | None = None) -> str | None:
    """Keeps trials. What stands in the way comes back as one line and is never raised: a run is worth more than this."""
    path = path or place()
    if path is None:
        return None
    lines, unsound = _lines(cases)
    try:
        if lines:
            with shared_file.held(path):
                shared_file.append(path, b"".join(lines))
                _trim(path)
    except OSError as fault:
        return f"Trials could not be kept in {path}: {_why(fault)}. PLIMSOLL_HOME names another folder."
    return f"{len(unsound):,} of the trials could not be kept, as {unsound[0]}." if unsound else None


def _lines(cases: Iterable[Case]) -> tuple[list[bytes], list[str]]:
    """A line for each case, and what is wrong with those that could not be read again."""
    at, lines, unsound = _now(), [], []
    for case in cases:
        try:
            line = written(Entry(at, case))
            understood(line)
        except (ValueError, TypeError, OverflowError) as fault:
            unsound.append(str(fault))
        else:
            lines.append(line)
    return lines, unsound


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _why(fault: OSError) -> str:
    return fault.strerror or str(fault)


def _trim(path: Path) -> None:
    """Lets the oldest go when there is a quarter too many: seldom, so that a trial costs a line and not a file."""
    data, whole = shared_file.newest(path, LARGEST)
    if not whole or data.count(b"\n") > MOST + MOST // 4:
        shared_file.replace(path, b"".join(_newest(list(io.BytesIO(data)))))


def _newest(lines: Sequence[bytes]) -> Sequence[bytes]:
    """The last lines that there is room for, by count and by bytes."""
    sizes = accumulate(len(line) for line in reversed(lines[-MOST:]))
    return lines[len(lines) - sum(size <= _ROOM for size in sizes) :]


def read(path: Path | None = None) -> tuple[list[Case], list[str]]:
    """The trials that are kept, oldest first and each once, and a line for whatever could not be read."""
    found, complaints = entries(path)
    return [entry.case for entry in found], complaints


def entries(path: Path | None = None) -> tuple[list[Entry], list[str]]:
    """As ``read``, with the time beside each trial."""
    path = path or place()
    try:
        data, whole = shared_file.newest(path, LARGEST) if path else (b"", True)
    except FileNotFoundError:
        return [], []
    except OSError as fault:
        return [], [f"{path} cannot be read: {_why(fault)}."]
    found: dict[Hashable, Entry] = {}
    damaged, others = [0, 0], [0, 0]  # how many lines, and the number of the first
    for number, _, told in each(data):
        if isinstance(told, Entry):
            found.setdefault(identity(told.case), told)
        else:
            count = others if isinstance(told, OtherVersion) else damaged
            count[:] = count[0] + 1, count[1] or number
    complaints = [] if whole else [f"{path} is larger than {LARGEST // 1_000_000} MB: its newest part is read."]
    complaints += _counted(path, damaged, "cut off or damaged")
    return list(found.values()), complaints + _counted(path, others, f"of a version other than {VERSION}")


def _counted(path: Path | None, count: Sequence[int], what: str) -> list[str]:
    many, first = count
    lines = f"line {first} is" if many == 1 else f"{many:,} lines, the first of them line {first}, are"
    return [f"{path}: {lines} {what}, and passed over."] if many else []


def export(out: Path | str, path: Path | None = None) -> int:
    """Writes the trials that are kept to a file that ``merge`` takes; how many there were. Raises UserError."""
    path, out = path or place(), Path(out)
    found, _ = entries(path)
    if path is None or not found:
        raise UserError(f"There is no trial to export: {'none is kept yet' if path else _NO_HOME}.")
    try:
        if out.exists() and out.samefile(path):
            raise UserError(f"{out} is the ledger itself. Name another file.")
        out.write_bytes(b"".join(map(written, found)))
    except OSError as fault:
        raise UserError(f"{out} cannot be written: {_why(fault)}. Name another file.") from None
    return len(found)


def merge(source: Path | str, path: Path | None = None) -> tuple[int, int, list[str]]:
    """Takes in the trials of a file that may say anything: how many were added, how many were there, what was refused.

    They go before the user's own, as if they were older, so that an import never pushes those out. Raises UserError.
    """
    path = path or place()
    if path is None:
        raise UserError(f"There is no ledger to take trials in: {_NO_HOME}.")
    offered, refused = _offered(Path(source))
    # Reading takes a second where there is much, and other runs wait no longer than two: so it is done before.
    held = {identity(entry.case) for entry in entries(path)[0]}
    fresh = [written(entry) for same, entry in offered.items() if same not in held]
    with _changing(path) as data:
        own = list(io.BytesIO(data))
        kept = _newest([*fresh, *own])
        added = max(0, len(kept) - len(own))
        if added:
            shared_file.replace(path, b"".join(kept))
    if added < len(fresh):
        refused.append(f"{len(fresh) - added:,} more: the ledger is full, and keeps the user's own")
    return added, len(offered) - len(fresh), refused


def _offered(source: Path) -> tuple[dict[Hashable, Entry], list[str]]:
    """The sound trials of a file, each once, and what is wrong with its other lines. Raises UserError."""
    found: dict[Hashable, Entry] = {}
    refused: list[str] = []
    for number, _, told in each(_given(source)):
        if isinstance(told, Entry):
            found.setdefault(identity(told.case), told)
        else:
            refused.append(f"line {number}: {told}")
        if len(refused) > _MOST_REFUSED:
            raise UserError(f"{source}: more than {_MOST_REFUSED:,} lines hold no trial, such as {refused[0]}.")
    if not found:
        why = f" ({refused[0]})" if refused else ""
        raise UserError(f"{source} holds no trial{why}. Give a file that plimsoll ledger export wrote.")
    return found, refused


def _given(source: Path) -> bytes:
    """All of a file that somebody gave. Raises UserError."""
    if source.is_symlink():
        raise UserError(f"{source} is a link. Name the file itself.")
    try:
        data, whole = shared_file.newest(source, LARGEST)
    except OSError as fault:
        raise UserError(f"{source} cannot be read: {_why(fault)}.") from None
    if not whole:
        raise UserError(f"{source} is larger than {LARGEST // 1_000_000} MB, the most that is read.")
    return data


def forget(
    path: Path | None = None, recipe: str | None = None, group: str | None = None, everything: bool = False
) -> int:
    """Removes the trials of a recipe, of a data set (its ``group``), of both at once, or all; how many there were.

    Raises UserError.
    """
    path = path or place()
    if recipe is None and group is None and not everything:
        raise UserError("Nothing was named to forget. Name a recipe, a group, or everything.")
    lines, many = _meant(path, recipe, group, everything)
    if path is None or not lines:
        return 0
    with _changing(path) as data:
        kept = [line for line in io.BytesIO(data) if line.removesuffix(b"\n") not in lines]
        shared_file.replace(path, b"".join(kept))
    return many


def _meant(path: Path | None, recipe: str | None, group: str | None, everything: bool) -> tuple[set[bytes], int]:
    """The lines that are to go, without their ends, and how many trials they hold."""
    lines: set[bytes] = set()
    gone: set[Hashable] = set()
    for _, line, told in each(_data(path)):
        if isinstance(told, Entry):
            if everything or (recipe in (None, told.case.known.recipe) and group in (None, told.case.group)):
                lines.add(line)
                gone.add(identity(told.case))
        elif everything or not isinstance(told, OtherVersion):
            lines.add(line)  # damaged: nobody reads it, and it may hold what is to be forgotten
    return lines if gone or everything else set(), len(gone)


@contextmanager
def _changing(path: Path) -> Iterator[bytes]:
    """What the ledger holds, while no other run may write to it. Raises UserError where it cannot be changed."""
    try:
        with shared_file.held(path):
            yield _data(path)
    except OSError as fault:
        raise UserError(f"The ledger {path} cannot be changed: {_why(fault)}.") from None


def _data(path: Path | None) -> bytes:
    """The lines of the ledger, none where it is not there yet. Raises UserError."""
    try:
        return shared_file.newest(path, LARGEST)[0] if path is not None else b""
    except FileNotFoundError:
        return b""
    except OSError as fault:
        raise UserError(f"The ledger {path} cannot be read: {_why(fault)}.") from None
