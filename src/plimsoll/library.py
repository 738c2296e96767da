"""A job whose answers are documents, as it sees its data: documents, queries, and how good each is for the other.

Rows are queries. What is true of one are the documents that were judged for it, with their grades.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import documents, judged, known_items, languages, letters
from plimsoll.analysis import stems
from plimsoll.collection import Collection
from plimsoll.errors import DataError, JobError, nearest
from plimsoll.finding import QUERY
from plimsoll.job import Documents, Job
from plimsoll.judged import Judged
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.stop_words import LISTS
from plimsoll.truth import Part, Truth

Array = NDArray[Any]
MADE = 400  # queries that are made where none are given
_HEARD = 500  # documents that tell the language
_FOLDS = ("none", "case"), ("case", "accents")
LEAST = 10  # judged queries


@dataclass(frozen=True)
class Library:
    """``job`` has its columns and its language settled, ``frame`` a row for each query with what its split needs, and ``whole`` all
    queries with what is true of them."""

    job: Job
    schema: Schema
    collection: Collection
    frame: pl.DataFrame
    whole: Part
    names: tuple[str, ...]  # of the queries
    counted: Mapping[str, int]
    made: bool  # queries were made of documents
    warnings: tuple[str, ...]


def of(job: Job, source: Any) -> Library:
    """The documents and the queries of a job. Raises DataError and JobError."""
    asked = job.search
    assert asked is not None
    _check_split(job)
    _check_weights(asked)
    read = documents.read(source, job.predict, asked.fields, job.kinds, job.ignore)
    job = _settled(job, read)
    if asked.queries:
        found = judged.read(asked.queries, asked.judgements, read.collection, read.fields)
        _check_column(job, found.frame)
    else:
        found = known_items.made(read.collection, read.fields, MADE, job.seed)
    _check_many(found)
    schema = Schema((Column(QUERY, Kind.QUERY, 0.0, len(read.collection), found.texts[0]),), job.predict)
    rows = Rows(len(found.texts), {QUERY: Coded.of(found.texts)})
    frame = found.frame.with_columns(pl.Series(QUERY, found.texts))
    whole = Part(rows, Truth(found.truth, {}))
    said = (*read.warnings, *found.warnings)
    return Library(
        job, schema, read.collection, frame, whole, found.ids, asdict(found.counted), not asked.queries, said
    )


def _check_split(job: Job) -> None:
    if job.split.how not in ("random", "column"):
        raise JobError(f'--split "{job.split}" is not one of queries. Write random, or column:COL of the queries.')
    if job.split.how == "column" and job.search is not None and not job.search.queries:
        raise JobError(
            f'--split "{job.split}" names a column of queries, and there are none. Name them with --queries.'
        )


def _check_weights(asked: Documents) -> None:
    for flag, folder in (("encoder", asked.encoder), ("cross-encoder", asked.cross)):
        if folder and not Path(folder).is_dir():
            raise JobError(f"--{flag} {folder}: there is no such folder. Name the one that the model's weights lie in.")


def _check_column(job: Job, frame: pl.DataFrame) -> None:
    for name in job.split.columns:
        if name not in frame.columns:
            raise JobError(f'--split "{job.split}" names no column of the queries. {nearest(name, frame.columns)}')


def _settled(job: Job, read: documents.Read) -> Job:
    """The same with the column of ids, the columns that are searched, and what is told by the first documents: the language, and
    whether they have capitals and accents."""
    assert job.search is not None
    cells = [read.collection.rows.texts(name).values[:_HEARD] for name in read.fields]
    first = [text for each in cells for text in each if text]
    language = job.search.language or languages.of(first)
    held = set(chain.from_iterable(map(letters.words, first)))
    cased, accented = (letters.differs(held, *folds) for folds in _FOLDS)
    search = replace(job.search, text=",".join(read.fields), language=language, cased=cased, accented=accented)
    if language not in (languages.NONE, *LISTS, *stems()):
        raise JobError(
            f'--language "{language}" is none that is known. {nearest(language, [languages.NONE, *stems()])}'
        )
    return replace(job, predict=read.collection.schema.target, search=search)


def _check_many(found: Judged) -> None:
    if len(found.texts) < LEAST:
        raise DataError(
            f"Only {len(found.texts)} queries have a relevant document, and at least {LEAST} are needed: some to learn from, some to judge by."
        )


def digest(found: Library) -> str:
    """What a run must share with the one that it continues: the job, the documents, the queries and their judgements."""
    seen = hashlib.sha256(json.dumps([found.job.as_json(), found.schema.as_json()], sort_keys=True).encode())
    seen.update(found.frame.hash_rows(seed=0).to_numpy().tobytes())
    seen.update(np.ascontiguousarray(found.whole.truth.target).data)
    for content in found.collection.members().values():
        seen.update(content)
    return seen.hexdigest()
