"""The sets: what is asked of each, and the files that every contender is given alike."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

REQUESTS = 1_000  # rows that are asked one by one
STAND_IN = (
    200  # training rows that stand where `plimsoll fit` takes test rows, so that it sees none and splits none off
)
HELD = 0.25  # share of the rows that are test rows, in sets that come in one file
SPLIT = 20_240  # the seed of that split; the same whatever the seed of a fit
_METRICS = {"binary": "roc_auc", "multiclass": "macro_f1", "regression": "rmse"}


class Missing(Exception):
    """What is not there, and what to do about it."""


@dataclass(frozen=True)
class Set:
    """``file`` lies below the data folder; one with {part} comes as train and test. ``hidden`` columns are given to nobody:
    they tell the answer, or only which row it is. ``seen``: its test scores were in view while Plimsoll was built."""

    name: str
    file: str
    target: str
    task: str
    hidden: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    seen: bool = False

    @property
    def metric(self) -> str:
        return _METRICS[self.task]

    @property
    def ending(self) -> str:
        return "jsonl" if ".jsonl" in self.file else "csv"

    def files(self, data: Path) -> list[Path]:
        """One file of all rows, or (train, test). Raises Missing."""
        parts = ("train", "test") if "{part}" in self.file else ("",)
        found = [data / self.file.format(part=part) for part in parts]
        for path in found:
            if not path.exists():
                raise Missing(f"{path} is not there. Put the sets into {data}, or name their folder: --data DIR.")
        return found


_SUITE = {
    "binary": "bank_marketing credit_default magic_telescope musk telco_churn titanic",
    "multiclass": "exercise_har mice_protein satellite soybean vowel",
    "regression": "abalone ames_houses beijing_pm25 concrete diamonds insurance wine_quality",
}
_LARGE = (
    Set("adult", "adult/{part}.csv.gz", "income", "binary", seen=True),
    Set("california_housing", "california_housing/{part}.csv.gz", "median_house_value", "regression", seen=True),
    Set(
        "clothing_reviews",
        "clothing_reviews/{part}.csv.gz",
        "recommended",
        "binary",
        hidden=("row_id", "rating"),
        texts=("title", "review_text"),
        seen=True,
    ),
    Set(
        "hate_offensive_tweets",
        "hate_offensive_tweets/{part}.jsonl.gz",
        "label",
        "multiclass",
        hidden=("id", "votes_hate", "votes_offensive", "votes_neither"),
        texts=("text",),
        seen=True,
    ),
    Set(
        "vader_sentiment",
        "vader_sentiment/{part}.jsonl.gz",
        "label",
        "multiclass",
        hidden=("id", "score"),
        texts=("text",),
    ),
)
_SMALL = tuple(
    Set(name, f"tabular_suite/{name}.csv.gz", "target", task) for task in _SUITE for name in _SUITE[task].split()
)
SETS = {each.name: each for each in (*_LARGE, *_SMALL)}


@dataclass(frozen=True)
class Prepared:
    """A set on this disk. ``task`` is what contenders are told; ``truth`` and ``constant`` are class numbers, or values:
    what is true of the test rows, and what a model that has learned nothing answers to them."""

    what: Set
    task: dict[str, Any]
    truth: np.ndarray
    constant: np.ndarray
    rows: tuple[int, int]


def prepare(what: Set, data: Path, folder: Path) -> Prepared:
    """Writes what contenders are given into ``folder``: rows to learn from, and test rows without their answers."""
    train, test = parts(what, data)
    known = [name for name in train.columns if name not in (what.target, *what.hidden)]
    places = np.random.default_rng(0).permutation(test.height)[:REQUESTS]
    learned = np.random.default_rng(0).permutation(train.height)[:STAND_IN]
    train = train.select(*known, what.target)
    files = {
        "train": train,
        "stand_in": train[learned.tolist()],
        "questions": test.select(known),
        "rows_table": test[places.tolist()].select(known),
    }
    paths = {name: folder / f"{name}.{what.ending}" for name in files}
    for name, frame in files.items():
        write(frame, paths[name])
    rows_json = folder / "rows_json.jsonl"
    typed(paths["rows_table"]).write_ndjson(rows_json)
    classes = [] if what.task == "regression" else sorted(map(str, train[what.target].unique().to_list()))
    task = {"set": what.name, "target": what.target, "task": what.task, "metric": what.metric, "classes": classes}
    task |= {"texts": list(what.texts), "places": places.tolist(), "rows_json": str(rows_json)}
    task |= {name: str(path) for name, path in paths.items()}
    task |= _columns(known, what.texts, typed(paths["train"]), typed(paths["questions"]))
    truths = [_numbers(frame[what.target], classes) for frame in (train, test)]
    answers = constant(what.metric, truths[0], len(classes), test.height)
    return Prepared(what, task, truths[1], answers, (train.height, test.height))


def parts(what: Set, data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(train, test): as they come, or split by ``held_out``. Cells of CSV stay as they are written. Raises Missing."""
    frames = [read(path) for path in what.files(data)]
    if len(frames) == 2:
        return frames[0], frames[1]
    frame = frames[0]
    classes = np.zeros(frame.height) if what.task == "regression" else frame[what.target].to_numpy()
    held = pl.Series(held_out(classes))
    return frame.filter(~held), frame.filter(held)


