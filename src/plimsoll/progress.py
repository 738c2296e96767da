"""The line that says what is being done and the time left."""

from __future__ import annotations

import os
from typing import TextIO

_CLEAR = "\r\x1b[K"
_WIDTH = 100  # columns, where the terminal does not say


class Progress:
    """One line about what was done last and the time left: rewritten on a terminal, one after another elsewhere."""

    def __init__(self, stream: TextIO, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._open = False
        self._held: str | None = ""  # None once the first line is out

    def __call__(self, done: str, left: float | None = None) -> None:
        if self._quiet:
            return
        rest = "" if left is None else f" · {_spell(left)} left"
        if rewritten(self._stream):
            # A line that reaches the last column would wrap, and half of it could not be cleared.
            self._stream.write(f"{_CLEAR}{_clipped(done, _columns(self._stream) - 1 - len(rest))}{rest}")
            self._open = True
        elif self._held == "":
            # The first line waits for the second, so that a mistake found while reading stands alone.
            self._held = f"{done}{rest}\n"
        else:
            self._stream.write(f"{self._held or ''}{done}{rest}\n")
            self._held = None
        self._stream.flush()

    def close(self) -> None:
        """Clear the line, so that what follows begins on its own."""
        if self._open:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._open = False


def rewritten(stream: TextIO) -> bool:
    """What is written there can be cleared and coloured: a terminal that knows how."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH
    except OSError:
        return _WIDTH


def _clipped(text: str, room: int) -> str:
    """
    >>> _clipped("from the portfolio", 8), _clipped("linear", 8)
    ('from th…', 'linear')
    """
    return text if len(text) <= room else text[: max(0, room - 1)] + "…"


def _spell(seconds: float) -> str:
    """
    >>> _spell(75), _spell(4.2)
    ('1 min 15 s', '4 s')
    """
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
