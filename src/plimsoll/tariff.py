"""How the costs of one recipe follow from what is known of a fit: what training settles first, then every figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import catalogue
from plimsoll.cases import FULL, Case, Known
from plimsoll.growth import Rest, Sum, Table, filled
from plimsoll.profile import Profile
from plimsoll.recipe import Facts

Array = NDArray[Any]
LEAST = 12  # trials of a recipe, on two data sets, from which there is something to say of the next
# The figures that a probe shows, and those that only a bundle as it is served does; each with its addends. A bundle is a
# model with what stands beside it.
SHOWN = {"cpu": "operations", "train_memory": "bytes", "model": "model", "answer": "answer"}
SERVED = {"beside": "", "p50": "answer", "memory": "model"}
FIGURES = {**SHOWN, **SERVED}
WHOLES = {"size": ("model", "beside")}

Logs = Mapping[str, Array]  # one figure, or one settled quantity, of each fit


@dataclass(frozen=True)
class Tariff:
    """One recipe: how what training settles and its figures follow from what is known, and how far off that has been."""

    recipe: str
    table: Table
    settles: Mapping[str, Rest | None]  # in the order in which one is told with those before it in place
    sums: Mapping[str, Sum]
    rests: Mapping[str, tuple[tuple[str, ...], Rest]]  # of what is shown, and of what is served
    carries: Mapping[tuple[str, str], Array] = field(default_factory=dict)  # by level and figure
    margins: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def margin(self, level: str, name: str) -> tuple[float, float]:
        """How far below and above what is told nine in ten lie, in logs; where a level was never seen, as if alone."""
        return self.margins.get((level, name), self.margins.get(("alone", name), (-math.inf, math.inf)))

    def settled(self, known: Sequence[Known], more: Logs) -> dict[str, Array]:
        """What training will settle, ``more`` than told of each fit alone, and not more than there can be."""
        matrix = self.table.matrix(known)
        found: dict[str, Array] = {}
        for name in self.settles:
            about, most = due(known, found, name)
            found[name] = np.minimum(about + self.share(name, matrix) + more.get(name, 0.0), most)
        return found

    def share(self, name: str, matrix: Array) -> Array:
        """How much more of a quantity is settled than the recipe says, in logs, of rows of the table."""
        rest = self.settles[name]
        return np.zeros(len(matrix)) if rest is None else rest.logs(matrix)[:, 0]

    def logs(self, known: Sequence[Known], settled: Logs) -> dict[str, Array]:
        """Log figures, given what was settled."""
        table = self.table.matrix(known)
        addends = addends_of(known, settled)
        found: dict[str, Array] = {}
        for names, rest in self.rests.values():
            said = rest.logs(table)
            found |= {name: self.sums[name].logs(addends[name]) + said[:, k] for k, name in enumerate(names)}
        return found


def fitted(cases: Sequence[Case]) -> Tariff:
    known = [each.known for each in cases]
    table = Table.of(known)
    matrix = table.matrix(known)
    settled = actual_of(cases)
    settles = {name: _settle(cases, settled, name, matrix) for name in settled}
    addends = addends_of(known, settled)
    sums, rests = {}, {}
    for part, figures in (("shown", tuple(SHOWN)), ("served", tuple(SERVED))):
        logs = np.array([[log_of(each, name) for name in figures] for each in cases])
        have = np.isfinite(logs).all(axis=1)
        if have.sum() < LEAST // 2:
            continue
        for k, name in enumerate(figures):
            sums[name] = Sum.of(addends[name][have], np.exp(logs[have, k]))
        base = np.column_stack([sums[name].logs(addends[name]) for name in figures])
        least = np.array([[bound_of(each, name) for name in figures] for each in cases])
        rests[part] = (figures, filled(matrix, logs - base, least - base))
    return Tariff(known[0].recipe, table, settles, sums, rests)


def _settle(cases: Sequence[Case], settled: Logs, name: str, matrix: Array) -> Rest | None:
    """How much more of a quantity is settled than the recipe says; where it came to the most, it would have been more."""
    seen = np.array([name in each.settled for each in cases])
    if seen.sum() < LEAST // 2:
        return None
    about, most = due([each.known for each in cases], settled, name)
    share, full = settled[name] - about, settled[name] >= most + math.log(FULL)
    told, least = np.where(seen & ~full, share, np.nan), np.where(seen & full, share, -np.inf)
    return filled(matrix, told[:, None], least[:, None])


def due(known: Sequence[Known], settled: Logs, name: str) -> tuple[Array, Array]:
    """(about how much, the most) of what training settles, in logs, with what was settled before it in place."""
    told = [facts.settles[name] for facts in facts_of(known, settled)]
    logs = np.log(np.maximum(np.array(told, dtype=float), 1e-9))
    return logs[:, 0], logs[:, 1]


def actual_of(cases: Sequence[Case]) -> dict[str, Array]:
    """Log of what training settled, as it came out; as the recipe says where a fit did not come to say."""
    known = [each.known for each in cases]
    found: dict[str, Array] = {}
    for name in facts_of(known[:1], {})[0].settles if known else ():
        about, most = due(known, found, name)
        told = [math.log(max(each.settled[name], 1e-9)) if name in each.settled else math.nan for each in cases]
        found[name] = np.where(np.isnan(told), np.minimum(about, most), told)
    return found


def facts_of(known: Sequence[Known], settled: Logs) -> list[Facts]:
    """What the recipe says of each fit, with what training settled in place of what it was allowed."""
    recipe = catalogue.find(known[0].recipe) if known else None
    found = []
    for k, each in enumerate(known):
        knobs = {**recipe.space.default, **each.knobs}  # type: ignore[union-attr]  # an old case may not know a new knob
        for name, logs in settled.items():
            knobs |= {name: math.exp(logs[k]), f"{name}_allowed": each.knobs.get(name, math.inf)}
        found.append(recipe.facts(each.profile, knobs))  # type: ignore[union-attr]
    return found


def addends_of(known: Sequence[Known], settled: Logs) -> dict[str, Array]:
    """Of each figure what the recipe names and what stands around it; a one at the end of each row."""
    said = facts_of(known, settled)
    rows = [(each.profile, facts) for each, facts in zip(known, said, strict=True)]
    return {
        name: np.array([[*getattr(facts, part, ()), *_around(told, name), 1.0] for told, facts in rows], dtype=float)
        for name, part in FIGURES.items()
    }


def _around(rows: Profile, name: str) -> tuple[float, ...]:
    """Addends that no recipe can help: the request that is read, and what a bundle says of its columns and classes."""
    cells = (rows.numbers, rows.categories, rows.letters, rows.texts, rows.classes)
    found: Mapping[str, tuple[float, ...]] = {
        "answer": cells,
        "p50": (*cells, rows.request),
        "beside": (rows.described, rows.classes),
        "memory": (rows.columns, rows.classes),
    }
    return found.get(name, ())


def log_of(case: Case, name: str) -> float:
    """The log of a figure; not a number where it was not seen, or is only a bound."""
    whole = next((whole for whole, (_, rest) in WHOLES.items() if rest == name), "")
    if whole:  # what the part that a probe shows leaves of the whole
        figure = case.figures.get(whole, 0.0) - case.figures.get(WHOLES[whole][0], math.inf)
    else:
        figure = case.figures.get(name, 0.0)
    return math.log(figure) if figure > 0 and name not in case.over else math.nan


def bound_of(case: Case, name: str) -> float:
    """The log of what a figure is known to be larger than."""
    return math.log(case.figures[name]) if name in case.over and case.figures[name] > 0 else -math.inf
