"""What a server says of itself: a line for each event, sentences or JSON, and no value of a request."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plimsoll import bundle
from plimsoll.policy.reading import read
from plimsoll.serve import journal
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.caps import Caps
from plimsoll.serve.gate import Gate
from plimsoll.serve.house import assemble
from plimsoll.serve.routes import Done
from plimsoll.serve.version import Version
from serving_toys import Echo, find, over, toy
from test_app import ROW, ask, call, child, fetch
from test_gate import TEXT, event
from test_wire import BODY, post, talk
from test_wire import told as answered


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


@pytest.fixture(params=journal.FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lines() -> Iterator[Any]:
    """What is said, as JSON, from the moment on at which it is asked for."""
    yield from _begun("json")


@pytest.fixture
def plain() -> Iterator[Any]:
    yield from _begun("plain")


def _begun(form: str) -> Iterator[Any]:
    kept = {name: list(logging.getLogger(name).handlers) for name in ("plimsoll.serve", "uvicorn")}
    stream = io.StringIO()
    journal.begin(form, stream)

    def said() -> list[Any]:
        found = stream.getvalue().splitlines()
        return [json.loads(line) for line in found] if form == "json" else found

    yield said
    for name, handlers in kept.items():
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = handlers, True


def test_a_line_is_an_object_with_time_level_event_and_facts(lines: Any):
    """Time is in UTC; a newline in a fact stays within its line, and half a character does no harm."""
    journal.tell("serving", "Serving a\nb", bundle="a\nb", url="\ud800")
    (told,) = lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("time"))
    assert told == {"level": "info", "event": "serving", "bundle": "a\nb", "url": "?"}


def test_a_plain_line_is_one_line_and_obeyed_by_no_terminal(plain: Any):
    """Newlines and escape sequences of a path cannot forge a line or move a cursor."""
    journal.request(Done("/x\nServing evil\x1b[2J", 404, 0.00123, 0))
    journal.request(Done("/predict", 200, 0.0004, 1))
    assert plain() == ["/x Serving evil�[2J 404 1.23 ms 0 rows", "/predict 200 0.4 ms 1 row"]


def test_a_line_of_uvicorns_own_is_of_the_same_form(lines: Any):
    """Its traceback, which may hold a value, is the kind of the exception and the line of code."""
    try:
        raise KeyError("secret")
    except KeyError:
        logging.getLogger("uvicorn.error").error("Exception in app", exc_info=True)
    (told,) = lines()
    assert (told["event"], told["message"], told["fault"]) == ("note", "Exception in app", "KeyError")
    assert told["at"].startswith("test_journal.py:")
    assert "secret" not in json.dumps(told)


def test_a_request_that_fails_is_said_by_its_path_alone(lines: Any, monkeypatch: pytest.MonkeyPatch):
    """On the desk, by tensors: the path, the kind of the exception and where; not what was asked, nor its words."""

    def broken(self: Echo, *asked: object) -> object:
        raise KeyError(repr(asked))

    app = over(Answerer(toy()))
    monkeypatch.setattr(Echo, "answer", broken)
    monkeypatch.setattr(Echo, "predict", broken)
    ask(app, "POST", "/predict", b'{"job": "secret"}')
    tensor = {"name": "job", "shape": [1], "datatype": "BYTES", "data": ["secret"]}
    ask(app, "POST", "/v2/models/income/infer", json.dumps({"inputs": [tensor]}).encode())
    assert [(each["event"], each["path"], each["fault"]) for each in lines()] == [
        ("failed", "/predict", "KeyError"),
        ("failed", "/v2/models/income/infer", "KeyError"),
    ]
    assert "secret" not in json.dumps(lines())


def test_a_page_that_fails_is_a_500_and_a_line(lines: Any, monkeypatch: pytest.MonkeyPatch):
    """Whatever page it is; its exception goes no further."""
    app = over(Answerer(toy()))
    monkeypatch.setattr(app.desk.counters, "text", lambda: 1 / 0)
    status, _, body = ask(app, "GET", "/metrics")
    assert (status, json.loads(body)["error"]["message"]) == (500, "the page failed on this request.")
    assert [(each["event"], each["fault"]) for each in lines()] == [("failed", "ZeroDivisionError")]


def test_a_version_that_takes_over_is_said(lines: Any):
    """With the digests of both."""
    _, served = assemble(Version(Answerer(toy(facts={"digest": "a" * 64}))))
    served.swap(Version(Answerer(toy(facts={"digest": "b" * 64}))))
    served.back()
    assert [(each["event"], each["before"], each["now"]) for each in lines()] == [
        ("swapped", {"digest": "a" * 64}, {"digest": "b" * 64}),
        ("swapped", {"digest": "b" * 64}, {"digest": "a" * 64}),
    ]


def test_a_rule_that_trips_is_said_once(lines: Any, tmp_path: Path):
    """At the event at which the breaker trips, and by the rule's name."""
    (tmp_path / "policy.toml").write_text(TEXT)
    answerer = Answerer(toy())
    gate = Gate(read(tmp_path / "policy.toml", answerer.schema), answerer, {"cook": 0.0001}, clock=lambda: 1_000.0)
    for _ in range(19):
        gate.answer(event())
    assert lines() == []
    for _ in range(10):
        gate.answer(event())
    (told,) = lines()
    assert (told["level"], told["event"], told["held_back"]) == ("warning", "tripped", ["cook"])


