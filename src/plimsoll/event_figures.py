"""What is said of decisions: how many events were found and how late, what was made up, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import edits
from plimsoll.events import Timeline, pieces, placed
from plimsoll.matching import HOUR, Tally, drawn, edited, happened, quantile, ratios, tally
from plimsoll.sequences import LEAST, by_unit, spread

Array = NDArray[Any]
_DRAWS = 200


@dataclass(frozen=True)
class Figures:
    """What is said of decisions: name → (low, value, high); low and high are the value where no interval can be drawn."""

    each: Mapping[str, tuple[float, float, float]]
    counts: Mapping[str, float]
    parts: Mapping[str, float]  # of the mean delay, in seconds: they add up to it

    def as_json(self) -> dict[str, Any]:
        each = {name: {"low": low, "value": value, "high": high} for name, (low, value, high) in self.each.items()}
        return {"figures": each, "counts": dict(self.counts), "delay_parts": dict(self.parts)}


def figures(
    timeline: Timeline,
    target: Array,
    decided: Array,
    units: Array | None = None,
    votes: float = 0.0,
    compute: float = 0.0,
    seed: int = 0,
    draws: int = _DRAWS,
) -> Figures:
    """The figures of decisions (by row, as ``events.decisions`` gives them), with 95 % intervals by the bootstrap over units (Efron 1979): people, or pieces of streams.

    ``votes`` are the seconds that a rule's votes take after the first of them, and ``compute`` those that a decoder takes
    for one step; the latter are part of every delay. What has no base, such as the delay of nothing found, is left out.
    """
    held = pieces(timeline)
    made, true = placed(decided, held), happened(timeline, target, held)
    found = tally(timeline, target, made, held, true, units)
    errors = edited(true, made, held)
    random = np.random.default_rng(seed)
    many = len(found.events)
    draws = draws if many >= LEAST else 0
    weights = drawn(many, draws, random)
    each = {
        "detection_rate": _ratio(found.found, found.events, weights),
        "false_activations_per_hour": _ratio(found.false * HOUR, found.resting, weights),
        "unmatched_per_hour": _ratio(found.unmatched * HOUR, found.seconds, weights),
        "wrong_class_share": _ratio(found.wrong, found.events, weights),
        "event_error_rate": spread(by_unit(true, errors, held, units), weights),
        "delay_p50": _quantile(found, 0.5, compute, weights),
        "delay_p99": _quantile(found, 0.99, compute, weights),
    }
    counts = {
        "events": float(found.events.sum()),
        "found": float(found.found.sum()),
        "decisions": float(len(made.at)),
        "rest_hours": float(found.resting.sum() / HOUR),
        "hours": float(found.seconds.sum() / HOUR),
        "units": float(many),
        **summed(errors),
    }
    kept = {name: figure for name, figure in each.items() if np.isfinite(figure[1])}
    return Figures(kept, counts, _parts(timeline, found, votes, compute))


def summed(errors: list[edits.Edits]) -> dict[str, float]:
    """All edits, by their kind."""
    whole = sum(errors, edits.Edits())
    return {name: float(getattr(whole, name)) for name in ("substitutions", "insertions", "deletions")}


def _parts(timeline: Timeline, found: Tally, votes: float, compute: float) -> dict[str, float]:
    """The mean delay by what it was spent on: all that is not wait, votes or compute is the window filling with the event."""
    if not len(found.delays):
        return {}
    wait, label = float(found.waits.mean()), timeline.delay / timeline.rate
    window = float(found.lags.mean()) - votes
    return {"label": label, "stride": wait, "window": window, "votes": votes, "compute": compute}


def _ratio(above: Array, below: Array, weights: Array) -> tuple[float, float, float]:
    value = float(above.sum() / below.sum()) if below.sum() > 0 else float("nan")
    found = ratios(above, below, weights)
    low, high = np.quantile(found, [0.025, 0.975]) if len(found) else (value, value)
    return float(low), value, float(high)


def _quantile(found: Tally, share: float, compute: float, weights: Array) -> tuple[float, float, float]:
    """A quantile of the delays: the smallest that so large a share of them does not exceed."""
    if not len(found.delays):
        return (float("nan"),) * 3
    order = np.argsort(found.delays, kind="stable")
    delays, whose = found.delays[order], found.whose[order]
    told = []
    for weight in weights:
        mass = np.cumsum(weight[whose])
        if mass[-1] > 0:
            told.append(delays[np.searchsorted(mass, share * mass[-1])])
    value = quantile(delays, share)
    low, high = np.quantile(told, [0.025, 0.975]) if told else (value, value)
    return float(low) + compute, value + compute, float(high) + compute
