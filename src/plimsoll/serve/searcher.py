"""From a request's bytes to documents: the one path of bundles that search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from plimsoll import lexicon
from plimsoll.box import Box
from plimsoll.bundle import Bundle
from plimsoll.errors import RequestError, TrialError
from plimsoll.finding import Finding
from plimsoll.hits import Teller
from plimsoll.later import Later
from plimsoll.live import Live
from plimsoll.rows import Coded, Rows
from plimsoll.serve.list_answerer import ListAnswerer
from plimsoll.serve.request import MOST_ROWS
from plimsoll.serve.search_request import Ask, SearchReader


class Searcher(ListAnswerer):
    """A loaded bundle that searches.

    ``searcher.answer(b'{"query": "boundary layer", "k": 1}')`` gives ``b'{"hits":[{"id":7,"score":9.1}]}'``. With
    ``later``, a file of documents that came after the bundle was made, these are found too.
    """

    def __init__(self, bundle: Bundle, most_rows: int = MOST_ROWS, later: Path | None = None) -> None:
        super().__init__(bundle, most_rows)
        lexicon.distances()  # what is not installed is said here, and not to who is the first to mistype a word
        finder = self.finding.finder
        self.fields = finder.index.fields
        self.usual = msgspec.json.encode({column.name: column.example for column in bundle.schema.columns})
        self.changes = later is not None
        self._later = self._kept(later) if later is not None else None
        self._live = Live(finder, self.collection, self._later, self.fields) if self._later is not None else None
        self._made = Box(finder, self.collection, self.fields)

    def _kept(self, later: Path) -> Later:
        return Later(later, str(self.bundle.facts.get("digest", "")), self.collection.schema)

    def _reads(self, bundle: Bundle, most_rows: int) -> Any:
        return SearchReader(bundle.schema, most_rows)

    @property
    def finding(self) -> Finding:
        """The model."""
        return self.model  # type: ignore[return-value]  # of a bundle that searches

    def cells(self, body: bytes) -> list[Any]:
        return [(ask.wanted.query,) for ask in self._reader.read(body)[0]]

    @property
    def box(self) -> Box:
        """The search box over all documents that there are now."""
        return self._live.box() if self._live is not None else self._made

    @property
    def later(self) -> Later:
        """Where later documents are kept. Raises RequestError where they are not."""
        if self._later is None:
            raise RequestError("$", "no documents come later here: begin the server with --later FILE.", 404)
        return self._later

    def listed(self, ask: Ask) -> dict[str, Any]:
        """A page as the caller gets it: what nobody asked for, and what is nothing, is left out."""
        try:
            page = self.box.page(ask.wanted)
        except RequestError as fault:
            raise RequestError(ask.place + fault.path[1:], fault.reason, fault.status) from None
        except TrialError as fault:
            raise RequestError(ask.place, str(fault), 500) from None
        told: dict[str, Any] = {"hits": page.hits}
        if page.total is not None:
            told["total"] = page.total
        more = {"facets": page.facets, "corrected": page.corrected, "passed": page.passed}
        return {**told, **{name: each for name, each in more.items() if each}}

    def queries(self, texts: Sequence[str]) -> Rows:
        """Rows of queries."""
        return Rows(len(texts), {self.schema.columns[0].name: Coded.of(texts)})

    def document(self, number: str) -> dict[str, Any] | None:
        """All that is known of a document by its id; None where it is not there."""
        names = self.collection.schema.names
        teller = Teller("", self.fields, names, None, False)
        for shelf in self.box.shelves:
            place = shelf.documents.find(number)
            if place >= 0 and (shelf.alive is None or shelf.alive[place]):
                told = teller.told(shelf, place, 0.0, len(self.collection.ids.whole) > 0)
                cells = {**told["text"], **told["about"]}
                return {"id": told["id"], "fields": {name: cells[name] for name in names}}
        return None

    @property
    def many(self) -> int:
        """How many documents there are now."""
        return sum(len(each.documents) if each.alive is None else int(each.alive.sum()) for each in self.box.shelves)
