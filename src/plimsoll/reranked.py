"""The hundred best documents of a sum of BM25 and LSA, put into order by trees that weigh named clues (LambdaMART, Burges 2010)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import clues, lambdamart
from plimsoll.clues import Clues
from plimsoll.finding import Study, Texts
from plimsoll.forest import Forest
from plimsoll.inverted import Index
from plimsoll.lambdamart import Plan
from plimsoll.scorer import floats, scalar

Array = NDArray[Any]
TREES = "trees.onnx"
_EACH = 100  # documents that are put into order
_LEAST = 20  # queries from which an order can be learned
_MOST = 5_000  # queries that are learned from
_OWN = ("usual", "least")


@dataclass(frozen=True)
class Reranked:
    """``usual`` are clues as they are in the middle, shape (clues,); the trees score nothing less than ``least``."""

    clues: Clues
    forest: Forest
    usual: NDArray[np.float32]
    least: float

    @property
    def index(self) -> Index:
        return self.clues.index

    def best(self, text: str, depth: int, among: NDArray[np.bool_] | None = None) -> Array:
        """The first hundred in the order of the trees; below them what comes next, in the order that it has without these."""
        heard = self.clues.parts.hear(text)
        found = self.clues.parts.listed(heard, max(depth, _EACH), among)
        held = int((found["item"] >= 0).sum())
        if not held:
            return found[:depth]
        first, rest = found[: min(held, _EACH)], found[_EACH:held]
        scores = self.forest.scores(self.clues.of(heard, first["item"]))[:, 0].astype(np.float32)
        order = np.lexsort((first["item"], -scores))
        first["item"], first["score"] = first["item"][order], scores[order]
        rest["score"] = self.least - 1 / (1 + rest["score"])  # below all that trees say, whatever documents are asked
        return found[:depth]

    def because(self, text: str, document: int) -> list[tuple[str, float]]:
        """What the trees' score would lose by each clue if that were as usual. Clues hang together: the parts do not sum to the score."""
        own = self.clues.of(self.clues.parts.hear(text), np.array([document]))[0]
        rows = np.tile(own, (len(own) + 1, 1))
        np.fill_diagonal(rows[1:], self.usual)
        whole, *without = self.forest.scores(rows)[:, 0].tolist()
        parts = [(name, whole - each) for name, each in zip(self.clues.names, without, strict=True)]
        return sorted(parts, key=lambda part: (-abs(part[1]), part[0]))

    def beside(self, texts: Texts) -> Reranked:
        return Reranked(self.clues.beside(texts), self.forest, self.usual, self.least)

    @cached_property
    def graphs(self) -> dict[str, bytes]:
        """The trees, which stand beside the arrays."""
        return {TREES: self.forest.graph}

    def arrays(self) -> dict[str, Array]:
        return self.clues.arrays() | {"usual": self.usual, "least": np.array(self.least)}


def fit(study: Study, told: Clues, plan: Plan) -> Reranked:
    """Trees that learn the order of what is found first for each query. Raises ValueError where too few queries find anything."""
    matrix, grades, sizes = taught(study, told)
    if len(sizes) < _LEAST:
        raise ValueError(
            f"{len(sizes)} judged queries find a document that is good; an order is learned of {_LEAST} or more"
        )
    grown = lambdamart.grow(matrix, grades, sizes, plan, study.seed, study.clock)
    return Reranked(told, grown.forest, np.median(matrix, axis=0).astype(np.float32), grown.least)


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


def of(arrays: Mapping[str, Array], trees: bytes, index: Index) -> Reranked:
    """The model that ``arrays`` and the graph of its trees wrote. Raises KeyError and ValueError where they cannot be one."""
    usual, least = (arrays[name] for name in _OWN)
    told = clues.of({name: array for name, array in arrays.items() if name not in _OWN}, index)
    forest, width = Forest(bytes(trees)), len(told.names)
    if (forest.width, forest.outputs) != (width, 1):
        raise ValueError(f"trees of {forest.width} clues and {forest.outputs} scores; {width} clues and one were to be")
    return Reranked(told, forest, floats(usual, "usual", width), scalar(least, "least"))
