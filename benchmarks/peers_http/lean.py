"""The peers' model called as cheaply as a careful person would: one array, straight into LightGBM, one thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import joblib
import numpy as np


class Lean:
    """The pipeline's own trees and codes, without the pipeline around them."""

    def __init__(self, path: str) -> None:
        columns, trees = (step for _, step in joblib.load(path).steps)
        self._booster = trees.booster_
        self._classes = [str(name) for name in trees.classes_]
        _, _, self._numeric = columns.transformers_[0]
        _, encoder, categorical = columns.transformers_[1]
        self._codes = [
            (name, {value: float(place) for place, value in enumerate(values)})
            for name, values in zip(categorical, encoder.categories_, strict=True)
        ]

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        cells = [row[name] for name in self._numeric]
        cells += [codes.get(row[name], -1.0) for name, codes in self._codes]
        yes = float(self._booster.predict(np.array([cells]), num_threads=1, validate_features=False)[0])
        no, label = 1.0 - yes, self._classes[yes > 0.5]
        return {"prediction": label, "probabilities": dict(zip(self._classes, (no, yes), strict=True))}
