"""What every recipe must keep, as functions that anybody may call on a recipe of their own.

Each takes a recipe and raises AssertionError, with one line that says what was expected and what was found.

    from plimsoll.testing import promises
    promises.check(my_recipe)
"""

from __future__ import annotations

import builtins
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from plimsoll.clock import Clock
from plimsoll.job import Task
from plimsoll.knobs import Knobs
from plimsoll.metrics import log_loss, rmse
from plimsoll.recipe import Answers, Fold, Model, Recipe
from plimsoll.rows import Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.testing import toys
from plimsoll.testing.toys import TOYS, Toy

ENDINGS = (".json", ".safetensors", ".onnx", ".arrow")
FLOOR = "constant"  # the recipe that all the others are held against; it need not beat itself
SECONDS = 60.0  # on the clock of a fit on a toy
GRACE = 8.0  # seconds that a fit may take whose clock had almost none

# How near one row's answer comes to the batch's: sums may be taken in another order.
RELATIVE, ABSOLUTE = 1e-9, 1e-7

Promise = Callable[[Recipe], None]


def _expect(kept: bool, recipe: Recipe, sentence: str) -> None:
    if not kept:
        raise AssertionError(f"{recipe.name}: {sentence}")


def _accepted(recipe: Recipe, candidates: Iterator[Toy] | None = None) -> list[Toy]:
    every = candidates or (make() for make in TOYS)
    return [toy for toy in every if recipe.refuse(toy.job, toy.schema) is None]


def _some(recipe: Recipe) -> list[Toy]:
    """One toy for each task that the recipe can do, with every kind of column where it takes that."""
    found: dict[Task, Toy] = {}
    for toy in reversed(_accepted(recipe)):
        found.setdefault(toy.job.task, toy)
    _expect(bool(found), recipe, "refuses every toy. A recipe does at least one of the jobs in plimsoll.testing.toys.")
    return list(found.values())


def _fit(
    recipe: Recipe, toy: Toy, fold: Fold | None = None, knobs: Knobs | None = None, seconds: float = SECONDS
) -> Model:
    chosen = recipe.space.default if knobs is None else knobs
    try:
        return recipe.fit(toy.job, toy.schema, fold or toy.fold, chosen, Clock(seconds))
    except Exception as fault:
        raise AssertionError(f"{recipe.name}: fit raised {type(fault).__name__} on {toy.name}: {fault}") from fault


def _answers(recipe: Recipe, model: Model, toy: Toy, rows: Rows) -> Answers:
    try:
        return model.predict(rows)
    except Exception as fault:
        raise AssertionError(f"{recipe.name}: predict raised {type(fault).__name__} on {toy.name}: {fault}") from fault


def _loss(toy: Toy, answers: Answers) -> float:
    return (log_loss if toy.job.task.classifies else rmse)(toy.truth, answers)


def _constant_loss(toy: Toy) -> float:
    """The loss of the training rows' class shares, or of their mean."""
    if not toy.job.task.classifies:
        return _loss(toy, np.full(len(toy.truth), float(np.mean(toy.fold.target))))
    shares = np.bincount(toy.fold.target, minlength=len(toy.schema.classes)) / len(toy.fold.target)
    return _loss(toy, np.tile(shares, (len(toy.truth), 1)))


def learns_its_toys(recipe: Recipe) -> None:
    """On every toy that it accepts it loses no more than a constant does, and clearly less where one column decides."""
    for toy in _accepted(recipe):
        found = _loss(toy, _answers(recipe, _fit(recipe, toy), toy, toy.test))
        easy = toy.easy and recipe.name != FLOOR
        bound = _constant_loss(toy) * (0.8 if easy else 1.1)
        _expect(
            found < bound,
            recipe,
            f"does not learn {toy.name}: its loss is {found:.4g}, and below {bound:.4g} was promised.",
        )


def probabilities_are_probabilities(recipe: Recipe) -> None:
    """Answers are finite float64 of shape (rows, classes), each row at least zero and summing to one; or (rows,)."""
    for toy in _some(recipe):
        _expect_answers(recipe, toy, _answers(recipe, _fit(recipe, toy), toy, toy.test), len(toy.test))


def _expect_answers(recipe: Recipe, toy: Toy, answers: Any, rows: int) -> None:
    shape = (rows, len(toy.schema.classes)) if toy.job.task.classifies else (rows,)
    _expect(
        isinstance(answers, np.ndarray) and answers.dtype == np.float64,
        recipe,
        f"answers {toy.name} with {type(answers).__name__}, not a float64 array.",
    )
    _expect(answers.shape == shape, recipe, f"answers {toy.name} in shape {answers.shape}; {shape} was promised.")
    _expect(bool(np.isfinite(answers).all()), recipe, f"gives an answer to {toy.name} that is not finite.")
    if toy.job.task.classifies:
        _expect(bool((answers >= 0.0).all()), recipe, f"gives a probability below zero on {toy.name}.")
        worst = float(np.abs(answers.sum(axis=1) - 1.0).max(initial=0.0))
        _expect(worst < 1e-6, recipe, f"gives probabilities on {toy.name} whose sum is {worst:.2g} away from one.")


