"""What the bouts of a comparison came to: the score of each approach on each unit and seed, and what is said of them.

Answers of all folds of a seed are put together before a unit is scored, since a unit may lie in several of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import contest, metrics, worth
from plimsoll.approaches import Budget
from plimsoll.contest import Contest
from plimsoll.errors import JobError, NothingFits
from plimsoll.rounds import Units
from plimsoll.truth import Truth
from plimsoll.worth import Given

Array = NDArray[Any]
Entry = Mapping[str, Any]  # what a bout came to, as ``bouts`` tells it
Key = tuple[str, int, int]  # approach, seed, fold
_SAID = "said_"  # before the name of what is said of moments, in a file of answers
_LEAST_UNITS = 6  # below which no p falls under .03


@dataclass(frozen=True)
class Answers:
    """Answers of a bout to the rows that it was tested on: their numbers, and what was given for them."""

    index: Array
    given: Given

    @staticmethod
    def read(place: Path) -> Answers:
        with np.load(place, allow_pickle=False) as file:
            said = {name.removeprefix(_SAID): file[name] for name in file if name.startswith(_SAID)}
            return Answers(file["index"], Given(file["answers"], file["labels"], said))

    def write(self, place: Path) -> None:
        arrays: dict[str, Any] = {f"{_SAID}{of}": each for of, each in self.given.said.items()}
        np.savez(place, index=self.index, answers=self.given.answers, labels=self.given.labels, **arrays)

    @staticmethod
    def joined(parts: Sequence[Answers]) -> Answers:
        return Answers(np.concatenate([part.index for part in parts]), Given.joined([part.given for part in parts]))


@dataclass(frozen=True)
class Sheet:
    """``scores[approach]`` has shape (seeds, units), nan where a unit was not tested or has no score; ``pooled[approach]`` is
    the score of all tested rows together, shape (seeds,)."""

    metric: str
    units: tuple[str, ...]
    seeds: tuple[int, ...]
    scores: Mapping[str, Array]
    pooled: Mapping[str, Array]

    @property
    def higher_is_better(self) -> bool:
        return metrics.QUALITIES[self.metric].higher_is_better

    @property
    def kept(self) -> Array:
        """Whether every approach has a score on a unit, shape (units,)."""
        return np.asarray(np.all([np.isfinite(each).any(axis=0) for each in self.scores.values()], axis=0))

    def means(self) -> dict[str, Array]:
        """Each approach's score on each unit that is kept: the mean over seeds, for seeds are no units."""
        return {name: np.nanmean(each[:, self.kept], axis=0) for name, each in self.scores.items()}

    def contest(self, seed: int = 0) -> Contest:
        """The contest over the units. Raises NothingFits where no unit has a score of every approach."""
        if not self.kept.any():
            raise NothingFits(f"Nothing to compare: no unit has a {self.metric} of every approach.")
        return contest.contest(self.means(), self.higher_is_better, seed)

    def row(self, name: str) -> dict[str, Any]:
        """The mean over units, the worst unit, and how far the mean moves from seed to seed (standard deviation)."""
        means, kept = self.means()[name], np.flatnonzero(self.kept)
        worst = int((np.argmin if self.higher_is_better else np.argmax)(means))
        each = [float(np.nanmean(part)) for part in self.scores[name][:, self.kept] if np.isfinite(part).any()]
        spread = float(np.std(each, ddof=1)) if len(each) > 1 else None
        place = {"unit": self.units[int(kept[worst])], "score": float(means[worst])}
        pooled = float(np.nanmean(self.pooled[name]))
        return {"mean": float(means.mean()), "worst": place, "spread": spread, "seeds": each, "pooled": pooled}

    def as_json(self) -> dict[str, Any]:
        """The score of each approach on each unit, one list a seed; null where there is none."""
        return {
            name: [[float(v) if np.isfinite(v) else None for v in seed] for seed in each]
            for name, each in self.scores.items()
        }


def equal(entries: Sequence[Entry], budget: Budget) -> None:
    """Raises JobError where a bout was given another budget than the rest: its approach would be favoured, or wronged."""
    for entry in entries:
        if entry.get("budget") != str(budget):
            raise JobError(
                f"{entry.get('approach')} was tuned with a budget of {entry.get('budget')}, and others with {budget}. "
                "Approaches are compared on equal budgets: name another --out."
            )


