"""What families that find documents promise, and that each promise catches the fault that it is there for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from plimsoll import catalogue, ranking
from plimsoll.finding import Finder, Finding, Texts
from plimsoll.inverted import Index
from plimsoll.recipe import Recipe
from plimsoll.testing import promises

SOUND = catalogue.find("bm25")


@dataclass(frozen=True)
class Wrapped:
    """A sound finder, which a fault is planted in by taking a method's place."""

    sound: Finder

    @property
    def index(self) -> Index:
        return self.sound.index

    def best(self, text: str, depth: int, among: Any = None) -> Any:
        return self.sound.best(text, depth, among)

    def because(self, text: str, document: int) -> list[tuple[str, float]]:
        return self.sound.because(text, document)

    def beside(self, texts: Texts) -> Finder:
        return self.sound.beside(texts)

    def arrays(self) -> dict[str, Any]:
        return self.sound.arrays()


def broken(**faults: Any) -> Recipe:
    """The sound recipe whose finders do something else."""
    kind = type("Broken", (Wrapped,), faults)

    def of(made: Any) -> Finding:
        return replace(made, finder=kind(made.finder))

    return replace(SOUND, fit=lambda *given: of(SOUND.fit(*given)), load=lambda *given: of(SOUND.load(*given)))


def _whatever(self: Any, text: str, depth: int, _among: Any = None) -> Any:
    return self.sound.best(text, depth)


def _always(self: Any, text: str, depth: int, among: Any = None) -> Any:
    found = self.sound.best(text, depth, among).copy()
    if found["item"][0] < 0 and (among is None or among[0]):
        found[0] = (0, 1.0)
    return found


def _hasty(self: Any, text: str, depth: int, among: Any = None) -> Any:
    found = self.sound.best(text, depth, among).copy()
    if depth < ranking.DEPTH and found["item"][1] >= 0:
        found["item"][:2] = found["item"][1::-1]
    return found


def _worst_first(self: Any, text: str, depth: int, among: Any = None) -> Any:
    found = self.sound.best(text, depth, among).copy()
    found[:2] = found[1::-1]
    return found


def _twice(self: Any, text: str, depth: int, among: Any = None) -> Any:
    found = self.sound.best(text, depth, among).copy()
    found["item"][1] = found["item"][0]
    return found


def _beyond(self: Any, text: str, depth: int, among: Any = None) -> Any:
    found = self.sound.best(text, depth, among).copy()
    if found["item"][0] >= 0:
        found["item"][0] = self.index.many
    return found


def _unordered(self: Any, text: str, document: int) -> list[tuple[str, float]]:
    return [("nothing", 0.0), *self.sound.because(text, document)]


def _forgets(*given: Any) -> Finding:
    made = SOUND.load(*given)
    model = made.finder.model  # type: ignore[attr-defined]
    other = replace(model.facts, idf=model.facts.idf[::-1].copy())
    return replace(made, finder=replace(made.finder, model=type(model).of(model.index, model.weighing, other)))


FAULTS = [
    (promises.lists_what_it_may, broken(best=_whatever), "may not be listed"),
    (promises.lists_what_it_may, broken(best=_always), "finds documents of notes for"),
    (promises.longer_lists_go_on, broken(best=_hasty), "are asked for"),
    (promises.longer_lists_go_on, broken(best=_worst_first), "best first"),
    (promises.longer_lists_go_on, broken(best=_twice), "twice"),
    (promises.longer_lists_go_on, broken(best=_beyond), "none of the 120"),
    (promises.says_why, broken(because=lambda *_: []), "does not say why"),
    (promises.says_why, broken(because=_unordered), "says why in no order"),
    (promises.knows_later_documents, broken(beside=lambda self, _texts: self), "later documents where 5"),
    (promises.saved_equals_loaded, replace(SOUND, load=_forgets), "saved and loaded"),
    (
        promises.learns_its_toys,
        broken(best=lambda self, text, depth, among=None: self.sound.best(text[::-1], depth, among)),
        "does not learn",
    ),
]


@pytest.mark.parametrize(("promise", "recipe", "words"), FAULTS, ids=[f"{f[0].__name__}-{f[2]}" for f in FAULTS])
def test_every_promise_of_search_catches_a_planted_fault(promise: promises.Promise, recipe: Recipe, words: str):
    """A family with one fault is caught by the promise that speaks of it."""
    with pytest.raises(AssertionError, match=words):
        promise(recipe)
    promise(SOUND)
