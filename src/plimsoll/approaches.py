"""What is compared, and what each may spend: approaches such as ``covariance_lda:window=0.4``, and one budget for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from plimsoll import catalogue, units
from plimsoll.errors import JobError, nearest
from plimsoll.job import Job
from plimsoll.knobs import Space, Value
from plimsoll.schema import Schema

MOST = 20  # approaches
TRIALS = 10  # settings that each approach tries where nothing is said
_ENDLESS = 1_000  # settings that a budget of seconds alone allows
_WORDS = {"true": True, "false": False}


@dataclass(frozen=True)
class Approach:
    """A recipe, with the knobs that are not its search's to choose. ``name`` is how it was written."""

    name: str
    recipe: str
    fixed: Mapping[str, Value] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> Approach:
        """An approach such as ``trees`` or ``trees:leaves=15,rate=0.1``. Raises JobError in one line.

        >>> Approach.parse("trees:leaves=15,rate=0.1").fixed
        {'leaves': 15, 'rate': 0.1}
        """
        name = text.strip()
        recipe, colon, rest = name.partition(":")
        if recipe in catalogue.MADE:
            raise JobError(f"{recipe} is made of other trials, and nothing to compare. Name those, such as trees.")
        options = catalogue.find(recipe).space.options
        fixed: dict[str, Value] = {}
        for part in rest.split(",") if colon else ():
            knob, equals, value = (word.strip() for word in part.partition("="))
            if not equals or not value:
                raise JobError(
                    f'{name}: "{part.strip()}" is not a knob. Write KNOB=VALUE, as in {recipe}:{_example(options)}.'
                )
            if knob not in options:
                raise JobError(f'{name}: {recipe} has no knob "{knob}". {nearest(knob, options)}')
            if knob in fixed:
                raise JobError(f"{name}: {knob} is given twice. Keep one of the two.")
            fixed[knob] = _value(name, knob, value, options[knob])
        return Approach(name, recipe, fixed)

    def space(self, job: Job, schema: Schema) -> Space:
        """The recipe's space in which the knobs that are fixed have one value.

        >>> from plimsoll.job import Job
        >>> from plimsoll.schema import Schema
        >>> Approach.parse("covariance_lda:window=0.4").space(Job("y"), Schema((), "y")).options["window"]
        (0.4,)
        """
        space = catalogue.space(self.recipe, job, schema)
        options = {**space.options, **{name: (value,) for name, value in self.fixed.items()}}
        portfolio = tuple({k: v for k, v in setting.items() if k not in self.fixed} for setting in space.portfolio)
        # What is fixed stays as it is, also where the recipe would put it back because it changes nothing.
        plain = space.plain and (lambda knobs: {**space.plain(knobs), **self.fixed})  # type: ignore[misc]
        open_ = tuple(name for name in space.open if name not in self.fixed)
        return replace(space, options=options, portfolio=portfolio, open=open_, plain=plain)


def _example(options: Mapping[str, Sequence[Value]]) -> str:
    return next((f"{name}={values[0]}" for name, values in options.items()), "KNOB=VALUE")


def _value(name: str, knob: str, text: str, options: Sequence[Value]) -> Value:
    """The value as the knob has it: any number of its kind, or one of its words."""
    first = options[0]
    wrong = f'{name}: {knob} cannot be "{text}". There are: {", ".join(map(str, options))}.'
    if isinstance(first, bool):
        if text.lower() not in _WORDS:
            raise JobError(wrong)
        return _WORDS[text.lower()]
    if isinstance(first, str):
        if text not in options:
            raise JobError(wrong)
        return text
    try:
        number = float(text)
    except ValueError:
        raise JobError(wrong) from None
    whole = all(isinstance(option, int) for option in options)
    if not abs(number) < 1e12 or (whole and number != int(number)):
        raise JobError(wrong)
    return int(number) if whole else number


def read(texts: Sequence[str]) -> tuple[Approach, ...]:
    """The approaches, each once. Raises JobError in one line.

    >>> [approach.recipe for approach in read(["trees", "linear"])]
    ['trees', 'linear']
    """
    found = [Approach.parse(text) for text in texts]
    for place, approach in enumerate(found):
        if any((approach.recipe, approach.fixed) == (other.recipe, other.fixed) for other in found[:place]):
            raise JobError(f"{approach.name} is named twice. Name approaches that differ.")
    if not 2 <= len(found) <= MOST:
        raise JobError(
            f"A comparison is of 2 to {MOST} approaches, and {len(found)} were named, as in: plimsoll compare trees linear."
        )
    return tuple(found)


@dataclass(frozen=True)
class Budget:
    """What each approach may spend whenever it is tuned: on each fold of each seed the same, whichever approach it is.

    ``seconds`` is None where time is not counted.
    """

    trials: int = TRIALS
    seconds: float | None = None

    @staticmethod
    def parse(texts: Sequence[str] | None) -> Budget:
        """A budget such as ``10 trials``, ``60 s``, or both. Raises JobError in one line.

        >>> Budget.parse(["20 trials, 2 min"])
        Budget(trials=20, seconds=120.0)
        """
        trials, seconds = None, None
        for word in (part.strip() for text in texts or () for part in text.split(",") if part.strip()):
            number, _, unit = word.partition(" ")
            if unit.strip() in ("trials", "trial") and number.isdecimal() and trials is None:
                trials = int(number)
            elif seconds is None and "trial" not in word:
                seconds = _seconds(word)
            else:
                raise JobError(f'--budget "{word}" is not a budget. Write "10 trials", "60 s", or both with a comma.')
        if trials is not None and not 1 <= trials <= _ENDLESS:
            raise JobError(f"--budget {trials} trials: write 1 to {_ENDLESS:,}.")
        found = trials if trials is not None else _ENDLESS if seconds is not None else TRIALS
        return Budget(found, seconds)

    def __str__(self) -> str:
        """
        >>> str(Budget(1)), str(Budget(10, 60.0)), str(Budget.parse(["60 s"]))
        ('1 trial', '10 trials, 1 min', '1 min')
        """
        trials = [f"{self.trials:,} trial{'s' * (self.trials != 1)}"]
        time = [units.show(self.seconds, units.TIME)] if self.seconds is not None else []
        return ", ".join([*(trials if self.trials < _ENDLESS or not time else []), *time])


def _seconds(word: str) -> float:
    try:
        found = units.parse(word, units.TIME)
    except ValueError:
        found = 0.0
    if not 0 < found <= 86_400:
        raise JobError(f'--budget "{word}" is not a budget. Write "10 trials", "60 s", or both with a comma.')
    return found
