"""A small bundle that searches, without a run."""

from __future__ import annotations

import functools
import gzip
import json
import sys

import numpy as np

from plimsoll.analysis import Analyser
from plimsoll.bm25 import Bm25
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.collection import Collection
from plimsoll.finding import Finding
from plimsoll.ids import Ids
from plimsoll.inverted import build
from plimsoll.job import Documents, Job, Task
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.serve.searcher import Searcher


def cranfield(path, many=1400):
    docs = [json.loads(l) for l in gzip.open(path)][:many]
    docs = sorted(docs, key=lambda d: int(d["doc_id"]))
    import re
    years = [next((float(m) for m in re.findall(r"19[2-6]\d", d["source"] or "")), np.nan) for d in docs]
    kind = [re.sub(r"[^a-z .]", "", (d["source"] or "").split(",")[0]).strip() or None for d in docs]
    cols = {"title": Coded.of([d["title"] for d in docs]), "text": Coded.of([d["text"] for d in docs]), "author": Coded.of([d["author"] or None for d in docs]), "journal": Coded.of(kind), "year": np.array(years)}
    schema = Schema((Column("title", Kind.TEXT), Column("text", Kind.TEXT), Column("author", Kind.TEXT), Column("journal", Kind.CATEGORY), Column("year", Kind.NUMBER)), "doc_id")
    col = Collection(Ids.of([d["doc_id"] for d in docs]), Rows(len(docs), cols), schema)
    return col


class _Recipe:
    def __init__(self, model): self.model = model
    def load(self, *a): return self.model


def searcher(path, many=1400):
    col = cranfield(path, many)
    fields = ("title", "text")
    finder = Bm25(build({f: col.rows.columns[f].texts() for f in fields}, Analyser()))
    model = Finding("bm25", finder)
    from plimsoll import catalogue
    old = catalogue.find
    catalogue.find = lambda name: _Recipe(model) if name == "toy" else old(name)
    job = Job("doc_id", task=Task.RANKING, search=Documents(text="title,text"))
    schema = Schema((Column("query", Kind.QUERY, 0.0, len(col), "boundary layer"),), "doc_id")
    return Searcher(Bundle(job, schema, "toy", {}, Calibration(), col.members(), {"digest": "ab" * 32}))
