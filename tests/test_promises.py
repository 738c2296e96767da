"""Every recipe keeps every promise, and every promise catches the fault that it is there for."""

from __future__ import annotations

import inspect
import json
import pickle
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plimsoll import catalogue
from plimsoll.job import Job
from plimsoll.knobs import Space
from plimsoll.recipe import Facts, Fold, Recipe
from plimsoll.rows import Coded, Rows, Value
from plimsoll.schema import Kind, Schema
from plimsoll.testing import promises, saving, searches, streams
from test_list_promises import FAULTS as OF_LISTS
from test_search_promises import FAULTS as OF_SEARCH
from test_signal_promises import FAULTS as OF_STREAMS


@dataclass(frozen=True)
class Centres:
    """A sound toy model for one number column and classes: the share of each class in eight bins of the first number."""

    column: str
    edges: tuple[float, ...]
    shares: tuple[tuple[float, ...], ...]

    settled: Mapping[str, Any] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "settled", {})

    def predict(self, rows: Rows) -> np.ndarray:
        values = np.nan_to_num(rows.numbers(self.column), nan=0.0)
        return np.array(self.shares)[np.digitize(values, self.edges)]

    def answer(self, values: Sequence[Value]) -> list[float]:
        value = float(values[0])  # type: ignore[arg-type]
        return list(self.shares[int(np.digitize(0.0 if np.isnan(value) else value, self.edges))])

    def members(self) -> dict[str, bytes]:
        return {"model.json": json.dumps([self.column, self.edges, self.shares]).encode()}


def refuse(job: Job, schema: Schema) -> str | None:
    if not job.task.classifies or not schema.columns or schema.columns[0].kind is not Kind.NUMBER:
        return "It takes a number first, and classes."
    return None


def fit(job: Job, schema: Schema, fold: Fold, knobs: Any, clock: Any) -> Centres:
    name = schema.columns[0].name
    values = np.nan_to_num(fold.train.numbers(name), nan=0.0)
    edges = np.quantile(values, np.linspace(0, 1, 9)[1:-1])
    bins = np.digitize(values, edges)
    table = np.array([np.bincount(fold.target[bins == b], minlength=len(schema.classes)) + 0.5 for b in range(8)])
    shares = table / table.sum(axis=1, keepdims=True)
    return Centres(name, tuple(edges.tolist()), tuple(tuple(row) for row in shares.tolist()))


def load(job: Job, schema: Schema, members: Mapping[str, bytes]) -> Centres:
    column, edges, shares = json.loads(members["model.json"])
    return Centres(column, tuple(edges), tuple(tuple(row) for row in shares))


SOUND = Recipe(
    "centres", Space(), refuse, lambda profile, knobs: Facts((3.0 * profile.rows,), (8.0 * profile.rows,)), fit, load
)


def broken(model: type[Centres]) -> Recipe:
    """The sound recipe with its fitted and loaded models swapped for a faulty kind."""

    def swap(sound: Centres) -> Centres:
        return model(sound.column, sound.edges, sound.shares)

    return replace(
        SOUND,
        fit=lambda *asked: swap(fit(*asked)),
        load=lambda *asked: swap(load(*asked)),
    )


class KnowsNothing(Centres):
    def predict(self, rows: Rows) -> np.ndarray:
        return super().predict(rows)[:, ::-1].copy()


class DoesNotSumToOne(Centres):
    def predict(self, rows: Rows) -> np.ndarray:
        return super().predict(rows) * 0.9


class FailsOnUnseen(Centres):
    def predict(self, rows: Rows) -> np.ndarray:
        for cells in rows.columns.values():
            if isinstance(cells, Coded) and any("never seen" in value for value in cells.values):
                raise KeyError("unseen")
        return super().predict(rows)


class RoundsCompany(Centres):
    """Says one thing to a row alone, and nearly the same to it beside others."""

    def answers(self, rows: Sequence[Sequence[Value]]) -> list[list[float]]:
        return [[part * (1.0 + 1e-12) for part in self.answer(values)] for values in rows]


