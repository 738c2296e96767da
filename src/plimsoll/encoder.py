"""Encoders that others trained: what makes a point of a text, so that texts that mean the same lie together.

A static one looks up each piece of a text in a table and takes the middle (as Model2Vec does, Tulkens and van Dongen 2024); a network
reads the whole (Reimers and Gurevych 2019). Both come from a folder, and go into the bundle with what they read text by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll import small_world, tokens
from plimsoll.clock import Clock
from plimsoll.dense import Points, unit
from plimsoll.errors import TrialError
from plimsoll.finding import Texts
from plimsoll.inverted import Index
from plimsoll.letters import words
from plimsoll.recipe import Members
from plimsoll.scorer import floats, taken
from plimsoll.small_world import SmallWorld
from plimsoll.text_net import TextNet
from plimsoll.tokens import Tokens

Array = NDArray[Any]
GRAPH, SAID = "encoder.onnx", "encoder.json"
_LONGEST = 512  # pieces of a text that a table looks up
_Prompt = Annotated[str, msgspec.Meta(max_length=1_000)]


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands before a text that a network reads; whether its point is that of the ``first`` piece or the ``mean`` of all; and
    how many ``parts`` of a document are read at most."""

    query: _Prompt = ""
    document: _Prompt = ""
    pool: Literal["mean", "first"] = "mean"
    parts: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4


class Coder(Protocol):
    """What makes points of texts; nothing of a text without a word."""

    def query(self, text: str) -> Points: ...

    def document(self, text: str) -> Points: ...

    def arrays(self) -> dict[str, Array]: ...

    @property
    def graphs(self) -> Members: ...


@dataclass(frozen=True)
class Table:
    """A point for each piece, shape (pieces, axes)."""

    reads: Tokens
    table: NDArray[np.float32]

    def query(self, text: str) -> Points:
        numbers = self.reads.plain(text, _LONGEST)
        return unit(self.table[numbers].mean(axis=0) if numbers else np.zeros(self.table.shape[1], np.float32))

    document = query

    def arrays(self) -> dict[str, Array]:
        return {"table": self.table}

    @property
    def graphs(self) -> Members:
        return {tokens.MEMBER: self.reads.described}


@dataclass(frozen=True)
class Network:
    """A network that gives a point of each piece, shape (pieces, axes), or one of all."""

    reads: Tokens
    net: TextNet
    said: Said

    def query(self, text: str) -> Points:
        return unit(self._read(self.said.query + text, 1) if any(words(text)) else self._nothing)

    def document(self, text: str) -> Points:
        """The middle of its parts."""
        return unit(self._read(self.said.document + text, self.said.parts) if any(words(text)) else self._nothing)

    def _read(self, text: str, parts: int) -> Points:
        return np.asarray(
            np.mean([self._point(each) for each in self.reads.framed(text, self.net.length, parts)], axis=0)
        )

    def _point(self, numbers: list[int]) -> Points:
        found = self.net.run(numbers, pad=self.reads.pad)
        if found.ndim == 2:
            found = found[0] if self.said.pool == "first" else found.mean(axis=0)
        return unit(found)

    @cached_property
    def _nothing(self) -> Points:
        return np.zeros_like(self._point(self.reads.framed("a", self.net.length)[0]))

    def arrays(self) -> dict[str, Array]:
        return {}

    @property
    def graphs(self) -> Members:
        return {tokens.MEMBER: self.reads.described, GRAPH: self.net.graph, SAID: msgspec.json.encode(self.said)}


@dataclass(frozen=True)
class Encoded:
    """Documents of an ``index`` as the points that a ``coder`` makes of them, shape (documents, axes)."""

    coder: Coder
    index: Index
    points: Points
    world: SmallWorld | None = None

    def point(self, text: str) -> Points:
        return self.coder.query(text)

    def over(self, index: Index, texts: Texts, /) -> Encoded:
        return Encoded(self.coder, index, points(self.coder, whole(texts)))

    def arrays(self) -> dict[str, Array]:
        return {"points": self.points} | (self.world.arrays() if self.world else {}) | self.coder.arrays()

    @property
    def graphs(self) -> Members:
        return self.coder.graphs


def whole(texts: Texts) -> list[str]:
    """Each document as one text, its fields one under the other."""
    return ["\n".join(filter(None, fields)) for fields in zip(*texts.values(), strict=True)]


def points(coder: Coder, documents: Iterable[str], clock: Clock | None = None) -> Points:
    """Of each document, shape (documents, axes). Raises TrialError where the time is up before they are read."""
    found: list[Points] = []
    for text in documents:
        if clock is not None and clock.up:
            raise TrialError(f"the time was up when {len(found):,} documents had been read")
        found.append(coder.document(text))
    return np.stack(found)


def of(arrays: Mapping[str, Array], index: Index, members: Members) -> Encoded:
    """The documents that ``arrays`` and the members of an encoder wrote. Raises KeyError and ValueError where they cannot be any."""
    reads = Tokens(members[tokens.MEMBER])
    own, arrays = small_world.parted(arrays)
    if GRAPH in members:
        (held,) = taken(arrays, "points")
        coder: Coder = Network(reads, TextNet(members[GRAPH]), msgspec.json.decode(members[SAID], type=Said))
    else:
        held, table = taken(arrays, "points table")
        coder = Table(reads, floats(table, "table", reads.many, -1))
    found = floats(held, "points", index.many, -1)
    if coder.query("a").shape != found.shape[1:]:
        raise ValueError("an encoder of other axes than its documents have")
    return Encoded(coder, index, found, small_world.of(own, found))
