"""The paper of a frontier chart: its edges, its two scales, and where a trial stands on it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from plimsoll.report.load_line import Record, Run, cost_of, higher_is_better, metric_of
from plimsoll.report.scales import Scale, log_around

WIDTH = 640
LEFT, RIGHT, TOP, BOTTOM = 62, 620, 34, 336
STRIP = 30  # under the plot, for trials without a score


@dataclass(frozen=True)
class Plot:
    """One cost against the score; ``foot`` is where the axis of costs stands."""

    cost: str
    metric: str
    x: Scale
    y: Scale
    bound: float | None
    foot: float

    def place(self, trial: Record) -> tuple[float, float]:
        """The middle of a trial's mark; one too poor for the scale stands just above its lower edge."""
        x = self.x.pinned(cost_of(trial, self.cost, predicted=True) or self.x.low)
        if not trial.get("score"):
            return x, BOTTOM + STRIP / 2
        return x, self.y(trial["score"]["value"]) if self.holds(trial) else BOTTOM - 14.0

    def holds(self, trial: Record) -> bool:
        return self.y.holds(trial["score"]["value"])

    def reach(self, trial: Record) -> tuple[float, float]:
        """The upper and the lower end of a trial's interval, on paper."""
        top, bottom = sorted(self.y.pinned(trial["score"][side]) for side in ("low", "high"))
        return top, bottom


def plot(run: Run, cost: str, scored: Sequence[Record], unscored: Sequence[Record]) -> Plot:
    """Scales that hold every cost, the limit, and every score worth telling apart."""
    metric = metric_of(run)
    bound = next((float(limit["bound"]) for limit in run.get("limits") or () if limit["name"] == cost), None)
    costs = [found for trial in [*scored, *unscored] if (found := cost_of(trial, cost, predicted=True))]
    x = Scale(*log_around([*costs, *([bound] if bound else [])]), LEFT, RIGHT, log=True)
    judged = [trial["score"] for trial in scored if trial["id"] != run.get("reference")] or [scored[0]["score"]]
    low, high = _span(judged, higher_is_better(metric))
    # Better is always up, so that the good corner is the same for every metric.
    y = Scale(low, high, BOTTOM, TOP) if higher_is_better(metric) else Scale(low, high, TOP, BOTTOM)
    return Plot(cost, metric, x, y, bound, BOTTOM + (STRIP if unscored else 0))


def _span(scores: Sequence[Record], higher: bool) -> tuple[float, float]:
    """All scores with their intervals, but those so poor that they would flatten the rest."""
    sign = 1 if higher else -1
    worth = [sign * score["value"] for score in scores]
    best, middle = max(worth), statistics.median(worth)
    reach = max(4 * (best - middle), 0.02 * abs(best), 1e-9)
    near = [score for score, value in zip(scores, worth, strict=True) if value >= best - reach]
    ends = [score[side] for score in near for side in ("low", "value", "high")]
    room = 0.08 * (max(ends) - min(ends)) or 0.05 * abs(best) or 1.0
    return min(ends) - room, max(ends) + room
