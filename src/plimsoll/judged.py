"""Queries and judgements: what people asked, and which documents they found relevant, and how much so.

Every row that cannot count is counted and said. What is not judged is not relevant, and so is a grade below zero. A pair that is
judged more than once counts with its highest grade.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import backwards, data, gathering
from plimsoll.cells import misfits, numbers, plain, texts
from plimsoll.collection import Collection
from plimsoll.errors import DataError, JobError, nearest
from plimsoll.gathering import Numbering
from plimsoll.lines import lines
from plimsoll.ranking import GRADED
from plimsoll.schema import Kind

QUERY_IDS = ("query_id", "qid", "topic_id", "topic", "question_id", "id", "_id", "query")
QUERY_TEXTS = ("text", "query", "query_text", "question", "title", "topic")
DOCUMENT_IDS = ("doc_id", "docno", "document_id", "docid", "corpus_id", "document", "doc", "item_id", "item", "url", "path")
GRADES = ("relevance", "grade", "rel", "label", "score", "relevancy", "judgement", "judgment", "gain", "rating")
MOST_LETTERS = 1 << 16  # of a query
MOST_TRUE = 1_000  # judged documents that are kept of a query, those of the highest grades
_TREC = re.compile(r"^\s*\S+\s+\S+\s+\S+\s+[+-]?[0-9]+\s*$")  # query, iteration, document, grade: no header, white space between
_CONTROL = r"[\p{Cc}\p{Cs}]"


@dataclass(frozen=True)
class Counted:
    """What was counted: ``queries`` that are kept, and rows of judgements ``judgements``; of the rest why it does not count."""

    queries: int
    judgements: int
    empty: int = 0  # queries without a text
    unjudged: int = 0  # queries of which no document is relevant
    alike: int = 0  # queries with the text of another
    without: int = 0  # judgements without a query or a document
    unknown_documents: int = 0  # judgements of documents that are not there
    unknown_queries: int = 0
    repeated: int = 0  # judgements of a pair that has the same grade already
    disputed: int = 0  # pairs with several grades
    negative: int = 0  # judgements below zero
    cut: int = 0  # judgements beyond the first ``MOST_TRUE`` of their query


@dataclass(frozen=True)
class Judged:
    """Queries in the order of their file: ``ids`` and ``texts``; ``truth`` of ``ranking.GRADED``, shape (queries, most), the
    highest grades first; and the ``frame`` of the queries' other columns, a row each, for splits and slices."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    truth: NDArray[Any]
    counted: Counted
    warnings: tuple[str, ...] = ()
    frame: pl.DataFrame | None = None

    def __len__(self) -> int:
        return len(self.ids)
