"""A toy for families whose answers are lists: people who keep to a group of items and go through it mostly in order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from plimsoll.collection import Collection
from plimsoll.ids import Ids
from plimsoll.job import Job, Lists, Split, Task
from plimsoll.ranking import GRADED
from plimsoll.recipe import Fold
from plimsoll.rows import Coded, Histories, Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.testing.toys import Toy

_GROUPS, _EACH, _STEPS, _PEOPLE = 4, 30, 9, 200
MANY = _GROUPS * _EACH
_WHO = "who"


@functools.cache
def paths() -> Toy:
    """Items of a group of thirty, each once; the next is mostly the one behind the last, so that order tells as well as taste.

    >>> toy = paths()
    >>> len(toy.test), toy.schema.lists, toy.test.histories("who").cell(0).tolist()[:3] != []
    (200, 120, True)
    """
    random = np.random.default_rng(5)
    cells = np.stack([_path(random, person % _GROUPS) for person in range(_PEOPLE)])
    items, ends = cells.ravel().astype(np.int32), (np.arange(_PEOPLE) + 1) * _STEPS
    times = np.tile(np.arange(_STEPS), _PEOPLE) + 10 * np.repeat(np.arange(_PEOPLE), _STEPS)
    whole = Histories(items, times, np.ones(len(items), np.float32), ends - _STEPS, ends, MANY)
    learn, asked = (_until(whole, back) for back in (2, 1))
    job = Job("film", split=Split("last"), task=Task.RANKING, lists=Lists(_WHO, items="films.csv"))
    schema = Schema((Column(_WHO, Kind.HISTORY, distinct=MANY, example="0"),), "film")
    fold = Fold(_rows(learn), np.zeros(_PEOPLE), _rows(learn), _next(learn), collection=_films())
    return Toy("paths", job, schema, fold, _rows(asked), _next(asked), easy=False)


def _path(random: np.random.Generator, group: int) -> np.ndarray:
    """Items of one group, none twice."""
    left = list(range(_EACH))
    found = [left.pop(int(random.integers(_EACH)))]
    while len(found) < _STEPS:
        behind = (found[-1] + 1) % _EACH
        item = behind if behind in left and random.random() < 0.7 else left[int(random.integers(len(left)))]
        left.remove(item)
        found.append(item)
    return np.array(found) + group * _EACH


def _until(told: Histories, back: int) -> Histories:
    return replace(told, ends=told.ends - back)


def _next(told: Histories) -> np.ndarray:
    truth = np.zeros((len(told), 1), dtype=GRADED)
    truth["item"][:, 0], truth["grade"] = told.items[told.ends], 1.0
    return truth


def _rows(told: Histories) -> Rows:
    return Rows(len(told), {_WHO: told})


def _films() -> Collection:
    """Films with a word for each group, and two that they share with their neighbours in it."""
    words = [f"{group} {group}{item // 2} {group}{(item + 1) // 2}x" for group in "abcd" for item in range(_EACH)]
    schema = Schema((Column("kind", Kind.TEXT),), "film")
    return Collection(Ids.of(map(str, range(MANY))), Rows(MANY, {"kind": Coded.of(words)}), schema)


TOYS: tuple[Callable[[], Toy], ...] = (paths,)
