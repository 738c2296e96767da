"""Callers that ask steadily and hold every answer against what it must be."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from loads.truth import PATHS, Truth

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
PATIENCE = 30.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Gone(Exception):
    """The server closed the connection before the answer was whole."""


@dataclass
class Tally:
    """What became of everything that was asked."""

    truth: Truth
    port: int
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    answered: dict[str, float] = field(default_factory=dict)  # numbers of decisions, and when their answer had come
    exposed: set[int] = field(default_factory=set)  # ports of connections to a worker that was killed
    stopping: bool = False

    def failed(self, what: str) -> None:
        self.counts["failed"] += 1
        if len(self.failures) < 50:
            self.failures.append(f"{time.strftime('%H:%M:%S')} {what}")

    def lost(self, own: int, what: str) -> None:
        """A connection broke: the server was being stopped, its worker was killed, or it is a failure."""
        if self.stopping:
            self.counts["unanswered at the stop"] += 1
        elif own in self.exposed:
            self.counts["broken by a kill"] += 1
        else:
            self.failed(f"{what}: the connection broke")

    def saw(self, mark: int, path: str, event: int, status: int, body: bytes) -> None:
        """Holds an answer against what it must be."""
        if status == 429:
            self.counts["told to come again"] += 1
            return
        answer = json.loads(body) if status == 200 else None
        number = answer.pop("id", "") if isinstance(answer, dict) else ""
        if number:
            self.answered[number] = time.time()
        if status != 200 or not self.truth.allows(mark, path, event, answer):
            self.failed(f"{path} event {event}: {status} {body[:200].decode(errors='replace')}")
        else:
            self.counts[f"right at {path}"] += 1


def request(path: str, body: bytes, more: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def open_to(port: int) -> Streams:
    return await asyncio.open_connection("127.0.0.1", port)


def own_port(writer: asyncio.StreamWriter) -> int:
    place: Any = writer.get_extra_info("sockname")
    return int(place[1]) if place else 0


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """(status, body). Raises Gone, and TimeoutError after half a minute."""
    try:
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            return int(head[9:12]), await reader.readexactly(int(length[1])) if length else await reader.read()
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        raise Gone from None


async def caller(tally: Tally, rate: float, seed: int) -> None:
    """One caller: asks, checks and pauses, over one connection for as long as it holds."""
    drawn, streams = random.Random(seed), None
    while not tally.stopping or streams is not None:
        began = time.monotonic()
        try:
            streams = streams or await open_to(tally.port)
        except OSError:
            if tally.stopping:
                return
            tally.failed("no connection")
            await asyncio.sleep(0.1)
            continue
        if not await _one(tally, streams, drawn):
            streams[1].close()
            streams = None
        await asyncio.sleep(max(0.0, 1 / rate * drawn.uniform(0.5, 1.5) - (time.monotonic() - began)))


async def _one(tally: Tally, streams: Streams, drawn: random.Random) -> bool:
    """Whether the connection still stands after a request."""
    reader, writer = streams
    path, event = (PATHS[0] if drawn.random() < 0.8 else PATHS[1]), drawn.randrange(len(tally.truth.bodies))
    own, mark = own_port(writer), tally.truth.mark()
    try:
        writer.write(request(path, tally.truth.bodies[event]))
        status, body = await read_answer(reader)
    except (Gone, OSError, TimeoutError) as fault:
        tally.lost(own, f"{path} {type(fault).__name__}")
        return False
    tally.saw(mark, path, event, status, body)
    return True
