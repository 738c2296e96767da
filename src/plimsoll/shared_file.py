"""A file of lines that several runs write: one run at a time, and every line whole."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# Windows has none: there, what two runs write at the same moment may mix.
fcntl: Any = importlib.import_module("fcntl") if importlib.util.find_spec("fcntl") else None
_PATIENCE = 2.0  # seconds that a run waits for another: a write takes milliseconds
_PAUSE = 0.01  # seconds between two tries


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keeps other runs from writing a file meanwhile; makes the file's folder where there is none.

    What is locked is a file beside it, and never the file itself: that one may be replaced while another run waits,
    who would then hold a file that nobody reads any more.

    Raises OSError where nothing may be written, or the other run does not let go in time.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(handle, time.monotonic() + _PATIENCE)
        yield
    finally:
        if fcntl is not None:
            with suppress(OSError):  # closing alone would not do it where a child was forked meanwhile
                fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def _lock(handle: int, end: float) -> None:
    """Waits for the lock, where the file system has such a thing. Raises TimeoutError when it is the ``end``."""
    while fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= end:
                raise TimeoutError(errno.ETIMEDOUT, "another run holds it") from None
            time.sleep(_PAUSE)
        except OSError:
            return


def append(path: Path, lines: bytes) -> None:
    """Adds whole lines at the end in one write, and sees them onto the disk. Raises OSError.

    Where the last line was cut off, it is ended first, or it would swallow the next one.
    """
    with path.open("a+b", buffering=0) as file:
        size = _plain(file).st_size
        file.seek(max(0, size - 1))
        torn = file.read(1) not in (b"", b"\n")
        whole = b"\n" + lines if torn else lines
        if file.write(whole) != len(whole):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())


def replace(path: Path, lines: bytes) -> None:
    """Puts other lines into the file's place: whoever reads finds the old ones or the new ones. Raises OSError."""
    place = path.resolve()  # a link that leads to the file goes on doing so
    handle, fresh = tempfile.mkstemp(prefix=f".{place.name}-", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            shutil.copymode(place, fresh)
        os.replace(fresh, place)
    finally:
        Path(fresh).unlink(missing_ok=True)


def newest(path: Path, most: int) -> tuple[bytes, bool]:
    """The lines that begin in the last ``most`` bytes of a file, and whether those are all of them. Raises OSError."""
    with open(path, "rb", opener=_without_waiting) as file:
        size = _plain(file).st_size
        if size <= most:
            return file.read(most), True
        file.seek(size - most - 1)
        file.readline()
        return file.read(most), False


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe would wait for somebody who writes


def _plain(file: Any) -> os.stat_result:
    facts = os.fstat(file.fileno())
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "it is not a plain file")
    return facts
