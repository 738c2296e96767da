"""Callers as they should not be: they leave, stall, talk rubbish, send too much or too slowly. Each must be told so, and
nobody else may notice."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections.abc import Awaitable, Callable

from loads.steady import PATIENCE, Gone, Tally, open_to, own_port, read_answer, request

LEFT = b'"n7":-999.0'  # in what is decided for somebody who has left, so that its record can be told
Nuisance = Callable[[Tally, random.Random], Awaitable[None]]


async def told(tally: Tally, sent: bytes, statuses: tuple[int, ...], what: str) -> None:
    """Sends bytes, and expects one of these statuses."""
    _, writer = streams = await open_to(tally.port)
    own = own_port(writer)
    try:
        writer.write(sent)
        status, body = await read_answer(streams[0])
        if status not in (*statuses, 429):
            tally.failed(f"{what}: {status} {body[:120].decode(errors='replace')}, not {statuses}")
        else:
            tally.counts[f"told {status}: {what}"] += 1
    except (Gone, OSError, TimeoutError) as fault:
        tally.lost(own, f"{what} {type(fault).__name__}")
    finally:
        writer.close()


async def leaves(tally: Tally, drawn: random.Random) -> None:
    """Goes somewhere in the middle of a request, politely or not."""
    whole = request("/decide", drawn.choice(tally.truth.bodies))
    _, writer = await open_to(tally.port)
    writer.write(whole[: drawn.randrange(1, len(whole) - 1)])
    await asyncio.sleep(drawn.random() * 0.05)
    _hang_up(writer, drawn)
    tally.counts["left in mid-request"] += 1


async def leaves_unanswered(tally: Tally, drawn: random.Random) -> None:
    """Asks, and does not wait for the answer."""
    body = drawn.choice(tally.truth.bodies)
    place = body.index(b'"n7":')
    ends = min(found for found in (body.find(b",", place), body.find(b"}", place)) if found > 0)
    _, writer = await open_to(tally.port)
    writer.write(request("/decide", body[:place] + LEFT + body[ends:]))
    await asyncio.sleep(drawn.random() * 0.002)
    _hang_up(writer, drawn)
    tally.counts["left before the answer"] += 1


def _hang_up(writer: asyncio.StreamWriter, drawn: random.Random) -> None:
    if drawn.random() < 0.5:  # with a reset instead of an end
        made = writer.get_extra_info("socket")
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


async def stalls(tally: Tally, drawn: random.Random) -> None:
    """Half a head, then nothing: ended by the server in its time."""
    await told(tally, b"POST /decide HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le", (408,), "half a head")


async def talks_rubbish(tally: Tally, drawn: random.Random) -> None:
    await told(tally, b"\x16\x03\x01" + drawn.randbytes(200) + b"\r\n\r\n", (400,), "no HTTP")


async def writes_no_json(tally: Tally, drawn: random.Random) -> None:
    body, statuses = drawn.choice(
        [
            (b'{"n0": 1.0', (400,)),
            (b"\xff\xfe", (400,)),
            (b'{"n0": "far"}', (422,)),
            (b'{"n99": 1}', (422,)),
            (b"7", (422,)),
        ]
    )
    await told(tally, request(drawn.choice(("/decide", "/predict")), body), statuses, "a wrong body")


async def asks_elsewhere(tally: Tally, drawn: random.Random) -> None:
    sent, status = drawn.choice(
        [
            (b"GET /decide HTTP/1.1\r\nHost: h\r\n\r\n", 405),
            (request("/nowhere", b"{}"), 404),
            (request("/admin/swap", b"{}", "Authorization: Bearer no\r\n"), 401),
        ]
    )
    await told(tally, sent, (status,), "another page")


async def sends_too_much(tally: Tally, drawn: random.Random) -> None:
    head = b"POST /decide HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n"
    await told(tally, head + b"[" * 100_000, (413,), "too large a body")


async def writes_slowly(tally: Tally, drawn: random.Random) -> None:
    """A request in many small pieces over some seconds: answered as any other."""
    event = drawn.randrange(len(tally.truth.bodies))
    whole = request("/decide", tally.truth.bodies[event])
    reader, writer = await open_to(tally.port)
    own = own_port(writer)
    try:
        for place in range(0, len(whole), 20):
            mark = tally.truth.mark()
            writer.write(whole[place : place + 20])
            await asyncio.sleep(0.1 * drawn.random() if place + 20 < len(whole) else 0.0)
        tally.saw(mark, "/decide", event, *await read_answer(reader))
        tally.counts["wrote slowly"] += 1
    except (Gone, OSError, TimeoutError) as fault:
        tally.lost(own, f"a slow writer {type(fault).__name__}")
    finally:
        writer.close()


ALL: tuple[tuple[Nuisance, float], ...] = (  # and seconds between two of them
    (leaves, 0.1),
    (leaves_unanswered, 0.1),
    (stalls, 2.0),
    (talks_rubbish, 0.2),
    (writes_no_json, 0.1),
    (asks_elsewhere, 0.2),
    (sends_too_much, 0.5),
    (writes_slowly, 0.5),
)


async def nuisances(tally: Tally) -> None:
    """All of them, again and again, until the server is stopped. Those under way at the end are seen through."""
    under_way: set[asyncio.Task[None]] = set()
    drawn, due = random.Random(99), [time.monotonic()] * len(ALL)
    while not tally.stopping:
        for place, (one, every) in enumerate(ALL):
            if time.monotonic() >= due[place]:
                due[place] += every
                task = asyncio.create_task(_safe(one, tally, drawn))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
        await asyncio.sleep(0.02)
    await asyncio.wait(under_way, timeout=PATIENCE) if under_way else None


async def _safe(one: Nuisance, tally: Tally, drawn: random.Random) -> None:
    try:
        await one(tally, drawn)
    except OSError as fault:
        if not tally.stopping:
            tally.failed(f"{one.__name__}: {fault}")
