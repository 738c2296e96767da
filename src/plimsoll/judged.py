"""Queries and judgements: what people asked, and which documents they found relevant, and how much so.

Every row that cannot count is counted and said. What is not judged is not relevant, and so is a grade below zero. A pair that is
judged more than once counts with its highest grade.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import backwards, gathering, query_files
from plimsoll.cells import numbers
from plimsoll.collection import Collection
from plimsoll.errors import DataError
from plimsoll.gathering import Numbering
from plimsoll.ranking import GRADED
from plimsoll.schema import Kind

MOST_TRUE = 1_000  # judged documents that are kept of a query, those of the highest grades
_HIGHEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Counted:
    """What was counted: ``queries`` of the file and rows of ``judgements``, and of both what does not count, and why."""

    queries: int
    judgements: int
    empty: int = 0  # queries without a text
    unjudged: int = 0  # queries of which no document is relevant
    alike: int = 0  # queries that count, and have the text of one before them
    without: int = 0  # judgements without a query or a document
    strangers: int = 0  # judgements of documents that are not there
    unasked: int = 0  # judgements of queries that are not there
    copies: int = 0  # judgements of a pair that has one of the same grade
    disputed: int = 0  # pairs with several grades
    negative: int = 0  # judgements below zero
    cut: int = 0  # judgements beyond the first ``MOST_TRUE`` of their query

    @property
    def warnings(self) -> tuple[str, ...]:
        """
        >>> Counted(225, 1837, negative=225).warnings
        ('225 of 1,837 judgements have a grade below zero, which counts as zero: not relevant.',)
        """
        queries, judgements = f"of {self.queries:,} queries", f"of {self.judgements:,} judgements"
        said = {
            f"{self.empty:,} {queries} have no text and are left out.": self.empty,
            f"{self.unjudged:,} {queries} have no relevant document and are left out: no measure speaks of them.": self.unjudged,
            f"{self.alike:,} {queries} have the very text of another: what is learned of the one is tested on the other.": self.alike,
            f"{self.without:,} {judgements} have no query or no document and are left out.": self.without,
            f"{self.strangers:,} {judgements} are of documents that are not there and are left out: nothing could find them.": self.strangers,
            f"{self.unasked:,} {judgements} are of queries that are not there and are left out.": self.unasked,
            f"{self.copies:,} {judgements} are there already and count once.": self.copies,
            f"{self.disputed:,} pairs of a query and a document have several grades; the highest counts.": self.disputed,
            f"{self.negative:,} {judgements} have a grade below zero, which counts as zero: not relevant.": self.negative,
            f"{self.cut:,} {judgements} are beyond the first {MOST_TRUE:,} of their query and are left out.": self.cut,
        }
        return tuple(text for text, many in said.items() if many)


@dataclass(frozen=True)
class Judged:
    """Queries in the order of their file: ``ids`` and ``texts``; ``truth`` of ``ranking.GRADED``, shape (queries, most), the
    highest grades first; and the queries' whole table in ``frame``, a row each, for splits and slices."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    truth: NDArray[Any]
    counted: Counted
    warnings: tuple[str, ...]
    frame: pl.DataFrame

    def __len__(self) -> int:
        return len(self.ids)


def read(queries: Any, judgements: Any, collection: Collection, fields: Sequence[str] = ()) -> Judged:
    """Queries and their judgements, each a path or a frame, over the documents of a collection.

    Columns are found by their names, and judgements may stand as TREC has them: query, iteration, document and grade with white
    space between. The texts of ``fields``, or of all columns of texts, tell whether grades run backwards. Raises JobError
    where a column is not found, and DataError for what cannot be understood.

    >>> from plimsoll import documents
    >>> held = documents.read(pl.DataFrame({"id": ["a", "b"], "text": ["Of wings", "Of heat"]})).collection
    >>> asked = pl.DataFrame({"query_id": [7, 8], "text": ["lift", "thermal flux"]})
    >>> grades = pl.DataFrame({"query_id": [8, 8, 8], "doc_id": ["b", "a", "z"], "relevance": [2, 0, 1]})
    >>> found = read(asked, grades, held)
    >>> found.texts, found.truth.tolist(), found.counted.strangers, found.counted.unjudged
    (('thermal flux',), [[(1, 2.0), (0, 0.0)]], 1, 1)
    """
    frame, ids, asked = query_files.queries(queries)
    pairs, counted, warnings = _paired(query_files.judgements(judgements), ids, collection)
    truth, counted = _truth(pairs, frame.height, counted)
    told, relevant = asked.is_not_null().to_numpy(), (truth["grade"] > 0).any(axis=1)
    kept = told & relevant
    if not kept.any():
        raise DataError(
            "No query with a text has a relevant document: no judgement has a grade above zero. Check the grades."
        )
    found = truth[kept]
    found = found[:, : int((found["item"] >= 0).sum(axis=1).max())]
    held = asked.filter(pl.Series(kept))
    counted = replace(
        counted,
        empty=int((~told).sum()),
        unjudged=int((told & ~relevant).sum()),
        alike=len(held) - held.n_unique(),
    )
    said = tuple(held.to_list())
    warnings += [*counted.warnings, *_of_grades(found), *backwards.warnings(said, found, collection, fields)]
    names = tuple(ids.filter(pl.Series(kept)).to_list())
    return Judged(names, said, found, counted, tuple(warnings), frame.filter(pl.Series(kept)))


