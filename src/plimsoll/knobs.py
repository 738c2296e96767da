"""A search space: knobs with their default first, and the portfolio of settings tried before any search."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Value = int | float | str | bool
Knobs = Mapping[str, Value]


@dataclass(frozen=True)
class Space:
    """What a recipe lets a search choose. The first option of each knob is its default.

    >>> space = Space({"leaves": (31, 63), "rate": (0.05, 0.1)}, portfolio=({"leaves": 63},))
    >>> space.default
    {'leaves': 31, 'rate': 0.05}
    >>> list(space.settings(seed=0, count=2))[1]
    {'leaves': 63, 'rate': 0.05}
    """

    options: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    portfolio: tuple[Mapping[str, Value], ...] = ()

    @property
    def default(self) -> dict[str, Value]:
        return {name: options[0] for name, options in self.options.items()}

    @property
    def size(self) -> int:
        count = 1
        for options in self.options.values():
            count *= len(options)
        return count

    def settings(self, seed: int, count: int) -> Iterator[dict[str, Value]]:
        """At most ``count`` different settings: the default, the portfolio, then seeded random ones."""
        draw = random.Random(seed)
        seen: list[dict[str, Value]] = []
        listed = iter([self.default, *({**self.default, **change} for change in self.portfolio)])
        for _ in range(50 * count):
            setting = next(listed, None) or {name: draw.choice(options) for name, options in self.options.items()}
            if setting not in seen:
                seen.append(setting)
                yield setting
            if len(seen) >= count:
                return
