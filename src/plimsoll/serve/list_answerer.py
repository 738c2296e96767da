"""What bundles whose answers are lists have in common: a collection that the lists name, and rows that are answered one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from plimsoll.bundle import Bundle
from plimsoll.collection import Collection
from plimsoll.errors import BundleError, JobError, RequestError
from plimsoll.rows import Rows, Value
from plimsoll.serve.answerer import Answerer, Decided
from plimsoll.serve.request import MOST_ROWS

if TYPE_CHECKING:
    from plimsoll.serve.session import Session


class ListAnswerer(Answerer):
    """A loaded bundle whose answers are lists; one of a kind of them says what it ``listed`` for what was asked.

    Raises BundleError where its collection is another than the schema speaks of.
    """

    def __init__(self, bundle: Bundle, most_rows: int = MOST_ROWS) -> None:
        self.collection = Collection.read(bundle.members)
        if len(self.collection) != bundle.schema.lists:
            raise BundleError(
                f"The collection has {len(self.collection):,} items, and the schema says {bundle.schema.lists:,}."
            )
        super().__init__(bundle, most_rows)

    def listed(self, ask: Any) -> dict[str, Any]:
        """The answer to what a request asks, as the caller gets it. Raises RequestError."""
        raise NotImplementedError

    def answer_counted(self, body: bytes) -> tuple[bytes, int]:
        rows, many = self._reader.read(body)
        return self._encode([self.listed(row) for row in rows] if many else self.listed(rows[0])), len(rows)

    def answer_all(self, bodies: Sequence[bytes]) -> list[tuple[bytes, int] | RequestError]:
        found: list[tuple[bytes, int] | RequestError] = []
        for body in bodies:
            try:
                found.append(self.answer_counted(body))
            except RequestError as fault:
                found.append(fault)
        return found

    def session(self, person: str | int | None = None) -> Session:  # noqa: ARG002
        raise JobError("This bundle answers with lists, not streams. Ask it with plimsoll predict or serve.")

    def decide(self, rows: Rows) -> Decided:  # noqa: ARG002
        raise JobError("This bundle answers with lists: ask for them one by one.")

    def scores(self, values: Sequence[Value]) -> list[float]:  # noqa: ARG002
        raise JobError("This bundle answers with lists, and a policy decides by scores of rows.")
