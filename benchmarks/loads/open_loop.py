"""An open-loop client: requests fall due by a clock, whether or not earlier ones were answered.

    python open_loop.py PORT PATH BODIES.jsonl RATE SECONDS CORE [SEED]

Arrivals are a Poisson process of RATE a second. A request that is due goes out over a connection that is free, or a new
one, up to ``MOST`` at once; only then does it wait for one, as it would in front of any client. Its time is counted from
when it was *due*, so a server that stalls pays for everyone who came meanwhile (no coordinated omission; Tene 2013).
After ``PATIENCE`` the client gives up, closes the connection and counts a timeout.

One process, one epoll, plain sockets. ``behind`` is the share of requests that this client itself took up more than a
millisecond after they were due: above one in a hundred, the figures speak of the client and not of the server.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import random
import resource
import select
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "peers_http"))
from load import requests, whole

MOST = 1_000  # connections at once
PATIENCE = 2.0  # seconds from when a request was due
LATE = 1e-3
SAMPLE = 50  # every so many answers, one is kept to be read after the window
_SHED = (b"429", b"503")


class Connection:
    """A socket with at most one request on its way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect_ex(("127.0.0.1", port))
        self.place = self.socket.fileno()
        self.due = 0.0
        self.busy = False
        self._left = memoryview(b"")
        self._held = b""

    def ask(self, due: float, request: bytes) -> bool:
        """Whether all of the request has gone out; else ``more`` is to be called once the socket takes more."""
        self.due, self.busy, self._held, self._left = due, True, b"", memoryview(request)
        return self.more()

    def more(self) -> bool:
        try:
            while self._left:
                self._left = self._left[self.socket.send(self._left) :]
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as fault:
            return fault.errno != 107  # not yet connected; a broken one is found when it is read
        return True

    def answer(self) -> bytes | None:
        """The answer once all of it is there, nothing before; None where the server has closed the connection."""
        try:
            part = self.socket.recv(262_144)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError:
            return None
        if not part:
            return None
        self._held = self._held + part if self._held else part
        return self._held if whole(self._held) else b""


