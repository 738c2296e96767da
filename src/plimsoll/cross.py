"""The first documents of a sum of BM25 and LSA, put into order by a network that reads query and document together
(Nogueira and Cho 2019): the dearest of all, for it reads every one of them while somebody waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import fused, tokens
from plimsoll.encoder import whole
from plimsoll.finding import Texts
from plimsoll.fused import Fused
from plimsoll.inverted import Index
from plimsoll.packed_texts import PackedTexts
from plimsoll.recipe import Members
from plimsoll.text_net import TextNet
from plimsoll.tokens import Tokens

Array = NDArray[Any]
GRAPH = "cross.onnx"
FIRST = 20  # documents that are read
LETTERS = 2_000  # of a document that are kept to be read
READ = "read beside the query"  # what the whole of such a score is called
_TEXT, _ENDS = "text", "ends"


@dataclass(frozen=True)
class Cross:
    """``texts`` are those of the documents, in their order."""

    parts: Fused
    texts: PackedTexts
    reads: Tokens
    net: TextNet

    @property
    def index(self) -> Index:
        return self.parts.index

    def best(self, text: str, depth: int, among: NDArray[np.bool_] | None = None) -> Array:
        """The first twenty in the order of the network, scores between 1 and 3; the others behind them, below 1."""
        found = self.parts.best(text, max(depth, FIRST), among)
        scores = found["score"]
        scores /= 1 + scores
        held = min(FIRST, int((found["item"] >= 0).sum()))
        read = np.array([self._read(text, item) for item in found["item"][:held].tolist()], dtype=np.float32)
        order = np.argsort(-read, kind="stable")
        found["item"][:held], scores[:held] = found["item"][order], read[order]
        return found[:depth]

    def because(self, text: str, document: int) -> list[tuple[str, float]]:
        """A network that reads both together does not say what its score is made of; it has one part."""
        return [(READ, self._read(text, document))]

    def _read(self, text: str, document: int) -> float:
        numbers, kinds = self.reads.pair(text, self.texts.bytes_of(document).decode(errors="replace"), self.net.length)
        said = self.net.run(numbers, kinds, self.reads.pad)
        if said.shape not in ((1,), (2,)):
            raise ValueError(f"a network that says {said.shape} of a query and a document")
        strong = float(said[-1] - said[0]) if len(said) == 2 else float(said[0])
        return 2 + strong / (1 + abs(strong))

    def beside(self, texts: Texts) -> Cross:
        return Cross(self.parts.beside(texts), kept(texts), self.reads, self.net)

    @property
    def graphs(self) -> Members:
        return {tokens.MEMBER: self.reads.described, GRAPH: self.net.graph}

    def arrays(self) -> dict[str, Array]:
        return self.parts.arrays() | {_TEXT: self.texts.text, _ENDS: self.texts.ends}


def kept(texts: Texts) -> PackedTexts:
    """What is kept of documents to be read."""
    return PackedTexts.of([text[:LETTERS] for text in whole(texts)])


def of(arrays: Mapping[str, Array], index: Index, members: Members) -> Cross:
    """The model that ``arrays`` and its members wrote. Raises KeyError and ValueError where they cannot be one."""
    texts = _texts(arrays[_TEXT], arrays[_ENDS], index.many)
    rest = {name: array for name, array in arrays.items() if name not in (_TEXT, _ENDS)}
    return Cross(fused.of(rest, index), texts, Tokens(members[tokens.MEMBER]), TextNet(members[GRAPH]))


def _texts(text: Array, ends: Array, many: int) -> PackedTexts:
    rises = ends.shape == (many,) and ends.dtype == np.int64 and bool((np.diff(ends, prepend=0) >= 0).all())
    if not rises or text.dtype != np.uint8 or text.ndim != 1 or (int(ends[-1]) if many else 0) != len(text):
        raise ValueError("texts that are not those of the documents")
    return PackedTexts(text, ends)
