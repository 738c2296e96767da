"""What a report says of a decoder beside its moments: its events and their delay, each person and session, the rules that it
could have had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import event_figures, matching, metrics, sequences, spellings, worth
from plimsoll import events as deciding
from plimsoll.bundle import Bundle
from plimsoll.job import Job
from plimsoll.rule import Choice, Tried
from plimsoll.truth import Truth
from plimsoll.worth import Given

Array = NDArray[Any]
_MOST_GROUPS = 60
_MOST_POINTS = 60
_PER_GROUP = ("detection_rate", "false_activations_per_hour", "event_error_rate")
_POINT = ("detection_rate", "false_activations_per_hour", "delay_p50", "delay_p99", "event_error_rate")


def gather(job: Job, truth: Truth, given: Given, made: Bundle, compute: float) -> dict[str, Any]:
    """The events that a bundle decides on these rows and the symbols that it spells, and the same moments and events by person
    and by session, as JSON; nothing of rows that are no moments."""
    if truth.timeline is None or made.rule is None:
        return {}
    groups = {name: _grouped(job, truth, given, name) for name in truth.groups}
    told = {"symbols": _symbols(job, truth, given, made)} if made.spelling is not None else {}
    return {"events": _events(job, truth, given, made, compute), **told, "groups": groups}


def _over(truth: Truth) -> str:
    return "people" if truth.units is not None else "streams"


def _events(job: Job, truth: Truth, given: Given, made: Bundle, compute: float) -> dict[str, Any]:
    rule, timeline = made.rule, truth.timeline
    assert rule is not None
    assert timeline is not None
    votes = (rule.votes - 1) * rule.every * timeline.stride / timeline.rate
    decided = given.said["events"]
    found = event_figures.figures(timeline, truth.target, decided, truth.units, votes, compute, job.seed)
    return {**found.as_json(), "rule": rule.as_json(), "over": _over(truth), "lookahead": 0.0}


def _symbols(job: Job, truth: Truth, given: Given, made: Bundle) -> dict[str, Any]:
    """What was spelt: its error with an interval, and what was inserted, deleted and put in the place of something else."""
    timeline, said = truth.timeline, given.said["symbols"]
    assert made.spelling is not None
    assert timeline is not None
    held = deciding.pieces(timeline)
    true = matching.happened(timeline, truth.target, held)
    errors = matching.edited(true, deciding.placed(said, held), held)
    found = sequences.interval(sequences.by_unit(true, errors, held, truth.units), job.seed)
    told = dict(zip(("low", "value", "high"), found, strict=True)) if len(true.labels) else {}
    counts = {"true": len(true.labels), "spelt": int((said >= 0).sum()), **event_figures.summed(errors)}
    figures = {"character_error_rate": told} if told else {}
    return {"figures": figures, "counts": counts, "spelling": made.spelling.as_json(), "over": _over(truth)}


def _grouped(job: Job, truth: Truth, given: Given, name: str) -> dict[str, Any]:
    """The score of each person, or session: their mean, and the worst of them."""
    cells = truth.groups[name]
    found: list[dict[str, Any]] = []
    for code, value in enumerate(cells.values):
        rows = np.flatnonzero(cells.codes == code)
        if len(rows):
            part, its = truth.take(rows), given.take(rows)
            score = worth.value(job.score, part, its)
            assert part.timeline is not None
            events = event_figures.figures(part.timeline, part.target, its.said["events"], draws=0).each
            told = {figure: events[figure][1] for figure in _PER_GROUP if figure in events}
            found.append({"name": value, "rows": len(rows), "score": float(score), **told})
    sign = metrics.sign(job.score)
    known = [each for each in found if np.isfinite(each["score"])]
    if not known:
        return {}
    worst = min(known, key=lambda each: sign * each["score"])
    mean = float(np.mean([each["score"] for each in known]))
    return {
        "metric": job.score,
        "mean": mean,
        "worst": worst["name"],
        "least": worst["score"],
        "each": found[:_MOST_GROUPS],
    }


def rules(choices: Mapping[str, tuple[str, Choice]]) -> list[dict[str, Any]]:
    """The frontier of rules of each trial (by number: its recipe and its choice), with the rule that was chosen marked."""
    return [
        {"trial": number, "recipe": recipe, "points": _points(choice)} for number, (recipe, choice) in choices.items()
    ]


def spellings_of(choices: Mapping[str, tuple[str, spellings.Choice]]) -> list[dict[str, Any]]:
    """What each width gives and costs, of each trial (by number: its recipe and its choice), the chosen one marked."""
    return [
        {"trial": number, "recipe": recipe, "points": [_width(each, each is choice.best) for each in choice.tried]}
        for number, (recipe, choice) in choices.items()
    ]


def _width(tried: spellings.Tried, chosen: bool) -> dict[str, Any]:
    low, value, high = sequences.interval(tried.counts)
    error = {"low": low, "value": value, "high": high} if np.isfinite(value) else None
    told = {"character_error_rate": error, "seconds": tried.seconds, "later": tried.later}
    return {**tried.spelling.as_json(), **told, "chosen": chosen}


def _points(choice: Choice) -> list[dict[str, Any]]:
    edge = [each for each in choice.frontier() if each.rule != choice.best.rule]
    kept = [edge[k] for k in np.unique(np.linspace(0, len(edge) - 1, min(len(edge), _MOST_POINTS)).round().astype(int))]
    return [_point(each, False) for each in kept] + [_point(choice.best, True)]


def _point(tried: Tried, chosen: bool) -> dict[str, Any]:
    figures = {name: found for name in _POINT if (found := tried.measured.middle(name)) is not None}
    return {**tried.rule.as_json(), **figures, "chosen": chosen}
