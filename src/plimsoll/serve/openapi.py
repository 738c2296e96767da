"""The server's OpenAPI page, from the schema: what may be sent, and what comes back."""

from __future__ import annotations

from typing import Any

from plimsoll.schema import Column, Kind, Schema
from plimsoll.serve.feedback import MOST as MOST_LABELS
from plimsoll.serve.request import MOST_ROWS, MOST_TEXT, WANTED

_TYPES: dict[Kind, list[str]] = {
    Kind.NUMBER: ["number", "string", "null"],
    Kind.BOOLEAN: ["boolean", "integer", "string", "null"],
    Kind.TIME: ["string", "number", "null"],
    Kind.CATEGORY: ["string", "number", "boolean", "null"],
    Kind.ID: ["string", "number", "boolean", "null"],
    Kind.TEXT: ["string", "null"],
}


def page(schema: Schema, most_rows: int = MOST_ROWS) -> dict[str, Any]:
    """The page as a JSON value.

    >>> from plimsoll.schema import Column
    >>> shown = page(Schema((Column("age", Kind.NUMBER, example="39"),), "income", ("no", "yes")))
    >>> shown["components"]["schemas"]["Answer"]["properties"]["prediction"]["enum"]
    ['no', 'yes']
    """
    row, answer = {"$ref": "#/components/schemas/Row"}, {"$ref": "#/components/schemas/Answer"}
    rows = {"type": "array", "items": row, "maxItems": most_rows}
    body = {"oneOf": [row, rows, {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}]}
    example = {column.name: _example(column) for column in schema.columns}
    responses: dict[str, Any] = {
        "200": {
            "description": "One answer, or a list of them in the rows' order.",
            **_json({"oneOf": [answer, {"type": "array", "items": answer}]}),
        }
    }
    for status, words in _FAULTS.items():
        responses[status] = {"description": words, **_json({"$ref": "#/components/schemas/Fault"})}
    predict = {
        "summary": f"Predict {schema.target}",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "example": example}}},
        "responses": responses,
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Predict {schema.target}", "version": "1"},
        "paths": {
            "/predict": {"post": predict},
            "/feedback": {"post": _feedback(schema)},
            **{path: _plain(words) for path, words in _PAGES.items()},
        },
        "components": {"schemas": {"Row": _row(schema), "Answer": _answer(schema), "Fault": _FAULT}},
    }


_FAULTS = {
    "400": "The body is not JSON.",
    "401": "The token is missing or wrong.",
    "413": "Too many bytes or rows.",
    "422": "A value is not of its column's kind.",
    "503": "Too many requests at once.",
}
_PAGES = {
    "/health": "Whether it serves",
    "/metrics": "Counts, as Prometheus reads them",
    "/openapi.json": "This page",
    "/watch": "Drift, the metric now, and the alarms that stand",
}
_FAULT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"path": {"type": "string", "examples": ["$.rows[3].age"]}, "message": {"type": "string"}},
            "required": ["path", "message"],
        }
    },
    "required": ["error"],
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _plain(words: str) -> dict[str, Any]:
    return {"get": {"summary": words, "responses": {"200": {"description": words}}}}


def _feedback(schema: Schema) -> dict[str, Any]:
    """An answer sent back with what turned out true."""
    values = [schema.class_value(index) for index in range(len(schema.classes))]
    truth: dict[str, Any] = {"enum": values} if values else {"type": "number"}
    pair = {
        "type": "object",
        "properties": {"answer": {"$ref": "#/components/schemas/Answer"}, "truth": truth},
        "required": ["answer", "truth"],
    }
    body = {"oneOf": [pair, {"type": "array", "items": pair, "maxItems": MOST_LABELS}]}
    taken = {"description": "How many labels were taken in all.", **_json({"type": "object"})}
    return {
        "summary": "Say what turned out true",
        "requestBody": {"required": True, **_json(body)},
        "responses": {"202": taken, "422": {"description": _FAULTS["422"]}},
    }


def _row(schema: Schema) -> dict[str, Any]:
    properties = {column.name: _cell(column) for column in schema.columns}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _cell(column: Column) -> dict[str, Any]:
    cell: dict[str, Any] = {"type": _TYPES[column.kind], "description": f"{column.kind.value}: {WANTED[column.kind]}"}
    if "string" in cell["type"]:
        cell["maxLength"] = MOST_TEXT
    if column.example:
        cell["examples"] = [_example(column)]
    return cell


def _example(column: Column) -> Any:
    if column.kind is Kind.BOOLEAN:
        return column.example.lower() in ("true", "1", "1.0") if column.example else None
    if column.kind is Kind.NUMBER:
        try:
            return float(column.example)
        except ValueError:
            return None
    return column.example or None


def _answer(schema: Schema) -> dict[str, Any]:
    number = {"type": "number"}
    if not schema.classes:
        properties: dict[str, Any] = {"prediction": number, "low": number, "high": number}
    else:
        values = [schema.class_value(index) for index in range(len(schema.classes))]
        shares = {name: {"type": "number", "minimum": 0, "maximum": 1} for name in schema.classes}
        probabilities = {"type": "object", "properties": shares, "required": list(schema.classes)}
        properties = {"prediction": {"enum": values}, "probabilities": probabilities}
    return {"type": "object", "properties": properties, "required": list(properties)}
