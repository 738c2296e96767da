"""Linear discriminants: classes with means of their own and one spread, which is shrunk towards a round one.

Fisher 1936; the shrinkage is the one of Ledoit and Wolf 2004. What comes out is one matrix and one offset a class.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Discriminant:
    """Scores of shape (rows, classes) are ``features @ weights + offsets``; softmax makes probabilities of them.

    >>> found = fit(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1]), 2)
    >>> found.scores(np.array([[2.0], [8.0]])).argmax(axis=1).tolist()
    [0, 1]
    """

    weights: NDArray[np.float64]  # shape (features, classes)
    offsets: NDArray[np.float64]  # shape (classes,)

    def scores(self, features: Array) -> Array:
        return np.asarray(features @ self.weights + self.offsets)


def fit(features: Array, target: Array, classes: int, share: Array | None = None) -> Discriminant:
    """The discriminants of rows with their class numbers; ``share`` weighs the rows, shape (rows,).

    A class without rows is never answered.
    """
    weight = np.ones(len(target)) if share is None else share
    mass = np.bincount(target, weights=weight, minlength=classes)
    sums = np.stack([np.bincount(target, weights=weight * column, minlength=classes) for column in features.T], axis=1)
    means = sums / np.maximum(mass, 1e-12)[:, None]
    scale = np.sqrt(np.average((features - means[target]) ** 2, axis=0, weights=weight)) + 1e-9
    spread = _shrunk((features - means[target]) / scale, weight)
    weights = np.linalg.solve(spread, (means / scale).T)
    offsets = -0.5 * np.sum((means / scale) * weights.T, axis=1)
    offsets += np.log(np.maximum(mass / mass.sum(), 1e-12))
    offsets[mass == 0] = -1e3
    return Discriminant(weights / scale[:, None], offsets)


@dataclass(frozen=True)
class Clouds:
    """Classes as clouds around means of their own, all spread alike.

    >>> one = clouds(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1]), 2)
    >>> one.means.tolist(), one.shares.tolist()
    ([[0.5], [9.5]], [0.5, 0.5])
    """

    means: NDArray[np.float64]  # shape (classes, features)
    spread: NDArray[np.float64]  # shape (features, features)
    shares: NDArray[np.float64]  # of the rows, shape (classes,)

    def mixed(self, other: Clouds, share: float) -> Clouds:
        """So much of these, and the rest of others; a class that has no rows here is as it is there."""
        mine = np.where(self.shares > 0, share, 0.0)[:, None]
        means = mine * self.means + (1.0 - mine) * other.means
        spread = share * self.spread + (1.0 - share) * other.spread
        return Clouds(means, spread, share * self.shares + (1.0 - share) * other.shares)

    def whitened(self) -> Round:
        """The same in coordinates in which the clouds are round and of size one."""
        root = np.linalg.inv(np.linalg.cholesky(self.spread)).T
        return Round(root, self.means @ root, np.log(np.maximum(self.shares, 1e-12)))


@dataclass(frozen=True)
class Round:
    """``features @ root`` lie in round clouds of size one around ``means``; ``prior`` is the logarithm of the shares."""

    root: NDArray[np.float64]  # shape (features, features)
    means: NDArray[np.float64]  # shape (classes, features)
    prior: NDArray[np.float64]  # shape (classes,)

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """How common each class is, shape (classes,)."""
        return np.exp(self.prior)

    def clouds(self) -> Clouds:
        """The same in the coordinates of the features."""
        back = np.linalg.inv(self.root)
        return Clouds(self.means @ back, back.T @ back, self.shares)

    def likely(self, features: Array, target: Array) -> float:
        """The mean log-likelihood of features beside their classes, but for a constant."""
        apart = features @ self.root - self.means[target]
        return -0.5 * float(np.einsum("nd,nd->", apart, apart)) / max(1, len(target))


def clouds(features: Array, target: Array, classes: int) -> Clouds:
    """The clouds of rows with their class numbers. A class without rows has the mean of all of them."""
    mass = np.bincount(target, minlength=classes).astype(np.float64)
    sums = np.stack([np.bincount(target, weights=column, minlength=classes) for column in features.T], axis=1)
    means = np.where(mass[:, None] > 0, sums / np.maximum(mass, 1.0)[:, None], features.mean(axis=0))
    apart = features - means[target]
    scale = np.sqrt((apart**2).mean(axis=0)) + 1e-6
    spread = _shrunk(apart / scale, np.ones(len(target))) * scale[:, None] * scale
    return Clouds(means, spread, mass / mass.sum())


def _shrunk(x: Array, weight: Array) -> Array:
    """The covariance of centred rows, shrunk towards a multiple of the identity as far as its own noise asks for."""
    total, width = weight.sum(), x.shape[1]
    raw = (x * weight[:, None]).T @ x / total
    level = np.trace(raw) / width
    apart = ((raw - level * np.eye(width)) ** 2).sum()
    noise = (((x**2).sum(axis=1) ** 2) @ weight / total - (raw**2).sum()) * (weight**2).sum() / total**2
    share = min(1.0, max(0.0, noise / max(apart, 1e-12)))
    return np.asarray((1.0 - share) * raw + (share * level + 1e-9) * np.eye(width))
