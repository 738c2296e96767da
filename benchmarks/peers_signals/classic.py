"""Classic features and linear discriminants: as LibEMG computes them where it is installed, else by the published formulas.

    python benchmarks/peers_signals/classic.py ASKED.npz FOUND.npz

ASKED holds windows of shape (windows, frames, channels), class numbers and the group of each: ``learn``, ``learn_target``,
``learn_group``, and the same of ``test``. A model is fitted for each group that the test windows are of. FOUND holds
``predicted``, ``took`` (seconds to fit) and ``each`` (seconds of windows asked one at a time); ``how`` says by what.

The features are those of Hudgins, Parker and Scott 1993: mean absolute value, zero crossings, slope sign changes and
waveform length of each channel.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

ASKED_ONE_BY_ONE = 1_000


def by_libemg() -> tuple[str, Callable[[np.ndarray], Any], Callable[[Any, np.ndarray], Any], Callable[[Any, Any], Any]]:
    with contextlib.redirect_stdout(io.StringIO()):  # it greets on import
        from importlib.metadata import version

        from libemg.emg_predictor import EMGClassifier
        from libemg.feature_extractor import FeatureExtractor
    extractor = FeatureExtractor()

    def features(windows: np.ndarray) -> Any:
        return extractor.extract_feature_group("HTD", np.ascontiguousarray(windows.transpose(0, 2, 1), dtype=float))

    def fit(found: Any, target: np.ndarray) -> Any:
        model = EMGClassifier("LDA")
        model.fit({"training_features": found, "training_labels": target})
        return model

    return f"LibEMG {version('libemg')}", features, fit, lambda model, found: model.run(found)[0]


def by_formula() -> tuple[
    str, Callable[[np.ndarray], Any], Callable[[Any, np.ndarray], Any], Callable[[Any, Any], Any]
]:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    def features(windows: np.ndarray) -> np.ndarray:
        x = windows.astype(float)
        step = np.diff(x, axis=1)
        crossings = (np.abs(np.diff(np.sign(x), axis=1)) == 2).sum(axis=1)
        turns = (step[:, :-1] * step[:, 1:] <= 0).sum(axis=1)
        return np.concatenate([np.abs(x).mean(axis=1), crossings, turns, np.abs(step).sum(axis=1)], axis=1)

    def fit(found: np.ndarray, target: np.ndarray) -> Any:
        return LinearDiscriminantAnalysis().fit(found, target)

    how = "the published formulas and scikit-learn, for LibEMG is not installed"
    return how, features, fit, lambda model, found: model.predict(found)


def main(asked: str, found: str) -> None:
    given = dict(np.load(asked))
    try:
        how, features, fit, predict = by_libemg()
    except ImportError:
        how, features, fit, predict = by_formula()
    predicted, took, each = np.full(len(given["test"]), -1), 0.0, []
    for group in np.unique(given["test_group"]):
        learn, test = given["learn_group"] == group, given["test_group"] == group
        begun = time.perf_counter()
        model = fit(features(given["learn"][learn]), given["learn_target"][learn])
        took += time.perf_counter() - begun
        predicted[test] = predict(model, features(given["test"][test]))
    for window in given["test"][test][:ASKED_ONE_BY_ONE]:
        begun = time.perf_counter()
        predict(model, features(window[None]))
        each.append(time.perf_counter() - begun)
    np.savez(found, predicted=predicted, took=took, each=each, how=how)


if __name__ == "__main__":
    main(*sys.argv[1:])
