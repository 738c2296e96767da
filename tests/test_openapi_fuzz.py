"""Whatever the OpenAPI page allows, and what it does not, is answered as the page says, and never by a 500 or more."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from plimsoll.errors import RequestError
from plimsoll.policy.queue import Queue
from plimsoll.policy.reading import read
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.gate import Gate
from plimsoll.serve.review import Review
from serving_toys import find, over, toy
from test_app import ask
from test_gate import TEXT


def no_fault_of_ours(ctx: Any, response: Any, case: Any) -> None:
    """No status of 500 or more; but a caller whose own deadline is too short is told so by a 504."""
    hurried = response.status_code == 504 and "x-request-timeout-ms" in case.headers
    assert hurried or response.status_code < 500, response.text


CHECKS = [
    no_fault_of_ours,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
INFER = "/v2/models/income/infer"
POSTED = ["/predict", "/decide", "/appeal", INFER, "/v2/models/income/versions/{version}/infer"]
READ = [
    "/health",
    "/metrics",
    "/openapi.json",
    "/v2",
    "/v2/health/ready",
    "/v2/models/income",
    "/v2/models/income/ready",
]
FUZZ = settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


@pytest.fixture
def whole(tmp_path: Path) -> App:
    """A server with every page that there is."""
    (tmp_path / "policy.toml").write_text(TEXT)
    answerer = Answerer(toy())
    gate = Gate(read(tmp_path / "policy.toml", answerer.schema), answerer)
    return over(answerer, gate=gate, review=Review(Queue(str(tmp_path / "review.db")), ("block", "allow")))


def shown(app: App) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(app, "GET", "/openapi.json")[2])
    return found


def test_the_page_is_openapi_3_1(whole: App):
    """By the specification's own schema, for every kind of server."""
    for app in (whole, over(Answerer(toy())), over(Answerer(toy(())))):
        assert not list(OpenAPIV31SpecValidator(shown(app)).iter_errors())


def test_the_page_tells_of_what_the_server_has(whole: App):
    """Decisions and appeals only where there are some; what comes back when it is too much, and after how long to retry."""
    assert set(POSTED + READ) <= set(shown(whole)["paths"])
    assert not {"/decide", "/appeal"} & set(shown(over(Answerer(toy())))["paths"])
    decide = shown(whole)["paths"]["/decide"]["post"]
    assert {"401", "429", "504"} <= set(decide["responses"])
    assert "Retry-After" in decide["responses"]["429"]["headers"]
    assert [each["name"] for each in decide["parameters"]] == ["x-request-timeout-ms"]
    schemas = shown(whole)["components"]["schemas"]
    assert list(schemas["Event"]["properties"]) == [*schemas["Row"]["properties"], "author"]
    assert schemas["Decision"]["properties"]["outcome"]["enum"] == ["block", "review", "allow"]


@pytest.mark.parametrize("mode", [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE])
@pytest.mark.parametrize("path", POSTED)
def test_what_is_posted_is_answered_as_the_page_says(whole: App, path: str, mode: schemathesis.GenerationMode):
    """By the page, and against it: the status, its headers and the form of the body are those that it names."""
    operation = schemathesis.openapi.from_asgi("/openapi.json", whole)[path]["POST"]
    told: Counter[int] = Counter()

    @FUZZ
    @given(case=operation.as_strategy(generation_mode=mode))
    def fuzzed(case: schemathesis.Case) -> None:
        told[case.call_and_validate(checks=CHECKS).status_code] += 1

    fuzzed()
    assert sum(told.values()) >= FUZZ.max_examples // 2
    if path in ("/predict", "/decide") and mode is schemathesis.GenerationMode.POSITIVE:
        assert told[200] >= 3, told


def test_tensors_that_fit_together_are_answered(whole: App):
    """The page cannot say that all tensors have as many rows as the first; where they do, most requests are answered."""
    operation = schemathesis.openapi.from_asgi("/openapi.json", whole)[INFER]["POST"]
    told: Counter[int] = Counter()

    @FUZZ
    @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE))
    def fuzzed(case: schemathesis.Case) -> None:
        if case.media_type == "application/json":
            case.body = fitted(case.body)
            case.headers.clear()
            told[case.call_and_validate(checks=CHECKS).status_code] += 1

    fuzzed()
    assert told[200] >= 3, told


def fitted(body: dict[str, Any]) -> dict[str, Any]:
    """A request whose tensors are of one row each, and each column once."""
    inputs = {each["name"]: each for each in body["inputs"]}
    fit = [
        {**each, "shape": [1], "data": each.get("data", [])[:1] or [None], "parameters": {}} for each in inputs.values()
    ]
    outputs = [{"name": each["name"]} for each in body.get("outputs", [])]
    return {"inputs": fit, "outputs": outputs}


@pytest.mark.parametrize("path", READ)
def test_what_is_read_is_as_the_page_says(whole: App, path: str):
    """Every page that is only read answers 200 in the form that it names."""
    operation = schemathesis.openapi.from_asgi("/openapi.json", whole)[path]["GET"]
    assert operation.Case().call_and_validate(checks=CHECKS).status_code == 200


@pytest.mark.parametrize("classes", [("no", "yes"), ()], ids=["classes", "number"])
def test_an_answer_is_of_the_form_that_the_page_gives(classes: tuple[str, ...]):
    """The example of the page, and tensors, for both kinds of model: a 200 of the form that is named."""
    app = over(Answerer(toy(classes)))
    pages = schemathesis.openapi.from_asgi("/openapi.json", app)
    tensor = {"name": "age", "shape": [2], "datatype": "FP64", "data": [39, None]}
    for path, body in (("/predict", [{"age": 39}, {}]), (INFER, {"inputs": [tensor], "id": "1"})):
        case = pages[path]["POST"].Case(body=body, media_type="application/json")
        assert case.call_and_validate(checks=CHECKS).status_code == 200


def test_a_form_that_is_not_the_pages_is_found(whole: App, monkeypatch: pytest.MonkeyPatch):
    """The checks above would be worthless if they let a status pass that the page does not name."""

    def teapot(*asked: object) -> None:
        raise RequestError("$", "short and stout", 418)

    pages = schemathesis.openapi.from_asgi("/openapi.json", whole)
    monkeypatch.setattr("plimsoll.serve.inference_v2.read", teapot)
    with pytest.raises(FailureGroup):
        pages[INFER]["POST"].Case(body={"inputs": []}, media_type="application/json").call_and_validate(checks=CHECKS)
