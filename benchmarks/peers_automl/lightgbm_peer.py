"""Plain LightGBM: 300 trees at a rate of 0.05, texts of few values as pandas categories. Nothing is searched."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
import tables
from lightgbm import LGBMClassifier, LGBMRegressor

_FILE = "model.joblib"


def fit(task: tables.Task, train: pd.DataFrame) -> str:
    if task["texts"]:
        raise tables.NotForIt("it takes no texts")
    known, asked = tables.apart(task, train)
    types = {name: pd.CategoricalDtype(sorted(known[name].dropna().unique())) for name in task["categories"]}
    kind = LGBMRegressor if task["task"] == "regression" else LGBMClassifier
    model = kind(n_estimators=300, learning_rate=0.05, n_jobs=task["cores"], random_state=task["seed"], verbosity=-1)
    model.fit(known.astype(types), asked)
    joblib.dump((types, model), tables.artefact(task) / _FILE)
    return "300 trees, rate 0.05"


def load(task: tables.Task) -> tables.Served:
    types, model = joblib.load(tables.artefact(task) / _FILE)
    ask = getattr(model, tables.way(task))

    def frame(rows: pd.DataFrame) -> np.ndarray:
        return ask(rows.astype(types))

    return tables.Served(frame)
