"""What fits on few rows of a data set say of those on more: what they cost more or less than told is carried over."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import catalogue
from plimsoll.cases import Candidate, Case
from plimsoll.growth import ridge
from plimsoll.tariff import FIGURES, LEAST, SHOWN, Tariff, actual_of, log_of

Array = NDArray[Any]
LEVELS = ("alone", "default", "probed")
# Where to look in a probe for what a served figure will be.
_SHOWS = {"size": "model", "p50": "answer", "memory": "model"}
_CARRIED = 1.0  # strength of the ridge

Told = Mapping[str, float]  # logs of figures, and of the settled knob under "settled"


@dataclass(frozen=True)
class Unseen:
    """A fit that a tariff had not learned from, and what it would have had to go by at a level."""

    candidate: Candidate
    case: Case
    rest: Told  # how far off the tariff was, the settled knob in place
    features: Mapping[str, list[float]]  # what fits on the same data say of it

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
                features = features_of(case.known.profile.rows, pairs) if pairs else {}
                found.append(Unseen(candidate, case, rests[id(case)], features))
    return found


def rests_of(tariff: Tariff, cases: Sequence[Case]) -> list[Told]:
    """How far off a tariff is of fits that ran: of their settled knob, and of their figures given that."""
    if not cases:
        return []
    known, actual = [each.known for each in cases], actual_of(cases, tariff.knob)
    told, settled = tariff.logs(known, actual), actual - tariff.settled(known)
    found: list[Told] = []
    for k, case in enumerate(cases):
        off = {"settled": float(settled[k])} | {name: log_of(case, name) - logs[k] for name, logs in told.items()}
        found.append({name: rest for name, rest in off.items() if math.isfinite(rest)})
    return found


def features_of(rows: int, seen: Sequence[tuple[int, Told]]) -> dict[str, list[float]]:
    """What the rests of fits on fewer rows say of one on more, by figure: how far off the largest were, and the trend."""
    most, least = max(n for n, _ in seen), min(n for n, _ in seen)
    ahead = math.log(max(rows, most) / most)
    trends = {}
    for name in ("settled", *SHOWN):
        last = _mean([rest.get(name, 0.0) for n, rest in seen if n == most])
        first = _mean([rest.get(name, 0.0) for n, rest in seen if n == least])
        trends[name] = [last, last - first, last * ahead]
    found = {"settled": [ahead, *trends["settled"]]}
    return found | {name: [ahead, *trends[_SHOWS.get(name, name)], *trends["settled"]] for name in FIGURES}


def _mean(parts: Sequence[float]) -> float:
    return sum(parts) / len(parts)


def carries_of(unseen: Sequence[Unseen]) -> dict[tuple[str, str], Array]:
    """For each level and figure the weights of its features; none where too little was seen."""
    found = {}
    for level in LEVELS[1:]:
        at = [each for each in unseen if each.level == level]
        for name in ("settled", *FIGURES):
            have = [each for each in at if name in each.rest]
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
        key = (rows, *map(id, each.seen))
        if each.seen and key not in known:
            known[key] = features_of(rows, [(case.known.profile.rows, rests[id(case)]) for case in each.seen])
        weights = {name: tariff.carries.get((each.level, name)) for name in known.get(key, ())}
        found.append({n: float(known[key][n] @ w[:-1] + w[-1]) for n, w in weights.items() if w is not None})
    return found
