"""Where the time went: what each core did from when to when, and how the seconds add up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from plimsoll import units
from plimsoll.report.load_line import Record, Run, cost_of

KINDS = {
    "read": "reading",
    "plan": "planning",
    "probe": "probes",
    "trial": "trials",
    "run-off": "run-off",
    "refit": "refit",
    "score": "scoring",
    "idle": "idle",
}
_WORTH_SAYING = 0.001  # of the whole; less is the time between two lines of a program


@dataclass(frozen=True)
class Stretch:
    """What one core did, in seconds since the run began; ``kind`` is one of KINDS."""

    what: str
    begin: float
    end: float
    lane: int
    kind: str
    trial: Record | None = None


def stretches(run: Run) -> list[Stretch]:
    """The time line of the run in the order of time; where none was kept, that of its trials."""
    trials = {trial["id"]: trial for trial in run["trials"]}
    if lines := run.get("timeline"):
        found = [_kept(line, trials.get(line.get("trial"))) for line in lines]
    else:
        found = [_guessed(trial) for trial in trials.values() if cost_of(trial, "train") is not None]
    return sorted(found, key=lambda stretch: (stretch.begin, stretch.lane))


def _kept(line: Record, trial: Record | None) -> Stretch:
    begin, end = float(line["begin"]), float(line["end"])
    kind = "probe" if line["kind"] == "trial" and _probes(trial) else str(line["kind"])
    return Stretch(str(line.get("what") or ""), begin, max(begin, end), int(line.get("lane") or 0), kind, trial)


def _guessed(trial: Record) -> Stretch:
    begin = float(trial.get("started") or 0.0)
    kind = "probe" if _probes(trial) else "trial"
    return Stretch("", begin, begin + (cost_of(trial, "train") or 0.0), int(trial.get("core") or 0), kind, trial)


def _probes(trial: Record | None) -> bool:
    return trial is not None and (trial.get("stage") == "probe" or float(trial.get("share", 1.0)) < 1)


def ended(run: Run, found: Sequence[Stretch]) -> float:
    """When the run ended, in seconds since it began."""
    return max([float(run.get("elapsed") or 0.0), *(stretch.end for stretch in found)])


def spent(found: Sequence[Stretch], elapsed: float) -> dict[str, float]:
    """Wall seconds by kind, which add up to ``elapsed``: a second in which two cores work is half of each one's.

    >>> both = [Stretch("", 0.0, 4.0, 0, "trial"), Stretch("", 2.0, 4.0, 1, "probe")]
    >>> spent(both, 5.0)
    {'trial': 3.0, 'probe': 1.0, 'idle': 1.0}
    """
    busy = [stretch for stretch in found if stretch.kind != "idle"]
    edges = sorted({0.0, elapsed, *(stretch.begin for stretch in busy), *(stretch.end for stretch in busy)})
    sums: dict[str, float] = defaultdict(float)
    for start, end in pairwise(edges):
        kinds = [stretch.kind for stretch in busy if stretch.begin <= start and stretch.end >= end] or ["idle"]
        for kind in kinds:
            sums[kind] += (end - start) / len(kinds)
    return dict(sums)


def spent_text(run: Run) -> str:
    """The sums in one line: ``reading 2.1 s, probes 6 s, trials 38 s``."""
    found = stretches(run)
    elapsed = ended(run, found)
    sums = {kind: seconds for kind, seconds in spent(found, elapsed).items() if seconds > _WORTH_SAYING * elapsed}
    # Without a time line of the run's own, what was not a trial was reading and refitting rather than idle.
    words = KINDS if run.get("timeline") else {**KINDS, "idle": "the rest"}
    ordered = sorted(sums, key=lambda kind: list(KINDS).index(kind) if kind in KINDS else len(KINDS))
    return ", ".join(f"{words.get(kind, kind)} {units.show(sums[kind], units.TIME)}" for kind in ordered)