@dataclass(frozen=True)
class _Pairs:
    """Judgements that can count: numbers of queries and of documents, and grades, shape (judgements,) each."""

    queries: NDArray[np.int32]
    documents: NDArray[np.int32]
    grades: NDArray[np.float32]


def _paired(given: pl.DataFrame, ids: pl.Series, collection: Collection) -> tuple[_Pairs, Counted, list[str]]:
    query, document = gathering.spelled(given["query"]), gathering.spelled(given["document"])
    grades = _grades(given["grade"])
    place = pl.DataFrame([ids.alias("query"), pl.Series("place", np.arange(len(ids), dtype=np.int32))])
    asked = pl.DataFrame([query.alias("query")]).join(place, on="query", how="left", maintain_order="left")["place"]
    queries = asked.fill_null(-1).to_numpy()
    documents = Numbering.by(collection.ids).of(document)
    full = (query.is_not_null() & document.is_not_null()).to_numpy()
    if not (full & (queries >= 0)).any():
        raise DataError(f"No judgement is of a query that is there. {_orders(query, ids)}")
    if not (full & (documents >= 0)).any():
        raise DataError(
            f'No judgement is of a document that is there: they name "{document.drop_nulls()[0]}" and the like, and documents are called "{collection.ids[0]}" and the like. Name the column of these ids with --id.'
        )
    kept = full & (queries >= 0) & (documents >= 0)
    counted = Counted(
        len(ids),
        given.height,
        without=int((~full).sum()),
        strangers=int((full & (documents < 0)).sum()),
        unasked=int((full & (queries < 0)).sum()),
        negative=int((kept & (grades < 0)).sum()),
    )
    said = [_orders(query, ids)] if _numbered(query, ids) else []
    return _Pairs(queries[kept], documents[kept], np.maximum(grades[kept], 0)), counted, said


def _orders(query: pl.Series, ids: pl.Series) -> str:
    """What is said where judgements and queries may count in two ways."""
    told = f'Judgements name queries "{query.drop_nulls()[0]}" and the like, and queries are called "{ids[0]}" and the like.'
    if not _numbered(query, ids):
        return f"{told} Give both the same ids."
    return (
        f"Judgements name queries 1 to {len(ids):,}, as many as there are, and queries have other ids: they may mean the order of the"
        " file. If so, give the queries their places in it for ids."
    )


def _numbered(query: pl.Series, ids: pl.Series) -> bool:
    """Whether judgements may number the queries in the order of their file, and the queries are called otherwise."""
    named, order = set(query.drop_nulls().unique().to_list()), {str(k) for k in range(1, len(ids) + 1)}
    return len(named) > len(order) / 2 and named <= order and str(len(order)) in named and set(ids.to_list()) != order


def _grades(cells: pl.Series) -> NDArray[np.float32]:
    found = numbers(cells, Kind.NUMBER)
    wrong = np.flatnonzero(~(np.abs(found) <= _HIGHEST))
    if len(wrong):
        row = int(wrong[0])
        cell = cells[row]
        raise DataError(
            f"Row {row + 1:,} of the judgements: the grade is {'empty' if cell is None else f'{cell}'!r}. A grade is a number, the higher the more relevant; mend the row or leave it out."
        )
    return found.astype(np.float32)


def _truth(pairs: _Pairs, queries: int, counted: Counted) -> tuple[NDArray[Any], Counted]:
    """What is true of each query, shape (queries, most): each document once, those of the highest grades first."""
    key = pairs.queries.astype(np.int64) << 32 | pairs.documents
    order = np.lexsort((-pairs.grades, key))
    key, grades = key[order], pairs.grades[order]
    first = np.ones(len(key), dtype=bool)
    first[1:] = key[1:] != key[:-1]
    differs = ~first
    differs[1:] &= grades[1:] != grades[:-1]  # equals of a pair stand together, so each other grade differs once
    disputed = len(np.unique(key[differs]))
    order = order[first]
    who, what, grade = pairs.queries[order], pairs.documents[order], pairs.grades[order]
    order = np.lexsort((what, -grade, who))
    who, what, grade = who[order], what[order], grade[order]
    many = np.bincount(who, minlength=queries)
    place = np.arange(len(who)) - np.repeat(np.cumsum(many) - many, many)
    kept = place < MOST_TRUE
    truth = np.zeros((queries, int(min(many.max(initial=0), MOST_TRUE))), dtype=GRADED)
    truth["item"] = -1
    truth["item"][who[kept], place[kept]], truth["grade"][who[kept], place[kept]] = what[kept], grade[kept]
    copies = int((~first).sum()) - int(differs.sum())
    return truth, replace(counted, copies=copies, disputed=disputed, cut=int((~kept).sum()))


def _of_grades(truth: NDArray[Any]) -> list[str]:
    """What is said where grades tell no degrees."""
    grades = np.unique(truth["grade"][truth["item"] >= 0])
    if len(grades) > 1 or not len(grades):
        return []
    return [
        f"Every judgement has the grade {grades[0]:g}: a document is relevant or not judged, so the order of relevant ones is not measured."
    ]
