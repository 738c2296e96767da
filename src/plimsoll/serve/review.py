"""Where people review: a few pages over the queue. Who may come in shows the token once, and is then known by a cookie."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from plimsoll.errors import RequestError, UserError
from plimsoll.policy.queue import APPEAL, APPEALED, Item, Queue
from plimsoll.serve import review_page
from plimsoll.serve.routes import HTML, Reply
from plimsoll.serve.visitors import SAFE, Door, form, sent_to

_ASSETS = {"review.css": b"text/css; charset=utf-8", "review.js": b"text/javascript; charset=utf-8"}


@dataclass
class Review:
    """The pages below ``/review``. ``choices`` are what may be said of an event."""

    queue: Queue
    choices: Sequence[str]
    token: str | None = None
    clock: Callable[[], float] = time.time
    door: Door = field(init=False)

    def __post_init__(self) -> None:
        self.door = Door("reviewer", "/review", self.token)

    async def reply(self, method: str, path: str, headers: Mapping[bytes, bytes], body: bytes) -> Reply:
        """The answer to a request of a browser; the queue is asked beside the event loop."""
        return await asyncio.to_thread(self._reply, method, path, headers, body)

    def _reply(self, method: str, path: str, headers: Mapping[bytes, bytes], body: bytes) -> Reply:
        rest = path.removeprefix("/review").strip("/")
        if rest in _ASSETS:
            return Reply(200, review_page.asset(rest), _ASSETS[rest], SAFE)
        self.door.check(method, path, headers)
        told = form(body) if method == "POST" else {}
        if rest == "login":
            return self._enter(told) if method == "POST" else self._shown(review_page.login(self.token is not None))
        reviewer = self.door.known(headers)
        if not reviewer:
            return self._shown(review_page.login(self.token is not None))
        if method == "POST":
            return self._said(rest, reviewer, told)
        return self._next(reviewer) if not rest else Reply(404, b"There is no such page.", b"text/plain", SAFE)

    def _enter(self, told: Mapping[str, str]) -> Reply:
        name = " ".join(told.get("name", "").split())[:60]
        if not self.door.opens(told.get("token", "")):
            return self._shown(review_page.login(True, wrong=True), 403)
        if not name:
            return self._shown(review_page.login(self.token is not None))
        return Reply(303, b"", HTML, (self.door.admitted(name), *sent_to("/review")))

    # What is seen and said.

    def _next(self, reviewer: str, fault: str = "") -> Reply:
        item = self.queue.next(reviewer, self.clock())
        counts, agreed = self.queue.counts(), self.queue.agreement()
        if item is None:
            return self._shown(review_page.empty(reviewer, counts, agreed))
        return self._shown(
            review_page.event(item, self.choices, reviewer, counts, agreed, fault), 409 if fault else 200
        )

    def _said(self, rest: str, reviewer: str, told: Mapping[str, str]) -> Reply:
        if rest == "undo":
            self.queue.undo(reviewer, self.clock())
            return _back()
        number, _, what = unquote(rest).partition("/")
        if what == "skip":
            self.queue.skip(number, reviewer)
            return _back()
        label = told.get("label", "")
        if what or label not in self.choices:
            return self._next(reviewer, "Choose one of the buttons.")
        try:
            self.queue.decide(number, reviewer, label, told.get("note", "")[:2_000], self.clock())
        except UserError as fault:
            return self._next(reviewer, str(fault))
        return _back()

    def _shown(self, page: bytes, status: int = 200) -> Reply:
        return Reply(status, page, HTML, SAFE)

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
    return Reply(303, b"", HTML, sent_to("/review"))
