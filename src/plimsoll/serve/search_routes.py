"""The pages over a bundle that searches: one for people, one answer for its script and for curl, and the documents themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from plimsoll.errors import RequestError, UserError
from plimsoll.serve import search_page, search_query
from plimsoll.serve.desk import Desk
from plimsoll.serve.routes import HTML, Asked, Keys, Reply, Route, Who
from plimsoll.serve.searcher import Searcher
from plimsoll.serve.served import Served
from plimsoll.serve.version import PREDICT
from plimsoll.serve.visitors import ASKING, Door, form, sent_to

MOST_DOCUMENTS = 10_000  # in one request
_MOST_FORM = 10_000  # bytes of who comes in


@dataclass(frozen=True)
class SearchPages:
    """Pages for people who come with a browser, or for callers with the token."""

    served: Served
    desk: Desk
    keys: Keys
    door: Door = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "door", Door("search", "/", self.keys.caller))

    def routes(self) -> dict[str, Route]:
        return {
            "/search": Route(self.shown, ("GET", "POST"), Who.ANYONE, _MOST_FORM, below=True),
            "/search.json": Route(self.found, who=Who.ANYONE),
            "/documents": Route(self.documents, ("GET", "POST", "DELETE"), Who.ANYONE),
        }

    @property
    def searcher(self) -> Searcher:
        """Who answers now. Raises RequestError where another bundle was swapped in that does not search."""
        found = self.served.now.answerer
        if not isinstance(found, Searcher):
            raise RequestError("/search", "the bundle that answers now does not search.", 404)
        return found

    # For people.

    async def shown(self, asked: Asked) -> Reply:
        rest = asked.path.removeprefix("/search").strip("/")
        if rest in search_page.ASSETS:
            return Reply(200, search_page.asset(rest), search_page.ASSETS[rest], ASKING)
        self.door.check(asked.method, asked.path, asked.headers)
        if rest == "login" and asked.method == "POST":
            return self._entered(form(asked.body).get("token", ""))
        if rest or asked.method == "POST":
            raise RequestError(asked.path[:200], "there is no such page. There is: /search.", 404)
        if not self._known(asked):
            return _page(search_page.login())
        return _page(search_page.page(self.searcher))

    def _entered(self, token: str) -> Reply:
        if not self.door.opens(token):
            return _page(search_page.login(wrong=True), 403)
        return Reply(303, b"", HTML, (self.door.admitted("somebody"), *sent_to("/search")))

    def _known(self, asked: Asked) -> bool:
        given = asked.headers.get(b"authorization", b"")
        return self.keys.admits(Who.CALLER, given) or bool(self.door.known(asked.headers))

    def _check(self, asked: Asked) -> None:
        """Raises RequestError for one who may not ask."""
        if self.keys.caller is None:
            self.door.check(asked.method, asked.path, asked.headers)
        elif not self._known(asked):
            raise RequestError("$", 'a token is needed: send the header "Authorization: Bearer …".', 401)

    # For programs.

    async def found(self, asked: Asked) -> Reply:
        """What a query finds, asked and counted as at ``/predict``."""
        self._check(asked)
        row = search_query.row(asked.query, self.searcher.schema.columns[0].name)
        return Reply(200, self.desk.answer(msgspec.json.encode(row), PREDICT), rows=1)

    async def documents(self, asked: Asked) -> Reply:
        """A document with all that is known of it; and, for those who say what is served, its changes."""
        if asked.method == "GET":
            self._check(asked)
            return Reply(200, msgspec.json.encode(self._document(asked.query)))
        if not self.keys.admits(Who.ADMIN, asked.headers.get(b"authorization", b"")):
            raise RequestError(
                "$", "documents are changed with the token of PLIMSOLL_ADMIN_TOKEN: Authorization: Bearer ….", 401
            )
        change: Callable[[], int] = self._added(asked.body) if asked.method == "POST" else self._gone(asked.query)
        try:
            many = await asyncio.to_thread(change)
        except RequestError:
            raise
        except UserError as fault:
            raise RequestError("$", str(fault)) from None
        return Reply(200, msgspec.json.encode({"changed": many, "documents": self.searcher.many}))

    def _document(self, query: bytes) -> dict[str, Any]:
        number = _id(query)[0]
        found = self.searcher.document(number)
        if found is None:
            raise RequestError("?id", f"there is no document “{number[:100]}”.", 404)
        return found

    def _added(self, body: bytes) -> Callable[[], int]:
        later, rows = self.searcher.later, _rows(body)
        return lambda: later.add(rows)

    def _gone(self, query: bytes) -> Callable[[], int]:
        later, ids = self.searcher.later, _id(query)
        return lambda: later.delete(ids)


def _page(body: bytes, status: int = 200) -> Reply:
    return Reply(status, body, HTML, ASKING)


def _id(query: bytes) -> list[str]:
    """The ids that an address names."""
    told = search_query.pairs(query)
    if odd := next((name for name, _ in told if name != "id"), None):
        raise RequestError(f"?{odd[:100]}", "there is no such word here. Write ?id=….")
    if not told:
        raise RequestError("?id", "say which document: ?id=….")
    return [text for _, text in told]


def _rows(body: bytes) -> list[dict[str, Any]]:
    """Documents as they were sent: one, a list of them, or a list under "rows"."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as fault:
        raise RequestError("$", f"the body is not JSON: {fault}", 400) from None
    place = "$"
    if isinstance(told, dict) and set(told) == {"rows"} and isinstance(told["rows"], list):
        told, place = told["rows"], "$.rows"
    rows = told if isinstance(told, list) else [told]
    if len(rows) > MOST_DOCUMENTS:
        raise RequestError(place, f"more than {MOST_DOCUMENTS:,} documents. Send them in several requests.", 413)
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            where = f"{place}[{number}]" if isinstance(told, list) else place
            raise RequestError(where, "expected a document: an object of its columns")
    return rows
