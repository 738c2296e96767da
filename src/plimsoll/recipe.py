"""The contract of a recipe: one model family, one file, a record of functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from plimsoll import machine
from plimsoll.clock import Clock
from plimsoll.collection import Collection
from plimsoll.errors import TrialError
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile
from plimsoll.rows import Rows, Value
from plimsoll.schema import Schema
from plimsoll.units import BYTES, show

# Answers of a model: float64, shape (rows, classes) with each row summing to one, or (rows,) for a number; or lists.
Answers = NDArray[Any]

# What a model saves: file name → bytes. Names end in .json, .safetensors, .onnx or .arrow.
Members = Mapping[str, bytes]


@dataclass(frozen=True)
class Fold:
    """Rows to learn from, and rows for early stopping; ``valid`` is None in the last fit on all rows.

    ``target`` holds class numbers (int64) or values (float64), shape (rows,). ``groups`` numbers the rows
    that must stay together when a recipe splits the training rows again. ``soft`` holds a teacher's answers,
    shape (rows, classes), each row summing to one: a family that can learn from them does so in place of the
    target, which holds classes drawn from them. Where answers are lists, ``train`` are histories and nothing is their target,
    ``valid`` are others with what came next, and ``collection`` is what may be listed.
    """

    train: Rows
    target: NDArray[Any]
    valid: Rows | None = None
    valid_target: NDArray[Any] | None = None
    groups: NDArray[np.int64] | None = None
    soft: NDArray[np.float64] | None = None
    collection: Collection | None = None


@dataclass(frozen=True)
class Facts:
    """How costs grow: addends of operations and bytes, not seconds. What each of them weighs is learned from trials.

    ``operations`` are those of a fit, and ``bytes`` what it holds at most; ``answer`` are the operations of one answer,
    and ``model`` the bytes of what is kept. A share that never changes need not be named: there always is one.

    ``settles`` are the quantities that training settles by itself, by name and in order: (about how much, the most).
    Once known they stand among the knobs, under their names, with what was allowed as ``<name>_allowed``.
    """

    operations: tuple[float, ...]
    bytes: tuple[float, ...]
    answer: tuple[float, ...] = ()
    model: tuple[float, ...] = ()
    settles: Mapping[str, tuple[float, float]] = field(default_factory=dict)


class Model(Protocol):
    """What a fit gives, and what a bundle serves. One that has ``notes``, texts, has them said beside its trial."""

    @property
    def settled(self) -> Knobs:
        """What training settled, such as the number of trees: knobs for a refit that has no valid rows."""

    def predict(self, rows: Rows) -> Answers:
        """Answers for a batch of rows; of lists ``ranking.RANKED``, shape (rows, depth)."""

    def answer(self, values: Sequence[Value]) -> Sequence[float]:
        """The answer for one row, its values in the schema's order: the same as ``predict`` gives, quicker; of lists an array."""

    def members(self) -> Members:
        """All that is needed to load it again: arrays, JSON or ONNX; no code and no pickle."""


@dataclass(frozen=True)
class Recipe:
    """One model family.

    ``join``, where a family has it, gives one model whose sums before the link are the weighted sums of those of
    several models, or None where they cannot be joined. Families with the same ``join`` and the same members are
    joined with each other too. ``devices`` says that its fit can use a CUDA device: it then sees the one that is its
    own, where there is one, and no other. ``students`` are settings of small models that learn well from a teacher's
    answers, the smallest first. ``plain``, where a family has knobs that change nothing on some columns or beside others,
    gives a setting with those at their defaults: settings that come to the same are tried once. ``streams`` says that its
    models hear signals: they have ``reach``, or ``start`` and ``step``; only such a family is tried where the job decodes.
    ``remembers`` says that they have a state, in which more of a stream may be than a window holds, however slowly it moves:
    where a job bounds the window no such family is tried.
    ``adapt``, where a family has it, makes a model of a job that decodes one person's: the fold holds a few seconds of
    theirs, and of everybody else nothing is there but what the model keeps. ``sequences`` says that answers are to be read as
    a sequence (``ctc``): each class is said once, at some moment, with rest between. Moment by moment they are mostly wrong, so
    such a family is tried where the job counts what is wrong in a sequence, or names it. ``lists`` says that its answers are lists of
    items, and ``finds`` that they are documents for a query: no other family is tried where the job asks for these.
    """

    name: str
    space: Space
    refuse: Callable[[Job, Schema], str | None]
    facts: Callable[[Profile, Knobs], Facts]
    fit: Callable[[Job, Schema, Fold, Knobs, Clock], Model]
    load: Callable[[Job, Schema, Members], Model]
    join: Callable[[Job, Schema, Sequence[Model], Sequence[float]], Model | None] | None = None
    devices: bool = False
    students: tuple[Knobs, ...] = ()
    plain: Callable[[Job, Schema, Knobs], Knobs] | None = None
    streams: bool = False
    remembers: bool = False
    adapt: Callable[[Job, Schema, Model, Fold, Clock], Model] | None = None
    sequences: bool = False
    lists: bool = False
    finds: bool = False

    def refusal(self, job: Job, schema: Schema) -> str | None:
        """Why the family does not apply, by its contract or in its own words; None where it does."""
        if job.search is not None and not self.finds:
            return "it answers rows, not queries"
        if job.lists is not None and not self.lists:
            return "it answers rows, not with lists"
        if job.decode is not None and not self.streams:
            return "it answers rows, not streams"
        if job.decode is not None and job.decode.within and self.remembers:
            return "it remembers more than the window that --window allows"
        return self.refuse(job, schema)


def together(model: Model, rows: Sequence[Sequence[Value]]) -> Sequence[Sequence[float]]:
    """The answers for several rows at once: ``model.answers(rows)`` where a family has it, else one by one.

    A family has ``answers`` where asking together is quicker; it gives to the last bit what ``answer`` gives.
    """
    if len(rows) < 2 or not hasattr(model, "answers"):
        return [model.answer(values) for values in rows]
    several: Sequence[Sequence[float]] = model.answers(rows)
    return several


def one_by_batch(model: Model, schema: Schema, values: Sequence[Value]) -> list[float]:
    """``Model.answer`` by way of ``predict``, for a family that has no quicker way."""
    return [float(part) for part in np.ravel(model.predict(Rows.of_values(schema, [values])))]


def check_room(job: Job, need: float) -> None:
    """Raises TrialError where a fit would hold more bytes than the job allows, or the machine has: before they are spent."""
    there = job.limits.get("train_memory") or machine.allowed_memory()
    if there and need > there:
        raise TrialError(f"it would hold about {show(need, BYTES)}, and {show(there, BYTES)} are there")
