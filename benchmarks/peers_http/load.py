"""The client: a closed loop of keep-alive connections in a process of its own, on a core that no server uses.

    python load.py PORT PATH BODIES.jsonl CONNECTIONS SECONDS CORE [many]

With ``many`` a request is of many rows, and one that is told to come again (429, 503) is not counted. Each connection sends its next request when it has the whole of the last answer. One loop over epoll, plain sockets and
the standard library: it can ask several times more than any server here can answer, and says how busy it was.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import select
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WARM = 0.4  # seconds asked before the window, and thrown away
SAMPLE = 50  # every so many answers, one is kept to be read after the window
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def requests(path: str, bodies: list[bytes]) -> list[bytes]:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nContent-Type: application/json\r\n".encode()
    return [head + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies]


def whole(answer: bytes) -> bool:
    """Whether an answer has all come: as long as its header says, or to the end of its last chunk."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    if length := _LENGTH.search(answer, 0, end + 2):
        return len(answer) >= end + 4 + int(length[1])
    return answer.endswith(b"0\r\n\r\n")


class Connection:
    """A socket with one request on its way."""

    may: tuple[bytes, ...] = ()  # how answers begin that are no mistake and do not count

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent, self._held = 0, b""

    def send(self, request: bytes) -> None:
        self.sent = time.perf_counter_ns()
        self.socket.sendall(request)

    def answer(self) -> bytes:
        """The answer, or nothing while a part of it is still to come. Every status is looked at."""
        part = self.socket.recv(65_536)
        if not part:
            raise SystemExit("the server closed a connection")
        found = self._held + part if self._held else part
        if not whole(found):
            self._held = found
            return b""
        self._held = b""
        if not found.startswith((b"HTTP/1.1 200", *self.may)):
            raise SystemExit(f"not 200: {found[:300]!r}")
        return found


def ask(connections: list[Connection], asks: Iterator[bytes], seconds: float) -> tuple[list[int], list[bytes]]:
    """Nanoseconds that each answer took, and some of the answers."""
    clock, took, kept = time.perf_counter_ns, [], []
    waiting = {each.socket.fileno(): each for each in connections}
    with select.epoll() as poll:
        for place, connection in waiting.items():
            poll.register(place, select.EPOLLIN)
            connection.send(next(asks))
        end, left = clock() + int(seconds * 1e9), len(waiting)
        while left:
            events = poll.poll(20.0)
            if not events:
                raise SystemExit("no answer in 20 seconds")
            for place, _ in events:
                connection = waiting[place]
                if not (answer := connection.answer()):
                    continue
                now = clock()
                if answer.startswith(b"HTTP/1.1 200"):
                    took.append(now - connection.sent)
                    if len(took) % SAMPLE == 1:
                        kept.append(answer)
                if now < end:
                    connection.send(next(asks))
                else:
                    left -= 1
    return took, kept


def numbers(value: Any) -> list[float]:
    """Every number in a JSON value."""
    if isinstance(value, dict | list):
        return [n for part in (value.values() if isinstance(value, dict) else value) for n in numbers(part)]
    return [value] if isinstance(value, float | int) else []


def check(answer: bytes) -> None:
    """An answer holds the probabilities of two classes, whatever form it has."""
    found = numbers(json.loads(answer[answer.find(b"{") : answer.rfind(b"}") + 1]))
    if len(found) != 2 or min(found) < 0 or abs(sum(found) - 1) > 1e-6:
        raise SystemExit(f"not two probabilities: {answer[:300]!r}")


def main(port: str, path: str, bodies: str, count: str, seconds: str, core: str, many: str = "") -> None:
    os.sched_setaffinity(0, {int(core)})
    Connection.may = (b"HTTP/1.1 429", b"HTTP/1.1 503") if many else ()
    asks = itertools.cycle(requests(path, Path(bodies).read_bytes().splitlines()))
    connections = [Connection(int(port)) for _ in range(int(count))]
    warm, _ = ask(connections, asks, WARM)
    wall, cpu = time.perf_counter(), time.process_time()
    took, kept = ask(connections, asks, float(seconds))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    for answer in kept if not many else ():
        check(answer)
    took.sort()
    p50, p99 = took[len(took) // 2] / 1e3, took[int(len(took) * 0.99)] / 1e3
    figures = {
        "requests": len(took),
        "with_warm": len(warm) + len(took),
        "rps": len(took) / wall,
        "p50_us": p50,
        "p99_us": p99,
    }
    print(json.dumps({**figures, "client_busy": cpu / wall, "checked": len(kept)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
