"""The server answers what the answerer answers, and refuses what is too much."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll import bundle
from plimsoll.errors import UserError
from plimsoll.serve import probe
from plimsoll.serve.address import check_address, listen
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.caps import Caps
from plimsoll.serve.house import Orders
from plimsoll.serve.server import run
from plimsoll.serve.version import Origin
from serving_toys import Echo, find, over, toy
from test_answerer import ROWS

TESTS = Path(__file__).parent
ROW = b'{"age": 39, "job": "cook"}'


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


@pytest.fixture
def answerer() -> Answerer:
    return Answerer(toy())


Reply = tuple[int, dict[str, str], bytes]


async def call(app: App, method: str, path: str, parts: list[bytes | None], headers: dict[str, str]) -> Reply:
    """One request, driven by hand; a part that is None never arrives."""
    left = iter(parts)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        part = next(left, None)
        if part is None:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": part, "more_body": part is not parts[-1]}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    path, _, query = path.partition("?")
    asked = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": pairs}
    await app(asked, receive, send)
    shown = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], shown, sent[1]["body"]


def ask(app: App, method: str, path: str, *parts: bytes | None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asyncio.run(call(app, method, path, list(parts) or [b""], named))


def error(reply: Reply) -> tuple[int, str]:
    return reply[0], json.loads(reply[2])["error"]["message"]


def test_predict_answers_what_the_answerer_answers(answerer: Answerer) -> None:
    """The bytes are the same, whether the body came whole or in parts, and whatever its content type."""
    for parts in ([ROW], [ROW[:5], ROW[5:]]):
        status, headers, body = ask(over(answerer), "POST", "/predict", *parts, content_type="text/plain")
        assert (status, body) == (200, answerer.answer(ROW))
        assert (headers["content-type"], headers["content-length"]) == ("application/json", str(len(body)))


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        (b'{"rows": [{}, {"age": "x"}]}', 422, "$.rows[1].age"),
        (b"{", 400, "$"),
        (b"[" + b"{}," * 1000 + b"{}]", 413, "$"),
    ],
)
def test_a_fault_is_json_with_its_place(answerer: Answerer, body: bytes, status: int, path: str) -> None:
    """A refused request gets its status, and the place and the message as JSON."""
    found, headers, text = ask(over(answerer), "POST", "/predict", body)
    assert (found, json.loads(text)["error"]["path"]) == (status, path)
    assert set(json.loads(text)["error"]) == {"path", "message"}
    assert headers["content-type"] == "application/json"


def test_other_pages_and_methods_are_refused(answerer: Answerer) -> None:
    """A page that is not there is a 404 and a wrong method a 405 that says which is right, both as JSON."""
    assert error(ask(over(answerer), "GET", "/admin"))[0] == 404
    reply = ask(over(answerer), "GET", "/predict")
    assert (error(reply)[0], reply[1]["allow"]) == (405, "POST")
    assert error(ask(over(answerer), "POST", "/health"))[0] == 405


def test_a_large_body_is_refused_before_it_is_read(answerer: Answerer) -> None:
    """A declared length over the cap is refused at once; one that was not declared, as soon as it is passed."""
    app = over(answerer, caps=Caps(body=10))
    for reply in (
        ask(app, "POST", "/predict", None, content_length="11"),
        ask(app, "POST", "/predict", b"x" * 6, b"x" * 6, None),
    ):
        assert error(reply) == (413, "the body is larger than 10 bytes.")
        assert reply[1]["connection"] == "close"


def test_a_slow_body_is_refused(answerer: Answerer) -> None:
    """A body that does not arrive in time is a 408."""
    reply = ask(over(answerer, caps=Caps(seconds=0.01)), "POST", "/predict", b"{", None, b"")
    assert error(reply) == (408, "the body did not arrive in 0.01 seconds.")


def test_a_request_cut_off_by_the_end_of_the_server_is_told_so(answerer: Answerer) -> None:
    """A body still awaited when the server gives up waiting is a 503, and no traceback."""

    async def cut() -> Reply:
        half = asyncio.create_task(call(over(answerer), "POST", "/predict", [b"{", None], {}))
        await asyncio.sleep(0.01)
        half.cancel()
        return await half

    assert error(asyncio.run(cut())) == (503, "the server is stopping. Try again.")


def test_a_caller_that_leaves_is_not_answered(answerer: Answerer) -> None:
    """A connection that closes inside its body gets nothing, and breaks nothing."""

    async def leave() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def never(message: dict[str, Any]) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
    asyncio.run(over(answerer)(scope, leave, never))


def test_too_many_at_once_are_told_to_come_back(answerer: Answerer) -> None:
    """Over the cap on requests at once, a request is a 503 with Retry-After; afterwards there is room again."""
    app = over(answerer, caps=Caps(open=1, seconds=0.05))

    async def both() -> list[Reply]:
        slow = asyncio.create_task(call(app, "POST", "/predict", [b"{", None], {}))
        await asyncio.sleep(0.01)
        refused = await call(app, "POST", "/predict", [ROW], {})
        return [refused, await slow, await call(app, "POST", "/predict", [ROW], {})]

    replies = asyncio.run(both())
    assert [reply[0] for reply in replies] == [503, 408, 200]
    assert replies[0][1]["retry-after"] == "1"


def test_a_token_guards_all_but_health(answerer: Answerer) -> None:
    """Without the token, or with a wrong one, only health answers."""
    app = over(answerer, token="a-long-enough-token")
    for given_token in ({}, {"authorization": "Bearer wrong"}, {"authorization": "a-long-enough-token"}):
        for method, path in (("POST", "/predict"), ("GET", "/metrics"), ("GET", "/openapi.json")):
            reply = ask(app, method, path, ROW, **given_token)
            assert (reply[0], reply[1]["www-authenticate"]) == (401, "Bearer")
        assert ask(app, "GET", "/health", **given_token)[0] == 200
    assert ask(app, "POST", "/predict", ROW, authorization="Bearer a-long-enough-token")[0] == 200


def test_metrics_count_requests_rows_and_times(answerer: Answerer) -> None:
    """Prometheus reads requests by status, rows, and a histogram whose last bucket is its count."""
    app = over(answerer)
    for body in (ROW, b"[{},{},{}]", b"{"):
        ask(app, "POST", "/predict", body)
    _, headers, body = ask(app, "GET", "/metrics")
    text = body.decode()
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        'plimsoll_requests_total{status="200"} 2',
        'plimsoll_requests_total{status="400"} 1',
        "plimsoll_rows_total 4",
        'plimsoll_request_seconds_bucket{le="+Inf"} 2',
        "plimsoll_request_seconds_count 2",
    ):
        assert line in text.splitlines()
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) .*|[a-z_]+(\{[a-z]+="[^"]+"\})? [0-9.e+-]+', line)


def test_openapi_describes_every_column_and_class(answerer: Answerer) -> None:
    """The page names each column with its types and example, and enumerates the classes."""
    shown = json.loads(ask(over(answerer), "GET", "/openapi.json")[2])
    schemas = shown["components"]["schemas"]
    assert list(schemas["Row"]["properties"]) == list(answerer.schema.names)
    assert schemas["Row"]["properties"]["age"]["examples"] == [39.0]
    assert schemas["Answer"]["properties"]["prediction"]["enum"] == ["no", "yes"]
    pages = {path for path in shown["paths"] if not path.startswith("/v2")}
    assert pages == {"/predict", "/feedback", "/watch", "/health", "/metrics", "/openapi.json"}
    example = shown["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert json.loads(answerer.answer(json.dumps(example).encode()))["prediction"] in ("no", "yes")


def test_openapi_of_a_number_has_its_interval() -> None:
    """A regression's answer is a number with low and high."""
    shown = json.loads(ask(over(Answerer(toy(()))), "GET", "/openapi.json")[2])
    assert shown["components"]["schemas"]["Answer"]["required"] == ["prediction", "low", "high"]


