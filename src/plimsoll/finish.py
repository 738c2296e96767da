"""The end of a run: the choice, its refit, the test rows, and the bundle and the record that are left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plimsoll import (
    bundle,
    catalogue,
    event_evidence,
    found_evidence,
    frontier,
    ladder,
    list_audit,
    list_evidence,
    meter,
    shift,
    window,
)
from plimsoll.bundle import Bundle
from plimsoll.crew import Crew
from plimsoll.errors import NothingFits
from plimsoll.limits import Measured
from plimsoll.metrics import ROBUSTNESS
from plimsoll.provenance import facts
from plimsoll.record import Verdict, nothing, record, run_costs, sampled, tested
from plimsoll.refit import Final, Progress, beside, final
from plimsoll.run import Run
from plimsoll.scoring import asking
from plimsoll.search import Search
from plimsoll.serve.answering import answering
from plimsoll.trial import Trial
from plimsoll.truth import Part
from plimsoll.window import Window

_RULED = 3  # trials whose decision rules are shown
_FAULTS = 13  # of sensors that test rows are answered with: four turns, and up to eight silent channels
# Times what a report of rows is given: a bundle with all items, and trials that end when they are told to.
_WRITING = 2.5
_SHOWN = 2_000  # users of the test whose lists are held against those of another model
_LEAST_TESTED = 10_000  # test rows that are answered whatever the time


@dataclass(frozen=True)
class Finish:
    """What a search comes to, under ``folder``: its record, its report, and a bundle where a model keeps every limit."""

    search: Search
    crew: Crew
    say: Progress

    def run(self, notes: Sequence[str]) -> Run:
        """Raises NothingFits, with the record written all the same."""
        search, limits, clock = self.search, self.search.job.limits, self.search.clock
        order = frontier.ranked(search.trials, search.judge.worse, search.job.choose)
        begun = clock.spent
        chosen = final(search, self.crew, order, Window(search).kept, self.say)
        search.mark("refitting and measuring", begun, "refit")
        if chosen is None:
            Run(self._folder, record(search)).write()
            raise NothingFits(nothing(search))
        search.trials = [chosen.trial if each.id == chosen.trial.id else each for each in search.trials]
        self.say("scoring the test rows", clock.left)
        begun = clock.spent
        test = self._testable()
        verdict = tested(chosen.bundle, search.asked, test, chosen.measured)
        search.mark("scoring the test rows", begun, "score")
        verdict = self._moved(chosen.bundle, test, verdict)
        of_kind = {
            **self._of_moments(chosen.trial, order),
            **self._of_lists(chosen, order, test),
            **self._of_documents(chosen, order, test),
        }
        verdict = replace(verdict, evidence={**verdict.evidence, **of_kind})
        found = self._written(chosen.bundle, chosen.measured.joined(verdict.floors), verdict)
        found = found.joined(run_costs(search))
        said = [*chosen.notes, *notes, *self._drawn(len(test))]
        run = Run(self._folder, record(search, chosen.trial, found, verdict, order, said))
        run.write()
        if breaches := limits.judge(found.joined(run_costs(search))):
            raise NothingFits(
                f"The chosen {chosen.trial.recipe} breaches on the test rows or in the run: {'; '.join(map(str, breaches))}. See {self._folder / 'report.html'}."
            )
        return run

    @property
    def _folder(self) -> Path:
        return self.search.folder.parent

    def _written(self, made: Bundle, found: Measured, verdict: Verdict) -> Measured:
        """Writes the bundle that is served, which says its own size; gives what was found with that size."""
        search, folder = self.search, self._folder / "bundle"
        for turn in range(3):  # a digit more or less in what it says of its size changes the size
            costs = found.joined(run_costs(search))
            said = facts(search.job.limits, costs, verdict.score, search.judge.blank["sketches"], verdict.answers)
            if turn == 0:
                bundle.write(folder, replace(made, facts=said))
            else:
                bundle.restate(folder, said)
            size = float(meter.size(folder))
            if size == found.middle("size"):
                break
            found = found.joined(Measured.exactly(size=size))
        return found

    def _moved(self, made: Bundle, test: Part, verdict: Verdict) -> Verdict:
        """The verdict with what the model is worth once its sensors have moved, where there is time or a limit speaks of it."""
        job, schema, named = self.search.job, self.search.asked.schema, self.search.job.limits.only(ROBUSTNESS).each
        due = self.search.rate * min(len(test), shift.MOST) * _FAULTS
        if job.decode is None or (due > self.search.clock.left - window.REPORT and not named):
            return verdict
        found = shift.measured(asking(made, test.truth), test.rows, schema, job.score)
        if found is None:
            return verdict
        floors = Measured.exactly(shift_robustness=found.robustness) if named and found.robustness else Measured({})
        evidence = {**verdict.evidence, "shift": found.as_json()}
        return replace(verdict, evidence=evidence, floors=verdict.floors.joined(floors))

    def _of_moments(self, chosen: Trial, order: Sequence[Trial]) -> dict[str, Any]:
        """What is said of a job over moments beside its test rows: the rules that the best could have, and the ladder."""
        search = self.search
        best = list({trial.id: trial for trial in (chosen, *order[:_RULED])}.values())[:_RULED]
        choices = {trial.id: (trial.recipe, rule) for trial in best if (rule := search.judge.rules(trial.id))}
        if not choices:
            return {}
        spelt = {trial.id: (trial.recipe, how) for trial in best if (how := search.judge.spellings(trial.id))}
        seconds = search.clock.left - window.REPORT * (1.0 + len(search.asked.test) * 1e-6)
        climbed = ladder.climb(search, self.crew, chosen, seconds, self.say)
        told = {"spellings": event_evidence.spellings_of(spelt)} if spelt else {}
        return {"rules": event_evidence.rules(choices), **told, "ladder": climbed}

    def _of_lists(self, chosen: Final, order: Sequence[Trial], test: Part) -> dict[str, Any]:
        """What is said of lists: figures of several kinds, those of two models side by side, and the audit."""
        search, asked = self.search, self.search.asked
        if asked.collection is None or asked.kept is None:
            return {}
        test = sampled(test, _SHOWN, search.job.seed)
        other = next((trial for trial in order if trial.recipe != chosen.trial.recipe), None)
        models = self._side_by_side(chosen, [] if other is None else [other])
        lists = {name: answering(made).model.predict(test.rows) for name, (made, _) in models.items()}
        assert test.truth.users is not None
        users = asked.kept.users.names(test.truth.users)
        told = list_evidence.told(search.job, test, lists, asked.collection, users)
        for name, (_, whole) in models.items():
            told["models"][name]["whole"] = whole
        left = search.clock.left - _WRITING * window.REPORT
        audited = list_audit.audit(search, self.crew, chosen.trial.recipe, left, self.say)
        return {"lists": {**told, "audit": audited}}

    def _side_by_side(self, chosen: Final, others: Sequence[Trial]) -> dict[str, tuple[Bundle, bool]]:
        """The chosen model and others by their recipes, and whether each is fitted on all rows. Half of the time that is left may go
        into that, and the rest is for what comes after."""
        models = {chosen.trial.recipe: (chosen.bundle, chosen.whole)}
        for other in others:
            seconds = (self.search.clock.left - window.REPORT) / 2
            models[other.recipe] = beside(self.search, self.crew, other, chosen.whole, seconds)
        return models

    def _of_documents(self, chosen: Final, order: Sequence[Trial], test: Part) -> dict[str, Any]:
        """What is said of a search: the test queries by two models and the floor, figures and rankings side by side."""
        asked = self.search.asked
        if asked.job.search is None or asked.collection is None:
            return {}
        test = sampled(test, _SHOWN, self.search.job.seed)
        floor = [trial for trial in self.search.trials if trial.recipe in catalogue.FLOORS and trial.complete]
        others = {trial.recipe: trial for trial in reversed((*order, *floor)) if trial.recipe != chosen.trial.recipe}
        near = next((trial.recipe for trial in order if trial.recipe in others), None)
        kept = [trial for name, trial in others.items() if name == near or name in catalogue.FLOORS]
        shown = self._side_by_side(chosen, kept)
        models = {name: answering(made).model for name, (made, _) in shown.items()}
        texts = [text or "" for text in test.rows.texts(asked.schema.names[0]).texts()]
        lists = {name: model.predict(test.rows) for name, model in models.items()}
        told = found_evidence.told(
            asked.job,
            test.truth.target,
            texts,
            lists,
            asked.collection,
            asked.job.search.fields,
            asked.parted["queries"],
            made=asked.parted["made"],
            why={name: model.finder.because for name, model in models.items()},  # type: ignore[attr-defined]
            spans=models[chosen.trial.recipe].finder.index.analyser.spans,  # type: ignore[attr-defined]
        )
        for name, (_, whole) in shown.items():
            told["models"][name]["whole"] = whole
        return {"found": told}

    def _testable(self) -> Part:
        """The test rows, or as many of them as can be answered in the time left."""
        search, test = self.search, self.search.asked.test
        seconds = max(window.REPORT, search.clock.left - window.REPORT * (1.0 + len(test) * 1e-6))
        most = int(seconds / search.rate) if search.rate else len(test)
        return sampled(test, max(most, _LEAST_TESTED), search.job.seed)

    def _drawn(self, tested: int) -> list[str]:
        rows = len(self.search.asked.test)
        if tested == rows:
            return []
        return [f"scored on {tested:,} of {rows:,} test rows, drawn by the seed: more would have passed train"]
