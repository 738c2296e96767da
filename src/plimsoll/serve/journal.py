"""What a server says of itself on standard error: a sentence a line, or a JSON object a line.

A line holds no body, no value and no text of an exception, which may quote one: of what failed it says the path, the kind
of the exception and the line of code.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import msgspec

from plimsoll.printed import printable
from plimsoll.serve.routes import Done

FORMS = ("plain", "json")
_LOGGERS = ("plimsoll.serve", "uvicorn")  # of uvicorn come warnings only
_LONGEST = 200  # characters of a path; a caller may write any
_EVERY = 1.0  # seconds between two lines on overload
_log = logging.getLogger("plimsoll.serve")


class Plain(logging.Formatter):
    """The sentence alone, on one line, whatever is in it."""

    def format(self, record: logging.LogRecord) -> str:
        where = _where(record.exc_info[1]) if record.exc_info else {}
        more = f" ({where['fault']} at {where['at']})" if where else ""
        return printable(" ".join(record.getMessage().split()) + more)


class Json(logging.Formatter):
    """Time in UTC, level, event and its facts.

    >>> record = logging.LogRecord("plimsoll.serve", logging.INFO, "", 0, "Serving.", (), None)
    >>> record.created, record.event, record.facts = 0.0, "serving", {"url": "http://127.0.0.1:8000"}
    >>> Json().format(record)
    '{"time":"1970-01-01T00:00:00.000Z","level":"info","event":"serving","url":"http://127.0.0.1:8000"}'
    """

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = getattr(record, "event", None)
        facts: dict[str, Any] = getattr(record, "facts", {}) if event else {"message": record.getMessage()}
        where = _where(record.exc_info[1]) if record.exc_info else {}
        told = {"time": time, "level": record.levelname.lower(), "event": event or "note", **facts, **where}
        return msgspec.json.encode({name: _whole(value) for name, value in told.items()}).decode()


class _Lines(logging.Handler):
    """Writes each line at once to a stream, or to what standard error is at that moment."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=self._stream or sys.stderr, flush=True)
        except Exception:  # nobody reads: a server goes on
            self.handleError(record)


def begin(form: str = "plain", stream: TextIO | None = None) -> None:
    """Sends what the server says to a stream, standard error where none is named; what was sent elsewhere no longer is."""
    handler = _Lines(stream)
    handler.setFormatter(Json() if form == "json" else Plain())
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [handler], False
    _log.setLevel(logging.INFO)


def tell(event: str, sentence: str, level: int = logging.INFO, **facts: Any) -> None:
    """Says that something happened: to people in a sentence, to programs in its facts."""
    _log.log(level, "%s", sentence, extra={"event": event, "facts": facts})


def failed(path: str, fault: BaseException) -> None:
    """Says that a request failed inside the model or a page: where, and nothing of what was asked."""
    where = _where(fault)
    sentence = f"A request to {path[:_LONGEST]} failed: {where['fault']} at {where['at']}."
    tell("failed", sentence, logging.ERROR, path=path[:_LONGEST], **where)


def request(done: Done) -> None:
    """Says what became of one request."""
    path, took = done.path[:_LONGEST], round(done.seconds * 1e3, 3)
    rows = f"{done.rows} row{'' if done.rows == 1 else 's'}"
    tell(
        "request",
        f"{path} {done.status} {took:g} ms {rows}",
        path=path,
        status=done.status,
        milliseconds=took,
        rows=done.rows,
    )


class Overload:
    """Counts who was turned away, and says so at most once a second: under load there is no time for more."""

    def __init__(self) -> None:
        self._many = 0
        self._due = False

    def one(self) -> None:
        """One more was turned away."""
        self._many += 1
        if self._due:
            return
        try:
            asyncio.get_running_loop().call_later(_EVERY, self.tell)
            self._due = True
        except RuntimeError:  # nobody serves
            self.tell()

    def tell(self) -> None:
        """Says how many there were since the last line; nothing where there were none."""
        many, self._many, self._due = self._many, 0, False
        if many:
            sentence = f"Turned away {many} that would have waited too long."
            tell("overload", sentence, logging.WARNING, turned_away=many)


def _where(fault: BaseException | None) -> dict[str, str]:
    """The kind of an exception, and the file and line that raised it."""
    if fault is None:
        return {}
    frames = traceback.extract_tb(fault.__traceback__)
    at = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    return {"fault": type(fault).__name__, "at": at}


def _whole(value: Any) -> Any:
    """A text without halves of characters, which JSON cannot hold."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
