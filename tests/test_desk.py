"""Requests of one turn are answered together, each as if it were alone."""

from __future__ import annotations

import asyncio
import json
import math
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from plimsoll.errors import RequestError
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.caps import Caps
from plimsoll.serve.counters import Counters
from plimsoll.serve.desk import Desk
from plimsoll.serve.pace import Pace
from plimsoll.serve.refusals import DUE, seconds_left
from plimsoll.serve.routes import Keys
from plimsoll.serve.served import Served
from plimsoll.serve.version import Version
from serving_toys import find, toy

GOOD = b'{"age": 39, "job": "cook"}'
BODIES = [GOOD, b'{"age": 7}', b'{"age": "old"}', b'[{"age": 1}, {"age": 2}]', b"{", b"{}", GOOD]
TOKEN = "a-secret-of-twenty-letters"


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


@dataclass
class Asker:
    told: list[tuple[int, bytes]] = field(default_factory=list)

    def reply(self, status: int, body: bytes) -> None:
        self.told.append((status, body))


def desk(token: str | None = None, **caps: int) -> Desk:
    return Desk(Served(Version(Answerer(toy()))), Counters(), Keys(token), Caps(**caps))


async def settled(at: Desk) -> None:
    """All turns that it takes."""
    while at._waiting:
        await asyncio.sleep(0)


def asked(at: Desk, bodies: list[bytes]) -> list[tuple[int, bytes]]:
    """All put in one turn; the answers in the order in which they came."""
    one = Asker()

    async def turn() -> None:
        loop = asyncio.get_running_loop()
        for body in bodies:
            at.put(one, body, loop, b"/predict")
        await settled(at)

    asyncio.run(turn())
    return one.told


def test_requests_together_are_answered_as_each_alone():
    """Good ones, lists and faults, in the order in which they came, to the last byte."""
    at = desk()
    alone = [asked(at, [body])[0] for body in BODIES]
    assert asked(at, BODIES) == alone
    assert [status for status, _ in alone] == [200, 200, 422, 200, 400, 200, 200]


def test_one_that_breaks_the_model_breaks_no_other(monkeypatch: pytest.MonkeyPatch):
    """Asked together they would all fail, so they are asked again, one by one."""
    at = desk()
    fine = asked(at, [GOOD])[0]
    model = at.ways[b"/predict"]._model
    whole = model.answer

    def answer(values):
        if values[0] == 13.0:
            raise ZeroDivisionError
        return whole(values)

    monkeypatch.setattr(type(model), "answer", lambda self, values: answer(values), raising=True)
    told = asked(at, [GOOD, b'{"age": 13}', GOOD])
    assert told[0] == told[2] == fine
    assert told[1][0] == 500
    assert b"ZeroDivision" not in told[1][1]


def test_everything_is_counted():
    """Requests by status, rows, and a time for each answer."""
    at = desk()
    asked(at, BODIES)
    text = at.counters.text()
    assert 'plimsoll_requests_total{status="200"} 5' in text
    assert 'plimsoll_requests_total{status="422"} 1' in text
    assert "plimsoll_rows_total 6" in text
    assert "plimsoll_request_seconds_count 5" in text


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ([(b"content-length", b"10")], True),
        ([(b"content-length", b"101")], False),
        ([(b"content-length", b"9" * 30)], False),
        ([(b"content-length", b"-1")], False),
        ([], False),
        ([(b"content-length", b"10"), (b"transfer-encoding", b"chunked")], False),
        ([(b"content-length", b"10"), (b"upgrade", b"websocket")], False),
    ],
)
def test_only_a_plain_request_is_admitted(headers: list[tuple[bytes, bytes]], admitted: bool):
    """What is large, or of no stated length, or asks for more than an answer, goes the usual way."""
    assert desk(body=100).admits(headers) == (math.inf if admitted else None)


def test_a_token_is_asked_for_where_one_is_due():
    """A wrong one goes the usual way, where it is refused in words."""
    length = (b"content-length", b"2")
    assert desk(TOKEN).admits([length]) is None
    assert desk(TOKEN).admits([length, (b"authorization", b"Bearer wrong")]) is None
    assert desk(TOKEN).admits([length, (b"authorization", f"Bearer {TOKEN}".encode())])


def test_a_full_desk_admits_no_more():
    """The cap on requests at once holds here as well."""
    at = desk(open=2)
    one = Asker()

    async def turn() -> list[float | None]:
        loop, found = asyncio.get_running_loop(), []
        for _ in range(3):
            found.append(at.admits([(b"content-length", b"2")]))
            at.put(one, b"{}", loop, b"/predict")
        await settled(at)
        return [*found, at.admits([(b"content-length", b"2")])]

    assert asyncio.run(turn()) == [math.inf, math.inf, None, math.inf]
    assert json.loads(one.told[0][1])


