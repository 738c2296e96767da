"""Where requests of one turn of the event loop meet, and are answered together.

Sixteen callers that ask at once cost one walk through a forest instead of sixteen, where that has been quicker. Nobody
waits for company: the desk answers at the end of the turn in which a request came, and a lone request takes the path that
the meter measures. Who would have to wait longer than was promised is told so at once (429), and costs next to nothing.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import NamedTuple, Protocol

from plimsoll.errors import RequestError
from plimsoll.rows import Value
from plimsoll.serve.caps import Caps
from plimsoll.serve.counters import Counters
from plimsoll.serve.journal import Overload, failed
from plimsoll.serve.pace import Pace
from plimsoll.serve.refusals import DUE, SHED, gone, late, said, seconds_left, shed
from plimsoll.serve.routes import Done, Keys, Who

Headers = Sequence[tuple[bytes, bytes]]  # names in lower case
_TURN = 1e-3  # seconds of answering before those are heard who came meanwhile; more where a single answer takes more


class Asker(Protocol):
    """Whoever put a request on the desk, and is told what comes of it."""

    def reply(self, status: int, body: bytes) -> None: ...


class Answering(Protocol):
    """Who is asked: an answerer, or a gate."""

    def answer_counted(self, body: bytes) -> tuple[bytes, int]: ...

    def answer_all(self, bodies: Sequence[bytes]) -> Sequence[tuple[bytes, int] | RequestError]: ...


class Way(Answering, Protocol):
    """A version's own answerer or gate: it can also be asked without a trace, and say what it was asked about."""

    def quiet(self) -> Answering: ...

    def cells(self, body: bytes) -> Sequence[Sequence[Value]]: ...


Watch = Callable[[bytes, bytes, bytes], None]  # a path, a body and its answer
Ways = Mapping[bytes, Answering]  # who is asked on which path


class Serving(Protocol):
    """Who knows whom to ask now: it may be another in the next turn."""

    @property
    def ways(self) -> Ways: ...


class _Waiting(NamedTuple):
    asker: Asker
    body: bytes
    begun: float
    path: bytes
    due: float  # when the caller waits no longer


