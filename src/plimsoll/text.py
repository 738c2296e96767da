"""Texts to counted n-grams of words and of characters, by array operations alone.

Every substring's hash comes from one running sum: with S[i] = Σ_{j<i} c_j · B^j (mod 2^64), the hash of the
characters a … b-1 is (S[b] - S[a]) · B^-a, the polynomial hash of Karp and Rabin (1987). So a batch of texts,
or one text at serving time, costs a dozen array operations however many n-grams are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BASE = 0x9E3779B97F4A7C15 | 1  # odd, so that it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 2**64)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_PAIR = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)
_SPACE = 32

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


def _word_table() -> NDArray[np.bool_]:
    """Which characters below 256 belong to words; those above do, but for punctuation (see ``_is_word``)."""
    return np.array([chr(code).isalnum() or chr(code) in "_'" for code in range(256)])


_WORD = _word_table()


@lru_cache(maxsize=8)
def _powers(size: int) -> tuple[Hashes, Hashes]:
    """B^0, B^1, … and their inverses, modulo 2^64."""
    one = np.ones(size, dtype=np.uint64)
    up, down = one.copy(), one.copy()
    up[1:] = np.uint64(_BASE)
    down[1:] = np.uint64(_INVERSE)
    return np.cumprod(up), np.cumprod(down)


@dataclass(frozen=True)
class Grams:
    """Which n-grams of which column: orders of words and of characters, and how many columns they are hashed into.

    >>> rows, columns = Grams("title", words=2).hashed(["a good day"])
    >>> len(columns)  # a, good, day, a good, good day
    5
    """

    column: str
    words: int = 0  # longest word n-gram; 0: none
    chars: tuple[int, int] = (0, 0)  # shortest and longest character n-gram, inside words; (0, 0): none
    bits: int = 18

    @property
    def size(self) -> int:
        return 1 << self.bits

    def hashed(self, texts: Sequence[str | None]) -> tuple[Ints, Ints]:
        """Row and column of every n-gram that occurs, repeats included."""
        codes, row = _codes(texts)
        up, down = _powers(1 << max(10, int(len(codes) - 1).bit_length()))
        space = (codes == _SPACE) | (codes == 0)
        plain = np.where(codes == 0, _SPACE, codes).astype(np.uint64)
        total = np.zeros(len(codes) + 1, dtype=np.uint64)
        np.cumsum(plain * up[: len(codes)], out=total[1:])
        found: list[tuple[Ints, Hashes]] = []
        if self.words:
            found += _word_grams(codes, row, total, down, self.words)
        if self.chars[1]:
            found += _char_grams(space, row, total, down, self.chars)
        shift = np.uint64(64 - self.bits)
        rows = np.concatenate([part for part, _ in found])
        return rows, (np.concatenate([part for _, part in found]) >> shift).astype(np.int64)

    def counted(self, texts: Sequence[str | None]) -> tuple[Ints, Ints, NDArray[np.float64]]:
        """(row, column, count) of every different n-gram, sorted by row and column."""
        rows, columns = self.hashed(texts)
        key, count = np.unique((rows << self.bits) | columns, return_counts=True)
        return key >> self.bits, key & (self.size - 1), count.astype(np.float64)

    def as_json(self) -> dict[str, Any]:
        return {"column": self.column, "words": self.words, "chars": list(self.chars), "bits": self.bits}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Grams:
        low, high = (int(part) for part in value["chars"])
        grams = Grams(str(value["column"]), int(value["words"]), (low, high), int(value["bits"]))
        asks = grams.words > 0 or high > 0
        if not (
            asks
            and 0 <= grams.words <= 5
            and 0 <= low <= high <= 10
            and (low > 0) == (high > 0)
            and 8 <= grams.bits <= 24
        ):
            raise ValueError("n-grams out of range")
        return grams


def _codes(texts: Sequence[str | None]) -> tuple[NDArray[np.uint32], Ints]:
    """Code points of all texts, lower case, a 0 before each and one at the end; and the row of each."""
    joined = "".join("\0" + (text or "").lower().replace("\0", " ") for text in texts) + "\0"
    raw = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = np.where(raw < _SPACE, np.where(raw == 0, 0, _SPACE), raw).astype(np.uint32)
    return codes, np.cumsum(codes == 0) - 1


def _is_word(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    low = _WORD[np.minimum(codes, 255)]
    return np.where(codes < 256, low, (codes < 0x2000) | (codes > 0x206F))


def _mixed(hashes: Hashes, salt: int) -> Hashes:
    """Spreads a hash over all its bits, differently for each n, so that its highest bits can pick a column."""
    mixed = (hashes + np.uint64(salt)) * _MIX
    mixed ^= mixed >> _SHIFT
    return mixed * _PAIR


def _word_grams(
    codes: NDArray[np.uint32], row: Ints, total: Hashes, down: Hashes, longest: int
) -> list[tuple[Ints, Hashes]]:
    word = _is_word(codes)
    edge = np.flatnonzero(word[1:] != word[:-1]) + 1
    start, end = edge[::2], edge[1::2]  # texts begin and end with a 0, which is no word
    token = _mixed((total[end] - total[start]) * down[start], 1)
    rows = row[start]
    found, gram, first = [(rows, token)], token, rows
    for n in range(2, longest + 1):
        gram = gram[:-1] * _PAIR + token[n - 1 :]
        first = first[:-1]
        same = first == rows[n - 1 :]
        found.append((first[same], _mixed(gram[same], n)))
    return found


def _char_grams(
    space: NDArray[np.bool_], row: Ints, total: Hashes, down: Hashes, orders: tuple[int, int]
) -> list[tuple[Ints, Hashes]]:
    """N-grams with no blank inside: a blank may only open or close one, and so marks a word's edge."""
    blanks = np.zeros(len(space) + 1, dtype=np.int64)
    np.cumsum(space, out=blanks[1:])
    found = []
    for n in range(orders[0], orders[1] + 1):
        last = len(space) - n + 1
        if last <= 0:
            continue
        start = np.flatnonzero(blanks[n - 1 : n - 1 + last] == blanks[1 : 1 + last])
        hashes = (total[start + n] - total[start]) * down[start]
        found.append((row[start], _mixed(hashes, 100 + n)))
    return found or [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64))]
