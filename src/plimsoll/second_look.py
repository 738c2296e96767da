"""A second look: a better model that was timed as too slow is timed once more before it is given up.

Trials are timed as they come, beside others and whatever else the machine does. Where a model would be chosen that is
measurably worse than one whose times alone stand against it, those times had better be so. Each is looked at once more
and no further: who measures until it fits, finds that it fits.
"""

from __future__ import annotations

from collections.abc import Callable

from plimsoll import frontier
from plimsoll.meter import TIMES
from plimsoll.refit import Progress
from plimsoll.scoring import trial_limits
from plimsoll.search import Search
from plimsoll.trial import Status, Trial

_LONGER = 3.0  # times that it may take what measuring has taken so far


def second_look(search: Search, spendable: Callable[[], float], say: Progress) -> None:
    """Times again those that are better than all that fit, the best first, until one fits or time is short.

    ``spendable`` says how many seconds may still be spent.
    """
    for trial in _doubtful(search):
        seconds = min(spendable(), _LONGER * search.served + 2.0)
        if seconds < search.served:
            return
        search.looked.add(trial.id)
        say(f"{trial.recipe} {trial.id}, timed once more", search.clock.left)
        if search.timed_again(trial, seconds).status is Status.FITS:
            return


def _doubtful(search: Search) -> list[Trial]:
    """Complete trials that no limit but one on times stands against, and that beat what fits; the best score first."""
    fits = [trial for trial in search.trials if trial.complete and trial.status is Status.FITS]
    best = max(fits, key=frontier.goodness, default=None)
    found = [
        trial
        for trial in search.trials
        if trial.complete and trial.id not in search.looked and _only_times(search, trial)
        if best is None or (frontier.goodness(trial) > frontier.goodness(best) and search.judge.worse(best, trial))
    ]
    return sorted(found, key=frontier.goodness, reverse=True)


def _only_times(search: Search, trial: Trial) -> bool:
    breaches = trial_limits(search.job.limits).judge(trial.measured)
    return trial.status is Status.BREACHES and all(breach.limit.name in TIMES for breach in breaches)
