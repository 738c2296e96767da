"""The run-off: before the choice falls on a cheaper model than the best, both are scored on more folds.

One fold of some thousand rows tells a model from another only where they are far apart, and so the cheapest of those
that cannot be told apart would often be a little worse. Two models scored on all the training rows, each row unseen by
the model that answers it, are told apart by less than half of that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from plimsoll import frontier
from plimsoll.crew import Crew, Work
from plimsoll.refit import Progress
from plimsoll.search import Search
from plimsoll.trial import Trial

MOST = 0.3  # of the window that is kept for it
_MARGIN = 1.3  # a fold may take this much longer than the trial's own


def reserve(search: Search, window: float) -> float:
    """Seconds worth keeping for it: the folds that are left, for the best and for one that is as good."""
    top = frontier.likely(search.trials)
    left = len(search.asked.folds) - search.asked.first
    if top is None or search.job.choose == "best":
        return 0.0
    turns = 2.0 / min(2, search.lanes)
    return min(turns * left * search.walls.get(top.id, 0.0) * _MARGIN, MOST * window)


def run_off(search: Search, crew: Crew, spendable: Callable[[], float], say: Progress) -> None:
    """Adds folds to the best trial and to the one that would be chosen, until the choice stands or time is short.

    ``spendable`` says how many seconds may still be spent.
    """
    if search.job.choose == "best":
        return
    while pair := _contenders(search):
        seconds = spendable()
        due = _due(search, pair, seconds)
        if not due:
            return
        names = " and ".join(f"{trial.recipe} {trial.id}" for trial in due)
        say(f"{names}, on one fold more", search.clock.left)
        works = iter([Work(partial(search.extension, trial, seconds)) for trial in due])
        for trial, outcome in crew.each(partial(next, works, None)):
            search.extended(trial, outcome)


def _due(search: Search, pair: tuple[Trial, Trial], seconds: float) -> list[Trial]:
    """Those of the two that have the fewest folds and time for another, as many as there are lanes."""
    fewest = min(search.folds[trial.id] for trial in pair)
    if fewest >= len(search.asked.folds):
        return []
    behind = [trial for trial in pair if search.folds[trial.id] == fewest]
    if any(seconds < search.walls[trial.id] * _MARGIN for trial in behind):
        return []
    return behind[: search.lanes]


def _contenders(search: Search) -> tuple[Trial, Trial] | None:
    """(the best, the one that would be chosen in its place), where they differ."""
    order = frontier.ranked(search.trials, search.judge.worse, search.job.choose)
    if not order:
        return None
    best = max(order, key=frontier.goodness)
    known = best.id in search.folds and order[0].id in search.folds
    return (best, order[0]) if known and order[0] is not best else None
