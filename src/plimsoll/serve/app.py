"""The server as an ASGI app: a table of pages over one desk, with every cap on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

from plimsoll.errors import RequestError
from plimsoll.serve.caps import Caps
from plimsoll.serve.desk import Desk
from plimsoll.serve.journal import failed
from plimsoll.serve.monitor import Monitor
from plimsoll.serve.refusals import DUE, seconds_left
from plimsoll.serve.routes import JSON, Asked, Done, Headers, Keys, Reply, Route, Who, found

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class App:
    """Answers the pages of its table; what the desk answers is asked of the desk."""

    def __init__(self, desk: Desk, routes: Mapping[str, Route], keys: Keys, caps: Caps, monitor: Monitor) -> None:
        self.desk = desk
        self.monitor = monitor
        self.routes = dict(routes)
        self.ears: list[Callable[[Done], None]] = []  # are told of each request that came this way, once it is done
        self.streams: Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]] | None = None
        self._keys = keys
        self._caps = caps
        self._open = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and self.streams is not None:
            await self.streams(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"This app answers http, not {scope['type']}.")
        begun = perf_counter()
        self._open += 1
        try:
            reply = await self._answered(scope, receive)
            if reply is not None:
                await _send(send, reply)
                self._tell(scope, reply, perf_counter() - begun)
        finally:
            self._open -= 1

    async def _answered(self, scope: Mapping[str, Any], receive: Receive) -> Reply | None:
        """What goes back, whatever becomes of the request; None where the caller has gone."""
        path = scope["path"]
        try:
            if self._open > self._caps.open:
                raise RequestError("$", "too many requests at once. Try again in a second.", 503)
            return await self._reply(scope, receive)
        except RequestError as fault:
            return self._refused(path, fault)
        except Exception as fault:  # its words may hold what was asked, so they are not said
            failed(path, fault)
            return self._refused(path, RequestError("$", "the page failed on this request.", 500))

    def _tell(self, scope: Mapping[str, Any], reply: Reply, seconds: float) -> None:
        """Tells those who listen that a request is done."""
        path, ears = scope["path"], (*self.desk.ears, *self.ears)
        if ears:
            known = path in self.routes or path.encode() in self.desk.ways
            route = path if known else next((above for above in self.routes if path.startswith(f"{above}/")), "")
            told = Done(path, reply.status, seconds, reply.rows, scope["method"], route, dict(scope["headers"]))
            for ear in ears:
                ear(told)

    async def _reply(self, scope: Mapping[str, Any], receive: Receive) -> Reply | None:
        """What goes back; None where the caller has gone."""
        begun, path, headers = perf_counter(), scope["path"], dict(scope["headers"])
        way = path.encode()
        route = _DESK if way in self.desk.ways else found(self.routes, path) or self._nowhere(path)
        if scope["method"] not in route.methods:
            raise RequestError(path, f"takes {' or '.join(route.methods)}, not {scope['method']}.", 405)
        if not self._keys.admits(route.who, headers.get(b"authorization", b"")):
            raise RequestError("$", 'a token is needed: send the header "Authorization: Bearer …".', 401)
        most = self._caps.body if route.most is None else route.most
        body = await receive_body(receive, headers.get(b"content-length"), most, self._caps.seconds)
        if body is None:
            return None
        if route is _DESK:
            due = begun + seconds_left(headers[DUE]) if DUE in headers else float("inf")
            before = self.desk.counters.rows  # nobody else is answered meanwhile
            answer = self.desk.answer(body, way, due)
            return Reply(200, answer, rows=self.desk.counters.rows - before)
        return await route.answer(Asked(scope["method"], path, headers, body, scope.get("query_string", b"")))

    def _nowhere(self, path: str) -> Route:
        pages = [
            *(way.decode() for way in self.desk.ways),
            *(p for p, r in self.routes.items() if r.who is not Who.ADMIN),
        ]
        raise RequestError(path[:200], f"there is no such page. There are: {', '.join(pages)}.", 404)

    def _refused(self, path: str, fault: RequestError) -> Reply:
        """What goes back to one who is refused, in the words of the page's protocol."""
        body, route = self.desk.refused(fault), found(self.routes, path)
        if route is not None and route.said is not None:
            body = route.said(fault)
        return Reply(fault.status, body, JSON, self._fault_headers(fault))

    def _fault_headers(self, fault: RequestError) -> Headers:
        if fault.status == 405:
            route = found(self.routes, fault.path)
            return ((b"allow", ", ".join(route.methods if route else ("POST",)).encode()),)
        if fault.status == 401:
            return ((b"www-authenticate", b"Bearer"),)
        if fault.status == 429:
            return ((b"retry-after", b"1"),)
        if fault.status == 503:
            return ((b"retry-after", b"1"), (b"connection", b"close"))
        # What is left of the body is not read, so nothing else can come over this connection.
        return ((b"connection", b"close"),) if fault.status in (408, 413) else ()


async def _never(asked: Asked) -> Reply:
    raise AssertionError(asked.path)  # the desk answers it


_DESK = Route(_never, ("POST",))


async def receive_body(receive: Receive, declared: bytes | None, most: int, seconds: float) -> bytes | None:
    """The body, or None where the caller has gone. Raises RequestError when it is too large or too slow."""
    large = RequestError("$", f"the body is larger than {most} bytes.", 413)
    if declared is not None and declared.isdigit() and len(declared) < 20 and int(declared) > most:
        raise large
    parts, length = [], 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                part = message.get("body", b"")
                length += len(part)
                if length > most:
                    raise large
                parts.append(part)
                if not message.get("more_body", False):
                    return part if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise RequestError("$", f"the body did not arrive in {seconds:g} seconds.", 408) from None
    except asyncio.CancelledError:
        # The server was told to stop and waits no longer. Whoever is half-way through a request is told so.
        raise RequestError("$", "the server is stopping. Try again.", 503) from None


async def _send(send: Send, reply: Reply) -> None:
    fixed = [(b"content-type", reply.kind), (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": [*fixed, *reply.headers]})
    await send({"type": "http.response.body", "body": reply.body})
