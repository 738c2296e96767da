"""A plain linear model: over n-grams of the texts, or over one-hot categories and scaled numbers."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
import tables
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, StandardScaler

_FILE = "model.joblib"


def fit(task: tables.Task, train: pd.DataFrame) -> str:
    known, asked = tables.apart(task, train)
    head = _head(task)
    model = make_pipeline(_ngrams() if task["texts"] else _table(task), head)
    model.fit(_given(task, known), asked)
    joblib.dump(model, tables.artefact(task) / _FILE)
    over = "tf-idf of words 1–2 and char_wb 2–5, texts alone" if task["texts"] else "one-hot and scaled numbers"
    return f"{type(head).__name__}{', balanced' if _balanced(task) else ''}, {over}"


def _given(task: tables.Task, known: pd.DataFrame) -> pd.DataFrame | list[str]:
    """Texts joined into one; the other columns add nothing to them in these sets."""
    if not task["texts"]:
        return known
    return [" ".join(part for part in row if isinstance(part, str)) for row in known[task["texts"]].to_numpy()]


def _ngrams() -> FeatureUnion:
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
    return make_union(words, characters)


def _table(task: tables.Task) -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    parts = [("n", numbers, list(task["types"])), ("c", OneHotEncoder(handle_unknown="ignore"), task["categories"])]
    return ColumnTransformer(parts)


def _balanced(task: tables.Task) -> bool:
    return task["metric"] == "macro_f1"


def _head(task: tables.Task) -> LogisticRegression | Ridge:
    if task["task"] == "regression":
        return Ridge()
    return LogisticRegression(max_iter=1_000, class_weight="balanced" if _balanced(task) else None)


def load(task: tables.Task) -> tables.Served:
    model = joblib.load(tables.artefact(task) / _FILE)
    ask = getattr(model, tables.way(task))

    def frame(rows: pd.DataFrame) -> np.ndarray:
        return ask(_given(task, rows))

    return tables.Served(frame)
