"""The whole loop: read, search, choose, refit, measure, tell."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from plimsoll import bundle, catalogue, frontier, machine, meter, offers, planner, prior, underway, window
from plimsoll.asked import Part, ask
from plimsoll.bundle import Bundle
from plimsoll.clock import Clock
from plimsoll.crew import Crew, Work
from plimsoll.errors import JobError, NothingFits, UserError
from plimsoll.job import Job, Split
from plimsoll.knobs import Space
from plimsoll.limits import Limits, Measured, parse
from plimsoll.outlook import Scene, Step, foretold, ruled_out, step_of
from plimsoll.provenance import facts
from plimsoll.record import nothing, record, run_costs, sampled, tested
from plimsoll.refit import Progress, final
from plimsoll.run import Run
from plimsoll.run_off import run_off
from plimsoll.schema import Kind
from plimsoll.scoring import trial_limits
from plimsoll.search import Search
from plimsoll.statement import begun
from plimsoll.trial import Score, Status, Trial
from plimsoll.window import Window

_RESERVED = (1.0, 0.5, 0.25, 0.0)  # share of the run-off's time that each round of trials leaves alone
_LEARNING = 0.1  # share of the window that is waited for the cost model; it comes when it comes
_LEAST_TESTED = 10_000  # test rows that are answered whatever the time


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
    spent: float = 0.0,
) -> Run:
    """The best model that fits the limits, as a run with a bundle that serves.

    ``source`` and ``test`` are a path (a file, a folder, a glob) or a frame of pandas, Polars or Arrow. ``spent`` are
    seconds of the window that had passed before: a command's start counts.
    Raises UserError (JobError, DataError, LimitError) where something must be changed, NothingFits when no
    model meets the limits.
    """
    job = stated(predict, limits, split, metric, ignore, kinds, recipes, seed, choose, coverage)
    folder = _folder(out, resume)
    if done := underway.ended(folder):
        return done
    clock = Clock(window.seconds(job.limits), spent=underway.spent(folder) + spent)
    crew = Crew()
    crew.start()
    try:
        solve = _Solve(
            job,
            folder,
            clock,
            crew,
            prior.Learning(job.seed, window=clock.left),
            progress or (lambda _done, _left: None),
        )
        return solve.run(source, test)
    finally:
        crew.stop()


def stated(
    predict: str,
    limits: str | Sequence[str] | Limits = (),
    split: str = "random",
    metric: str = "",
    ignore: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    recipes: Sequence[str] = (),
    seed: int = 0,
    choose: str = "cheapest",
    coverage: float = 0.9,
) -> Job:
    """The job as it was written. Raises JobError and LimitError in one line."""
    for name in recipes:
        catalogue.find(name)
        if name in catalogue.MADE:
            raise JobError(f'--recipes {name}: it is made of other trials by itself. Name those, such as "trees".')
    return Job(
        predict=predict,
        limits=limits if isinstance(limits, Limits) else parse(limits),
        metric=metric,
        split=Split.parse(split),
        ignore=tuple(ignore),
        kinds={name: _kind(name, kind) for name, kind in (kinds or {}).items()},
        recipes=tuple(recipes),
        seed=seed,
        choose=choose,
        coverage=coverage,
    )


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
    crew: Crew
    learned: prior.Learning
    say: Progress
    stopped: bool = False
    judged: bool = False  # it has been said which candidates cannot keep the limits
    lenient: bool = False  # candidates that had been ruled out are tried after all

    def run(self, source: Any, test: Any) -> Run:
        self.say("reading", self.clock.left)
        asked = ask(self.job, source, test)
        asked = underway.begin(asked, self.folder)  # only now: a mistake in the data leaves no folder behind
        search = Search(asked, underway.work(self.folder), self.clock, self.crew.first, lanes=len(self.crew.lanes))
        search.joules.start()
        search.mark("reading", 0.0, "read")
        underway.take_up(search)
        self.crew.ready(self.clock.left)  # what it imports is no trial's time, and no neighbour's
        self.learned.costs(_LEARNING * search.clock.left)
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
        if complaint := prior.remember(search.cases):
            self.say(complaint, self.clock.left)
        shutil.rmtree(search.folder, ignore_errors=True)
        return run

    def _search(self, search: Search) -> None:
        """Trials, then a run-off, and trials again with what the run-off has left of its time; a blend at the end."""
        share = Window(search)
        spaces = _spaces(search)
        try:
            for reserved in _RESERVED:
                self._try(search, spaces, reserved)
                self._mix(search)
                run_off(search, self.crew, lambda: share.spendable, self.say)
            if not any(trial.status is Status.FITS for trial in search.trials):
                self.lenient = True
                self._try(search, spaces, 0.0)
        except KeyboardInterrupt:
            # Whoever stops a run wants what there is: finish with the trials so far.
            self.stopped = True
            self.crew.abandon()
            self.say("stopped: finishing with what there is", self.clock.left)

    def _try(self, search: Search, spaces: dict[str, Space], reserved: float) -> None:
        """Trials on every idle lane, until nothing is left that is worth its while and fits into the time."""
        running: dict[str, Step] = {}
        for taken in self.crew.each(partial(self._following, search, spaces, reserved, running)):
            search.keep(taken)
            del running[taken.trial.id]

    def _following(
        self, search: Search, spaces: dict[str, Space], reserved: float, running: dict[str, Step]
    ) -> Work | None:
        """The next trial, as work for a lane; None while nothing is worth its while, or one has all the cores."""
        share = Window(search)
        self._rule_out(search, spaces)
        if any(step.wide for step in running.values()):
            return None
        step = planner.next_step(self._scene(search, spaces, list(running.values()), share.searchable(reserved)))
        if step is None:
            return None
        self.say(f"{step.recipe}, {step.why}{_best(search.trials)}", self.clock.left)
        number = search.number()
        running[number] = step
        able = catalogue.find(step.recipe).devices
        return Work(partial(search.attempt, step, number, share.allowed(step, reserved)), able)

    def _scene(self, search: Search, spaces: dict[str, Space], running: Sequence[Step], seconds: float) -> Scene:
        return Scene(
            spaces,
            search.profile,
            trial_limits(self.job.limits),
            self.learned.costs(),
            search.trials,
            search.cases,
            running,
            seconds,
            search.asked.first,
            self.job.seed,
            search.served,
            len(self.crew.lanes),
            self.crew.quicker,
            self.lenient,
        )

    def _rule_out(self, search: Search, spaces: dict[str, Space]) -> None:
        """Writes down, as soon as the costs are known, which candidates cannot keep the limits: they are not tried."""
        if self.judged or not self.learned.costs().tariffs:
            return
        self.judged = True
        scene = self._scene(search, spaces, [], Window(search).searchable(0.0))
        known = {step_of(trial).key for trial in search.trials}
        for step, why in ruled_out(scene, foretold(scene, planner.candidates(scene))):
            if step.key not in known and step.stage != "default":
                blank = Trial(search.number(), step.recipe, step.knobs, Status.RULED_OUT, why, predicted=step.predicted)
                search.trials.append(blank)
                search.ledger.add(blank)

    def _mix(self, search: Search) -> None:
        """A blend of the best trials, where it promises more than any of them; and a small model that has learned from it."""
        for offer in (offers.blended, offers.distilled):
            step = offer(search, Window(search).spendable)
            if step is not None:
                self.say(f"{step.recipe}, {step.why}{_best(search.trials)}", self.clock.left)
                work = Work(partial(search.attempt, step, search.number(), Window(search).spendable))
                for taken in self.crew.each(partial(next, iter([work]), None)):
                    search.keep(taken)

    def _finish(self, search: Search) -> Run:
        limits = search.job.limits
        order = frontier.ranked(search.trials, search.worse, search.job.choose)
        begun = self.clock.spent
        chosen = final(search, self.crew, order, Window(search).kept, self.say)
        search.mark("refitting and measuring", begun, "refit")
        if chosen is None:
            raise self._nothing(search)
        search.trials = [chosen.trial if each.id == chosen.trial.id else each for each in search.trials]
        self.say("scoring the test rows", self.clock.left)
        begun = self.clock.spent
        test = self._testable(search)
        verdict = tested(chosen.bundle, search.asked, test)
        search.mark("scoring the test rows", begun, "score")
        found = chosen.measured.joined(verdict.floors)
        found = self._written(search, chosen.bundle, found, verdict.score)
        notes = [*chosen.notes, *self._notes(search, len(test)), *self.learned.said]
        found = found.joined(run_costs(search))
        run = Run(self.folder, record(search, chosen.trial, found, verdict, order, notes))
        run.write()
        if breaches := limits.judge(found.joined(run_costs(search))):
            raise NothingFits(
                f"The chosen {chosen.trial.recipe} breaches on the test rows or in the run: {'; '.join(map(str, breaches))}. See {self.folder / 'report.html'}."
            )
        return run

    def _written(self, search: Search, made: Bundle, found: Measured, test: Score) -> Measured:
        """Writes the bundle that is served, which says its own size; gives what was found with that size."""
        folder = self.folder / "bundle"
        for _ in range(3):  # a digit more or less in what it says of its size changes the size
            said = facts(search.job.limits, found.joined(run_costs(search)), test, search.blank["sketches"])
            bundle.write(folder, replace(made, facts=said))
            size = float(meter.size(folder))
            if size == found.middle("size"):
                break
            found = found.joined(Measured.exactly(size=size))
        return found

    def _testable(self, search: Search) -> Part:
        """The test rows, or as many of them as can be answered in the time left."""
        test = search.asked.test
        seconds = max(window.REPORT, self.clock.left - window.REPORT * (1.0 + len(test) * 1e-6))
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
    for name, why in catalogue.refusals(search.job, search.asked.schema).items():
        if why is None:
            spaces[name] = catalogue.find(name).space
        elif not any(trial.recipe == name for trial in search.trials):
            search.trials.append(Trial(f"t{len(search.trials) + 1:03d}", name, {}, Status.RULED_OUT, why))
            search.ledger.add(search.trials[-1])
    return spaces


def _best(trials: Sequence[Trial]) -> str:
    top = frontier.top(trials)
    return f" (best so far: {top.recipe} {top.score.value:.4g})" if top and top.score else ""
