"""The whole loop: read, search, choose, refit, measure, tell."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from plimsoll import catalogue, frontier, machine, offers, planner, prior, underway, window
from plimsoll.asked import ask, stated
from plimsoll.clock import Clock
from plimsoll.crew import Crew, Work
from plimsoll.errors import NothingFits, UserError
from plimsoll.finish import Finish
from plimsoll.job import Job
from plimsoll.knobs import Space
from plimsoll.limits import Limits
from plimsoll.outlook import Scene, Step, foretold, ruled_out, step_of
from plimsoll.refit import Progress
from plimsoll.run import Run
from plimsoll.run_off import run_off
from plimsoll.scoring import trial_limits
from plimsoll.search import Search
from plimsoll.second_look import second_look
from plimsoll.statement import begun
from plimsoll.trial import Status, Trial
from plimsoll.window import Window

_RESERVED = (1.0, 0.5, 0.25, 0.0)  # share of the run-off's time that each round of trials leaves alone
_LEARNING = 0.1  # share of the window that is waited for the cost model; it comes when it comes
_LONGEST = 1.0  # seconds of that: where rows are read so soon, the first trials are small and need no forecast


def fit(
    source: Any,
    *,
    predict: str = "",
    limits: str | Sequence[str] | Limits = (),
    test: Any = None,
    split: str = "",
    metric: str = "",
    ignore: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    recipes: Sequence[str] = (),
    seed: int = 0,
    choose: str = "cheapest",
    coverage: float = 0.9,
    moments: Mapping[str, Any] | None = None,
    signals: Mapping[str, Any] | None = None,
    lists: Mapping[str, Any] | None = None,
    documents: Mapping[str, Any] | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    spent: float = 0.0,
) -> Run:
    """The best model that fits the limits, as a run with a bundle that serves.

    ``source`` and ``test`` are a path (a file, a folder, a glob) or a frame of pandas, Polars or Arrow. ``spent`` are
    seconds of the window that had passed before: a command's start counts. With ``moments`` (window, stride, rest, person,
    session, delay, settle) ``predict`` is the label to decode in a signal, and ``signals`` says where its samples lie
    (file, rate, resample, band, notch, ring). With ``lists`` (to, time, weight, items, users, again, forget) rows are events, and
    ``predict`` is the column of the items to recommend. With ``documents`` (queries, judgements, text, language, encoder, cross)
    rows are documents to search, and ``predict`` may name the column of their ids.
    Raises UserError (JobError, DataError, LimitError) where something must be changed, NothingFits when no
    model meets the limits.
    """
    job = stated(
        predict,
        limits,
        split,
        metric,
        ignore,
        kinds,
        recipes,
        seed,
        choose,
        coverage,
        moments,
        signals,
        lists,
        documents,
    )
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
        for lane in self.crew.lanes:
            lane.bench.said = lambda doing: self.say(doing, self.clock.left)
        asked = ask(self.job, source, test)
        asked = underway.begin(asked, self.folder)  # only now: a mistake in the data leaves no folder behind
        search = Search(asked, underway.work(self.folder), self.clock, self.crew.first, lanes=len(self.crew.lanes))
        search.joules.start()
        search.mark("reading", 0.0, "read")
        underway.take_up(search)
        self.crew.ready(self.clock.left)  # what it imports is no trial's time, and no neighbour's
        self.learned.costs(min(_LEARNING * search.clock.left, _LONGEST))
        if (busy := machine.others_busy(0.1)) is not None and busy > machine.BUSY:
            self.say(
                f"the machine is busy ({100 * busy:.0f} % of its cores): timings will be disturbed", self.clock.left
            )
        self._search(search)
        try:
            run = Finish(search, self.crew, self.say).run(self._notes)
        except NothingFits:
            if not self.stopped:  # the same job would come to the same end
                shutil.rmtree(search.folder, ignore_errors=True)
            raise
        if complaint := prior.remember(search.cases):
            self.say(complaint, self.clock.left)
        shutil.rmtree(search.folder, ignore_errors=True)
        return run

    @property
    def _notes(self) -> list[str]:
        stopped = ["stopped before its time by the user"] if self.stopped else []
        return [*stopped, *self.learned.said]

    def _search(self, search: Search) -> None:
        """Trials, then a run-off, and trials again with what the run-off has left of its time; a blend at the end."""
        share = Window(search)
        spaces = _spaces(search)
        try:
            for reserved in _RESERVED:
                self._try(search, spaces, reserved)
                second_look(search, lambda: share.spendable, self.say)
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
        """The best net made smaller; a blend of the best trials, where it promises more than any; a small model taught by it."""
        for offer in (offers.shrunk, offers.blended, offers.distilled):
            while (step := offer(search, Window(search).spendable)) is not None:
                self.say(f"{step.recipe}, {step.why}{_best(search.trials)}", self.clock.left)
                work = Work(partial(search.attempt, step, search.number(), Window(search).spendable))
                for taken in self.crew.each(partial(next, iter([work]), None)):
                    search.keep(taken)


def _spaces(search: Search) -> dict[str, Space]:
    """The recipes that apply, each with its space; the floor is always among them. Those refused are recorded."""
    spaces = {}
    for name, why in catalogue.refusals(search.job, search.asked.schema).items():
        if why is None:
            spaces[name] = catalogue.space(name, search.job, search.asked.schema)
        elif not any(trial.recipe == name for trial in search.trials):
            search.trials.append(Trial(f"t{len(search.trials) + 1:03d}", name, {}, Status.RULED_OUT, why))
            search.ledger.add(search.trials[-1])
    return spaces


def _best(trials: Sequence[Trial]) -> str:
    top = frontier.top(trials)
    return f" (best so far: {top.recipe} {top.score.value:.4g})" if top and top.score else ""
