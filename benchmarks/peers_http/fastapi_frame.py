"""FastAPI as most services use it: a pydantic row, a one-row frame, the pipeline's predict_proba."""

from __future__ import annotations

import os

import joblib
import pandas as pd
from fastapi import FastAPI
from row import Answer, Row

app = FastAPI()
model = joblib.load(os.environ["BENCH_MODEL"])
classes = [str(name) for name in model.classes_]


@app.post("/predict")
async def predict(row: Row) -> Answer:
    probabilities = model.predict_proba(pd.DataFrame([row.model_dump()]))[0].tolist()
    label = classes[probabilities.index(max(probabilities))]
    return Answer(prediction=label, probabilities=dict(zip(classes, probabilities, strict=True)))
