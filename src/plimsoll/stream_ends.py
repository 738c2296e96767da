"""Where a stream may be sent: to a bundle in this process, or to a server; both take packets and tell messages alike."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

import msgspec

from plimsoll.errors import DataError, MissingExtra
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.line import Line
from plimsoll.serve.packets import Hello
from plimsoll.serve.streams import Bounds

Told = tuple[float, dict[str, Any]]  # when it was told (time.perf_counter), and what
_PATIENCE = 10.0  # seconds for a server to answer
_WITHOUT_END = 1e12


class End(Protocol):
    """One end of a stream. ``cpu`` are the seconds of processor that it took here, None where it runs elsewhere."""

    ready: Mapping[str, Any]
    cpu: float | None

    def send(self, packet: bytes) -> None: ...

    def heard(self) -> list[Told]: ...

    def close(self) -> list[Told]: ...


class Here:
    """A bundle in this process, asked by what a server asks with."""

    def __init__(self, answerer: Answerer, person: str | None, speed: float = 1.0) -> None:
        from plimsoll.serve.stream_socket import ready

        # A replay may be as fast as it is asked to be, and its screen is never too slow.
        bounds = Bounds(rush=_WITHOUT_END, moments=10**6, events=10**6)
        self.line = Line(answerer.session(person), Hello(), bounds)
        self.ready: Mapping[str, Any] = ready(self.line)
        self.cpu: float | None = 0.0
        self._told: list[Told] = []
        self._speed = speed  # so much faster a clock goes that the signal keeps to

    def send(self, packet: bytes) -> None:
        begun = time.thread_time()
        self._take(self.line.hear(packet, self._now()))
        self.cpu = (self.cpu or 0.0) + time.thread_time() - begun

    def heard(self) -> list[Told]:
        if self.line.due is not None and self.line.due <= (now := self._now()):
            self._take(self.line.lapse(now))
        told, self._told = self._told, []
        return told

    def close(self) -> list[Told]:
        self._take(self.line.hear('{"end": true}', self._now()))
        last = self.line.outbox.take(self.line.summary()) or b"{}"
        return [*self.heard(), (time.perf_counter(), msgspec.json.decode(last))]

    def _now(self) -> float:
        return time.perf_counter() * self._speed

    def _take(self, steps: Any) -> None:
        for _ in steps:
            pass
        if (message := self.line.outbox.take()) is not None:
            self._told.append((time.perf_counter(), msgspec.json.decode(message)))


class There:
    """A running server; what it tells is noted as it comes, by a thread of its own."""

    def __init__(self, url: str, person: str | None, rate: float, token: str | None) -> None:
        self.cpu: float | None = None
        self._told: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self._why = ""
        self._url = url
        self._socket = _connected(_place(url), token)
        self._socket.send(json.dumps({"person": person, "rate": rate, "format": "float32"}))
        first = self._first()
        self.ready: Mapping[str, Any] = first["ready"]
        self._reader = threading.Thread(target=self._read, name="stream", daemon=True)
        self._reader.start()

    def send(self, packet: bytes) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            self._socket.send(packet)
        except ConnectionClosed:
            self._reader.join(_PATIENCE)
            raise DataError(f"{self._url}: the server ended the stream: {self._why or 'it gave no reason'}") from None

    def heard(self) -> list[Told]:
        found = []
        while not self._told.empty():
            found.append(self._told.get())
        return found

    def close(self) -> list[Told]:
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            self._socket.send('{"end": true}')
        self._reader.join(_PATIENCE)
        self._socket.close()
        return self.heard()

    def _first(self) -> dict[str, Any]:
        from websockets.exceptions import ConnectionClosed

        try:
            told: dict[str, Any] = json.loads(self._socket.recv(_PATIENCE))
        except (ConnectionClosed, TimeoutError, ValueError) as fault:
            raise DataError(f"{self._url}: does not begin a stream: {fault}.") from None
        if "ready" not in told:
            self._socket.close()
            raise DataError(f"{self._url}: {told.get('error', {}).get('message', 'does not begin a stream.')}")
        return told

    def _read(self) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                message = self._socket.recv()
                self._told.put((time.perf_counter(), msgspec.json.decode(message)))
        except ConnectionClosed:
            self._why = self._socket.close_reason or ""
        except msgspec.DecodeError:
            self._why = "what it tells is not JSON."


def _place(url: str) -> str:
    """
    >>> _place("ws://127.0.0.1:8000"), _place("http://x/stream")
    ('ws://127.0.0.1:8000/stream', 'ws://x/stream')
    """
    scheme, _, rest = url.partition("://")
    if scheme not in ("ws", "wss", "http", "https") or not rest:
        raise DataError(f"--to {url}: is no address of a server. Write one such as ws://127.0.0.1:8000.")
    rest = rest.rstrip("/")
    path = rest if rest.endswith("/stream") else f"{rest}/stream"
    return f"{scheme.replace('http', 'ws')}://{path}"


def _connected(url: str, token: str | None) -> Any:
    try:
        from websockets.exceptions import InvalidStatus, WebSocketException
        from websockets.sync.client import connect
    except ImportError:
        raise MissingExtra("--to needs websockets. Write: pip install 'plimsoll[serve]'") from None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        return connect(url, additional_headers=headers, compression=None, open_timeout=_PATIENCE).__enter__()
    except InvalidStatus as fault:
        raise DataError(f"{url}: {_refusal(fault.response.status_code, fault.response.body)}") from None
    except (OSError, TimeoutError, WebSocketException) as fault:
        raise DataError(f"{url}: no server answers there: {fault}.") from None


def _refusal(status: int, body: bytes | bytearray | None) -> str:
    if status == 401:
        return "asks for a token. Set PLIMSOLL_TOKEN to the server's."
    try:
        return str(json.loads(body or b"")["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"answers with {status}. Is it plimsoll serve, of a bundle that decodes?"
