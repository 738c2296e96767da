"""What a server counts and how long requests took, for OpenTelemetry: metrics and traces over OTLP/HTTP.

It is on where OpenTelemetry's own variables name an endpoint: OTEL_EXPORTER_OTLP_ENDPOINT, or that of traces or metrics
alone. Metrics are read from the server's counters when they are sent, and cost a request nothing; a span is made only for
a request whose caller sends a sampled ``traceparent``, and says the path, the status and the rows, and no value.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from plimsoll.errors import MissingExtra, UserError
from plimsoll.serve.counters import Counters
from plimsoll.serve.routes import Done
from plimsoll.serve.times import BOUNDS

if TYPE_CHECKING:  # only who exports need have it
    from opentelemetry.metrics import CallbackOptions, Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

Ear = Callable[[Done], None]
_BOTH = "OTEL_EXPORTER_OTLP_ENDPOINT"
_METRICS, _TRACES = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


def parent(said: bytes) -> tuple[int, int] | None:
    """The trace and the span that a ``traceparent`` names, where it is sampled (W3C Trace Context, 2021); else None.

    >>> parent(b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01") == (int("a" * 32, 16), int("b" * 16, 16))
    True
    >>> parent(b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-00"), parent(b"00-0-0-01")
    (None, None)
    """
    found = _PARENT.fullmatch(said)
    if found is None or found[1] == b"ff" or not int(found[4], 16) & 1:
        return None
    trace, span = int(found[2], 16), int(found[3], 16)
    return (trace, span) if trace and span else None


@contextmanager
def exporting(ears: list[Ear], counted: Callable[[], Counters], env: Mapping[str, str] | None = None) -> Iterator[None]:
    """Sends what is counted, and a span for each request that is traced, for as long as it lasts; what waits is sent at the
    end. Does nothing where no endpoint is named. Raises MissingExtra where it is and OpenTelemetry is not installed."""
    env = os.environ if env is None else env
    metrics, traces = bool(env.get(_METRICS) or env.get(_BOTH)), bool(env.get(_TRACES) or env.get(_BOTH))
    if not metrics and not traces:
        yield
        return
    _check(env)
    resource = _resource()
    providers: list[MeterProvider | TracerProvider] = []
    if metrics:
        providers.append(_metered(resource, counted))
    if traces:
        provider = _traced(resource)
        providers.append(provider)
        ears.append(_ear(provider))
    try:
        yield
    finally:
        for each in providers:
            each.shutdown()


def _check(env: Mapping[str, str]) -> None:
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        raise MissingExtra(f"{_BOTH} is set, and OpenTelemetry is not installed. Write: pip install 'plimsoll[otel]'")
    said = env.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
    if said != "http/protobuf":
        raise UserError(
            f'OTEL_EXPORTER_OTLP_PROTOCOL = "{said}" is not sent here. Write http/protobuf, or leave it out.'
        )


def _resource() -> Resource:
    from opentelemetry.sdk.resources import Resource

    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    # Several processes that serve side by side count on their own; without a number each they would overwrite one another.
    own = {"service.instance.id": f"{os.getpid()}-{time.time_ns():x}"}
    return Resource.create(own if named else {"service.name": "plimsoll", **own})


def _metered(resource: Resource, counted: Callable[[], Counters]) -> MeterProvider:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource)
    meter = provider.get_meter("plimsoll.serve")
    for name, read, unit, words in _INSTRUMENTS:
        meter.create_observable_counter(name, [_observed(read, counted)], unit, words)
    return provider


Reading = list[tuple[float, dict[str, Any]]]


def _observed(
    read: Callable[[Counters], Reading], counted: Callable[[], Counters]
) -> Callable[[CallbackOptions], list[Observation]]:
    from opentelemetry.metrics import Observation

    def observed(options: CallbackOptions) -> list[Observation]:  # the way the SDK asks
        return [Observation(value, attributes) for value, attributes in read(counted())]

    return observed


def _statuses(counters: Counters) -> Reading:
    return [(count, {"http.response.status_code": status}) for status, count in dict(counters.statuses).items()]


def _below(counters: Counters) -> Reading:
    """How many requests took at most so many seconds, as Prometheus counts them."""
    found: Reading = []
    below = 0
    for bound, count in zip((*BOUNDS, float("inf")), counters.times.buckets, strict=True):
        below += count
        found.append((below, {"le": bound}))
    return found


_INSTRUMENTS: tuple[tuple[str, Callable[[Counters], Reading], str, str], ...] = (
    ("plimsoll.requests", _statuses, "{request}", "Requests by status"),
    ("plimsoll.rows", lambda counters: [(counters.rows, {})], "{row}", "Rows answered"),
    ("plimsoll.request.time", lambda counters: [(counters.times.seconds, {})], "s", "Time spent on answers"),
    ("plimsoll.request.below", _below, "{request}", "Requests answered within le seconds"),
)


def _traced(resource: Resource) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _ear(provider: TracerProvider) -> Ear:
    """Makes a span of a request that is done, where its caller traces it."""
    from opentelemetry import trace

    tracer = provider.get_tracer("plimsoll.serve")

    def heard(done: Done) -> None:
        found = parent(done.headers.get(b"traceparent", b""))
        if found is None:
            return
        of = trace.SpanContext(*found, is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED))
        end = time.time_ns()
        span = tracer.start_span(
            f"{done.method} {done.route}".strip(),
            trace.set_span_in_context(trace.NonRecordingSpan(of)),
            trace.SpanKind.SERVER,
            {
                "http.request.method": done.method,
                "url.path": done.path[:200],
                "http.route": done.route,
                "http.response.status_code": done.status,
                "plimsoll.rows": done.rows,
            },
            start_time=end - int(done.seconds * 1e9),
        )
        if done.status >= 500:
            span.set_status(trace.StatusCode.ERROR)
        span.end(end)

    return heard
