"""Linear answers from sums over rows: ridge regression, and discriminants with a ridge on the spread that classes share.

Rows come block by block and are let go of: what is kept is a square of the features, however many rows there are. Where
there are fewer rows than features the same is reached by way of a square of the rows. How far the spread is shrunk
towards a round one is reckoned by Ledoit and Wolf 2004, times a strength; with classes this is the penalised
discriminant analysis of Hastie, Buja and Tibshirani 1995.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.clock import Clock

Array = NDArray[Any]
_BLOCK = 256  # rows whose features are reckoned one by one and held together
_MOST = 1e6  # of a ridge, over the mean of the spread's eigenvalues
_NEVER = -1e3  # the score of a class without rows


@dataclass(frozen=True)
class Linear:
    """Scores of shape (rows, outputs) are ``features @ weights + offsets``: one a class, or the number itself.

    >>> found = fit([(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1]))], 4, classes=2)
    >>> found.scores(np.array([[2.0], [8.0]])).argmax(axis=1).tolist()
    [0, 1]
    """

    weights: NDArray[np.float32]  # shape (features, outputs)
    offsets: NDArray[np.float64]  # shape (outputs,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_exact", self.weights.astype(np.float64))

    def scores(self, features: Array) -> NDArray[np.float64]:
        return np.asarray(features @ self._exact + self.offsets)  # type: ignore[attr-defined]  # set once, in __post_init__


def fit(blocks: Iterable[tuple[Array, Array]], rows: int, classes: int, strength: float = 1.0) -> Linear:
    """The linear model of blocks of (features, target), ``rows`` in all or fewer; ``classes`` 0 is for a number.

    The first block is to hold rows drawn from all of them: it says where features lie and how wide they are.
    """
    sums = None
    for features, target in blocks:
        if sums is None:
            sums = _begun(features, target, rows, classes)
        sums.add(features, target)
    if sums is None:
        raise ValueError("there are no rows to learn from")
    return sums.solved(strength)


def one_by_one(
    features: Callable[[int], Array], target: Array, order: Array, clock: Clock, room: float = 0.0
) -> Iterator[tuple[Array, Array]]:
    """Blocks for ``fit`` of rows whose features are reckoned one by one, in a drawn order: where no more than ``room``
    seconds are left, of those seen so far, and at least two."""
    for begin in range(0, len(order), _BLOCK):
        rows = order[begin : begin + _BLOCK]
        held = [features(int(row)) for at, row in enumerate(rows) if begin + at < 2 or clock.left > room]
        if held:
            yield np.array(held), target[rows[: len(held)]]


@dataclass
class _Sums:
    """Sums over rows of z = (features − centre) / scale: of each class, and the square of all, or the rows themselves."""

    centre: Array
    scale: Array
    classes: int
    mass: Array  # shape (classes or 1,)
    totals: Array  # shape (classes or 1, features)
    square: Array  # shape (features, features), or (0, 0) where the rows are kept
    told: Array  # of a number: its sum, shape (1,), and with the features, shape (1 + features,)
    fourth: float  # the mean of |z − its class's mean|⁴
    kept: list[tuple[Array, Array]]

    def add(self, features: Array, target: Array) -> None:
        z = ((features - self.centre) / self.scale).astype(np.float32)
        group = target if self.classes else np.zeros(len(z), dtype=np.int64)
        hot = np.zeros((len(self.mass), len(z)), dtype=np.float32)
        hot[group, np.arange(len(z))] = 1.0
        self.mass += hot.sum(axis=1)
        self.totals += hot @ z
        if not self.classes:
            self.told += np.r_[target.sum(), target @ z]
        if len(self.square):
            self.square += z.T @ z
        else:
            self.kept.append((z, group))

    def solved(self, strength: float) -> Linear:
        many = self.mass.sum()
        means = self.totals / np.maximum(self.mass, 1e-12)[:, None]
        asked = means if self.classes else (self.told[1:] / many - means[0] * self.told[0] / many)[None]
        weights, odds = self._solved(means, asked.T, strength)
        weights /= self.scale[:, None]
        if not self.classes:
            level = self.told[0] / many - (means[0] * self.scale + self.centre) @ weights[:, 0]
            return Linear(weights.astype(np.float32), np.array([level]))
        weights *= 1.0 + odds  # of classes the spread is shrunk, with no more of it in all than there was
        middle = self.centre + 0.5 * means * self.scale
        offsets = np.log(np.maximum(self.mass / many, 1e-12)) - np.sum(middle.T * weights, axis=0)
        offsets[self.mass == 0] = _NEVER
        return Linear(weights.astype(np.float32), offsets)

    def _solved(self, means: Array, asked: Array, strength: float) -> tuple[Array, float]:
        """(spread + ridge)⁻¹ asked, and the ridge over the mean of the spread's eigenvalues."""
        many, width = self.mass.sum(), len(self.centre)
        if len(self.square):
            raw = (self.square - (means * self.mass[:, None]).T @ means) / many
            level = float(np.trace(raw)) / width
            odds = self._odds(level, float((raw**2).sum()), many, width, strength)
            raw.flat[:: width + 1] += odds * level + 1e-9
            return np.linalg.solve(raw, asked), odds
        z = np.concatenate([part - means[group] for part, group in self.kept])
        rows = z @ z.T / many
        level = float(np.trace(rows)) / width
        odds = self._odds(level, float((rows**2).sum()), many, width, strength)
        ridge = odds * level + 1e-9
        rows.flat[:: len(rows) + 1] += ridge
        return (asked - z.T @ np.linalg.solve(rows, z @ asked) / many) / ridge, odds

    def _odds(self, level: float, size: float, many: float, width: int, strength: float) -> float:
        """The shrinkage of Ledoit and Wolf as a share over the rest, times the strength."""
        apart = max(size - level**2 * width, 1e-12)
        noise = max(self.fourth - size, 0.0) / many
        return min(strength * noise / max(apart - noise, 1e-12), _MOST)


def _begun(features: Array, target: Array, rows: int, classes: int) -> _Sums:
    group = target if classes else np.zeros(len(target), dtype=np.int64)
    many = np.bincount(group, minlength=max(1, classes))
    own = features.astype(np.float64)
    means = np.zeros((len(many), own.shape[1]))
    np.add.at(means, group, own)
    means /= np.maximum(many, 1)[:, None]
    own -= means[group]
    scale = np.sqrt((own**2).mean(axis=0)) + 1e-6
    fourth = float((((own / scale) ** 2).sum(axis=1) ** 2).mean())
    width = own.shape[1] if rows > own.shape[1] else 0
    sums = np.zeros(len(many)), np.zeros((len(many), own.shape[1])), np.zeros((width, width))
    return _Sums(features.mean(axis=0), scale, classes, *sums, np.zeros(1 + own.shape[1]), fourth, [])


def checked(weights: Array, offsets: Array) -> Linear:
    """A linear model of arrays that came from outside. Raises ValueError where they cannot be one."""
    if weights.ndim != 2 or offsets.shape != weights.shape[1:]:
        raise ValueError(f"weights of shape {weights.shape} with offsets of shape {offsets.shape}")
    if not (np.isfinite(weights).all() and np.isfinite(offsets).all()):
        raise ValueError("weights that are not finite")
    return Linear(weights.astype(np.float32), offsets.astype(np.float64))
