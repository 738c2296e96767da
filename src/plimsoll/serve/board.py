"""What the workers of one server tell each other: a folder with a file of each, and the list of changes that were ordered."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from plimsoll.serve.steering import Order

_ORDERS, _LOCK = "orders.jsonl", "lock"


class Board:
    """Files are written whole or not at all, so that who reads one never sees half of it."""

    def __init__(self, folder: Path, worker: int) -> None:
        self.folder = folder
        self.worker = worker
        self._read = 0  # bytes of the list of changes
        self._orders: list[Order] = []

    def post(self, state: dict[str, Any]) -> None:
        """Tells the others how this worker stands."""
        place = self._place(self.worker)
        fresh = place.with_suffix(".fresh")
        fresh.write_bytes(msgspec.json.encode({**state, "worker": self.worker, "pid": os.getpid()}))
        os.replace(fresh, place)

    def own(self) -> dict[str, Any]:
        """What was last posted in this worker's place: by itself, or by the one whose place it took."""
        return _state(self._place(self.worker))

    def others(self) -> list[dict[str, Any]]:
        """How the other workers stood when they last told."""
        places = [place for place in sorted(self.folder.glob("worker-*.json")) if place != self._place(self.worker)]
        return [state for state in map(_state, places) if state]

    def orders(self) -> list[Order]:
        """All changes so far, in their order."""
        try:
            with (self.folder / _ORDERS).open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except FileNotFoundError:
            return self._orders
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        self._orders += [msgspec.json.decode(line, type=Order) for line in whole.splitlines()]
        return self._orders

    def add(self, order: Order) -> int:
        """Tells all workers of a change; gives its number."""
        with (self.folder / _ORDERS).open("ab") as file:
            file.write(msgspec.json.encode(order) + b"\n")
        return len(self.orders())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While it lasts, no other worker makes a change."""
        with (self.folder / _LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _place(self, worker: int) -> Path:
        return self.folder / f"worker-{worker}.json"


def _state(place: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(place.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        return {}
