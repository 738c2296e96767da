"""From a request's bytes to documents: the one path of bundles that search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plimsoll.box import Box, Page, Wanted
from plimsoll.bundle import Bundle
from plimsoll.errors import RequestError, TrialError
from plimsoll.finding import Finding
from plimsoll.hits import Teller
from plimsoll.rows import Coded, Rows
from plimsoll.serve.list_answerer import ListAnswerer
from plimsoll.serve.request import MOST_ROWS
from plimsoll.serve.search_request import Ask, SearchReader
from plimsoll.shelf import Shelf

if TYPE_CHECKING:
    from plimsoll.later import Later


class Searcher(ListAnswerer):
    """A loaded bundle that searches.

    ``searcher.answer(b'{"query": "boundary layer", "k": 1}')`` gives ``b'{"hits":[{"id":7,"score":9.1}]}'``. With
    ``later``, a file of documents that came after the bundle was made, these are found too.
    """

    def __init__(self, bundle: Bundle, most_rows: int = MOST_ROWS, later: Path | None = None) -> None:
        super().__init__(bundle, most_rows)
        self.fields = bundle.job.search.fields if bundle.job.search is not None else ()
        self.box = Box(self.finding.finder, self.collection, self.fields)

    def _reads(self, bundle: Bundle, most_rows: int) -> Any:
        return SearchReader(bundle.schema, most_rows)

    @property
    def finding(self) -> Finding:
        """The model."""
        return self.model  # type: ignore[return-value]  # of a bundle that searches

    def cells(self, body: bytes) -> list[Any]:
        return [(ask.wanted.query,) for ask in self._reader.read(body)[0]]

    def page(self, wanted: Wanted) -> Page:
        """A page of what is found. Raises RequestError."""
        return self.box.page(wanted)

    def listed(self, ask: Ask) -> dict[str, Any]:
        """A page as the caller gets it: what nobody asked for, and what is nothing, is left out."""
        try:
            page = self.page(ask.wanted)
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
        place = self.collection.find(number)
        if place < 0:
            return None
        names = self.collection.schema.names
        teller = Teller("", self.fields, names, None, False)
        told = teller.told(Shelf(self.finding.finder, self.collection), place, 0.0, len(self.collection.ids.whole) > 0)
        return {"id": told["id"], "fields": {name: {**told["text"], **told["about"]}[name] for name in names}}

    def __len__(self) -> int:
        return len(self.collection)
