"""What families whose answers are lists promise, and that each promise catches the fault that it is there for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plimsoll import catalogue
from plimsoll.listing import Listing
from plimsoll.recipe import Recipe
from plimsoll.rows import Rows
from plimsoll.testing import promises

SOUND = catalogue.find("transitions")


def broken(**faults: Any) -> Recipe:
    """The sound recipe whose models do something else."""
    kind = type("Broken", (Listing,), faults)

    def of(sound: Any) -> Listing:
        held = {name: getattr(sound, name) for name in ("name", "column", "scorer", "lately", "again", "settled")}
        return kind(**held)

    return replace(SOUND, fit=lambda *given: of(SOUND.fit(*given)), load=lambda *given: of(SOUND.load(*given)))


def _worst_first(self: Any, rows: Rows) -> np.ndarray:
    lists = Listing.predict(self, rows).copy()
    lists[:, :2] = lists[:, 1::-1]
    return lists


def _short(self: Any, rows: Rows) -> np.ndarray:
    lists = Listing.predict(self, rows).copy()
    lists["item"][:, 5:] = -1
    return lists


def _seen(self: Any, rows: Rows) -> np.ndarray:
    lists = Listing.predict(self, rows).copy()
    told = rows.histories(self.column)
    for row in np.flatnonzero(told.lengths):
        lists["item"][row, 0] = told.cell(row)[-1]
    return lists


def _twice(self: Any, rows: Rows) -> np.ndarray:
    lists = Listing.predict(self, rows).copy()
    lists["item"][:, 1] = lists["item"][:, 0]
    return lists


def _beyond(self: Any, rows: Rows) -> np.ndarray:
    lists = Listing.predict(self, rows).copy()
    lists["item"][:, 0] = self.many
    return lists


def _other_alone(self: Any, values: Any) -> Any:
    return np.roll(Listing.answer(self, values), 1)


def _company(self: Any, rows: Rows) -> np.ndarray:
    lists = Listing.predict(self, rows)
    return lists[::-1].copy() if len(rows) == 200 else lists


def _forgets(*given: Any) -> Listing:
    found = SOUND.load(*given)
    return replace(found, lately=replace(found.lately, counts=found.lately.counts[::-1].copy()))


FAULTS = [
    (promises.lists_are_lists, broken(predict=_worst_first), "best first"),
    (promises.lists_are_lists, broken(predict=_short), "lists 5 items"),
    (promises.lists_are_lists, broken(predict=_seen), "which its history holds"),
    (promises.lists_are_lists, broken(predict=_twice), "twice"),
    (promises.lists_are_lists, broken(predict=_beyond), "none of the 120"),
    (promises.one_row_equals_its_batch, broken(answer=_other_alone), "alone with"),
    (promises.order_changes_nothing, broken(predict=_company), "another order or company"),
    (promises.saved_equals_loaded, replace(SOUND, load=_forgets), "saved and loaded"),
    (
        promises.learns_its_toys,
        broken(predict=lambda self, rows: Listing.predict(self, rows)[::-1].copy()),
        "does not learn",
    ),
]


@pytest.mark.parametrize(("promise", "recipe", "words"), FAULTS, ids=[f"{f[0].__name__}-{f[2]}" for f in FAULTS])
def test_every_promise_of_lists_catches_a_planted_fault(promise: promises.Promise, recipe: Recipe, words: str):
    """A family with one fault is caught by the promise that speaks of it."""
    with pytest.raises(AssertionError, match=words):
        promise(recipe)
    promise(SOUND)
