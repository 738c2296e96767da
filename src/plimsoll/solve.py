"""The whole loop: read, search, choose, refit, measure, tell."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import (
    bundle,
    catalogue,
    checks,
    data,
    evidence,
    frontier,
    infer,
    machine,
    meter,
    planner,
    splits,
)
from plimsoll.bundle import Bundle
from plimsoll.errors import DataError, JobError, NothingFits, TrialError, UserError
from plimsoll.job import Job, Split
from plimsoll.knobs import Space
from plimsoll.limits import Limits, Measured, parse
from plimsoll.rows import Rows
from plimsoll.runner import Outcome
from plimsoll.schema import Kind, Schema
from plimsoll.search import Progress, Search, qualities, spent, trial_limits
from plimsoll.serve.answerer import Answerer
from plimsoll.trial import Score, Status, Trial
from plimsoll.workbench import store

Array = NDArray[Any]
WINDOW = 300.0  # seconds of search when no limit on train is stated
_REPORT = 1.0  # seconds kept for the report and the record
_MANY = 5_000  # rows from which one holdout replaces five folds


@dataclass(frozen=True)
class Run:
    """What a fit gives: its folder and its record (``run.json``)."""

    folder: Path
    record: Mapping[str, Any]

    @property
    def chosen(self) -> Mapping[str, Any]:
        """The chosen trial."""
        return next(trial for trial in self.record["trials"] if trial["id"] == self.record["chosen"])

    @property
    def bundle(self) -> Path:
        """Where the served model lies."""
        return self.folder / "bundle"

    @property
    def frontier(self) -> pl.DataFrame:
        """A frame of the trials that no other beats, best score first."""
        kept = frontier.frontier([Trial.from_json(trial) for trial in self.record["trials"]])
        return pl.DataFrame([_flat(trial) for trial in kept])

    def _repr_html_(self) -> str:
        test = self.record["test"]
        score = f"{test['metric']} {test['value']:.4g} ({test['low']:.4g} to {test['high']:.4g})"
        return (
            f"<p><b>{self.chosen['recipe']}</b>, {score} on {test['rows']} test rows</p>{self.frontier._repr_html_()}"
        )


def _flat(trial: Trial) -> dict[str, Any]:
    score = {"score": trial.score.value, "low": trial.score.low, "high": trial.score.high} if trial.score else {}
    return {
        "id": trial.id,
        "recipe": trial.recipe,
        **score,
        **{name: trial.measured.middle(name) for name in frontier.COSTS},
    }


@dataclass(frozen=True)
class Asked:
    """The data as the job sees them."""

    job: Job
    schema: Schema
    rows: Rows
    target: Array
    frame: pl.DataFrame
    test: pl.DataFrame
    warnings: tuple[str, ...]


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
    started = time.monotonic()
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
    say = progress or (lambda _done, _left: None)
    return _Solve(job, folder, started, say).run(source, test, resume)


def _kind(name: str, kind: str) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        raise JobError(f'--kind {name}={kind}: there is no kind "{kind}". There are: {", ".join(Kind)}.') from None


def _folder(out: Path | str | None, resume: bool) -> Path:
    folder = Path(out) if out is not None else Path("runs") / datetime.now().strftime("run-%Y%m%d-%H%M%S-%f")
    if (folder / "run.json").exists() or (folder / "ledger.jsonl").exists():
        if not resume:
            raise UserError(f"{folder} holds a run already. Name another folder, or continue this one with --resume.")
    elif folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty. Name a folder that is empty or does not exist.")
    return folder


class _Solve:
    """One run, from rows to report."""

    def __init__(self, job: Job, folder: Path, started: float, say: Progress) -> None:
        self.job = job
        self.folder = folder
        self.work = folder / "work"
        self.started = started
        self.window = job.limits.get("train") or WINDOW
        self.say = say
        self.stopped = False

    @property
    def left(self) -> float:
        return self.started + self.window - time.monotonic()

    def run(self, source: Any, test: Any, resume: bool) -> Run:
        if resume and (self.folder / "run.json").exists():
            return Run(self.folder, json.loads((self.folder / "run.json").read_text(encoding="utf-8")))
        search = Search(self.job, Schema((), self.job.predict), np.zeros(0), self.work, {}, self.started)
        search.bench.start()
        try:
            self.say("reading", self.left)
            asked = _ask(self.job, source, test)
            self.work.mkdir(parents=True, exist_ok=True)  # only now: a mistake in the data leaves no folder behind
            search = replace(
                search,
                job=asked.job,
                schema=asked.schema,
                target=asked.target,
                slices=_slices(asked.job.limits, asked.frame),
            )
            self._lay_out(asked, resume, search)
            self._search(search, asked)
            run = self._finish(search, asked)
        finally:
            search.bench.stop()
        shutil.rmtree(self.work, ignore_errors=True)
        return run

    def _lay_out(self, asked: Asked, resume: bool, search: Search) -> None:
        """Puts on disk what every trial reads, and takes up what an earlier run left."""
        digest = _digest(asked)
        mark = self.work / "data.txt"
        if resume and search.ledger.path.exists():
            if not mark.exists() or mark.read_text() != digest:
                raise UserError(f"{self.folder} was begun with other rows or another job. Name another --out.")
            _take_up(search)
            return
        store(self.work / "rows", asked.rows, asked.target)
        count = 5 if len(asked.rows) <= _MANY else 1
        folds = splits.folds(asked.frame, asked.job, count)
        np.savez(self.work / "folds.npz", **_named(folds))
        pick = np.random.default_rng(asked.job.seed).permutation(len(asked.rows))[:1_000]
        sample = asked.rows.take(np.sort(pick))
        (self.work / "requests.jsonl").write_bytes(meter.requests(sample.values(asked.schema), asked.schema.names))
        mark.write_text(digest)
        if (busy := machine.others_busy(0.1)) is not None and busy > 0.6:
            self.say(f"the machine is busy ({busy:.0%} of its cores): timings will be disturbed", self.left)

    def _search(self, search: Search, asked: Asked) -> None:
        spaces = _spaces(search, asked)
        try:
            while True:
                step = planner.next_step(
                    search.trials, spaces, len(asked.rows), self._searchable(search), asked.job.seed
                )
                if step is None:
                    return
                self.say(f"{step.recipe}, {step.why}{_best(search.trials)}", self.left)
                search.take(step, max(1.0, self._searchable(search)))
        except KeyboardInterrupt:
            # Whoever stops a run wants what there is: finish with the trials so far.
            self.stopped = True
            self.say("stopped: finishing with what there is", self.left)

    def _searchable(self, search: Search) -> float:
        """Seconds that may still be spent on trials: what is left, less the refit, the measuring and the report."""
        fit = [trial for trial in search.trials if trial.complete]
        top = max(fit, key=frontier.goodness, default=None)
        refit = (top.measured.middle("train") or 0.0) * 1.5 if top else 1.0
        left = self.left - refit - 2.0 - _REPORT
        joules = search.job.limits.get("energy")
        if joules is not None:
            # The high end of the estimate counts, so that the promise holds at both ends.
            left = min(left, (joules * 0.6 - machine.energy(search.cpu)[2]) / machine.energy(1.0)[2])
        return left

    def _finish(self, search: Search, asked: Asked) -> Run:
        order = frontier.ranked(search.trials, search.worse, search.job.choose)
        if not order:
            raise self._nothing(search, asked, search.trials)
        final = self._refitted(search, order)
        if final is None:
            raise self._nothing(search, asked, search.trials)
        trial, made, measured, notes = final
        # The row of the chosen one shows what is served, not the model of the trial; its own time stays.
        trial = replace(trial, measured=trial.measured.joined(measured).joined(_own_time(trial)))
        search.trials = [trial if each.id == trial.id else each for each in search.trials]
        self.say("scoring the test rows", self.left)
        test, found, test_floors = _tested(made, asked)
        whole = measured.joined(test_floors)
        run_costs = self._run_costs(search)
        limits = search.job.limits
        made = replace(made, facts=_facts(limits, whole.joined(run_costs), test, asked))
        bundle.write(self.folder / "bundle", made)
        notes = (*notes, *(["stopped before its time by the user"] if self.stopped else []))
        record = self._record(search, asked, trial, whole.joined(self._run_costs(search)), test, found, order, notes)
        self._write(record)
        breaches = limits.judge(whole.joined(self._run_costs(search)))
        if breaches:
            raise NothingFits(
                f"The chosen {trial.recipe} breaches on the test rows or in the run: {'; '.join(map(str, breaches))}. See {self.folder / 'report.html'}."
            )
        return Run(self.folder, record)

    def _refitted(self, search: Search, order: list[Trial]) -> tuple[Trial, Bundle, Measured, tuple[str, ...]] | None:
        """The first in the order that keeps its limits once fitted on all rows; failing time for that, as it was tried."""
        for trial in order:
            expected = (trial.measured.middle("train") or 0.0) * 1.5 + 2.0
            if self.left - _REPORT > expected:
                self.say(f"refitting {trial.recipe} on all rows", self.left)
                settled = _settled(search, trial)
                spec = search.spec(trial.recipe, {**trial.knobs, **settled}, 1.0, False)
                outcome = search.bench.run(
                    spec, self.work / "final", self.left - 2.0 - _REPORT, search.job.limits.get("train_memory")
                )
                search.cpu += outcome.cpu
                if outcome.done and not outcome.cut:
                    if kept := self._kept(search, trial, outcome, settled):
                        return kept
                    continue
            # A refit that time cut short knows less than the model of the trial, which kept every limit.
            return self._as_tried(trial)
        return None

    def _kept(
        self, search: Search, trial: Trial, outcome: Outcome, settled: Mapping[str, Any]
    ) -> tuple[Trial, Bundle, Measured, tuple[str, ...]] | None:
        seen = search.seen[trial.id]
        made = search.bundled(trial, outcome.members(), settled, seen)
        try:
            reading = search.meter(made, self.work / "final", max(2.0, self.left - _REPORT))
        except TrialError:
            return None
        memory = Measured.exactly(train_memory=float(max(outcome.memory, trial.measured.middle("train_memory") or 0.0)))
        measured = reading.measured.joined(memory).joined(search.floors(seen))
        if trial_limits(search.job.limits).judge(measured):
            return None
        return trial, made, measured, (*trial.notes, *reading.notes)

    def _as_tried(self, trial: Trial) -> tuple[Trial, Bundle, Measured, tuple[str, ...]]:
        made = bundle.read(self.work / trial.id / "bundle")
        note = "the time left did not allow a refit on all rows: this is the model of the trial"
        return trial, made, trial.measured, (*trial.notes, note)

    def _run_costs(self, search: Search) -> Measured:
        return spent(search.cpu, train=time.monotonic() - self.started)

    def _record(
        self,
        search: Search,
        asked: Asked,
        chosen: Trial | None,
        measured: Measured,
        test: Score | None,
        found: Mapping[str, Any],
        order: Sequence[Trial],
        notes: Sequence[str],
    ) -> dict[str, Any]:
        return {
            "job": search.job.as_json(),
            "limits": [limit.as_json() for limit in search.job.limits],
            "machine": machine.card(),
            "trials": [trial.as_json() for trial in search.trials],
            "chosen": chosen.id if chosen else None,
            "measured": measured.as_json(),
            "test": test.as_json() if test else None,
            "why": _why(chosen, order, search.job) if chosen else "",
            "warnings": [*asked.warnings, *notes],
            "evidence": dict(found),
            "reference": next((trial.id for trial in search.trials if trial.recipe == "constant"), None),
            "reproduce": _reproduce(search.job, asked),
            "elapsed": time.monotonic() - self.started,
        }

    def _write(self, record: Mapping[str, Any]) -> None:
        from plimsoll.report import page

        fresh = self.folder / ".run.json"
        fresh.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(fresh, self.folder / "run.json")
        page.write(dict(record), self.folder / "report.html")

    def _nothing(self, search: Search, asked: Asked, trials: Sequence[Trial]) -> NothingFits:
        """The error that names the nearest model and what each relaxation would buy; the record is written all the same."""
        limits = trial_limits(search.job.limits)
        near = frontier.nearest(trials, limits)
        self._write(self._record(search, asked, None, self._run_costs(search), None, {}, (), ()))
        if near is None:
            ended = "; ".join(f"{trial.recipe}: {trial.why}" for trial in trials[:4])
            return NothingFits(f"Nothing fits: no trial came to its end in {self.window:.0f} s. {ended}")
        breaches = limits.judge(near.measured)
        over = "; ".join(str(breach) for breach in breaches) or "it could not be fitted again in the time left"
        score = f", {near.score.metric} {near.score.value:.4g}" if near.score else ""
        return NothingFits(
            " ".join([f"Nothing fits. Nearest: {near.recipe}{score}, but {over}.", *frontier.prices(trials, limits)])
        )


def _ask(job: Job, source: Any, test: Any) -> Asked:
    frame = data.read(source)
    held = data.read(test) if test is not None else None
    job, schema = infer.infer(frame, job)
    frame, dropped = infer.with_target(frame, job)
    warnings = [dropped] if dropped else []
    if held is None:
        learn, unseen = splits.split(frame, job)
        held, frame = frame[unseen], frame[learn]
    else:
        held, missing = infer.with_target(held, job)
        warnings += [missing] if missing else []
    if not schema.columns:
        raise DataError("No column is left to learn from. Look at --ignore and at the kinds of the columns.")
    if not len(frame) or not len(held):
        raise DataError("Rows are needed on both sides of the split. Give more rows, or --test FILE.")
    warnings += checks.check(frame, held, job, schema)
    rows, target = infer.to_rows(frame, schema), infer.to_target(frame, job, schema)
    return Asked(job, schema, rows, target, frame, held, tuple(warnings))


def _own_time(trial: Trial) -> Measured:
    return Measured({"train": trial.measured.figures["train"]})


def _named(folds: Sequence[tuple[Array, Array]]) -> dict[str, Any]:
    """Folds as named arrays: learn0, unseen0, learn1, …"""
    return {
        f"{name}{k}": part for k, fold in enumerate(folds) for name, part in zip(("learn", "unseen"), fold, strict=True)
    }


def _slices(limits: Limits, frame: pl.DataFrame) -> dict[str, Array]:
    masks = {}
    for floor in limits.floors:
        if floor.slice:
            column, value = floor.slice
            if column not in frame.columns:
                raise JobError(f'limits.{floor.key}: there is no column "{column}".')
            masks[floor.key] = (frame[column].cast(pl.String) == value).fill_null(False).to_numpy()
            if not masks[floor.key].any():
                raise JobError(f'limits.{floor.key}: no row has "{value}" in {column}.')
    return masks


def _spaces(search: Search, asked: Asked) -> dict[str, Space]:
    """The recipes that apply, each with its space; the floor is always among them. Those refused are recorded."""
    spaces = {}
    for name in catalogue.names():
        if asked.job.recipes and name not in asked.job.recipes and name != "constant":
            continue
        recipe = catalogue.find(name)
        why = recipe.refuse(asked.job, asked.schema)
        if why is None:
            spaces[name] = recipe.space
        elif not any(trial.recipe == name for trial in search.trials):
            search.trials.append(Trial(f"t{len(search.trials) + 1:03d}", name, {}, Status.RULED_OUT, why))
            search.ledger.add(search.trials[-1])
    return spaces


def _take_up(search: Search) -> None:
    """Takes up the trials of a run that was cut off, with the answers that it left."""
    for entry in search.ledger.entries():
        if "trial" not in entry:
            continue
        trial = Trial.from_json(entry["trial"])
        outcome = Outcome(Status.FITS, search.folder / trial.id, settled=entry.get("settled", {}))
        if trial.score is not None:
            try:
                search.look(trial.id, outcome)
            except (OSError, KeyError, ValueError):
                continue
        search.trials.append(trial)


def _settled(search: Search, trial: Trial) -> dict[str, Any]:
    """What the trial's training settled, such as the number of trees."""
    for entry in search.ledger.entries():
        if entry.get("trial", {}).get("id") == trial.id:
            return dict(entry.get("settled", {}))
    return {}


