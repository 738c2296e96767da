"""A bundle that reads a signal on the pages of rows: tensors, the OpenAPI page, /predict, policies, and the meter."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll import meter
from plimsoll.bundle import write
from plimsoll.errors import PolicyError, RequestError
from plimsoll.policy import reading
from plimsoll.schema import Column, Kind, Layout, Schema
from plimsoll.serve import probe
from plimsoll.serve import request as wire
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.house import assemble
from plimsoll.serve.request import Reader
from plimsoll.serve.version import Version
from stream_toys import SCHEMA, signal, toy

SAMPLES = signal(1.0, seed=5)[0][:30]
BUNDLE = toy()
ROWS = replace(BUNDLE, job=replace(BUNDLE.job, decode=None))  # one label a recording


@pytest.fixture(params=["decodes", "answers rows"])
def app(request: pytest.FixtureRequest) -> App:
    return assemble(Version(Answerer(BUNDLE if request.param == "decodes" else ROWS)))[0]


def asked(app: App, path: str, body: bytes = b"", more: tuple[tuple[bytes, bytes], ...] = ()) -> tuple[int, bytes]:
    """What the app answers: its status and its body."""
    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    scope = {"type": "http", "path": path, "method": "POST" if body else "GET", "headers": list(more)}
    asyncio.run(app(scope, receive, send))
    return told[0]["status"], told[1]["body"]


def infer(app: App, tensor: dict[str, Any], raw: bytes = b"") -> tuple[int, Any]:
    body = json.dumps({"inputs": [{"name": "emg", "datatype": "FP32", **tensor}]}).encode()
    length = ((b"inference-header-content-length", str(len(body)).encode()),)
    status, told = asked(app, "/v2/models/labels/infer", body + raw, length)
    return status, json.loads(told)


def test_a_stretch_is_predicted(app: App):
    """A recording, or a stretch of one, is a row; several are answered together."""
    row = {"emg": SAMPLES.tolist(), "who": "P01"}
    one, many = (json.loads(asked(app, "/predict", json.dumps(body).encode())[1]) for body in (row, [row, {}]))
    assert one["prediction"] == many[0]["prediction"] == 0
    assert one["probabilities"] == pytest.approx(many[0]["probabilities"])


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ([[1.0, 2.0, 3.0]], "frame 0 has 3 numbers; 2 channels are due"),
        ([[1.0, 1e39]], "frame 0 holds a number that is too large"),
        ([[1.0, None]], "expected a list of frames|got null"),
        ("emg", "expected a list of frames"),
    ],
)
def test_a_stretch_that_is_none_is_refused(app: App, cell: Any, says: str):
    """With its place."""
    status, told = asked(app, "/predict", json.dumps({"emg": cell}).encode())
    fault = json.loads(told)["error"]
    assert status == 422
    assert fault["path"].startswith("$.emg")
    assert any(part in fault["message"] for part in says.split("|"))


FRAMES = Schema((Column("emg", Kind.SIGNAL, layout=Layout(200.0, ("a", "b"))),), "y")


def told(body: bytes) -> Any:
    """What a reader makes of a body: frames, or its complaint."""
    try:
        (cell,) = Reader(FRAMES).read(body)[0][0]
        assert isinstance(cell, np.ndarray)
        return cell.shape, cell.tolist()
    except RequestError as fault:
        return str(fault)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=2), max_size=5), st.data())
def test_frames_are_read_the_quick_way_as_they_are_the_long_way(frames: list[list[float]], data: st.DataObject):
    """Whatever is done to a body that is well formed: letters struck, doubled, exchanged. What is no list of frames is refused by
    both, for the same reason."""
    body = bytearray(json.dumps({"emg": frames}).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(8, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 2))] = data.draw(st.sampled_from([b"", b"[", b"]", b",", b"1", b" ", b".", b"e", b"null", b'"', b"-"]))  # fmt: skip
    quick = told(bytes(body))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "_numbers", lambda *_: None)
        assert quick == told(bytes(body))


def test_a_long_recording_is_read_the_quick_way(monkeypatch: pytest.MonkeyPatch):
    """Numbers, and white space between them, in any spelling of JSON: no list is made for a frame."""
    monkeypatch.setattr(wire, "_framed", lambda *_: pytest.fail("frame by frame"))
    many = np.random.default_rng(0).normal(size=(5_000, 2)).astype(np.float32)
    assert told(json.dumps({"emg": many.tolist()}, indent=1).encode()) == (many.shape, many.tolist())
    assert told(b'{"emg": [[1, -2.5e-3], [3E2, 0]]}') == ((2, 2), np.float32([[1, -2.5e-3], [300, 0]]).tolist())


def test_a_signal_is_a_tensor_of_three_axes(app: App):
    """Flat, nested or as bytes, of whatever type of number; and the answers are those of /predict."""
    cell = {"emg": SAMPLES.tolist()}
    due = json.loads(asked(app, "/predict", json.dumps(cell).encode())[1])
    shape = [1, *SAMPLES.shape]
    data = SAMPLES.astype("<f4").tobytes()
    forms = [
        infer(app, {"shape": shape, "data": SAMPLES.ravel().tolist()}),
        infer(app, {"shape": shape, "data": [SAMPLES.tolist()]}),
        infer(app, {"shape": shape, "datatype": "INT8", "data": SAMPLES.ravel().tolist()}),
        infer(app, {"shape": shape, "parameters": {"binary_data_size": len(data)}}, data),
    ]
    for status, told in forms:
        assert status == 200
        outputs = {each["name"]: each["data"] for each in told["outputs"]}
        assert outputs["prediction"] == [due["prediction"]]
    two = np.stack([SAMPLES, SAMPLES[::-1]])
    status, told = infer(app, {"shape": list(two.shape), "data": two.ravel().tolist()})
    assert (status, len(told["outputs"][0]["data"])) == (200, 2)
    assert infer(app, {"shape": [1, 0, 2], "data": []})[0] == 200


@pytest.mark.parametrize(
    ("tensor", "says"),
    [
        ({"shape": [30, 2], "data": []}, "expected [rows, frames, 2], got [30, 2]"),
        ({"shape": [1, 10, 3], "data": []}, "expected [rows, frames, 2]"),
        ({"shape": [1, -1, 2], "data": []}, "expected [rows, frames, 2]"),
        ({"shape": [1, 2, 2], "data": [1.0]}, "expected 4 elements as the shape says, got 1"),
        ({"shape": [1, 1, 2], "data": [1.0, None]}, "expected a finite number"),
        ({"shape": [1, 1, 2], "datatype": "BYTES", "data": ["1", "2"]}, "a signal is one of FP32"),
        ({"shape": [1, 10**9, 2], "data": []}, "more than 1000000 frames"),
    ],
)
def test_a_tensor_that_is_no_signal_is_refused(app: App, tensor: dict[str, Any], says: str):
    """In a line with its place."""
    status, told = infer(app, tensor)
    assert status in (413, 422)
    assert says in told["error"]


def test_the_pages_on_what_is_read_know_signals(app: App):
    """The metadata of the protocol, and OpenAPI's page."""
    told = json.loads(asked(app, "/v2/models/labels")[1])
    assert told["inputs"][0] == {
        "name": "emg",
        "datatype": "FP32",
        "shape": [-1, -1, 2],
        "parameters": {"kind": "signal"},
    }
    page = json.loads(asked(app, "/openapi.json")[1])
    cell = page["components"]["schemas"]["Row"]["properties"]["emg"]
    assert (cell["type"], cell["items"]["maxItems"]) == (["array", "null"], 2)