def test_a_model_that_fails_tells_the_caller_nothing_of_itself(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error inside the model is a 500 without its words, and the server goes on."""

    def broken(self: Echo, values: object) -> list[float]:
        raise KeyError("secret")

    with monkeypatch.context() as patch:
        patch.setattr(Echo, "answer", broken)
        assert error(ask(over(answerer), "POST", "/predict", ROW)) == (500, "the model failed on this request.")
    assert ask(over(answerer), "POST", "/predict", ROW)[0] == 200


def test_an_open_address_needs_a_token() -> None:
    """Any address that others can reach is refused without a token, and so is a short token."""
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"):
        with pytest.raises(UserError, match="Set a token"):
            check_address(host, None)
        check_address(host, "a-long-enough-token")
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        check_address(host, None)
    with pytest.raises(UserError, match="at least 16"):
        check_address("0.0.0.0", "short")


def test_a_port_in_use_is_said_so(tmp_path: Path) -> None:
    """A taken port and one that cannot be are errors that say what to write."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"--port {port} is in use. Write another"):
            run(Orders(Origin(tmp_path)), port=port)
    with pytest.raises(UserError, match="cannot be listened on"):
        listen("127.0.0.1", 70_000)


# The toy recipe stands in for the catalogue in a process of its own.
CHILD = "import sys, runpy; sys.path.insert(0, {tests!r}); import plimsoll.catalogue, serving_toys; plimsoll.catalogue.find = serving_toys.find; sys.argv[1:] = {words!r}; runpy.run_module({module!r}, run_name='__main__')"


def child(module: str, *words: str) -> list[str]:
    return [sys.executable, "-c", CHILD.format(tests=str(TESTS), words=list(words), module=module)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], int]]:
    folder = tmp_path_factory.mktemp("served") / "b"
    bundle.write(folder, toy())
    process = subprocess.Popen(child("plimsoll.serve", str(folder), "0"), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.readline()
    found = re.search(r"http://127\.0\.0\.1:(\d+)$", said)
    assert found, said + process.stderr.read()
    yield process, int(found[1])
    process.kill()
    process.wait()
    process.stderr.close()


def fetch(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        line.request(method, path, body)
        reply = line.getresponse()
        return reply.status, reply.read()
    finally:
        line.close()


def test_a_real_server_answers(served: tuple[subprocess.Popen[str], int]) -> None:
    """Over a real socket every page answers, and a large body is refused."""
    port = served[1]
    assert fetch(port, "GET", "/health") == (200, b'{"status":"ok"}')
    assert fetch(port, "GET", "/openapi.json")[0] == 200
    assert fetch(port, "GET", "/none")[0] == 404
    assert fetch(port, "POST", "/predict", b'{"age": "x"}')[0] == 422
    assert b"plimsoll_rows_total" in fetch(port, "GET", "/metrics")[1]


def test_a_real_server_refuses_a_large_body(served: tuple[subprocess.Popen[str], int]) -> None:
    """A body that declares ten gigabytes is refused before any of it is sent."""
    with socket.create_connection(("127.0.0.1", served[1]), timeout=20) as line:
        line.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n")
        assert line.recv(1000).startswith(b"HTTP/1.1 413")


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=4))
def test_http_answers_as_the_process_does(
    served: tuple[subprocess.Popen[str], int], rows: list[dict[str, Any]]
) -> None:
    """One row and a batch over HTTP are the bytes that an answerer here gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plimsoll.catalogue.find", find)
        here = Answerer(toy())
    for body in (msgspec.json.encode(rows[0]), msgspec.json.encode(rows), msgspec.json.encode({"rows": rows})):
        assert fetch(served[1], "POST", "/predict", body) == (200, here.answer(body))


def test_a_server_finishes_what_it_has_begun(served: tuple[subprocess.Popen[str], int]) -> None:
    """A request whose body is on its way when the server is told to stop is still answered."""
    process, port = served
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(ROW))
        assert fetch(port, "GET", "/health")[0] == 200  # by now the first request is being received
        os.kill(process.pid, signal.SIGTERM)
        # The listener closes first: from then on the server is only finishing.
        while True:
            try:
                fetch(port, "GET", "/health")
            except OSError:
                break
        line.sendall(ROW)
        assert line.recv(4000).startswith(b"HTTP/1.1 200")
    assert process.wait(20) in (0, -signal.SIGTERM)


def test_the_probe_measures_what_is_served(tmp_path: Path) -> None:
    """The probe answers requests in a fresh process and writes every figure the meter needs."""
    bundle.write(tmp_path / "b", toy())
    (tmp_path / "r.jsonl").write_bytes(ROW + b"\n{}\n")
    words = [str(tmp_path / name) for name in ("b", "r.jsonl", "o.json")]
    subprocess.run(child("plimsoll.serve.probe", *words, "--count", "700"), check=True)
    found = json.loads((tmp_path / "o.json").read_text())
    assert set(found) == {
        "pace",
        "cold_start",
        "memory",
        "latencies_us",
        "noisy_windows",
        "repeated",
        "cpu_seconds_per_request",
    }
    times = found["latencies_us"]
    assert times["count"] == 700
    assert 0 < times["p50"] <= times["p99"] <= times["p99_upper"]
    assert found["memory"] > 2**20
    assert found["cold_start"] > 0


def test_the_probe_says_what_is_wrong_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No requests, or no bundle, is one line and exit code 2."""
    (tmp_path / "r.jsonl").write_bytes(b"\n")
    assert probe.main([str(tmp_path / "b"), str(tmp_path / "r.jsonl"), str(tmp_path / "o.json")]) == 2
    assert "needs at least one request" in capsys.readouterr().err


