"""AutoGluon, tabular, ``medium_quality``: cloned for deployment, and held in memory to serve."""

from __future__ import annotations

import tempfile

import pandas as pd
import tables
from autogluon.tabular import TabularPredictor

_METRICS = {"roc_auc": "roc_auc", "rmse": "root_mean_squared_error", "macro_f1": "f1_macro"}


def fit(task: tables.Task, train: pd.DataFrame) -> str:
    with tempfile.TemporaryDirectory(dir=tables.artefact(task).parent) as folder:
        predictor = TabularPredictor(
            label=task["target"],
            eval_metric=_METRICS[task["metric"]],
            problem_type=task["task"],
            path=folder,
            learner_kwargs={"random_state": task["seed"]},
            verbosity=1,
        )
        predictor.fit(train, time_limit=task["seconds"], presets="medium_quality", num_cpus=task["cores"])
        tables.artefact(task).rmdir()
        served = predictor.clone_for_deployment(str(tables.artefact(task)), return_clone=True)
        return _told(predictor.model_best, predictor.model_names(), served.model_names())


def _told(best: str, made: list[str], kept: list[str]) -> str:
    """Those that were made, and in bold those that answer."""
    single = [name for name in made if not name.startswith("WeightedEnsemble")]
    parts = [f"**{name}**" if name in kept else name for name in single]
    return f"{best}, {sum(name in kept for name in single)} of {len(single)} models: {', '.join(parts)}"


def load(task: tables.Task) -> tables.Served:
    predictor = TabularPredictor.load(str(tables.artefact(task)))
    predictor.persist("best", max_memory=None)
    ask = getattr(predictor, tables.way(task))
    return tables.Served(lambda frame: ask(frame).to_numpy())
