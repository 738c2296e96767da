"""The part of the OpenAPI page that tells of the Open Inference Protocol."""

from __future__ import annotations

from typing import Any

from plimsoll.schema import Column, Schema
from plimsoll.serve.inference_v2 import model_name
from plimsoll.serve.openapi_parts import faults, json_of, operation, plain, reference
from plimsoll.serve.request import MOST_TEXT
from plimsoll.serve.tensor_answer import outputs
from plimsoll.serve.tensors import TAKES

_TEXT: dict[str, Any] = {"type": "string"}
_OBJECT: dict[str, Any] = {"type": "object"}
_SHAPE = {"type": "array", "items": {"type": "integer"}}
_BINARY = "application/octet-stream"
_LENGTH = {
    "name": "Inference-Header-Content-Length",
    "in": "header",
    "description": "Bytes of JSON in the body, where tensors follow as bytes.",
    "schema": {"type": "integer", "minimum": 0},
}
_VERSION = {"name": "version", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def paths(schema: Schema) -> dict[str, Any]:
    """The protocol's pages, once for whichever version answers and once for a version that is named.

    >>> list(paths(Schema((), "income")))[3:]
    ['/v2/models/income', '/v2/models/income/ready', '/v2/models/income/infer', '/v2/models/income/versions/{version}', '/v2/models/income/versions/{version}/ready', '/v2/models/income/versions/{version}/infer']
    """
    found: dict[str, Any] = {
        "/v2": _got("What this server is", {}),
        "/v2/health/live": _got("Whether it lives", {"security": []}),
        "/v2/health/ready": _got("Whether it serves", {"security": []}),
    }
    home = f"/v2/models/{model_name(schema)}"
    for root, more in ((home, {}), (f"{home}/versions/{{version}}", {"parameters": [_VERSION]})):
        found[root] = {**more, **_got("What the model reads and gives", {}, "ModelMetadata", missing=True)}
        found[f"{root}/ready"] = {**more, **_got("Whether the model answers", {}, missing=True)}
        if not schema.lists:  # which are no tensors
            found[f"{root}/infer"] = {**more, "post": _infer(schema)}
    return found


def schemas(schema: Schema, most_rows: int) -> dict[str, Any]:
    """What the pages take and give."""
    said = {"type": "object", "properties": {"error": _TEXT}, "required": ["error"]}
    if schema.lists:
        return {"ModelMetadata": _metadata(), "InferFault": said}
    given = {
        "type": "object",
        "properties": {
            "name": {"enum": [each.name for each in outputs(schema)]},
            "datatype": _TEXT,
            "shape": _SHAPE,
            "parameters": _OBJECT,
            "data": {"type": "array"},
        },
        "required": ["name", "datatype", "shape"],
    }
    properties = {
        "model_name": _TEXT,
        "model_version": _TEXT,
        "id": _TEXT,
        "outputs": {"type": "array", "items": given},
    }
    return {
        "InferRequest": _request(schema, most_rows),
        "InferResponse": {"type": "object", "properties": properties, "required": ["model_name", "outputs"]},
        "ModelMetadata": _metadata(),
        "InferFault": said,
    }


def _got(summary: str, more: dict[str, Any], form: str = "", missing: bool = False) -> dict[str, Any]:
    told = {"description": summary, **json_of(reference(form) if form else _OBJECT)}
    return {"get": {"summary": summary, **more, "responses": {"200": told, **_missing(missing), **plain("InferFault")}}}


def _missing(may: bool) -> dict[str, Any]:
    told = {"description": "There is no such model, or it is not this version that answers."}
    return {"404": {**told, **json_of(reference("InferFault"))}} if may else {}


def _infer(schema: Schema) -> dict[str, Any]:
    binary = {_BINARY: {"schema": {"type": "string", "format": "binary"}}}
    told = json_of(reference("InferResponse"))["content"]
    responses = {
        "200": {"description": "A tensor for each output.", "content": {**told, **binary}},
        **_missing(True),
        "415": {"description": "The body is compressed.", **json_of(reference("InferFault"))},
        **faults("InferFault"),
    }
    content = {**json_of(reference("InferRequest"))["content"], **binary}
    found = operation(f"Predict {schema.target}, by tensors", content, responses)
    return {**found, "parameters": [*found["parameters"], _LENGTH]}


def _request(schema: Schema, most_rows: int) -> dict[str, Any]:
    wanted = {
        "type": "object",
        "properties": {"name": {"enum": [each.name for each in outputs(schema)]}, "parameters": _OBJECT},
        "required": ["name"],
        "additionalProperties": False,
    }
    tensors = [_tensor(each, form, most_rows) for each in schema.columns for form in _forms(each)]
    inputs = {"type": "array", "minItems": 1, "items": {"anyOf": tensors}}
    return {
        "type": "object",
        "properties": {
            "id": _TEXT,
            "parameters": _OBJECT,
            "inputs": inputs if schema.columns else {"type": "array"},
            "outputs": {"type": "array", "items": wanted},
        },
        "required": ["inputs"],
        "additionalProperties": False,
    }


def _forms(column: Column) -> list[tuple[str, list[str]]]:
    """What JSON holds in the elements of a column's tensors, with the datatypes for which it does."""
    found: dict[str, list[str]] = {}
    for datatype in TAKES[column.kind]:
        held = {"F": "number", "I": "integer", "U": "integer"}.get(datatype[0], "string")
        found.setdefault("boolean" if datatype == "BOOL" else held, []).append(datatype)
    return list(found.items())


def _tensor(column: Column, form: tuple[str, list[str]], most_rows: int) -> dict[str, Any]:
    held, datatypes = form
    if column.layout is not None:
        return _signal(column, datatypes)
    size = {"type": "integer", "minimum": 0, "maximum": most_rows}
    element: dict[str, Any] = {"type": [held, "null"]}
    if held == "string":
        element["maxLength"] = MOST_TEXT
    # In a shape of [rows, 1] elements may be lists of one.
    nested = {"type": "array", "items": element, "minItems": 1, "maxItems": 1}
    return {
        "type": "object",
        "properties": {
            "name": {"const": column.name},
            "datatype": {"enum": datatypes},
            "shape": {"type": "array", "items": size, "minItems": 1, "maxItems": 2},
            "parameters": _OBJECT,
            "data": {"type": "array", "maxItems": most_rows, "items": {"anyOf": [element, nested]}},
        },
        "required": ["name", "datatype", "shape"],
        "additionalProperties": False,
    }


def _signal(column: Column, datatypes: list[str]) -> dict[str, Any]:
    """Of shape [rows, frames, channels]; its data are flat, or nested as the shape says."""
    shape = {**_SHAPE, "minItems": 3, "maxItems": 3}
    properties = {
        "name": {"const": column.name},
        "datatype": {"enum": datatypes},
        "shape": shape,
        "parameters": _OBJECT,
        "data": {"type": "array"},
    }
    required = ["name", "datatype", "shape"]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _metadata() -> dict[str, Any]:
    tensor = {"type": "object", "required": ["name", "datatype", "shape"], "properties": {"shape": _SHAPE}}
    tensors = {"type": "array", "items": tensor}
    properties = {
        "name": _TEXT,
        "versions": {"type": "array", "items": _TEXT},
        "platform": _TEXT,
        "inputs": tensors,
        "outputs": tensors,
    }
    return {"type": "object", "properties": properties, "required": list(properties)}
