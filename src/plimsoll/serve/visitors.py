"""People who come with a browser: the token is shown once and then a cookie says who it is; and what a page of ours lets a browser do."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from plimsoll.errors import RequestError
from plimsoll.serve.routes import Headers

_POLICY = b"default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_REST = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"), (b"cache-control", b"no-store"))
SAFE: Headers = ((b"content-security-policy", _POLICY), *_REST)
ASKING: Headers = (
    (b"content-security-policy", _POLICY + b"; connect-src 'self'"),
    *_REST,
)  # of a page whose script asks us
_DAY = 43_200  # seconds that somebody is known


@dataclass(frozen=True)
class Door:
    """Who may see the pages below ``path``: with a ``token`` those who showed it, without one those at this machine.

    >>> door = Door("review", "/review", "secret")
    >>> cookie = door.admitted("ann")[1].decode()
    >>> door.known({b"cookie": cookie.encode()}), door.known({b"cookie": cookie.replace("ann", "eve").encode()})
    ('ann', '')
    """

    what: str
    path: str
    token: str | None = None
    _secret: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        secret = hashlib.sha256(f"plimsoll {self.what} {self.token or ''}".encode()).digest()
        object.__setattr__(self, "_secret", secret)

    def check(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Raises RequestError for a page that is not for this caller, whoever they say they are."""
        if self.token is None and not local(headers):
            raise RequestError(path, "without a token this page is for this machine alone.", 403)
        if method == "POST" and not ours(headers):
            raise RequestError(path, "the form was sent from another site.", 403)

    def opens(self, token: str) -> bool:
        """Whether it is the token; compared in constant time."""
        return self.token is None or hmac.compare_digest(token.encode(), self.token.encode())

    def admitted(self, name: str) -> tuple[bytes, bytes]:
        """The header that makes a browser known by this name."""
        value = f"{quote(name, safe='')}.{self._seal(name)}"
        cookie = f"plimsoll-{self.what}={value}; Path={self.path}; HttpOnly; SameSite=Strict; Max-Age={_DAY}"
        return b"set-cookie", cookie.encode()

    def known(self, headers: Mapping[bytes, bytes]) -> str:
        """The name that a cookie says; empty where there is none, or it was not made here."""
        try:
            cookie = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(f"plimsoll-{self.what}")
        except CookieError:
            return ""
        name, _, seal = cookie.value.rpartition(".") if cookie else ("", "", "")
        name = unquote(name)
        return name if name and hmac.compare_digest(seal.encode(), self._seal(name).encode()) else ""

    def _seal(self, name: str) -> str:
        return hmac.new(self._secret, name.encode(), hashlib.sha256).hexdigest()


def sent_to(place: str) -> Headers:
    """The headers that send a browser on, and let it do no more there than a page of ours may."""
    return ((b"location", place.encode()), *SAFE)


def ours(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a form comes from our own page: browsers say from where, and another site's page cannot make them lie."""
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None and site not in (b"same-origin", b"none"):
        return False
    return origin is None or origin.partition(b"://")[2] == headers.get(b"host", b"")


def local(headers: Mapping[bytes, bytes]) -> bool:
    """Whether it was asked for by a name of this machine: another site's name may be made to lead here."""
    host = headers.get(b"host", b"localhost").decode("latin-1")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name in ("localhost", "127.0.0.1", "[::1]")


def form(body: bytes) -> dict[str, str]:
    """The fields of a form. Raises RequestError."""
    try:
        told: dict[str, Any] = parse_qs(body.decode("utf-8"), max_num_fields=20, keep_blank_values=True)
    except (UnicodeDecodeError, ValueError):
        raise RequestError("$", "the form cannot be read.", 400) from None
    return {name: values[-1] for name, values in told.items()}
