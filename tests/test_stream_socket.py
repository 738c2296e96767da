"""A real server on a free port, and clients of it: what they send, lose and do not read."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from plimsoll.bundle import Bundle
from plimsoll.serve.address import listen
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.house import assemble
from plimsoll.serve.packets import packed
from plimsoll.serve.routes import Keys
from plimsoll.serve.served import Served
from plimsoll.serve.server import server
from plimsoll.serve.session import Session
from plimsoll.serve.stream_socket import Streams
from plimsoll.serve.streams import Bounds
from plimsoll.serve.version import Version
from stream_toys import RATE, Onset, signal, toy

TOKEN = "a-secret-of-twenty-letters"
SAMPLES, _ = signal(9.0, seed=5)
SIZE = 5


class _Place:
    """A server that runs, and what stands behind it."""

    def __init__(self, app: App, served: Served, port: int) -> None:
        self.app, self.served, self.port = app, served, port

    def connect(self, token: str | None = None, **more: Any) -> ClientConnection:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return connect(f"ws://127.0.0.1:{self.port}/stream", additional_headers=headers, compression=None, **more)

    def get(self, path: str) -> bytes:
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as reply:
            found: bytes = reply.read()
            return found

    def counted(self) -> dict[str, int]:
        """What its page of counts says of streams."""
        lines = [line.rpartition(" ") for line in self.get("/metrics").decode().splitlines() if "_stream" in line]
        return {name.removeprefix("plimsoll_"): int(value) for name, _, value in lines if value.isdigit()}


@contextmanager
def serving(bundle: Bundle | None = None, token: str | None = None, **bounds: Any) -> Iterator[_Place]:
    """A server for as long as it lasts; signal may come as fast as it likes."""
    app, served = assemble(Version(Answerer(bundle or toy())), Keys(token))
    if isinstance(app.streams, Streams):
        app.streams.bounds = Bounds(**{"rush": 1e9, **bounds})
    made = server(app)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(made.serve(sockets=[listener])))
        thread.start()
        try:
            while not made.started:
                time.sleep(0.005)
            yield _Place(app, served, listener.getsockname()[1])
        finally:
            made.should_exit = True
            thread.join(15)
    assert not thread.is_alive()


def begun(socket: ClientConnection, **hello: Any) -> dict[str, Any]:
    socket.send(json.dumps({"person": "P01", "rate": RATE, "format": "int8", **hello}))
    told: dict[str, Any] = json.loads(socket.recv(10))
    return told["ready"]  # type: ignore[no-any-return]  # an object


def send(socket: ClientConnection, samples: Any = SAMPLES, first: int = 0) -> None:
    for k in range(0, len(samples), SIZE):
        socket.send(packed(first + k // SIZE, (k + SIZE) / RATE, samples[k : k + SIZE], "int8"))


def ended(socket: ClientConnection) -> list[dict[str, Any]]:
    """All that is told, once no more is sent."""
    socket.send('{"end": true}')
    told = []
    with suppress(ConnectionClosed):
        while True:
            told.append(json.loads(socket.recv(10)))
    assert socket.close_code == 1000
    return told


def closed(socket: ClientConnection) -> tuple[int | None, str | None]:
    """Why a server ends a connection."""
    with suppress(ConnectionClosed):
        while True:
            socket.recv(10)
    return socket.close_code, socket.close_reason


def moments(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [moment for message in told for moment in message["moments"]]


def whole(samples: Any = SAMPLES) -> list[Any]:
    bundle = toy()
    return json.loads(msgspec.json.encode(Session(bundle, bundle.model()).step(samples)))  # type: ignore[no-any-return]


def alike(found: list[Any], due: list[Any]) -> bool:
    figures = [[[each["at"], *each["probabilities"].values()] for each in told] for told in (found, due)]
    return len(found) == len(due) and np.allclose(*figures, 1e-6, 1e-9)


@pytest.fixture(scope="module")
def place() -> Iterator[_Place]:
    """One server for those who change nothing of it."""
    with serving() as made:
        yield made


def test_a_stream_is_answered_as_the_whole_signal_is(place: _Place):
    """What is told at the start says what is heard; what is told after is what a session says, and the end adds it up."""
    with place.connect() as socket:
        ready = begun(socket)
        send(socket)
        told = ended(socket)
    assert (ready["classes"], ready["channels"], ready["rate"]) == ([0, 1, 2], ["emg0", "emg1"], RATE)
    assert (ready["first"], ready["stride"], ready["person"]) == (0.2, 0.05, "P01")
    assert alike(moments(told), whole())
    assert told[-1]["ended"]["frames"] == len(SAMPLES)
    assert {name for name, count in told[-1]["ended"]["faults"].items() if count} <= {"bursts"}  # sent all at once


def test_json_is_as_good_as_bytes(place: _Place):
    """The same samples, the same answers."""
    with place.connect() as socket:
        begun(socket, format="json")
        for k in range(0, 300, SIZE):
            socket.send(json.dumps({"seq": k // SIZE, "frames": SAMPLES[k : k + SIZE].tolist()}))
        assert alike(moments(ended(socket)), whole(SAMPLES[:300]))


def test_what_is_planted_is_counted(place: _Place):
    """Lost, doubled and exchanged packets, as the last word and the page of counts say them."""
    before = place.counted()
    data = [packed(k // SIZE, (k + SIZE) / RATE, SAMPLES[k : k + SIZE], "int8") for k in range(0, len(SAMPLES), SIZE)]
    order = [0, 1, 2, 2, 4, 3, *range(5, 50), *range(51, 100), *range(140, 180)]
    with place.connect() as socket:
        begun(socket)
        for number in order:
            socket.send(data[number])
        told = ended(socket)
    faults = {name: count for name, count in told[-1]["ended"]["faults"].items() if count}
    assert {name: faults.get(name) for name in ("lost", "filled", "restarted", "doubled", "reordered")} == {
        "lost": 41,
        "filled": 5,
        "restarted": 1,
        "doubled": 1,
        "reordered": 1,
    }
    after = place.counted()
    name = 'stream_faults_total{kind="lost"}'
    assert after[name] - before[name] == 41
    assert after['streams_ended_total{why="done"}'] == before.get('streams_ended_total{why="done"}', 0) + 1
    assert after["streams_open"] == 0
    assert after["stream_frames_total"] - before["stream_frames_total"] == told[-1]["ended"]["frames"]


def test_a_missing_packet_is_given_up_where_nothing_else_comes(place: _Place):
    """By the clock: no later packet pushes what waits."""
    with place.connect() as socket:
        begun(socket)
        send(socket, SAMPLES[:20])
        send(socket, SAMPLES[25:30], first=5)
        at: list[float] = []
        while len(at) < 3:
            at += [moment["at"] for moment in json.loads(socket.recv(10))["moments"]]
        assert at == [0.2, 0.25, 0.3]


def test_other_pages_answer_while_streams_run(place: _Place):
    """A stretch of signal is asked about at /predict, and the pages say what is heard."""
    with place.connect() as socket:
        begun(socket)
        send(socket, SAMPLES[:100])
        body = json.dumps({"emg": SAMPLES[:20].tolist()}).encode()
        with urlopen(Request(f"http://127.0.0.1:{place.port}/predict", body), timeout=10) as reply:
            answer = json.loads(reply.read())
        assert place.counted()["streams_open"] == 1
        ended(socket)
    assert answer["prediction"] == whole()[0]["prediction"]
    assert "/stream" in json.loads(place.get("/openapi.json"))["paths"]
    with pytest.raises(HTTPError) as found:
        place.get("/stream")
    assert found.value.code == 426
    found.value.close()


@pytest.mark.parametrize(
    ("first", "code", "says"),
    [
        ("nonsense", 1007, "the body looks like"),
        ('{"rate": 2000}', 1007, "$.rate: this bundle hears 100 frames a second, not 2000."),
        (b"\xff\xfe", 1007, "the body looks like"),
    ],
)
def test_a_first_message_that_is_none_ends_with_a_reason(place: _Place, first: Any, code: int, says: str):
    """All of it is said in a message, and as much as fits in the reason."""
    with place.connect() as socket:
        socket.send(first)
        assert says.removeprefix("$.rate: ") in json.loads(socket.recv(10))["error"]["message"]
        found, reason = closed(socket)
    assert found == code
    assert (reason or "").startswith(says)


@pytest.mark.parametrize(
    ("packet", "code", "says"),
    [
        (b"123", 1007, "a packet of 3 bytes is not 12 of header"),
        ("[]", 1007, "the body looks like"),
        (
            packed(0, 0.0, np.zeros((201, 2)), "int8"),
            1008,
            "a packet of 201 frames is too large. Send at most 200 at once.",
        ),
        (b"\0" * (2**20 + 1), 1009, ""),
    ],
)
def test_a_packet_that_is_none_ends_the_stream_with_a_reason(place: _Place, packet: Any, code: int, says: str):
    """No sooner has it come."""
    with place.connect() as socket:
        begun(socket)
        socket.send(packet)
        found, reason = closed(socket)
    assert found == code
    assert (reason or "").startswith(says)


def test_a_token_is_asked_for_where_there_is_one():
    """As for every other page; and without one a page from elsewhere may not open a stream."""
    with serving(token=TOKEN) as guarded:
        for given in (None, "another-of-twenty-letters"):
            with pytest.raises(InvalidStatus) as found:
                guarded.connect(given)
            assert found.value.response.status_code == 401
        with guarded.connect(TOKEN) as socket:
            begun(socket)


def test_a_page_from_elsewhere_may_not_open_a_stream(place: _Place):
    """What a browser shows may come from anywhere; it says from where."""
    with pytest.raises(InvalidStatus) as found:
        place.connect(origin="https://elsewhere.example")  # type: ignore[arg-type]  # a text
    assert found.value.response.status_code == 403
    with place.connect(origin=f"http://127.0.0.1:{place.port}") as socket:  # type: ignore[arg-type]
        begun(socket)


def test_streams_are_bounded_in_number_time_and_rate():
    """Each end has its reason, and is counted under it."""
    with serving(open=1, idle=0.2, rush=2.0) as tight:
        with tight.connect() as socket:
            begun(socket)
            with pytest.raises(InvalidStatus) as found:
                tight.connect()
            assert found.value.response.status_code == 503
            assert closed(socket) == (1008, "nothing came for 0.2 seconds.")
        with tight.connect() as socket:
            begun(socket)
            with suppress(ConnectionClosed):
                send(socket)
            assert closed(socket) == (1008, "signal comes at more than 2 times the rate that it is of.")
        counted = tight.counted()
        assert counted['streams_ended_total{why="idle"}'] == counted['streams_ended_total{why="refused"}'] == 1


class _Stuck:
    """Stands for the sending side of a socket whose reader takes nothing until it is let go."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.go = asyncio.Event()

    async def __call__(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send" and "ready" not in message["text"]:
            await self.go.wait()
        self.sent.append(message)


def slow(bounds: Bounds, always: bool, end: bool) -> list[dict[str, Any]]:
    """What is sent to a reader that takes nothing until all packets have been heard."""
    bundle = replace(toy(), rule=Onset(always))

    async def run() -> list[dict[str, Any]]:
        app, served = assemble(Version(Answerer(bundle)))
        streams = Streams(served, Keys(), app.desk.counters, bounds)
        stuck = _Stuck()
        coming: list[dict[str, Any]] = [{"type": "websocket.connect"}]
        coming.append({"type": "websocket.receive", "text": '{"format": "int8"}'})
        for k in range(0, len(SAMPLES), SIZE):
            data = packed(k // SIZE, 0.0, SAMPLES[k : k + SIZE], "int8")
            coming.append({"type": "websocket.receive", "bytes": data})
        coming.append(
            {"type": "websocket.receive", "text": '{"end": true}'} if end else {"type": "websocket.disconnect"}
        )

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0)
            if len(coming) == 1:
                stuck.go.set()
            return coming.pop(0)

        scope = {"type": "websocket", "path": "/stream", "headers": []}
        await streams(scope, receive, stuck)
        return stuck.sent

    return asyncio.run(run())


def test_a_slow_reader_is_told_every_event_and_how_many_moments_it_missed():
    """Nothing was read until the end: then all events are there, and every moment is told or counted."""
    sent = slow(Bounds(rush=1e9, moments=8), always=False, end=True)
    told = [json.loads(message["text"]) for message in sent if message["type"] == "websocket.send"][1:]
    assert [event["label"] for message in told for event in message["events"]] == [1, 2]
    assert sum(message.get("thinned", 0) for message in told) + len(moments(told)) == len(whole())
    assert told[-1]["ended"]["faults"]["thinned"] > 100
    assert sent[-1] == {"type": "websocket.close", "code": 1000, "reason": ""}


def test_a_reader_too_slow_for_events_is_cut_off_with_a_reason():
    """It knows that it has not been told all."""
    sent = slow(Bounds(rush=1e9, events=30), always=True, end=True)
    assert sent[-1]["code"] == 1013
    assert sent[-1]["reason"] == "answers are read too slowly: 31 events wait, and are not told."


def test_a_stream_keeps_the_version_that_it_began_with():
    """A swap changes the answers of new streams; one to a bundle that does not decode refuses them."""
    with serving() as made:
        with made.connect() as socket:
            begun(socket)
            send(socket, SAMPLES[:100])
            other = toy()
            made.served.swap(Version(Answerer(replace(other, calibration=replace(other.calibration, scale=3.0)))))
            send(socket, SAMPLES[100:], first=20)
            assert alike(moments(ended(socket)), whole())
        with made.connect() as socket:
            begun(socket)
            send(socket)
            assert not alike(moments(ended(socket)), whole())
        made.served.swap(Version(Answerer(replace(other, job=replace(other.job, decode=None)))))
        with pytest.raises(InvalidStatus) as found:
            made.connect()
        assert found.value.response.status_code == 404


def test_a_server_of_rows_has_no_streams():
    """It does not even speak the protocol, and says that there is no such page."""
    rows = toy()
    with serving(replace(rows, job=replace(rows.job, decode=None))) as plain:
        with pytest.raises(InvalidStatus) as found:
            plain.connect()
        assert found.value.response.status_code == 404
        assert plain.counted() == {}
        assert "/stream" not in json.loads(plain.get("/openapi.json"))["paths"]


def test_a_server_that_stops_ends_its_streams():
    """Whoever streams is told that the service restarts, and the server waits for nobody."""
    with ExitStack() as stack:
        with serving() as made:
            socket = stack.enter_context(made.connect())
            begun(socket)
            begin = time.monotonic()
        assert time.monotonic() - begin < 10
        assert closed(socket)[0] == 1012


def test_the_model_failing_on_a_stream_ends_it_alone():
    """Others go on, and the reason holds nothing of what was sent."""
    bundle = toy()
    answerer = Answerer(bundle)

    class Broken:
        reach = 20
        settled: dict[str, Any] = {}  # noqa: RUF012  # a model as far as it is asked

        def answer(self, values: Any) -> list[float]:
            raise ValueError("a secret of the sender's")

    with serving(bundle) as made:
        now = made.served.now
        with made.connect() as socket:
            begun(socket)
            answerer.model = Broken()  # type: ignore[assignment]  # a model as far as it is asked
            made.served.swap(Version(answerer))
            with made.connect() as other:
                begun(other)
                send(other, SAMPLES[:30])
                assert closed(other) == (1011, "the model failed on this stream.")
            send(socket)
            assert alike(moments(ended(socket)), whole())
        assert now is made.served.before


def test_moments_of_streams_are_watched():
    """Those of the version that answers now, about one a second, as rows that were answered."""
    sketches = {"emg": {"missing": 0.0, "rows": 100, "quantiles": [1.0, 5.0, 30.0]}}
    bundle = toy()
    with serving(replace(bundle, facts={**bundle.facts, "sketches": sketches})) as made:
        with made.connect() as socket:
            begun(socket)
            send(socket)
            ended(socket)
        told = json.loads(made.get("/watch"))
    assert told["rows"] >= 1
    assert [column["name"] for column in told["columns"]] == ["emg"]