def held_out(classes: np.ndarray, share: float = HELD, seed: int = SPLIT) -> np.ndarray:
    """Which rows are test rows, shape (rows,): so large a share of each class, drawn by the seed.

    >>> held_out(np.array(["a"] * 4 + ["b"] * 8)).sum()
    np.int64(3)
    """
    random = np.random.default_rng(seed)
    held = np.zeros(len(classes), bool)
    for name in np.unique(classes):
        rows = random.permutation(np.flatnonzero(classes == name))
        held[rows[: round(share * len(rows))]] = True
    return held


def read(path: Path) -> pl.DataFrame:
    """Cells of CSV as texts; values of JSON lines as they are."""
    if ".jsonl" not in path.name:
        return pl.read_csv(path, infer_schema=False)
    with gzip.open(path) as file:
        return pl.read_ndjson(file.read())


def typed(path: Path) -> pl.DataFrame:
    """The rows of a file with the types that its cells have."""
    return pl.read_ndjson(path) if ".jsonl" in path.name else pl.read_csv(path, infer_schema_length=None)


def write(frame: pl.DataFrame, path: Path) -> None:
    if path.suffix == ".jsonl":
        frame.write_ndjson(path)
    else:
        frame.write_csv(path)


def _columns(known: list[str], texts: tuple[str, ...], train: pl.DataFrame, test: pl.DataFrame) -> dict[str, Any]:
    """Which columns are numbers and categories, and the one type that a number has in all of its tables."""
    types = {}
    for name in known:
        if train.schema[name].is_numeric():
            both = (train[name], test[name])
            whole = all(part.dtype.is_integer() and not part.null_count() for part in both)
            types[name] = "int64" if whole else "float64"
    return {"types": types, "categories": [name for name in known if name not in types and name not in texts]}


def _numbers(target: pl.Series, classes: list[str]) -> np.ndarray:
    """Class numbers, or values."""
    if not classes:
        return target.cast(pl.Float64).to_numpy()
    return np.searchsorted(np.array(classes), target.cast(pl.String).to_numpy().astype(str))


def constant(metric: str, truth: np.ndarray, classes: int, rows: int) -> np.ndarray:
    """What the constant model answers to so many rows: the mean, the shares of the classes, or the commonest of them."""
    if metric == "rmse":
        return np.full(rows, truth.mean())
    shares = np.bincount(truth, minlength=classes) / len(truth)
    return np.tile(shares, (rows, 1)) if metric == "roc_auc" else np.full(rows, shares.argmax())