def missing_and_unseen_are_answered(recipe: Recipe) -> None:
    """Missing cells and categories never seen get a whole answer, in a batch and one at a time; so does an empty batch."""
    for toy in _some(recipe):
        model = _fit(recipe, toy)
        holed = toy.holed
        _expect_answers(recipe, toy, _answers(recipe, model, toy, holed), len(holed))
        _expect_alike(recipe, toy, model, holed)
        nothing = _answers(recipe, model, toy, toy.test.take(np.arange(0)))
        _expect_answers(recipe, toy, nothing, 0)


def one_row_equals_its_batch(recipe: Recipe) -> None:
    """``answer`` gives for one row what ``predict`` gives for it among others."""
    for toy in _some(recipe):
        _expect_alike(recipe, toy, _fit(recipe, toy), toy.test)


def _expect_alike(recipe: Recipe, toy: Toy, model: Model, rows: Rows) -> None:
    batch = _answers(recipe, model, toy, rows)
    for place, values in enumerate(rows.values(toy.schema)[:60]):
        one = np.asarray(model.answer(values), dtype=np.float64)
        whole = np.atleast_1d(batch[place])
        same = one.shape == whole.shape and np.allclose(one, whole, rtol=RELATIVE, atol=ABSOLUTE)
        _expect(
            bool(same),
            recipe,
            f"answers row {place} of {toy.name} alone with {one.tolist()} and in its batch with {whole.tolist()}.",
        )