class Desk:
    """The one place that asks on behalf of callers, and counts what became of it.

    Answers are given a turn at a time, first come, first served, and between two turns those are heard who came meanwhile:
    so an answer leaves as soon as it is made, and who is turned away is told so within a turn.
    """

    def __init__(self, serving: Serving, counters: Counters, keys: Keys, caps: Caps, pace: Pace | None = None) -> None:
        self.serving = serving
        self.counters = counters
        self.pace = pace or Pace()
        self.caps = caps
        self.watch: Watch | None = None  # is told of every answer, once it has been given
        self.ears: list[Callable[[Done], None]] = []  # are told of every request, once it is done
        self.overload = Overload()
        self._keys = keys
        self._waiting: list[_Waiting] = []
        self._size = 0  # bytes that wait
        self._hurried = False  # whether anybody who waits said how long

    @property
    def ways(self) -> Ways:
        return self.serving.ways

    def admits(self, headers: Headers) -> float | None:
        """Seconds that the caller of a request will wait; None where it cannot be answered here: a request has a body of a
        stated, fair length, and the token if one is due."""
        length, given, due = b"", b"", math.inf
        for name, value in headers:
            if name == b"content-length":
                length = value
            elif name == b"authorization":
                given = value
            elif name in (b"transfer-encoding", b"upgrade", b"traceparent"):
                return None
            elif name == DUE:
                try:
                    due = seconds_left(value)
                except RequestError:
                    return None
        fair = length.isdigit() and len(length) < 10 and int(length) <= self.caps.body
        return due if fair and len(self._waiting) < self.caps.open and self._keys.admits(Who.CALLER, given) else None

    def has_room(self) -> bool:
        """Whether one more can be answered in the time that was promised; it may have come as a turn began. There is always
        room for one."""
        many = len(self._waiting)
        if not many:
            return True
        before = self.pace.waits(many, self._size)
        one = before / many
        return before + one + max(_TURN, one) <= self.caps.patience

    def put(
        self, asker: Asker, body: bytes, loop: asyncio.AbstractEventLoop, path: bytes, wait: float = math.inf
    ) -> None:
        """Takes a request; its answer comes before the loop waits again."""
        if not self._waiting:
            loop.call_soon(self.clear, loop)
        begun = perf_counter()
        self._waiting.append(_Waiting(asker, body, begun, path, begun + wait))
        self._size += len(body)
        self._hurried = self._hurried or wait != math.inf

    def clear(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answers those who wait, as many as a turn has time for; the others in the next."""
        if self._waiting:  # nobody does where ``finish`` came before
            self._answer(self._turn())
        if self._waiting:
            loop.call_soon(self.clear, loop)

    def finish(self) -> None:
        """Answers all who wait, and now: for who may not be answered before them."""
        while self._waiting:
            self._answer(self._turn())

    def _turn(self) -> list[_Waiting]:
        """Takes those who came first: all who can be answered in a turn, and one at least."""
        waiting, many = self._waiting, len(self._waiting)
        if many > 1 and self.pace.waits(many, self._size) > _TURN:
            many, time = 1, self.pace.of(waiting[0].body)
            while many < len(waiting) and (time := time + self.pace.of(waiting[many].body)) <= _TURN:
                many += 1
        self._waiting = waiting[many:]
        self._size = sum([len(each.body) for each in self._waiting])
        return waiting[:many]

    def _answer(self, waiting: list[_Waiting]) -> None:
        if self._hurried:
            waiting, self._hurried = self._in_time(waiting), bool(self._waiting)
        for path in dict.fromkeys([each.path for each in waiting]):
            self._clear([each for each in waiting if each.path == path], path)

    def answer(self, body: bytes, path: bytes, due: float = math.inf) -> bytes:
        """One request's answer, and at once. Raises RequestError; ``due`` is when the caller waits no longer."""
        if not self.has_room():
            raise shed()
        begun = perf_counter()
        if begun + self.pace.of(body) > due:
            raise late()
        answer = self._one(body, path)
        took = perf_counter() - begun
        self.pace.took([body], took)
        if isinstance(answer, RequestError):
            raise answer
        self.counters.answered(200, took, answer[1])
        if self.watch is not None:
            self.watch(path, body, answer[0])
        return answer[0]

    def turned_away(self) -> bytes:
        """The body for one who would have to wait too long: made once, for it is said when time is short."""
        self.counters.refused(429)
        self.overload.one()
        return SHED

    def tell(self, path: bytes, status: int, seconds: float = 0.0, rows: int = 0) -> None:
        """Tells those who listen of a request that came the short way."""
        for ear in self.ears:
            ear(Done(path.decode("latin-1"), status, seconds, rows))

    def refused(self, fault: RequestError) -> bytes:
        """The body that says what was wrong, and where."""
        self.counters.refused(fault.status)
        if fault.status == 429:
            self.overload.one()
        return said(fault)

    def _in_time(self, waiting: Sequence[_Waiting]) -> list[_Waiting]:
        """Those whose callers will still be there; nothing is done for one who will not."""
        kept, done = [], perf_counter()
        for each in waiting:
            answered = done + self.pace.of(each.body)
            if answered <= each.due:
                done = answered
                kept.append(each)
            else:
                each.asker.reply(504, self.refused(late()))
                self.tell(each.path, 504, perf_counter() - each.begun)
        return kept

    def _clear(self, waiting: Sequence[_Waiting], path: bytes) -> None:
        begun = perf_counter()
        bodies = [each.body for each in waiting]
        together = self.pace.gathers(len(bodies))
        found = self._all(bodies, path) if together else [self._one(body, path) for body in bodies]
        for each, answer in zip(waiting, found, strict=True):
            if isinstance(answer, RequestError):
                status, rows = answer.status, 0
                each.asker.reply(status, self.refused(answer))
            else:
                status, (text, rows) = 200, answer
                self.counters.answered(200, perf_counter() - each.begun, rows)
                each.asker.reply(200, text)
            if self.ears:
                self.tell(path, status, perf_counter() - each.begun, rows)
        self.pace.took(bodies, perf_counter() - begun, together)
        if self.watch is not None:
            for body, answer in zip(bodies, found, strict=True):
                if not isinstance(answer, RequestError):
                    self.watch(path, body, answer[0])

    def _all(self, bodies: Sequence[bytes], path: bytes) -> Sequence[tuple[bytes, int] | RequestError]:
        try:
            return self.ways[path].answer_all(bodies)
        except Exception:  # one of them is too much for the model: alone, it fails alone, and is told of
            return [self._one(body, path) for body in bodies]

    def _one(self, body: bytes, path: bytes) -> tuple[bytes, int] | RequestError:
        way = self.ways.get(path)
        if way is None:  # a swap took it away while the request waited
            return gone(path)
        try:
            return way.answer_counted(body)
        except RequestError as fault:
            return fault
        except Exception as fault:
            failed(path.decode(), fault)
            return RequestError("$", "the model failed on this request.", 500)
