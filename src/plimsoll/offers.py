"""What is made of the trials of a search: a smaller net, a blend of the best, and a small model that has learned from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
_AGAIN = 2.0  # times that a net's fit may take which is cut and trained on


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
    whole = [t for t in whole if t.stage not in (smaller.STAGE, smaller.PRUNED)]
    kept = [t for t in whole if t.status in (Status.FITS, Status.BREACHES) and t.recipe not in catalogue.FLOORS]
    kept.sort(key=lambda trial: (-goodness(trial), trial.id))
    return [(trial, search.part(trial.id)) for trial in kept[: mixing.POOLED]]


def shrunk(search: Search, seconds: float) -> Step | None:
    """The best net of the trials made smaller: in numbers of eight bits, and with fewer hidden units; each way once."""
    best = _net(search)
    if best is None:
        return None
    taken = {step_of(trial).key: trial for trial in search.trials}
    step = next((step for step in _smaller(search, best, taken) if step.key not in taken), None)
    if step is None:
        return None
    due = 2.0 * search.served + 1.0
    if step.stage == smaller.PRUNED:
        due += _AGAIN * search.walls[best.id]
        waits = step.knobs[smaller.CUT] != smaller.SHARES[0] and not any(t.stage == "distilled" for t in search.trials)
        due += _taught(search, best) if waits else 0.0  # a student of the best comes before a second cut
    return step if seconds >= due else None


def _net(search: Search) -> Trial | None:
    """The best of the trials that are a net served as a graph."""
    nets = [trial for trial, _ in mixable(search) if smaller.KNOB in trial.knobs]  # what is no net need not be read
    return next((trial for trial in nets if next(smaller.steps(trial, _members(search, trial)), None)), None)


def _smaller(search: Search, best: Trial, taken: Mapping[str, Trial]) -> Iterator[Step]:
    """All that is made of a net, the cheapest to make first; it goes without more of its units while that is of use."""
    yield from smaller.steps(best, _members(search, best))
    for share in smaller.SHARES:
        step = smaller.cut(best, share)
        yield step
        if step.key not in taken or not taken[step.key].complete:
            return
        yield from smaller.steps(taken[step.key], _members(search, taken[step.key]))


def _members(search: Search, trial: Trial) -> Mapping[str, bytes]:
    return Outcome(Status.FITS, search.folder / trial.id).members()


def _loss(search: Search, index: Array, answers: Array) -> float:
    """What the answers to some rows lack of the best there could be, by the score or the proper score beneath it."""
    name = metrics.QUALITIES[search.job.score].beneath
    value = metrics.score(name, search.target[index], answers, answers)
    return metrics.lacking(name, value)


def distilled(search: Search, seconds: float) -> Step | None:
    """A small model taught by the best, where there is time for both: by a blend; by a net; by any that is too large or too
    slow. Where the student that was kept is so as well, those before it are offered alone.
    """
    top = _teacher(search)
    if top is None:
        return None
    before = [trial for trial in search.trials if trial.stage == "distilled"]
    step = mixing.student(top, _fewer(search, before[-1]) if before else None)
    return step if step is not None and _taught(search, top) < seconds else None


def _taught(search: Search, top: Trial) -> float:
    """Seconds that fitting a teacher and its students may take."""
    return 2.5 * search.walls[top.id] + search.served + 3.0


def _teacher(search: Search) -> Trial | None:
    """The best of all; of a net made smaller, the whole."""
    top = frontier.top(search.trials)
    if top is not None and top.stage == "blend":
        return top
    alone = next((trial for trial, _ in mixable(search)), None)
    return alone if alone is not None and (smaller.KNOB in alone.knobs or _too_much(search, alone)) else None


def _too_much(search: Search, trial: Trial) -> bool:
    """Whether it breaks a limit that a smaller model may keep."""
    return bool(search.job.limits.only(frontier.COSTS).judge(trial.measured))


def _fewer(search: Search, last: Trial) -> int:
    """How many students are left to offer, where the last that was kept is too large or too slow; none where it is not."""
    kept = search.settled.get(last.id, {}).get("student", 0)
    return int(kept) if last.complete and _too_much(search, last) else 0
