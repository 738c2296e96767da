"""Ids as they are written, numbered from 0: of the items of a collection, and of users.

An id is its text. So 1 in one file and "1" in another are one id, and so is 1.0, which is how 1 is written in a column of
numbers with a gap; but "01" is another id than "1", for codes are often filled up with zeros. White space around an id is
not part of it. Where all ids are whole numbers they are kept and ordered as such, else as texts.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import BundleError
from plimsoll.spelling import WHITE

WHOLE = r"^(?:0|-?[1-9][0-9]{0,17})$"  # an id that is kept as a number: written in one way, and within 64 bits
POINTED = r"^(0|-?[1-9][0-9]*)\.0+$"  # a whole number out of a column of floats
_WHOLE, _POINTED = re.compile(WHOLE), re.compile(POINTED)
_ABSENT = -1
_PIECE = 1 << 20  # bytes of texts that are checked at once
_FEW = 1_000  # texts that are as well compared one by one


def spelled(cell: Any) -> str:
    """An id as it is kept; "" where the cell holds none.

    >>> [spelled(cell) for cell in (1, "1", 1.0, " 1.0", "01", None, float("nan"))]
    ['1', '1', '1', '1', '01', '', '']
    """
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return _POINTED.sub(r"\1", str(cell).strip(WHITE))


@dataclass(frozen=True)
class Ids:
    """Distinct ids in their order: numbers in ``whole``, or texts as UTF-8 one after another in ``text``, each up to its
    place in ``ends``. A million of them are ready as soon as they are read: looking one up is a search, no table.

    >>> ids = Ids.of(["10", "9", "9", "07"])
    >>> ids[0], ids.find("9"), ids.find("7")
    ('07', 2, -1)
    """

    whole: NDArray[np.int64]
    text: NDArray[np.uint8]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.whole) or len(self.ends)

    def __getitem__(self, number: int) -> str:
        if len(self.whole):
            return str(int(self.whole[number]))
        return self.encoded(range(len(self.ends))[number]).decode()

    @cached_property
    def _views(self) -> tuple[memoryview, memoryview]:
        """The same arrays, for looking at one place of them: in a fifth of the time, and without a copy."""
        return self.text.data, self.ends.data

    def encoded(self, number: int) -> bytes:
        """An id of those that are texts, as UTF-8."""
        text, ends = self._views
        return bytes(text[ends[number - 1] if number else 0 : ends[number]])

    def value(self, number: int) -> int | str:
        """An id as data have it: a number where all are."""
        return int(self.whole[number]) if len(self.whole) else self[number]

    def names(self, numbers: Iterable[int]) -> list[str]:
        return [self[int(number)] for number in numbers]

    def find(self, text: str) -> int:
        """The number of an id as ``spelled``, -1 where there is none."""
        if len(self.whole):
            wanted = int(text) if _WHOLE.fullmatch(text) else None
            place = -1 if wanted is None else int(np.searchsorted(self.whole, wanted))
            return place if 0 <= place < len(self.whole) and self.whole[place] == wanted else _ABSENT
        held = text.encode("utf-8", "surrogatepass")
        place = bisect_left(range(len(self.ends)), held, key=self.encoded)
        return place if place < len(self.ends) and self.encoded(place) == held else _ABSENT

    @staticmethod
    def of(texts: Iterable[str]) -> Ids:
        """The distinct ones of ids as ``spelled``, in order; "" is none."""
        distinct = {text for text in texts if text}
        if all(_WHOLE.fullmatch(text) for text in distinct):
            return Ids.of_whole(np.array(sorted(map(int, distinct)), dtype=np.int64))
        return Ids.of_texts([text.encode() for text in sorted(distinct)])

    @staticmethod
    def of_whole(numbers: NDArray[np.int64]) -> Ids:
        """Of numbers that rise."""
        return Ids(numbers, np.zeros(0, np.uint8), np.zeros(0, np.int64))

    @staticmethod
    def of_texts(texts: Sequence[bytes]) -> Ids:
        """Of distinct texts in the order of their bytes."""
        return Ids(np.zeros(0, np.int64), *packed(texts))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What ``read`` makes the same ids of, by name."""
        return {"ids": self.whole} if len(self.whole) else {"text": self.text, "ends": self.ends}

    @staticmethod
    def read(place: str, arrays: Mapping[str, NDArray[Any]]) -> Ids:
        """Ids out of arrays that nobody has to be believed about. Raises BundleError with the ``place`` where they are none."""
        if set(arrays) == {"ids"}:
            whole = arrays["ids"]
            if whole.dtype != np.int64 or whole.ndim != 1 or not (whole[1:] > whole[:-1]).all():
                raise BundleError(f"{place}: the ids are not whole numbers that rise.")
            return Ids.of_whole(whole)
        if set(arrays) != {"text", "ends"}:
            raise BundleError(f"{place}: holds no ids.")
        check_packed(place, arrays["text"], arrays["ends"])
        found = Ids(np.zeros(0, np.int64), arrays["text"], arrays["ends"])
        if not found._rises():
            raise BundleError(f"{place}: the ids do not rise.")
        return found

    def _rises(self) -> bool:
        """Whether each id stands behind the one before it: eight bytes at a time, of those alone that were the same so far."""
        begins, at = self._begins(), 0
        open_ = np.arange(len(self.ends) - 1)  # places whose order with the next is not settled yet
        while len(open_) > _FEW:
            one, other = (self._word(begins[open_ + k], self.ends[open_ + k], at) for k in (0, 1))
            if (one > other).any():
                return False
            open_, at = open_[one == other], at + 8
            if (np.maximum(self.ends[open_] - begins[open_], self.ends[open_ + 1] - begins[open_ + 1]) <= at).all():
                break
        return all(self.encoded(k) < self.encoded(k + 1) for k in open_.tolist())

    def _begins(self) -> NDArray[np.int64]:
        return np.concatenate([np.zeros(1, np.int64), self.ends])[:-1]

    def _word(self, begins: NDArray[np.int64], ends: NDArray[np.int64], at: int) -> NDArray[Any]:
        """Eight bytes of each text from a place on, as one number; zeros behind its end."""
        place = begins[:, None] + np.arange(at, at + 8)
        held = self.text[np.minimum(place, len(self.text) - 1)] if len(self.text) else np.zeros(place.shape, np.uint8)
        return np.where(place < ends[:, None], held, np.uint8(0)).view(">u8").ravel()


