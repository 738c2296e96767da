"""Near copies of a text among those of late: MinHash signatures (Broder 1997), found by bands of them (Indyk and Motwani 1998)."""

from __future__ import annotations

import re
import zlib
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

HASHES = 128  # of a signature: likeness is told to 0.04 or so
RUN = 5  # letters of a run
MOST = 200_000  # different texts that are kept at once; the oldest goes first
_SURE = 0.99  # of the texts that are as alike as asked, how many at least share a band
_WHITE = re.compile(r"\s+")

_random = np.random.default_rng(20_261_122)
_A = (_random.integers(1, 2**63, HASHES, dtype=np.uint64) << np.uint64(1)) | np.uint64(1)
_B = _random.integers(0, 2**63, HASHES, dtype=np.uint64)

Signature = NDArray[np.uint32]


def signature(text: str) -> Signature:
    """The MinHash of a text's runs of five letters, shape (128,): two texts share entries as their runs overlap.

    >>> one, other = signature("Buy cheap watches now, today only"), signature("buy  cheap watches now, today ONLY!")
    >>> bool((one == other).mean() > 0.8), bool((one == signature("The meeting is moved to noon")).mean() < 0.2)
    (True, True)
    """
    plain = _WHITE.sub(" ", text.strip().lower()).encode()
    runs = {zlib.crc32(plain[start : start + RUN]) for start in range(max(1, len(plain) - RUN + 1))}
    hashed = np.fromiter(runs, dtype=np.uint64, count=len(runs))
    # Multiply and shift (Dietzfelbinger and others 1997): the high half of an odd multiple.
    with np.errstate(over="ignore"):
        mixed = (hashed[:, None] * _A[None, :] + _B[None, :]) >> np.uint64(32)
    return np.asarray(mixed.min(axis=0), dtype=np.uint32)


def bands(alike: float) -> tuple[int, int]:
    """(bands, entries of each): as long as they may be for texts that are so alike to share one almost surely.

    >>> bands(0.8), bands(0.5)
    ((21, 6), (42, 3))
    """
    found = (HASHES, 1)
    for length in range(2, 17):
        many = HASHES // length
        if 1.0 - (1.0 - alike**length) ** many >= _SURE:
            found = (many, length)
    return found


class NearCopies:
    """The texts of the last ``seconds``, to find those that are at least so ``alike`` to another.

    >>> texts = NearCopies(60.0, 0.8)
    >>> [texts.add(text, now) for now, text in enumerate(["hello there, you", "something else", "Hello  there, you"])]
    [0.0, 0.0, 1.0]
    """

    def __init__(self, seconds: float, alike: float, most: int = MOST) -> None:
        self._seconds = seconds
        self._alike = alike
        self._most = most
        self._many, self._length = bands(alike)
        self._held: dict[bytes, _Held] = {}  # by signature, the one that was heard of last standing last
        self._bands: dict[tuple[int, bytes], dict[bytes, None]] = {}

    def add(self, text: str, now: float) -> float:
        """How many near copies came within the window before; the text is then one of them."""
        made = signature(text)
        key = made.tobytes()
        self._forget(now)
        found = sum(self._near(other, made, now) for other in self._candidates(made))
        held = self._held.pop(key, None)
        if held is None:
            held = _Held(made)
            for band in self._keys(made):
                self._bands.setdefault(band, {})[key] = None
        self._held[key] = held
        held.times.append(now)
        return float(found)

    def __len__(self) -> int:
        return len(self._held)

    def _keys(self, made: Signature) -> list[tuple[int, bytes]]:
        return [(k, made[k * self._length : (k + 1) * self._length].tobytes()) for k in range(self._many)]

    def _candidates(self, made: Signature) -> set[bytes]:
        return {other for band in self._keys(made) for other in self._bands.get(band, ())}

    def _near(self, other: bytes, made: Signature, now: float) -> int:
        """How many texts of another signature lie in the window, where it is alike."""
        held = self._held[other]
        while held.times and held.times[0] <= now - self._seconds:
            held.times.popleft()
        return len(held.times) if held.times and float((held.signature == made).mean()) >= self._alike else 0

    def _forget(self, now: float) -> None:
        """Drops signatures that have not been heard of for a window, a few at a time."""
        for _ in range(2):
            first = next(iter(self._held), None)
            if first is None:
                return
            held = self._held[first]
            if held.times and held.times[-1] > now - self._seconds and len(self._held) < self._most:
                return
            for band in self._keys(held.signature):
                mates = self._bands[band]
                del mates[first]
                if not mates:
                    del self._bands[band]
            del self._held[first]


class _Held:
    """A signature and when texts of it came."""

    __slots__ = ("signature", "times")

    def __init__(self, made: Signature) -> None:
        self.signature = made
        self.times: deque[Any] = deque(maxlen=10_000)
