"""A person's own rows and those of everybody, as one set of discriminants: what is exact of it is kept as sums.

Each class has a mean and a spread of its own, and both are pulled: the mean towards that of everybody, the spread towards
the one that all classes share and that towards everybody's (Friedman 1989, regularised discriminants). Everybody counts as
much as a second or a few of the person's own data do, so that their own rule as soon as there are a few seconds of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.discriminant import Discriminant

Array = NDArray[Any]
# Chosen by leaving one of nine people out at 1, 3 and 10 s a gesture, their bands as they were turned in the first session;
# scores of the three others stood beside while they were chosen. Three times the pull of the means costs 0.08 at 3 s a gesture.
MEANS, SPREAD = 1.0, 3.0  # seconds of a person's own data that everybody's count for
_SHARED = 0.8  # of the spread of each class, how much is that of all of them
_ROUND = 0.2  # of each spread, how much is that of independent features


@dataclass(frozen=True)
class Sums:
    """What discriminants need to know of rows, and no row of them: sums of two sets of rows are those of both together.

    ``counts`` of each class, shape (classes,); ``sums`` of the features, (classes, features); ``scatter``, (features,
    features), is that within each class of each stream, so that how people differ is not taken for how features vary.

    >>> one = Sums.of(np.array([[1.0], [3.0]]), np.array([0, 0]), 2)
    >>> one.joined(one).counts.tolist(), one.joined(one).scatter.tolist()
    ([4.0, 0.0], [[4.0]])
    """

    counts: Array
    sums: Array
    scatter: Array

    @staticmethod
    def of(features: Array, target: Array, classes: int, streams: Array | None = None) -> Sums:
        """``streams`` numbers the stream of each row, shape (rows,)."""
        counts = np.bincount(target, minlength=classes).astype(np.float64)
        groups = target if streams is None else np.unique(streams, return_inverse=True)[1] * classes + target
        centred = features - _totals(features, groups)[groups] / np.maximum(np.bincount(groups), 1)[groups, None]
        return Sums(counts, _totals(features, target, classes), centred.T @ centred)

    def joined(self, other: Sums) -> Sums:
        """Of the rows of both, where no stream has rows in each."""
        return Sums(self.counts + other.counts, self.sums + other.sums, self.scatter + other.scatter)

    @property
    def means(self) -> Array:
        return np.asarray(self.sums / np.maximum(self.counts, 1.0)[:, None])

    @property
    def spread(self) -> Array:
        return np.asarray(self.scatter / max(float(self.counts.sum()), 1.0))

    def arrays(self) -> dict[str, Array]:
        """To be saved, in 32 bits."""
        return {f"pooled_{name}": np.asarray(getattr(self, name), dtype=np.float32) for name in _KEPT}

    @staticmethod
    def held(arrays: Mapping[str, Array]) -> Sums | None:
        """Those among a model's arrays; None where it has none. Raises ValueError where they cannot be sums."""
        if f"pooled_{_KEPT[0]}" not in arrays:
            return None
        found = Sums(*(np.asarray(arrays[f"pooled_{name}"], dtype=np.float64) for name in _KEPT))
        width = found.scatter.shape[0]
        if found.scatter.shape != (width, width) or found.sums.shape != (*found.counts.shape, width):
            raise ValueError(f"sums of shapes {found.sums.shape} and {found.scatter.shape}")
        return found


_KEPT = ("counts", "sums", "scatter")


def _totals(features: Array, groups: Array, many: int = 0) -> Array:
    return np.stack([np.bincount(groups, weights=column, minlength=many) for column in features.T], axis=1)


@dataclass(frozen=True)
class Quadratic:
    """Scores of shape (rows, classes) are ``offsets - |features @ weights - centre|² / 2``, class by class.

    >>> one = Quadratic(np.array([[1.0, 0.5]]), np.array([0.0, 4.0]), np.zeros(2))
    >>> one.scores(np.array([[0.0], [8.0]])).argmax(axis=1).tolist()
    [0, 1]
    """

    weights: NDArray[np.float64]  # shape (features, classes · features): of each class what makes its spread round
    centre: NDArray[np.float64]  # shape (classes · features,)
    offsets: NDArray[np.float64]  # shape (classes,)

    def scores(self, features: Array) -> Array:
        apart = (features @ self.weights - self.centre).reshape(*features.shape[:-1], len(self.offsets), -1)
        return np.asarray(self.offsets - 0.5 * (apart**2).sum(axis=-1))


Head = Discriminant | Quadratic


def head(arrays: Mapping[str, Array]) -> Head:
    """The discriminants among a model's arrays. Raises KeyError and ValueError where they are none."""
    weights, offsets = arrays["weights"], arrays["offsets"]
    if "centre" not in arrays:
        return Discriminant(weights, offsets)
    width, many = weights.shape
    if many != width * len(offsets) or arrays["centre"].shape != (many,):
        raise ValueError(f"weights of shape {weights.shape} for {len(offsets)} classes")
    return Quadratic(weights, arrays["centre"], offsets)


def blend(features: Array, target: Array, classes: int, stride: float, pooled: Sums | None) -> Quadratic:
    """Discriminants of a person: their own rows, shape (rows, features), each worth ``stride`` seconds, and everybody's sums.

    A class that has no rows of theirs is everybody's alone; where nothing is known of everybody, all is the person's.
    """
    own = Sums.of(features, target, classes)
    known = own if pooled is None else pooled
    whole = own.counts.sum() * stride / max(1, int((own.counts > 0).sum()))
    pulled, apart = _pull(own.counts * stride, MEANS)[:, None], float(_pull(whole, SPREAD))
    means = (1.0 - pulled) * own.means + pulled * known.means
    shared = (1.0 - apart) * own.spread + apart * known.spread
    scale = np.sqrt(np.diag(shared)) + 1e-9
    shares = (1.0 - apart) * _shares(own) + apart * _shares(known)
    alone = (1.0 - _SHARED) * (1.0 - apart)
    weights, offsets = [], []
    for k in range(classes):
        rows = (features[target == k] - own.means[k]) / scale
        single = rows.T @ rows / len(rows) if len(rows) else shared / np.outer(scale, scale)
        found = alone * single + (1.0 - alone) * shared / np.outer(scale, scale)
        root = np.linalg.cholesky((1.0 - _ROUND) * found + (_ROUND + 1e-9) * np.eye(len(scale)))
        whiten = np.linalg.inv(root).T
        weights.append(whiten / scale[:, None])
        offsets.append(float(np.log(np.diag(whiten)).sum() + np.log(max(shares[k], 1e-12))))
    centre = np.concatenate([mean @ each for mean, each in zip(means, weights, strict=True)])
    # What is saved of an array is its memory, which must lie in order.
    return Quadratic(np.ascontiguousarray(np.concatenate(weights, axis=1)), centre, np.array(offsets))


def _pull(seconds: Array, worth: float) -> Array:
    """How much everybody's count beside so many seconds of one's own.

    >>> _pull(np.array([0.0, 1.0, 9.0]), 1.0).tolist()
    [1.0, 0.5, 0.1]
    """
    return np.asarray(worth / (worth + seconds))


def _shares(sums: Sums) -> Array:
    return np.asarray(sums.counts / max(float(sums.counts.sum()), 1.0))
