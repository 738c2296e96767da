"""The ladder of splits: the chosen model on other moments of known sessions, on a new session, and on a new person.

What a model is said to be worth depends more on what is held out than on the model. All three are shown for every job over
moments, whichever of them its own split is: the same recipe and knobs, fitted once on each rung, on training rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from plimsoll import catalogue, frontier, metrics, worth
from plimsoll.crew import Crew, Lane, Work
from plimsoll.errors import DataError
from plimsoll.job import Job
from plimsoll.judge import BROKEN
from plimsoll.refit import Progress
from plimsoll.runner import Outcome
from plimsoll.scoring import unseen
from plimsoll.search import Search
from plimsoll.trial import Trial
from plimsoll.truth import Truth
from plimsoll.units import TIME, show
from plimsoll.workbench import store_folds
from plimsoll.worth import Given

RUNGS = ("random", "session", "person")
SHOWN = ("balanced_accuracy", "macro_f1", "accuracy")
_MARGIN = 1.35  # a fit may take this much longer than one of the trial's
_MOST = 0.15  # of the window that is kept for it
_DRAWS = 100


@dataclass(frozen=True)
class Rung:
    """What one rung came to: ``figures`` by metric as (low, value, high), or why there are none."""

    name: str
    learned: int = 0
    rows: int = 0
    figures: Mapping[str, tuple[float, float, float]] | None = None
    over: str = ""
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        told = {"rung": self.name, "learned": self.learned, "rows": self.rows, "over": self.over, "why": self.why}
        figures = {
            name: {"low": low, "value": value, "high": high}
            for name, (low, value, high) in (self.figures or {}).items()
        }
        return {**told, "figures": figures}


def reserve(search: Search, window: float) -> float:
    """Seconds worth keeping for it; none for a job of rows."""
    top = frontier.likely(search.trials)
    if top is None or not search.asked.ladder:
        return 0.0
    turns = -(-len(search.asked.ladder) // max(1, search.lanes))
    return min(turns * search.walls.get(top.id, 0.0) * _MARGIN, _MOST * window)


def climb(search: Search, crew: Crew, chosen: Trial, seconds: float, say: Progress) -> dict[str, Any]:
    """One fit a rung, side by side, as far as there is time: what the report says of them."""
    trial = _single(search, chosen)
    if not search.asked.ladder or trial is None:
        return {}
    store_folds(search.folder / "ladder.npz", search.asked.ladder.values())
    names = list(search.asked.ladder)
    due = search.walls.get(trial.id, 0.0) * _MARGIN
    until = search.clock.spent + seconds
    waiting, ended = list(names), dict[str, Rung]()

    def following() -> Work | None:
        left = until - search.clock.spent
        if not waiting or left < due:
            return None
        name = waiting.pop(0)
        say(f"{trial.recipe} on the ladder: {name}", search.clock.left)
        return Work(partial(_fitted, search, trial, names.index(name), left), catalogue.find(trial.recipe).devices)

    for place, outcome in crew.each(following):
        search.cpu += outcome.cpu
        ended[names[place]] = _scored(search, names[place], outcome)
    short = f"a fit takes about {show(due, TIME)}, and the window of the run had no room for it"
    missing = "the recordings do not say whose they are, or are all of one"
    rungs = [ended.get(name) or Rung(name, why=short if name in names else missing) for name in RUNGS]
    return {"trial": trial.id, "recipe": trial.recipe, "rungs": [rung.as_json() for rung in rungs]}


def _single(search: Search, chosen: Trial) -> Trial | None:
    """The chosen trial; in place of one that is made of others, the best that is not."""
    plain = [trial for trial in search.trials if trial.complete and trial.recipe not in catalogue.MADE]
    return chosen if chosen.recipe not in catalogue.MADE else frontier.top(plain)


def _fitted(search: Search, trial: Trial, place: int, seconds: float, lane: Lane) -> tuple[int, Outcome]:
    spec = search.spec(trial.recipe, trial.knobs, 1.0, [place], lane)
    spec["folds"] = str(search.folder / "ladder.npz")
    begun = search.clock.spent
    memory = search.job.limits.get("train_memory")
    outcome = lane.bench.run(spec, search.folder / f"ladder-{place}", seconds, memory)
    search.mark(f"{trial.recipe}, a rung of the ladder", begun, "ladder", lane.number, trial.id)
    return place, outcome


def _scored(search: Search, name: str, outcome: Outcome) -> Rung:
    learn, held = search.asked.ladder[name]
    if not outcome.done or outcome.cut:
        return Rung(name, why=outcome.why or "its time was up")
    try:
        index, raw = outcome.answers()
        truth = search.asked.learn.truth.take(index)
        given = unseen(search.job, truth, index, raw).given
    except BROKEN as fault:
        return Rung(name, why=f"its answers could not be scored: {fault}")
    over, units = truth.over()
    spoken = truth.target, given.answers, given.labels, search.job.seed, _DRAWS, units
    figures = {each: metrics.interval(each, *spoken) for each in SHOWN}
    if search.job.score in metrics.SEQUENCES:
        figures |= _of_score(search.job, truth, given)
    return Rung(name, len(learn), len(held), figures, over)


def _of_score(job: Job, truth: Truth, given: Given) -> dict[str, tuple[float, float, float]]:
    """The job's own score, where it is not of moments; nothing where nothing happens."""
    try:
        found = worth.score(job.score, truth, given, job.seed)
    except DataError:
        return {}
    return {found.metric: (found.low, found.value, found.high)}