def _tested(made: Bundle, asked: Asked) -> tuple[Score, dict[str, Any], Measured]:
    """The test rows, asked of the bundle that will be served: used once, after every choice."""
    rows, truth = infer.to_rows(asked.test, asked.schema), infer.to_target(asked.test, asked.job, asked.schema)
    decided = Answerer(made).decide(rows)
    answers = decided.values if decided.probabilities is None else decided.probabilities
    assert answers is not None
    labels = answers if decided.labels is None else decided.labels
    score = evidence.score(asked.job.score, truth, answers, labels, asked.job.seed)
    found = evidence.gather(asked.job, asked.schema, rows, truth, answers, labels, made.calibration.radius)
    return score, found, qualities(asked.job.limits, truth, answers, labels, _slices(asked.job.limits, asked.test))


def _facts(limits: Limits, measured: Measured, test: Score, asked: Asked) -> dict[str, Any]:
    return {
        "limits": [str(limit) for limit in limits],
        "measured": measured.as_json(),
        "machine": machine.card(),
        "metrics": [test.as_json()],
        "sketches": evidence.sketches(asked.rows),
        "versions": machine.versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _why(chosen: Trial, order: Sequence[Trial], job: Job) -> str:
    best = max(order, key=frontier.goodness)
    assert best.score is not None
    if chosen is best:
        return f"It has the best {job.score} of the {len(order)} models that fit."
    return f"It is the cheapest to ask (p50) of the models that are not measurably worse than the best, {best.recipe} ({best.id}, {job.score} {best.score.value:.4g})."


def _best(trials: Sequence[Trial]) -> str:
    top = max((trial for trial in trials if trial.complete), key=frontier.goodness, default=None)
    return f" (best so far: {top.recipe} {top.score.value:.4g})" if top and top.score else ""


def _digest(asked: Asked) -> str:
    """What a run must share with the one that it continues: the job, and the rows as they were read."""
    seen = hashlib.sha256(json.dumps([asked.job.as_json(), asked.schema.as_json()], sort_keys=True).encode())
    seen.update(np.ascontiguousarray(asked.target).tobytes())
    seen.update(asked.frame.hash_rows(seed=0).to_numpy().tobytes())
    return seen.hexdigest()


def _reproduce(job: Job, asked: Asked) -> list[str]:
    return [
        f"seed {job.seed}, split {job.split}, {len(asked.rows)} rows to learn from, {len(asked.test)} test rows",
        f"rows and job: sha256 {_digest(asked)[:16]}",
        ", ".join(f"{name} {version}" for name, version in machine.versions().items()),
    ]
