"""The short way answers as the long way does, whatever the packets look like."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from uvicorn.server import ServerState

from plimsoll.policy.reading import read
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.caps import Caps
from plimsoll.serve.desk import Desk
from plimsoll.serve.gate import Gate
from plimsoll.serve.server import server
from plimsoll.serve.wire import Wire
from serving_toys import find, over, toy
from test_gate import TEXT

BODY = b'{"age": 39, "job": "cook"}'
TOKEN = "a-secret-of-twenty-letters"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


def post(body: bytes = BODY, *more: bytes, length: bytes | None = None) -> bytes:
    stated = b"content-length: %b" % (length or str(len(body)).encode())
    return b"\r\n".join([b"POST /predict HTTP/1.1", b"host: x", stated, *more, b"", body])


def talk(with_it: Talk, token: str | None = None, caps: Caps | None = None, gate: Gate | None = None) -> App:
    """A server on a port of its own for the length of one conversation."""
    caps = caps or Caps()
    app = over(Answerer(toy()), token, caps, gate)

    async def whole() -> None:
        config, state, loop = server(app, caps).config, ServerState(), asyncio.get_running_loop()
        made = await loop.create_server(
            lambda: config.http_protocol_class(config=config, server_state=state, app_state={}), "127.0.0.1", 0
        )
        reader, writer = await asyncio.open_connection(*made.sockets[0].getsockname())
        try:
            await asyncio.wait_for(with_it(reader, writer), 10.0)
        finally:
            writer.close()
            made.close()

    asyncio.run(whole())
    return app


async def told(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """(status, head, body) of one response."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return int(head[9:12]), head.lower(), await reader.readexactly(length)


def expected(body: bytes = BODY) -> bytes:
    return Answerer(toy()).answer(body)


def test_a_request_in_one_packet_or_in_many_is_the_same():
    """Byte by byte it takes longer, and is answered alike."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post())
        assert (await told(reader))[::2] == (200, expected())
        for byte in post():
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert (await told(reader))[::2] == (200, expected())

    talk(conversation)


def test_requests_sent_ahead_are_answered_in_order():
    """Short way, long way and a fault, all in one packet, on one connection."""
    young = b'{"age": 1}'
    ahead = post() + post(young) + b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n" + post(b"{") + post(young)

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ahead)
        found = [(await told(reader))[::2] for _ in range(5)]
        assert found[0] == (200, expected())
        assert found[1] == found[4] == (200, expected(young))
        assert found[2] == (200, b'{"status":"ok"}')
        assert found[3][0] == 400

    talk(conversation)


@pytest.mark.parametrize(
    "request_",
    [
        post(BODY, b"connection: close"),
        post().replace(b"HTTP/1.1", b"HTTP/1.0"),
        b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1a\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"POST /%70redict HTTP/1.1\r\nhost: x\r\ncontent-length: 26\r\n\r\n" + BODY,
    ],
    ids=["close", "1.0", "chunked", "quoted"],
)
def test_what_is_not_plain_goes_the_long_way_to_the_same_answer(request_: bytes):
    """A closing, an old, a chunked and an oddly spelled request."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(request_)
        assert (await told(reader))[::2] == (200, expected())

    talk(conversation)


def test_a_body_that_is_too_large_is_refused_unread():
    """Its length alone is enough to say so."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"", length=b"5000"))
        assert (await told(reader))[0] == 413

    talk(conversation, caps=Caps(body=1_000))


def test_a_wrong_token_is_refused_and_the_right_one_is_not():
    """Both on one connection."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(BODY, b"authorization: Bearer guess"))
        assert (await told(reader))[0] == 401
        writer.write(post(BODY, b"Authorization: Bearer " + TOKEN.encode()))
        assert (await told(reader))[::2] == (200, expected())

    talk(conversation, token=TOKEN)


@pytest.mark.parametrize("part", [post()[:12], post()[:-5]], ids=["head", "body"])
def test_a_request_that_never_ends_ends_its_connection(part: bytes):
    """Half a head or half a body holds a connection for its time and no longer; the next caller is answered."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post())
        assert (await told(reader))[0] == 200
        writer.write(part)
        assert (await told(reader))[0] == 408
        assert await reader.read() == b""

    talk(conversation, caps=Caps(seconds=0.2))


def test_a_caller_that_leaves_is_forgotten():
    """A connection closed with an answer due is no fault of the server's."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post() * 3)
        writer.transport.abort()
        await asyncio.sleep(0.05)

    talk(conversation)


def test_a_stopping_server_answers_what_it_has(monkeypatch: pytest.MonkeyPatch):
    """A request on the desk is answered, and its connection closed after it."""
    whole = Wire.on_message_complete

    def stops(self: Wire) -> None:
        whole(self)
        self.shutdown()

    monkeypatch.setattr(Wire, "on_message_complete", stops)

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post())
        status, head, body = await told(reader)
        assert (status, body) == (200, expected())
        assert b"connection: close" in head
        assert await reader.read() == b""

    talk(conversation)


def test_both_ways_are_counted_alike():
    """The counters do not care how a request came."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for request in (post(), post(BODY, b"connection: close")):
            writer.write(request)
            assert (await told(reader))[0] == 200

    app = talk(conversation)
    assert 'plimsoll_requests_total{status="200"} 2' in app.desk.counters.text()


def test_who_would_wait_too_long_is_told_so_and_may_ask_again(monkeypatch: pytest.MonkeyPatch):
    """429 with Retry-After, on a connection that stays; and what was turned away is counted."""
    room = iter([False, False, True])
    monkeypatch.setattr(Desk, "has_room", lambda self: next(room))

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in (post(), post()[:-3]):
            writer.write(part)
            await asyncio.sleep(0.01)
        writer.write(post()[-3:])
        for _ in range(2):
            status, head, body = await told(reader)
            assert status == 429
            assert b"retry-after: 1\r\n" in head
            assert b"connection: close" not in head
            assert json.loads(body)["error"]["message"].endswith("Try again in a second.")
        writer.write(post())
        assert (await told(reader))[::2] == (200, expected())

    app = talk(conversation)
    assert 'plimsoll_requests_total{status="429"} 2' in app.desk.counters.text()


def test_requests_sent_ahead_are_answered_in_order_where_there_is_no_room():
    """Nobody is turned away before those are answered who came before on the same connection."""
    bodies = [b'{"age": %d}' % age for age in range(30)]

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"".join(
                post(body, *([b"x-request-timeout-ms: 900"] * (place % 3 == 0))) for place, body in enumerate(bodies)
            )
        )
        for body in bodies:
            assert (await told(reader))[::2] == (200, expected(body))

    talk(conversation, caps=Caps(patience=1e-9))


def test_requests_sent_ahead_to_two_paths_are_answered_in_order(tmp_path: Path):
    """What the desk groups by path goes back in the order in which it came."""
    (tmp_path / "policy.toml").write_text(TEXT)
    decide = post(b'{"author": "ann"}').replace(b"/predict", b"/decide")

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((post() + decide) * 5)
        for _ in range(5):
            assert (await told(reader))[::2] == (200, expected())
            assert b"outcome" in (await told(reader))[2]

    answerer = Answerer(toy())
    talk(conversation, gate=Gate(read(tmp_path / "policy.toml", answerer.schema), answerer))


def test_a_caller_says_how_long_it_waits():
    """One that has waited long enough is not answered late but told so; nonsense is refused with its name."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for said, status in ((b"900", 200), (b"0.000001", 504), (b"soon", 400), (b"900", 200)):
            writer.write(post(BODY, b"x-request-timeout-ms: " + said))
            assert (await told(reader))[0] == status

    talk(conversation)
