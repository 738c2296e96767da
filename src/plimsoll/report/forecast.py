"""What was predicted of each trial before it ran, held against what was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

from plimsoll.report.load_line import Record, Run, cost_of, cost_text

FORECAST = ("cpu", "train_memory", "size", "p50", "memory")  # the costs that are predicted, those of training first
_ENDED = ("fits", "breaches", "killed")  # a trial that failed on its way says nothing of what it would have cost


@dataclass(frozen=True)
class Pair:
    """One cost of one trial: the interval printed before, and the figure measured after, in seconds or bytes.

    A killed trial shows what it had used by then, and the whole would have been at least that.
    """

    trial: Record
    cost: str
    low: float
    middle: float
    high: float
    found: float

    @property
    def killed(self) -> bool:
        return bool(self.trial["status"] == "killed")

    @property
    def verdict(self) -> str:
        """``inside``, ``outside``, or ``open`` where a kill came before the figure could leave its interval.

        >>> Pair({"status": "fits"}, "cpu", 1.0, 2.0, 3.0, 3.5).verdict
        'outside'
        >>> Pair({"status": "killed"}, "cpu", 1.0, 2.0, 3.0, 0.5).verdict
        'open'
        """
        if self.killed:
            return "open" if self.found <= self.high else "outside"
        return "inside" if self.low <= self.found <= self.high else "outside"

    @property
    def interval(self) -> str:
        """The two ends of what was predicted, in words."""
        return f"{cost_text(self.cost, self.low)}–{cost_text(self.cost, self.high)}"

    @property
    def told(self) -> str:
        """The middle of what was predicted and its interval, in words."""
        return f"{cost_text(self.cost, self.middle)} ({self.interval})"

    @property
    def measured(self) -> str:
        """The figure in words."""
        return f"{'at least ' if self.killed else ''}{cost_text(self.cost, self.found)}"


def pairs(run: Run, cost: str) -> list[Pair]:
    """Every trial for which this cost was both predicted and measured, in the order of the trials."""
    found = (_pair(trial, cost) for trial in run["trials"] if trial["status"] in _ENDED)
    return [pair for pair in found if pair is not None]


def _pair(trial: Record, cost: str) -> Pair | None:
    figures = [float(figure) for figure in (trial.get("predicted") or {}).get(cost) or ()]
    found = cost_of(trial, cost)
    if found is None or len(figures) != 3 or not all(map(math.isfinite, figures)) or figures[1] <= 0:
        return None
    low, middle, high = figures
    return Pair(trial, cost, low, middle, high, found)


def verdict_text(run: Run) -> str:
    """How many of the printed intervals held, as the run itself counted them; empty where none was printed.

    >>> verdict_text({"forecast": {"told": 48, "inside": 43}})
    '43 of 48 figures (90 %) fell inside the 90 % intervals that were printed before.'
    """
    counted = run.get("forecast") or {}
    told, inside = counted.get("told") or 0, counted.get("inside") or 0
    if not told:
        return ""
    share = f"{inside / told:.0%}".replace("%", " %")
    return f"{inside} of {told} figures ({share}) fell inside the 90 % intervals that were printed before."
