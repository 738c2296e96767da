"""A recipe tried out on the toys: fitted, asked, and caught in one line where it does not do what was promised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from plimsoll import ranking
from plimsoll.clock import Clock
from plimsoll.job import Task
from plimsoll.knobs import Knobs
from plimsoll.recipe import Answers, Fold, Model, Recipe, together
from plimsoll.rows import Rows, Value
from plimsoll.testing import list_toys, search_toys, signal_toys, toys
from plimsoll.testing.toys import Toy

TOYS: tuple[Callable[[], Toy], ...] = (*toys.TOYS, *signal_toys.TOYS, *list_toys.TOYS, *search_toys.TOYS)
SECONDS = 60.0  # on the clock of a fit on a toy

# How near two answers to one row must come: sums may be taken in another order.
RELATIVE, ABSOLUTE = 1e-9, 1e-7


def expect(kept: bool, recipe: Recipe, sentence: str) -> None:
    """Raises AssertionError with the recipe's name and the sentence, where something was not kept."""
    if not kept:
        raise AssertionError(f"{recipe.name}: {sentence}")


def accepted(recipe: Recipe, candidates: Iterator[Toy] | None = None) -> list[Toy]:
    """The toys whose job the recipe does not refuse; those that decode are for families that hear streams."""
    every = candidates or (make() for make in TOYS)
    return [toy for toy in every if recipe.refusal(toy.job, toy.schema) is None]


def one_each(recipe: Recipe) -> list[Toy]:
    """One toy for each task that the recipe can do, with every kind of column where it takes that; of signals, each."""
    found: dict[tuple[Task, bool, bool], Toy] = {}
    for toy in reversed(accepted(recipe)):
        found.setdefault((toy.job.task, toy.job.decode is not None, toy.job.signals is not None), toy)
    expect(bool(found), recipe, "refuses every toy. A recipe does at least one of the jobs in plimsoll.testing.toys.")
    return list(found.values())


@contextmanager
def caught(recipe: Recipe, doing: str, toy: Toy) -> Iterator[None]:
    """Whatever a recipe raises, as an AssertionError of one line."""
    try:
        yield
    except Exception as fault:
        said = " ".join(str(fault).split())
        raise AssertionError(f"{recipe.name}: {doing} raised {type(fault).__name__} on {toy.name}: {said}") from fault


def fitted(
    recipe: Recipe, toy: Toy, fold: Fold | None = None, knobs: Knobs | None = None, seconds: float = SECONDS
) -> Model:
    """The recipe's model of a toy: with its own knobs and the toy's own fold, where no others are given."""
    chosen = recipe.space.default if knobs is None else knobs
    with caught(recipe, "fit", toy):
        return recipe.fit(toy.job, toy.schema, fold or toy.fold, chosen, Clock(seconds))


def answered(recipe: Recipe, model: Model, toy: Toy, rows: Rows) -> Answers:
    """The model's answers to a batch."""
    with caught(recipe, "predict", toy):
        return model.predict(rows)


def answered_one(recipe: Recipe, model: Model, toy: Toy, values: Sequence[Value]) -> list[Any]:
    """The model's answer to one row."""
    with caught(recipe, "answer", toy):
        return listed(model.answer(values))


def listed(answer: Any) -> list[Any]:
    """An answer as plain values; a list of items as pairs."""
    return answer.tolist() if isinstance(answer, np.ndarray) else list(answer)


def expect_answers(recipe: Recipe, toy: Toy, answers: Any, rows: int) -> None:
    """Answers are finite float64 of the promised shape, and probabilities where the job has classes; or lists (see ``lists``)."""
    if toy.schema.lists:
        with caught(recipe, "predict", toy):
            ranking.checked(answers, rows, toy.schema.lists)
        return
    shape = (rows, len(toy.schema.classes)) if toy.job.task.classifies else (rows,)
    expect(
        isinstance(answers, np.ndarray) and answers.dtype == np.float64,
        recipe,
        f"answers {toy.name} with {type(answers).__name__}, not a float64 array.",
    )
    expect(answers.shape == shape, recipe, f"answers {toy.name} in shape {answers.shape}; {shape} was promised.")
    expect(bool(np.isfinite(answers).all()), recipe, f"gives an answer to {toy.name} that is not finite.")
    if toy.job.task.classifies:
        expect(bool((answers >= 0.0).all()), recipe, f"gives a probability below zero on {toy.name}.")
        worst = float(np.abs(answers.sum(axis=1) - 1.0).max(initial=0.0))
        expect(worst < 1e-6, recipe, f"gives probabilities on {toy.name} whose sum is {worst:.2g} away from one.")


def expect_alike(recipe: Recipe, toy: Toy, model: Model, rows: Rows) -> None:
    """One row alone is answered as it is in its batch, and to the last bit as it is beside others."""
    batch, some = answered(recipe, model, toy, rows), rows.values(toy.schema)[:60]
    alone = [answered_one(recipe, model, toy, values) for values in some]
    for place, one in enumerate(alone):
        whole = np.atleast_1d(batch[place]).tolist()
        same = len(one) == len(whole) and np.allclose(one, whole, rtol=RELATIVE, atol=ABSOLUTE)
        said = f"answers row {place} of {toy.name} alone with {one}"
        expect(bool(same), recipe, f"{said} and in its batch with {whole}.")
    with caught(recipe, "answers", toy):
        beside = [listed(each) for each in together(model, some)]
    expect(len(beside) == len(alone), recipe, f"answers {len(alone)} rows of {toy.name} with {len(beside)} answers.")
    for place, (one, other) in enumerate(zip(alone, beside, strict=True)):
        expect(
            one == other, recipe, f"answers row {place} of {toy.name} alone with {one} and beside others with {other}."
        )
