"""The pages of a server: for each path how it is asked, by whom, and who answers."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

import msgspec

from plimsoll.errors import RequestError

JSON, HTML, PROMETHEUS = b"application/json", b"text/html; charset=utf-8", b"text/plain; version=0.0.4; charset=utf-8"
_Told = TypeVar("_Told")
Headers = tuple[tuple[bytes, bytes], ...]


class Who(Enum):
    """Who may ask for a page."""

    ANYONE = "anyone"  # the page asks itself, or has nothing to hide
    CALLER = "caller"  # who asks for predictions and decisions
    ADMIN = "admin"  # who says what is served


@dataclass(frozen=True)
class Asked:
    """A request as a page sees it; names of ``headers`` are in lower case."""

    method: str
    path: str
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    query: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What goes back: a status, a body with its type, and further headers; and how many rows it answers."""

    status: int = 200
    body: bytes = b""
    kind: bytes = JSON
    headers: Headers = ()
    rows: int = 0


@dataclass(frozen=True)
class Done:
    """A request that has been answered, for those who log or trace; ``route`` is its page's path, of which there are few."""

    path: str
    status: int
    seconds: float
    rows: int = 0
    method: str = "POST"
    route: str = ""
    headers: Mapping[bytes, bytes] = field(default_factory=dict)


Answers = Callable[[Asked], Awaitable[Reply]]


@dataclass(frozen=True)
class Route:
    """``most`` are the bytes that a body may have, where the server's own cap is not meant; ``below`` takes every path
    under it too; ``said`` writes what is wrong, where a protocol has a form of its own for it."""

    answer: Answers
    methods: tuple[str, ...] = ("GET",)
    who: Who = Who.CALLER
    most: int | None = None
    below: bool = False
    said: Callable[[RequestError], bytes] | None = None


@dataclass(frozen=True)
class Keys:
    """The tokens of those who ask, and of those who say what is served. Without the second nobody may say it."""

    caller: str | None = None
    admin: str | None = None

    def admits(self, who: Who, given: bytes) -> bool:
        """Whether an Authorization header opens such a page; compared in constant time, so that a guess learns nothing."""
        if who is Who.ANYONE or (who is Who.CALLER and self.caller is None):
            return True
        key = self.admin if who is Who.ADMIN else self.caller
        return key is not None and hmac.compare_digest(given, f"Bearer {key}".encode())


def found(routes: Mapping[str, Route], path: str) -> Route | None:
    """The route of a path: its own, or one that takes all below.

    >>> async def page(asked): return Reply()
    >>> table = {"/review": Route(page, below=True), "/health": Route(page)}
    >>> found(table, "/review/next") is table["/review"], found(table, "/reviewed"), found(table, "/health/x")
    (True, None, None)
    """
    if (own := routes.get(path)) is not None:
        return own
    above = routes.get(path[: path.find("/", 1)]) if path.find("/", 1) > 0 else None
    return above if above is not None and above.below else None


def decoded(body: bytes, kind: type[_Told], looks: str) -> _Told:
    """A small JSON body. Raises RequestError that says how it looks.

    >>> decoded(b"3", str, '"…"')
    Traceback (most recent call last):
    plimsoll.errors.RequestError: $: the body looks like "…": Expected `str`, got `int`
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as fault:
        status = 422 if isinstance(fault, msgspec.ValidationError) else 400
        raise RequestError("$", f"the body looks like {looks}: {fault}", status) from None
