"""The server's OpenAPI page, from the schema: what may be sent, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plimsoll.schema import Column, Kind, Schema
from plimsoll.serve import openapi_lists, openapi_search, openapi_v2
from plimsoll.serve.feedback import MOST as MOST_LABELS
from plimsoll.serve.openapi_parts import faults, json_of, operation, plain, reference
from plimsoll.serve.request import MOST_FRAMES, MOST_ROWS, MOST_TEXT, WANTED

if TYPE_CHECKING:  # a server without a policy need not know what one is
    from plimsoll.serve.gate import Gate

_TYPES: dict[Kind, list[str]] = {
    Kind.NUMBER: ["number", "string", "null"],
    Kind.BOOLEAN: ["boolean", "integer", "string", "null"],
    Kind.TIME: ["string", "number", "null"],
    Kind.CATEGORY: ["string", "number", "boolean", "null"],
    Kind.ID: ["string", "number", "boolean", "null"],
    Kind.TEXT: ["string", "null"],
    Kind.SIGNAL: ["array", "null"],
}


def page(
    schema: Schema,
    most_rows: int = MOST_ROWS,
    gate: Gate | None = None,
    appeals: bool = False,
    streams: bool = False,
    changes: bool = False,
) -> dict[str, Any]:
    """The page as a JSON value; with a policy's gate it tells of decisions, and with a queue of appeals against them, and
    with streams of how they are begun; and, where documents may come later, of their ``changes``.

    >>> from plimsoll.schema import Column
    >>> shown = page(Schema((Column("age", Kind.NUMBER, example="39"),), "income", ("no", "yes")))
    >>> shown["components"]["schemas"]["Answer"]["properties"]["prediction"]["enum"]
    ['no', 'yes']
    """
    searches = bool(schema.of(Kind.QUERY))
    title = "Search" if searches else f"Predict {schema.target}"
    predict = _asked(title, "Row", "Answer", schema, most_rows)
    paths: dict[str, Any] = {"/predict": {"post": predict}}
    schemas: dict[str, Any] = {"Row": _row(schema), "Answer": _answer(schema)}
    if gate is not None:
        paths["/decide"] = {
            "post": _asked(f"Decide by {gate.policy.name}", "Event", "Decision", gate.schema, most_rows)
        }
        schemas |= {"Event": _row(gate.schema), "Decision": _decision(gate, schema)}
    if appeals:
        paths["/appeal"] = {"post": _APPEAL}
    if streams:
        paths["/stream"] = {"get": _STREAM}
    if searches:
        paths |= openapi_search.paths(changes)
    if not schema.lists:
        paths["/feedback"] = {"post": _feedback(schema)}
    paths["/watch"] = {"get": _WATCH}
    paths |= {"/health": {"get": _HEALTH}, "/metrics": {"get": _METRICS}, "/openapi.json": {"get": _PAGE}}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "security": [{}, {"bearer": []}],
        "paths": paths | openapi_v2.paths(schema),
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {**schemas, "Fault": _FAULT, **openapi_v2.schemas(schema, most_rows)},
        },
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
_TEXT: dict[str, Any] = {"type": "string"}
_HEALTH = {
    "summary": "Whether it serves",
    "security": [],
    "responses": {"200": {"description": "It does.", **json_of({"type": "object", "required": ["status"]})}, **plain()},
}
_METRICS = {
    "summary": "Counts, as Prometheus reads them",
    "responses": {"200": {"description": "Counts.", "content": {"text/plain": {"schema": _TEXT}}}, **plain()},
}
_PAGE = {
    "summary": "This page",
    "responses": {"200": {"description": "This page.", **json_of({"type": "object"})}, **plain()},
}
_STREAM = {
    "summary": "Open a stream over WebSocket: samples one way, answers and events the other",
    "description": 'The first message is {"person": "P01", "rate": 200, "format": "int16"}, then packets: a number (uint32), '
    "a time (float64) and frames, little-endian; or JSON. See docs/signals.md.",
    "responses": {"101": {"description": "The stream is open."}, **plain(), **faults(only=("403", "404", "426"))},
}
_UNWATCHED = {"404": {"description": "Nothing is watched of this bundle.", **json_of(reference("Fault"))}}
_WATCH = {
    "summary": "Drift, the metric now, and the alarms that stand",
    "responses": {
        "200": {
            "description": "What is watched; a page where it is asked for as text/html.",
            "content": {"application/json": {"schema": {"type": "object"}}, "text/html": {"schema": _TEXT}},
        },
        **_UNWATCHED,
        **plain(),
    },
}
_APPEAL = {
    "summary": "Put a decision that was reviewed before another person",
    "requestBody": {
        "required": True,
        **json_of(
            {
                "type": "object",
                "properties": {"id": _TEXT, "because": _TEXT},
                "required": ["id"],
                "additionalProperties": False,
            }
        ),
    },
    "responses": {
        "202": {
            "description": "The number of the appeal.",
            **json_of({"type": "object", "properties": {"id": _TEXT}, "required": ["id"]}),
        },
        "404": {"description": "There is no such decision.", **json_of(reference("Fault"))},
        **faults(),
    },
}


def _asked(summary: str, row: str, answer: str, schema: Schema, most_rows: int) -> dict[str, Any]:
    """One of the pages that take rows: one row, a list of them, or a list under "rows"."""
    rows = {"type": "array", "items": reference(row), "maxItems": most_rows}
    envelope = {"type": "object", "properties": {"rows": rows}, "required": ["rows"], "additionalProperties": False}
    body = {"anyOf": [reference(row), rows, envelope]}
    example = {column.name: _example(column) for column in schema.columns}
    answers = {"anyOf": [reference(answer), {"type": "array", "items": reference(answer)}]}
    told = {"description": "One answer, or a list of them in the rows' order.", **json_of(answers)}
    content = {"application/json": {"schema": body, "example": example}}
    return operation(summary, content, {"200": told, **faults()})


def _feedback(schema: Schema) -> dict[str, Any]:
    """An answer sent back with what turned out true."""
    values = [schema.class_value(index) for index in range(len(schema.classes))]
    truth: dict[str, Any] = {"enum": values} if values else {"type": "number"}
    pair = {
        "type": "object",
        "properties": {"answer": reference("Answer"), "truth": truth},
        "required": ["answer", "truth"],
        "additionalProperties": False,
    }
    body = {"anyOf": [pair, {"type": "array", "items": pair, "maxItems": MOST_LABELS}]}
    taken = {"description": "How many labels were taken in all.", **json_of({"type": "object", "required": ["labels"]})}
    return {
        "summary": "Say what turned out true",
        "requestBody": {"required": True, **json_of(body)},
        "responses": {"202": taken, **_UNWATCHED, **faults()},
    }


def _row(schema: Schema) -> dict[str, Any]:
    if schema.of(Kind.QUERY):
        return openapi_search.row(schema.columns[0])
    if schema.lists:
        about = {column.name: _cell(column) for column in schema.columns[1:]}
        return openapi_lists.row(schema.columns[0], about)
    properties = {column.name: _cell(column) for column in schema.columns}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _cell(column: Column) -> dict[str, Any]:
    cell: dict[str, Any] = {"type": _TYPES[column.kind], "description": f"{column.kind.value}: {WANTED[column.kind]}"}
    if "string" in cell["type"]:
        cell["maxLength"] = MOST_TEXT
    if column.layout is not None:
        many = len(column.layout.channels)
        frame = {"type": "array", "items": {"type": "number"}, "minItems": many, "maxItems": many}
        cell |= {"items": frame, "maxItems": MOST_FRAMES}
    elif column.example:
        cell["examples"] = [_example(column)]
    return cell


def _example(column: Column) -> Any:
    if column.layout is not None:
        return [[0.0] * len(column.layout.channels)]
    if column.kind is Kind.BOOLEAN:
        return column.example.lower() in ("true", "1", "1.0") if column.example else None
    if column.kind is Kind.NUMBER:
        try:
            return float(column.example)
        except ValueError:
            return None
    return column.example or None


def _answer(schema: Schema) -> dict[str, Any]:
    if schema.of(Kind.QUERY):
        return openapi_search.answer()
    if schema.lists:
        return openapi_lists.answer()
    number = {"type": "number"}
    if not schema.classes:
        properties: dict[str, Any] = {"prediction": number, "low": number, "high": number}
    else:
        values = [schema.class_value(index) for index in range(len(schema.classes))]
        properties = {"prediction": {"enum": values}, "probabilities": _shares(schema.classes)}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _shares(classes: tuple[str, ...]) -> dict[str, Any]:
    """A probability for each class."""
    shares = {name: {"type": "number", "minimum": 0, "maximum": 1} for name in classes}
    return {"type": "object", "properties": shares, "required": list(classes)}


def _decision(gate: Gate, schema: Schema) -> dict[str, Any]:
    texts = {"type": "array", "items": _TEXT}
    scores: dict[str, Any] = {"type": "object", "required": ["value"], "properties": {"value": {"type": "number"}}}
    properties = {
        "outcome": {"enum": list(gate.policy.outcomes)},
        "by": {**texts, "description": "the rules that asked for it"},
        "labels": texts,
        "because": {**texts, "description": "what is said to whom it befalls"},
        "scores": _shares(schema.classes) if schema.classes else scores,
    }
    number = {"id": {"type": "string", "description": "under which it is kept, where it is"}}
    return {"type": "object", "properties": {**properties, **number}, "required": list(properties)}
