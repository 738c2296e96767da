"""The kinds of fitted recommenders that others are made of: several of them as one set of arrays, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from plimsoll import als, content, ease, links, popular
from plimsoll.scorer import Scorer

Array = NDArray[Any]
KINDS: dict[str, tuple[type[Scorer], Callable[[Mapping[str, Array]], Scorer]]] = {
    "popular": (popular.Popular, popular.of),
    "links": (links.Links, links.of),
    "ease": (ease.Ease, ease.of),
    "factors": (als.Factors, als.of),
    "content": (content.Content, content.of),
}
MOST = 16  # of which one is made


def together(members: Sequence[Scorer]) -> dict[str, Array]:
    """The arrays of all members, each by its number, its kind and its own name.

    >>> import numpy as np
    >>> list(together([popular.Popular(np.ones(3, np.float32))]))
    ['0.popular.counts']
    """
    found: dict[str, Array] = {}
    for at, member in enumerate(members):
        kind = next(name for name, (own, _) in KINDS.items() if type(member) is own)
        found |= {f"{at}.{kind}.{name}": array for name, array in member.arrays().items()}
    return found


def apart(arrays: Mapping[str, Array]) -> tuple[tuple[Scorer, ...], dict[str, Array]]:
    """The members that ``together`` wrote, all of as many items, and the arrays beside them.

    Raises ValueError where they cannot be any.
    """
    rest = {name: array for name, array in arrays.items() if "." not in name}
    groups: dict[tuple[int, str], dict[str, Array]] = {}
    for name in arrays.keys() - rest.keys():
        at, kind, key = [*name.split(".", 2), ""][:3]
        if not (at.isascii() and at.isdigit() and len(at) < 3 and kind in KINDS):
            raise ValueError(f"an array of a member that is not known, {name[:40]}")
        groups.setdefault((int(at), kind), {})[key] = arrays[name]
    if sorted(at for at, _ in groups) != list(range(len(groups))) or not 0 < len(groups) <= MOST:
        raise ValueError("members that do not follow one another")
    members = tuple(KINDS[kind][1](groups[at, kind]) for at, kind in sorted(groups))
    if len({member.many for member in members}) > 1:
        raise ValueError(f"members of {', '.join(str(member.many) for member in members)} items")
    return members, rest
