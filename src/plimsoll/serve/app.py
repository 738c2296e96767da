"""The server: a plain ASGI app over one Answerer, with every cap on, and the way to run it."""

from __future__ import annotations

import asyncio
import errno
import gc
import ipaddress
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from plimsoll.bundle import read
from plimsoll.errors import MissingExtra, RequestError, UserError
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.caps import Caps
from plimsoll.serve.counters import Counters
from plimsoll.serve.desk import Answering, Desk
from plimsoll.serve.openapi import page

if TYPE_CHECKING:
    from plimsoll.serve.gate import Gate  # a server without a policy need not know what one is

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_JSON, _PROMETHEUS = b"application/json", b"text/plain; version=0.0.4; charset=utf-8"
_PAGES = {"/health": "GET", "/metrics": "GET", "/openapi.json": "GET"}


class App:
    """Answers ``POST /predict``, ``GET /health``, ``GET /metrics`` and ``GET /openapi.json``; with a gate, ``POST /decide``."""

    def __init__(
        self, answerer: Answerer, token: str | None = None, caps: Caps | None = None, gate: Gate | None = None
    ) -> None:
        self._answerer = answerer
        self._caps = caps or Caps()
        self._counters = Counters()
        ways: dict[bytes, Answering] = {b"/predict": answerer}
        if gate is not None:
            ways[b"/decide"] = gate
        self.desk = Desk(ways, self._counters, token, self._caps)
        self._methods = {**{way.decode(): "POST" for way in ways}, **_PAGES}
        self._open = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"This app answers http, not {scope['type']}.")
        if self._open >= self._caps.open:
            return await self._refuse(send, RequestError("$", "too many requests at once. Try again in a second.", 503))
        self._open += 1
        try:
            await self._route(scope, receive, send)
        except RequestError as fault:
            await self._refuse(send, fault)
        finally:
            self._open -= 1

    async def _route(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path not in self._methods:
            raise RequestError(path, f"there is no such page. There are: {', '.join(self._methods)}.", 404)
        if scope["method"] != self._methods[path]:
            raise RequestError(path, f"takes {self._methods[path]}, not {scope['method']}.", 405)
        if path == "/health":
            return await _send(send, 200, b'{"status":"ok"}')
        headers = dict(scope["headers"])
        self._admit(headers.get(b"authorization", b""))
        if path == "/metrics":
            return await _send(send, 200, self._counters.text().encode(), _PROMETHEUS)
        if path == "/openapi.json":
            return await _send(send, 200, msgspec.json.encode(page(self._answerer.schema, self._caps.rows)))
        body = await receive_body(receive, headers.get(b"content-length"), self._caps)
        if body is not None:
            await _send(send, 200, self.desk.answer(body, path.encode()))
        return None

    def _admit(self, given: bytes) -> None:
        if not self.desk.knows(given):
            raise RequestError("$", 'a token is needed: send the header "Authorization: Bearer …".', 401)

    async def _refuse(self, send: Send, fault: RequestError) -> None:
        allowed = self._methods.get(fault.path, "") if fault.status == 405 else ""
        await _send(send, fault.status, self.desk.refused(fault), more=_fault_headers(fault, allowed))


def _fault_headers(fault: RequestError, allowed: str) -> tuple[tuple[bytes, bytes], ...]:
    if allowed:
        return ((b"allow", allowed.encode()),)
    if fault.status == 401:
        return ((b"www-authenticate", b"Bearer"),)
    if fault.status == 503:
        return ((b"retry-after", b"1"), (b"connection", b"close"))
    # What is left of the body is not read, so nothing else can come over this connection.
    return ((b"connection", b"close"),) if fault.status in (408, 413) else ()


async def receive_body(receive: Receive, declared: bytes | None, caps: Caps) -> bytes | None:
    """The body, or None where the caller has gone. Raises RequestError when it is too large or too slow."""
    large = RequestError("$", f"the body is larger than {caps.body} bytes.", 413)
    if declared is not None and declared.isdigit() and len(declared) < 20 and int(declared) > caps.body:
        raise large
    parts, length = [], 0
    try:
        async with asyncio.timeout(caps.seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                part = message.get("body", b"")
                length += len(part)
                if length > caps.body:
                    raise large
                parts.append(part)
                if not message.get("more_body", False):
                    return part if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise RequestError("$", f"the body did not arrive in {caps.seconds:g} seconds.", 408) from None
    except asyncio.CancelledError:
        # The server was told to stop and waits no longer. Whoever is half-way through a request is told so.
        raise RequestError("$", "the server is stopping. Try again.", 503) from None


async def _send(
    send: Send, status: int, body: bytes, kind: bytes = _JSON, more: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def ready(path: Path | str, token: str | None = None, caps: Caps | None = None) -> tuple[App, Answerer]:
    """The app over the bundle at a path, loaded: what the server runs, and what the meter measures."""
    caps = caps or Caps()
    answerer = Answerer(read(path), caps.rows)
    # What is loaded stays until the end, so the collector need never walk it again.
    gc.collect()
    gc.freeze()
    return App(answerer, token, caps), answerer


def server(app: App, caps: Caps | None = None) -> Any:
    """A uvicorn server with everything imported that serving needs."""
    try:
        import uvicorn

        from plimsoll.serve.wire import wire
    except ImportError:
        raise MissingExtra("Serving needs uvicorn. Install it: pip install 'plimsoll[serve]'.") from None
    config = uvicorn.Config(
        app,
        http=wire(app.desk),
        lifespan="off",
        ws="none",
        interface="asgi3",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        limit_concurrency=(caps or Caps()).connections,
        timeout_graceful_shutdown=10,
    )
    config.load()
    return uvicorn.Server(config)


def run(
    bundle_path: Path | str,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    caps: Caps | None = None,
) -> None:
    """Serve until told to stop. Raises UserError where the address is open to others without a token, or is taken."""
    check_address(host, token)
    with listen(host, port) as listener:
        app, _ = ready(bundle_path, token, caps)
        made = server(app, caps)
        shown = f"[{host}]" if ":" in host else host
        print(f"Serving {bundle_path} on http://{shown}:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
        made.run(sockets=[listener])


def check_address(host: str, token: str | None) -> None:
    """Only this machine's own programs reach a loopback address; anyone may reach another.

    >>> check_address("127.0.0.1", None)
    """
    if token is not None and (len(token) < 16 or not token.isascii() or not token.isprintable()):
        raise UserError("The token is too short to keep others out. Write at least 16 plain characters.")
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local and token is None:
        raise UserError(
            f"--host {host} can be reached from other machines. Set a token in PLIMSOLL_TOKEN, or write --host 127.0.0.1."
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises UserError where the port is taken or may not be used."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(256)
    except (OSError, OverflowError) as fault:
        listener.close()
        if getattr(fault, "errno", None) == errno.EADDRINUSE:
            raise UserError(f"--port {port} is in use. Write another, such as --port {port + 1}.") from None
        raise UserError(f"--host {host} --port {port} cannot be listened on: {str(fault).rstrip('.')}.") from None
    return listener
