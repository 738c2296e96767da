"""What a server sends to a collector of OpenTelemetry: its counters, and a span for each request that is traced."""

from __future__ import annotations

import gzip
import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from plimsoll import bundle
from plimsoll.errors import MissingExtra, UserError
from plimsoll.serve import telemetry
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.house import Orders
from plimsoll.serve.server import run
from plimsoll.serve.version import Origin
from serving_toys import find, over, toy
from test_app import ROW, ask, child

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"
BOTH = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


class Collector:
    """Takes what OTLP/HTTP sends, as protobuf; ``raw`` are the bytes as they came."""

    def __init__(self) -> None:
        self.metrics: list[Metric] = []
        self.spans: list[Span] = []
        self.names: set[str] = set()
        self.raw = b""

    def take(self, path: str, body: bytes) -> None:
        self.raw += body
        if path == "/v1/metrics":
            told = ExportMetricsServiceRequest.FromString(body)
            parts = [(each.resource, each.scope_metrics) for each in told.resource_metrics]
            self.metrics += [one for _, scopes in parts for scope in scopes for one in scope.metrics]
        else:
            assert path == "/v1/traces"
            traced = ExportTraceServiceRequest.FromString(body)
            self.spans += [one for each in traced.resource_spans for scope in each.scope_spans for one in scope.spans]
            parts = [(each.resource, ()) for each in traced.resource_spans]
        for resource, _ in parts:
            self.names |= {each.value.string_value for each in resource.attributes if each.key == "service.name"}

    def numbers(self, name: str) -> dict[Any, float]:
        """The newest points of a metric, by their one attribute."""
        newest = [each for each in self.metrics if each.name == name][-1]
        assert newest.sum.is_monotonic
        found = {}
        for point in newest.sum.data_points:
            keys = [each.value.int_value or each.value.double_value for each in point.attributes]
            found[keys[0] if keys else None] = point.as_int or point.as_double
        return found


@contextmanager
def listening() -> Iterator[tuple[Collector, str]]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            plain = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            collector.take(self.path, plain)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield collector, f"http://127.0.0.1:{made.server_address[1]}"
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def sent(env: dict[str, str], monkeypatch: pytest.MonkeyPatch, *asked: tuple[str, bytes, str]) -> tuple[App, Collector]:
    """What a collector got of some requests: each a path, a body and a traceparent."""
    app = over(Answerer(toy()))
    with listening() as (collector, place):
        for name, path in env.items():
            monkeypatch.setenv(name, place + path)
        with telemetry.exporting(app.ears, lambda: app.desk.counters):
            for path, body, parent in asked:
                ask(app, "POST", path, body, traceparent=parent)
    return app, collector


def test_metrics_are_the_servers_counters(monkeypatch: pytest.MonkeyPatch):
    """Requests by status, rows, seconds, and how many took at most so long: the numbers of /metrics."""
    app, told = sent(
        {BOTH: ""}, monkeypatch, ("/predict", b"[{},{},{}]", ""), ("/predict", ROW, ""), ("/predict", b"{", "")
    )
    assert told.numbers("plimsoll.requests") == {200: 2, 400: 1}
    assert told.numbers("plimsoll.rows") == {None: 4}
    assert told.numbers("plimsoll.request.time") == {None: pytest.approx(app.desk.counters.times.seconds)}
    below = told.numbers("plimsoll.request.below")
    assert (below[float("inf")], list(below.values())) == (2, sorted(below.values()))
    assert told.names == {"plimsoll"}
    assert not told.spans


def test_a_request_that_is_traced_is_a_span(monkeypatch: pytest.MonkeyPatch):
    """A child of the caller's, with path, status and rows; one that is not sampled, or not traced, is none."""
    asked = [
        ("/predict", b"[{},{}]", SAMPLED),
        ("/predict", ROW, UNSAMPLED),
        ("/predict", ROW, ""),
        ("/predict", ROW, "x"),
    ]
    _, told = sent({BOTH: ""}, monkeypatch, *asked)
    (span,) = told.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.name) == (TRACE, PARENT, "POST /predict")
    assert span.kind == Span.SPAN_KIND_SERVER
    facts = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    assert facts == {
        "http.request.method": "POST",
        "http.route": "/predict",
        "url.path": "/predict",
        "http.response.status_code": 200,
        "plimsoll.rows": 2,
    }
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 60e9


def test_no_body_and_no_value_is_sent(monkeypatch: pytest.MonkeyPatch):
    """Neither of a request that is answered nor of one that is refused for what it says."""
    asked = [("/predict", b'{"job": "secret"}', SAMPLED), ("/predict", b'{"age": "secret"}', SAMPLED)]
    _, told = sent({BOTH: ""}, monkeypatch, *asked)
    assert len(told.spans) == 2
    assert b"secret" not in told.raw


@pytest.mark.parametrize(
    ("env", "metrics", "spans"),
    [
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "/v1/metrics"}, True, 0),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "/v1/traces"}, False, 1),
    ],
)
def test_one_of_the_two_can_be_sent_alone(
    env: dict[str, str], metrics: bool, spans: int, monkeypatch: pytest.MonkeyPatch
):
    """By the variable that names its endpoint only."""
    _, told = sent(env, monkeypatch, ("/predict", ROW, SAMPLED))
    assert (bool(told.metrics), len(told.spans)) == (metrics, spans)


def test_without_an_endpoint_nothing_listens():
    """Nothing is sent and nothing listens, so a request costs what it did."""
    app = over(Answerer(toy()))
    with telemetry.exporting(app.ears, lambda: app.desk.counters, {}):
        assert app.ears == app.desk.ears == []


def test_a_library_that_is_missing_is_named_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One line that says what to install, where the server would have begun."""
    bundle.write(tmp_path / "b", toy())
    monkeypatch.setenv(BOTH, "http://127.0.0.1:1")
    monkeypatch.setattr(telemetry, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'plimsoll\[otel\]'"):
        run(Orders(Origin(tmp_path / "b")), port=0)


def test_a_protocol_that_is_not_spoken_is_refused():
    """gRPC is not sent here, and nobody should wait for it."""
    env = {BOTH: "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with (
        pytest.raises(UserError, match='"grpc" is not sent here'),
        telemetry.exporting([], over, env),
    ):
        pass


def test_a_service_can_be_named_by_the_standard_variable(monkeypatch: pytest.MonkeyPatch):
    """OTEL_SERVICE_NAME has its way."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "wages")
    assert sent({BOTH: ""}, monkeypatch, ("/predict", ROW, ""))[1].names == {"wages"}


def test_a_server_that_is_told_to_stop_sends_what_it_has(tmp_path: Path):
    """Over a real socket: a traced request and the last counts have come when the process has gone."""
    bundle.write(tmp_path / "b", toy())
    with listening() as (collector, place):
        env = {**os.environ, BOTH: place, "PYTHONPATH": os.pathsep.join(sys.path)}
        words = child("plimsoll.serve", str(tmp_path / "b"), "0")
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=env)
        try:
            assert process.stderr is not None
            found = re.search(r":(\d+)$", process.stderr.readline())
            assert found
            line = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=20)
            line.request("POST", "/predict", b"[{},{}]", {"traceparent": SAMPLED})
            assert line.getresponse().read()
            line.close()
            os.kill(process.pid, signal.SIGTERM)
            process.communicate(timeout=20)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0
    assert [span.trace_id.hex() for span in collector.spans] == [TRACE]
    assert collector.numbers("plimsoll.rows") == {None: 2}
