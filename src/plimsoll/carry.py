"""What fits on few rows of a data set say of those on more: what they cost more or less than told is carried over."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import catalogue
from plimsoll.cases import FULL, Candidate, Case
from plimsoll.growth import ridge
from plimsoll.tariff import LEAST, SHOWN, Tariff, actual_of, due, log_of

Array = NDArray[Any]
LEVELS = ("alone", "default", "probed")
# Where to look in a probe for what a figure will be. What stands beside a model, no probe shows; and what a process holds
# as it serves follows from what was settled, of which a probe's bytes say no more.
_SHOWS = {**{name: name for name in SHOWN}, "p50": "answer"}
_CARRIED = 1.0  # strength of the ridge

_FULL = " in full"  # stands behind the name of what was settled at the most that there can be

Told = Mapping[str, float]  # logs of figures, and of what training settled, by name


@dataclass(frozen=True)
class Unseen:
    """A fit that a tariff had not learned from, and what it would have had to go by at a level."""

    candidate: Candidate
    case: Case
    rest: Told  # how far off the tariff was, what training settled in place
    features: Mapping[str, list[float]]  # what fits on the same data say of it
    full: frozenset[str] = frozenset()  # what its own probes settled at the most that there can be

    @property
    def level(self) -> str:
        return self.candidate.level


def watched(tariff: Tariff, cases: Sequence[Case]) -> list[Unseen]:
    """Each fit that was served, at every level at which it could have been foretold."""
    rests = dict(zip(map(id, cases), rests_of(tariff, cases), strict=True))
    default = catalogue.find(tariff.recipe).space.default
    found: list[Unseen] = []
    for case in cases:
        if "p50" not in case.figures:
            continue
        fewer = [o for o in cases if o.group == case.group and o.known.profile.rows < case.known.profile.rows]
        own = [each for each in fewer if each.known.knobs == case.known.knobs]
        plain = [each for each in fewer if each.known.knobs == default and default != case.known.knobs]
        for seen in ([], plain, own):
            if seen or not found or found[-1].case is not case:
                candidate = Candidate(case.known, tuple(seen) * (seen is own), tuple(seen) * (seen is plain))
                pairs = tuple((each.known.profile.rows, rests[id(each)]) for each in seen)
                features = features_of(tariff, case.known.profile.rows, pairs) if pairs else {}
                full = full_of(tariff, candidate, rests)
                found.append(Unseen(candidate, case, rests[id(case)], features, full))
    return found


def rests_of(tariff: Tariff, cases: Sequence[Case]) -> list[Told]:
    """How far off a tariff is of fits that ran: of what training settled, and of their figures given that."""
    if not cases:
        return []
    known, actual = [each.known for each in cases], actual_of(cases)
    matrix, told = tariff.table.matrix(known), tariff.logs(known, actual)
    bounds = {name: due(known, actual, name) for name in tariff.settles}
    rests = {name: actual[name] - about - tariff.share(name, matrix) for name, (about, _) in bounds.items()}
    rests |= {name + _FULL: actual[name] - most - math.log(FULL) for name, (_, most) in bounds.items()}
    found: list[Told] = []
    for k, case in enumerate(cases):
        off = {name: float(rest[k]) for name, rest in rests.items() if name.removesuffix(_FULL) in case.settled}
        off |= {name: log_of(case, name) - logs[k] for name, logs in told.items()}
        found.append({name: rest for name, rest in off.items() if math.isfinite(rest)})
    return found


def features_of(tariff: Tariff, rows: int, seen: Sequence[tuple[int, Told]]) -> dict[str, list[float]]:
    """What the rests of fits on fewer rows say of one on more, by figure: how far off the largest were, and the trend."""
    most, least = max(n for n, _ in seen), min(n for n, _ in seen)
    ahead = math.log(max(rows, most) / most)
    trends = {}
    for name in (*tariff.settles, *SHOWN):
        last = _mean([rest.get(name, 0.0) for n, rest in seen if n == most])
        first = _mean([rest.get(name, 0.0) for n, rest in seen if n == least])
        trends[name] = [last, last - first, last * ahead]
    settled = [part for name in tariff.settles for part in trends[name]]
    found = {name: [ahead, *trends[name]] for name in tariff.settles}
    return found | {name: [ahead, *trends[shown], *settled] for name, shown in _SHOWS.items()}


def full_of(tariff: Tariff, candidate: Candidate, rests: Mapping[int, Told]) -> frozenset[str]:
    """What the candidate's own largest probes settled at the most that there can be."""
    most = max((each.known.profile.rows for each in candidate.probes), default=0)
    last = [rests[id(each)] for each in candidate.probes if each.known.profile.rows == most]
    return frozenset(
        name for name in tariff.settles if last and all(rest.get(name + _FULL, -1.0) >= 0.0 for rest in last)
    )


def _mean(parts: Sequence[float]) -> float:
    return sum(parts) / len(parts)


def carries_of(unseen: Sequence[Unseen]) -> dict[tuple[str, str], Array]:
    """For each level and figure the weights of its features; none where too little was seen."""
    found = {}
    for level in LEVELS[1:]:
        at = [each for each in unseen if each.level == level]
        for name in sorted({name for each in at for name in each.features}):
            have = [each for each in at if name in each.rest and name in each.features and name not in each.full]
            if len(have) >= LEAST:
                table = np.array([each.features[name] for each in have])
                found[level, name] = ridge(table, np.array([each.rest[name] for each in have]), _CARRIED)
    return found


def carried_of(tariff: Tariff, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
    """For each how much more than told of it alone, in logs, by what was seen on the same data."""
    cases = list({id(case): case for each in candidates for case in each.seen}.values())
    rests = dict(zip(map(id, cases), rests_of(tariff, cases), strict=True))
    known: dict[tuple[int, ...], dict[str, list[float]]] = {}
    found = []
    for each in candidates:
        rows = each.known.profile.rows
        # With more rows training goes on for longer: what came to the most on fewer rows of the same data will again.
        full = dict.fromkeys(full_of(tariff, each, rests), math.inf)
        key = (rows, *map(id, each.seen))
        if each.seen and key not in known:
            known[key] = features_of(tariff, rows, [(case.known.profile.rows, rests[id(case)]) for case in each.seen])
        weights = {name: tariff.carries.get((each.level, name)) for name in known.get(key, ())}
        found.append({n: float(known[key][n] @ w[:-1] + w[-1]) for n, w in weights.items() if w is not None} | full)
    return found
