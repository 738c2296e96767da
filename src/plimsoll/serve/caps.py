"""What one request, and all of them together, may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plimsoll.errors import UserError
from plimsoll.limits import parse
from plimsoll.serve.request import MOST_ROWS

_TIMES = 20.0  # a p99 that nobody limited may grow so much under load
_LEAST = 0.01  # seconds: callers who ask for a quick model come in crowds, and nobody said that they may not


@dataclass(frozen=True)
class Caps:
    """On by default, every one of them."""

    body: int = 2**20  # bytes
    rows: int = MOST_ROWS
    seconds: float = 10.0  # for a request to arrive whole, its head and its body
    open: int = 256  # requests at once
    connections: int = 512
    patience: float = 0.05  # seconds within which a request is answered, or told at once that it cannot be


def patience(facts: Mapping[str, Any]) -> float:
    """How long a request may take under load: the p99 that the job was limited to, else a multiple of what was measured.

    >>> patience({"limits": ["p99 < 2 ms", "size < 1 MB"]}), patience({"measured": {"p99": 2e-3}}), patience({})
    (0.002, 0.04, 0.05)
    """
    try:
        told = parse([str(text) for text in facts.get("limits", ())]).get("p99")
        found = told if told is not None else max(_TIMES * float(facts["measured"]["p99"]), _LEAST)
    except (UserError, KeyError, TypeError, ValueError, AttributeError):  # facts are as a stranger wrote them
        return Caps.patience
    return found if 0.0 < found < 3_600.0 else Caps.patience
