"""LambdaMART: trees that put what is found for a query into order (Burges 2010), as LightGBM has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import machine
from plimsoll.clock import Clock

Array = NDArray[Any]
_PARAMETERS: dict[str, Any] = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": 15,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "use_missing": False,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Plan:
    """How many trees, with so many leaves each, and how much each of them counts."""

    trees: int = 100
    leaves: int = 8
    rate: float = 0.1


def grow(matrix: Array, grades: Array, sizes: Array, plan: Plan, seed: int, clock: Clock | None = None) -> list[Any]:
    """LightGBM's trees (``dump_model()["tree_info"]``) of the rows of a matrix, float32, that belong to one query after another, so many each (``sizes``).

    ``grades``, shape (rows,), none below zero, are gains themselves, as in ``relevance.ndcg``. Trees end where the time does.
    """
    import lightgbm

    def stop_in_time(env: Any) -> None:
        if clock is not None and clock.up:
            raise lightgbm.callback.EarlyStopException(env.iteration, [])

    gains, labels = np.unique(np.r_[0.0, grades], return_inverse=True)
    booster = lightgbm.train(
        {
            **_PARAMETERS,
            "label_gain": gains.tolist(),
            "num_leaves": plan.leaves,
            "learning_rate": plan.rate,
            "seed": seed,
            "num_threads": machine.cores(),
        },
        lightgbm.Dataset(matrix, labels[1:], group=sizes, free_raw_data=True),
        plan.trees,
        callbacks=[stop_in_time],
    )
    told: list[Any] = booster.dump_model()["tree_info"]
    return told
