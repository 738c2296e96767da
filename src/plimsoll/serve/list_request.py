"""Requests for lists: who is asked about, what they did since, and what may be in the list.

A row is ``{"user_id": 12}``, where the column has its own name: an id whose history the bundle holds, null for somebody
unknown, or a list of item ids, the oldest first, which is the history itself. Beside it may stand ``k``, how many items are
wanted (10); ``since``, items that the user came to after what the bundle knows; ``without`` and ``only``, items that may not be
in the list, and those alone that may; and ``why``, whether each item is to say what speaks for it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll.collection import Collection
from plimsoll.errors import RequestError, nearest
from plimsoll.held import Held
from plimsoll.ranking import DEPTH
from plimsoll.rows import Past
from plimsoll.schema import Schema
from plimsoll.serve.request import MOST_ROWS, MOST_TEXT

MOST_EVENTS = 100_000  # of a history that comes with a request
WISHES = ("k", "since", "without", "only", "why")
_Text = Annotated[str, msgspec.Meta(max_length=MOST_TEXT)]
_Id = _Text | int | float | None
_Ids = Annotated[list[_Text | int | float], msgspec.Meta(max_length=MOST_EVENTS)]
K = 10  # items of a list where no number is said


class Ask(NamedTuple):
    """A row as a model sees it, its history first, with what the list is to be like."""

    past: Past
    k: int = K
    without: NDArray[np.int32] | None = None
    only: NDArray[np.int32] | None = None
    why: bool = False
    known: bool = True  # whether anything is known of who is asked about
    unknown: int = 0  # ids of items that are not known, and were passed over


class ListReader:
    """Reads requests of one bundle.

    >>> from plimsoll.ids import Ids
    >>> from plimsoll.rows import Histories, Rows
    >>> from plimsoll.schema import Column, Kind
    >>> shelf = Collection(Ids.of("abc"), Rows(3, {}), Schema((), "film"))
    >>> held = Held.of(Ids.of("1"), Histories.of([Past.of([2])], 3))
    >>> reader = ListReader(Schema((Column("who", Kind.HISTORY, distinct=3),), "film"), shelf, held)
    >>> (ask,), many = reader.read(b'{"who": 1, "since": ["a"], "k": 2}')
    >>> ask.past.items.tolist(), ask.k, many
    ([2, 0], 2, False)
    """

    def __init__(self, schema: Schema, collection: Collection, held: Held | None, most_rows: int = MOST_ROWS) -> None:
        self._column, self._collection, self._held, self._most = schema.columns[0].name, collection, held, most_rows
        wishes = [(name, kind, default) for name, kind, default in _FIELDS if name != self._column]
        row = msgspec.defstruct(
            "Row",
            [("f0", _Id | _Ids, None), *wishes],
            rename={"f0": self._column},
            forbid_unknown_fields=True,
            gc=False,
        )
        rows = Annotated[list[row], msgspec.Meta(max_length=most_rows)]  # type: ignore[valid-type]
        envelope = msgspec.defstruct("Rows", [("rows", rows)], forbid_unknown_fields=True)
        self._row: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row)
        self._list: msgspec.json.Decoder[Any] = msgspec.json.Decoder(rows)
        self._envelope: msgspec.json.Decoder[Any] = msgspec.json.Decoder(envelope)

    def read(self, body: bytes) -> tuple[list[Ask], bool]:
        """What is asked, and whether a list of it was. Raises RequestError with the place of the fault."""
        if body.lstrip()[:1] == b"[":
            rows = self._decoded(self._list, body)
            return [self._ask(row, f"$[{place}]") for place, row in enumerate(rows)], True
        if re.match(rb'\s*\{\s*"rows"\s*:\s*\[', body):
            rows = self._decoded(self._envelope, body).rows
            return [self._ask(row, f"$.rows[{place}]") for place, row in enumerate(rows)], True
        return [self._ask(self._decoded(self._row, body), "$")], False

    def _ask(self, row: Any, place: str) -> Ask:
        who, k = row.f0, getattr(row, "k", K)
        if not 1 <= k <= DEPTH:
            raise RequestError(f"{place}.k", f"expected a whole number of 1 to {DEPTH}, got {k}")
        brought = isinstance(who, list)
        since = [*(who if brought else []), *getattr(row, "since", ())]
        numbers = self._numbers(since)
        kept = None if brought or who is None or self._held is None else self._held.past(who)
        past = _after(kept, numbers[numbers >= 0])
        without, only = (self._chosen(getattr(row, name, None)) for name in ("without", "only"))
        known, unknown = bool(len(past.items)), int((numbers < 0).sum())
        return Ask(past, k, without, only, getattr(row, "why", False), known, unknown)

    def _numbers(self, ids: list[Any]) -> NDArray[np.int32]:
        return np.array([self._collection.find(each) for each in ids], dtype=np.int32)

    def _chosen(self, ids: list[Any] | None) -> NDArray[np.int32] | None:
        if ids is None:
            return None
        numbers = self._numbers(ids)
        return numbers[numbers >= 0]

    def _decoded(self, decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
        try:
            return decoder.decode(body)
        except msgspec.ValidationError as fault:
            raise self._fault(str(fault)) from None
        except (ValueError, RecursionError) as fault:
            raise RequestError("$", f"the body is not JSON: {fault}", 400) from None

    def _fault(self, said: str) -> RequestError:
        text, _, found = said.partition(" - at `$")
        path = "$" + found[:-1].replace(".f0", f".{self._column}")
        if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", text, re.DOTALL):
            name = unknown[1][:100]
            return RequestError(
                f"{path}.{name}", f"there is no such part of a request. {nearest(name, (self._column, *WISHES))}"
            )
        if text.startswith("Expected `array` of length <="):
            if path in ("$", "$.rows"):
                return RequestError(path, f"more than {self._most} rows. Send them in several requests.", 413)
            return RequestError(path, f"more than {MOST_EVENTS:,} items. Send the newest of them.", 413)
        if text.startswith("Expected `str` of length <="):
            return RequestError(path, f"the text is longer than {MOST_TEXT} characters", 413)
        return RequestError(path, text[:1].lower() + text[1:])


_FIELDS: list[tuple[str, Any, Any]] = [
    ("k", int, K),
    ("since", _Ids, msgspec.field(default_factory=list)),
    ("without", _Ids | None, None),
    ("only", _Ids | None, None),
    ("why", bool, False),
]


def _after(kept: Past | None, newer: NDArray[np.int32]) -> Past:
    """What is known with what came after it, each of which counts one."""
    if kept is None or not len(newer):
        return kept if kept is not None else Past(newer, np.ones(len(newer), dtype=np.float32))
    weights = np.concatenate([kept.weights, np.ones(len(newer), dtype=np.float32)])
    return Past(np.concatenate([kept.items, newer]), weights)