class RoundsOneRow(Centres):
    def answer(self, values: Sequence[Value]) -> list[float]:
        return [round(part, 4) for part in super().answer(values)]


class FailsOnOneRow(Centres):
    def answer(self, values: Sequence[Value]) -> list[float]:
        raise IndexError("only batches")


class LooksAtItsBatch(Centres):
    def predict(self, rows: Rows) -> np.ndarray:
        shift = np.nanmean(rows.numbers(self.column)) if len(rows) else 0.0
        return np.array(self.shares)[np.digitize(np.nan_to_num(rows.numbers(self.column)) - shift, self.edges)]


class SavesAPickle(Centres):
    def members(self) -> dict[str, bytes]:
        return {**super().members(), "extra.arrow": pickle.dumps(self.shares)}


class NamesAPath(Centres):
    def members(self) -> dict[str, bytes]:
        return {"../model.json": super().members()["model.json"]}


class SavesCode(Centres):
    def members(self) -> dict[str, bytes]:
        return {**super().members(), "model.py": b"print()"}


def forgets_when_loaded(job: Job, schema: Schema, members: Mapping[str, bytes]) -> Centres:
    sound = load(job, schema, members)
    return replace(sound, edges=tuple(round(edge, 1) for edge in sound.edges))


def reads_a_file(job: Job, schema: Schema, members: Mapping[str, bytes]) -> Centres:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        with open(path, "wb") as file:
            file.write(members["model.json"])
    return load(job, schema, members)


def fails_when_loaded(job: Job, schema: Schema, members: Mapping[str, bytes]) -> Centres:
    raise ValueError("no such\nversion")


def draws_without_a_seed(job: Job, schema: Schema, fold: Fold, knobs: Any, clock: Any) -> Centres:
    sound = fit(job, schema, fold, knobs, clock)
    return replace(sound, edges=tuple(edge + 1e-3 * np.random.default_rng().random() for edge in sound.edges))


def sleeps(job: Job, schema: Schema, fold: Fold, knobs: Any, clock: Any) -> Centres:
    time.sleep(0.3)
    return fit(job, schema, fold, knobs, clock)


