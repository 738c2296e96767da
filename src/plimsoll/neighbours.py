"""Nearest items: those that the same people took. Two measures of nearness over one sparse product.

``cosine`` is C / (|i| |j| + shrink), C being how many took both (Sarwar and others 2001, with the shrinking of Koren 2008).
``walk`` is RP3beta (Paudel and others 2017): the chance to come from an item to another by way of a person who took both,
each step raised to a power, over the other's popularity to the power ``beta``. Among linear models it is near SLIM in what
tuned comparisons find (Ferrari Dacrema, Cremonesi and Jannach 2019), and a fit is one product where SLIM solves for each item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.links import Links, joined, strongest
from plimsoll.rows import Histories
from plimsoll.scorer import matrix

Array = NDArray[Any]
_WORK = 2.0**24  # pairs that are multiplied and held together


def cosine(histories: Histories, shrink: float = 20.0, keep: int = 100, alpha: float = 0.8) -> Links:
    """Links from each item's ``keep`` nearest to it; ``alpha`` is how a history fades when it is asked.

    >>> seen = np.array([0, 1, 0, 1, 2, 3], dtype=np.int32)
    >>> told = Histories(seen, np.arange(6), np.ones(6, np.float32), np.array([0, 2, 4]), np.array([2, 4, 6]), 4)
    >>> cosine(told, shrink=0.0).score_one(np.array([0])).round(3).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    seen = matrix(histories).tocsc()
    length = np.sqrt(np.asarray(seen.multiply(seen).sum(axis=0)).ravel())

    def nearness(shared: Array, item: int, others: Array) -> Array:
        return np.asarray(shared / (length[item] * length[others] + shrink))

    return _towards(_nearest(seen.T.tocsr(), seen.tocsr(), nearness, keep), alpha)


def walk(histories: Histories, power: float = 0.8, beta: float = 0.5, keep: int = 100, alpha: float = 0.8) -> Links:
    """The same with the walk from item to item."""
    seen = matrix(histories)
    by_person, by_item = np.asarray(seen.sum(axis=1)).ravel(), np.asarray(seen.sum(axis=0)).ravel()
    ahead, back = seen.copy(), seen.tocsc().T.tocsr()
    ahead.data = (ahead.data / np.repeat(by_person, np.diff(ahead.indptr))) ** power  # person to item
    back.data = (back.data / np.repeat(by_item, np.diff(back.indptr))) ** power  # item to person
    below = np.maximum(by_item, 1e-12) ** beta

    def nearness(shared: Array, item: int, _others: Array) -> Array:
        return np.asarray(shared / below[item])

    return _towards(_nearest(ahead.T.tocsr(), back.T.tocsr(), nearness, keep), alpha)


Nearness = Callable[[Array, int, Array], Array]  # of the products, the item and the others: how near these are to it


def _nearest(by_item: Any, by_person: Any, nearness: Nearness, keep: int) -> Iterator[tuple[Array, Array]]:
    """Of each item, the others that are nearest and how near; the product is taken for a few items together."""
    many = by_item.shape[0]
    most = np.minimum(by_item.astype(bool) @ np.diff(by_person.indptr), many)  # entries of a row of the product
    blocks = (np.cumsum(most) - most) // _WORK
    for first, last in pairwise(np.r_[0, np.flatnonzero(np.diff(blocks)) + 1, many].tolist()):
        product = by_item[first:last] @ by_person
        for item, begin, end in zip(range(first, last), product.indptr[:-1], product.indptr[1:], strict=True):
            others, shared = product.indices[begin:end], product.data[begin:end]
            apart = np.flatnonzero((others != item) & (shared > 0))
            apart = apart[np.argsort(others[apart])]
            yield strongest(others[apart], nearness(shared[apart], item, others[apart]), keep)


def _towards(rows: Iterator[tuple[Array, Array]], alpha: float) -> Links:
    """Links from what each item's row names, to the item."""
    from scipy import sparse

    found = joined(rows, alpha)
    turned = sparse.csr_matrix((found.values, found.indices, found.indptr), shape=(found.many,) * 2).tocsc()
    return Links(turned.indptr.astype(np.int64), turned.indices.astype(np.int32), turned.data, alpha)


def memory(many: int, users: int, events: int, keep: int = 100) -> float:
    """Bytes that a fit holds at most, beside the histories: three sparse matrices of them, a block of products, and the links."""
    links = min(float(keep) * many, float(many) ** 2)
    return 40.0 * events + 24.0 * (users + many) + 12.0 * (_WORK + many) + 30.0 * links