def failed(entries: Sequence[Entry]) -> dict[str, str]:
    """The approaches that failed in some round, each with the reason and how often: they are in no test."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry["why"]:
            found.setdefault(entry["approach"], []).append(entry)
    rounds = {name: sum(entry["approach"] == name for entry in entries) for name in found}
    return {name: f"failed in {len(each)} of {rounds[name]} rounds: {each[0]['why']}" for name, each in found.items()}


def complete(entries: Sequence[Entry], names: Sequence[str]) -> list[tuple[int, int]]:
    """The rounds, as (seed, fold), in which each of these approaches has answered."""
    done = {(entry["approach"], entry["seed"], entry["fold"]) for entry in entries if not entry["why"]}
    rounds = sorted({key[1:] for key in done})
    return [each for each in rounds if all((name, *each) in done for name in names)]


def sheet(metric: str, truth: Truth, units: Units, answers: Mapping[Key, Answers]) -> Sheet:
    """The scores of units. ``truth`` is of all rows; every approach has answers in the same rounds."""
    names = tuple(dict.fromkeys(name for name, _, _ in answers))
    seeds = tuple(sorted({seed for _, seed, _ in answers}))
    scores: dict[str, Array] = {}
    pooled: dict[str, Array] = {}
    for name in names:
        each = [Answers.joined([part for key, part in answers.items() if key[:2] == (name, seed)]) for seed in seeds]
        scores[name] = np.array([_of_units(metric, truth, units, part) for part in each])
        pooled[name] = np.array([_score(metric, truth, part, np.arange(len(part.index))) for part in each])
    return Sheet(metric, units.names, seeds, scores, pooled)


def _of_units(metric: str, truth: Truth, units: Units, given: Answers) -> list[float]:
    whose = units.of[given.index]
    return [_score(metric, truth, given, np.flatnonzero(whose == number)) for number in range(len(units.names))]


def _score(metric: str, truth: Truth, given: Answers, rows: Array) -> float:
    """The metric over some of the rows that were answered; nan where it says nothing of them, as of one class alone."""
    if not len(rows):
        return float("nan")
    true, part = truth.take(given.index[rows]), given.given.take(rows)
    if part.answers.ndim > 1 and metric in ("roc_auc", "average_precision") and len(np.unique(true.target)) < 2:
        return float("nan")
    found = worth.value(metric, true, part)
    return float(found) if np.isfinite(found) else float("nan")


# What is said beside.


def notes(
    found: Contest, told: Sheet, what: str, budget: Budget, sizes: Mapping[str, int], fixed: bool, plain: bool
) -> list[str]:
    """What whoever reads the figures should know. ``sizes``: how many settings each approach has in all; ``fixed``: the
    job says which rows are test rows; ``plain``: the units are blocks of one table.
    """
    return [
        *_power(found),
        *_left_out(told, what),
        *_small(sizes, budget),
        *(["One seed: how much of a difference is the luck of the seed is not known."] if len(told.seeds) == 1 else []),
        *(["The test rows are the job's own, the same for every seed: seeds change the tuning and the fits alone."] if fixed else []),
        *(
            ["The units are blocks of one table, whose models share rows to learn from: p-values speak of rows like these, not of other tables, and are too sure (Nadeau and Bengio 2003)."]
            if plain
            else []
        ),
        *(["The budget counts seconds: a slower or busier machine may try fewer settings."] if budget.seconds else []),
    ]  # fmt: skip


def _power(found: Contest) -> list[str]:
    """What so few units can show at all."""
    many = len(found.pairs)
    alone = contest.least_p(found.units)
    if found.least < contest.ALPHA:
        return []
    held = f"With {found.units} unit{'s' * (found.units != 1)} no p below {alone:.3g} is possible"
    held += f", and with {many} pairs to correct for none below {found.least:.3g}" if many > 1 else ""
    few = (
        " Nothing can be told apart."
        if many == 1 or found.units < _LEAST_UNITS
        else " The first pair cannot be told apart, so none is."
    )
    return [f"{held}.{few} Test on more units."]


def _left_out(told: Sheet, what: str) -> list[str]:
    gone = [name for name, kept in zip(told.units, told.kept, strict=True) if not kept]
    if not gone:
        return []
    shown = ", ".join(gone[:5]) + (", …" if len(gone) > 5 else "")
    return [f"{len(gone)} of {len(told.units)} units ({what}) have no {told.metric} and are left out: {shown}."]


def _small(sizes: Mapping[str, int], budget: Budget) -> list[str]:
    said = [f"{name} ({size:,})" for name, size in sizes.items() if size < budget.trials]
    if not said or budget.seconds:
        return []
    return [f"Fewer settings in all than the budget of {budget}, so every one of them is tried: {', '.join(said)}."]