def test_overload_is_said_at_most_once_a_second(lines: Any, monkeypatch: pytest.MonkeyPatch):
    """However many are turned away, with how many there were; and no line where there were none."""
    monkeypatch.setattr(journal, "_EVERY", 0.02)

    async def crowd() -> None:
        overload = journal.Overload()
        for _ in range(1_000):
            overload.one()
        await asyncio.sleep(0.05)
        overload.one()
        await asyncio.sleep(0.05)
        overload.tell()

    asyncio.run(crowd())
    assert [(each["event"], each["turned_away"]) for each in lines()] == [("overload", 1_000), ("overload", 1)]


def test_those_turned_away_on_any_way_are_counted(lines: Any, monkeypatch: pytest.MonkeyPatch):
    """On the app's way and by the wire."""
    app = over(Answerer(toy()))
    monkeypatch.setattr(app.desk, "has_room", lambda: False)

    async def both() -> None:
        await call(app, "POST", "/predict", [ROW], {})
        app.desk.turned_away()
        app.desk.overload.tell()

    asyncio.run(both())
    assert [each["turned_away"] for each in lines()] == [2]


def heard(app: App) -> list[Done]:
    found: list[Done] = []
    app.desk.ears.append(found.append)
    return found


def test_every_request_is_told_of_on_the_long_way():
    """Path, status and rows, whatever page it is and however it ends."""
    app = over(Answerer(toy()), caps=Caps(body=300))
    told = heard(app)
    ask(app, "POST", "/predict", b"[{},{},{}]")
    ask(app, "POST", "/predict", b"{")
    ask(app, "GET", "/none/such")
    ask(app, "POST", "/predict", b"x" * 301)
    tensor = b'{"inputs": [{"name": "age", "shape": [2], "datatype": "FP64", "data": [1, 2]}]}'
    ask(app, "POST", "/v2/models/income/infer", tensor)
    assert [(each.path, each.status, each.rows, each.route) for each in told] == [
        ("/predict", 200, 3, "/predict"),
        ("/predict", 400, 0, "/predict"),
        ("/none/such", 404, 0, ""),
        ("/predict", 413, 0, "/predict"),
        ("/v2/models/income/infer", 200, 2, "/v2"),
    ]
    assert all(0 < each.seconds < 60 for each in told)


def test_who_is_turned_away_or_too_slow_on_the_short_way_is_told_of(monkeypatch: pytest.MonkeyPatch):
    """The wire answers 429 and 408 by itself; of a path it tells what stands before a question mark."""
    app = over(Answerer(toy()), caps=Caps(seconds=0.05))
    told = heard(app)
    monkeypatch.setattr("test_wire.over", lambda *asked: app)

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(app.desk, "has_room", lambda: False)
            writer.write(post())
            assert (await answered(reader))[0] == 429
        writer.write(b"POST /predict?name=ann HTTP/1.1\r\nhost:")
        assert (await answered(reader))[0] == 408

    talk(conversation)
    assert [(each.path, each.status) for each in told] == [("/predict", 429), ("/predict", 408)]


def test_who_would_be_answered_too_late_is_told_of():
    """A request whose caller no longer waits when its turn comes is a 504."""
    app = over(Answerer(toy()))
    told = heard(app)

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        app.desk.pace.took([b"x" * 100], 1.0)
        writer.write(post(BODY, b"x-request-timeout-ms: 1"))
        assert (await answered(reader))[0] == 504

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("test_wire.over", lambda *asked: app)
        talk(conversation)
    assert [(each.path, each.status) for each in told] == [("/predict", 504)]


def test_a_server_says_what_it_does_from_its_beginning_to_its_end(tmp_path: Path, form: str):
    """Serving, each request on both ways, stopping: on standard error, line by line; and it ends in order."""
    bundle.write(tmp_path / "b", toy())
    words = ("serve", str(tmp_path / "b"), "--port", "0", "--log", form, "--log-requests")
    process = subprocess.Popen(child("plimsoll", *words), stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        first = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", first)
        assert found, first + process.stderr.read()
        port = int(found[1])
        assert fetch(port, "POST", "/predict", b"[{},{}]")[0] == 200  # the short way
        assert fetch(port, "POST", "/predict", b'{"age": "secret"}')[0] == 422
        assert fetch(port, "GET", "/health")[0] == 200
        with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
            line.sendall(b"POST /predict HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")  # the long way
            assert line.recv(4000).startswith(b"HTTP/1.1 200")
        os.kill(process.pid, signal.SIGTERM)
        rest = process.communicate(timeout=20)[1].splitlines()
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    expected = [("/predict", 200, 2), ("/predict", 422, 0), ("/health", 200, 0), ("/predict", 200, 1)]
    if form == "json":
        told = [json.loads(line) for line in rest]
        assert json.loads(first)["event"] == "serving"
        assert [each["event"] for each in told] == ["request"] * 4 + ["stopping"]
        assert [(each["path"], each["status"], each["rows"]) for each in told[:4]] == expected
        assert all(0 < each["milliseconds"] < 10_000 for each in told[:4])
    else:
        assert rest[-1] == "Stopping: what has been begun is answered."
        shown = [re.fullmatch(r"(\S+) (\d+) [0-9.e-]+ ms (\d+) rows?", line) for line in rest[:-1]]
        assert [(each[1], int(each[2]), int(each[3])) for each in shown if each] == expected
    assert "secret" not in "".join(rest)
