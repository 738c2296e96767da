"""distilled: a small model that has learned from a blend's answers, on the rows there are and on some made like them.

Rows are made by exchanging cells between rows that lie near each other (MUNGE; Bucila, Caruana and Niculescu-Mizil
2006); the teacher answers them. Of several students, from small to large, the first that errs no more than its teacher,
give or take a little, is kept, and what is served is that student alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll import blend
from plimsoll.blend import NOT_ALONE, Name, Part, loaded, own, single, under
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space, Value
from plimsoll.metrics import lacking, score
from plimsoll.profile import Profile
from plimsoll.recipe import Answers, Facts, Fold, Members, Model, Recipe, together
from plimsoll.rows import Cells, Coded, Rows, Signals, plain
from plimsoll.rows import Value as Cell
from plimsoll.schema import Kind, Schema
from plimsoll.streaming import Carries, carried

Array = NDArray[Any]

# Made rows help where there are few (docs/decisions/0006-ensembles.md); of many, they only blur what is there.
TIMES = 4  # rows that are made, at most, for each one that is there
MOST = 5_000  # rows to learn from, above which none are made
_TAUGHT = 0.5  # share of the clock that the teacher may take
_ANSWERED = 0.2  # share of what is left then that its answers may take
_TIMED = 1_000  # rows answered for an idea of how long one takes
_TRUTH = 0.5  # weight of the truth beside the teacher's answer, where it is known
_NEAR = 0.003  # share of its loss by which a student may err more than its teacher
_EXCHANGED = 0.25  # how likely a cell is taken from the near row
_DIRECTIONS = 8  # random ones, along which rows are compared


def of(teacher: Sequence[Part], students: Sequence[Part]) -> dict[str, Value]:
    """The knobs of students, the smallest first, of a blend of these parts; their weights say nothing.

    >>> sorted(of([Part("linear")], [Part("trees", {"trees": 50})]))
    ['students', 'teacher']
    """
    return {"teacher": blend.of(teacher)["parts"], "students": blend.of(students)["parts"]}


def _students(knobs: Knobs) -> list[Part]:
    """Those that may be kept: one, where it has been settled which."""
    found = blend.read(knobs["students"])
    place = knobs.get("student")
    return found if place is None else [found[int(place)]]


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    recipe: Name


@dataclass(frozen=True)
class Distilled:
    """The student, with the name of its recipe; all that it is asked, it answers itself."""

    student: Model
    recipe: str
    settled: Knobs = field(default_factory=dict)

    def predict(self, rows: Rows) -> Answers:
        return self.student.predict(rows)

    def answer(self, values: Sequence[Cell]) -> Sequence[float]:
        return self.student.answer(values)

    def answers(self, rows: Sequence[Sequence[Cell]]) -> Sequence[Sequence[float]]:
        return together(self.student, rows)

    def streamed(self, schema: Schema) -> Carries:
        return carried(self.student, schema)

    def members(self) -> Members:
        return {**self.student.members(), "distilled.json": json.dumps({"recipe": self.recipe}).encode()}


def refuse(_job: Job, _schema: Schema) -> str | None:
    return NOT_ALONE


def facts(profile: Profile, knobs: Knobs) -> Facts:
    """The teacher's fit and the students' on more rows; asking and keeping are the last student's alone, at most."""
    more = replace(profile, rows=max(profile.rows, min((1 + TIMES) * profile.rows, MOST)))
    taught = blend.facts(profile, {"parts": knobs["teacher"]})
    each = [blend.summed([single(part.recipe).facts(more, part.whole)]) for part in _students(knobs)]
    both = blend.summed([taught, *each])
    return replace(each[-1], operations=both.operations, bytes=both.bytes)


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Distilled:
    """The teacher on the fold, then students on what the teacher says of it and of rows made like it."""
    taught = {"parts": knobs["teacher"], **own("teacher.", knobs)}
    teacher = blend.fit(job, schema, fold, taught, Clock(clock.left * _TAUGHT))
    lessons = _lessons(job, schema, fold, teacher, clock)
    enough = _loss(job, fold, teacher) * (1.0 + _NEAR)
    students = _students(knobs)
    for place, part in enumerate(students):
        own_knobs = {**part.whole, **own("student.", knobs)}
        student = single(part.recipe).fit(job, schema, lessons, own_knobs, Clock(clock.left / (len(students) - place)))
        if _loss(job, fold, student) <= enough:
            break
    settled = {**under("teacher.", teacher.settled), **under("student.", student.settled)}
    if fold.valid is not None:
        settled["student"] = place
    return Distilled(student, part.recipe, settled)


