"""Requests to a search: what is looked for, which documents may be found, and what is to be said of them.

A row is ``{"query": "boundary layer"}``. Beside it may stand ``k``, how many documents are wanted (10), and ``skip``, how many of
the best to pass over; ``where``, what a document must be (see ``facets``, the room); ``facets``, columns whose values are counted;
``fields``, columns of a document that are shown, and ``highlight``, whether texts come as snippets that mark what the query met;
``why``, whether each is to say what its score is made of; ``count``, whether all that match are counted; and ``typos``, whether a
word that is in no document may be read as one that is. With nothing beside the query an answer has ids and scores alone.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import msgspec

from plimsoll.box import Wanted
from plimsoll.schema import Schema
from plimsoll.serve.ask_reader import AskReader
from plimsoll.serve.request import MOST_ROWS, MOST_TEXT

K = 10  # documents where no number is said
MOST_NAMES = 100  # columns in a list of a request, and conditions of a filter
_Text = Annotated[str, msgspec.Meta(max_length=MOST_TEXT)]
_Names = Annotated[list[_Text], msgspec.Meta(max_length=MOST_NAMES)]
_Where = Annotated[dict[_Text, Any], msgspec.Meta(max_length=MOST_NAMES)]
_FIELDS: list[tuple[str, Any, Any]] = [
    ("k", int, K),
    ("skip", int, 0),
    ("where", _Where, msgspec.field(default_factory=dict)),
    ("facets", _Names, msgspec.field(default_factory=list)),
    ("fields", _Names | None, None),
    ("highlight", bool, False),
    ("why", bool, False),
    ("count", bool, False),
    ("typos", bool, True),
]
WISHES = tuple(name for name, _, _ in _FIELDS)  # words of a request, beside the query


class Ask(NamedTuple):
    """What is wanted, and the place of the row that says it."""

    wanted: Wanted
    place: str


class SearchReader(AskReader[Ask]):
    """Reads requests of one bundle.

    >>> from plimsoll.schema import Column, Kind
    >>> reader = SearchReader(Schema((Column("query", Kind.QUERY, distinct=9),), "id"))
    >>> (ask,), many = reader.read(b'{"query": "layer", "where": {"year": 1960}}')
    >>> ask.wanted.query, ask.wanted.where, ask.place
    ('layer', {'year': 1960}, '$')
    >>> reader.read(b'{"query": "layer", "hihglight": true}')
    Traceback (most recent call last):
    plimsoll.errors.RequestError: $.hihglight: there is no such part of a request. Did you mean "highlight"?
    """

    def __init__(self, schema: Schema, most_rows: int = MOST_ROWS) -> None:
        query = schema.columns[0].name
        row = msgspec.defstruct(
            "Row", [("f0", _Text | None, None), *_FIELDS], rename={"f0": query}, forbid_unknown_fields=True, gc=False
        )
        super().__init__(row, most_rows, (query, *WISHES))

    def _ask(self, row: Any, place: str) -> Ask:
        fields = None if row.fields is None else tuple(row.fields)
        return Ask(
            Wanted(
                row.f0 or "",
                row.k,
                row.skip,
                row.where,
                tuple(row.facets),
                row.highlight,
                row.why,
                row.typos,
                fields,
                row.count,
            ),
            place,
        )

    def _too_long(self) -> str:
        return f"more than {MOST_NAMES} of them. Name fewer."
