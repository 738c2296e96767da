"""A search space: knobs with their default first, and the portfolio of settings tried before any search."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

Value = int | float | str | bool
Knobs = Mapping[str, Value]


@dataclass(frozen=True)
class Space:
    """What a recipe lets a search choose. The first option of each knob is its default.

    ``plain``, where it is known, gives settings that come to the same one form; they are then one setting.

    >>> space = Space({"leaves": (31, 63), "rate": (0.05, 0.1)}, portfolio=({"leaves": 63},))
    >>> space.default
    {'leaves': 31, 'rate': 0.05}
    >>> list(space.settings(seed=0, count=2))[1]
    {'leaves': 63, 'rate': 0.05}
    """

    options: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    portfolio: tuple[Mapping[str, Value], ...] = ()
    plain: Callable[[Knobs], Knobs] | None = field(default=None, compare=False)

    @property
    def default(self) -> dict[str, Value]:
        return {name: options[0] for name, options in self.options.items()}

    @property
    def size(self) -> int:
        count = 1
        for options in self.options.values():
            count *= len(options)
        return count

    @property
    def listed(self) -> list[dict[str, Value]]:
        """The default and the portfolio's settings in full, each once."""
        found = [self._plain({**self.default, **change}) for change in ({}, *self.portfolio)]
        return [setting for place, setting in enumerate(found) if setting not in found[:place]]

    def settings(self, seed: int, count: int) -> Iterator[dict[str, Value]]:
        """At most ``count`` different settings: the default, the portfolio, then seeded random ones."""
        draw = random.Random(seed)
        seen: list[dict[str, Value]] = []
        listed = iter(self.listed)
        for _ in range(50 * count):
            setting = next(listed, None) or self._plain(
                {name: draw.choice(each) for name, each in self.options.items()}
            )
            if setting not in seen:
                seen.append(setting)
                yield setting
            if len(seen) >= count:
                return

    def _plain(self, knobs: Knobs) -> dict[str, Value]:
        return dict(self.plain(knobs) if self.plain else knobs)