class Client:
    """Sends what is due, and notes what became of it."""

    def __init__(self, port: int, asks: Iterator[bytes], dues: Sequence[float]) -> None:
        self._port, self._asks, self._dues = port, asks, deque(dues)
        self._poll = select.epoll()
        self._all: dict[int, Connection] = {}
        self._free: list[Connection] = []
        self._sent: deque[tuple[float, Connection]] = deque()  # in the order in which they were due
        self.counts: Counter[str] = Counter()
        self.took: list[float] = []
        self.refused_in: list[float] = []
        self.kept: list[bytes] = []

    def run(self) -> None:
        """Until every request was answered, refused, broken or given up."""
        while self._dues or any(each.busy for each in self._all.values()):
            self._send_due()
            self._give_up()
            self._wait()
            for place, event in self._poll.poll(0):
                self._heard(self._all[place], event)

    def _send_due(self) -> None:
        clock, dues = time.perf_counter, self._dues
        while dues and dues[0] <= (now := clock()):
            if not self._free and len(self._all) >= MOST:
                self._drop_overdue(now)
                return
            due = dues.popleft()
            self.counts["behind"] += now - due > LATE and not self.counts["crowded"]
            self._send(self._free.pop() if self._free else self._open(), due)
        self.counts["crowded"] = 0

    def _drop_overdue(self, now: float) -> None:
        """Requests for which no connection has become free in time. What follows is late for their sake, not the client's."""
        self.counts["crowded"] = 1
        while self._dues and self._dues[0] < now - PATIENCE:
            self._dues.popleft()
            self.counts["timeout"] += 1

    def _open(self) -> Connection:
        made = Connection(self._port)
        self._all[made.place] = made
        self._poll.register(made.place, select.EPOLLIN)
        self.counts["opened"] += 1
        return made

    def _send(self, connection: Connection, due: float) -> None:
        if not connection.ask(due, next(self._asks)):
            self._poll.modify(connection.place, select.EPOLLIN | select.EPOLLOUT)
        self._sent.append((due, connection))

    def _give_up(self) -> None:
        early = time.perf_counter() - PATIENCE
        while self._sent:
            due, connection = self._sent[0]
            waits = connection.busy and connection.due == due  # and does not ask something else by now
            if waits and due >= early:
                return
            self._sent.popleft()
            if waits:
                self._close(connection, "timeout")

    def _wait(self) -> None:
        """Until something happens or is due. An epoll knows milliseconds only, so another select waits for it."""
        next_due = self._dues[0] - time.perf_counter() if self._dues else PATIENCE / 10
        if self.counts["crowded"]:
            next_due = 1e-3
        if next_due > 0:
            select.select([self._poll.fileno()], [], [], min(next_due, 0.1))

    def _heard(self, connection: Connection, event: int) -> None:
        if event & select.EPOLLOUT and connection.more():
            self._poll.modify(connection.place, select.EPOLLIN)
        if not event & ~select.EPOLLOUT:
            return
        answer = connection.answer()
        if answer is None:
            self._close(connection, "broken")
        elif answer and connection.busy:
            self._note(connection, answer)

    def _note(self, connection: Connection, answer: bytes) -> None:
        took, status = time.perf_counter() - connection.due, answer[9:12]
        connection.busy = False
        if status == b"200":
            self.took.append(took)
            if len(self.took) % SAMPLE == 1:
                self.kept.append(answer)
        elif status in _SHED:
            self.refused_in.append(took)
        else:
            self.counts["wrong " + status.decode(errors="replace")] += 1
        if b"connection: close" in answer[: answer.find(b"\r\n\r\n")].lower():
            self._close(connection, "")
        else:
            self._free.append(connection)

    def _close(self, connection: Connection, why: str) -> None:
        """``why`` counts only where somebody waits for an answer."""
        if connection.busy:
            self.counts[why] += 1
        elif connection in self._free:
            self._free.remove(connection)
        connection.busy = False
        self._all.pop(connection.place)
        connection.socket.close()  # which takes it out of the epoll


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """Moments of a Poisson process, in seconds from its start."""
    drawn, now, found = random.Random(seed), 0.0, []
    while (now := now + drawn.expovariate(rate)) < seconds:
        found.append(now)
    return found


def part(times: Sequence[float], share: float) -> float | None:
    """A quantile in seconds; None where there is nothing."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))] if times else None


def figures(client: Client, sent: int, seconds: float, busy: float) -> dict[str, Any]:
    counts, answered, refused = client.counts, len(client.took), len(client.refused_in)
    wrong = {name: count for name, count in counts.items() if name.startswith("wrong") and count}
    return {
        "offered": sent / seconds,
        "goodput": answered / seconds,
        "requests": sent,
        "answered": answered,
        "p50": part(client.took, 0.5),
        "p99": part(client.took, 0.99),
        "refused": refused / sent,
        "refused_p50": part(client.refused_in, 0.5),
        "refused_p99": part(client.refused_in, 0.99),
        "timeout": counts["timeout"] / sent,
        "broken": (counts["broken"] + sum(wrong.values())) / sent,
        "wrong": wrong,
        "behind": counts["behind"] / sent,
        "opened": counts["opened"],
        "client_busy": busy,
    }


def main(port: str, path: str, bodies: str, rate: str, seconds: str, core: str, seed: str = "0") -> None:
    os.sched_setaffinity(0, {int(core)})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4 * MOST), most))
    asks = itertools.cycle(requests(path, Path(bodies).read_bytes().splitlines()))
    begin = time.perf_counter() + 0.1
    dues = [begin + each for each in arrivals(float(rate), float(seconds), int(seed))]
    client = Client(int(port), asks, dues)
    gc.freeze()
    gc.disable()  # a client that stops to collect would be late
    wall, cpu = time.perf_counter(), time.process_time()
    client.run()
    busy = (time.process_time() - cpu) / (time.perf_counter() - wall)
    samples = [answer[answer.find(b"\r\n\r\n") + 4 :].decode() for answer in client.kept[:20]]
    print(json.dumps({**figures(client, len(dues), float(seconds), busy), "samples": samples}))


if __name__ == "__main__":
    main(*sys.argv[1:])
