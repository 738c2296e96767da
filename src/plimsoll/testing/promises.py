"""What every recipe must keep, as functions that anybody may call on a recipe of their own.

Each takes a recipe and raises AssertionError, with one line that says what was expected and what was found.

    from plimsoll.testing import promises
    promises.check(my_recipe)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from plimsoll import ctc, net_ctc, popular, profile, ranking, relevance
from plimsoll.catalogue import FLOORS
from plimsoll.edits import Edits, distance
from plimsoll.job import Task
from plimsoll.metrics import log_loss, rmse
from plimsoll.profile import Profile
from plimsoll.recipe import Answers, Fold, Recipe
from plimsoll.rows import Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.testing import list_toys, signal_toys, toys
from plimsoll.testing.lists import lists_are_lists
from plimsoll.testing.saving import (
    loads_from_bytes_alone,
    members_are_plain_data,
    same_seed_same_bytes,
    saved_equals_loaded,
)
from plimsoll.testing.searches import knows_later_documents, lists_what_it_may, longer_lists_go_on, says_why
from plimsoll.testing.streams import (
    chunked_equals_whole,
    no_look_ahead,
    state_is_its_own,
    window_is_kept,
)
from plimsoll.testing.toys import Toy
from plimsoll.testing.tryout import (
    ABSOLUTE,
    RELATIVE,
    accepted,
    answered,
    expect,
    expect_alike,
    expect_answers,
    fitted,
    one_each,
)

GRACE = 8.0  # seconds that a fit may take whose clock had almost none

Promise = Callable[[Recipe], None]


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
    for toy in (blobs, word, toys.sine(), signal_toys.recordings(), unreadable, nothing):
        reason = recipe.refusal(toy.job, toy.schema)
        if reason is None:
            expect_answers(recipe, toy, answered(recipe, fitted(recipe, toy), toy, toy.test), len(toy.test))
        else:
            expect(isinstance(reason, str) and bool(reason.strip()), recipe, f"refuses {toy.name} without saying why.")


def learns_its_toys(recipe: Recipe) -> None:
    """On every toy that it accepts it loses no more than a constant does, and clearly less where one column decides.

    A family of sequences loses symbols, of which a constant says none.
    """
    for toy in accepted(recipe):
        answers = answered(recipe, fitted(recipe, toy), toy, toy.test)
        found, constant = (
            (_wrong(toy, answers), 1.0) if recipe.sequences else (_loss(toy, answers), _constant_loss(toy))
        )
        floor = recipe.name in FLOORS and toy.job.search is None  # that of search is a model like others
        easy = toy.easy and not floor
        # No loss of lists is above one, so that of a family which finds nothing must not pass.
        bound = constant * (0.8 if easy else 1.1 if not toy.schema.lists else 1.01 if floor else 0.97)
        expect(
            found < bound,
            recipe,
            f"does not learn {toy.name}: its loss is {found:.4g}, and below {bound:.4g} was promised.",
        )


def _wrong(toy: Toy, answers: Answers) -> float:
    """The symbols that are wrong in the streams of a toy that decodes, for each that was true."""
    assert toy.job.decode is not None
    starts, rest = toy.test.signals(toy.schema.of(Kind.SIGNAL)[0]).starts, toy.schema.classes.index(toy.job.decode.rest)
    told, true = Edits(), 0
    for own in (starts == start for start in np.unique(starts)):
        due = net_ctc.symbols(toy.truth[own], rest)
        told, true = told + distance(due, ctc.greedy(answers[own], rest)[0]), true + len(due)
    return told.total / max(1, true)


def _loss(toy: Toy, answers: Answers) -> float:
    if toy.schema.lists:
        return 1.0 - relevance.mean(relevance.each("ndcg@10", ranking.found(answers, toy.truth)))
    return (log_loss if toy.job.task.classifies else rmse)(toy.truth, answers)


def _constant_loss(toy: Toy) -> float:
    """The loss of the training rows' class shares, or of their mean; of lists of items, of what is popular."""
    if toy.job.search is not None:
        return 1.0  # what is the same for every query finds nothing: equal scores are the last of their places
    if toy.schema.lists:
        name = toy.schema.columns[0].name
        model = popular.fit(toy.fold.train.histories(name))
        seen = toy.test.histories(name)
        return _loss(toy, ranking.best(model.scores(seen), seen))
    if not toy.job.task.classifies:
        return _loss(toy, np.full(len(toy.truth), float(np.mean(toy.fold.target))))
    shares = np.bincount(toy.fold.target, minlength=len(toy.schema.classes)) / len(toy.fold.target)
    return _loss(toy, np.tile(shares, (len(toy.truth), 1)))


def probabilities_are_probabilities(recipe: Recipe) -> None:
    """Answers are finite float64 of shape (rows, classes), each row at least zero and summing to one; or (rows,)."""
    for toy in one_each(recipe):
        expect_answers(recipe, toy, answered(recipe, fitted(recipe, toy), toy, toy.test), len(toy.test))


