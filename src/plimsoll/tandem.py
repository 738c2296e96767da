"""Two recommenders in one: the scores of the first, and so many times those of the second; kept only where it wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import recommenders
from plimsoll.scorer import Explaining, scalar, taken

Array = NDArray[Any]
SHARES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # of the second beside the first, that are tried


@dataclass(frozen=True)
class Tandem(Explaining):
    """Scores are those of ``first`` plus ``share`` times those of ``second``."""

    first: Explaining
    second: Explaining
    share: float

    @property
    def many(self) -> int:
        return self.first.many

    def score_one(self, items: Array, weights: Array | None = None) -> NDArray[np.float32]:
        return pooled(self.first.score_one(items, weights), self.second.score_one(items, weights), self.share)

    def because(self, items: Array, item: int, weights: Array | None = None) -> NDArray[np.float32]:
        return pooled(self.first.because(items, item, weights), self.second.because(items, item, weights), self.share)

    def arrays(self) -> dict[str, Array]:
        return {**recommenders.together([self.first, self.second]), "share": np.array(self.share)}


def pooled(first: Array, second: Array, share: float) -> NDArray[np.float32]:
    """The scores of both as one."""
    return np.asarray(first + np.float32(share) * second, dtype=np.float32)


def best_share(
    first: Array, second: Array, judge: Callable[[Array], float], shares: Sequence[float] = SHARES
) -> float | None:
    """The share with which both together are judged best, the least of equals; None where none beats each of them alone.

    ``judge`` says of scores, shape (rows, items), how good they are, more being better: on rows that nothing was learned of.

    >>> first, second = np.array([[0.0, 1.0, 0.9]]), np.array([[0.0, -0.2, 0.1]])
    >>> best_share(first, second, lambda scores: float(scores[0].argmax() == 2))
    """
    alone = max(judge(first), judge(second))
    found = [(judge(pooled(first, second, share)), -share) for share in shares]
    best, share = max(found)
    return -share if best > alone else None


def of(arrays: Mapping[str, Array]) -> Tandem:
    """The model that ``arrays`` wrote. Raises ValueError where they cannot be one."""
    members, rest = recommenders.apart(arrays)
    (share,) = taken(rest, "share")
    both = [member for member in members if isinstance(member, Explaining)]
    if len(members) != 2 or len(both) != 2:
        raise ValueError(f"{len(members)} members; two that explain themselves make a tandem")
    return Tandem(both[0], both[1], scalar(share, "share"))
