"""Boosted trees as they are grown: LightGBM (Ke and others 2017), in the time there is, from truths or from a teacher."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import machine
from plimsoll.calibration import softmax
from plimsoll.clock import Clock
from plimsoll.job import Job, Task
from plimsoll.knobs import Knobs
from plimsoll.recipe import Fold
from plimsoll.schema import Schema

Array = NDArray[Any]
MOST_TREES = 8_000  # of all classes together: more are no model to serve
PATIENCE = 60  # rounds without gain before training stops
_FLAT = 1e-6  # the least curvature of a row's loss


def standard(job: Job, target: Array) -> tuple[float, float]:
    """(base, scale): a forest's scores times the scale, and the base added, are in the target's unit."""
    if job.task is not Task.REGRESSION:
        return 0.0, 1.0
    return float(target.mean()), float(target.std()) or 1.0


def grow(
    job: Job, schema: Schema, fold: Fold, matrix: Array, valid: Array | None, knobs: Knobs, clock: Clock, seed: int
) -> tuple[Any, int]:
    """A LightGBM booster of the rows' ``matrix``, and how many of its rounds to keep."""
    import lightgbm

    base, scale = standard(job, fold.target)
    told = fold.target if fold.soft is None or job.task is not Task.BINARY else fold.soft[:, 1]
    # LightGBM keeps float32 labels: a centred and scaled target loses nothing to that.
    data = lightgbm.Dataset(matrix, (told - base) / scale, free_raw_data=True)
    watched = []
    if valid is not None and fold.valid_target is not None:
        watched = [lightgbm.Dataset(valid, (fold.valid_target - base) / scale, reference=data)]

    def tell_and_stop_in_time(env: Any) -> None:
        if env.evaluation_result_list:
            loss = env.evaluation_result_list[0][2]
            clock.tell(math.sqrt(loss) if env.evaluation_result_list[0][1] == "l2" else loss)
        if clock.up:
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

    callbacks: list[Any] = [tell_and_stop_in_time]
    if watched:
        callbacks.append(lightgbm.early_stopping(PATIENCE, verbose=False))
    booster = lightgbm.train(
        {**_parameters(knobs, seed, len(matrix)), **_loss(job, schema, fold.soft)},
        data,
        _rounds(schema, knobs),
        valid_sets=watched,
        callbacks=callbacks,
        feval=_log_loss if fold.soft is not None and job.task is Task.MULTICLASS else None,
    )
    return booster, booster.best_iteration if booster.best_iteration > 0 else booster.current_iteration()


def _rounds(schema: Schema, knobs: Knobs) -> int:
    """Rounds: of many classes there are fewer, for every round is a tree of each."""
    outputs = len(schema.classes) if len(schema.classes) > 2 else 1
    return max(1, min(int(knobs["trees"]), MOST_TREES // outputs))


def _loss(job: Job, schema: Schema, soft: Array | None) -> dict[str, Any]:
    if job.task is Task.MULTICLASS:
        return {"objective": "multiclass" if soft is None else _towards(soft), "num_class": len(schema.classes)}
    if job.task is Task.BINARY:
        return {"objective": "binary" if soft is None else "cross_entropy"}
    return {"objective": "regression_l1" if job.score == "mae" else "regression"}


def _towards(soft: Array) -> Callable[[Array, Any], tuple[Array, Array]]:
    """The slope and the curvature, each (rows, classes), of the cross-entropy between softmax and a teacher's answers."""
    classes = soft.shape[1]

    def slope_and_curvature(scores: Array, _data: Any) -> tuple[Array, Array]:
        p = softmax(scores)
        return p - soft, np.maximum(classes / (classes - 1.0) * p * (1.0 - p), _FLAT)

    return slope_and_curvature


def _log_loss(scores: Array, data: Any) -> tuple[str, float, bool]:
    """LightGBM's own would take the scores of an objective that it does not know for probabilities."""
    truth = data.get_label().astype(int)
    p = softmax(scores)[np.arange(len(truth)), truth]
    return "log_loss", float(-np.log(np.maximum(p, 1e-15)).mean()), False


def _parameters(knobs: Knobs, seed: int, rows: int) -> dict[str, Any]:
    return {
        "learning_rate": float(knobs["rate"]),
        "num_leaves": int(knobs["leaves"]),
        "min_data_in_leaf": max(1, min(int(knobs["least"]), rows // 20)),
        "feature_fraction": float(knobs["features"]),
        "bagging_fraction": float(knobs["rows"]),
        "bagging_freq": 1 if float(knobs["rows"]) < 1 else 0,
        "lambda_l2": float(knobs["ridge"]),
        "extra_trees": knobs["cuts"] == "random",
        "use_missing": False,  # a missing cell is a number of its own, so that serving needs no rule for it
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": machine.cores(),
        "verbosity": -1,
    }
