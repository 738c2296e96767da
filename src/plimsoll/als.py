"""iALS: factors of people and of items by alternating least squares over all cells, taken or not (Hu, Koren and Volinsky 2008).

The loss is weight · Σ taken w (1 − x·y)² + Σ all (x·y)² + ridge · Σ (weight · w + others) |x|², the last with the scaling by how often
one is seen that makes tuning easy (Rendle, Krichene, Zhang and Koren 2022). A side is improved by a few steps of conjugate
gradients from where it was (Takács, Pilászy and Tikk 2011), for many rows of about one length together: their factors are
gathered once and stay in the cache for all steps. A served model keeps the items' factors alone; a history is solved exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.clock import Clock
from plimsoll.fading import Fading
from plimsoll.rows import Histories
from plimsoll.scorer import Explaining, floats, matrix, scalar, taken

Array = NDArray[Any]
_CELLS = 2**20  # factors that are gathered together: few enough for a cache, and enough to make little of each call
_STEPS = 3  # of conjugate gradients, in each round
_TINY = np.float32(1e-20)


@dataclass(frozen=True)
class Factors(Explaining):
    """Factors of items, shape (many, factors). A history's own are those that lose least over its events, and over all items.

    >>> model = Factors(np.eye(2, dtype=np.float32), ridge=0.0, weight=3.0, alpha=1.0)
    >>> model.score_one(np.array([1])).tolist(), model.because(np.array([1, 0]), 0).tolist()
    ([0.0, 0.75], [0.0, 0.75])
    """

    items: NDArray[np.float32]
    ridge: float
    weight: float
    alpha: float  # how a history fades, an event

    def __post_init__(self) -> None:
        object.__setattr__(self, "_fading", Fading(self.alpha))
        object.__setattr__(self, "_square", self.items.T @ self.items)

    @property
    def many(self) -> int:
        return len(self.items)

    def score_one(self, items: Array, weights: Array | None = None) -> NDArray[np.float32]:
        _, near, spoken, system = self._system(items, weights)
        return np.asarray(self.items @ np.linalg.solve(system, spoken @ near))

    def because(self, items: Array, item: int, weights: Array | None = None) -> NDArray[np.float32]:
        older, near, spoken, system = self._system(items, weights)
        said = (near @ np.linalg.solve(system, self.items[item])) * spoken
        return np.concatenate([np.zeros(older, dtype=np.float32), said])

    def _system(self, items: Array, weights: Array | None) -> tuple[int, Array, Array, Array]:
        """How many events are too old, the factors of the others and what they weigh, and the square that is solved with."""
        events, spoken = self._fading.of(items, weights)  # type: ignore[attr-defined]  # set once, in __post_init__
        near, spoken = self.items[events], spoken * np.float32(self.weight)
        system = self._square + (near.T * spoken) @ near  # type: ignore[attr-defined]
        system.flat[:: len(system) + 1] += self.ridge * (spoken.sum() + self.many) + _TINY
        return len(items) - len(events), near, spoken, system

    def arrays(self) -> dict[str, Array]:
        plain = {"ridge": self.ridge, "weight": self.weight, "alpha": self.alpha}
        return {"items": self.items} | {name: np.array(value) for name, value in plain.items()}


def fit(
    histories: Histories,
    factors: int = 64,
    ridge: float = 0.003,
    weight: float = 10.0,
    rounds: int = 15,
    alpha: float = 0.8,
    seed: int = 0,
    clock: Clock | None = None,
) -> Factors:
    """Factors after so many rounds, or as many as there is time for.

    ``weight`` is what an event of weight one weighs beside a cell that was not taken; ``alpha`` is how a history fades
    when it is asked.
    """
    by_person = matrix(histories)
    by_item = by_person.tocsc().T.tocsr()
    drawn = np.random.default_rng(seed).standard_normal((histories.many, factors), dtype=np.float32)
    items, people = drawn * np.float32(0.1 / factors**0.5), np.zeros((len(histories), factors), dtype=np.float32)
    for _ in (clock or Clock(math.inf)).steps(rounds):
        _improve(people, items, by_person, ridge, weight)
        _improve(items, people, by_item, ridge, weight)
    return Factors(items, ridge, weight, alpha)


def _improve(own: Array, others: Array, seen: Any, ridge: float, weight: float) -> None:
    """Puts better factors in place of ``own``, the rows of ``seen``, given those of its columns."""
    square, lengths = others.T @ others, np.diff(seen.indptr)
    order = np.argsort(-lengths, kind="stable")
    own[lengths == 0] = 0.0
    at, last = 0, int((lengths > 0).sum())
    room = np.empty(max(_CELLS, int(lengths.max(initial=0)) * own.shape[1]), dtype=np.float32)
    while at < last:
        longest = int(lengths[order[at]])
        rows = order[at : min(at + max(1, _CELLS // (longest * own.shape[1])), last)]
        at += len(rows)
        columns, spoken = _gathered(seen, rows, lengths[rows], longest, weight)
        pull = np.float32(ridge) * (spoken.sum(axis=1, keepdims=True) + len(others))
        near = room[: columns.size * own.shape[1]].reshape(*columns.shape, own.shape[1])
        np.take(others, columns, axis=0, out=near, mode="clip")  # all are there: checking them is what takes the time
        own[rows] = _descended(own[rows], near, spoken, square, pull)


def _gathered(seen: Any, rows: Array, lengths: Array, longest: int, weight: float) -> tuple[Array, Array]:
    """Columns and weights of these rows side by side, shape (rows, longest); behind the end of a row they weigh nothing."""
    within = np.arange(longest)
    there = within < lengths[:, None]
    places = np.where(there, seen.indptr[rows][:, None] + within, 0)
    return seen.indices[places], np.where(there, seen.data[places] * np.float32(weight), np.float32(0.0))


def _descended(x: Array, near: Array, spoken: Array, square: Array, pull: Array) -> Array:
    """Steps of conjugate gradients from ``x``, shape (rows, factors), for each row by itself.

    A row's system is (square + Σ spoken near nearᵀ + pull) x = Σ spoken near, over its ``near``, shape (rows, longest, factors).
    """

    def leaning(v: Array) -> Array:
        return np.asarray(np.matmul(near, v[:, :, None])[:, :, 0])

    def taken_up(said: Array) -> Array:
        return np.asarray(np.matmul((said * spoken)[:, None, :], near)[:, 0])

    rest = taken_up(1.0 - leaning(x)) - x @ square - pull * x
    along, size = rest.copy(), _size(rest)
    for _ in range(_STEPS):
        moved = along @ square + pull * along + taken_up(leaning(along))
        far = size / np.maximum(np.einsum("ij,ij->i", along, moved), _TINY)
        x = x + far[:, None] * along
        rest -= far[:, None] * moved
        before, size = size, _size(rest)
        along = rest + (size / np.maximum(before, _TINY))[:, None] * along
    return x


def _size(rows: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", rows, rows))


def memory(many: int, users: int, events: int, factors: int = 64) -> float:
    """Bytes that a fit holds at most, beside the histories: the events by person and by item, factors, and those of one row."""
    gathered = max(_CELLS, min(events, max(many, users)) * factors)
    return 36.0 * events + 24.0 * (users + many) + 4.0 * factors * (users + 2 * many) + 16.0 * gathered


def of(arrays: Mapping[str, Array]) -> Factors:
    """The model that ``arrays`` wrote. Raises ValueError where they cannot be one."""
    items, ridge, weight, alpha = taken(arrays, "items ridge weight alpha")
    plain = scalar(ridge, "ridge"), scalar(weight, "weight")
    if min(plain) < 0.0 or not floats(items, "items", -1, -1).size:
        raise ValueError(f"a ridge of {plain[0]:g}, a weight of {plain[1]:g} and factors of shape {items.shape}")
    return Factors(items, *plain, scalar(alpha, "alpha"))
