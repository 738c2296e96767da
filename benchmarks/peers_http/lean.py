"""The peers' model called as cheaply as a careful person would: one array, straight into LightGBM, one thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        return self.many([row])[0]

    def many(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        cells = [[*map(row.__getitem__, self._numeric), *self._coded(row)] for row in rows]
        found = self._booster.predict(np.array(cells), num_threads=1, validate_features=False).tolist()
        first, second = self._classes
        return [
            {"prediction": second if yes > 0.5 else first, "probabilities": {first: 1.0 - yes, second: yes}}
            for yes in found
        ]

    def _coded(self, row: Mapping[str, Any]) -> list[float]:
        return [codes.get(row[name], -1.0) for name, codes in self._codes]
