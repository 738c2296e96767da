"""What waits to be told over a stream. Whoever reads slowly gets fewer moments, and is told how many are left out; events
and symbols are never left out: where even they are too many, that is an end that says so."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from plimsoll.serve.session import Event, Moment, Symbol, Told

_encode = msgspec.json.Encoder().encode


class Overflow(Exception):
    """More events and symbols wait than may; ``waiting`` of them."""

    def __init__(self, events: int, symbols: int) -> None:
        super().__init__(f"{events} events{f' and {symbols} symbols' if symbols else ''} wait")
        self.waiting = events + symbols


class Outbox:
    """Gathers what is told, and hands it over in one message whenever there is somebody to take it.

    >>> box = Outbox(moments=2, events=10)
    >>> for at in (1.0, 2.0, 3.0): box.put(7, 0.5, [Moment(at, "a", {"a": 1.0})])
    >>> box.put(8, 0.6, [Event(3.0, "a", 1.0)])
    >>> told = msgspec.json.decode(box.take())
    >>> told["seq"], [moment["at"] for moment in told["moments"]], told["thinned"], len(told["events"])
    (8, [2.0, 3.0], 1, 1)
    >>> box.take() is None
    True
    """

    def __init__(self, moments: int, events: int) -> None:
        self.thinned = 0  # in all
        self._most = events
        self._moments: deque[Moment] = deque(maxlen=moments)
        self._events: list[Event] = []
        self._symbols: list[Symbol] = []
        self._notes: dict[str, Any] = {}
        self._out = 0  # moments left out of the next message
        self._seq = 0
        self._sent = 0.0

    def __bool__(self) -> bool:
        return bool(self._moments or self._events or self._symbols or self._notes)

    def put(self, seq: int, sent: float, told: Sequence[Told]) -> None:
        """Adds what a packet, of this number and time, has brought. Raises Overflow, with all of it still there."""
        self._seq, self._sent = seq, sent
        self.more(told)

    def more(self, told: Sequence[Told]) -> None:
        """Adds what no packet has brought, such as what is left to tell at an end. Raises Overflow as ``put`` does."""
        for each in told:
            if isinstance(each, Event):
                self._events.append(each)
            elif isinstance(each, Symbol):
                self._symbols.append(each)
            else:
                self._add(each)
        if len(self._events) + len(self._symbols) > self._most:
            raise Overflow(len(self._events), len(self._symbols))

    def _add(self, moment: Moment) -> None:
        full = len(self._moments) == self._moments.maxlen
        self._out += full
        self.thinned += full
        self._moments.append(moment)

    def note(self, **notes: Any) -> None:
        """Adds what is to be said beside; where it waits already, the newer stands."""
        self._notes.update(notes)

    def take(self, last: Mapping[str, Any] | None = None) -> bytes | None:
        """All that waits as one message, or None; with a ``last`` word there always is one."""
        if not self and last is None:
            return None
        told: dict[str, Any] = {"seq": self._seq, "time": self._sent, "moments": list(self._moments)}
        told["events"] = self._events
        if self._symbols:
            told["symbols"] = self._symbols
        if self._out:
            told["thinned"] = self._out
        told.update(self._notes)
        told.update(last or {})
        self._moments.clear()
        self._events, self._symbols, self._notes, self._out = [], [], {}, 0
        return _encode(told)
