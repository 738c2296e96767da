"""The learned ranker: it learns whom to believe, from events its members have not seen, and is loaded as it was saved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plimsoll import als, catalogue, content, ease, neighbours, popular, ranker, transitions
from plimsoll.clock import Clock
from plimsoll.collection import Collection
from plimsoll.errors import TrialError
from plimsoll.ids import Ids
from plimsoll.rows import Coded, Histories, Rows
from plimsoll.schema import Schema
from plimsoll.scorer import Scorer
from plimsoll.testing import list_toys
from recommend_toys import chains, groups, hit_rate, told

MAKERS: list[ranker.Maker] = [neighbours.cosine, lambda histories: transitions.fit(histories, window=5), popular.fit]
TABLE = np.zeros((30, 1), np.float32)


def fitted(histories: Histories, makers: list[ranker.Maker] = MAKERS, **knobs: object) -> ranker.Ranker:
    return ranker.fit(histories, makers, 2, TABLE, **{"each": 10, "trees": 30, **knobs})  # type: ignore[arg-type]


def cut(histories: Histories) -> tuple[Histories, np.ndarray]:
    """Without the last event of each row, and that event."""
    before = Histories(
        histories.items, histories.times, histories.weights, histories.starts, histories.ends - 1, histories.many
    )
    return before, histories.items[histories.ends - 1]


def test_it_learns_whom_to_believe():
    """In chains the first member, which knows no person, is wrong; the ranker comes to what the second knows."""
    asked, truth = cut(chains(people=100, seed=1))
    model = fitted(chains(people=200), [popular.fit, MAKERS[1]])
    unseen = np.array([item not in asked.cell(row) for row, item in enumerate(truth)])
    rows = np.flatnonzero(unseen)
    found, alone = (
        hit_rate(each.scores(asked.take(rows)), asked.take(rows), truth[rows], best=1)
        for each in (model, model.sieve.members[0])
    )
    assert found > 0.7
    assert alone < 0.2


def test_no_member_has_seen_what_it_is_asked_for():
    """While lessons are taken, the members know nothing of the events that are held out; at the end they know all."""
    histories, known = chains(people=20, steps=12), []

    def watched(seen: Histories) -> Scorer:
        known.append(seen)
        return popular.fit(seen)

    fitted(histories, [*MAKERS[:2], watched], last=3)
    assert [seen.lengths.tolist() for seen in known] == [[9] * 20, [12] * 20]
    assert all((seen.starts == histories.starts).all() for seen in known)


def test_a_short_history_is_learned_from_by_members_alone():
    """Nothing of it is held out, for too little would be left to ask with."""
    histories = told([*[chains().cell(row).tolist() for row in range(30)], [1, 2, 3]], 30)
    known = []

    def watched(seen: Histories) -> Scorer:
        known.append(int(seen.lengths[-1]))
        return popular.fit(seen)

    fitted(histories, [*MAKERS[:2], watched])
    assert known == [3, 3]


def test_candidates_are_the_best_of_those_who_draw():
    """None that was seen, none but of the first two members, all features in their columns."""
    model = fitted(chains(people=100), each=4)
    items = chains(seed=2).cell(0)
    found, features, first = model.sieve.sift(items, None)
    scores = [member.score_one(items) for member in model.sieve.members]
    best = set()
    for said in scores[:2]:
        unseen = [item for item in np.argsort(-said, kind="stable").tolist() if item not in items]
        best |= set(unseen[:4])
    assert found.tolist() == sorted(best)
    assert features[:, :3].T.tolist() == [said[found].tolist() for said in scores]
    assert features[:, -1].tolist() == [12.0] * len(found)
    assert first.tolist() == scores[0].tolist()
    for at in range(2):
        assert sorted(features[:, 3 + at].tolist()) == list(range(len(found)))
        assert (np.diff(features[np.argsort(features[:, 3 + at]), at]) <= 0).all()


def test_the_others_stand_below_the_candidates_in_the_order_of_the_first_member():
    """So that a list of any length can be made of the scores."""
    model, items = fitted(chains(people=100), each=4), chains(seed=2).cell(0)
    found, _, first = model.sieve.sift(items, None)
    scores = model.score_one(items)
    rest = np.setdiff1d(np.arange(30), found)
    assert scores[found].min() >= 0.0 > -0.9 > scores[rest].max()
    assert (np.argsort(scores[rest], kind="stable") == np.argsort(first[rest], kind="stable")).all()


def test_a_history_of_nothing_and_one_of_everything_are_answered():
    """With finite scores: there are candidates for the first, and none for the second."""
    model = fitted(chains(people=100))
    for items in (np.zeros(0, np.int32), np.arange(30, dtype=np.int32)):
        scores = model.score_one(items)
        assert scores.shape == (30,)
        assert np.isfinite(scores).all()


def test_a_cold_item_is_found_by_what_is_known_of_it():
    """An item that nobody took is no candidate of those who count, and one of content's."""
    histories = groups(people=40)
    warm = Histories(
        np.where(histories.items == 9, 8, histories.items).astype(np.int32),
        histories.times,
        histories.weights,
        histories.starts,
        histories.ends,
        40,
    )
    known = np.eye(4)[np.arange(40) // 10]
    makers: list[ranker.Maker] = [lambda _: content.of_features(known), neighbours.cosine]
    model = ranker.fit(warm, makers, 2, np.zeros((40, 0), np.float32), each=12, last=2, trees=10)
    assert 9 in model.sieve.sift(np.array([0, 1, 2]), None)[0]
    assert 9 not in np.flatnonzero(model.sieve.members[1].score_one(np.array([0, 1, 2])))


def test_what_was_saved_is_loaded_and_scores_the_same():
    """With members of every kind."""
    makers: list[ranker.Maker] = [
        *MAKERS,
        ease.fit,
        lambda histories: als.fit(histories, factors=4, rounds=2),
        lambda _: content.of_features(np.eye(30)),
    ]
    model, asked = fitted(chains(people=100), makers), chains(people=9, seed=1)
    again = ranker.of(model.arrays(), model.forest.graph)
    assert again.scores(asked).tolist() == model.scores(asked).tolist()
    one = asked.cell(4)
    assert model.score_one(one).tolist() == model.scores(asked)[4].tolist()


WRONG = {
    "drawn": np.array(4),
    "each": np.array(0),
    "table": np.zeros((29, 1), np.float32),
    "1.links.alpha": np.array(2.0),
    "7.links.alpha": np.array(0.5),
    "1.pickle.alpha": np.array(0.5),
    "-1.links.alpha": np.array(0.5),
}


@pytest.mark.parametrize("name", WRONG)
def test_arrays_that_cannot_be_a_ranker_are_refused(name: str):
    """More who draw than there are, no candidates, a table of other items, members that are none or not of this house."""
    model = fitted(chains(people=60))
    with pytest.raises(ValueError, match=r"\w"):
        ranker.of({**model.arrays(), name: WRONG[name]}, model.forest.graph)


def test_trees_of_other_features_are_refused():
    """A graph must take as many columns as a candidate has features."""
    model = fitted(chains(people=60))
    wider = ranker.fit(chains(people=60), MAKERS, 2, np.zeros((30, 3), np.float32), each=10, trees=3)
    with pytest.raises(ValueError, match="features"):
        ranker.of(model.arrays(), wider.forest.graph)


def test_nothing_to_learn_an_order_from_is_named():
    """Histories too short to hold anything out of."""
    with pytest.raises(ValueError, match="nothing to learn"):
        fitted(told([[1, 2], [2, 3]], 30))


def test_growing_ends_when_the_time_is_up():
    """After one tree: what was grown is served."""
    model = fitted(chains(people=60), clock=Clock(0.0))
    assert np.isfinite(model.score_one(np.array([1]))).all()
    assert len(model.forest.graph) < len(fitted(chains(people=60)).forest.graph)


def test_items_that_nobody_came_to_are_listed_by_what_is_known_of_them():
    """With content the recipe lists a new item high to who came to others like it; without, it is no candidate of anybody."""
    toy = list_toys.paths()
    films = toy.fold.collection
    assert films is not None
    fresh = Collection(
        Ids.of(map(str, range(list_toys.MANY + 1))),
        Rows(list_toys.MANY + 1, {"kind": Coded.of([*films.rows.texts("kind").texts(), "a a3 a4x"])}),
        films.schema,
    )
    told = {
        name: replace(part.histories("who"), many=len(fresh))
        for name, part in (("train", toy.fold.train), ("test", toy.test))
    }
    fold = replace(
        toy.fold, train=Rows(len(toy.test), {"who": told["train"]}), valid=None, valid_target=None, collection=fresh
    )
    schema = replace(toy.schema, columns=(replace(toy.schema.columns[0], distinct=len(fresh)),))
    recipe = catalogue.find("ranker")
    heights = []
    for knob in (True, False):
        model = recipe.fit(toy.job, schema, fold, {**recipe.space.default, "content": knob}, Clock(60.0))
        lists = model.predict(Rows(len(toy.test), {"who": told["test"]}))["item"]
        heights.append(float((lists[:, :60] == list_toys.MANY).any(axis=1).mean()))
    assert heights[0] > heights[1] == 0.0


def test_content_of_nothing_is_told():
    """Items of which nothing is known are like none."""
    toy, recipe = list_toys.paths(), catalogue.find("ranker")
    bare = Collection(Ids.of(map(str, range(list_toys.MANY))), Rows(list_toys.MANY, {}), Schema((), "film"))
    with pytest.raises(TrialError, match="nothing is known of items"):
        recipe.fit(
            toy.job,
            toy.schema,
            replace(toy.fold, collection=bare),
            {**recipe.space.default, "content": True},
            Clock(9.0),
        )
