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

Array = NDArray[Any]
LEAST = 12  # trials of a recipe, on two data sets, from which there is something to say of the next
# The figures that a probe shows, and those that only a bundle as it is served does; each with its addends.
SHOWN = {"cpu": "operations", "train_memory": "bytes", "model": "model", "answer": "answer"}
SERVED = {"size": "model", "p50": "answer", "memory": "model"}
FIGURES = {**SHOWN, **SERVED}


@dataclass(frozen=True)
class Tariff:
    """One recipe: how its settled knobs and its figures follow from what is known, and how far off that has been."""

    recipe: str
    table: Table
    knob: str  # that training settles by itself, such as the number of trees; empty: none
    settle: Rest | None
    sums: Mapping[str, Sum]
    rests: Mapping[str, tuple[tuple[str, ...], Rest]]  # of what is shown, and of what is served
    carries: Mapping[tuple[str, str], Array] = field(default_factory=dict)  # by level and figure
    margins: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def margin(self, level: str, name: str) -> tuple[float, float]:
        """How far below and above what is told nine in ten lie, in logs; where a level was never seen, as if alone."""
        return self.margins.get((level, name), self.margins.get(("alone", name), (-math.inf, math.inf)))

    def settled(self, known: Sequence[Known]) -> Array:
        """Log of the settled knob, as told of each fit alone: not more than is allowed."""
        allowed = allowed_of(known, self.knob)
        return allowed if self.settle is None else np.minimum(self.settle.logs(self.table.matrix(known))[:, 0], allowed)

    def logs(self, known: Sequence[Known], settled: Array) -> dict[str, Array]:
        """Log figures, given the log of the settled knob."""
        table = self.table.matrix(known)
        addends = addends_of(known, self.knob, settled)
        found: dict[str, Array] = {}
        for names, rest in self.rests.values():
            said = rest.logs(table)
            found |= {name: self.sums[name].logs(addends[FIGURES[name]]) + said[:, k] for k, name in enumerate(names)}
        return found


def fitted(cases: Sequence[Case]) -> Tariff:
    known = [each.known for each in cases]
    table = Table.of(known)
    matrix = table.matrix(known)
    knob = min({name for each in cases for name in each.settled}, default="")
    actual, allowed = actual_of(cases, knob), allowed_of(known, knob)
    full = actual >= allowed + math.log(FULL)  # as much as was allowed: it would have been more
    settle = None
    if knob:
        settle = filled(matrix, np.where(full, np.nan, actual)[:, None], np.where(full, actual, -np.inf)[:, None])
    addends = addends_of(known, knob, actual)
    sums, rests = {}, {}
    for part, figures in (("shown", SHOWN), ("served", SERVED)):
        logs = np.array([[log_of(each, name) for name in figures] for each in cases])
        have = np.isfinite(logs).all(axis=1)
        if have.sum() < LEAST // 2:
            continue
        for k, name in enumerate(figures):
            sums[name] = Sum.of(addends[figures[name]][have], np.exp(logs[have, k]))
        base = np.column_stack([sums[name].logs(addends[figures[name]]) for name in figures])
        least = np.array([[bound_of(each, name) for name in figures] for each in cases])
        rests[part] = (tuple(figures), filled(matrix, logs - base, least - base))
    return Tariff(known[0].recipe, table, knob, settle, sums, rests)


def addends_of(known: Sequence[Known], knob: str, settled: Array) -> dict[str, Array]:
    """What the recipe names, with the settled knob in place; a one at the end of each row."""
    recipe = catalogue.find(known[0].recipe)
    rows: dict[str, list[list[float]]] = {name: [] for name in set(FIGURES.values())}
    for each, log in zip(known, settled, strict=True):
        told = {knob: math.exp(log), f"{knob}_allowed": each.knobs.get(knob, 1.0)} if knob else {}
        facts = recipe.facts(each.profile, {**each.knobs, **told})
        for name, found in rows.items():
            found.append([*getattr(facts, name), *_around(each.profile, name), 1.0])
    return {name: np.array(found, dtype=float) for name, found in rows.items()}


def _around(rows: Profile, name: str) -> tuple[float, ...]:
    """Addends that no recipe can help: reading a request, and what a bundle says of its columns and classes."""
    if name == "answer":
        return (rows.numbers, rows.categories, rows.letters, rows.texts, rows.classes)
    return (rows.columns, rows.classes) if name == "model" else ()


def allowed_of(known: Sequence[Known], knob: str) -> Array:
    return np.log([max(float(each.knobs.get(knob, 1.0)), 1e-9) for each in known])


def actual_of(cases: Sequence[Case], knob: str) -> Array:
    """Log of the settled knob as it came out; as allowed where a fit did not come to say."""
    return np.log([max(float(each.settled.get(knob, each.known.knobs.get(knob, 1.0))), 1e-9) for each in cases])


def log_of(case: Case, name: str) -> float:
    """The log of a figure; not a number where it was not seen, or is only a bound."""
    figure = case.figures.get(name, 0.0)
    return math.log(figure) if figure > 0 and name not in case.over else math.nan


def bound_of(case: Case, name: str) -> float:
    """The log of what a figure is known to be larger than."""
    return math.log(case.figures[name]) if name in case.over and case.figures[name] > 0 else -math.inf
