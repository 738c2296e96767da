"""``python train.py ROWS.csv TEST.csv FOLDER``: the peers' model, trained inside the environment that will serve it.

The same pipeline as in ``one_row.py``: codes for categories, then 300 trees of LightGBM. ``model.joblib`` and, where
MLflow is installed, ``mlflow/`` are written to FOLDER; the last line on standard output is the AUC on the test rows.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def pipeline(names: list[str]) -> Any:
    numeric, categorical = [n for n in names if n[0] == "n"], [n for n in names if n[0] == "c"]
    code = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    parts = [("n", "passthrough", numeric), ("c", code, categorical)]
    trees = LGBMClassifier(n_estimators=300, learning_rate=0.05, n_jobs=1, verbosity=-1)
    return make_pipeline(ColumnTransformer(parts).set_output(transform="pandas"), trees)


def save_for_mlflow(model: Any, folder: Path) -> None:
    import mlflow.sklearn

    # LightGBM is not among the types that MLflow's safer format takes, so the model is saved as people do.
    mlflow.sklearn.save_model(
        model, str(folder), pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle", pip_requirements=[]
    )


def main(rows: str, test: str, folder: str) -> None:
    frame, unseen = pd.read_csv(rows), pd.read_csv(test)
    names = [name for name in frame.columns if name != "label"]
    model = pipeline(names).fit(frame[names], frame["label"].to_numpy())
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, out / "model.joblib")
    if importlib.util.find_spec("mlflow"):
        save_for_mlflow(model, out / "mlflow")
    print(roc_auc_score(unseen["label"] == "yes", model.predict_proba(unseen[names])[:, 1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
