"""What nothing else beats, and the choice among it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from plimsoll.limits import Limits
from plimsoll.metrics import sign
from plimsoll.trial import Status, Trial

# Two p50s nearer than this cannot be told apart: equal models, measured in turn on a shared machine, differ by as much.
NOISE = 1.5
COSTS = ("p50", "p99", "memory", "size", "cold_start")  # of the served model; a frontier is drawn over these


def goodness(trial: Trial) -> float:
    """The score with its sign turned so that more is better; minus infinity without one."""
    if trial.score is None:
        return float("-inf")
    return sign(trial.score.metric) * trial.score.value


def top(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial with the best score, whether it keeps its limits or not."""
    return max((trial for trial in trials if trial.complete), key=goodness, default=None)


def likely(trials: Sequence[Trial]) -> Trial | None:
    """The one that would be chosen by its score as things stand: the best of those that fit, and where none does, of all."""
    return top([trial for trial in trials if trial.status is Status.FITS]) or top(trials)


def beats(one: Trial, other: Trial) -> bool:
    """At least as good on the score and on every cost, and better on one of them."""
    ones = [goodness(one), *(-(one.measured.middle(cost) or 0.0) for cost in COSTS)]
    others = [goodness(other), *(-(other.measured.middle(cost) or 0.0) for cost in COSTS)]
    return all(a >= b for a, b in zip(ones, others, strict=True)) and ones != others


def frontier(trials: Sequence[Trial]) -> list[Trial]:
    """Complete trials that fit and that no other beats on score and on every cost at once, best score first."""
    fit = [trial for trial in trials if trial.complete and trial.status is Status.FITS]
    kept = [trial for trial in fit if not any(beats(other, trial) for other in fit)]
    return sorted(kept, key=lambda trial: (-goodness(trial), trial.id))


def ranked(trials: Sequence[Trial], worse: Callable[[Trial, Trial], bool], choose: str) -> list[Trial]:
    """Trials that fit, in the order in which they would be chosen.

    ``worse(trial, best)`` says whether a trial is measurably worse than the best. With ``cheapest`` those that
    are not come first, the lowest p50 ahead, and of p50s that cannot be told apart the better score; with
    ``best`` the score alone counts.
    """
    fit = sorted(
        (t for t in trials if t.complete and t.status is Status.FITS), key=lambda trial: (-goodness(trial), trial.id)
    )
    if choose == "best" or not fit:
        return fit
    best = fit[0]
    level = _by_cost([trial for trial in fit if trial is best or not worse(trial, best)])
    return level + [trial for trial in fit if trial not in level]


def _by_cost(trials: Sequence[Trial]) -> list[Trial]:
    """Rounds of trials that are as cheap as the cheapest left, each round with the best score first."""
    left, order = sorted(trials, key=_p50), []
    while left:
        alike = [trial for trial in left if _p50(trial) <= NOISE * _p50(left[0])]
        order += sorted(alike, key=lambda trial: (-goodness(trial), _p50(trial)))
        left = left[len(alike) :]
    return order


def _p50(trial: Trial) -> float:
    return trial.measured.middle("p50") or 0.0


def nearest(trials: Sequence[Trial], limits: Limits) -> Trial | None:
    """Of the trials that breach, the one whose worst breach is the smallest; where none does, the best that fits."""
    tried = [trial for trial in trials if trial.complete and trial.status is not Status.FITS] or [
        trial for trial in trials if trial.complete
    ]
    return min(tried, key=lambda trial: (_worst(trial, limits), -goodness(trial)), default=None)


def _worst(trial: Trial, limits: Limits) -> float:
    breaches = limits.judge(trial.measured)
    return breaches[0].ratio if breaches else 0.0


def prices(trials: Sequence[Trial], limits: Limits) -> list[str]:
    """For each limit in the way: the best model that would fit without it, the rest kept, and its figure."""
    lines = []
    for limit in limits:
        others = Limits(tuple(each for each in limits if each is not limit))
        free = [t for t in trials if t.complete and not others.judge(t.measured) and limit.key in t.measured.figures]
        best = max(free, key=goodness, default=None)
        breaches = limits.judge(best.measured) if best else ()
        if best and best.score and breaches:
            found = f"{limit.key} {breaches[0].shown}"
            lines.append(f"Without {limit}: {best.recipe} with {found}, {best.score.metric} {best.score.value:.4g}.")
    return lines
