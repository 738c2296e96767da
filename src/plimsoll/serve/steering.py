"""Changes of what is served, one at a time: loaded and tried beside the answers, then made between two of them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from plimsoll.errors import UserError
from plimsoll.serve.journal import tell
from plimsoll.serve.served import Served
from plimsoll.serve.version import Origin, Version

_SAID = {
    "candidate": "A candidate is asked beside.",
    "dismiss": "No candidate is asked beside any more.",
    "reset": "Rules that were held back have their way again.",
}
KINDS = ("swap", "rollback", "candidate", "promote", "dismiss", "reset")


class Order(msgspec.Struct, frozen=True):
    """One change. ``swap`` and ``candidate`` say what is loaded, and a candidate which ``share`` of the requests it answers."""

    do: str
    bundle: str = ""
    policy: str = ""
    rates: str = ""
    lists: str = ""
    later: str = ""
    share: float = 0.0

    @property
    def origin(self) -> Origin:
        beside = (self.policy, self.rates, self.lists, self.later)
        return Origin(Path(self.bundle), *(Path(each) if each else None for each in beside))


def ordered(do: str, origin: Origin, share: float = 0.0) -> Order:
    """The order to load from there."""
    return Order(do, share=share, **{name: place or "" for name, place in origin.as_json().items()})


@dataclass(frozen=True)
class Standing:
    """Where the versions come from that answer now, answered before, and stand beside."""

    now: Origin
    before: Origin | None = None
    rival: Origin | None = None
    share: float = 0.0


def standing(first: Origin, orders: Iterable[Order]) -> Standing:
    """What is served once all these changes were made: a worker that begins late begins there.

    >>> a, b = Origin(Path("a")), Origin(Path("b"))
    >>> found = standing(a, [ordered("candidate", b, 0.1), Order("promote")])
    >>> found.now == b, found.before == a, found.rival
    (True, True, None)
    """
    now = Standing(first)
    for order in orders:
        if order.do == "swap":
            now = Standing(order.origin, now.now)
        elif order.do == "rollback" and now.before is not None:
            now = Standing(now.before, now.now)
        elif order.do == "candidate":
            now = Standing(now.now, now.before, order.origin, order.share)
        elif order.do == "promote" and now.rival is not None:
            now = Standing(now.rival, now.now)
        elif order.do == "dismiss":
            now = Standing(now.now, now.before)
    return now


class Steering(Protocol):
    """Who makes a change, in this process or in all of them."""

    async def do(self, order: Order) -> None:
        """Raises UserError, and then nothing has changed."""
        ...

    def shown(self) -> dict[str, Any]:
        """What is served, for those who look after it."""
        ...


class Helm:
    """Changes in this process."""

    def __init__(self, served: Served, load: Callable[[Origin], Version]) -> None:
        self.served = served
        self._load = load
        self._turn = asyncio.Lock()

    async def do(self, order: Order) -> None:
        async with self._turn:
            version = await asyncio.to_thread(self._load, order.origin) if order.do in ("swap", "candidate") else None
            self._make(order, version)
            if order.do not in ("swap", "rollback", "promote"):  # of these the one who answers tells
                tell(order.do, _SAID[order.do], bundle=order.bundle, policy=order.policy, share=order.share)
        # What went holds itself in circles, and a quiet server's collector comes by seldom. Most of what the server holds was
        # frozen when it began, so this walks little.
        gc.collect()

    def shown(self) -> dict[str, Any]:
        return self.served.as_json()

    def _make(self, order: Order, version: Version | None) -> None:
        if order.do == "swap" and version is not None:
            self.served.swap(version)
        elif order.do == "candidate" and version is not None:
            self.served.challenge(version, order.share)
        elif order.do == "rollback":
            self.served.back()
        elif order.do == "promote":
            self.served.promote()
        elif order.do == "dismiss":
            self.served.dismiss()
        elif order.do == "reset":
            for each in (self.served.now, self.served.rival.version if self.served.rival else None):
                if each is not None and each.gate is not None:
                    each.gate.breaker.reset()
        else:
            raise UserError(f'There is no change "{order.do}". There are: {", ".join(KINDS)}.')
