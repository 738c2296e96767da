"""The audit of an evaluation of lists: whether another split has another winner, how many users are cold, how many ties there
were, and whether order says anything.

On another split the best setting of each family is fitted once more, on what may be learned from alone: no row of the test is
looked at, and nothing is chosen by what comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from plimsoll import catalogue, metrics, order, worth
from plimsoll.crew import Crew, Lane, Work
from plimsoll.frontier import goodness
from plimsoll.judge import BROKEN
from plimsoll.refit import Progress
from plimsoll.runner import Outcome
from plimsoll.search import Search
from plimsoll.trial import Score, Trial
from plimsoll.units import TIME, show
from plimsoll.workbench import OTHER, OTHER_TAUGHT, store_folds
from plimsoll.worth import Given

_MARGIN = 1.35
_MOST = 0.15  # of the window that is kept for it
_ORDERED = 3.0  # times what transitions took, that learning them twice and asking may take
_LEAST = 1.0  # seconds of that, at least
_SHOWING = 1.0  # seconds that answering with two models, and counting what they show, may take
_FAMILIES = 6  # that are held against each other


def reserve(search: Search, window: float) -> float:
    """Seconds worth keeping for it; none for a job whose answers are no lists."""
    if search.asked.kept is None:
        return 0.0
    walls = [search.walls.get(trial.id, 0.0) * _MARGIN for trial in _best(search)]
    fits = sum(walls) / max(1, search.lanes) + max(walls, default=0.0)  # the last is the model that is shown beside
    return min(fits + _ordering(search) + _SHOWING, _MOST * window)


def _ordering(search: Search) -> float:
    """Seconds that the shuffle test may take."""
    walls = [search.walls.get(trial.id, 0.0) for trial in search.trials if trial.recipe == "transitions"]
    return max(_LEAST, _ORDERED * min(walls, default=_LEAST))


def audit(search: Search, crew: Crew, chosen: str, seconds: float, say: Progress) -> dict[str, Any]:
    """What the report says of how the models were held against each other, above all the family that was ``chosen``; what there
    was no time for says so."""
    asked = search.asked
    said: dict[str, Any] = {"split": str(search.job.split), **asked.parted}
    until = search.clock.spent + seconds
    if _ordering(search) < seconds:
        said["order"] = _order(search)
    if asked.other is None:
        return {**said, "why": "The events are too many to part them anew."}
    best = _best(search)
    store_folds(search.folder / "other.npz", [(np.arange(len(asked.other.taught)), np.arange(len(asked.other.part)))])
    waiting, ended = list(best), dict[str, tuple[Score | None, Given | None]]()

    def following() -> Work | None:
        seconds = until - search.clock.spent
        trial = next((each for each in waiting if search.walls.get(each.id, 0.0) * _MARGIN <= seconds), None)
        if trial is None:  # one that is too slow keeps none from its turn
            return None
        waiting.remove(trial)
        say(f"auditing: {trial.recipe} by {asked.other.split if asked.other else ''}", search.clock.left)
        return Work(partial(_fitted, search, trial, until - search.clock.spent), catalogue.find(trial.recipe).devices)

    for trial, outcome in crew.each(following):
        search.cpu += outcome.cpu
        ended[trial.id] = _scored(search, outcome)
    rows = [_row(trial, ended.get(trial.id, (None, None))[0]) for trial in best]
    left = [f"{trial.recipe} ({show(search.walls.get(trial.id, 0.0) * _MARGIN, TIME)})" for trial in waiting]
    cut = [trial.recipe for trial in best if trial.id in ended and ended[trial.id][0] is None]
    said_of = [
        *([f"No time was left for {', '.join(left)}."] if left else []),
        *([f"Not at an end in time: {', '.join(cut)}."] if cut else []),
    ]
    return {
        **said,
        "other": asked.other.split,
        "families": rows,
        "changes": _changes(search, best, chosen, ended),
        "why": " ".join(said_of),
    }


def _best(search: Search) -> list[Trial]:
    """The best trial of each family, the best family first; the floor among them."""
    whole = [trial for trial in search.trials if trial.complete and trial.score and trial.recipe not in catalogue.MADE]
    found: dict[str, Trial] = {}
    for trial in sorted(whole, key=lambda each: -goodness(each)):
        found.setdefault(trial.recipe, trial)
    best = list(found.values())
    return [*best[:_FAMILIES], *(trial for trial in best[_FAMILIES:] if trial.recipe in catalogue.FLOORS)]


def _fitted(search: Search, trial: Trial, seconds: float, lane: Lane) -> tuple[Trial, Outcome]:
    spec = search.spec(trial.recipe, trial.knobs, 1.0, [0], lane)
    folder = search.folder
    spec |= {"folds": str(folder / "other.npz"), "rows": str(folder / OTHER), "taught": str(folder / OTHER_TAUGHT)}
    begun = search.clock.spent
    memory = search.job.limits.get("train_memory")
    outcome = lane.bench.run(spec, folder / f"other-{trial.id}", seconds, memory)
    search.mark(f"{trial.recipe}, on another split", begun, "ladder", lane.number, trial.id)
    return trial, outcome


def _scored(search: Search, outcome: Outcome) -> tuple[Score | None, Given | None]:
    other = search.asked.other
    if not outcome.done or outcome.cut or other is None:
        return None, None
    try:
        index, lists = outcome.answers()
        truth, given = other.part.truth.take(index), Given(lists, lists)
        return worth.score(search.job.score, truth, given, search.job.seed), given
    except BROKEN:
        return None, None


def _row(trial: Trial, score: Score | None) -> dict[str, Any]:
    assert trial.score is not None
    return {
        "trial": trial.id,
        "recipe": trial.recipe,
        "here": trial.score.as_json(),
        "there": score.as_json() if score else None,
    }


def _changes(search: Search, best: Sequence[Trial], chosen: str, ended: Any) -> dict[str, Any] | None:
    """Who wins there, and by how much over the family that was chosen here: the 95 % interval of a paired bootstrap; None where
    that is not known."""
    told = {trial.id: each for trial in best if (each := ended.get(trial.id)) and each[0] is not None}
    here = next((trial for trial in best if trial.recipe == chosen and trial.id in told), None)
    if here is None or search.asked.other is None:
        return None
    sign = metrics.sign(search.job.score)
    winner = max((trial for trial in best if trial.id in told), key=lambda trial: sign * told[trial.id][0].value)
    low, high = worth.gain(
        search.job.score, search.asked.other.part.truth, told[winner.id][1], told[here.id][1], search.job.seed
    )
    return {"here": here.recipe, "there": winner.recipe, "gain": [low, high], "changes": low > 0}


def _order(search: Search) -> dict[str, Any] | None:
    asked, lists = search.asked, search.job.lists
    assert lists is not None
    learn, rows = asked.taught[0].histories(lists.to), asked.learn.rows.histories(lists.to)
    found = order.told(learn, rows, asked.learn.truth.target, lists.again, search.job.seed)
    return found.as_json() if found else None
