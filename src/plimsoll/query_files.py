"""Files of queries and of judgements: which of their columns say what, and judgements as TREC has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll import gathering
from plimsoll.cells import texts
from plimsoll.errors import DataError, JobError
from plimsoll.lines import lines

QUERY_IDS = ("query_id", "qid", "topic_id", "topic", "question_id", "id", "_id", "number")
JUDGED_QUERIES = ("query_id", "qid", "topic_id", "topic", "question_id", "query", "question")
QUERY_TEXTS = ("text", "query", "query_text", "question", "title", "topic")
DOCUMENT_IDS = (
    "doc_id",
    "docno",
    "document_id",
    "docid",
    "corpus_id",
    "document",
    "doc",
    "item_id",
    "item",
    "url",
    "path",
)
GRADES = ("relevance", "grade", "rel", "label", "score", "relevancy", "judgement", "judgment", "gain", "rating")
MOST_LETTERS = 1 << 16  # of a query
_TREC = re.compile(
    r"^\s*\S+\s+\S+\s+\S+\s+[+-]?[0-9]+\s*$"
)  # query, iteration, document, grade: no header, white space between
_CONTROL = r"\p{Cc}"


def _whole(source: Any, what: str) -> pl.DataFrame:
    """A table as it is written: of a file of text every cell is a text, so that 01 is not 1."""
    parts = list(gathering.batches(source))
    if not parts or not sum(part.height for part in parts):
        raise DataError(f"The table of {what} has no rows. Give one with a row for each.")
    return pl.concat(parts, how="vertical_relaxed")


def _column(frame: pl.DataFrame, names: Sequence[str], what: str, but: Sequence[str] = ()) -> str:
    """The column that has one of these names, however its words are joined. Raises JobError where none has."""
    known = {re.sub(r"[\s.-]+", "_", name.strip().lower()): name for name in reversed(frame.columns) if name not in but}
    for name in names:
        if name in known:
            return known[name]
    raise JobError(
        f'No column of the {what} is called "{names[0]}", or {", ".join(names[1:4])} and the like; there are {", ".join(frame.columns[:12])}. Rename the one that is meant "{names[0]}".'
    )


def queries(source: Any) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """The table of queries, their ids as ``ids.spelled``, and their texts, missing where one is empty.

    Raises JobError for a column that is not found, and DataError for an id that is missing or there twice and for a text that is
    too long to be a query.

    >>> queries(pl.DataFrame({"qid": [1], "text": ["lift\\n of wings"]}))[2].to_list()
    ['lift  of wings']
    """
    frame = _whole(source, "queries")
    named = _column(frame, QUERY_IDS, "queries")
    ids = gathering.spelled(frame[named])
    if ids.null_count():
        row = int(ids.is_null().arg_true()[0]) + 1
        raise DataError(f'Row {row:,} of the queries has no "{named}". Mend the row or leave it out.')
    if len(twins := ids.filter(ids.is_duplicated())):
        raise DataError(f'"{twins[0]}" is the "{named}" of several queries. Keep one of them.')
    told = frame[_column(frame, QUERY_TEXTS, "queries", but=(named,))]
    # What stands for no letter, such as the end of a line, parts words as a blank does.
    asked = texts(texts(told).str.replace_all(_CONTROL, " ").str.strip_chars())
    if (asked.str.len_chars() > MOST_LETTERS).any():
        row = int((asked.str.len_chars() > MOST_LETTERS).arg_true()[0])
        raise DataError(
            f'Row {row + 1:,} of the queries: "{told.name}" has {asked[row:].str.len_chars()[0]:,} letters; {MOST_LETTERS:,} is the most. Shorten it, or check the column.'
        )
    return frame, ids, asked


def judgements(source: Any) -> pl.DataFrame:
    """The columns query, document and grade of a table of judgements, or of a file as TREC has it; without a third column every
    grade is 1. Raises JobError for a column that is not found, and DataError for a line of TREC that has not four."""
    if _is_trec(source):
        return _trec(Path(source))
    frame = _whole(source, "judgements")
    query = _column(frame, JUDGED_QUERIES, "judgements")
    document = _column(frame, DOCUMENT_IDS, "judgements", but=(query,))
    given = {"query": frame[query], "document": frame[document]}
    if frame.width == 2:  # who only lists what is relevant has no grades
        return pl.DataFrame([cells.alias(name) for name, cells in given.items()]).with_columns(pl.lit(1).alias("grade"))
    given["grade"] = frame[_column(frame, GRADES, "judgements", but=(query, document))]
    return pl.DataFrame([cells.alias(name) for name, cells in given.items()])


def _is_trec(source: Any) -> bool:
    if not isinstance(source, str | Path) or not Path(source).is_file():
        return False
    if Path(source).suffix.lower() in (".parquet", ".arrow", ".feather", ".ipc"):
        return False
    return _TREC.match(next(iter(lines(Path(source))), "")) is not None


def _trec(path: Path) -> pl.DataFrame:
    rows: list[tuple[str, str, str]] = []
    for number, line in enumerate(lines(path), 1):
        parts = line.split()
        if len(parts) == 4:
            rows.append((parts[0], parts[2], parts[3]))
        elif parts:
            raise DataError(
                f"{path}, line {number}: has {len(parts)} columns where query, iteration, document and grade were due. Mend the line."
            )
    return pl.DataFrame(rows, schema=dict.fromkeys(("query", "document", "grade"), pl.String), orient="row")
