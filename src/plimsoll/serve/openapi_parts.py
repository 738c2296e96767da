"""Parts that the pages of a server have in common, as OpenAPI 3.1 writes them."""

from __future__ import annotations

from typing import Any

_FAULTS = {
    "400": "The body is not JSON, or a header cannot be read.",
    "401": "The token is missing or wrong.",
    "405": "The page is asked for otherwise.",
    "408": "The request did not arrive in time.",
    "413": "Too many bytes or rows.",
    "422": "A value is not of its column's kind.",
    "429": "The answer would not come in the time that was promised.",
    "500": "The model failed on this request.",
    "503": "Too many requests at once, or the server is stopping.",
    "504": "The answer would come after the caller's own deadline.",
}
_STREAMS = {  # that only who begins a stream meets
    "403": "A page from elsewhere may not open a stream here.",
    "404": "The bundle that answers now does not decode.",
    "426": "Streams come over WebSocket.",
}
_SECOND = {"Retry-After": {"description": "seconds", "required": True, "schema": {"type": "integer", "minimum": 1}}}
_HEADERS: dict[str, dict[str, Any]] = {
    "401": {"WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}}},
    "405": {"Allow": {"required": True, "schema": {"type": "string"}}},
    "429": _SECOND,
    "503": _SECOND,
}
WAITS: dict[str, Any] = {
    "name": "x-request-timeout-ms",
    "in": "header",
    "description": "Milliseconds that the caller waits; who would be answered later is told so at once (504).",
    "schema": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 86_400_000},
}


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def json_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The content of a body that is JSON."""
    return {"content": {"application/json": {"schema": schema}}}


def faults(form: str = "Fault", only: tuple[str, ...] = tuple(_FAULTS)) -> dict[str, Any]:
    """What is said to one who is refused, by status.

    >>> sorted(faults(only=("429",))["429"])
    ['content', 'description', 'headers']
    """
    found = {}
    for status in only:
        headers = {"headers": _HEADERS[status]} if status in _HEADERS else {}
        found[status] = {"description": (_FAULTS | _STREAMS)[status], **headers, **json_of(reference(form))}
    return found


def plain(form: str = "Fault") -> dict[str, Any]:
    """The faults of a page that takes no body worth reading."""
    return faults(form, ("401", "405", "408", "413", "500", "503"))


def operation(summary: str, content: dict[str, Any], responses: dict[str, Any]) -> dict[str, Any]:
    """A page to which a body is posted, and that an answer is waited for from."""
    body = {"required": True, "content": content}
    return {"summary": summary, "parameters": [WAITS], "requestBody": body, "responses": responses}
