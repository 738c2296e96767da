"""Streams over WebSocket, at ``/stream``: the edge between a socket and a ``Line``.

The first message says what comes, the answer to it what is told; then packets one way and answers the other. A stream keeps
the version that it began with, whatever is swapped meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any

import msgspec

from plimsoll.errors import RequestError, UserError
from plimsoll.rows import Value
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.counters import Counters
from plimsoll.serve.journal import failed, tell
from plimsoll.serve.line import Line, Watch
from plimsoll.serve.outbox import Overflow
from plimsoll.serve.packets import hello
from plimsoll.serve.refusals import said
from plimsoll.serve.routes import Asked, Keys, Reply, Route, Who
from plimsoll.serve.served import Served
from plimsoll.serve.stream_counts import StreamCounts
from plimsoll.serve.streams import Bounds
from plimsoll.streaming import layout_heard

PATH = "/stream"
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_HELLO = 10.0  # seconds for the first message
_CLOSING = 5.0  # seconds for a last word to be taken
_LONGEST = 123  # bytes of a reason, as the protocol has it (RFC 6455)
_CODES = {"done": 1000, "malformed": 1007, "refused": 1008, "idle": 1008, "slow": 1013, "failed": 1011}


class _Ended(Exception):
    """A stream is at its end: why, in one of few words, and a sentence."""

    def __init__(self, why: str, reason: str) -> None:
        super().__init__(reason)
        self.why, self.reason = why, reason


class Streams:
    """Takes the streams of a server whose bundle decodes."""

    def __init__(
        self, served: Served, keys: Keys, counters: Counters, bounds: Bounds | None = None, watch: Watch | None = None
    ) -> None:
        self.bounds = bounds or Bounds()
        self._served = served
        self._keys = keys
        self._counters = counters
        self._counts = counters.streams = counters.streams or StreamCounts()
        self._watch = watch
        self._open = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        await receive()  # the wish to connect
        try:
            answerer = self._admitted(scope)
        except RequestError as fault:
            self._counters.refused(fault.status)
            await _refuse(send, fault)
            return
        self._counts.open += 1
        self._open += 1
        why = "left"
        try:
            await send({"type": "websocket.accept"})
            why = await self._stream(answerer, receive, send)
        except OSError:  # whoever asked has gone: uvicorn says so in a kind of OSError of its own
            pass
        finally:
            self._open -= 1
            self._counts.end(why)

    def _admitted(self, scope: Mapping[str, Any]) -> Answerer:
        """Who answers a new stream. Raises RequestError."""
        headers = dict(scope["headers"])
        if scope["path"] != PATH:
            raise RequestError(scope["path"][:200], f"streams are at {PATH}.", 404)
        if not self._keys.admits(Who.CALLER, headers.get(b"authorization", b"")):
            raise RequestError("$", 'a token is needed: send the header "Authorization: Bearer …".', 401)
        # Any page that a browser shows may open a socket to this machine; it says where it comes from.
        origin = headers.get(b"origin", b"").partition(b"://")[2]
        if origin and self._keys.caller is None and origin != headers.get(b"host", b""):
            raise RequestError("origin", "a page from elsewhere may not open a stream here.", 403)
        answerer = self._served.now.answerer
        if answerer.bundle.job.decode is None:
            raise RequestError(PATH, "the bundle that answers now does not decode. Ask /predict.", 404)
        if self._open >= self.bounds.open:
            raise RequestError("$", f"{self.bounds.open} streams are open already. Try again later.", 503)
        return answerer

    async def _stream(self, answerer: Answerer, receive: Receive, send: Send) -> str:
        """Hears a stream to its end; why it ended comes back."""
        try:
            line = await self._begun(answerer, receive, send)
            if line is None:
                return "left"
            async with _telling(line, send) as wake:
                await self._hear(line, receive, wake)
            return "left"
        except _Ended as end:
            await _close(send, end)
            return end.why

    async def _begun(self, answerer: Answerer, receive: Receive, send: Send) -> Line | None:
        """A stream whose first message has come and been answered; None where whoever asked has gone."""
        first = await _next(receive, _HELLO, "the first message did not come in {:g} seconds.")
        if first is None:
            return None
        try:
            asked = hello(first, layout_heard(answerer.bundle.job, answerer.schema))
            line = Line(answerer.session(asked.person), asked, self.bounds, self._counts, self._watching(answerer))
        except UserError as fault:
            raise await _told(send, fault) from None
        await send({"type": "websocket.send", "text": msgspec.json.encode({"ready": ready(line)}).decode()})
        return line

    def _watching(self, answerer: Answerer) -> Watch | None:
        """Has the moments of a stream watched, while the version that it began with is the one that answers."""
        watch = self._watch
        if watch is None:
            return None

        def note(values: Sequence[Value], probabilities: list[float]) -> None:
            if self._served.now.answerer is answerer:
                watch(values, probabilities)

        return note

    async def _hear(self, line: Line, receive: Receive, wake: asyncio.Event) -> None:
        """Until whoever sends has gone. Raises _Ended for any other end."""
        last = monotonic()
        while True:
            due = last + self.bounds.idle
            wait = (due if line.due is None else min(due, line.due)) - monotonic()
            message = await _waited(receive, wait)
            now = monotonic()
            if message is not None:
                if message["type"] == "websocket.disconnect":
                    return
                last = now
                data = message.get("bytes")
                await _through(line, line.hear(data if data is not None else message["text"], now), wake)
            elif now >= due:
                raise _Ended("idle", f"nothing came for {self.bounds.idle:g} seconds.")
            else:
                await _through(line, line.lapse(now), wake)
            if line.ended:
                raise _Ended("done", "")


def ready(line: Line) -> dict[str, Any]:
    """What is told to whoever begins a stream: what is heard, when moments are, and what may be sent."""
    session, bounds = line.session, line.bounds
    layout, decode, schema = session.layout, session.bundle.job.decode, session.bundle.schema
    assert decode is not None
    return {
        "target": schema.target,
        "classes": [schema.class_value(index) for index in range(len(schema.classes))],
        "channels": list(layout.channels),
        "rate": session.rate,
        "first": layout.frames(decode.window) / layout.rate,
        "stride": layout.frames(decode.stride) / layout.rate,
        "person": session.person,
        "events": session.bundle.rule is not None,
        "symbols": session.bundle.spelling is not None,
        "digest": str(session.bundle.facts.get("digest", ""))[:12],
        "bounds": {"packet": bounds.packet, "reorder": bounds.reorder, "fill": bounds.fill, "idle": bounds.idle},
    }


async def _page(asked: Asked) -> Reply:
    raise RequestError(PATH, "streams come over WebSocket: connect to ws://…/stream.", 426)


PAGE = Route(_page)  # for whoever asks without a socket


@asynccontextmanager
async def _telling(line: Line, send: Send) -> AsyncIterator[asyncio.Event]:
    """Sends what the line has to tell, beside the hearing: whoever reads slowly is waited for here, and nowhere else.

    When the stream has come to its own end, what is left is told with a last word.
    """
    wake = asyncio.Event()

    async def tell_all() -> None:
        while await wake.wait():
            wake.clear()
            while (message := line.outbox.take()) is not None:
                await send({"type": "websocket.send", "text": message.decode()})

    task = asyncio.create_task(tell_all())
    try:
        yield wake
    except _Ended as end:
        if end.why == "done":
            await _last(line, wake, send)
        raise
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await task


async def _last(line: Line, wake: asyncio.Event, send: Send) -> None:
    """The last word, after all that came before it. Raises _Ended where it is not taken."""
    try:
        async with asyncio.timeout(_CLOSING):
            while line.outbox:
                wake.set()
                await asyncio.sleep(0.001)
            message = line.outbox.take(line.summary())
            assert message is not None
            await send({"type": "websocket.send", "text": message.decode()})
    except TimeoutError:
        raise _Ended("slow", "the last answers were not taken.") from None


async def _through(line: Line, steps: Iterator[None], wake: asyncio.Event) -> None:
    """Takes the steps of a message, others being answered between them. Raises _Ended where that is the end."""
    try:
        for _ in steps:
            if line.outbox:
                wake.set()
            await asyncio.sleep(0)
    except RequestError as fault:
        why = {429: "refused", 413: "refused"}.get(fault.status, "failed" if fault.status >= 500 else "malformed")
        raise _Ended(why, str(fault) if fault.path != "$" else fault.reason) from None
    except Overflow as fault:
        told = f"answers are read too slowly: {fault}, and are not told."
        raise _Ended("slow", told) from None
    except Exception as fault:  # its words may hold what was sent, so they are not said
        failed(PATH, fault)
        raise _Ended("failed", "the model failed on this stream.") from None
    if line.outbox:
        wake.set()
    await asyncio.sleep(0)  # the next message may be here already, and others wait for their turn


async def _waited(receive: Receive, seconds: float) -> Mapping[str, Any] | None:
    """The next message, or None where none comes in time."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            return await receive()
    except TimeoutError:
        return None


