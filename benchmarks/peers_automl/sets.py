"""The four sets: what is asked of each, and what every system is told about it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

REQUESTS = 1_000  # rows that are asked one by one


class Missing(Exception):
    """What is not there, and what to do about it."""


@dataclass(frozen=True)
class Set:
    """``ignored`` is named to everybody; ``ids`` only say which row it is: Plimsoll finds them, the peers are told."""

    name: str
    ending: str
    target: str
    task: str
    metric: str
    ignored: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def files(self, data: Path) -> tuple[Path, Path]:
        """(train, test). Raises Missing."""
        train, test = (data / self.name / f"{part}.{self.ending}" for part in ("train", "test"))
        for path in (train, test):
            if not path.exists():
                raise Missing(f"{path} is not there. Put the sets into {data}, or name their folder: --data DIR.")
        return train, test


_VOTES = ("votes_hate", "votes_offensive", "votes_neither")
SETS = {
    each.name: each
    for each in (
        Set("adult", "csv.gz", "income", "binary", "roc_auc"),
        Set("california_housing", "csv.gz", "median_house_value", "regression", "rmse"),
        Set(
            "clothing_reviews",
            "csv.gz",
            "recommended",
            "binary",
            "roc_auc",
            ignored=("rating",),
            ids=("row_id",),
            texts=("title", "review_text"),
        ),
        Set(
            "hate_offensive_tweets",
            "jsonl.gz",
            "label",
            "multiclass",
            "macro_f1",
            ignored=_VOTES,
            ids=("id",),
            texts=("text",),
        ),
    )
}


@dataclass(frozen=True)
class Prepared:
    """A set on this disk. ``task`` is what the workers are told; ``truth`` is class numbers, or values, of the test rows."""

    what: Set
    train: Path
    test: Path
    task: dict[str, Any]
    truth: np.ndarray
    constant: np.ndarray


def read(path: Path) -> pl.DataFrame:
    if ".jsonl" in path.name:
        with gzip.open(path) as file:
            return pl.read_ndjson(file.read())
    return pl.read_csv(path, infer_schema_length=None)


def prepare(what: Set, data: Path, folder: Path) -> Prepared:
    """Writes the rows that are asked one by one into ``folder``, as a table and as JSON lines."""
    paths = what.files(data)
    train, test = map(read, paths)
    places = np.random.default_rng(0).permutation(test.height)[:REQUESTS].tolist()
    known = [name for name in train.columns if name not in (what.target, *what.ignored, *what.ids)]
    rows = test[places].select(known)
    rows.write_ndjson(folder / "rows.jsonl")
    rows.write_csv(folder / "rows.csv")
    truth, classes = _truth(what, test), _classes(what, train)
    task = {
        "set": what.name,
        "train": str(paths[0]),
        "test": str(paths[1]),
        "target": what.target,
        "task": what.task,
        "metric": what.metric,
        "classes": classes,
        "texts": list(what.texts),
        **_columns(known, what.texts, train, test),
        "rows_json": str(folder / "rows.jsonl"),
        "rows_table": str(folder / ("rows.jsonl" if "jsonl" in what.ending else "rows.csv")),
        "places": places,
    }
    return Prepared(what, *paths, task, truth, constant(what, _truth(what, train), len(classes), test.height))


def _columns(known: list[str], texts: tuple[str, ...], train: pl.DataFrame, test: pl.DataFrame) -> dict[str, Any]:
    """Which columns are numbers and categories, and the one type that a number has in all of its tables."""
    types = {}
    for name in known:
        if train.schema[name].is_numeric():
            whole = train.schema[name].is_integer() and not (train[name].null_count() + test[name].null_count())
            types[name] = "int64" if whole else "float64"
    return {"types": types, "categories": [name for name in known if name not in types and name not in texts]}


def _classes(what: Set, train: pl.DataFrame) -> list[str]:
    return [] if what.task == "regression" else sorted(map(str, train[what.target].unique().to_list()))


def _truth(what: Set, frame: pl.DataFrame) -> np.ndarray:
    if what.task == "regression":
        return frame[what.target].cast(pl.Float64).to_numpy()
    return np.unique(frame[what.target].cast(pl.String).to_numpy(), return_inverse=True)[1]


def constant(what: Set, truth: np.ndarray, classes: int, rows: int) -> np.ndarray:
    """What the constant model answers to so many rows: the mean, the shares of the classes, or the commonest of them."""
    if what.task == "regression":
        return np.full(rows, truth.mean())
    shares = np.bincount(truth, minlength=classes) / len(truth)
    return np.tile(shares, (rows, 1)) if what.metric == "roc_auc" else np.full(rows, shares.argmax())
