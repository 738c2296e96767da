"""Requests of one turn are answered together, each as if it were alone."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass, field

import pytest

from plimsoll.serve.answerer import Answerer
from plimsoll.serve.caps import Caps
from plimsoll.serve.counters import Counters
from plimsoll.serve.desk import Desk
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


def asked(at: Desk, bodies: list[bytes]) -> list[tuple[int, bytes]]:
    """All put in one turn; the answers in the order in which they came."""
    one = Asker()

    async def turn() -> None:
        loop = asyncio.get_running_loop()
        for body in bodies:
            at.put(one, body, loop, b"/predict")
        await asyncio.sleep(0)

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
        await asyncio.sleep(0)
        return [*found, at.admits([(b"content-length", b"2")])]

    assert asyncio.run(turn()) == [math.inf, math.inf, None, math.inf]
    assert json.loads(one.told[0][1])