async def _next(receive: Receive, seconds: float, words: str) -> str | bytes | None:
    message = await _waited(receive, seconds)
    if message is None:
        raise _Ended("idle", words.format(seconds))
    if message["type"] == "websocket.disconnect":
        return None
    text: str | bytes | None = message.get("text")
    return message["bytes"] if text is None else text


async def _told(send: Send, fault: UserError) -> _Ended:
    """Says all of what is wrong, for which the reason of an end may be too short; the end comes back."""
    known = fault if isinstance(fault, RequestError) else RequestError("$", str(fault))
    await send({"type": "websocket.send", "text": said(known).decode()})
    return _Ended("malformed" if known.status < 500 else "failed", str(known) if known.path != "$" else known.reason)


async def _close(send: Send, end: _Ended) -> None:
    """Ends a connection with its reason; whoever reads nothing is waited for no longer than a moment."""
    if end.why != "done":
        tell("stream", f"A stream ended: {end.reason}", why=end.why)
    reason = end.reason.encode()[:_LONGEST].decode(errors="ignore")
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(_CLOSING):
            await send({"type": "websocket.close", "code": _CODES[end.why], "reason": reason})


async def _refuse(send: Send, fault: RequestError) -> None:
    """Says no before there is a stream, as to any other request."""
    headers = [(b"content-type", b"application/json")]
    if fault.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "websocket.http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": said(fault)})
