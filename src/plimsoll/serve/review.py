"""Where people review: a few pages over the queue. Who may come in shows the token once, and is then known by a cookie."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from plimsoll.errors import RequestError, UserError
from plimsoll.policy.queue import APPEAL, APPEALED, Item, Queue
from plimsoll.serve import review_page
from plimsoll.serve.routes import HTML, Reply

_ASSETS = {"review.css": b"text/css; charset=utf-8", "review.js": b"text/javascript; charset=utf-8"}
_COOKIE = "plimsoll-reviewer"
_SAFE = (
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)  # fmt: skip


@dataclass
class Review:
    """The pages below ``/review``. ``choices`` are what may be said of an event."""

    queue: Queue
    choices: Sequence[str]
    token: str | None = None
    clock: Callable[[], float] = time.time
    _secret: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._secret = hashlib.sha256(b"plimsoll review " + (self.token or "").encode()).digest()

    async def reply(self, method: str, path: str, headers: Mapping[bytes, bytes], body: bytes) -> Reply:
        """The answer to a request of a browser; the queue is asked beside the event loop."""
        return await asyncio.to_thread(self._reply, method, path, headers, body)

    def _reply(self, method: str, path: str, headers: Mapping[bytes, bytes], body: bytes) -> Reply:
        rest = path.removeprefix("/review").strip("/")
        if rest in _ASSETS:
            return Reply(200, review_page.asset(rest), _ASSETS[rest], _SAFE)
        if self.token is None and not _local(headers):
            raise RequestError(path, "without a token this page is for this machine alone.", 403)
        if method == "POST" and not _ours(headers):
            raise RequestError(path, "the form was sent from another site.", 403)
        form = _form(body) if method == "POST" else {}
        if rest == "login":
            return self._enter(form) if method == "POST" else self._shown(review_page.login(self.token is not None))
        reviewer = self._known(headers)
        if not reviewer:
            return self._shown(review_page.login(self.token is not None))
        if method == "POST":
            return self._said(rest, reviewer, form)
        return self._next(reviewer) if not rest else Reply(404, b"There is no such page.", b"text/plain", _SAFE)

    # Who it is.

    def _enter(self, form: Mapping[str, str]) -> Reply:
        name = " ".join(form.get("name", "").split())[:60]
        if self.token is not None and not hmac.compare_digest(form.get("token", "").encode(), self.token.encode()):
            return self._shown(review_page.login(True, wrong=True), 403)
        if not name:
            return self._shown(review_page.login(self.token is not None))
        value = f"{quote(name, safe='')}.{self._seal(name)}"
        cookie = f"{_COOKIE}={value}; Path=/review; HttpOnly; SameSite=Strict; Max-Age=43200"
        return Reply(303, b"", HTML, ((b"location", b"/review"), (b"set-cookie", cookie.encode()), *_SAFE))

    def _seal(self, name: str) -> str:
        return hmac.new(self._secret, name.encode(), hashlib.sha256).hexdigest()

    def _known(self, headers: Mapping[bytes, bytes]) -> str:
        """The reviewer that a cookie names; empty where there is none, or it was not made here."""
        try:
            cookie = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(_COOKIE)
        except CookieError:
            return ""
        name, _, seal = cookie.value.rpartition(".") if cookie else ("", "", "")
        name = unquote(name)
        return name if name and hmac.compare_digest(seal.encode(), self._seal(name).encode()) else ""

    # What is seen and said.

    def _next(self, reviewer: str, fault: str = "") -> Reply:
        item = self.queue.next(reviewer, self.clock())
        counts, agreed = self.queue.counts(), self.queue.agreement()
        if item is None:
            return self._shown(review_page.empty(reviewer, counts, agreed))
        return self._shown(
            review_page.event(item, self.choices, reviewer, counts, agreed, fault), 409 if fault else 200
        )

    def _said(self, rest: str, reviewer: str, form: Mapping[str, str]) -> Reply:
        if rest == "undo":
            self.queue.undo(reviewer, self.clock())
            return _back()
        number, _, what = unquote(rest).partition("/")
        if what == "skip":
            self.queue.skip(number, reviewer)
            return _back()
        label = form.get("label", "")
        if what or label not in self.choices:
            return self._next(reviewer, "Choose one of the buttons.")
        try:
            self.queue.decide(number, reviewer, label, form.get("note", "")[:2_000], self.clock())
        except UserError as fault:
            return self._next(reviewer, str(fault))
        return _back()

    def _shown(self, page: bytes, status: int = 200) -> Reply:
        return Reply(status, page, HTML, _SAFE)

    def appeal(self, number: str, words: str) -> str:
        """Puts a decision before another person; the number of the appeal comes back. Raises RequestError."""
        found = self.queue.find(number)
        if found is None:
            raise RequestError("$.id", f'there is no reviewed decision "{number[:40]}" to appeal against.', 404)
        item, said = found
        if item.decision.get("redacted"):
            raise RequestError("$.id", "it is too long ago: what was decided about is no longer kept.", 410)
        again = Item(
            f"{APPEALED}{item.id}", self.clock(), APPEAL, item.event, item.decision, item.chance, 10.0 + item.priority,
            note=words[:2_000], not_by=said[-1].reviewer if said else "",
        )  # fmt: skip
        self.queue.put([again])
        return again.id


def _back() -> Reply:
    return Reply(303, b"", HTML, ((b"location", b"/review"), *_SAFE))


def _ours(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a form comes from our own page: browsers say from where, and another site's page cannot make them lie."""
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None and site not in (b"same-origin", b"none"):
        return False
    return origin is None or origin.partition(b"://")[2] == headers.get(b"host", b"")


def _local(headers: Mapping[bytes, bytes]) -> bool:
    """Whether it was asked for by a name of this machine: another site's name may be made to lead here."""
    host = headers.get(b"host", b"localhost").decode("latin-1")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name in ("localhost", "127.0.0.1", "[::1]")


def _form(body: bytes) -> dict[str, str]:
    try:
        told: dict[str, Any] = parse_qs(body.decode("utf-8"), max_num_fields=20, keep_blank_values=True)
    except (UnicodeDecodeError, ValueError):
        raise RequestError("$", "the form cannot be read.", 400) from None
    return {name: values[-1] for name, values in told.items()}
