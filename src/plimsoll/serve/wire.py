"""The short way from the socket to the desk, for a plain ``POST /predict`` or ``POST /decide``.

uvicorn's own HTTP/1.1 protocol parses and keeps the connections. A plain request (its length stated, nothing asked but
an answer) is put on the desk as its last byte arrives, without a task, a scope or two writes; every other one goes the
usual way, to the ASGI app. A request that does not arrive whole in time, head or body, ends its connection.
"""

from __future__ import annotations

import math
from asyncio import TimerHandle
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from plimsoll.errors import RequestError
from plimsoll.serve.desk import Desk

_HEAD = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b"
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}
_CLOSE, _LATER = b"connection: close\r\n", b"retry-after: 1\r\n"


class Wire(HttpToolsProtocol):
    """One connection."""

    desk: ClassVar[Desk]

    def __init__(self, *asked: Any, **more: Any) -> None:
        super().__init__(*asked, **more)
        self._stage = ""  # of the request under way: its head, its body if the desk will have it, or the app's
        self._parts: list[bytes] = []
        self._owed = 0  # answers that this connection waits for
        self._path = b""  # of what it waits for
        self._wait = math.inf  # seconds that the caller of the request under way will wait
        self._ending = False
        self._due: TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # A request mostly comes whole, and then no timer is ever set.
        waits = self._stage in ("head", "body", "shed")
        if waits and self._due is None:
            self._due = self.loop.call_later(self.desk.caps.seconds, self._late)
        elif not waits:
            self._in_time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._stage = "head"

    def on_headers_complete(self) -> None:
        plain = self._plain()
        if self._owed and not (plain and self.url == self._path and self._wait == math.inf and self.desk.has_room()):
            self.desk.finish()  # answers go in the order of their requests
        if not plain:
            self._stage = "app"
            super().on_headers_complete()
        elif self.desk.has_room():
            self._stage, self._parts, self._path = "body", [], self.url
        else:
            self._stage = "shed"

    def on_body(self, body: bytes) -> None:
        if self._stage == "body":
            self._parts.append(body)
        elif self._stage != "shed":
            super().on_body(body)

    def on_message_complete(self) -> None:
        stage, self._stage = self._stage, ""
        self._in_time()
        if stage == "app":
            super().on_message_complete()
            return
        self._owed += 1
        if stage == "shed":
            self.reply(429, self.desk.turned_away())
            self.desk.tell(self.url, 429)
            return
        parts, self._parts = self._parts, []
        self.desk.put(self, parts[0] if len(parts) == 1 else b"".join(parts), self.loop, self.url, self._wait)

    def reply(self, status: int, body: bytes) -> None:
        """Sends an answer, in one packet where it fits."""
        self._owed -= 1
        if self.transport.is_closing():
            return
        ends = self._ending and not self._owed
        self._write(status, body, (_LATER if status == 429 else b"") + (_CLOSE if ends else b""))
        self.server_state.total_requests += 1
        if ends:
            self.transport.close()
        elif not self._stage:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def shutdown(self) -> None:
        if self._owed or self._stage in ("body", "shed"):
            self._ending = True
        else:
            super().shutdown()

    def _plain(self) -> bool:
        if self.url not in self.desk.ways or self.parser.get_method() != b"POST" or self.expect_100_continue:
            return False
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive():
            return False
        busy = self.cycle is not None and not self.cycle.response_complete
        crowded = self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency
        if busy or crowded or self.flow.write_paused:
            return False
        wait = self.desk.admits(self.headers)
        self._wait = wait or 0.0
        return wait is not None

    def _write(self, status: int, body: bytes, more: bytes) -> None:
        self.transport.write(_HEAD % (status, _PHRASES[status], len(body), more, body))

    def _in_time(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _late(self) -> None:
        self._due = None
        if self.transport.is_closing():
            return
        reason = f"the request did not arrive in {self.desk.caps.seconds:g} seconds."
        self._write(408, self.desk.refused(RequestError("$", reason, 408)), _CLOSE)
        # What stands behind a path may be a value, and is nobody's business.
        self.desk.tell(self.url.partition(b"?")[0], 408, self.desk.caps.seconds)
        self.transport.close()


def wire(desk: Desk) -> type[Wire]:
    """The protocol of a server whose requests come to this desk."""
    return type("Wire", (Wire,), {"desk": desk})
