"""The server: a plain ASGI app over one Answerer, with every cap on, and the way to run it."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from plimsoll.bundle import read
from plimsoll.errors import MissingExtra, RequestError
from plimsoll.serve.address import check_address, listen
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.caps import Caps
from plimsoll.serve.counters import Counters
from plimsoll.serve.desk import Answering, Desk
from plimsoll.serve.openapi import page

if TYPE_CHECKING:
    from plimsoll.serve.gate import Gate  # a server without a policy need not know what one is
    from plimsoll.serve.policed import Orders
    from plimsoll.serve.review import Review

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_JSON, _PROMETHEUS = b"application/json", b"text/plain; version=0.0.4; charset=utf-8"
MOST_FORM = 20_000  # bytes of a reviewer's form
_PAGES = {"/health": "GET", "/metrics": "GET", "/openapi.json": "GET"}


class App:
    """Answers ``POST /predict``, ``GET /health``, ``GET /metrics`` and ``GET /openapi.json``; with a gate, ``POST /decide``."""

    def __init__(
        self,
        answerer: Answerer,
        token: str | None = None,
        caps: Caps | None = None,
        gate: Gate | None = None,
        review: Review | None = None,
    ) -> None:
        self._answerer = answerer
        self._caps = caps or Caps()
        self._counters = Counters()
        ways: dict[bytes, Answering] = {b"/predict": answerer}
        if gate is not None:
            ways[b"/decide"] = gate
        self.desk = Desk(ways, self._counters, token, self._caps)
        self._review = review
        appeals = {"/appeal": "POST"} if review is not None else {}
        self._methods = {**{way.decode(): "POST" for way in ways}, **appeals, **_PAGES}
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
        if self._review is not None and (path == "/review" or path.startswith("/review/")):
            return await self._reviewed(self._review, scope, receive, send)
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
        if body is None:
            return None
        if path == "/appeal" and self._review is not None:
            return await _send(send, 202, await asyncio.to_thread(_appealed, self._review, body))
        return await _send(send, 200, self.desk.answer(body, path.encode()))

    async def _reviewed(self, review: Review, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """A page for people; who they are, the page asks itself."""
        if scope["method"] not in ("GET", "POST"):
            raise RequestError(scope["path"], f"takes GET or POST, not {scope['method']}.", 405)
        headers = dict(scope["headers"])
        body = await receive_body(receive, headers.get(b"content-length"), replace(self._caps, body=MOST_FORM))
        if body is not None:
            found = await review.reply(scope["method"], scope["path"], headers, body)
            await _send(send, found.status, found.body, found.kind, found.headers)

    def _admit(self, given: bytes) -> None:
        if not self.desk.knows(given):
            raise RequestError("$", 'a token is needed: send the header "Authorization: Bearer …".', 401)

    async def _refuse(self, send: Send, fault: RequestError) -> None:
        allowed = self._methods.get(fault.path, "") if fault.status == 405 else ""
        await _send(send, fault.status, self.desk.refused(fault), more=_fault_headers(fault, allowed))


def _appealed(review: Review, body: bytes) -> bytes:
    """Takes an appeal: ``{"id": "…", "because": "…"}``."""
    try:
        told = msgspec.json.decode(body, type=_Appeal)
    except msgspec.DecodeError as fault:
        raise RequestError("$", f'an appeal is {{"id": "…", "because": "…"}}: {fault}') from None
    return msgspec.json.encode({"id": review.appeal(told.id, told.because)})


class _Appeal(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    because: str = ""


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
    orders: Orders | None = None,
) -> None:
    """Serve until told to stop. Raises UserError where the address is open to others without a token, or is taken."""
    check_address(host, token)
    with listen(host, port) as listener:
        app, keeping = _with(orders, bundle_path, token, caps or Caps())
        made = server(app, caps)
        shown = f"[{host}]" if ":" in host else host
        place = f"http://{shown}:{listener.getsockname()[1]}"
        print(f"Serving {bundle_path} on {place}", file=sys.stderr, flush=True)
        if orders is not None and orders.queue is not None:
            print(f"People review at {place}/review", file=sys.stderr, flush=True)
        with keeping:
            made.run(sockets=[listener])


def _with(
    orders: Orders | None, bundle_path: Path | str, token: str | None, caps: Caps
) -> tuple[App, AbstractContextManager[None]]:
    """The app, and what keeps its decisions while it serves."""
    if orders is None:
        return ready(bundle_path, token, caps)[0], nullcontext()
    from plimsoll.serve.policed import policed

    answerer = Answerer(read(bundle_path), caps.rows)
    made = policed(orders, answerer, token, caps.rows)
    return App(answerer, token, caps, made.gate, made.review), made.keeping()
