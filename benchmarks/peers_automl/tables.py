"""A set as pandas frames, for the peers; pandas is imported only where a frame is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Task = Mapping[str, Any]


class NotForIt(Exception):
    """Why a system has nothing to say to a set."""


@dataclass(frozen=True)
class Served:
    """A loaded artefact. ``frame`` answers a frame of one row or of many: probabilities (rows, classes) where the metric
    is of probabilities, else decided classes or values (rows,). ``row`` answers one row as a dictionary, where there
    is such a way."""

    frame: Callable[[pd.DataFrame], np.ndarray]
    row: Callable[[dict[str, Any]], Any] | None = None


def read(task: Task, path: str) -> pd.DataFrame:
    """The known columns, and the target where it is there. A column has the same type in every table."""
    import pandas as pd

    words = dict.fromkeys((*task["categories"], *task["texts"]), str)  # also where no cell of a column has any
    lines = {"lines": True, "dtype": False, "convert_dates": False}
    frame = pd.read_json(path, **lines) if path.endswith(".jsonl") else pd.read_csv(path, dtype=words)
    return frame.astype(task["types"])


def one_by_one(task: Task) -> list[pd.DataFrame]:
    frame = read(task, task["rows_table"])
    return [frame.iloc[[place]] for place in range(len(frame))]


def apart(task: Task, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """(what is known, what is asked) of rows to learn from"""
    return frame.drop(columns=task["target"]), frame[task["target"]]


def way(task: Task) -> str:
    """The method that gives what the metric looks at."""
    return "predict_proba" if task["metric"] == "roc_auc" else "predict"


def artefact(task: Task) -> Path:
    return Path(task["artefact"])