def packed(texts: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Texts as UTF-8 in one array, and where each ends."""
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    return np.frombuffer(b"".join(texts), dtype=np.uint8), ends


def unpacked(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> list[str]:
    """The texts that ``packed`` laid out.

    >>> unpacked(*packed(["ä".encode(), b"", b"b"]))
    ['ä', '', 'b']
    """
    held, stops = text.tobytes(), ends.tolist()
    return [held[begin:end].decode() for begin, end in zip([0, *stops][:-1], stops, strict=True)]


def check_packed(place: str, text: NDArray[Any], ends: NDArray[Any]) -> None:
    """Raises BundleError unless the arrays are ones that ``packed`` makes."""
    if text.dtype != np.uint8 or ends.dtype != np.int64 or text.ndim != 1 or ends.ndim != 1:
        raise BundleError(f"{place}: the texts are not bytes with their ends.")
    last = int(ends[-1]) if len(ends) else 0
    if last != len(text) or (len(ends) and ends[0] < 0) or (ends[1:] < ends[:-1]).any():
        raise BundleError(f"{place}: the texts do not end where they are said to.")
    begins = np.concatenate([np.zeros(1, np.int64), ends])[:-1]
    cut = begins[begins < len(text)]
    try:
        decoder = codecs.getincrementaldecoder("utf-8")()
        for begin in range(0, len(text), _PIECE):
            decoder.decode(text[begin : begin + _PIECE].tobytes())
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise BundleError(f"{place}: the texts are not UTF-8.") from None
    if ((text[cut] & 0xC0) == 0x80).any():
        raise BundleError(f"{place}: a text ends within a letter.")
