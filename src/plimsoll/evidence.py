"""What the test rows say of the chosen model: per class, per slice, how well calibrated; and sketches for drift."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import metrics
from plimsoll.job import Job
from plimsoll.rows import Coded, Rows, plain
from plimsoll.schema import Schema
from plimsoll.sketch import sureness
from plimsoll.trial import Score

Array = NDArray[Any]
_LEAST = 50  # rows of a slice that is worth a figure
_BINS = 10
_QUANTILES = 21
_MOST_VALUES = 50  # of a column of words, of which a sketch tells the shares
_TOLD = 0.001  # how far a share may lie from the one that its quantile tells, before it is told itself
_SHARED = 10  # rows that must share a value for it to be told


def score(name: str, truth: Array, answers: Array, labels: Array, seed: int = 0, units: Array | None = None) -> Score:
    """A metric on these rows with its 95 % bootstrap interval, over units where rows are no separate evidence."""
    low, value, high = metrics.interval(name, truth, answers, labels, seed, draws=100, units=units)
    return Score(name, value, low, high, len(truth))


def gather(
    job: Job, schema: Schema, rows: Rows, truth: Array, answers: Array, labels: Array, radius: float
) -> dict[str, Any]:
    """The evidence that the report shows, as JSON values; of lists see ``list_evidence``."""
    if schema.lists:
        return {}
    # Of what is said in a stream, moments picked from it by a value say nothing: each person and session stands by itself.
    sliced = job.score in metrics.METRICS
    found: dict[str, Any] = {"slices": slices(job, rows, truth, answers, labels) if sliced else []}
    if job.task.classifies:
        found["per_class"] = per_class(schema, truth, labels)
        found["calibration"] = reliability(truth, answers)
        found["calibration_error"] = metrics.calibration_error(truth, answers)
        return found
    error = truth - answers
    counts, edges = np.histogram(error, bins=30)
    found["residuals"] = {"edges": edges.tolist(), "counts": counts.tolist()}
    found["coverage"] = {"stated": job.coverage, "observed": float(np.mean(np.abs(error) <= radius)), "radius": radius}
    return found


def per_class(schema: Schema, truth: Array, labels: Array) -> list[dict[str, Any]]:
    """Precision, recall, F1 and rows of each class; a ratio without a base is zero."""
    found = []
    for k, name in enumerate(schema.classes):
        hits = int(np.sum((truth == k) & (labels == k)))
        given, due = int(np.sum(labels == k)), int(np.sum(truth == k))
        precision, recall = hits / max(given, 1), hits / max(due, 1)
        f1 = 2 * hits / max(given + due, 1)
        found.append({"class": name, "precision": precision, "recall": recall, "f1": f1, "support": due})
    return found


def reliability(truth: Array, answers: Array) -> list[dict[str, Any]]:
    """Predicted against observed, in ten bins of equal count; of the likeliest class where there are more than two."""
    if answers.shape[1] == 2:
        probability, right = answers[:, 1], truth == 1
    else:
        probability, right = answers.max(axis=1), answers.argmax(axis=1) == truth
    order = np.argsort(probability, kind="stable")
    return [
        {"predicted": float(probability[b].mean()), "observed": float(right[b].mean()), "rows": len(b)}
        for b in np.array_split(order, min(_BINS, len(order)))
        if len(b)
    ]


def slices(job: Job, rows: Rows, truth: Array, answers: Array, labels: Array) -> list[dict[str, Any]]:
    """The twelve slices, of those that are large enough, in which the score is worst."""
    overall = metrics.score(job.score, truth, answers, labels)
    sign = 1.0 if metrics.METRICS[job.score].higher_is_better else -1.0
    found: list[dict[str, Any]] = []
    for column, value, index in _parts(rows):
        if _LEAST <= len(index) < len(truth):
            part = metrics.score(job.score, truth[index], answers[index], labels[index])
            if np.isfinite(part):
                found.append({"column": column, "value": value, "rows": len(index), "score": part, "overall": overall})
    return sorted(found, key=lambda each: sign * each["score"])[:12]


def _parts(rows: Rows) -> Iterator[tuple[str, str, Array]]:
    """(column, value, row numbers): each common category, and the quarters of each number."""
    for name, held in rows.columns.items():
        cells = plain(held)
        if isinstance(cells, Coded):
            if len(cells.values) <= 200:
                for k, value in enumerate(cells.values):
                    yield name, value, np.flatnonzero(cells.codes == k)
            continue
        known = cells[~np.isnan(cells)]
        if len(known) < 4 * _LEAST:
            continue
        cuts = np.unique(np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0]))
        for low, high in itertools.pairwise(cuts):
            top = cells <= high if high == cuts[-1] else cells < high
            yield name, f"{low:.4g} to {high:.4g}", np.flatnonzero((cells >= low) & top)


def sketches(rows: Rows) -> dict[str, Any]:
    """How each column was spread at training time, small enough to ship: what drift is measured against."""
    shown = {name: plain(cells) for name, cells in rows.columns.items()}
    return {name: _words(cells) if isinstance(cells, Coded) else _numbers(cells) for name, cells in shown.items()}


def answered(schema: Schema, answers: Array, labels: Array) -> dict[str, Any]:
    """How a model's answers to rows that it had not seen were spread: the decided classes, and the probability of the second
    of two classes or of the likeliest of more; or the numbers.

    >>> answered(Schema((), "y"), np.arange(3.0), np.arange(3.0))["prediction"]["quantiles"][::10]
    [0.0, 1.0, 2.0]
    """
    if schema.lists:  # how long lists are
        held = answers["item"] >= 0
        return {"prediction": _numbers(held.sum(axis=1).astype(np.float64))}
    if not schema.classes:
        return {"prediction": _numbers(answers)}
    decided = Coded(labels.astype(np.int32), schema.classes)
    return {"prediction": _words(decided, least=1), "probability": _numbers(sureness(answers))}


def longest_answered(schema: Schema, figure: float) -> dict[str, Any]:
    """``answered`` before anything is known, as long as it can become; ``figure`` has as many digits as a figure can have."""
    whole = {"missing": 0.0, "rows": 10**9}
    spread: dict[str, Any] = {**whole, "quantiles": [figure] * _QUANTILES, "below": [figure] * _QUANTILES}
    if not schema.classes:
        return {"prediction": spread}
    kept = sorted(schema.classes, key=len)[-_MOST_VALUES:]
    return {"prediction": {**whole, "values": dict.fromkeys(kept, figure)}, "probability": spread}


def _words(cells: Coded, least: int = _SHARED) -> dict[str, Any]:
    """Shares of the common values; where those are of less than half of the rows, how long the texts are, in letters."""
    count = np.bincount(cells.codes[cells.codes >= 0], minlength=len(cells.values))
    rows = len(cells.codes)
    top: list[int] = np.argsort(-count, kind="stable")[:_MOST_VALUES].tolist() if len(cells.values) <= 5_000 else []
    # Only values that many rows share: a sketch must not carry a person's own words.
    shares = {cells.values[k]: float(count[k] / rows) for k in top if count[k] >= least}
    missing = float(np.mean(cells.codes < 0)) if rows else 0.0
    found: dict[str, Any] = {"missing": missing, "rows": rows, "values": shares}
    if sum(shares.values()) < 0.5 * (1.0 - missing) and least > 1:
        lengths = np.array([len(value) for value in cells.values], dtype=np.float64)
        letters = _numbers(lengths[cells.codes[cells.codes >= 0]])
        found["letters"] = {name: letters[name] for name in ("quantiles", "below") if name in letters}
    return found


def _numbers(cells: Array) -> dict[str, Any]:
    """Quantiles, and where values repeat the share of rows up to each, which a quantile alone does not tell."""
    known = cells[np.isfinite(cells)]
    quantiles = np.quantile(known, np.linspace(0.0, 1.0, _QUANTILES)) if len(known) else np.zeros(0)
    found: dict[str, Any] = {
        "missing": float(np.mean(np.isnan(cells))) if len(cells) else 0.0,
        "rows": len(cells),
        "quantiles": quantiles.tolist(),
    }
    edges, back = np.unique(quantiles, return_inverse=True)
    counts = np.bincount(np.searchsorted(edges, known), minlength=len(edges))
    shares = (np.cumsum(counts)[: len(edges)] / max(len(known), 1)).round(6)[back]
    if len(known) and np.abs(shares - np.linspace(0.0, 1.0, _QUANTILES)).max() > _TOLD:
        found["below"] = shares.tolist()
    return found
