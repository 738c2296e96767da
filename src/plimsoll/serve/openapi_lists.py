"""The part of the OpenAPI page that tells of lists of items: who is asked about, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plimsoll.ranking import DEPTH
from plimsoll.schema import Column
from plimsoll.serve.list_request import MOST_EVENTS, K
from plimsoll.serve.request import MOST_TEXT

_ID: dict[str, Any] = {"type": ["string", "number"], "maxLength": MOST_TEXT}
_SAID: dict[str, Any] = {"type": ["string", "integer"]}
_IDS: dict[str, Any] = {"type": "array", "items": _ID, "maxItems": MOST_EVENTS}


def row(column: Column, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Who is asked about, ``about`` them by column, and what the list is to be like; ``column`` is that of users.

    >>> from plimsoll.schema import Kind
    >>> list(row(Column("user_id", Kind.HISTORY, example="12"))["properties"])
    ['user_id', 'k', 'since', 'without', 'only', 'why']
    """
    who = {
        "type": ["string", "number", "array", "null"],
        "maxLength": MOST_TEXT,
        "items": _ID,
        "maxItems": MOST_EVENTS,
        "description": "the id of a user, null for somebody unknown, or the ids of the items of a history, the oldest first",
        "examples": [column.example],
    }
    none = {**_IDS, "type": ["array", "null"]}
    wishes: dict[str, Any] = {
        "k": {"type": "integer", "minimum": 1, "maximum": DEPTH, "default": K, "description": "items that are wanted"},
        "since": {**_IDS, "description": "items that the user came to since, the oldest first"},
        "without": {**none, "description": "items that may not be in the list"},
        "only": {**none, "description": "items that alone may be in the list"},
        "why": {"type": "boolean", "description": "whether each item is to say what speaks for it"},
    }
    properties = {
        column.name: who,
        **(about or {}),
        **{name: wish for name, wish in wishes.items() if name != column.name},
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def answer() -> dict[str, Any]:
    """The items, best first; ``known`` says whether anything is known of who was asked about."""
    share = {"type": "number", "minimum": 0, "maximum": 1}
    reason = {"type": "object", "properties": {"id": _SAID, "share": share}, "required": ["id", "share"]}
    because = {"type": "array", "items": reason, "description": "items of the history that speak most for it"}
    item = {
        "type": "object",
        "properties": {"id": _SAID, "score": {"type": "number"}, "because": because},
        "required": ["id", "score"],
    }
    filled = {
        "type": "integer",
        "minimum": 1,
        "description": "items at the end that break a rule, where none were left",
    }
    passed = {"type": "integer", "minimum": 1, "description": "items of the request that are not known"}
    properties = {"items": {"type": "array", "items": item, "maxItems": DEPTH}, "known": {"type": "boolean"}}
    return {
        "type": "object",
        "properties": {**properties, "passed": passed, "filled": filled},
        "required": list(properties),
    }