def crowded(many: int, **caps: float) -> tuple[list[bool], Asker]:
    """So many requests in one turn, each put where there is room; the model takes a millisecond for each."""
    at, one = desk(**caps), Asker()  # type: ignore[arg-type]
    at.pace = Pace(1e-3)

    async def turn() -> list[bool]:
        found = []
        for _ in range(many):
            found.append(at.has_room())
            if found[-1]:
                at.put(one, GOOD, asyncio.get_running_loop(), b"/predict")
        await settled(at)
        return found

    return asyncio.run(turn()), one


def test_who_would_wait_longer_than_promised_finds_no_room():
    """Those before keep their places, and are answered."""
    found, one = crowded(40, patience=0.02)
    assert found == sorted(found, reverse=True)
    assert 25 <= sum(found) < 38
    assert [status for status, _ in one.told] == [200] * sum(found)
    roomier, _ = crowded(40, patience=0.2)
    assert all(roomier)


def test_there_is_always_room_for_one():
    """A promise that is shorter than an answer takes would else refuse everybody."""
    found, one = crowded(3, patience=1e-9)
    assert found == [True, False, False]
    assert len(one.told) == 1


class Slow:
    """Takes two milliseconds for each."""

    asked = 0

    def answer_counted(self, body: bytes) -> tuple[bytes, int]:
        self.asked += 1
        time.sleep(2e-3)
        return b"{}", 1

    def answer_all(self, bodies: list[bytes]) -> list[tuple[bytes, int]]:
        return [self.answer_counted(body) for body in bodies]


def test_nothing_is_done_for_a_caller_who_will_be_gone():
    """Who waits a shorter time than the answers before his take is told so; the others are answered."""
    slow = Slow()
    at = Desk(SimpleNamespace(ways={b"/predict": slow}), Counters(), Keys(), Caps(patience=10.0), Pace(2e-3))
    one, hurried = Asker(), Asker()

    async def turn() -> None:
        loop = asyncio.get_running_loop()
        at.put(hurried, GOOD, loop, b"/predict", 5.0)
        for _ in range(20):
            at.put(one, GOOD, loop, b"/predict")
        at.put(hurried, GOOD, loop, b"/predict", 0.02)
        await settled(at)

    asyncio.run(turn())
    assert [status for status, _ in one.told] == [200] * 20
    assert [status for status, _ in hurried.told] == [200, 504]
    assert slow.asked == 21
    assert 'status="504"} 1' in at.counters.text()


@pytest.mark.parametrize("said", [b"", b"soon", b"-3", b"0", b"nan", b"inf", b"1e12"])
def test_a_deadline_is_milliseconds(said: bytes):
    """Anything else goes the usual way, and is refused there with its name."""
    assert desk().admits([(b"content-length", b"2"), (DUE, said)]) is None
    with pytest.raises(RequestError, match="x-request-timeout-ms"):
        seconds_left(said)
    assert desk().admits([(b"content-length", b"2"), (DUE, b"250")]) == 0.25


def test_requests_are_asked_together_where_that_is_quicker():
    """By what was measured; and the slower way is tried now and then, for it may have become the quicker one."""
    pace = Pace()
    pace.took([GOOD] * 4, 0.004)
    assert [pace.gathers(4) for _ in range(3)] == [True] * 3
    for _ in range(200):
        pace.took([GOOD] * 4, 0.001, together=True)
    assert sum(pace.gathers(4) for _ in range(640)) == 630
    for _ in range(200):
        pace.took([GOOD] * 4, 0.008, together=True)
    assert sum(pace.gathers(4) for _ in range(640)) == 10
    assert not any(pace.gathers(1) for _ in range(640))


def test_a_turn_that_was_held_up_says_little():
    """One of a second among those of a millisecond doubles nothing."""
    pace = Pace()
    for _ in range(50):
        pace.took([GOOD], 1e-3)
    pace.took([GOOD], 1.0)
    assert pace.of(GOOD) < 1.1e-3
    for _ in range(100):
        pace.took([GOOD], 4e-3)
    assert pace.of(GOOD) > 3.9e-3


def test_answers_leave_a_turn_at_a_time():
    """Others are heard between two turns; first come, first served, and a turn is as long as one request at least."""
    for each, turns in ((1e-4, (2, 6)), (1e-2, (20, 20))):
        at, one, heard = desk(patience=10.0), Asker(), []
        at.pace = Pace(each)

        async def turn(at: Desk = at, one: Asker = one, heard: list[int] = heard) -> None:
            for age in range(20):
                at.put(one, b'{"age": %d}' % age, asyncio.get_running_loop(), b"/predict")
            while at._waiting:
                await asyncio.sleep(0)
                heard.append(len(one.told))

        asyncio.run(turn())
        assert turns[0] <= len(set(heard)) <= turns[1]
        assert [body for _, body in one.told] == [at.answer(b'{"age": %d}' % age, b"/predict") for age in range(20)]
