"""Discriminants on the features of the last window of a signal: of everybody, folded into one matrix product and one offset a
class, and of each person who is known, some of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from plimsoll import blending, discriminant, ring
from plimsoll.blending import Head, Sums
from plimsoll.calibration import softmax, softmax_one
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile
from plimsoll.recipe import Answers, Facts, Fold, Members, Model, Recipe
from plimsoll.rows import Rows, Value
from plimsoll.schema import Kind, Layout, Schema
from plimsoll.streaming import layout_of, looked_at, person_of
from plimsoll.window_features import FEATURES

Target = NDArray[np.int64]
PERSON = ("apart", "alike")  # whether those who are known have discriminants of their own
_MOST = 100_000  # people


@dataclass(frozen=True)
class Known:
    """Who is known: the ``column`` that says who it is, its ``place`` in the schema, and by name the discriminants of each."""

    column: str = ""
    place: int = -1
    heads: Mapping[str, Head] = field(default_factory=dict)


@dataclass(frozen=True)
class WindowLda:
    """The signal ``name`` comes first in the schema, ``frames`` of it are looked at, and ``kind`` says what they are told by.

    ``pooled`` is kept of the rows that were learned from, so that a person's own can be blended with them; ``member`` is the
    file that the model is kept in.
    """

    member: str
    name: str
    kind: str
    frames: int
    lda: Head
    pooled: Sums | None = None
    known: Known = Known()
    settled: Knobs = field(default_factory=dict)

    @property
    def reach(self) -> int:
        return self.frames

    def features(self, rows: Rows) -> NDArray[np.float64]:
        return FEATURES[self.kind].last(rows.signals(self.name), self.frames)

    def predict(self, rows: Rows) -> Answers:
        features = self.features(rows)
        scores = self.lda.scores(features)
        for who, mine in rows.parted(self.known.column):
            if who in self.known.heads:
                scores[mine] = self.known.heads[who].scores(features[mine])
        return softmax(scores)

    def answer(self, values: Sequence[Value]) -> Sequence[float]:
        cell = values[0]
        assert isinstance(cell, np.ndarray)
        who = values[self.known.place] if self.known.heads else None
        head = self.known.heads.get(who, self.lda) if isinstance(who, str) else self.lda
        return softmax_one(head.scores(FEATURES[self.kind].one(cell, self.frames)).tolist())

    def members(self) -> Members:
        kept = self.pooled.arrays() if self.pooled is not None else {}
        looked = {"frames": np.array(self.frames), "kind": np.array(list(FEATURES).index(self.kind))}
        arrays = {**_arrays(self.lda), **kept, **looked}
        for k, head in enumerate(self.known.heads.values()):
            arrays |= {f"own{k}_{name}": part.astype(np.float32) for name, part in _arrays(head).items()}
        people = {"people": list(self.known.heads)}
        named = {_notes(self.member): json.dumps(people, ensure_ascii=False).encode()} if self.known.heads else {}
        return {self.member: safetensors.numpy.save(arrays), **named}


def _arrays(head: Head) -> dict[str, NDArray[Any]]:
    return {name: np.ascontiguousarray(getattr(head, name)) for name in head.__dataclass_fields__}


def _notes(member: str) -> str:
    """The file that says who is known, beside the one of their arrays."""
    return member.replace(".safetensors", ".json")


def refuse(job: Job, schema: Schema) -> str | None:
    if len(schema.of(Kind.SIGNAL)) != 1 or schema.columns[0].layout is None:
        return "it reads one signal"
    return None if job.task.classifies else "it tells classes apart"


def _facts(profile: Profile, knobs: Knobs, width: float) -> Facts:
    """Those of a model of so many features."""
    frames, channels = profile.frames * float(knobs["window"]), profile.channels
    return Facts(
        operations=(profile.rows * frames * channels**2, profile.rows * channels**3, profile.rows * width**2),
        bytes=(profile.rows * width, frames * channels),
        answer=(frames * channels**2, channels**3, width * profile.classes),
        model=(width * profile.classes, width**2, width**2 * profile.classes * _people(profile, knobs)),
    )


def _people(profile: Profile, knobs: Knobs) -> int:
    return profile.levels if knobs.get("person") == "apart" else 0


def _fit(member: str, kind: str, job: Job, schema: Schema, fold: Fold, knobs: Knobs) -> WindowLda:
    name, classes = schema.names[0], len(schema.classes)
    frames, signals = looked_at(job, layout_of(schema), float(knobs["window"])), fold.train.signals(name)
    features, orders = FEATURES[kind].last(signals, frames), _turns(layout_of(schema), int(knobs.get("roll", 0)))
    turned = [features[:, FEATURES[kind].places(order)] for order in orders]
    every, target = np.concatenate(turned), np.tile(fold.target, len(orders))
    lda = discriminant.fit(every, target, classes)
    pooled = Sums.of(features, fold.target, classes, signals.starts)
    known = _known(job, schema, fold.train, every, target, pooled) if knobs.get("person") == "apart" else Known()
    return WindowLda(member, name, kind, frames, lda, pooled, known)


def _known(job: Job, schema: Schema, rows: Rows, every: NDArray[np.float64], target: Target, pooled: Sums) -> Known:
    """Everybody's rows and their own, of each who is named; as they are kept, in 32 bits. ``every`` are the features of the rows
    as often as the ring is turned."""
    (column, place), turns, heads = person_of(job, schema), len(every) // max(1, len(rows)), {}
    for who, mine in rows.parted(column):
        assert job.decode is not None
        own = np.concatenate([mine + turn * len(rows) for turn in range(turns)])
        head = blending.blend(every[own], target[own], len(schema.classes), job.decode.stride / turns, pooled)
        heads[who] = blending.head({name: _rounded(part) for name, part in _arrays(head).items()})
    return Known(column, place, heads) if heads else Known()


def _rounded(array: NDArray[Any]) -> NDArray[np.float64]:
    return array.astype(np.float32).astype(np.float64)


def _turns(layout: Layout, most: int) -> list[NDArray[np.intp]]:
    """Orders of the channels as a ring is turned by up to so many places either way; as it is where there is no ring."""
    if ring.axis_of(layout) is None:
        most = 0
    return [ring.order(layout, by) if most else np.arange(len(layout.channels)) for by in range(-most, most + 1)]


def plain(job: Job, schema: Schema, knobs: Knobs) -> Knobs:  # noqa: ARG001
    """Only a ring can be turned, and only a person who is named can be known."""
    idle = {} if ring.axis_of(layout_of(schema)) is not None else {"roll": 0}
    return {**knobs, **idle, **({} if schema.of(Kind.CATEGORY) else {"person": PERSON[0]})}


def adapt(job: Job, schema: Schema, model: Model, fold: Fold, clock: Clock) -> WindowLda:  # noqa: ARG001
    """The model of one person, of a few seconds of theirs and of what is kept of everybody."""
    assert isinstance(model, WindowLda)
    assert job.decode is not None
    features, classes = model.features(fold.train), len(schema.classes)
    own = blending.blend(features, fold.target, classes, job.decode.stride, model.pooled)
    return replace(model, lda=own, known=Known())


def _load(member: str, job: Job, schema: Schema, members: Members) -> WindowLda:
    """The model of these members. Raises KeyError, IndexError and ValueError where they are none."""
    arrays = safetensors.numpy.load(members[member])
    kind, frames = list(FEATURES)[int(arrays["kind"])], int(arrays["frames"])
    if not 0 < frames <= 10_000_000:
        raise ValueError(f"a window of {frames} frames")
    heads = _heads(members, _notes(member), arrays)
    known = Known(*person_of(job, schema), heads) if heads else Known()
    return WindowLda(member, schema.names[0], kind, frames, blending.head(arrays), Sums.held(arrays), known)


def _heads(members: Members, notes: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Head]:
    """The discriminants of each who is known. Raises KeyError and ValueError where there are none."""
    people = [str(each) for each in json.loads(members[notes])["people"]] if notes in members else []
    if len(set(people)) != len(people) or len(people) > _MOST:
        raise ValueError(f"{len(people)} people")
    heads = {}
    for k, who in enumerate(people):
        prefix = f"own{k}_"
        own = {name.removeprefix(prefix): part for name, part in arrays.items() if name.startswith(prefix)}
        heads[who] = blending.head({name: part.astype(np.float64) for name, part in own.items()})
        if heads[who].weights.shape[0] != arrays["weights"].shape[0] or len(heads[who].offsets) != len(
            arrays["offsets"]
        ):
            raise ValueError(f'the discriminants of "{who}" are not like everybody\'s')
    return heads


@dataclass(frozen=True)
class Family:
    """The functions of a recipe: by its knobs the ``kind`` of its features, and for so many channels how many these are."""

    name: str
    kind: Callable[[Knobs], str]
    width: Callable[[int, Knobs], float]

    @property
    def member(self) -> str:
        return f"{self.name}.safetensors"

    def facts(self, profile: Profile, knobs: Knobs) -> Facts:
        return _facts(profile, knobs, self.width(profile.channels, knobs))

    def fit(self, job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> WindowLda:  # noqa: ARG002
        return _fit(self.member, self.kind(knobs), job, schema, fold, knobs)

    def load(self, job: Job, schema: Schema, members: Members) -> WindowLda:
        return _load(self.member, job, schema, members)


def recipe(name: str, space: Space, kind: Callable[[Knobs], str], width: Callable[[int, Knobs], float]) -> Recipe:
    """The recipe of discriminants on features of this ``kind`` and ``width``."""
    family = Family(name, kind, width)
    return Recipe(name, space, refuse, family.facts, family.fit, family.load, plain=plain, streams=True, adapt=adapt)