def test_a_policy_over_a_signal_is_refused_in_a_line(tmp_path: Path):
    """Rules decide on single values; nothing of an event may be an array."""
    file = tmp_path / "policy.toml"
    file.write_text(
        'name = "p"\noutcomes = ["block", "allow"]\nrules = [{name = "a", when = "score(1) > 0.5", then = "block"}]\n'
    )
    with pytest.raises(PolicyError, match='the model reads a signal, "emg"') as found:
        reading.read(file, SCHEMA)
    assert "\n" not in str(found.value)
    file.write_text(file.read_text() + '[fields]\nwave = "signal"\n')
    with pytest.raises(PolicyError, match='"signal" is no kind'):
        reading.read(file)


def test_the_meter_times_packets_of_one_stream():
    """Each chunk once its turn has come, over and over: every one is answered, and none is a fault."""
    served = Answerer(BUNDLE)
    chunks = meter.requests([(SAMPLES[k : k + 5].astype(np.float32), "P01") for k in range(0, 30, 5)], SCHEMA.names)
    answer, bodies = probe.asked(served, chunks.splitlines())
    told = [answer(next(bodies)) for _ in range(300)]
    assert told[:3] == [b"", b"", b""]
    found = [json.loads(message) for message in told[3:]]
    assert [message["seq"] for message in found] == list(range(3, 300))
    assert all(
        len(message["moments"]) == 1 and "faults" not in message and "warning" not in message for message in found
    )


def test_the_meter_asks_for_one_chunk_at_a_time():
    """A list of them is no packet."""
    with pytest.raises(RequestError, match="one chunk at a time"):
        probe.asked(Answerer(BUNDLE), [b"[{}]"])


def test_a_bundle_that_decodes_is_measured(tmp_path: Path):
    """In a process of its own, as every trial is."""
    write(tmp_path / "bundle", BUNDLE)
    rows = [(SAMPLES[k : k + 5].astype(np.float32), "P01") for k in range(0, 30, 5)]
    (tmp_path / "rows.jsonl").write_bytes(meter.requests(rows, SCHEMA.names))
    found = meter.measure(tmp_path / "bundle", tmp_path / "rows.jsonl", tmp_path, count=700)
    assert 0 < found.measured.middle("p50") <= found.measured.middle("p99")
