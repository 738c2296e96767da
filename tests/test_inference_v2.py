"""The Open Inference Protocol answers what /predict answers, to a client library of others, and refuses in its own form."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from tritonclient import http

from plimsoll.serve.address import listen
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.caps import Caps
from plimsoll.serve.house import assemble
from plimsoll.serve.server import server
from plimsoll.serve.version import Version
from serving_toys import Echo, find, over, toy
from test_answerer import ROWS
from test_app import ask

ROW = {"age": 39, "hours per week": 40.5, "job": "cook", "member": True, "seen": "2026-05-17", "note": "a word"}
INFER = "/v2/models/income/infer"
TENSOR = {"name": "age", "shape": [2], "datatype": "FP64", "data": [39, None]}
KINDS = {"text": ("no", "yes"), "integer": ("0", "1", "2"), "boolean": ("false", "true"), "number": ()}


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


def answerer(kind: str = "text") -> Answerer:
    return Answerer(toy(KINDS[kind], "text" if kind == "number" else kind))


@contextmanager
def client(app: App) -> Iterator[Any]:
    """A client of NVIDIA's own over a real socket."""
    made = server(app)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=made.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with http.InferenceServerClient(f"127.0.0.1:{listener.getsockname()[1]}") as one:
                yield one
        finally:
            made.should_exit = True
            thread.join()


def tensors(binary: bool) -> list[Any]:
    """Three rows: a whole one, one of blanks, and one that is spelled otherwise."""
    columns = {
        "age": np.array([39.0, np.nan if binary else 1.0, 7.0]),
        "hours per week": np.array([40, 0, 7], dtype=np.int16),
        "job": np.array(["cook", "", " smith "], dtype=object),
        "member": np.array([True, False, True]),
        "note": np.array(["ein Wörtchen", "", "b\nc"], dtype=object),
    }
    found = []
    for name, values in columns.items():
        one = http.InferInput(name, [3, 1], DATATYPES[values.dtype.name])
        found.append(one.set_data_from_numpy(values.reshape(3, 1), binary_data=binary))
    return found


DATATYPES = {"float64": "FP64", "int16": "INT16", "object": "BYTES", "bool": "BOOL"}


def rows(binary: bool) -> bytes:
    """The same, as /predict takes them."""
    return json.dumps(
        [
            {"age": 39, "hours per week": 40, "job": "cook", "member": True, "note": "ein Wörtchen"},
            {"age": None if binary else 1, "hours per week": 0, "job": "", "member": False},
            {"age": 7, "hours per week": 7, "job": "smith", "member": True, "note": "b\nc"},
        ]
    ).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_of_others_gets_what_predict_gives(kind: str):
    """Tensors as bytes and as JSON, both ways, for texts, whole numbers, booleans and numbers: the very same answers."""
    one = answerer(kind)
    with client(over(one)) as triton:
        assert [triton.is_server_live(), triton.is_server_ready(), triton.is_model_ready("income")] == [True] * 3
        for binary in (True, False):
            expected = json.loads(one.answer(rows(binary)))
            plain = [http.InferRequestedOutput(each["name"], binary_data=False) for each in _outputs(triton)]
            for outputs in (None, plain):
                found = triton.infer("income", tensors(binary), outputs=outputs, request_id="7")
                assert found.get_response()["id"] == "7"
                said = found.as_numpy("prediction").tolist()
                said = [each.decode() if isinstance(each, bytes) else each for each in said]
                assert said == [each["prediction"] for each in expected]
                assert _numbers(found, kind) == [_expected(each) for each in expected]


