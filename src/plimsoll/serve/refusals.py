"""What is said to one who is not answered, and how a caller says how long it waits."""

from __future__ import annotations

import msgspec

from plimsoll.errors import RequestError

DUE = b"x-request-timeout-ms"


def seconds_left(said: bytes) -> float:
    """How long a caller waits, by the header that says so.

    >>> seconds_left(b"250")
    0.25
    """
    try:
        found = float(said) / 1e3
    except ValueError:
        found = -1.0
    if not 0.0 < found < 86_400.0:
        raise RequestError(DUE.decode(), "expected the milliseconds that the caller waits, such as 50", 400)
    return found


def shed() -> RequestError:
    return RequestError("$", "there are more requests than can be answered in time. Try again in a second.", 429)


def late() -> RequestError:
    return RequestError("$", "the answer would have come after the caller's own deadline.", 504)


def gone(path: bytes) -> RequestError:
    return RequestError(path.decode("latin-1"), "there is no such page any more.", 404)


def said(fault: RequestError) -> bytes:
    """The body that says what was wrong, and where."""
    return msgspec.json.encode({"error": {"path": fault.path, "message": fault.reason}})


SHED = said(shed())
