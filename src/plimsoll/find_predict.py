"""A file of queries answered with documents: for each of them ten, a row each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from plimsoll import data, gathering, list_predict
from plimsoll.box import Wanted
from plimsoll.cells import texts
from plimsoll.errors import DataError, nearest
from plimsoll.query_files import QUERY_IDS, QUERY_TEXTS
from plimsoll.serve.searcher import Searcher

if TYPE_CHECKING:
    import polars as pl

K = 10
NOTHING = "holds no query that finds anything"  # what is said of a file without an answer


def frames(searcher: Searcher, rows: Any, batch: int) -> Iterator[pl.DataFrame]:
    """What the queries of a table find, in its order: the query's id where it has one, the query, a place from 1 on, a document
    and a score."""
    for frame in gathering.batches(rows, batch):
        yield found(searcher, frame)


def found(searcher: Searcher, frame: pl.DataFrame) -> pl.DataFrame:
    """The documents of these queries, a row for each place. Raises DataError."""
    import polars as pl

    text, name = _columns(searcher.schema.names[0], frame.columns)
    asked = [query or "" for query in texts(frame[text]).to_list()]
    pages = [searcher.box.page(Wanted(query, K, highlight=False)).hits for query in asked]
    whose = [row for row, hits in enumerate(pages) for _ in hits]
    hits = [hit for page in pages for hit in page]
    told = [frame[name][whose]] if name else []
    return pl.DataFrame(
        [
            *told,
            pl.Series(text, [asked[row] for row in whose], dtype=pl.String),
            pl.Series("place", [place for page in pages for place in range(1, len(page) + 1)], dtype=pl.Int64),
            pl.Series(searcher.schema.target, [hit["id"] for hit in hits], dtype=_kind(searcher)),
            pl.Series("score", [hit["score"] for hit in hits], dtype=pl.Float64),
        ]
    )


def _kind(searcher: Searcher) -> Any:
    import polars as pl

    return pl.Int64 if len(searcher.collection.ids.whole) else pl.String


def _columns(query: str, columns: Sequence[str]) -> tuple[str, str]:
    """The column of queries, and that of their ids, "" where there is none. Raises DataError."""
    text = next((name for name in (query, *QUERY_TEXTS) if name in columns), None)
    if text is None:
        raise DataError(f'The rows have no column "{query}", of what is looked for. {nearest(query, columns)}')
    return text, next((name for name in QUERY_IDS if name in columns and name != text), "")


def framed(searcher: Searcher, rows: Any) -> Any:
    """What the queries of a frame of pandas, Polars or Arrow find, as one of the same kind."""
    import polars as pl

    told = list(frames(searcher, rows, gathering.SIZE))
    return list_predict.alike(pl.concat(told) if told else found(searcher, data.read(rows)), rows)
