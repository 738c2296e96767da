"""What is made of the trials of a search: a smaller net, a blend of the best, and a small model that has learned from it."""

from __future__ import annotations

from functools import partial
from typing import Any

from numpy.typing import NDArray

from plimsoll import catalogue, frontier, metrics, mixing, smaller
from plimsoll.frontier import goodness
from plimsoll.outlook import Step, step_of
from plimsoll.runner import Outcome
from plimsoll.search import Search
from plimsoll.trial import Status, Trial

Array = NDArray[Any]


def blended(search: Search, seconds: float) -> Step | None:
    """A blend of the best trials, where it promises more than the best of them alone and there is time.

    Answers are pooled by the proper score beneath the score. What spells a sequence has none: two such models say the same
    symbol each at a moment of its own, and pooled they would say nothing.
    """
    if not metrics.QUALITIES[search.job.score].beneath:
        return None
    if seconds < 2.0 * search.served + 1.0:
        return None
    found = mixing.proposed(mixable(search), partial(_loss, search), search.job)
    taken = {step_of(trial).key for trial in search.trials}
    return found if found is not None and found.key not in taken else None


def mixable(search: Search) -> list[tuple[Trial, mixing.Part]]:
    """The best of the trials on all rows that can be parts of a blend, the best first."""
    whole = [t for t in search.trials if t.complete and t.id in search.judge.seen and t.recipe not in catalogue.MADE]
    whole = [t for t in whole if t.stage != smaller.STAGE]
    kept = [t for t in whole if t.status in (Status.FITS, Status.BREACHES) and t.recipe != "constant"]
    kept.sort(key=lambda trial: (-goodness(trial), trial.id))
    return [(trial, search.part(trial.id)) for trial in kept[: mixing.POOLED]]


def shrunk(search: Search, seconds: float) -> Step | None:
    """The best net of the trials in numbers of eight bits, once."""
    if seconds < 2.0 * search.served + 1.0:
        return None
    taken = {step_of(trial).key for trial in search.trials}
    for trial, part in mixable(search):
        if smaller.KNOB not in trial.knobs:  # what is no net need not be read
            continue
        found = smaller.step(trial, Outcome(Status.FITS, part.folder).members())
        if found is not None:
            return found if found.key not in taken else None
    return None


def _loss(search: Search, index: Array, answers: Array) -> float:
    """What the answers to some rows lack of the best there could be, by the score or the proper score beneath it."""
    name = metrics.QUALITIES[search.job.score].beneath
    value = metrics.score(name, search.target[index], answers, answers)
    return metrics.lacking(name, value)


def distilled(search: Search, seconds: float) -> Step | None:
    """A small model taught by the blend, where the blend is the best and there is time for both."""
    top = frontier.top(search.trials)
    if top is None or top.stage != "blend" or any(trial.stage == "distilled" for trial in search.trials):
        return None
    step = mixing.student(top)
    due = 2.5 * search.walls[top.id] + search.served + 3.0
    return step if step is not None and due < seconds else None
