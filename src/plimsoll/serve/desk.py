"""Where requests of one turn of the event loop meet, and are answered together.

Sixteen callers that ask at once cost one walk through a forest instead of sixteen. Nobody waits for company: the desk
answers at the end of the turn in which a request came, and a lone request takes the path that the meter measures.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Protocol

import msgspec

from plimsoll.errors import RequestError
from plimsoll.serve.caps import Caps
from plimsoll.serve.counters import Counters

Headers = Sequence[tuple[bytes, bytes]]  # names in lower case
_log = logging.getLogger("plimsoll.serve")


class Asker(Protocol):
    """Whoever put a request on the desk, and is told what comes of it."""

    def reply(self, status: int, body: bytes) -> None: ...


class Answering(Protocol):
    """Who is asked: an answerer, or a gate."""

    def answer_counted(self, body: bytes) -> tuple[bytes, int]: ...

    def answer_all(self, bodies: Sequence[bytes]) -> Sequence[tuple[bytes, int] | RequestError]: ...


class Desk:
    """The one place that asks on behalf of callers, and counts what became of it. ``ways`` says who is asked on which path."""

    def __init__(self, ways: Mapping[bytes, Answering], counters: Counters, token: str | None, caps: Caps) -> None:
        self.ways = dict(ways)
        self._counters = counters
        self._secret = None if token is None else f"Bearer {token}".encode()
        self._waiting: list[tuple[Asker, bytes, float, bytes]] = []
        self.caps = caps

    def knows(self, given: bytes) -> bool:
        """Whether an Authorization header is the right one; compared in constant time, so that a guess learns nothing."""
        return self._secret is None or hmac.compare_digest(given, self._secret)

    def admits(self, headers: Headers) -> bool:
        """Whether a request may be answered here: one with a body of a stated, fair length, and the token if one is due."""
        length, given = b"", b""
        for name, value in headers:
            if name == b"content-length":
                length = value
            elif name == b"authorization":
                given = value
            elif name in (b"transfer-encoding", b"upgrade"):
                return False
        fair = length.isdigit() and len(length) < 10 and int(length) <= self.caps.body
        return fair and len(self._waiting) < self.caps.open and self.knows(given)

    def put(self, asker: Asker, body: bytes, loop: asyncio.AbstractEventLoop, path: bytes) -> None:
        """Takes a request; its answer comes before the loop waits again."""
        if not self._waiting:
            loop.call_soon(self.clear)
        self._waiting.append((asker, body, perf_counter(), path))

    def clear(self) -> None:
        """Answers all that wait."""
        waiting, self._waiting = self._waiting, []
        for path in dict.fromkeys(path for *_, path in waiting):
            self._clear([each for each in waiting if each[3] == path], path)

    def _clear(self, waiting: Sequence[tuple[Asker, bytes, float, bytes]], path: bytes) -> None:
        found = self._found([body for _, body, *_ in waiting], path)
        for (asker, _, begun, _), answer in zip(waiting, found, strict=True):
            if isinstance(answer, RequestError):
                asker.reply(answer.status, self.refused(answer))
            else:
                text, rows = answer
                self._counters.answered(200, perf_counter() - begun, rows)
                asker.reply(200, text)

    def answer(self, body: bytes, path: bytes) -> bytes:
        """One request's answer. Raises RequestError."""
        begun = perf_counter()
        answer = self._one(body, path)
        if isinstance(answer, RequestError):
            raise answer
        self._counters.answered(200, perf_counter() - begun, answer[1])
        return answer[0]

    def refused(self, fault: RequestError) -> bytes:
        """The body that says what was wrong, and where."""
        self._counters.refused(fault.status)
        return msgspec.json.encode({"error": {"path": fault.path, "message": fault.reason}})

    def _found(self, bodies: Sequence[bytes], path: bytes) -> Sequence[tuple[bytes, int] | RequestError]:
        if len(bodies) > 1:
            try:
                return self.ways[path].answer_all(bodies)
            except Exception:  # one of them is too much for the model: alone, it fails alone
                _log.debug("Asked one by one.", exc_info=True)
        return [self._one(body, path) for body in bodies]

    def _one(self, body: bytes, path: bytes) -> tuple[bytes, int] | RequestError:
        try:
            return self.ways[path].answer_counted(body)
        except RequestError as fault:
            return fault
        except Exception:
            _log.exception("A request failed inside the model.")
            return RequestError("$", "the model failed on this request.", 500)
