"""The Open Inference Protocol, version 2, beside ``/predict``: the way of KServe and Triton, over REST.

The model's name is its target, with what has no place in a path made ``_``; its version is the beginning of the bundle's
digest. Each column is a tensor of its own. Whichever version answers ``/predict`` now answers here, with the same numbers;
one that is tried beside it is not asked about these requests.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any

import msgspec

from plimsoll.errors import RequestError, nearest
from plimsoll.schema import Schema
from plimsoll.serve.answerer import Answerer, Decided
from plimsoll.serve.desk import Desk
from plimsoll.serve.journal import failed
from plimsoll.serve.refusals import DUE, late, seconds_left, shed
from plimsoll.serve.routes import JSON, Asked, Headers, Reply, Route, Who
from plimsoll.serve.served import Served
from plimsoll.serve.tensor_answer import outputs, wanted, written
from plimsoll.serve.tensor_request import read
from plimsoll.serve.tensors import described

_HEADER = b"inference-header-content-length"
_BINARY = b"application/octet-stream"
_MODEL = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(?:/(ready|infer))?")


def model_name(schema: Schema) -> str:
    """What a model is called here.

    >>> model_name(Schema((), "house price (€)")), model_name(Schema((), "…"))
    ('house_price', 'model')
    """
    return re.sub(r"[^A-Za-z0-9.-]+", "_", schema.target).strip("_.-") or "model"


def model_version(answerer: Answerer) -> str:
    """The first twelve figures of the bundle's digest; ``1`` where it says none."""
    return re.sub(r"[^0-9a-f]", "", str(answerer.bundle.facts.get("digest", "")))[:12] or "1"


def protocol(served: Served, desk: Desk, most_rows: int) -> dict[str, Route]:
    """The pages of the protocol. Health is for anyone, as ``/health`` is."""

    async def page(asked: Asked) -> Reply:
        if asked.path in ("/v2", "/v2/"):
            return _only("GET", asked, desk) or _json(_server())
        found = _MODEL.fullmatch(asked.path)
        if found is None:
            raise RequestError(
                asked.path[:200], "there is no such page. There are: /v2, /v2/health/ready, /v2/models/….", 404
            )
        answerer = served.now.answerer  # which it is may change between two requests
        name, of, what = found.groups()
        _check_model(name, of, answerer)
        if refused := _only("POST" if what == "infer" else "GET", asked, desk):
            return refused
        if what == "infer":
            if answerer.schema.lists:
                raise RequestError("$", "the answers are lists of items, which are no tensors. Ask /predict.", 422)
            return _infer(asked, answerer, desk, most_rows)
        return _json({"name": name, "ready": True} if what == "ready" else metadata(answerer))

    async def live(asked: Asked) -> Reply:
        return _json({"live": True})

    async def ready(asked: Asked) -> Reply:
        return _json({"ready": True})

    return {
        "/v2": Route(page, ("GET", "POST"), below=True, said=said),
        "/v2/health/live": Route(live, who=Who.ANYONE, said=said),
        "/v2/health/ready": Route(ready, who=Who.ANYONE, said=said),
    }


def metadata(answerer: Answerer) -> dict[str, Any]:
    """What a model reads and gives, as the protocol says it: where answers are lists, no tensor."""
    schema = answerer.schema
    return {
        "name": model_name(schema),
        "versions": [model_version(answerer)],
        "platform": "plimsoll_bundle",
        "inputs": [] if schema.lists else [described(column) for column in schema.columns],
        "outputs": [] if schema.lists else [each.as_json() for each in outputs(schema)],
    }


def said(fault: RequestError) -> bytes:
    """What is wrong, in the protocol's form.

    >>> said(RequestError("$.inputs[0].shape", "expected [rows]"))
    b'{"error":"$.inputs[0].shape: expected [rows]"}'
    """
    return msgspec.json.encode({"error": fault.reason if fault.path == "$" else str(fault)})


def _infer(asked: Asked, answerer: Answerer, desk: Desk, most_rows: int) -> Reply:
    begun = perf_counter()
    if not desk.has_room():
        raise shed()
    if DUE in asked.headers and desk.pace.of(asked.body) > seconds_left(asked.headers[DUE]):
        raise late()
    if asked.headers.get(b"content-encoding", b"identity") != b"identity":
        raise RequestError("content-encoding", "a body that is compressed is not read. Send it as it is.", 415)
    told = read(asked.body, asked.headers.get(_HEADER), answerer.schema, most_rows)
    given = wanted(told, answerer.schema)
    decided = _decided(answerer, told.rows, asked.path)
    head = {"model_name": model_name(answerer.schema), "model_version": model_version(answerer)}
    head.update({"id": told.id} if told.id is not None else {})
    body, length = written(head, given, decided, answerer.schema, len(told.rows))
    desk.counters.answered(200, perf_counter() - begun, len(told.rows))
    if length is None:
        return Reply(200, body, JSON, rows=len(told.rows))
    return Reply(200, body, _BINARY, ((_HEADER, str(length).encode()),), len(told.rows))


def _decided(answerer: Answerer, rows: Any, path: str) -> Decided:
    try:
        return answerer.decide(answerer.ready(rows)) if len(rows) else Decided()
    except RequestError:
        raise
    except Exception as fault:
        failed(path, fault)
        raise RequestError("$", "the model failed on this request.", 500) from None


def _check_model(name: str, of: str | None, answerer: Answerer) -> None:
    """Raises RequestError where another model is meant, or another version."""
    here, now = model_name(answerer.schema), model_version(answerer)
    if name != here:
        raise RequestError("$", f'there is no model "{name[:100]}". {nearest(name[:100], [here])}', 404)
    if of is not None and of != now:
        raise RequestError("$", f'there is no version "{of[:100]}" of {here}. Version {now} answers now.', 404)


def _only(method: str, asked: Asked, desk: Desk) -> Reply | None:
    """None where a page was asked for as it should be; else what is said, with what would be right."""
    if asked.method == method:
        return None
    desk.counters.refused(405)
    fault = RequestError(asked.path[:200], f"takes {method}, not {asked.method}.", 405)
    allow: Headers = ((b"allow", method.encode()),)
    return Reply(405, said(fault), JSON, allow)


@lru_cache(maxsize=1)
def _server() -> dict[str, Any]:
    try:
        number = version("plimsoll")
    except PackageNotFoundError:  # run from its source
        number = "0"
    return {"name": "plimsoll", "version": number, "extensions": ["binary_tensor_data"]}


def _json(value: dict[str, Any]) -> Reply:
    return Reply(200, msgspec.json.encode(value))
