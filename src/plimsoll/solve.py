"""The whole loop: read, search, choose, refit, measure, tell."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from plimsoll import bundle, catalogue, frontier, machine, planner, underway
from plimsoll.asked import Part, ask
from plimsoll.clock import Clock
from plimsoll.errors import JobError, NothingFits, UserError
from plimsoll.job import Job, Split
from plimsoll.knobs import Space
from plimsoll.limits import Limits, parse
from plimsoll.record import facts, nothing, record, run_costs, sampled, tested
from plimsoll.refit import Progress, expected, final
from plimsoll.run import Run
from plimsoll.run_off import reserve, run_off
from plimsoll.runner import Workbench
from plimsoll.schema import Kind
from plimsoll.search import Search
from plimsoll.statement import begun
from plimsoll.trial import Status, Trial

WINDOW = 300.0  # seconds of search when no limit on train is stated
_REPORT = 1.0  # seconds kept for the report and the record, and for each million test rows
_RESERVED = (1.0, 0.5, 0.25, 0.0)  # share of the run-off's time that each round of trials leaves alone
_LEAST_TESTED = 10_000  # test rows that are answered whatever the time
_MOST_TESTING = 0.2  # share of the window that answering the test rows may take


def fit(
    source: Any,
    *,
    predict: str,
    limits: str | Sequence[str] | Limits = (),
    test: Any = None,
    split: str = "random",
    metric: str = "",
    ignore: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    recipes: Sequence[str] = (),
    seed: int = 0,
    choose: str = "cheapest",
    coverage: float = 0.9,
    out: Path | str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Run:
    """The best model that fits the limits, as a run with a bundle that serves.

    ``source`` and ``test`` are a path (a file, a folder, a glob) or a frame of pandas, Polars or Arrow.
    Raises UserError (JobError, DataError, LimitError) where something must be changed, NothingFits when no
    model meets the limits.
    """
    asked_limits = limits if isinstance(limits, Limits) else parse(limits)
    job = Job(
        predict=predict,
        limits=asked_limits,
        metric=metric,
        split=Split.parse(split),
        ignore=tuple(ignore),
        kinds={name: _kind(name, kind) for name, kind in (kinds or {}).items()},
        recipes=tuple(recipes),
        seed=seed,
        choose=choose,
        coverage=coverage,
    )
    for name in job.recipes:
        catalogue.find(name)
    folder = _folder(out, resume)
    if done := underway.ended(folder):
        return done
    clock = Clock(_window(asked_limits), spent=underway.spent(folder))
    bench = Workbench()
    bench.start()
    try:
        solve = _Solve(job, folder, clock, bench, progress or (lambda _done, _left: None))
        return solve.run(source, test)
    finally:
        bench.stop()


def _window(limits: Limits) -> float:
    """Seconds that the whole run may take."""
    return limits.get("train") or WINDOW


def _kind(name: str, kind: str) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        raise JobError(f'--kind {name}={kind}: there is no kind "{kind}". There are: {", ".join(Kind)}.') from None


def _folder(out: Path | str | None, resume: bool) -> Path:
    folder = Path(out) if out is not None else Path("runs") / datetime.now().strftime("run-%Y%m%d-%H%M%S-%f")
    if begun(folder):
        if not resume:
            raise UserError(f"{folder} holds a run already. Name another folder, or continue this one with --resume.")
    elif folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty. Name a folder that is empty or does not exist.")
    return folder


@dataclass
class _Solve:
    """One run, from rows to report."""

    job: Job
    folder: Path
    clock: Clock
    bench: Workbench
    say: Progress
    stopped: bool = False

    def run(self, source: Any, test: Any) -> Run:
        self.say("reading", self.clock.left)
        asked = ask(self.job, source, test)
        asked = underway.begin(asked, self.folder)  # only now: a mistake in the data leaves no folder behind
        search = Search(asked, underway.work(self.folder), self.clock, self.bench)
        underway.take_up(search)
        self.bench.wait(self.clock.left)  # what it imports is no trial's time, and no neighbour's
        if (busy := machine.others_busy(0.1)) is not None and busy > machine.BUSY:
            self.say(
                f"the machine is busy ({100 * busy:.0f} % of its cores): timings will be disturbed", self.clock.left
            )
        self._search(search)
        try:
            run = self._finish(search)
        except NothingFits:
            if not self.stopped:  # the same job would come to the same end
                shutil.rmtree(search.folder, ignore_errors=True)
            raise
        shutil.rmtree(search.folder, ignore_errors=True)
        return run

    def _search(self, search: Search) -> None:
        """Trials, then a run-off, and trials again with what the run-off has left of its time."""
        spaces = _spaces(search)
        try:
            for share in _RESERVED:
                self._try(search, spaces, share)
                run_off(search, lambda: self._spendable(search), self.say)
        except KeyboardInterrupt:
            # Whoever stops a run wants what there is: finish with the trials so far.
            self.stopped = True
            self.say("stopped: finishing with what there is", self.clock.left)

    def _try(self, search: Search, spaces: dict[str, Space], share: float) -> None:
        rows, seed = len(search.asked.learn), search.job.seed
        while step := planner.next_step(search.trials, spaces, rows, self._searchable(search, share), seed):
            self.say(f"{step.recipe}, {step.why}{_best(search.trials)}", self.clock.left)
            search.take(step, max(1.0, self._allowed(search, step, share)))

    def _allowed(self, search: Search, step: planner.Step, share: float) -> float:
        """Seconds that a step may take: half of what is left for a recipe's first, so that one that hangs is not the last.

        The very first trial may take it all, for without one there is nothing to serve.
        """
        ended = [trial for trial in search.trials if trial.status is not Status.RULED_OUT]
        known = not ended or any(trial.recipe == step.recipe for trial in ended)
        return self._searchable(search, share) * (1.0 if known else 0.5)

    def _searchable(self, search: Search, share: float) -> float:
        """Seconds that may still be spent on trials: what may be spent, less a share of what the run-off may need."""
        return self._spendable(search) - share * reserve(search, _window(self.job.limits))

    def _spendable(self, search: Search) -> float:
        """Seconds that may still be spent: what is left, less the refit, the measuring and the report."""
        top = frontier.top(search.trials)
        left = self.clock.left - (expected(search, top) if top else 3.0) - self._kept(search)
        joules = search.job.limits.get("energy")
        if joules is not None:
            # The high end of the estimate counts, so that the promise holds at both ends.
            left = min(left, (joules * 0.6 - machine.energy(search.cpu)[2]) / machine.energy(1.0)[2])
        return left

    def _kept(self, search: Search) -> float:
        """Seconds kept for the end: answering the test rows, and the report."""
        rows = len(search.asked.test)
        return _REPORT * (1.0 + rows * 1e-6) + min(rows * search.rate, _MOST_TESTING * _window(self.job.limits))

    def _finish(self, search: Search) -> Run:
        limits = search.job.limits
        order = frontier.ranked(search.trials, search.worse, search.job.choose)
        chosen = final(search, order, self._kept(search), self.say)
        if chosen is None:
            raise self._nothing(search)
        search.trials = [chosen.trial if each.id == chosen.trial.id else each for each in search.trials]
        self.say("scoring the test rows", self.clock.left)
        test = self._testable(search)
        verdict = tested(chosen.bundle, search.asked, test)
        found = chosen.measured.joined(verdict.floors)
        made = replace(chosen.bundle, facts=facts(limits, found.joined(run_costs(search)), verdict.score, search.asked))
        bundle.write(self.folder / "bundle", made)
        notes = [*chosen.notes, *self._notes(search, len(test))]
        found = found.joined(run_costs(search))
        run = Run(self.folder, record(search, chosen.trial, found, verdict, order, notes))
        run.write()
        if breaches := limits.judge(found.joined(run_costs(search))):
            raise NothingFits(
                f"The chosen {chosen.trial.recipe} breaches on the test rows or in the run: {'; '.join(map(str, breaches))}. See {self.folder / 'report.html'}."
            )
        return run

    def _testable(self, search: Search) -> Part:
        """The test rows, or as many of them as can be answered in the time left."""
        test = search.asked.test
        seconds = max(_REPORT, self.clock.left - _REPORT * (1.0 + len(test) * 1e-6))
        most = int(seconds / search.rate) if search.rate else len(test)
        return sampled(test, max(most, _LEAST_TESTED), self.job.seed)

    def _notes(self, search: Search, tested: int) -> list[str]:
        rows = len(search.asked.test)
        notes = ["stopped before its time by the user"] if self.stopped else []
        if tested < rows:
            notes.append(f"scored on {tested:,} of {rows:,} test rows, drawn by the seed: more would have passed train")
        return notes

    def _nothing(self, search: Search) -> NothingFits:
        """The error that names the nearest model and what each relaxation would buy; the record is written all the same."""
        Run(self.folder, record(search)).write()
        return NothingFits(nothing(search))


def _spaces(search: Search) -> dict[str, Space]:
    """The recipes that apply, each with its space; the floor is always among them. Those refused are recorded."""
    spaces = {}
    for name in catalogue.names():
        if search.job.recipes and name not in search.job.recipes and name != "constant":
            continue
        recipe = catalogue.find(name)
        why = recipe.refuse(search.job, search.asked.schema)
        if why is None:
            spaces[name] = recipe.space
        elif not any(trial.recipe == name for trial in search.trials):
            search.trials.append(Trial(f"t{len(search.trials) + 1:03d}", name, {}, Status.RULED_OUT, why))
            search.ledger.add(search.trials[-1])
    return spaces


def _best(trials: Sequence[Trial]) -> str:
    top = frontier.top(trials)
    return f" (best so far: {top.recipe} {top.score.value:.4g})" if top and top.score else ""
