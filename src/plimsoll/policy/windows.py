"""Counters over a moving window: how many events of a key came lately, one event at a time.

A history is replayed through the same code, event by event in the order of time, so that what a rule saw then is what it
would have seen, and nothing that came later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

MOST_KEYS = 1_000_000  # that are kept at once; the one that was heard of last goes first
MOST_EVENTS = 10_000  # of a key: more is not counted any farther


class Window:
    """The events of each key in the last ``seconds``.

    >>> window = Window(60.0)
    >>> window.add("ann", 0.0), window.add("ann", 59.0), window.add("bob", 59.0), window.add("ann", 61.0)
    (1.0, 2.0, 1.0, 2.0)
    """

    def __init__(self, seconds: float, most_keys: int = MOST_KEYS) -> None:
        self._seconds = seconds
        self._most = most_keys
        self._events: dict[Hashable, deque[tuple[float, float]]] = {}  # the key that was heard of last stands last

    def add(self, key: Hashable, now: float, amount: float = 1.0) -> float:
        """Counts an event, and gives the sum of the amounts of its key in the window, its own among them.

        An event that comes late counts as of the latest moment of its key.
        """
        events = self._events.pop(key, None)
        if events is None:
            events = deque(maxlen=MOST_EVENTS)
        elif events:
            now = max(now, events[-1][0])
        self._events[key] = events
        events.append((now, amount))
        self._forget(now)
        return self._sum(events, now)

    def look(self, key: Hashable, now: float) -> float:
        """The sum as it stands, with no event added."""
        events = self._events.get(key)
        return self._sum(events, now) if events else 0.0

    def __len__(self) -> int:
        return len(self._events)

    def _sum(self, events: deque[tuple[float, float]], now: float) -> float:
        while events and events[0][0] <= now - self._seconds:
            events.popleft()
        return sum(amount for _, amount in events)

    def _forget(self, now: float) -> None:
        """Drops keys that have not been heard of for a window, a few at a time."""
        for _ in range(2):
            first = next(iter(self._events))
            latest = self._events[first][-1][0] if self._events[first] else now - self._seconds
            if latest > now - self._seconds and len(self._events) <= self._most:
                return
            if len(self._events) > 1:
                del self._events[first]
