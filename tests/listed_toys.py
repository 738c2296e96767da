"""A small bundle whose answers are lists, over the paths of ``plimsoll.testing.list_toys``, without a run."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from plimsoll import catalogue, evidence, ranking
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.clock import Clock
from plimsoll.held import Held
from plimsoll.ids import Ids
from plimsoll.listing import Listing
from plimsoll.rows import Histories
from plimsoll.serve.lister import Lister
from plimsoll.testing.list_toys import paths

RECIPE = "item_knn"  # it can say what speaks for an item
TEST = {"metric": "ndcg@10", "value": 0.5, "low": 0.4, "high": 0.6, "rows": 200}


@functools.cache
def model(again: bool = False) -> Listing:
    toy, recipe = paths(), catalogue.find(RECIPE)
    lists = replace(toy.job.lists, again=again)  # type: ignore[type-var]  # the job has lists
    found = recipe.fit(replace(toy.job, lists=lists), toy.schema, toy.fold, recipe.space.default, Clock(60.0))
    assert isinstance(found, Listing)
    return found


@functools.cache
def listed(forget: bool = False, again: bool = False) -> Bundle:
    """Of 200 users called 0 to 199 and 120 films called 0 to 119."""
    toy = paths()
    lists = replace(toy.job.lists, again=again, forget=forget)  # type: ignore[type-var]  # the job has lists
    assert toy.fold.collection is not None
    kept = {} if forget else Held.of(Ids.of(map(str, range(200))), histories()).members()
    facts: dict[str, Any] = {"digest": "ab" * 32, "sketches": evidence.sketches(toy.test), "metrics": [TEST]}
    members = {**model(again).members(), **toy.fold.collection.members(), **kept}
    job = replace(toy.job, lists=lists)
    return Bundle(job, toy.schema, RECIPE, {}, Calibration(), members, facts)


def histories() -> Histories:
    """What each user had done before the test."""
    return paths().test.histories("who")


def lister(forget: bool = False, again: bool = False) -> Lister:
    return Lister(listed(forget, again))


def ranked(items: list[list[int]], depth: int = ranking.DEPTH) -> np.ndarray:
    """Lists of these items, with scores that fall."""
    found = ranking.nothing(len(items), depth)
    for row, own in enumerate(items):
        found["item"][row, : len(own)] = own
        found["score"][row, : len(own)] = np.arange(len(own), 0, -1)
    return found
