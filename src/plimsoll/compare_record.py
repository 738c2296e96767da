"""What a comparison says of itself: ``compare.json``, with every score, setting, seed and version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plimsoll import machine, scoresheet
from plimsoll.asked import Asked
from plimsoll.limits import Limits, Measured
from plimsoll.lineup import Lineup
from plimsoll.scoresheet import Entry, Sheet

_SERVED = ("p50", "p99", "memory", "size", "cold_start")  # costs that are measured here, and held against limits


def record(
    lineup: Lineup, sheet: Sheet, entries: Sequence[Entry], measured: Mapping[str, Measured], rounds: int
) -> dict[str, Any]:
    """The record of what was compared; ``rounds`` are those in which every approach has answered."""
    found, job = sheet.contest(lineup.seeds[0]), lineup.asked.job
    sizes = {each.name: each.space(job, lineup.asked.schema).size for each in lineup.approaches}
    plain = job.decode is None and lineup.units.what.startswith("block")
    said = scoresheet.notes(found, sheet, lineup.units.what, lineup.budget, sizes, lineup.ground.fixed, plain)
    limits = job.limits.only(_SERVED)
    rows = (_row(sheet, name, rank, entries, measured.get(name), limits) for name, rank in found.ranks.items())
    return {
        **_asked(lineup, sizes),
        "metric": sheet.metric,
        "higher_is_better": sheet.higher_is_better,
        "unit": lineup.units.what,
        "units": list(sheet.units),
        "compared": [name for name, kept in zip(sheet.units, sheet.kept, strict=True) if kept],
        "table": list(rows),
        "contest": found.as_json(),
        "scores": sheet.as_json(),
        "failed": scoresheet.failed(entries),
        "bouts": list(entries),
        "notes": [*_partly(rounds, len(lineup.rounds)), *said],
        "warnings": list(lineup.asked.warnings),
        "machine": machine.card(),
        "versions": machine.versions(),
    }


def _asked(lineup: Lineup, sizes: Mapping[str, int]) -> dict[str, Any]:
    """What was to be compared, and on what."""
    given, budget = lineup.asked, lineup.budget
    return {
        "job": {**given.job.as_json(), "recipes": []},
        "approaches": [
            {"name": each.name, "recipe": each.recipe, "fixed": dict(each.fixed), "settings": sizes[each.name]}
            for each in lineup.approaches
        ],
        "budget": {"trials": budget.trials, "seconds": budget.seconds, "text": str(budget)},
        "seeds": list(lineup.seeds),
        "rounds": [
            {"seed": each.seed, "fold": each.fold, "learn": len(each.learn), "tested": len(each.held)}
            for each in lineup.rounds
        ],
        "data": {
            "source": given.source,
            "test": given.test_source,
            "rows": len(given.learn),
            "sha256": given.digest,
            "files": _files(given),
        },
    }


def _partly(done: int, whole: int) -> list[str]:
    if done == whole:
        return []
    return [f"Stopped after {done} of {whole} rounds: all figures are of those. Go on with --resume."]


def _row(
    sheet: Sheet, name: str, rank: float, entries: Sequence[Entry], measured: Measured | None, limits: Limits
) -> dict[str, Any]:
    """What the table says of an approach; times and trials are means over its bouts."""
    own = [entry for entry in entries if entry["approach"] == name]
    costs = {key: sum(entry[key] for entry in own) / len(own) for key in ("tuning", "tuning_cpu", "refit")}
    tried = sum(len(entry["trials"]) for entry in own) / len(own)
    told = {"name": name, "rank": rank, **sheet.row(name), **costs, "tried": tried}
    breaches = limits.judge(measured) if measured else ()
    return {
        **told,
        "measured": measured.as_json() if measured else {},
        "breaches": [str(breach) for breach in breaches],
    }


def _files(given: Asked) -> dict[str, str]:
    """The sha256 of the files that the rows came from, where those are files."""
    told = {}
    for name in (given.source, given.test_source):
        if name and Path(name).is_file():
            with Path(name).open("rb") as file:
                told[Path(name).name] = hashlib.file_digest(file, "sha256").hexdigest()
    return told
