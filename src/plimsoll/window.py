"""How the window of a run is shared out: what the search may still spend, and what is kept for the end."""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll import frontier, ladder, list_audit, machine, metrics, smaller
from plimsoll.limits import Limits
from plimsoll.outlook import Step
from plimsoll.refit import expected
from plimsoll.run_off import reserve
from plimsoll.search import Search
from plimsoll.trial import Status

WINDOW = 300.0  # seconds of search when no limit on train is stated
REPORT = 1.0  # seconds kept for the report and the record, and for each million test rows
MOST_TESTING = 0.2  # share of the window that answering the test rows may take
_PARTS = 4  # that a blend usually has
_BLENDING = 0.25  # of the window that is kept for it, at most; as much for a smaller net
_SMALLER = 5.0  # fits of a net that making it smaller may take
_FIRST = 3.0  # seconds kept for the end while nothing is known of it


def seconds(limits: Limits) -> float:
    """Seconds that the whole run may take."""
    return limits.get("train") or WINDOW


@dataclass(frozen=True)
class Window:
    """What is left of a run's window, and for what."""

    search: Search

    @property
    def kept(self) -> float:
        """Seconds kept for the end: answering the test rows, the bundle, and the report."""
        rows = len(self.search.asked.test)
        testing = min(rows * self.search.rate, MOST_TESTING * seconds(self.search.job.limits))
        return REPORT * (1.0 + rows * 1e-6) + testing + self.search.judge.writing

    @property
    def spendable(self) -> float:
        """Seconds that may still be spent: what is left, less the refit, the measuring, the ladder or the audit, and the report."""
        search = self.search
        whole = seconds(search.job.limits)
        left = search.clock.left - self._last - self.kept - ladder.reserve(search, whole)
        left -= list_audit.reserve(search, whole)
        joules = search.job.limits.get("energy")
        if joules is not None:
            # The high end of the estimate counts, so that the promise holds at both ends.
            left = min(left, (joules * 0.6 - machine.energy(search.cpu)[2]) / machine.energy(1.0)[2])
        return left

    @property
    def _last(self) -> float:
        """Seconds for the last fit on all rows: of the best, or of a student or a pruned net that may be chosen in its place."""
        top = frontier.likely(self.search.trials)  # what breaks a limit is never fitted again
        stages = "distilled", smaller.PRUNED
        students = [t for t in self.search.trials if t.stage in stages and t.status is Status.FITS]
        return max((expected(self.search, trial) for trial in (*students, *([top] if top else []))), default=_FIRST)

    def searchable(self, share: float) -> float:
        """Seconds that may still be spent on trials: less a share of what the run-off, a blend and a smaller net may need."""
        whole = seconds(self.search.job.limits)
        return self.spendable - share * (reserve(self.search, whole) + self.blending(whole) + self.shrinking(whole))

    def blending(self, whole: float) -> float:
        """Seconds worth keeping for a blend: measuring it, and fitting several trials again in place of one."""
        search = self.search
        if not metrics.QUALITIES[search.job.score].beneath:  # answers that are not pooled
            return 0.0
        parts = sorted((t for t in search.trials if t.complete), key=frontier.goodness, reverse=True)[:_PARTS]
        if len(parts) < 2 or any(trial.stage == "blend" for trial in search.trials):
            return 0.0
        more = sum(expected(search, trial) for trial in parts[1:]) / search.lanes
        return min(more + 2.0 * search.served, _BLENDING * whole)

    def shrinking(self, whole: float) -> float:
        """Seconds worth keeping for cutting the best net and for a small one taught by it, where a net is the best."""
        search, top = self.search, frontier.top(self.search.trials)
        begun = any(trial.stage in (smaller.PRUNED, "distilled") for trial in search.trials)
        if begun or top is None or smaller.KNOB not in top.knobs:
            return 0.0
        return min(_SMALLER * search.walls.get(top.id, 0.0) + 6.0 * search.served, _BLENDING * whole)

    def allowed(self, step: Step, share: float) -> float:
        """Seconds that a step may take: half of what is left for a recipe's first, so that one that hangs is not the last.

        The very first trial may take it all, for without one there is nothing to serve.
        """
        ended = [trial for trial in self.search.trials if trial.status is not Status.RULED_OUT]
        known = not ended or any(trial.recipe == step.recipe for trial in ended)
        return max(1.0, self.searchable(share) * (1.0 if known else 0.5))
