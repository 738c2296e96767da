"""What was worked out once, by what it was worked out of; never more of it than so many."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Remembered(dict[Key, Value]):
    """A table that fills itself: ``table[key]`` is ``make(key)``, worked out the first time. It is emptied when it would hold
    more than ``most``, so what comes from outside fills no memory; and a key that ``keeps`` refuses is worked out each time.

    Unlike ``functools.lru_cache`` it can be looked things up in by ``map(table.__getitem__, keys)`` at the pace of a plain
    dictionary.

    >>> lengths = Remembered(len, most=2)
    >>> [lengths[word] for word in ("a", "bb", "ccc")], list(lengths)
    ([1, 2, 3], ['ccc'])
    """

    def __init__(self, make: Callable[[Key], Value], most: int, keeps: Callable[[Key], bool] | None = None) -> None:
        super().__init__()
        self._make, self._most, self._keeps = make, most, keeps

    def __missing__(self, key: Key) -> Value:
        value = self._make(key)
        if self._keeps is None or self._keeps(key):
            if len(self) >= self._most:
                self.clear()
            self[key] = value
        return value
