"""A search space: knobs with their default first, and the portfolio of settings tried before any search."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Value = int | float | str | bool
Knobs = Mapping[str, Value]


@dataclass(frozen=True)
class Space:
    """What a recipe lets a search choose. The first option of each knob is its default.

    Knobs that are ``open`` may go beyond their largest option, twice as far each time, where that turns out to be the best.
    ``plain``, where it is known, gives settings that come to the same one form; they are then one setting.

    >>> space = Space({"leaves": (31, 63), "rate": (0.05, 0.1)}, portfolio=({"leaves": 63},))
    >>> space.default
    {'leaves': 31, 'rate': 0.05}
    >>> list(space.settings(seed=0, count=2))[1]
    {'leaves': 63, 'rate': 0.05}
    """

    options: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    portfolio: tuple[Mapping[str, Value], ...] = ()
    open: tuple[str, ...] = ()
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

    def near(self, knobs: Knobs) -> Iterator[tuple[str, dict[str, Value]]]:
        """Each knob with a setting that differs in it by one step: to the next number on either side, or another word.

        >>> space = Space({"leaves": (31, 15, 63)}, open=("leaves",))
        >>> [near for _, near in space.near({"leaves": 31})], [near for _, near in space.near({"leaves": 63})]
        ([{'leaves': 15}, {'leaves': 63}], [{'leaves': 31}, {'leaves': 126}])
        """
        for name, options in self.options.items():
            at = knobs[name]
            edge = name in self.open and isinstance(at, int | float) and at >= max(map(float, options))
            for value in (*_beside(options, at), *([2 * at] if edge else [])):
                yield name, self._plain({**knobs, name: value})

    def _plain(self, knobs: Knobs) -> dict[str, Value]:
        return dict(self.plain(knobs) if self.plain else knobs)


def _beside(options: Sequence[Value], at: Value) -> list[Value]:
    """The options next to a value, where they are numbers; all the others, where they are not."""
    if any(isinstance(each, str | bool) for each in (*options, at)):
        return [each for each in options if each != at]
    numbers = sorted(options, key=float)
    below, above = [n for n in numbers if float(n) < float(at)], [n for n in numbers if float(n) > float(at)]
    return [*below[-1:], *above[:1]]
