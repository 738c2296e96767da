"""The chosen model, fitted again on every row and held against its limits once more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from plimsoll import blend, bundle, mixing
from plimsoll.bundle import Bundle
from plimsoll.clock import Clock
from plimsoll.crew import Crew, Lane, Work
from plimsoll.errors import TrialError
from plimsoll.limits import Measured
from plimsoll.meter import TIMES
from plimsoll.runner import Outcome
from plimsoll.scoring import trial_limits
from plimsoll.search import Search
from plimsoll.trial import Trial

METERING = 2.0  # seconds that measuring a bundle may take, at least
_SLOWER = 1.3  # a second time it may take so much longer
# A fit on every row sees a quarter more of them than a fold: so much time is kept for it, and with so much it is begun.
KEPT, BEGUN = 1.6, 1.35
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Final:
    """What will be served: the chosen trial with the figures of the served model, and its bundle."""

    trial: Trial
    bundle: Bundle
    measured: Measured
    notes: tuple[str, ...]
    whole: bool = True  # fitted on all rows, and not as it was tried


def expected(search: Search, trial: Trial, slower: float = KEPT) -> float:
    """Seconds that fitting a trial's model again and measuring it may take; a blend's parts are fitted side by side."""
    fold = search.walls.get(trial.id) or trial.measured.middle("train") or 0.0
    if trial.stage == "blend":
        slowest = max((search.walls[part] for part in search.parts.get(trial.id, ())), default=0.0)
        fold = max(fold / search.lanes, slowest)
    return fold * slower + metering(search, trial)


def metering(search: Search, trial: Trial) -> float:
    """Seconds that measuring a model may take; of a blend, joining it as well, which is all that its trial did."""
    took = trial.measured.middle("train") or 0.0
    due = took if trial.stage == "blend" else max(search.served, search.meterings.get(trial.id, 0.0))
    return max(METERING, _SLOWER * due)


def final(search: Search, crew: Crew, order: Sequence[Trial], keep: float, say: Progress) -> Final | None:
    """The first in the order, fitted on all rows; where time is short or that breaks a limit, as it was tried.

    ``keep`` seconds of the clock are left for what comes after.
    """
    for trial in order:
        if search.clock.left - keep > expected(search, trial, BEGUN):
            say(f"refitting {trial.recipe} on all rows", search.clock.left)
            settled = search.settled.get(trial.id, {})
            again = _parts_fitted if trial.stage == "blend" else _fitted
            outcome = again(search, crew, trial, settled, search.clock.left - metering(search, trial) - keep)
            if outcome.done and not outcome.cut:
                if kept := _kept(search, trial, outcome, settled, keep):
                    return kept
                return _as_tried(search, trial, "fitted on all rows it broke a limit: this is the model of the trial")
        # A refit that time cut short knows less than the model of the trial, which kept every limit.
        return _as_tried(
            search, trial, "the time left did not allow a refit on all rows: this is the model of the trial"
        )
    return None


def _fitted(search: Search, crew: Crew, trial: Trial, settled: Mapping[str, Any], seconds: float) -> Outcome:
    """On every core: nothing else runs."""
    spec = search.spec(trial.recipe, {**trial.knobs, **settled}, 1.0, (), crew.lanes[0], wide=True)
    outcome = crew.first.run(spec, search.folder / "final", seconds, search.job.limits.get("train_memory"))
    search.cpu += outcome.cpu
    return outcome


def _parts_fitted(search: Search, crew: Crew, trial: Trial, settled: Mapping[str, Any], seconds: float) -> Outcome:
    """A blend's parts side by side, and then their models pooled."""
    named = blend.read(trial.knobs["parts"])
    order = search.parts.get(trial.id, ())
    # The longest first, so that no lane is left with it at the end.
    waiting = sorted(range(len(named)), key=lambda k: -search.walls.get(order[k], 0.0) if k < len(order) else 0.0)
    clock, memory = Clock(seconds), search.job.limits.get("train_memory")

    def fitted(place: int, lane: Lane) -> tuple[int, Outcome]:
        part = named[place]
        knobs = {**part.whole, **blend.own(f"{place}.", settled)}
        spec = search.spec(part.recipe, knobs, 1.0, (), lane)
        return place, lane.bench.run(spec, search.folder / f"final-{place}", clock.left, memory)

    def following() -> Work | None:
        return Work(partial(fitted, waiting.pop(0))) if waiting else None

    ended: dict[int, Outcome] = dict(crew.each(following))
    outcomes = [ended[place] for place in range(len(named))]
    search.cpu += sum(each.cpu for each in outcomes)
    wrong = [each for each in outcomes if not each.done or each.cut]
    if wrong:
        return wrong[0]
    return mixing.joined(search.asked, search.folder / "final", named, outcomes)


def _kept(search: Search, trial: Trial, outcome: Outcome, settled: Mapping[str, Any], keep: float) -> Final | None:
    """The refitted model, where it still keeps the limits that its trial kept; one that only a time speaks against is timed
    once more, as a neighbour on the machine may have been what was timed."""
    made = search.judge.bundled(trial, outcome.members(), settled)
    memory = max(float(outcome.memory), trial.measured.middle("train_memory") or 0.0)
    beside = Measured.exactly(train_memory=memory).joined(search.judge.floors(trial.id))
    for _ in range(2):
        try:
            reading = search.judge.meter(made, "final", search.clock.left - keep)
        except TrialError:
            return None
        found = reading.measured.joined(beside)
        breaches = trial_limits(search.job.limits).judge(found)
        if not breaches:
            return _final(trial, made, found, (*trial.notes, *reading.notes))
        short = search.clock.left - keep < metering(search, trial)
        if short or any(breach.limit.name not in TIMES for breach in breaches):
            return None
    return None


def _as_tried(search: Search, trial: Trial, note: str) -> Final:
    made = bundle.read(search.folder / trial.id / "bundle")
    return replace(_final(trial, made, trial.measured, (*trial.notes, note)), whole=False)


def beside(search: Search, crew: Crew, trial: Trial, whole: bool, seconds: float) -> tuple[Bundle, bool]:
    """The model that another is shown beside, and whether it is fitted on all rows: only where that one is (``whole``),
    ``seconds`` allow it and no limit speaks of what it would spend, else as it was tried."""
    spared = any(search.job.limits.get(name) is not None for name in ("cpu", "energy", "carbon"))
    if whole and not spared and seconds > search.walls.get(trial.id, 0.0) * BEGUN:
        settled = search.settled.get(trial.id, {})
        outcome = _fitted(search, crew, trial, settled, seconds)
        if outcome.done and not outcome.cut:
            return search.judge.bundled(trial, outcome.members(), settled), True
    return bundle.read(search.folder / trial.id / "bundle"), False


def _final(trial: Trial, made: Bundle, found: Measured, notes: tuple[str, ...]) -> Final:
    # The row of the chosen one shows what is served, not the model of the trial; its own time stays.
    own = Measured({"train": trial.measured.figures["train"]})
    return Final(replace(trial, measured=trial.measured.joined(found).joined(own)), made, found, notes)
