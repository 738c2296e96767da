"""MiniRocket on the same windows, by aeon or by Plimsoll, in a process of its own: what the first fit costs, and the second.

    python benchmarks/peers_signals/rocket.py aeon|plimsoll WINDOWS.npy FOUND.npz FEATURES

WINDOWS has shape (windows, frames, channels). FOUND holds the seconds of ``importing`` it, of the ``first`` fit with the
features of all windows, and of the ``warm`` one after it; with aeon also the ``features`` of the windows and the kernels
that it drew: ``mixes``, ``dilations``, ``per`` and ``biases``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Fitted = tuple[dict[str, np.ndarray], np.ndarray]


def by_aeon(windows: np.ndarray, features: int) -> Callable[[], Fitted]:
    from aeon.transformations.collection.convolution_based import MiniRocket

    laid = np.ascontiguousarray(windows.transpose(0, 2, 1).astype(np.float32))

    def fit() -> Fitted:
        made = MiniRocket(features, random_state=0, n_jobs=1).fit(laid)
        found = np.asarray(made.transform(laid))
        many, indices, dilations, per, biases = made.parameters
        mixes = np.zeros((len(many), laid.shape[1]), dtype=bool)
        mixes[np.repeat(np.arange(len(many)), many), indices] = True
        drawn = {"mixes": mixes.reshape(len(dilations), -1, laid.shape[1]), "dilations": dilations, "per": per}
        return {**drawn, "biases": biases}, found

    return fit


def by_plimsoll(windows: np.ndarray, features: int) -> Callable[[], Fitted]:
    from plimsoll import minirocket

    def fit() -> Fitted:
        rows, frames, channels = windows.shape
        grid = minirocket.grid_of(windows.reshape(-1, channels))
        made = minirocket.draw(windows.__getitem__, rows, frames, features, grid, seed=0)
        return {}, made.features(windows)

    return fit


def timed(make: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    made = make()
    return time.perf_counter() - begun, made


def main(who: str, source: str, found: str, features: str) -> None:
    windows, by = np.load(source), {"aeon": by_aeon, "plimsoll": by_plimsoll}[who]
    importing, fit = timed(lambda: by(windows, int(features)))
    first, (drawn, told) = timed(fit)
    warm, _ = timed(fit)
    beside = {**drawn, "features": told} if drawn else {}
    np.savez(found, importing=importing, first=first, warm=warm, **beside)


if __name__ == "__main__":
    main(*sys.argv[1:])
