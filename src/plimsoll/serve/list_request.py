"""Requests for lists: who is asked about, what they did since, and what may be in the list.

A row is ``{"user_id": 12}``, where the column has its own name: an id whose history the bundle holds, null for somebody
unknown, or a list of item ids, the oldest first, which is the history itself. Beside it may stand ``k``, how many items are
wanted (10); ``since``, items that the user came to after what the bundle knows; ``without`` and ``only``, items that may not be
in the list, and those alone that may; and ``why``, whether each item is to say what speaks for it.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll.collection import Collection
from plimsoll.errors import RequestError
from plimsoll.held import Held
from plimsoll.ranking import DEPTH, WISHES
from plimsoll.rows import Past, Value, missing
from plimsoll.schema import Column, Schema
from plimsoll.serve.ask_reader import AskReader
from plimsoll.serve.request import MOST_ROWS, MOST_TEXT, WIRE, cell

MOST_EVENTS = 100_000  # of a history that comes with a request
_Text = Annotated[str, msgspec.Meta(max_length=MOST_TEXT)]
_Id = _Text | int | float | None
_Ids = Annotated[list[_Text | int | float], msgspec.Meta(max_length=MOST_EVENTS)]
K = 10  # items of a list where no number is said


class Ask(NamedTuple):
    """A row as a model sees it, its history first, with what the list is to be like."""

    past: Past
    about: tuple[Value, ...] = ()
    k: int = K
    without: NDArray[np.int32] | None = None
    only: NDArray[np.int32] | None = None
    why: bool = False
    known: bool = True  # whether anything is known of who is asked about
    unknown: int = 0  # ids of items that are not known, and were passed over


class ListReader(AskReader[Ask]):
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

    def __init__(
        self,
        schema: Schema,
        collection: Collection,
        held: Held | None,
        most_rows: int = MOST_ROWS,
        people: Collection | None = None,
    ) -> None:
        self._people, self._about = people, schema.columns[1:]
        self._nobody = tuple(missing(column) for column in self._about)
        self._column, self._collection, self._held = schema.columns[0].name, collection, held
        wishes = [(name, kind, default) for name, kind, default in _FIELDS if name != self._column]
        row = msgspec.defstruct(
            "Row",
            [("f0", _Id | _Ids, None), *wishes, *_told(self._about)],
            rename={"f0": self._column, **{f"u{place}": column.name for place, column in enumerate(self._about)}},
            forbid_unknown_fields=True,
            gc=False,
        )
        super().__init__(row, most_rows, (self._column, *(column.name for column in self._about), *WISHES))

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
        return Ask(past, self._known(row, who, place), k, without, only, getattr(row, "why", False), known, unknown)

    def known(self, who: Any) -> tuple[Value, ...]:
        """What a bundle holds of somebody beside what they did, in the order of the schema's columns."""
        number = -1 if self._people is None or isinstance(who, list) else self._people.find(who)
        if self._people is None or number < 0:
            return self._nobody
        return self._people.rows.take(np.array([number])).values(self._people.schema)[0]

    def _known(self, row: Any, who: Any, place: str) -> tuple[Value, ...]:
        """The same, and over it what the request says."""
        if not self._about:
            return ()
        found = list(self.known(who))
        for at, column in enumerate(self._about):
            said = getattr(row, f"u{at}")
            if said is not msgspec.UNSET:
                try:
                    found[at] = cell(column.kind)(said)
                except (ValueError, OverflowError) as fault:
                    raise RequestError(f"{place}.{column.name}", str(fault)) from None
        return tuple(found)

    def _numbers(self, ids: list[Any]) -> NDArray[np.int32]:
        return np.array([self._collection.find(each) for each in ids], dtype=np.int32)

    def _chosen(self, ids: list[Any] | None) -> NDArray[np.int32] | None:
        if ids is None:
            return None
        numbers = self._numbers(ids)
        return numbers[numbers >= 0]

    def _too_long(self) -> str:
        return f"more than {MOST_EVENTS:,} items. Send the newest of them."


def _told(about: tuple[Column, ...]) -> list[tuple[str, Any, Any]]:
    """Fields for what a request may say of who is asked about."""
    return [(f"u{place}", WIRE[column.kind][0], msgspec.UNSET) for place, column in enumerate(about)]


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
