"""The line of progress: rewritten on a terminal, one after another elsewhere."""

from __future__ import annotations

import io
import os

import pytest

from plimsoll import progress
from plimsoll.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def _said(stream: io.StringIO, quiet: bool = False) -> str:
    told = Progress(stream, quiet)
    told("trees, the default", 75.0)
    told("linear")
    told.close()
    return stream.getvalue()


@pytest.fixture(autouse=True)
def able(monkeypatch: pytest.MonkeyPatch):
    """A terminal that knows how to clear a line, whatever the tests run in."""
    monkeypatch.setenv("TERM", "xterm")


def test_a_terminal_has_one_line_that_is_cleared_at_the_end():
    """Each line takes the place of the one before, and the last leaves nothing."""
    assert _said(Terminal()) == "\r\x1b[Ktrees, the default · 1 min 15 s left\r\x1b[Klinear\r\x1b[K"


def test_a_file_has_a_line_each():
    """No control characters reach a log."""
    assert _said(io.StringIO()) == "trees, the default · 1 min 15 s left\nlinear\n"


def test_a_terminal_that_cannot_clear_is_written_to_like_a_file(monkeypatch: pytest.MonkeyPatch):
    """TERM=dumb has no control characters either."""
    monkeypatch.setenv("TERM", "dumb")
    assert _said(Terminal()) == _said(io.StringIO())


def test_quiet_is_silent():
    """Neither a terminal nor a file hears anything."""
    assert _said(Terminal(), quiet=True) == _said(io.StringIO(), quiet=True) == ""


def test_a_narrow_terminal_keeps_the_time_left(monkeypatch: pytest.MonkeyPatch):
    """The line stays below the terminal's width, or it would wrap; what is cut is not the time."""
    monkeypatch.setattr(progress, "_columns", lambda _: 30)
    stream = Terminal()
    Progress(stream)("trees, from the portfolio", 75.0)
    line = stream.getvalue().removeprefix("\r\x1b[K")
    assert line == "trees, fro… · 1 min 15 s left"
    assert len(line) == 29


def test_the_width_is_asked_of_the_stream_itself(monkeypatch: pytest.MonkeyPatch):
    """Standard error may be a terminal where standard output is a pipe; a stream without a width has a plain one."""
    with open(os.devnull, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(os, "get_terminal_size", lambda place: os.terminal_size((place, 24)))
        assert progress._columns(stream) == stream.fileno()
    assert progress._columns(io.StringIO()) == 100


def test_a_mistake_found_while_reading_stands_alone():
    """In a file the first line waits for the second."""
    stream = io.StringIO()
    told = Progress(stream)
    told("reading", 300.0)
    told.close()
    assert stream.getvalue() == ""
