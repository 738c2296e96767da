"""EASE: the linear model of items from items, solved at once (Steck 2019), with histories that fade.

P = (XᵀX + ridge)⁻¹ and B[i, j] = −P[i, j] / P[j, j], with nothing on the diagonal: what best foretells whether an item was taken
from all others that were. Where there are fewer people than items the same P comes by way of a square of the people,
and the square of the items is never held: each row is reckoned, its strongest entries are kept, and it is let go of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.fading import Fading
from plimsoll.links import Links, joined, strongest
from plimsoll.rows import Histories
from plimsoll.scorer import Explaining, floats, matrix, scalar, taken

Array = NDArray[Any]
_CELLS = 2**22  # cells of a few rows of items that are worked on together
_EXACT = 2e4  # the largest over the least eigenvalue, up to which float32 solves to about a thousandth


@dataclass(frozen=True)
class Ease(Explaining):
    """All weights of items on items: shape (many, many), a row for what a taken item says of each other.

    >>> weights = np.array([[0.0, 0.5], [0.25, 0.0]], dtype=np.float32)
    >>> Ease(weights, 0.5).score_one(np.array([1, 0])).tolist()
    [0.125, 0.5]
    """

    weights: NDArray[np.float32]
    alpha: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "_fading", Fading(self.alpha))

    @property
    def many(self) -> int:
        return len(self.weights)

    def score_one(self, items: Array, weights: Array | None = None) -> NDArray[np.float32]:
        events, spoken = self._fading.of(items, weights)  # type: ignore[attr-defined]  # set once, in __post_init__
        return np.asarray(spoken @ self.weights[events])

    def because(self, items: Array, item: int, weights: Array | None = None) -> NDArray[np.float32]:
        events, spoken = self._fading.of(items, weights)  # type: ignore[attr-defined]
        found = np.zeros(len(items), dtype=np.float32)
        found[len(items) - len(events) :] = spoken * self.weights[events, item]
        return found

    def arrays(self) -> dict[str, Array]:
        return {"weights": self.weights, "alpha": np.array(self.alpha)}


def fit(histories: Histories, ridge: float = 100.0, alpha: float = 0.8, keep: int = 0) -> Ease | Links:
    """The weights, or links of the ``keep`` strongest that each item has on others, where it is not 0.

    ``alpha`` is how a history fades when it is asked; what is learned from does not fade, and counts an item once.
    Raises ValueError where ``ridge`` is too small for what is learned from.
    """
    seen = matrix(histories)
    seen.data[:] = 1.0
    exact = _kind(seen.nnz, ridge)
    if seen.shape[0] >= seen.shape[1]:
        whole = _by_items(seen, ridge, exact)
        return joined((_strongest(row, keep) for row in whole), alpha) if keep else Ease(whole, alpha)
    blocks = _by_people(seen, ridge, exact)
    if keep:
        return joined((_strongest(row, keep) for block in blocks for row in block), alpha)
    weights, at = np.empty((seen.shape[1],) * 2, dtype=np.float32), 0
    for block in blocks:
        weights[at : at + len(block)] = block
        at += len(block)
    return Ease(weights, alpha)


def _kind(taken_once: int, ridge: float) -> type[np.floating[Any]]:
    """float32 where that solves well: no eigenvalue of XᵀX is larger than the sum of all, which is how many cells are taken."""
    return np.float32 if taken_once <= _EXACT * ridge else np.float64


def _by_items(seen: Any, ridge: float, kind: type[np.floating[Any]]) -> NDArray[np.float32]:
    """All weights, by way of the square of the items."""
    many, back = seen.shape[1], seen.T.tocsr()
    square, step = np.empty((many, many), dtype=kind), max(1, _CELLS // many)
    for first in range(0, many, step):
        square[first : first + step] = (back[first : first + step] @ seen).toarray()
    _inverted(square, ridge)
    below = square.diagonal().copy()
    weights = square if kind is np.float32 else np.empty((many, many), dtype=np.float32)
    for first in range(0, many, step):
        weights[first : first + step] = square[first : first + step] / -below
    weights.flat[:: many + 1] = 0.0
    return weights


def _by_people(seen: Any, ridge: float, kind: type[np.floating[Any]]) -> Iterator[NDArray[np.float32]]:
    """Blocks of rows of the weights, by way of the square of the people.

    P = (1 − Q) / ridge with Q = Xᵀ(XXᵀ + ridge)⁻¹X, so that B[i, j] = Q[i, j] / (1 − Q[j, j]).
    """
    square = (seen @ seen.T).toarray().astype(kind)
    _inverted(square, ridge)
    by_item = seen.T.tocsr().astype(kind)
    half = np.ascontiguousarray((by_item @ square).T)  # (XXᵀ + ridge)⁻¹X, shape (people, items)
    below = 1.0 - np.asarray(seen.multiply(half).sum(axis=0)).ravel()
    many, step = seen.shape[1], max(1, _CELLS // seen.shape[1])
    for first in range(0, many, step):
        block = (by_item @ np.ascontiguousarray(half[:, first : first + step])).T / below
        block[np.arange(len(block)), first + np.arange(len(block))] = 0.0
        yield block.astype(np.float32)


def _inverted(square: Array, ridge: float) -> None:
    """Puts the inverse of a symmetric square, with ``ridge`` on its diagonal, in its place, by Cholesky's factors."""
    from scipy.linalg import lapack

    square.flat[:: len(square) + 1] += ridge
    factor, invert = (lapack.spotrf, lapack.spotri) if square.dtype == np.float32 else (lapack.dpotrf, lapack.dpotri)
    # Its transpose is laid out as LAPACK wants it, so nothing is copied; the lower triangle there is the upper one here.
    _, failed = factor(square.T, lower=1, clean=0, overwrite_a=1)
    if not failed:
        _, failed = invert(square.T, lower=1, overwrite_c=1)
    if failed:
        raise ValueError(f"a ridge of {ridge:g} is too small to solve with")
    step = max(1, _CELLS // len(square))
    for first in range(0, len(square), step):
        last = first + step
        corner = np.triu(square[first:last, first:last], 1)
        square[first:last, first:last] = corner + corner.T + np.diag(square[first:last, first:last].diagonal())
        square[last:, first:last] = square[first:last, last:].T


def _strongest(row: Array, keep: int) -> tuple[Array, Array]:
    indices = np.flatnonzero(row)
    return strongest(indices.astype(np.int32), row[indices], keep)


def memory(many: int, users: int, events: int, ridge: float = 100.0, keep: int = 0) -> float:
    """Bytes that a fit holds at most, beside the histories: the smaller square, what comes of it, and the weights kept."""
    cell = 4.0 if _kind(events, ridge) is np.float32 else 8.0
    kept = 20.0 * keep * many if keep else 4.0 * many**2
    block = 48.0 * max(_CELLS, many) + 24.0 * events
    if users < many:
        return block + (cell + 4.0) * users**2 + 2.0 * cell * users * many + kept
    return block + cell * many**2 + (kept if keep or cell == 8.0 else 0.0)


def of(arrays: Mapping[str, Array]) -> Ease:
    """The model that ``arrays`` wrote. Raises ValueError where they cannot be one."""
    weights, alpha = taken(arrays, "weights alpha")
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or not len(weights):
        raise ValueError(f"weights of items on items of shape {weights.shape}")
    return Ease(floats(weights, "weights", -1, -1), scalar(alpha, "alpha"))
