"""The hundred best documents of a sum of BM25 and LSA, put into order by trees that weigh named clues (LambdaMART, Burges 2010)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import clues, lambdamart, small_trees, small_world
from plimsoll.clues import Clues
from plimsoll.finding import Study, Texts
from plimsoll.inverted import Index
from plimsoll.lambdamart import Plan
from plimsoll.scorer import floats
from plimsoll.small_trees import SmallTrees

Array = NDArray[Any]
_EACH = 100  # documents that are put into order
_LEAST = 20  # queries from which an order can be learned
_MOST = 5_000  # queries that are learned from
_USUAL, _TREES = "usual", "trees."


@dataclass(frozen=True)
class Reranked:
    """``usual`` are clues as they are in the middle, shape (clues,)."""

    clues: Clues
    trees: SmallTrees
    usual: NDArray[np.float32]

    @property
    def index(self) -> Index:
        return self.clues.index

    def best(self, text: str, depth: int, among: NDArray[np.bool_] | None = None) -> Array:
        """The first hundred in the order of the trees; below them what comes next, in the order that it has without these."""
        heard = self.clues.parts.hear(text, small_world.every(depth, among))
        found = self.clues.parts.listed(heard, max(depth, _EACH), among)
        first, rest = found[:_EACH], found[_EACH:]
        items = first["item"][first["item"] >= 0]
        if not len(items):
            return found[:depth]
        scores = self.trees.scores(self.clues.of(heard, items))
        order = np.lexsort((items, -scores))
        first["item"][: len(items)], first["score"][: len(items)] = items[order], scores[order]
        if len(rest):  # below all that trees say, whatever documents are asked
            rest["score"] = np.where(rest["item"] >= 0, self.trees.least - 1 / (1 + rest["score"]), rest["score"])
        return found[:depth]

    def because(self, text: str, document: int) -> list[tuple[str, float]]:
        """What the trees' score would lose by each clue if that were as usual. Clues hang together: the parts do not sum to the score."""
        own = self.clues.of(self.clues.parts.hear(text), np.array([document]))[0]
        rows = np.tile(own, (len(own) + 1, 1))
        np.fill_diagonal(rows[1:], self.usual)
        whole, *without = self.trees.scores(rows).tolist()
        parts = [(name, whole - each) for name, each in zip(self.clues.names, without, strict=True)]
        return sorted(parts, key=lambda part: (-abs(part[1]), part[0]))

    def beside(self, texts: Texts) -> Reranked:
        return replace(self, clues=self.clues.beside(texts))

    def arrays(self) -> dict[str, Array]:
        trees = {f"{_TREES}{name}": array for name, array in self.trees.arrays().items()}
        return self.clues.arrays() | trees | {_USUAL: self.usual}


def fit(study: Study, told: Clues, plan: Plan) -> Reranked:
    """Trees that learn the order of what is found first for each query. Raises ValueError where too few queries find anything."""
    matrix, grades, sizes = taught(study, told)
    if len(sizes) < _LEAST:
        raise ValueError(
            f"{len(sizes)} judged queries find a document that is good; an order is learned of {_LEAST} or more"
        )
    grown = lambdamart.grow(matrix, grades, sizes, plan, study.seed, study.clock)
    return Reranked(told, small_trees.of_grown(grown), np.median(matrix, axis=0).astype(np.float32))


def taught(study: Study, told: Clues) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Clues and grades of what is found first for queries, one after another, and how many are of each; without queries whose
    finds are all alike, which teach no order."""
    order = np.random.default_rng(study.seed).permutation(len(study.queries))[:_MOST]
    parts, grades = [np.empty((0, len(told.names)), np.float32)], [np.empty(0, np.float32)]
    for row in np.sort(order).tolist():
        heard = told.parts.hear(study.queries[row])
        found = told.parts.listed(heard, _EACH)["item"]
        found = found[found >= 0]
        own = _grades(study.truth[row], found)
        if len(found) and own.min() < own.max():
            parts.append(told.of(heard, found))
            grades.append(own)
    return np.concatenate(parts), np.concatenate(grades), np.array([len(each) for each in grades[1:]], dtype=np.int64)


def _grades(truth: Array, found: Array) -> NDArray[np.float32]:
    """The grade of each document that was found; what nobody judged is as good as nothing."""
    known = {item: max(grade, 0.0) for item, grade in truth.tolist() if item >= 0}
    return np.array([known.get(item, 0.0) for item in found.tolist()], dtype=np.float32)


def of(arrays: Mapping[str, Array], index: Index) -> Reranked:
    """The model that ``arrays`` wrote. Raises KeyError and ValueError where they cannot be one."""
    trees = {name.removeprefix(_TREES): array for name, array in arrays.items() if name.startswith(_TREES)}
    rest = {name: array for name, array in arrays.items() if name != _USUAL and not name.startswith(_TREES)}
    told = clues.of(rest, index)
    width = len(told.names)
    return Reranked(told, small_trees.of(trees, width), floats(arrays[_USUAL], _USUAL, width))