def _loss(job: Job, fold: Fold, model: Model) -> float:
    """What a model's answers to the rows held apart lack, by the score or the proper score beneath it; without such
    rows, nothing can be told, and every model lacks as much."""
    if fold.valid is None or fold.valid_target is None:
        return math.inf
    name = "log_loss" if job.task.classifies else job.score
    answers = model.predict(fold.valid)
    return lacking(name, score(name, fold.valid_target, answers, answers))


def load(job: Job, schema: Schema, members: Members) -> Distilled:
    """The student that ``members`` wrote. Raises ValueError where there is none."""
    kept = msgspec.json.decode(members["distilled.json"], type=_Kept)
    rest = {name: data for name, data in members.items() if name != "distilled.json"}
    return Distilled(loaded(kept.recipe, job, schema, rest), kept.recipe)


def _lessons(job: Job, schema: Schema, fold: Fold, teacher: Model, clock: Clock) -> Fold:
    """The fold's rows and those made like them, with what the teacher says of all and the truth of the first."""
    random = np.random.default_rng(job.seed)
    begun, timed = clock.spent, fold.train.take(np.arange(min(len(fold.train), _TIMED)))
    teacher.predict(timed)
    kept, count = affordable(len(fold.train), (clock.spent - begun) / max(1, len(timed)), clock.left)
    if len(schema.of(Kind.TEXT)) == len(schema.columns) or schema.of(Kind.SIGNAL):
        count = 0  # rows of texts alone have nothing to exchange, and what stands beside a signal is its wearer's or its session's
    fold = _some(fold, kept, random)
    made, source = munged(schema, fold.train, count, random)
    known, told = teacher.predict(fold.train), teacher.predict(made)
    groups = np.arange(kept) if fold.groups is None else fold.groups
    lessons = replace(fold, train=_beside(fold.train, made), groups=np.concatenate([groups, groups[source]]))
    if not job.task.classifies:
        mixed = _TRUTH * fold.target + (1.0 - _TRUTH) * known
        return replace(lessons, target=np.concatenate([mixed, told]))
    mixed = _TRUTH * np.eye(known.shape[1])[fold.target] + (1.0 - _TRUTH) * known
    # Drawn, and not the likeliest, so that rare classes keep their share.
    drawn = (random.random((count, 1)) > told.cumsum(axis=1)[:, :-1]).sum(axis=1)
    target = np.concatenate([fold.target, drawn])
    return replace(lessons, target=target, soft=np.concatenate([mixed, told]))


def affordable(rows: int, each: float, left: float) -> tuple[int, int]:
    """How many rows to learn from and how many to make, where answering one takes ``each`` of the seconds ``left``.

    >>> affordable(500, 1e-5, 60.0), affordable(4_000, 1e-5, 60.0), affordable(1_000_000, 1e-4, 60.0)
    ((500, 2000), (4000, 1000), (120000, 0))
    """
    answered = math.floor(min(1e9, left * _ANSWERED / max(each, 1e-9)))
    kept = min(rows, max(answered, _TIMED))
    return kept, max(0, min(TIMES * kept, MOST - kept, answered - kept))