def test_a_noisy_window_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window where something else had the processor is repeated, and given up on after five repeats."""
    walls = iter([1.2, 1.0] + [1.2] * 6)
    monkeypatch.setattr(probe, "window", lambda answer, batch: ([1.0] * len(batch), next(walls), 1.0))
    found = probe.measure(lambda body: body, iter([b""] * 400), 400)
    assert (found["repeated"], found["noisy_windows"], found["latencies_us"]["count"]) == (6, 1, 400)


@pytest.mark.parametrize(("count", "rank"), [(298, None), (299, 299), (473, 472), (662, None)])
def test_the_bound_on_a_p99_is_exact(count: int, rank: int | None) -> None:
    """299 requests are the fewest that bound a p99 at 95 %, and 473 the fewest that bound it by the second largest."""
    found = probe.upper_rank(count)
    assert found == rank or (rank is None and count > 299 and found is not None and found < count)


def test_where_it_is_never_quiet_a_disturbed_figure_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once time is short nothing is measured again, and no more is asked than a verdict needs."""
    monkeypatch.setattr(probe, "window", lambda answer, bodies: ([1.0] * len(bodies), 2.0, 1.0))
    found = probe.measure(lambda body: body, iter([b""] * 2_000), 2_000, until=-1.0)
    assert (found["repeated"], found["noisy_windows"], found["latencies_us"]["count"]) == (0, 4, 800)
