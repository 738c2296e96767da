"""Documents: a table of them, or a folder of files, as a collection whose texts lie packed, and the columns that are searched.

A file is read in batches, and texts are packed as they come. So what is held of a million documents is their letters once, and
the columns beside the texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import document_files, gathering, infer
from plimsoll.cells import plain, texts
from plimsoll.collection import Collection
from plimsoll.errors import DataError, JobError, nearest
from plimsoll.ids import Ids
from plimsoll.kinds import Facts, kind_of, look
from plimsoll.packed_texts import Packing
from plimsoll.rows import Cells, Coded, Rows
from plimsoll.schema import Column, Kind, Schema

SIZE = 20_000  # documents of a batch
ROW = "row"  # what the ids are called where documents have none of their own: their places in the table, from 1 on
IDS = ("doc_id", "docno", "document_id", "docid", "_id", "id", "corpus_id", "url", "uri", "path")
TITLES = ("title", "headline", "heading", "subject", "name")
BODIES = ("text", "body", "content", "contents", "abstract", "summary", "description", "document", "article", "passage")
_UNNAMED = f"No column is called as ids are ({', '.join(IDS)}), so the number of its row is a document's id. Name a column with --id."
_FEW = 20  # documents of which nothing can be told by how often a cell repeats


@dataclass(frozen=True)
class Read:
    """The documents, numbered in the order of their ids; the ``fields`` that are searched, the title first; and what had to be said."""

    collection: Collection
    fields: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def read(
    source: Any,
    id: str = "",
    fields: Sequence[str] = (),
    kinds: Mapping[str, Kind] | None = None,
    unread: Sequence[str] = (),
) -> Read:
    """The documents of a path or a frame, or those that the files of a folder are (see ``document_files``).

    Without an ``id`` the first of the usual names (``IDS``) is taken whose cells are distinct and all there, and where no column
    has such a name the number of the row is the id. Without ``fields`` all columns of texts are searched. Raises JobError for a
    name that is no column, and DataError for an id that is missing or there twice and where there is no text.

    >>> table = pl.DataFrame({"id": [9, 10], "title": ["Of wings", "Of heat"], "year": [1958, 1961]})
    >>> found = read(table)
    >>> found.fields, found.collection.ids[0], found.collection.schema.of(Kind.NUMBER)
    (('title',), '9', ('year',))
    """
    files = document_files.of(source)
    frames = iter(gathering.batches(source, SIZE) if files is None else document_files.frames(files, SIZE))
    first = next(frames, None)
    if first is None or not first.height:
        raise DataError("There are no documents. Give a table with a row for each, or a folder of texts.")
    _check_named(first.columns, id, fields, kinds or {}, unread)
    name = id or _id_of(first)
    stated = {**(kinds or {}), **dict.fromkeys(fields, Kind.TEXT)}
    if files is not None:
        stated |= dict.fromkeys(document_files.TEXTS, Kind.TEXT)
    held = _Held({column: _Text() for column in _are_texts(first, stated, (name, *unread))})
    for frame in chain([first], frames):
        held.add(frame)
    collection = _collection(held, name, stated, unread, first.columns)
    searched = tuple(fields) or _searched(collection.schema)
    warnings = [] if name else [_UNNAMED]
    warnings += [*(files.warnings if files is not None else ()), *_empty(collection, searched)]
    return Read(collection, searched, tuple(warnings))


def _check_named(
    columns: list[str], id: str, fields: Sequence[str], kinds: Mapping[str, Kind], unread: Sequence[str]
) -> None:
    asked = {"--id": (id,) if id else (), "--text": fields, "--kind": tuple(kinds), "--ignore": unread}
    for flag, names in asked.items():
        for name in names:
            if name not in columns:
                raise JobError(f'{flag} "{name}" is not a column of the documents. {nearest(name, columns)}')
    for name in fields:
        if name in unread or name == id:
            raise JobError(f'--text "{name}" is also {"ignored" if name in unread else "the id"}. Keep one of the two.')


@dataclass
class _Text:
    """A column of texts while it is read."""

    packing: Packing = field(default_factory=Packing)
    absent: list[NDArray[np.bool_]] = field(default_factory=list)
    marks: list[NDArray[np.uint64]] = field(default_factory=list)  # of the same number where texts are the same
    example: str = ""

    def add(self, cells: pl.Series) -> None:
        told = texts(cells)
        ends = told.str.len_bytes().fill_null(0).cast(pl.Int64).cum_sum().to_numpy()
        self.packing.add(told.str.join("")[0].encode(), ends)
        self.absent.append(told.is_null().to_numpy())
        self.marks.append(told.hash().to_numpy())
        self.example = self.example or next(iter(told.drop_nulls().head(1).to_list()), "")[:200]

    def column(self, name: str) -> Column:
        absent = np.concatenate(self.absent)
        distinct = len(np.unique(np.concatenate(self.marks)[~absent]))
        return Column(name, Kind.TEXT, float(absent.mean()), distinct, self.example)

    def coded(self, order: NDArray[np.intp]) -> Coded:
        """Every cell is a value of its own, in the order of the file: nothing is hashed, and no letter is moved."""
        absent = np.concatenate(self.absent)[order]
        return Coded(np.where(absent, -1, order).astype(np.int32), self.packing.texts())


@dataclass
class _Held:
    """What is held of the documents that were read: texts packed, and the other columns as they came."""

    texts: dict[str, _Text]
    others: list[pl.DataFrame] = field(default_factory=list)
    rows: int = 0

    def add(self, frame: pl.DataFrame) -> None:
        for name, text in self.texts.items():
            text.add(frame[name])
        self.others.append(frame.drop(list(self.texts)))
        self.rows += frame.height

    def frame(self) -> pl.DataFrame:
        """The columns that are not packed, of all batches."""
        try:
            return pl.concat(self.others, how="vertical_relaxed")
        except pl.exceptions.PolarsError as fault:
            raise DataError(
                f"The documents' columns are of types that do not go together ({str(fault).splitlines()[0]}). Give files of one kind."
            ) from None


def _are_texts(first: pl.DataFrame, stated: Mapping[str, Kind], but: Sequence[str]) -> list[str]:
    """Which columns are texts, by the first batch."""
    return [cells.name for cells in first if cells.name not in but and _is_text(cells, stated.get(cells.name))]


def _is_text(cells: pl.Series, stated: Kind | None) -> bool:
    if stated is not None or cells.dtype != pl.String:
        return stated is Kind.TEXT
    facts = look(cells)
    return kind_of(cells, facts) is Kind.TEXT or _called(cells, facts)


def _called(cells: pl.Series, facts: Facts) -> bool:
    """Whether a column has the name of a text and is no category: of few documents nothing else tells it."""
    if cells.name.lower() not in (*TITLES, *BODIES) or not facts.distinct:
        return False
    return (facts.ratio > 0.5 or facts.rows < _FEW) and bool(plain(cells).str.contains(r"\p{L}").any())


def _id_of(first: pl.DataFrame) -> str:
    """The column that the ids stand in, by its name and by the first batch; "" where none does."""
    named = sorted((name for name in first.columns if name.lower() in IDS), key=lambda name: IDS.index(name.lower()))
    told = {name: gathering.spelled(first[name]) for name in named}
    fitting = [name for name, cells in told.items() if not cells.null_count() and cells.is_unique().all()]
    return (fitting or named or [""])[0]


def _ids(cells: pl.Series, name: str) -> tuple[Ids, NDArray[np.intp]]:
    """The ids in order, and the place of each in the table."""
    found = gathering.spelled(cells)
    if lost := found.null_count():
        row = int(found.is_null().arg_true()[0]) + 1
        raise DataError(
            f'{lost:,} documents have no "{name}", the first in row {row:,}. Mend them, or name another column with --id.'
        )
    twins = found.filter(found.is_duplicated())
    if len(twins):
        rows = (found == twins[0]).arg_true().to_list()
        at = f"{' and '.join(f'{row + 1:,}' for row in rows[:2])}{' and others' if len(rows) > 2 else ''}"
        raise DataError(
            f'"{twins[0]}" is the "{name}" of the documents in rows {at}; ids that are there more than once: {twins.n_unique():,}.'
            f" Keep one document of each, or name another column with --id."
        )
    known = gathering.ids(found)
    order = (found.cast(pl.Int64) if len(known.whole) else found).arg_sort()
    return known, order.to_numpy().astype(np.intp)


def _collection(
    held: _Held, name: str, stated: Mapping[str, Kind], unread: Sequence[str], columns: Sequence[str]
) -> Collection:
    frame = held.frame()
    numbers = pl.Series(np.arange(1, held.rows + 1))
    known, order = _ids(frame[name] if name else numbers, name)
    beside = [cells for cells in frame if cells.name not in (name, *unread)]
    said, ignored = infer.columns_of(beside, stated)
    told = {column.name: column for column in (*said, *(text.column(each) for each, text in held.texts.items()))}
    schema = Schema(tuple(told[each] for each in columns if each in told), name or ROW, ignored=(*unread, *ignored))
    plainly = Schema(said, name or ROW)
    cells: dict[str, Cells] = dict(infer.to_rows(frame, plainly).take(order).columns)
    cells |= {each: text.coded(order) for each, text in held.texts.items()}
    return Collection(known, Rows(held.rows, {each: cells[each] for each in schema.names}), schema)


def _searched(schema: Schema) -> tuple[str, ...]:
    """All columns of texts, what is called a title before the others."""
    found = sorted(schema.of(Kind.TEXT), key=lambda name: name.lower() not in TITLES)
    if not found:
        raise DataError(
            "No column of the documents is a text that differs between them. Name those that are to be searched, as in --text title,text."
        )
    return tuple(found)


def _empty(collection: Collection, fields: Sequence[str]) -> list[str]:
    """What is said of documents without a text: they are kept, and no query finds them. Raises DataError where all are."""
    empty = np.ones(len(collection), dtype=bool)
    for name in fields:
        empty &= collection.rows.texts(name).codes < 0
    if not (many := int(empty.sum())):
        return []
    if many == len(collection):
        raise DataError(f"No document has a text in {', '.join(fields)}. Name other columns with --text.")
    example = collection.ids[int(np.flatnonzero(empty)[0])]
    return [
        f'{many:,} of {len(collection):,} documents have no text, such as "{example}": they are kept, and no query finds them.'
    ]


def text_of(collection: Collection, fields: Sequence[str], number: int) -> str:
    """What a document says in these fields, a line for each that it has.

    >>> held = read(pl.DataFrame({"id": ["a"], "title": ["Of wings"], "text": ["They lift."]})).collection
    >>> text_of(held, ("title", "text"), 0)
    'Of wings\\nThey lift.'
    """
    cells = [collection.rows.texts(name) for name in fields]
    return "\n".join(each.values[each.codes[number]] for each in cells if each.codes[number] >= 0)
