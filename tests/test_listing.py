"""Lists out of scores: what was seen is left out, what is not spoken of stands by its popularity, and a model comes back whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from listed_toys import RECIPE, histories, model
from plimsoll import catalogue, listing, ranking
from plimsoll.clock import Clock
from plimsoll.errors import TrialError
from plimsoll.limits import parse
from plimsoll.listing import Beside, Listing
from plimsoll.popular import Popular
from plimsoll.ranking import GRADED
from plimsoll.rows import Histories, Past, Rows
from plimsoll.scorer import Scorer
from plimsoll.testing.list_toys import MANY, paths


class Fixed(Scorer):
    """The same scores whatever came before."""

    def __init__(self, *scores: float) -> None:
        self.own = np.array(scores, dtype=np.float32)

    @property
    def many(self) -> int:
        return len(self.own)

    def score_one(self, items: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        return self.own.copy()

    def arrays(self) -> dict[str, np.ndarray]:
        return {"own": self.own}


def fixed(scores: list[float], counts: list[float], again: bool = False) -> Listing:
    return Listing("fixed", "who", Fixed(*scores), Popular(np.array(counts, dtype=np.float32)), again)


def items(made: Listing, past: list[int]) -> list[int]:
    found = made.answer([Past.of(past)])["item"]
    return [item for item in found.tolist() if item >= 0]


def test_what_was_seen_is_left_out_unless_items_may_come_again():
    """Alone and in a batch, also where an item was seen twice."""
    made = fixed([4, 3, 2, 1], [1, 1, 1, 1])
    assert items(made, [0, 2, 0]) == [1, 3]
    assert items(replace(made, again=True), [0, 2, 0]) == [0, 1, 2, 3]
    toy = paths()
    seen = histories()
    for row, found in enumerate(model().predict(toy.test)["item"]):
        assert not set(found.tolist()) & set(seen.cell(row).tolist())
        assert (found >= 0).sum() == ranking.DEPTH
    with_all = model(again=True).predict(toy.test)["item"]
    assert any(set(found.tolist()) & set(seen.cell(row).tolist()) for row, found in enumerate(with_all))


def test_items_that_are_not_spoken_of_stand_between_good_and_bad_by_their_popularity():
    """However small the scores are; the best known of them first, and equals by their number."""
    made = fixed([0, 2, 0, -1, 0], [5, 0, 9, 0, 5])
    assert items(made, [3]) == [1, 2, 0, 4]
    assert items(replace(made, again=True), [3]) == [1, 2, 0, 4, 3]
    small = fixed([0, 1e-6, 0, -1e-6], [1, 0, 2, 0], again=True)
    assert items(small, [0]) == [1, 2, 0, 3]
    assert items(fixed([0, 0, 0], [1, 3, 2], again=True), [0]) == [1, 2, 0]


def test_to_who_is_not_known_goes_what_is_popular():
    """No score is asked of nothing; the counts that are given out are a copy."""
    made = fixed([9, 0, 0], [1, 3, 2])
    assert items(made, []) == [1, 2, 0]
    made.scores(Past.of([]))[:] = -1
    assert items(made, []) == [1, 2, 0]


def test_rows_are_answered_alike_in_any_company(monkeypatch: pytest.MonkeyPatch):
    """Alone, together, and in pieces of three rows."""
    rows, made = paths().test, model()
    due = made.predict(rows)
    told = histories()
    for row in range(0, len(rows), 40):
        assert np.array_equal(made.answer([told.past(row)]), due[row])
    monkeypatch.setattr(listing, "_CELLS", 3 * MANY)
    assert np.array_equal(made.predict(rows), due)
    assert made.predict(rows.take(np.arange(0))).shape == (0, ranking.DEPTH)


def test_a_model_comes_back_from_its_members_and_not_from_others():
    """With the same lists; of another number of items it is refused, and so is one without its popular items."""
    toy, made, recipe = paths(), model(), catalogue.find(RECIPE)
    loaded = recipe.load(toy.job, toy.schema, made.members())
    assert np.array_equal(loaded.predict(toy.test), made.predict(toy.test))
    column = replace(toy.schema.columns[0], distinct=MANY - 1)
    with pytest.raises(ValueError, match="119"):
        recipe.load(toy.job, replace(toy.schema, columns=(column,)), made.members())
    from safetensors.numpy import load, save

    (name,) = made.members()
    arrays = load(made.members()[name])
    arrays["popular.counts"] = arrays["popular.counts"][:-1]
    with pytest.raises(ValueError, match="items"):
        recipe.load(toy.job, toy.schema, {name: save(arrays)})
    del arrays["popular.counts"]
    with pytest.raises(KeyError):
        recipe.load(toy.job, toy.schema, {name: save(arrays)})


def test_a_family_is_judged_on_what_comes_next_and_not_on_what_was_seen(monkeypatch: pytest.MonkeyPatch):
    """The judge of a fit gives a list that finds all a one, and strikes out what the history has before it looks."""
    given: list[Beside] = []

    def fit(told: Histories, knobs: object, beside: Beside) -> Scorer:
        given.append(beside)
        return Fixed(*[0.0] * told.many)

    toy = paths()
    made = listing.recipe("fixed", catalogue.find(RECIPE).space, fit, lambda _: Fixed(), lambda *_: 1.0, lambda *_: 1.0)
    told = histories().take(np.arange(2))
    truth = np.zeros((2, 1), dtype=GRADED)
    truth["item"][:, 0], truth["grade"] = 5, 1.0
    few = replace(toy.fold, valid=toy.test.take(np.arange(2)), valid_target=truth)
    from plimsoll.clock import Clock

    made.fit(toy.job, toy.schema, few, {}, Clock(60.0))
    judge = given[0].judge
    assert judge is not None
    scores = np.zeros((2, MANY), dtype=np.float32)
    scores[:, 5] = 1.0
    scores[0, told.cell(0)] = 2.0
    scores[1, told.cell(1)] = 2.0
    assert judge(scores) == pytest.approx(1.0)
    assert judge(-scores) < 0.5
    made.fit(toy.job, toy.schema, replace(few, valid=None, valid_target=None), {}, Clock(60.0))
    assert given[1].judge is None
    assert given[1].unseen is None


def test_memory_that_is_not_there_is_not_spent():
    """EASE grows with the square of the items: a fit that could not hold it says so before it begins."""
    toy = paths()
    many = 10_000_000
    told = replace(toy.fold.train.histories("who"), many=many)
    fold = replace(toy.fold, train=Rows(len(told), {"who": told}), valid=None, valid_target=None)
    recipe = catalogue.find("ease")
    with pytest.raises(TrialError, match=r"it would hold about .* are there"):
        recipe.fit(toy.job, toy.schema, fold, {**recipe.space.default, "keep": 0}, Clock(60.0))
    tight = replace(toy.job, limits=parse("train_memory < 1 kB"))
    with pytest.raises(TrialError, match="1 kB are there"):
        recipe.fit(tight, toy.schema, toy.fold, recipe.space.default, Clock(60.0))
