"""A challenger: the same job learned again with what people said since. It takes over only if it is measurably better.

Half of the new labels are learned from, and the two models are compared on the other half, which neither has seen. Labels
from a review are not drawn alike: each counts as much as the chance with which it came demands (Horvitz and Thompson 1952).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import bundle, data, infer, metrics, solve
from plimsoll.errors import DataError, JobError
from plimsoll.job import Job
from plimsoll.refit import Progress
from plimsoll.run import Run
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.answering import answering

LEAST = 40  # labels to compare on
DRAWS = 400  # of the bootstrap
CHANCE = "chance"  # the column that says with what chance a label came
Array = NDArray[Any]


@dataclass(frozen=True)
class Challenge:
    """How a challenger did against the champion, on labels that neither had seen. ``gain`` has an interval of 95 %."""

    run: Run
    metric: str
    rows: int
    champion: float
    challenger: float
    gain: tuple[float, float]

    @property
    def better(self) -> bool:
        """Whether it should take the champion's place: it is measurably better, and keeps its limits, or there were no run."""
        return self.gain[0] > 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "rows": self.rows,
            "champion": self.champion,
            "challenger": self.challenger,
            "gain": list(self.gain),
            "better": self.better,
            "bundle": str(self.run.bundle),
        }


def challenge(
    champion: Path,
    source: Any,
    labels: Any,
    out: Path,
    seed: int = 0,
    progress: Progress | None = None,
    spent: float = 0.0,
) -> Challenge:
    """Fits the champion's job on ``source``, which it learned from, and half of ``labels``; compares on the other half.

    Raises UserError where something must be changed, NothingFits where no model keeps the limits with the new rows.
    """
    job = Job.from_json(Run.open(champion).record["job"])
    known = answering(bundle.read(bundle.of(champion)))
    if job.signals is not None:
        raise JobError(
            "A refit takes rows of a table. Fit recordings again with plimsoll fit, or plimsoll personalise."
        )
    if job.ranks:
        raise JobError(
            "A refit takes rows with their labels. Fit lists again with plimsoll fit, on all events up to now."
        )
    frame, new = data.read(source), data.read(labels)
    columns = _columns(frame, job, known)
    told = _alike(new, frame, columns, job)
    order = np.random.default_rng([seed, 5]).permutation(told.height)
    held, learned = (np.sort(part) for part in np.array_split(order, 2))
    if len(held) < LEAST:
        raise DataError(f"{told.height} labels are too few to compare two models on. Review {2 * LEAST} or more.")
    rows = pl.concat([frame.select(columns), told[learned.tolist()].select(columns)])
    unseen = told[held.tolist()]
    words = {name: value for name, value in job.as_json().items() if name not in ("task", "predict", "ignore")}
    run = solve.fit(
        rows, predict=job.predict, test=unseen.select(columns), out=out, progress=progress, spent=spent, **{**words, "seed": seed}
    )  # fmt: skip
    weights = _weights(told, held)
    one, other = (_answers(each, unseen) for each in (known, answering(bundle.read(run.bundle))))
    truth = infer.to_target(unseen, job, known.schema)
    low, high = gain(job.score, truth, other, one, weights, seed)
    before, after = (weighted(job.score, truth, each, weights, seed) for each in (one, other))
    return Challenge(run, job.score, len(held), before, after, (low, high))


def _columns(frame: pl.DataFrame, job: Job, known: Answerer) -> list[str]:
    """What both models may read, and what the job speaks of."""
    wanted = [*known.schema.names, job.predict, *job.split.columns]
    if absent := [name for name in wanted if name not in frame.columns]:
        raise DataError(f'The data have no column "{absent[0]}", which the champion learned from. Name the same data.')
    return list(dict.fromkeys(wanted))


def _alike(new: pl.DataFrame, frame: pl.DataFrame, columns: Sequence[str], job: Job) -> pl.DataFrame:
    """The labels as rows of the data: missing columns are missing values."""
    if job.predict not in new.columns:
        raise JobError(f'The labels have no column "{job.predict}". Write them with --target {job.predict}.')
    absent = [pl.lit(None).alias(name) for name in columns if name not in new.columns]
    cast = [pl.col(name).cast(frame.schema[name], strict=False) for name in columns]
    return new.with_columns(absent).with_columns(cast).drop_nulls(job.predict)


def _weights(told: pl.DataFrame, held: Array) -> Array:
    """What each label counts: one over the chance with which it came."""
    if CHANCE not in told.columns:
        return np.ones(len(held))
    chance = told[CHANCE].cast(pl.Float64, strict=False).fill_null(1.0).to_numpy()[held]
    return np.asarray(1.0 / np.clip(chance, 1e-4, 1.0))


def _answers(model: Answerer, frame: pl.DataFrame) -> tuple[Array, Array]:
    """(answers, decided classes) as metrics take them."""
    decided = model.decide(infer.to_rows(frame, model.schema))
    if decided.probabilities is None or decided.labels is None:
        values = np.asarray(decided.values)
        return values, values
    return decided.probabilities, decided.labels


def weighted(metric: str, truth: Array, given: tuple[Array, Array], weights: Array, seed: int = 0) -> float:
    """A metric on rows that count unequally: the mean over draws in which each comes as often as it counts."""
    found = [metrics.score(metric, truth[pick], given[0][pick], given[1][pick]) for pick in _draws(weights, seed)]
    return float(np.nanmean(found))


def gain(
    metric: str, truth: Array, one: tuple[Array, Array], other: tuple[Array, Array], weights: Array, seed: int = 0
) -> tuple[float, float]:
    """How much better ``one`` is than ``other``, by a paired bootstrap of rows that count unequally: 95 %."""
    sign = metrics.sign(metric)
    found = []
    for pick in _draws(weights, seed):
        better, worse = (metrics.score(metric, truth[pick], a[pick], b[pick]) for a, b in (one, other))
        found.append(sign * (better - worse))
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)


def _draws(weights: Array, seed: int) -> Sequence[Array]:
    """Rows as they may come again: first rows alike, and of those as many as they count."""
    random = np.random.default_rng([seed, 6])
    drawn = []
    for _ in range(DRAWS):
        pick = random.integers(0, len(weights), len(weights))
        share = weights[pick] / weights[pick].sum()
        drawn.append(pick if np.ptp(weights) == 0 else random.choice(pick, len(pick), p=share))
    return drawn
