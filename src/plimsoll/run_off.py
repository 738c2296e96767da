"""The run-off: before the choice falls on a cheaper model than the best, both are scored on more folds.

One fold of some thousand rows tells a model from another only where they are far apart, and so the cheapest of those
that cannot be told apart would often be a little worse. Two models scored on all the training rows, each row unseen by
the model that answers it, are told apart by less than half of that.
"""

from __future__ import annotations

from collections.abc import Callable

from plimsoll import frontier
from plimsoll.refit import Progress
from plimsoll.search import Search
from plimsoll.trial import Trial

MOST = 0.3  # of the window that is kept for it
_MARGIN = 1.3  # a fold may take this much longer than the trial's own


def reserve(search: Search, window: float) -> float:
    """Seconds worth keeping for it: the folds that are left, for the best and for one that is as good."""
    top = frontier.top(search.trials)
    left = len(search.asked.folds) - search.asked.first
    if top is None or search.job.choose == "best":
        return 0.0
    return min(2.0 * left * search.walls.get(top.id, 0.0) * _MARGIN, MOST * window)


def run_off(search: Search, spendable: Callable[[], float], say: Progress) -> None:
    """Adds folds to the best trial and to the one that would be chosen, until the choice stands or time is short.

    ``spendable`` says how many seconds may still be spent.
    """
    if search.job.choose == "best":
        return
    while pair := _contenders(search):
        trial = min(pair, key=lambda each: search.folds[each.id])
        seconds = spendable()
        if search.folds[trial.id] >= len(search.asked.folds) or seconds < search.walls[trial.id] * _MARGIN:
            return
        say(f"{trial.recipe} {trial.id}, on one fold more", search.clock.left)
        search.extend(trial, seconds)


def _contenders(search: Search) -> tuple[Trial, Trial] | None:
    """(the best, the one that would be chosen in its place), where they differ."""
    order = frontier.ranked(search.trials, search.worse, search.job.choose)
    if not order:
        return None
    best = max(order, key=frontier.goodness)
    known = best.id in search.folds and order[0].id in search.folds
    return (best, order[0]) if known and order[0] is not best else None
