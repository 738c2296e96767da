"""Who meets in a comparison: the job with its rows, the rounds, the units, and what each approach may spend."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from plimsoll import asked, catalogue, checks
from plimsoll.approaches import Approach, Budget
from plimsoll.asked import Asked
from plimsoll.bouts import Bout
from plimsoll.errors import JobError
from plimsoll.job import Job
from plimsoll.rounds import Ground, Round, Units, rounds, units
from plimsoll.schema import Schema


@dataclass(frozen=True)
class Lineup:
    """What is to be done, settled before anything is fitted."""

    asked: Asked
    ground: Ground
    rounds: Sequence[Round]
    units: Units
    approaches: Sequence[Approach]
    budget: Budget
    seeds: Sequence[int]

    @property
    def bouts(self) -> list[Bout]:
        """Round after round, so that what there is after a while is paired."""
        found, number = [], 0
        for each in self.rounds:
            inner = tuple(range(number, number + len(each.inner)))
            number += len(inner) + 1
            first = each is self.rounds[0]
            found += [Bout(k, a, each, inner, number - 1, first) for k, a in enumerate(self.approaches)]
        return found

    @property
    def laid_out(self) -> Asked:
        """The rows with every fold, under a digest of all that must be the same for a comparison to go on."""
        folds = [pair for each in self.rounds for pair in (*each.inner, (each.learn, each.held))]
        said = [self.asked.digest, [each.name for each in self.approaches], str(self.budget), list(self.seeds)]
        said += [self.units.what, [len(each.held) for each in self.rounds]]
        return replace(self.asked, folds=folds, digest=hashlib.sha256(json.dumps(said).encode()).hexdigest())


def drawn(
    job: Job, source: Any, test: Any, named: Sequence[Approach], budget: Budget, seeds: Sequence[int], folds: int, unit: str
) -> Lineup:  # fmt: skip
    """Reads the rows, parts them, and asks each approach whether it can do the job. Raises UserError."""
    whole, frame, tested = asked.whole(job, source, test)
    _check_able(named, whole.job, whole.schema)
    ground = Ground(whole.job, frame, tested)
    parted = rounds(ground, seeds, folds)
    first = parted[0]
    told = units(ground, first.held, unit)
    said = checks.check(frame[first.learn], frame[first.held], whole.job, whole.schema)
    whole = replace(whole, warnings=(*whole.warnings, *said))
    return Lineup(whole, ground, parted, told, named, budget, seeds)


def _check_able(named: Sequence[Approach], job: Job, schema: Schema) -> None:
    refused = catalogue.refusals(replace(job, recipes=tuple(each.recipe for each in named)), schema)
    for each in named:
        if why := refused[each.recipe]:
            raise JobError(f"{each.name} cannot do this job: {why}. Leave it out.")
