"""One approach in one round: tuned on the rows to learn from, fitted again on all of them, and asked about the rest.

Every fit runs in a process of its own, as any trial does. The rows that are tested are answered by the last fit and shown
to none: neither the choice of a setting nor the stopping of a fit sees them.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import bundle, catalogue, metrics, worth
from plimsoll.approaches import Approach, Budget
from plimsoll.asked import Asked
from plimsoll.clock import Clock
from plimsoll.crew import Lane
from plimsoll.errors import PlimsollError
from plimsoll.judge import BROKEN
from plimsoll.refit import KEPT
from plimsoll.rounds import Round
from plimsoll.runner import Outcome
from plimsoll.scoresheet import Answers
from plimsoll.search import Search
from plimsoll.trial import Status, Trial

Array = NDArray[Any]
LONGEST = 600.0  # seconds of one fit where the budget counts none
_LEAST, _LAST = 60.0, 10.0  # seconds, and times as long as a fold of its trial took, after which a last fit is ended


@dataclass(frozen=True)
class Bout:
    """An approach in a round; ``inner`` and ``outer`` are the numbers of its folds among those laid out on disk.

    ``kept``: its model is kept in the folder of its name, to be measured when nothing else runs.
    """

    number: int  # of the approach, as they were named
    approach: Approach
    round: Round
    inner: tuple[int, ...]
    outer: int
    kept: bool = False

    @property
    def name(self) -> str:
        return f"a{self.number + 1}-s{self.round.seed}-f{self.round.fold + 1}"


class Stopped(PlimsollError):
    """Whoever runs the comparison has had enough."""


@dataclass
class Bench:
    """Where bouts are carried out: the rows in ``folder``, as ``underway`` lays them out, and what each approach may spend."""

    asked: Asked
    folder: Path
    budget: Budget
    stop: threading.Event

    def carry_out(self, bout: Bout, lane: Lane) -> dict[str, Any]:
        """What a bout came to, as JSON values; its answers lie in ``<name>.npz``. Raises Stopped."""
        job = replace(self.asked.job, seed=bout.round.seed)
        search = Search(replace(self.asked, job=job), self.folder, Clock(LONGEST), lane.bench)
        told = {"approach": bout.approach.name, "seed": bout.round.seed, "fold": bout.round.fold}
        told |= {"budget": str(self.budget), "rows": len(bout.round.learn), "tested": len(bout.round.held)}
        tries, best = self._tuned(search, bout, lane)
        told |= {
            "trials": tries,
            "tuning": sum(each["wall"] for each in tries),
            "tuning_cpu": sum(each["cpu"] for each in tries),
        }
        if best is None:
            return {**told, "chosen": None, "why": tries[0]["why"] if tries else "no trial ended within the budget"}
        return {**told, **self._fitted(search, bout, lane, best)}

    def _tuned(self, search: Search, bout: Bout, lane: Lane) -> tuple[list[dict[str, Any]], _Best | None]:
        """Every setting that was tried, and the best: the default, the portfolio, then settings drawn by the seed."""
        clock = Clock(self.budget.seconds or float("inf"))
        space = bout.approach.space(self.asked.job, self.asked.schema)
        tries: list[dict[str, Any]] = []
        best: _Best | None = None
        for place, knobs in enumerate(space.settings(bout.round.seed, self.budget.trials)):
            if tries and clock.left <= min(each["wall"] for each in tries):
                break
            name = f"{bout.name}-t{place + 1}"
            begun = clock.spent
            outcome = self._run(search, bout, lane, name, knobs, bout.inner, min(clock.left, LONGEST))
            score, why = _scored(search, name, outcome)
            wall = clock.spent - begun
            tries.append({"knobs": dict(knobs), "score": score, "wall": wall, "cpu": outcome.cpu, "why": why})
            if score is not None and (best is None or _better(search.job.score, score, best.score)):
                best = _Best(name, knobs, score, outcome)
        return tries, best

    def _run(
        self, search: Search, bout: Bout, lane: Lane, name: str, knobs: Mapping[str, Any], folds: Sequence[int],
        seconds: float, **more: Any,
    ) -> Outcome:  # fmt: skip
        if self.stop.is_set():
            raise Stopped("stopped")
        lane.bench.wait(seconds)
        spec = {**search.spec(bout.approach.recipe, knobs, 1.0, folds, lane), **more}
        outcome = lane.bench.run(spec, self.folder / name, seconds, search.job.limits.get("train_memory"))
        if self.stop.is_set():  # what ended a fit was whoever stopped it
            raise Stopped("stopped")
        return outcome

    def _fitted(self, search: Search, bout: Bout, lane: Lane, best: _Best) -> dict[str, Any]:
        """The best setting on all rows to learn from, its answers to the others kept, and its model to be measured."""
        settled = dict(best.outcome.settled)
        fold = best.outcome.wall / len(bout.inner)
        # A fit that took all the time that it was given would take more: on more rows it gets as much more as those are.
        seconds = KEPT * fold if best.outcome.cut else max(_LEAST, _LAST * fold)
        name = f"{bout.name}-last"
        outcome = self._run(search, bout, lane, name, {**best.knobs, **settled}, [bout.outer], seconds, blind=True)
        told = {"chosen": {"knobs": dict(best.knobs), "settled": settled, "score": best.score}, "refit": outcome.wall}
        told |= {"refit_cpu": outcome.cpu, "why": outcome.why, "cut": outcome.cut, "model": outcome.size}
        if outcome.done:
            told["why"] = _answered(search, best, outcome, self.folder / f"{bout.name}.npz")
            if bout.kept:
                blank = Trial(best.name, bout.approach.recipe, best.knobs, Status.FITS)
                made = search.judge.bundled(blank, outcome.members(), settled)
                bundle.write(self.folder / bout.name / "bundle", made)
        for folder in self.folder.glob(f"{bout.name}-*"):
            shutil.rmtree(folder, ignore_errors=True)
        return told


@dataclass(frozen=True)
class _Best:
    """The best trial of a bout so far."""

    name: str
    knobs: Mapping[str, Any]
    score: float
    outcome: Outcome


def _better(metric: str, one: float, other: float) -> bool:
    return metrics.sign(metric) * (one - other) > 0.0


def _scored(search: Search, name: str, outcome: Outcome) -> tuple[float | None, str]:
    """The score of a trial on rows that its models had not seen, or why there is none."""
    if not outcome.done:
        return None, outcome.why
    try:
        seen = search.judge.look(name, outcome)
        score = worth.value(search.job.score, search.asked.learn.truth.take(seen.index), seen.given)
    except BROKEN as fault:
        return None, f"its answers could not be scored: {fault}"
    return (float(score), "") if np.isfinite(score) else (None, f"its {search.job.score} is not a number")


def _answered(search: Search, best: _Best, outcome: Outcome, place: Path) -> str:
    """Keeps the answers to the rows that were tested, calibrated on those that were tuned on; why not, where that fails."""
    judge = search.judge
    try:
        index, raw = outcome.answers()
        given = judge.taught(best.name, raw, search.asked.learn.truth.take(index))
    except BROKEN as fault:
        return f"its answers cannot be read: {fault}"
    fresh = place.with_suffix(".fresh.npz")
    Answers(index, given).write(fresh)
    fresh.replace(place)
    return ""


def able(bout: Bout) -> bool:
    """Whether its fits can use a CUDA device."""
    return catalogue.find(bout.approach.recipe).devices
