"""Texts by number that no memory is spent on before they are asked for: UTF-8 one after another, and where each ends.

A million documents as Python's own strings take a hundred bytes each beside their letters, and have to be made before the first is
read. Packed they are two arrays, which may lie in the bytes of a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
from numpy.typing import NDArray

from plimsoll.ids import packed, unpacked

_PIECE = 1_000  # texts decoded one after another before the next are looked at


@dataclass(frozen=True, eq=False)
class PackedTexts(Sequence[str]):
    """``text``, shape (bytes,), of which each text has those up to its place in ``ends``, shape (texts,).

    >>> held = PackedTexts.of(["ein", "", "Überfluss"])
    >>> len(held), held[-1], list(held[1:]), held.index("ein")
    (3, 'Überfluss', ['', 'Überfluss'], 0)
    """

    text: NDArray[np.uint8]
    ends: NDArray[np.int64]

    @staticmethod
    def of(texts: Iterable[str]) -> PackedTexts:
        return PackedTexts(*packed([text.encode() for text in texts]))

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if not isinstance(place, slice):
            return self.bytes_of(place).decode()
        begin, end, step = place.indices(len(self))
        if step != 1:
            return [self[k] for k in range(begin, end, step)]
        start = int(self.ends[begin - 1]) if begin else 0
        ends = self.ends[begin : max(begin, end)]
        return PackedTexts(self.text[start : int(ends[-1]) if len(ends) else start], ends - start)

    def bytes_of(self, place: int) -> bytes:
        """One text as UTF-8. Raises IndexError where there is none."""
        number = range(len(self.ends))[place]
        begin = int(self.ends[number - 1]) if number else 0
        return self.text[begin : int(self.ends[number])].tobytes()

    def sizes(self) -> NDArray[np.int64]:
        """The bytes of each, shape (texts,)."""
        return np.diff(self.ends, prepend=0)

    def __iter__(self) -> Iterator[str]:
        for begin in range(0, len(self), _PIECE):
            piece = self[begin : begin + _PIECE]
            assert isinstance(piece, PackedTexts)
            yield from unpacked(piece.text, piece.ends)

    def __eq__(self, other: object) -> bool:
        """
        >>> PackedTexts.of("ab") == PackedTexts.of(["a", "b"]), PackedTexts.of("ab") == PackedTexts.of(["ab"])
        (True, False)
        """
        if not isinstance(other, PackedTexts):
            return NotImplemented
        return np.array_equal(self.ends, other.ends) and np.array_equal(self.text, other.text)

    __hash__ = None  # type: ignore[assignment]  # arrays have none


@dataclass
class Packing:
    """Texts that are packed as they come: what is held is the bytes alone, and an eighth more while they grow.

    >>> packing = Packing()
    >>> packing.add(b"onetwo", np.array([3, 6]))
    >>> packing.add(b"three", np.array([5]))
    >>> list(packing.texts())
    ['one', 'two', 'three']
    """

    text: bytearray = field(default_factory=bytearray)
    ends: list[NDArray[np.int64]] = field(default_factory=list)

    def add(self, text: bytes, ends: NDArray[np.int64]) -> None:
        """More texts, one after another, and where each of them ends in ``text``."""
        self.ends.append(np.asarray(ends, dtype=np.int64) + len(self.text))
        self.text += text

    def texts(self) -> PackedTexts:
        """All of them. Nothing can be added afterwards: the arrays are views of what is held."""
        ends = np.concatenate([np.zeros(0, np.int64), *self.ends])
        return PackedTexts(np.frombuffer(self.text, dtype=np.uint8), ends)