def missing_and_unseen_are_answered(recipe: Recipe) -> None:
    """Missing cells and categories never seen get a whole answer, in a batch and one at a time; so does an empty batch."""
    for toy in one_each(recipe):
        model = fitted(recipe, toy)
        holed = toy.holed
        expect_answers(recipe, toy, answered(recipe, model, toy, holed), len(holed))
        expect_alike(recipe, toy, model, holed)
        nothing = answered(recipe, model, toy, toy.test.take(np.arange(0)))
        expect_answers(recipe, toy, nothing, 0)


def one_row_equals_its_batch(recipe: Recipe) -> None:
    """``answer`` gives for one row what ``predict`` gives for it among others."""
    for toy in one_each(recipe):
        expect_alike(recipe, toy, fitted(recipe, toy), toy.test)


def order_changes_nothing(recipe: Recipe) -> None:
    """A row's answer does not depend on its place in a batch, nor on the rows around it."""
    for toy in one_each(recipe):
        model = fitted(recipe, toy)
        order = np.random.default_rng(0).permutation(len(toy.test))
        whole = answered(recipe, model, toy, toy.test)
        for pick in (order, order[: len(order) // 3]):
            found = answered(recipe, model, toy, toy.test.take(pick))
            same = _alike(found, whole[pick])
            expect(same, recipe, f"gives other answers to {toy.name} when its rows come in another order or company.")


def _alike(one: Answers, other: Answers) -> bool:
    if one.dtype.names:
        return bool(np.array_equal(one, other))
    return bool(np.allclose(one, other, rtol=RELATIVE, atol=ABSOLUTE))


def keeps_to_the_clock(recipe: Recipe) -> None:
    """With almost no time it still returns, soon, and with a model that answers."""
    large = (
        toys.two_blobs(20_000),
        toys.mixed(Task.MULTICLASS, 3_000),
        signal_toys.oscillations(20),
        list_toys.paths(),
    )
    for toy in accepted(recipe, iter(large)):
        started = time.monotonic()
        model = fitted(recipe, toy, seconds=0.001)
        spent = time.monotonic() - started
        expect(
            spent < GRACE,
            recipe,
            f"took {spent:.1f} s for {toy.name} with nothing left on the clock. Ask clock.up, or loop over clock.steps.",
        )
        expect_answers(recipe, toy, answered(recipe, model, toy, toy.test), len(toy.test))


def refits_without_valid_rows(recipe: Recipe) -> None:
    """The knobs that training settled fit all the rows again, with none for early stopping."""
    for toy in one_each(recipe):
        settled = {**recipe.space.default, **fitted(recipe, toy).settled}
        fold = replace(toy.fold, valid=None, valid_target=None)
        again = fitted(recipe, toy, fold, settled)
        expect_answers(recipe, toy, answered(recipe, again, toy, toy.test), len(toy.test))


def facts_grow_with_rows(recipe: Recipe) -> None:
    """More rows never cost less: operations grow, bytes do not shrink, both are finite and above zero."""
    for toy in one_each(recipe):
        told = profile.of(toy.fold.train, toy.fold.target, toy.schema)
        few, many = (recipe.facts(_grown(told, rows), recipe.space.default) for rows in (1_000, 100_000))
        addends = [part for facts in (few, many) for part in (facts.operations, facts.bytes, facts.answer, facts.model)]
        sane = all(np.isfinite(part).all() and min(part, default=0.0) >= 0 for part in addends)
        expect(bool(sane), recipe, f"gives facts about {toy.name} that are not finite, or below zero.")
        expect(
            sum(many.operations) > sum(few.operations) > 0 and sum(many.bytes) >= sum(few.bytes) > 0,
            recipe,
            f"says that a hundred times the rows of {toy.name} cost no more.",
        )


def _grown(told: Profile, rows: int) -> Profile:
    """The same of so many rows; each has as many events as before."""
    return replace(told, rows=rows, events=told.events * rows / max(1, told.rows))


def plain_settings_answer_alike(recipe: Recipe) -> None:
    """The default is plain, what was made plain is, and a knob that ``plain`` puts back changes no answer."""
    if recipe.plain is None:
        return
    for toy in one_each(recipe):
        plain, known = partial(recipe.plain, toy.job, toy.schema), set[str]()
        for knobs in recipe.space.settings(seed=0, count=40):
            short = plain(knobs)
            still = plain(short) == short and (knobs != recipe.space.default or short == knobs)
            expect(still, recipe, f"has a plain form of {knobs} on {toy.name} that is not plain itself.")
            back = {name for name in knobs if short[name] != knobs[name]} - known
            if back:
                known |= back
                one, other = (
                    answered(recipe, fitted(recipe, toy, knobs=each), toy, toy.test) for each in (knobs, short)
                )
                said = f"puts {', '.join(sorted(back))} back on {toy.name}, which changes its answers"
                expect(np.array_equal(one, other), recipe, f"{said}: {knobs}.")


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
    plain_settings_answer_alike,
    chunked_equals_whole,
    no_look_ahead,
    window_is_kept,
    state_is_its_own,
    lists_are_lists,
    lists_what_it_may,
    longer_lists_go_on,
    says_why,
    knows_later_documents,
)


def check(recipe: Recipe) -> None:
    """Hold a recipe to every promise; the first that it breaks is raised as an AssertionError."""
    for promise in PROMISES:
        promise(recipe)