def sees_fewer_rows(job: Job, schema: Schema, fold: Fold, knobs: Any, clock: Any) -> Centres:
    few = np.arange(len(fold.train) // int(knobs["every"]))
    return fit(job, schema, replace(fold, train=fold.train.take(few), target=fold.target[few]), knobs, clock)


THINNED = replace(SOUND, space=Space({"every": (1, 4), "idle": (0, 1)}), fit=sees_fewer_rows)


def needs_valid_rows(job: Job, schema: Schema, fold: Fold, knobs: Any, clock: Any) -> Centres:
    len(fold.valid)  # type: ignore[arg-type]
    return fit(job, schema, fold, knobs, clock)


FAULTS = [
    (
        promises.refuses_in_words,
        replace(SOUND, refuse=lambda job, schema: refuse(job, schema) and ""),
        "without saying why",
    ),
    (promises.refuses_in_words, replace(SOUND, refuse=lambda job, schema: None), "fit raised"),
    (promises.learns_its_toys, broken(KnowsNothing), "does not learn"),
    (promises.probabilities_are_probabilities, broken(DoesNotSumToOne), "away from one"),
    (promises.missing_and_unseen_are_answered, broken(FailsOnUnseen), "predict raised KeyError"),
    (promises.one_row_equals_its_batch, broken(RoundsOneRow), "alone with"),
    (promises.one_row_equals_its_batch, broken(RoundsCompany), "beside others with"),
    (promises.one_row_equals_its_batch, broken(FailsOnOneRow), "answer raised IndexError"),
    (promises.order_changes_nothing, broken(LooksAtItsBatch), "another order or company"),
    (promises.saved_equals_loaded, replace(SOUND, load=forgets_when_loaded), "saved and loaded"),
    (
        promises.saved_equals_loaded,
        replace(SOUND, load=fails_when_loaded),
        "load raised ValueError on .*no such version",
    ),
    (promises.loads_from_bytes_alone, replace(SOUND, load=reads_a_file), "while it is loaded"),
    (promises.members_are_plain_data, broken(SavesAPickle), "has a pickle"),
    (promises.members_are_plain_data, broken(NamesAPath), "one plain word"),
    (promises.members_are_plain_data, broken(SavesCode), "one plain word"),
    (promises.same_seed_same_bytes, replace(SOUND, fit=draws_without_a_seed), "second time with the same seed"),
    (promises.keeps_to_the_clock, replace(SOUND, fit=sleeps), "nothing left on the clock"),
    (promises.refits_without_valid_rows, replace(SOUND, fit=needs_valid_rows), "fit raised TypeError"),
    (promises.facts_grow_with_rows, replace(SOUND, facts=lambda profile, knobs: Facts((1.0,), (1.0,))), "cost no more"),
    (
        promises.plain_settings_answer_alike,
        replace(THINNED, plain=lambda job, schema, knobs: {**knobs, "every": 1}),
        "puts every back on .*which changes its answers",
    ),
    (
        promises.plain_settings_answer_alike,
        replace(THINNED, plain=lambda job, schema, knobs: {**knobs, "idle": 1 - knobs["idle"]}),
        "not plain itself",
    ),
]


@pytest.mark.parametrize("promise", promises.PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("name", catalogue.names())
def test_every_recipe_keeps_every_promise(name: str, promise: promises.Promise):
    """A recipe of the catalogue keeps each promise of plimsoll.testing.promises."""
    promise(catalogue.find(name))


def test_a_sound_recipe_from_outside_keeps_every_promise():
    """A stranger's recipe, in one file and with no base class, passes the same door."""
    promises.check(SOUND)
    promises.plain_settings_answer_alike(replace(THINNED, plain=lambda job, schema, knobs: {**knobs, "idle": 0}))


@pytest.mark.parametrize(("promise", "recipe", "words"), FAULTS, ids=[f"{f[0].__name__}-{f[2]}" for f in FAULTS])
def test_every_promise_catches_a_planted_fault(
    promise: promises.Promise, recipe: Recipe, words: str, monkeypatch: pytest.MonkeyPatch
):
    """A recipe with one fault is caught by the promise that speaks of it, in one line that begins with its name."""
    monkeypatch.setattr(promises, "GRACE", 0.2)
    with pytest.raises(AssertionError, match=words) as caught:
        promise(recipe)
    assert str(caught.value).startswith("centres: ")
    assert "\n" not in str(caught.value)


def test_no_promise_goes_without_a_planted_fault():
    """Each promise in PROMISES has a fault, above or among those of streams, lists and search, so none of them is one that cannot fail."""
    assert {fault[0] for fault in [*FAULTS, *OF_STREAMS, *OF_LISTS, *OF_SEARCH]} == set(promises.PROMISES)


def test_no_promise_is_left_out_of_the_list():
    """Whatever takes a recipe alone and gives nothing is a promise, in whichever file it stands, and is in PROMISES."""
    written = {
        each
        for module in (promises, saving, searches, streams)
        for name, each in vars(module).items()
        if inspect.isfunction(each)
        and not name.startswith("_")
        and list(inspect.signature(each).parameters) == ["recipe"]
        and inspect.signature(each).return_annotation == "None"
    }
    assert written - {promises.check} == set(promises.PROMISES)


def test_a_recipe_that_refuses_everything_is_caught():
    """A recipe must do at least one of the toys' jobs, or the other promises would be empty."""
    with pytest.raises(AssertionError, match="refuses every toy"):
        promises.check(replace(SOUND, refuse=lambda job, schema: "Not today."))