def _some(fold: Fold, count: int, random: np.random.Generator) -> Fold:
    """The fold with as many of its rows to learn from, drawn."""
    if count == len(fold.train):
        return fold
    pick = np.sort(random.choice(len(fold.train), count, replace=False))
    groups = None if fold.groups is None else fold.groups[pick]
    return replace(fold, train=fold.train.take(pick), target=fold.target[pick], groups=groups)


def munged(schema: Schema, rows: Rows, count: int, random: np.random.Generator) -> tuple[Rows, Array]:
    """``count`` rows made like these, and for each the number of the row that its texts are from.

    Each is one of the rows, with a quarter of its cells those of a row near it; all texts of a row stay together.
    """
    own, near = np.zeros((2, 0), dtype=np.intp)
    while len(own) < count:
        some = random.permutation(len(rows))[: count - len(own)]
        own, near = np.concatenate([own, some]), np.concatenate([near, _near(schema, rows, random)[some]])

    def either() -> Array:
        return np.where(random.random(count) < _EXCHANGED, near, own)

    texts, places = either(), {name: either() for name in schema.names}
    places |= dict.fromkeys(schema.of(Kind.TEXT), texts)
    made = {name: _taken(rows.columns[name], place) for name, place in places.items()}
    return Rows(count, made), texts


def _near(schema: Schema, rows: Rows, random: np.random.Generator) -> Array:
    """For each row the number of one near it: the nearest of its neighbours along some random directions.

    Distances in as many random directions are nearly those among all columns (Johnson and Lindenstrauss 1984).
    """
    cast = np.zeros((len(rows), _DIRECTIONS))
    for column in schema.columns:
        cast += _cast(column.kind, rows.columns[column.name], random)
    least, near = np.full(len(rows), np.inf), np.arange(len(rows))
    for direction in cast.T:
        order = np.argsort(direction, kind="stable")
        for side in (1, -1):
            beside = np.empty_like(order)
            beside[order] = np.roll(order, side)
            distance = ((cast - cast[beside]) ** 2).sum(axis=1)
            near = np.where(distance < least, beside, near)
            least = np.minimum(distance, least)
    return near


def _cast(kind: Kind, cells: Cells, random: np.random.Generator) -> Array:
    """A column in random directions, shape (rows, directions): values far apart stay so, and texts say nothing."""
    cells = plain(cells)
    if isinstance(cells, Coded):
        table = random.normal(size=(len(cells.values) + 1, _DIRECTIONS)) * (kind is Kind.CATEGORY)
        return np.asarray(table[cells.codes])
    known = cells[np.isfinite(cells)]
    spread = float(known.std()) if len(known) else 0.0
    if spread == 0.0:
        return np.zeros((len(cells), _DIRECTIONS))
    steps = np.nan_to_num((cells - known.mean()) / spread, nan=0.0, posinf=3.0, neginf=-3.0)
    return np.outer(np.clip(steps, -3.0, 3.0), random.normal(size=_DIRECTIONS))


def _taken(cells: Cells, place: Array) -> Cells:
    return cells[place] if isinstance(cells, np.ndarray) else cells.take(place)


def _beside(rows: Rows, made: Rows) -> Rows:
    """Rows and those made of them, one after the other."""
    columns: dict[str, Cells] = {}
    for name, new in made.columns.items():
        old = rows.columns[name]
        if isinstance(old, Coded) and isinstance(new, Coded):
            columns[name] = Coded(np.concatenate([old.codes, new.codes]), old.values)
        elif isinstance(old, Signals) and isinstance(new, Signals):
            ends = np.concatenate([old.ends, new.ends])
            columns[name] = Signals(old.samples, np.concatenate([old.starts, new.starts]), ends)
        elif isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
            columns[name] = np.concatenate([old, new])
    return Rows(len(rows) + len(made), columns)


RECIPE = Recipe("distilled", Space(), refuse, facts, fit, load, streams=True)
