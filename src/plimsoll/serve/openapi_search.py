"""The part of the OpenAPI page that tells of a search: what may be asked, what is found, and how documents come and go."""

from __future__ import annotations

from typing import Any

from plimsoll.box import DEEPEST, MOST_K
from plimsoll.schema import Column
from plimsoll.serve.openapi_parts import faults, json_of, operation, plain, reference
from plimsoll.serve.request import MOST_TEXT
from plimsoll.serve.search_request import MOST_NAMES, K

_TEXT: dict[str, Any] = {"type": "string", "maxLength": MOST_TEXT}
_NAMES: dict[str, Any] = {"type": "array", "items": _TEXT, "maxItems": MOST_NAMES}
_ID: dict[str, Any] = {"type": ["string", "integer"]}
_ANY: dict[str, Any] = {"type": "object"}
_HERE = {  # what is not in the table of every page
    "403": {"description": "Without a token it is for this machine alone.", **json_of(reference("Fault"))},
    "404": {"description": "There is no such document, or nothing to search any more.", **json_of(reference("Fault"))},
}
_FULL = {"507": {"description": "The disk is full: nothing of it was kept.", **json_of(reference("Fault"))}}
_QUERY = 'words; "words in a row" stand so, +word must be there, -word must not, and wind* is all that begins so'
_WHERE = 'what columns must be: a value, a list of them, null, or {"from": …, "to": …} of numbers and times, or "below"'


def wishes() -> dict[str, Any]:
    """What may stand beside a query, by name.

    >>> list(wishes())
    ['k', 'skip', 'where', 'facets', 'fields', 'highlight', 'why', 'count', 'typos']
    """

    def either(says: str, default: bool = False) -> dict[str, Any]:
        return {"type": "boolean", "default": default, "description": says}

    whole = {"type": "integer", "minimum": 0, "maximum": DEEPEST - 1, "default": 0}
    return {
        "k": {"type": "integer", "minimum": 1, "maximum": MOST_K, "default": K, "description": "documents wanted"},
        "skip": {**whole, "description": f"of the best to pass over; with k no more than {DEEPEST:,}"},
        "where": {"type": "object", "maxProperties": MOST_NAMES, "description": _WHERE},
        "facets": {**_NAMES, "description": "columns whose values are counted"},
        "fields": {**_NAMES, "type": ["array", "null"], "description": "columns that come back with a document"},
        "highlight": either("whether texts come as snippets, with marks at what the query met"),
        "why": either("whether each document is to say what its score is made of"),
        "count": either("whether all that match are counted"),
        "typos": either("whether a word of no document may be read as one that is near", True),
    }


def row(column: Column) -> dict[str, Any]:
    """A query, and what is wanted of the documents that it finds."""
    query = {**_TEXT, "type": ["string", "null"], "description": _QUERY, "examples": [column.example]}
    return {"type": "object", "properties": {column.name: query, **wishes()}, "additionalProperties": False}


def answer() -> dict[str, Any]:
    """The documents, best first, and what was asked for beside them."""
    number = {"type": "number"}
    part = {"type": "object", "properties": {"name": _TEXT, "part": number}, "required": ["name", "part"]}
    hit = {
        "id": _ID,
        "score": number,
        "text": {**_ANY, "description": "fields that are searched: all of each, or a snippet with its marks"},
        "about": {**_ANY, "description": "the other columns"},
        "why": {"type": "array", "items": part, "description": "the parts of the score, the biggest first"},
        "matched": {"type": "array", "items": _TEXT, "description": "fields that have a word of the query"},
    }
    hits = {"type": "object", "properties": hit, "required": ["id", "score"]}
    counted = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}
    properties = {
        "hits": {"type": "array", "items": hits, "maxItems": MOST_K},
        "total": {"type": "integer", "minimum": 0, "description": "documents that match"},
        "facets": {"type": "object", "additionalProperties": {"type": "array", "items": counted}},
        "corrected": {"type": "string", "description": "the query that was carried out instead"},
        "passed": {"type": "array", "items": _TEXT, "description": "what was passed over, and why"},
    }
    return {"type": "object", "properties": properties, "required": ["hits"]}


def paths(changes: bool) -> dict[str, Any]:
    """The pages beside ``/predict``; ``changes`` says that documents may come later."""
    found = {"description": "What was found.", **json_of(reference("Answer"))}
    answers = {"200": found, **_HERE, **faults()}
    asked = {"summary": "Search, by an address", "parameters": _parameters(), "responses": answers}
    page = {"200": {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}}
    shown = {"summary": "The page to search at", "security": [], "responses": {**page, **_HERE, **plain()}}
    return {"/search": {"get": shown}, "/search.json": {"get": asked}, "/documents": _documents(changes)}


def _parameters() -> list[dict[str, Any]]:
    told = {"q": {**_TEXT, "description": _QUERY}, **wishes()}
    found = []
    for name, schema in told.items():
        shape: dict[str, Any] = {"schema": schema}
        if name == "where":
            shape = {"content": {"application/json": {"schema": schema}}}
        if name == "fields":
            shape = {"schema": {**schema, "type": "array"}}
        found.append({"name": name, "in": "query", "required": False, **shape})
    return found


def _documents(changes: bool) -> dict[str, Any]:
    one = {"name": "id", "in": "query", "required": True, "schema": _TEXT}
    many = {**one, "schema": {"type": "array", "items": _TEXT, "minItems": 1}}
    document = {"type": "object", "properties": {"id": _ID, "fields": _ANY}, "required": ["id", "fields"]}
    told = {"description": "All that is known of it.", **json_of(document)}
    shown = {"summary": "A document", "parameters": [one], "responses": {"200": told, **_HERE, **faults()}}
    if not changes:
        return {"get": shown}
    counts = {"type": "integer", "minimum": 0}
    changed = {"type": "object", "properties": {"changed": counts, "documents": counts}, "required": ["changed"]}
    done = {"200": {"description": "How many were changed, and how many there are.", **json_of(changed)}}
    body = {"anyOf": [_ANY, {"type": "array", "items": _ANY}]}
    put = operation(
        "Add documents, or change them by their ids", json_of(body)["content"], {**done, **_HERE, **_FULL, **faults()}
    )
    take = {"summary": "Take documents away", "parameters": [many], "responses": {**done, **_HERE, **_FULL, **faults()}}
    return {"get": shown, "post": put, "delete": take}
