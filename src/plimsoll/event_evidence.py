"""What a report says of a decoder beside its moments: its events and their delay, each person and session, the rules that it
could have had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import event_figures, metrics
from plimsoll.asked import Truth
from plimsoll.events import Rule
from plimsoll.job import Job
from plimsoll.rule import Choice, Tried

Array = NDArray[Any]
_MOST_GROUPS = 60
_MOST_POINTS = 60
_PER_GROUP = ("detection_rate", "false_activations_per_hour", "event_error_rate")
_POINT = ("detection_rate", "false_activations_per_hour", "delay_p50", "delay_p99", "event_error_rate")


def gather(
    job: Job, truth: Truth, answers: Array, labels: Array, decided: Array, rule: Rule, compute: float
) -> dict[str, Any]:
    """The events that a rule decides on these rows, and the same moments and events by person and by session, as JSON."""
    timeline = truth.timeline
    assert timeline is not None
    votes = (rule.votes - 1) * rule.every * timeline.stride / timeline.rate
    units = truth.units
    found = event_figures.figures(timeline, truth.target, decided, units, votes, compute, job.seed)
    over = "people" if units is not None else "streams"
    events = {**found.as_json(), "rule": rule.as_json(), "over": over, "lookahead": 0.0}
    groups = {name: _grouped(job, truth, answers, labels, decided, name) for name in truth.groups}
    return {"events": events, "groups": groups}


def _grouped(job: Job, truth: Truth, answers: Array, labels: Array, decided: Array, name: str) -> dict[str, Any]:
    """The score of each person, or session: their mean, and the worst of them."""
    cells = truth.groups[name]
    found: list[dict[str, Any]] = []
    for code, value in enumerate(cells.values):
        rows = np.flatnonzero(cells.codes == code)
        if len(rows):
            part = truth.take(rows)
            score = metrics.score(job.score, part.target, answers[rows], labels[rows])
            assert part.timeline is not None
            events = event_figures.figures(part.timeline, part.target, decided[rows], draws=0).each
            told = {figure: events[figure][1] for figure in _PER_GROUP if figure in events}
            found.append({"name": value, "rows": len(rows), "score": float(score), **told})
    sign = 1.0 if metrics.METRICS[job.score].higher_is_better else -1.0
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


def _points(choice: Choice) -> list[dict[str, Any]]:
    edge = [each for each in choice.frontier() if each.rule != choice.best.rule]
    kept = [edge[k] for k in np.unique(np.linspace(0, len(edge) - 1, min(len(edge), _MOST_POINTS)).round().astype(int))]
    return [_point(each, False) for each in kept] + [_point(choice.best, True)]


def _point(tried: Tried, chosen: bool) -> dict[str, Any]:
    figures = {name: found for name in _POINT if (found := tried.measured.middle(name)) is not None}
    return {**tried.rule.as_json(), **figures, "chosen": chosen}
