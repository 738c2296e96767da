"""What one request, and all of them together, may take."""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.serve.request import MOST_ROWS


@dataclass(frozen=True)
class Caps:
    """On by default, every one of them."""

    body: int = 2**20  # bytes
    rows: int = MOST_ROWS
    seconds: float = 10.0  # for a request to arrive whole, its head and its body
    open: int = 256  # requests at once
    connections: int = 512