def _outputs(triton: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = triton.get_model_metadata("income")["outputs"]
    return found


def _numbers(found: Any, kind: str) -> list[list[float]]:
    if kind == "number":
        return [list(each) for each in zip(*(found.as_numpy(name).tolist() for name in ("low", "high")), strict=True)]
    shares: list[list[float]] = found.as_numpy("probabilities").tolist()
    return shares


def _expected(answer: dict[str, Any]) -> list[float]:
    return list(answer["probabilities"].values()) if "probabilities" in answer else [answer["low"], answer["high"]]


def test_a_client_of_others_is_told_what_is_wrong():
    """The message of a refusal reaches whoever wrote the call, with its status."""
    with client(over(answerer())) as triton:
        wrong = http.InferInput("agee", [1], "FP64").set_data_from_numpy(np.array([1.0]))
        with pytest.raises(http.InferenceServerException, match=r'no column "agee". Did you mean "age"\?'):
            triton.infer("income", [wrong])
        with pytest.raises(http.InferenceServerException, match=r'no model "income2"\. Did you mean "income"'):
            triton.get_model_metadata("income2")


def test_the_metadata_name_every_column_and_output():
    """One tensor a column, of its kind's datatype; the classes stand beside the probabilities."""
    told = got(over(answerer()), "/v2/models/income")
    assert {each["name"]: each["datatype"] for each in told["inputs"]} == {
        "age": "FP64", "hours per week": "FP64", "job": "BYTES", "member": "BOOL", "seen": "BYTES", "note": "BYTES",
    }  # fmt: skip
    assert all(each["shape"] == [-1] for each in told["inputs"])
    assert told["outputs"][0] == {"name": "prediction", "datatype": "BYTES", "shape": [-1]}
    assert told["outputs"][1]["parameters"] == {"classes": ["no", "yes"]}
    assert [each["name"] for each in got(over(answerer("number")), "/v2/models/income")["outputs"]] == [
        "prediction",
        "low",
        "high",
    ]
    assert got(over(answerer()), "/v2")["extensions"] == ["binary_tensor_data"]


def got(app: App, path: str) -> Any:
    reply = ask(app, "GET", path)
    assert reply[0] == 200, reply
    return json.loads(reply[2])


def posted(app: App, told: Any, path: str = INFER, tail: bytes = b"", **headers: str) -> tuple[int, Any]:
    body = json.dumps(told).encode()
    more = {"inference-header-content-length": str(len(body))} if tail else {}
    reply = ask(app, "POST", path, body + tail, **{**more, **headers})
    return reply[0], json.loads(reply[2])


@settings(max_examples=60, deadline=None)
@given(row=ROWS)
@example(row={"job": 2**63})
@example(row={"job": -(2**63) - 1})
def test_a_row_by_tensors_is_the_row_of_predict(row: dict[str, Any]):
    """Whatever /predict takes in a cell, a tensor of its type takes too, and the answer is the same to the last bit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plimsoll.catalogue.find", find)
        one = answerer()
    inputs = [
        {"name": name, "shape": [1], "datatype": _datatype(value), "data": [_held(value)]}
        for name, value in row.items()
    ] or [{"name": "age", "shape": [1], "datatype": "FP64", "data": [None]}]
    status, told = posted(over(one), {"inputs": inputs})
    found = {each["name"]: each["data"] for each in told["outputs"]}
    expected = json.loads(one.answer(json.dumps([row]).encode()))[0]
    assert (status, found["prediction"], found["probabilities"]) == (
        200,
        [expected["prediction"]],
        list(expected["probabilities"].values()),
    )


def _held(value: Any) -> Any:
    """A whole number that no tensor holds is a text, as whoever writes one must do."""
    return str(value) if type(value) is int and not -(2**63) <= value < 2**63 else value


def _datatype(value: Any) -> str:
    value = _held(value)
    return {bool: "BOOL", str: "BYTES", int: "INT64"}.get(type(value), "FP64" if value is not None else "BYTES")


WRONG = [
    ({"inputs": []}, "$.inputs: expected at least one tensor"),
    ({}, "object missing required field `inputs`"),
    ({"inputs": [{**TENSOR, "name": "income"}]}, 'the model does not read "income". Leave it out.'),
    ({"inputs": [TENSOR, TENSOR]}, '$.inputs[1].name: "age" comes twice'),
    ({"inputs": [{**TENSOR, "shape": [2, 2]}]}, "$.inputs[0].shape: expected [rows] or [rows, 1], got [2, 2]"),
    ({"inputs": [{**TENSOR, "shape": [-2]}]}, "$.inputs[0].shape: expected [rows] or [rows, 1], got [-2]"),
    ({"inputs": [{**TENSOR, "shape": [3]}]}, "$.inputs[0].data: expected 3 elements as the shape says, got 2"),
    ({"inputs": [{**TENSOR, "shape": [1001]}]}, "$.inputs[0].shape: more than 1000 rows."),
    ({"inputs": [TENSOR, {**TENSOR, "name": "job", "shape": [3]}]}, "$.inputs[1].shape: holds 3 rows, and the first"),
    ({"inputs": [{**TENSOR, "datatype": "BOOL"}]}, "$.inputs[0].datatype: a number is one of FP64, FP32"),
    ({"inputs": [{**TENSOR, "data": [1, "x"]}]}, "$.inputs[0].data[1]: is no FP64: Expected `float | null`, got `str`"),
    ({"inputs": [{**TENSOR, "datatype": "BYTES", "data": ["1", "x"]}]}, "$.inputs[0].data[1]: expected a number or nu"),
    ({"inputs": [{**TENSOR, "datatype": "UINT8", "data": [1, -1]}]}, "$.inputs[0].data[1]: is no UINT8"),
    ({"inputs": [{**TENSOR, "shape": [2, 1], "data": [[1], [2, 3]]}]}, "$.inputs[0].data[1]: expected one element"),
    ({"inputs": [{**TENSOR, "data": [[1], [2]]}]}, "$.inputs[0].data[0]: is no FP64"),
    ({"inputs": [{"name": "age", "shape": [1], "datatype": "FP64"}]}, "$.inputs[0]: has no data"),
    ({"inputs": [TENSOR], "outputs": [{"name": "low"}]}, '$.outputs[0].name: there is no output "low".'),
    ({"inputs": [TENSOR], "more": 1}, "object contains unknown field `more`"),
    ({"inputs": [{**TENSOR, "parameters": {"shared_memory_region": "r"}}]}, "shared_memory_region: is not done here"),
    ({"inputs": [TENSOR], "outputs": [{"name": "prediction", "parameters": {"classification": 2}}]}, "is not done"),
    ({"inputs": [TENSOR], "parameters": {"binary_data_output": 1}}, "binary_data_output: expected true or false"),
    (
        {"inputs": [{**TENSOR, "name": "member", "datatype": "INT8", "data": [1, 2]}]},
        "$.inputs[0].data[1]: expected tr",
    ),
]


@pytest.mark.parametrize(("told", "words"), WRONG, ids=[words[:40] for _, words in WRONG])
def test_what_is_wrong_is_one_line_with_its_place(told: Any, words: str):
    """In the protocol's form, which is a text under "error", and never a 500."""
    status, said = posted(over(answerer()), told)
    assert (status in (413, 422), list(said)) == (True, ["error"])
    assert words in said["error"]
    assert "\n" not in said["error"]


def binary(size: int, datatype: str = "FP64", name: str = "age") -> dict[str, Any]:
    one = {"name": name, "shape": [2], "datatype": datatype, "parameters": {"binary_data_size": size}}
    return {"inputs": [one], "outputs": [{"name": "prediction"}]}


@pytest.mark.parametrize(
    ("told", "tail", "words"),
    [
        (binary(15), b"x" * 15, "2 × FP64 are 16 bytes, not 15"),
        (binary(17), b"x" * 16, "17 bytes are said, 16 are left"),
        (binary(16), b"\0" * 17, "1 bytes follow that are of no tensor"),
        (binary(16), np.array([1, np.inf]).tobytes(), "[1]: expected a finite number"),
        (binary(9, "BYTES", "job"), b"\5\0\0\0hello", "expected 2 elements, got 1"),
        (binary(8, "BYTES", "job"), b"\xff\xff\xff\xffabcd", "which are not all there"),
        (binary(9, "BYTES", "job"), b"\0\0\0\0\1\0\0\0\xff", "element 1 is not UTF-8"),
        (binary(12, "BYTES", "job"), b"\0" * 12, "expected 2 elements, got more"),
        (binary(-1), b"x", "expected a number of bytes, got -1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bytes_that_are_not_what_they_say_are_refused(told: Any, tail: bytes, words: str):
    """Too few, too many, not finite, not UTF-8: each is said, and nothing is read beyond the body."""
    status, said = posted(over(answerer()), told, tail=tail)
    assert status in (400, 422)
    assert words in said["error"]


def test_a_length_of_the_json_that_cannot_be_is_refused():
    """The header is checked before anything is cut by it."""
    for length in ("-1", "x", "99999", "9" * 30):
        status, said = posted(over(answerer()), {}, inference_header_content_length=length)
        assert (status, "expected a number up to 2" in said["error"]) == (400, True)


def test_inputs_that_are_missing_are_missing_values():
    """A column of which nothing is sent is as one whose cells are null."""
    one = answerer()
    sent = posted(over(one), {"inputs": [TENSOR]})[1]["outputs"][1]["data"]
    assert sent == [share for row in _predicted(one, [{"age": 39}, {}]) for share in row["probabilities"].values()]


def _predicted(one: Answerer, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(one.answer(json.dumps(rows).encode()))
    return found


def test_no_rows_are_no_answers():
    """An empty tensor is answered by empty ones."""
    status, told = posted(over(answerer()), {"inputs": [{**TENSOR, "shape": [0], "data": []}]})
    assert (status, [(each["shape"], each["data"]) for each in told["outputs"]]) == (200, [([0], []), ([0, 2], [])])


def test_only_the_outputs_that_are_wanted_are_given():
    """In the order in which they are asked for."""
    told = posted(over(answerer("number")), {"inputs": [TENSOR], "outputs": [{"name": "high"}, {"name": "low"}]})[1]
    assert [each["name"] for each in told["outputs"]] == ["high", "low"]
    assert "id" not in told


def test_pages_methods_and_versions_that_are_not_there_are_refused():
    """404 and 405, with what there is, in the protocol's form; a request that is compressed is a 415."""
    app = over(answerer())
    assert posted(app, {}, "/v2/models/income/versions/2/infer") == (
        404,
        {"error": 'there is no version "2" of income. Version 1 answers now.'},
    )
    assert got(app, "/v2/models/income/versions/1/ready") == {"name": "income", "ready": True}
    assert ask(app, "GET", "/v2/models/other/ready")[0] == ask(app, "GET", "/v2/repository")[0] == 404
    reply = ask(app, "GET", INFER)
    assert (reply[0], reply[1]["allow"], "takes POST" in json.loads(reply[2])["error"]) == (405, "POST", True)
    assert ask(app, "POST", "/v2")[1]["allow"] == "GET"
    assert posted(app, {"inputs": [TENSOR]}, content_encoding="gzip")[0] == 415


def test_a_token_guards_all_but_health():
    """As it does on the pages of our own; and who has none is told so in the protocol's form."""
    app = over(answerer(), token="a-long-enough-token")
    assert ask(app, "GET", "/v2/health/ready")[0] == ask(app, "GET", "/v2/health/live")[0] == 200
    for path in ("/v2", "/v2/models/income", "/v2/models/income/ready"):
        status, headers, body = ask(app, "GET", path)
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
        assert isinstance(json.loads(body)["error"], str)
    assert posted(app, {"inputs": [TENSOR]}, authorization="Bearer a-long-enough-token")[0] == 200


def test_requests_are_counted_shed_and_not_answered_late(monkeypatch: pytest.MonkeyPatch):
    """Rows and statuses are those of the one server; without room it is a 429, and past the caller's deadline a 504."""
    app = over(answerer())
    posted(app, {"inputs": [TENSOR]})
    assert (app.desk.counters.rows, app.desk.counters.statuses) == (2, {200: 1})
    app.desk.pace.took([b"x" * 100], 1.0)
    assert posted(app, {"inputs": [TENSOR]}, x_request_timeout_ms="1")[0] == 504
    monkeypatch.setattr(app.desk, "has_room", lambda: False)
    reply = ask(app, "POST", INFER, b"{}")
    assert (reply[0], reply[1]["retry-after"]) == (429, "1")
    assert app.desk.counters.statuses[429] == 1


def test_caps_are_kept():
    """The cap on rows and the cap on bytes are the server's own."""
    assert posted(over(answerer(), caps=Caps(rows=1)), {"inputs": [TENSOR]})[0] == 413
    assert posted(over(answerer(), caps=Caps(body=10)), {"inputs": [TENSOR]})[0] == 413
    long = {"name": "note", "shape": [1], "datatype": "BYTES", "data": ["x" * 100_001]}
    assert posted(over(answerer()), {"inputs": [long]})[0] == 413


def test_a_version_that_takes_over_answers_here_too():
    """Another target is another model; the name of the one before is no longer there."""
    app, served = assemble(Version(answerer()))
    bundle = toy()
    other = replace(bundle, schema=replace(bundle.schema, target="wealth in €"), facts={"digest": "ab12" * 16})
    served.swap(Version(Answerer(other)))
    assert got(app, "/v2/models/wealth_in")["versions"] == ["ab12ab12ab12"]
    assert posted(app, {"inputs": [TENSOR]})[0] == 404
    assert posted(app, {"inputs": [TENSOR]}, "/v2/models/wealth_in/versions/ab12ab12ab12/infer")[0] == 200


def test_a_model_that_fails_says_nothing_of_itself(monkeypatch: pytest.MonkeyPatch):
    """A 500 in the protocol's form, without the words of the exception."""

    def broken(self: Echo, rows: object) -> object:
        raise KeyError("secret")

    app = over(answerer())
    monkeypatch.setattr(Echo, "predict", broken)
    assert posted(app, {"inputs": [TENSOR]}) == (500, {"error": "the model failed on this request."})
