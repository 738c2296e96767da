"""Plimsoll's bundle as a Python program asks it: one row as a dictionary, and the peers' frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tables

import plimsoll

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def load(task: tables.Task) -> tables.Served:
    loaded = plimsoll.load(task["artefact"])
    names = [f"p_{name}" for name in task["classes"]] if task["metric"] == "roc_auc" else "prediction"

    def frame(rows: pd.DataFrame) -> np.ndarray:
        return loaded.predict(rows)[names].to_numpy()

    return tables.Served(frame, loaded.predict)