def order_changes_nothing(recipe: Recipe) -> None:
    """A row's answer does not depend on its place in a batch, nor on the rows around it."""
    for toy in _some(recipe):
        model = _fit(recipe, toy)
        order = np.random.default_rng(0).permutation(len(toy.test))
        whole = _answers(recipe, model, toy, toy.test)
        for pick in (order, order[: len(order) // 3]):
            found = _answers(recipe, model, toy, toy.test.take(pick))
            same = np.allclose(found, whole[pick], rtol=RELATIVE, atol=ABSOLUTE)
            _expect(
                bool(same), recipe, f"gives other answers to {toy.name} when its rows come in another order or company."
            )


def saved_equals_loaded(recipe: Recipe) -> None:
    """A model loaded from its members gives the same answers to the last bit, and has the same members."""
    for toy in _some(recipe):
        model = _fit(recipe, toy)
        members = dict(model.members())
        loaded = recipe.load(toy.job, toy.schema, members)
        same = np.array_equal(_answers(recipe, model, toy, toy.test), _answers(recipe, loaded, toy, toy.test))
        _expect(same, recipe, f"answers {toy.name} differently once it has been saved and loaded.")
        values = toy.test.values(toy.schema)[0]
        _expect(
            list(model.answer(values)) == list(loaded.answer(values)),
            recipe,
            f"answers one row of {toy.name} differently once it has been saved and loaded.",
        )
        _expect(
            dict(loaded.members()) == members,
            recipe,
            f"has other members on {toy.name} once it has been saved and loaded.",
        )


def loads_from_bytes_alone(recipe: Recipe) -> None:
    """Loading opens no file: what was hashed is what is loaded."""
    for toy in _some(recipe):
        members = {name: bytes(content) for name, content in _fit(recipe, toy).members().items()}
        with _no_files(recipe):
            recipe.load(toy.job, toy.schema, members).predict(toy.test)


@contextmanager
def _no_files(recipe: Recipe) -> Iterator[None]:
    kept = builtins.open

    def refuse(file: object, *_: object, **__: object) -> NoReturn:
        raise AssertionError(
            f"{recipe.name}: opens {file} while it is loaded. A model is loaded from its members alone."
        )

    builtins.open = refuse
    try:
        yield
    finally:
        builtins.open = kept


def members_are_plain_data(recipe: Recipe) -> None:
    """Members are bytes named in one plain word with an allowed ending, and none of them is a pickle."""
    for toy in _some(recipe):
        members = _fit(recipe, toy).members()
        for name, content in members.items():
            _expect(
                isinstance(content, bytes), recipe, f"has a member {name} that is {type(content).__name__}, not bytes."
            )
            plain = name.endswith(ENDINGS) and "/" not in name and "\\" not in name and not name.startswith(".")
            _expect(
                plain, recipe, f'has a member "{name}". A name is one plain word that ends in {" or ".join(ENDINGS)}.'
            )
            # A pickle of protocol 2 or later opens with 0x80 and its protocol, and ends with a full stop.
            pickled = (
                content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and content[-1:] == b"."
            )
            _expect(not pickled, recipe, f"has a pickle in its member {name}. Save arrays and JSON.")
            if name.endswith(".json"):
                _expect(_is_json(content), recipe, f"has a member {name} that is not JSON.")


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def same_seed_same_bytes(recipe: Recipe) -> None:
    """The same rows, knobs and seed give the same members, byte for byte."""
    for toy in _some(recipe):
        one, other = (dict(_fit(recipe, toy).members()) for _ in range(2))
        changed = [name for name in one if one[name] != other.get(name)]
        _expect(
            one == other,
            recipe,
            f"gives other members on {toy.name} the second time with the same seed: {', '.join(changed)}.",
        )


def keeps_to_the_clock(recipe: Recipe) -> None:
    """With almost no time it still returns, soon, and with a model that answers."""
    for toy in _accepted(recipe, iter((toys.two_blobs(20_000), toys.mixed(Task.MULTICLASS, 3_000)))):
        started = time.monotonic()
        model = _fit(recipe, toy, seconds=0.001)
        spent = time.monotonic() - started
        _expect(
            spent < GRACE,
            recipe,
            f"took {spent:.1f} s for {toy.name} with nothing left on the clock. Ask clock.up, or loop over clock.steps.",
        )
        _expect_answers(recipe, toy, _answers(recipe, model, toy, toy.test), len(toy.test))


def refits_without_valid_rows(recipe: Recipe) -> None:
    """The knobs that training settled fit all the rows again, with none for early stopping."""
    for toy in _some(recipe):
        settled = {**recipe.space.default, **_fit(recipe, toy).settled}
        fold = replace(toy.fold, valid=None, valid_target=None)
        again = _fit(recipe, toy, fold, settled)
        _expect_answers(recipe, toy, _answers(recipe, again, toy, toy.test), len(toy.test))


def facts_grow_with_rows(recipe: Recipe) -> None:
    """More rows never cost less: operations grow, bytes do not shrink, both are finite and above zero."""
    for toy in _some(recipe):
        few, many = (recipe.facts(toy.job, toy.schema, rows, recipe.space.default) for rows in (1_000, 100_000))
        sane = all(
            np.isfinite(figure) and figure > 0 for facts in (few, many) for figure in (facts.operations, facts.bytes)
        )
        _expect(bool(sane), recipe, f"gives facts about {toy.name} that are not finite and above zero.")
        _expect(
            many.operations > few.operations and many.bytes >= few.bytes,
            recipe,
            f"says that a hundred times the rows of {toy.name} cost no more.",
        )


def refuses_in_words(recipe: Recipe) -> None:
    """``refuse`` gives None and the fit works, or a sentence: also for a table with no columns, one of ids, one of texts."""
    blobs, word = toys.two_blobs(), toys.planted_word()
    ids = Schema((Column("number", Kind.ID),), "answer", ("no", "yes"))
    named = Rows.of_values(ids, [(f"r{row}",) for row in range(len(blobs.fold.train))])
    unreadable = replace(blobs, name="a table of ids", schema=ids, fold=Fold(named, blobs.fold.target), test=named)
    empty_train = Rows(len(blobs.fold.train), {})
    nothing = replace(
        blobs,
        name="a table with no columns",
        schema=replace(ids, columns=()),
        fold=Fold(empty_train, blobs.fold.target),
        test=empty_train,
    )
    for toy in (blobs, word, toys.sine(), unreadable, nothing):
        reason = recipe.refuse(toy.job, toy.schema)
        if reason is None:
            _expect_answers(recipe, toy, _answers(recipe, _fit(recipe, toy), toy, toy.test), len(toy.test))
        else:
            _expect(isinstance(reason, str) and bool(reason.strip()), recipe, f"refuses {toy.name} without saying why.")


PROMISES: tuple[Promise, ...] = (
    refuses_in_words,
    learns_its_toys,
    probabilities_are_probabilities,
    missing_and_unseen_are_answered,
    one_row_equals_its_batch,
    order_changes_nothing,
    saved_equals_loaded,
    loads_from_bytes_alone,
    members_are_plain_data,
    same_seed_same_bytes,
    keeps_to_the_clock,
    refits_without_valid_rows,
    facts_grow_with_rows,
)


def check(recipe: Recipe) -> None:
    """Hold a recipe to every promise; the first that it breaks is raised as an AssertionError."""
    for promise in PROMISES:
        promise(recipe)
