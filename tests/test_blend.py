"""A blend answers as its parts together, in as few models as they can be compiled into."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from plimsoll import blend, bundle, catalogue, profile
from plimsoll.blend import Blend, Part
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.clock import Clock
from plimsoll.errors import BundleError, JobError
from plimsoll.job import Task
from plimsoll.knobs import Space
from plimsoll.recipe import Fold, Model, Recipe, together
from plimsoll.serve.answerer import Answerer
from plimsoll.testing import promises, toys
from plimsoll.testing.toys import Toy

SMALL = {"trees": 12, "leaves": 7}
FORESTS = [Part("trees", dict(SMALL), 1.0), Part("trees", {**SMALL, "rate": 0.2, "cuts": "random"}, 3.0)]
LINES = [Part("linear", {"bins": 0}, 2.0), Part("linear", {"bins": 16}, 2.0)]
ROWS = [task for task in Task if task is not Task.RANKING]  # lists are not pooled
TOYS = {task: toys.mixed(task, 160) for task in ROWS}
EACH = pytest.mark.parametrize("task", ROWS)


def fitted(toy: Toy, parts: list[Part], **settled: int) -> Blend:
    return blend.fit(toy.job, toy.schema, toy.fold, {**blend.of(parts), **settled}, Clock(60.0))


def apart(toy: Toy, parts: list[Part]) -> Blend:
    """The same blend with every part a model of its own."""
    models = [one(toy, part) for part in parts]
    total = sum(part.weight for part in parts)
    return Blend(tuple(models), tuple(part.recipe for part in parts), tuple(part.weight / total for part in parts))


def one(toy: Toy, part: Part) -> Model:
    return catalogue.find(part.recipe).fit(toy.job, toy.schema, toy.fold, part.whole, Clock(60.0))


BLENDS = {task: fitted(toy, [*FORESTS, *LINES]) for task, toy in TOYS.items()}


@EACH
def test_models_of_one_kind_become_one_that_answers_as_they_do(task: Task):
    """Four parts of two kinds are two models, and answer as the four do but for float32."""
    joined, toy = BLENDS[task], TOYS[task]
    assert joined.recipes == ("trees", "linear")
    np.testing.assert_allclose(joined.weights, [0.5, 0.5])
    spread = float(np.std(toy.fold.target)) if task is Task.REGRESSION else 1.0
    due = apart(toy, [*FORESTS, *LINES]).predict(toy.test)
    np.testing.assert_allclose(joined.predict(toy.test), due, atol=2e-6 * spread)


def test_families_that_join_alike_are_joined_with_each_other():
    """A linear model and one of n-grams are one additive model, and a text that both look at in one way is read once."""
    toy = toys.planted_word(200)
    parts = [Part("linear", weight=1.0), Part("text_ngrams", {"chars": 0}, 2.0)]
    joined = fitted(toy, parts)
    assert joined.recipes == ("linear",)
    assert len(joined.models[0].look.blocks) == 1
    np.testing.assert_allclose(joined.predict(toy.test), apart(toy, parts).predict(toy.test), atol=1e-6)


def test_forests_that_read_rows_differently_are_not_joined():
    """Categories in another order would send rows elsewhere, so such forests stay two."""
    toy = TOYS[Task.BINARY]
    model = one(toy, FORESTS[0])
    turned = replace(toy, fold=replace(toy.fold, target=1 - toy.fold.target))
    join = catalogue.find("trees").join
    assert join(toy.job, toy.schema, [model, one(turned, FORESTS[0])], [0.5, 0.5]) is None
    assert join(toy.job, toy.schema, [model, model], [0.5, 0.5]) is not None


def test_classes_are_pooled_by_the_mean_of_logs_and_numbers_by_the_mean():
    """The pool is geometric for classes; an answer of nought is not the last word."""

    class Says:
        def __init__(self, *answer: float) -> None:
            self.given = np.array(answer)

        def predict(self, rows: Any) -> np.ndarray:
            return np.tile(self.given, (len(rows), 1)) if len(self.given) > 1 else np.tile(self.given, len(rows))

        def answer(self, values: Any) -> list[float]:
            return self.given.tolist()

    def pooled(weights: tuple[float, ...], *says: Says) -> list[float]:
        both = Blend(says, ("constant",) * len(says), weights)
        whole = both.predict(TOYS[Task.BINARY].test)[0]
        np.testing.assert_allclose(both.answer(()), np.atleast_1d(whole), rtol=1e-12)
        return np.atleast_1d(whole).tolist()

    assert pooled((0.5, 0.5), Says(0.9, 0.1), Says(0.5, 0.5)) == pytest.approx([0.75, 0.25])
    assert pooled((0.25, 0.75), Says(8.0), Says(4.0)) == pytest.approx([5.0])
    assert 0.0 < pooled((0.5, 0.5), Says(0.0, 1.0), Says(0.5, 0.5))[0] < 1e-5


@EACH
def test_a_blend_is_served_from_its_bundle(task: Task, tmp_path):
    """Written, read and asked over JSON, it answers as the model that was fitted; several rows as one by one."""
    toy, model = TOYS[task], BLENDS[task]
    calibration = Calibration.none(len(toy.schema.classes))
    knobs = {**blend.of([*FORESTS, *LINES]), **model.settled}
    bundle.write(tmp_path / "b", Bundle(toy.job, toy.schema, "blend", knobs, calibration, model.members(), {}))
    read = bundle.read(tmp_path / "b")
    assert sorted(read.members)[0] == "0.additive.json"
    served = read.model()
    np.testing.assert_array_equal(served.predict(toy.test), model.predict(toy.test))
    rows = toy.test.values(toy.schema)[:6]
    assert together(served, rows) == [model.answer(values) for values in rows]
    said = json.loads(Answerer(read).answer(b"[{}, {}]"))
    assert said[0] == said[1]


def test_it_answers_where_nothing_can_train(tmp_path):
    """The light install is enough: no trainer, no data frames, no onnx."""
    toy, model = TOYS[Task.BINARY], BLENDS[Task.BINARY]
    bundle.write(tmp_path / "b", Bundle(toy.job, toy.schema, "blend", {}, Calibration.none(2), model.members(), {}))
    code = """if True:
        import sys
        sys.modules.update(dict.fromkeys(["lightgbm", "sklearn", "scipy", "polars", "onnx", "pandas"]))
        from plimsoll import bundle
        from plimsoll.serve.answerer import Answerer
        print(Answerer(bundle.read(sys.argv[1])).answer(b"{}").decode())
    """
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "b"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["prediction"] in toy.schema.classes


def test_a_refit_without_valid_rows_grows_as_many_trees_as_were_settled():
    """What the training of each part settled stands under its number, and is what the refit goes by."""
    toy = TOYS[Task.BINARY]
    settled = BLENDS[Task.BINARY].settled
    assert (settled["0.trees"], settled["1.trees"]) == (12, 12)
    whole = replace(toy, fold=Fold(toy.fold.train, toy.fold.target))
    again, fewer = fitted(whole, FORESTS, **{"0.trees": 5, "1.trees": 2}), fitted(whole, FORESTS[:1], **{"0.trees": 5})
    assert again.settled == {}
    trees = [len(set(_trees(model.models[0]))) for model in (again, fewer)]
    assert trees == [7, 5]


def _trees(model: Any) -> list[int]:
    import onnx

    node = onnx.load_model_from_string(model.forest.graph).graph.node[0]
    return next(list(each.ints) for each in node.attribute if each.name == "nodes_treeids")


def test_its_facts_are_the_sums_of_its_parts():
    """Two equal parts are said to cost twice what one does."""
    toy = TOYS[Task.BINARY]
    told = profile.of(toy.fold.train, toy.fold.target, toy.schema)
    one, two = (blend.facts(told, blend.of(LINES[:1] * count)) for count in (1, 2))
    for name in ("operations", "bytes", "answer", "model"):
        assert sum(getattr(two, name)) == pytest.approx(2 * sum(getattr(one, name)))
    assert sum(one.operations) > 0


def test_no_search_tries_it_by_itself():
    """It has a name like any recipe, stands on no list of those to try, and refuses every job in words."""
    assert "blend" not in catalogue.names()
    assert catalogue.find("blend").refuse(TOYS[Task.BINARY].job, TOYS[Task.BINARY].schema) == blend.NOT_ALONE
    assert catalogue.describe("blend").startswith("blend: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "length >= 1"),
        (json.dumps([{"recipe": "constant"}] * 17), "length <= 16"),
        ('[{"recipe": "linear", "weight": -1}]', r"\$\[0\]\.weight"),
        ('[{"recipe": "linear", "weight": 1e999}]', "out of range"),
        ('[{"recipe": "linear", "knob": {}}]', "knob"),
        ('[{"recipe": "blend"}]', "made of other models"),
        ("[", "truncated"),
    ],
)
def test_parts_that_make_no_sense_are_refused(text: str, words: str):
    """The line says where the fault is and what was expected there."""
    with pytest.raises(ValueError, match=words):
        blend.read(text)


def test_a_part_of_an_unknown_recipe_is_answered_with_a_near_one():
    """A name goes through the catalogue, and nowhere else."""
    with pytest.raises(JobError, match="linear"):
        blend.read('[{"recipe": "linaer"}]')


HOSTILE = [
    [],
    [{"recipe": "blend", "weight": 1.0}],
    [{"recipe": "os", "weight": 1.0}],
    [{"recipe": "linear\n", "weight": 1.0}],
    [{"recipe": "trees", "weight": 0.0}, {"recipe": "linear", "weight": 1.0}],
    [{"recipe": "trees", "weight": 0.9}, {"recipe": "linear", "weight": 0.9}],
    [{"recipe": "constant", "weight": 0.5}, {"recipe": "linear", "weight": 0.5}],
    [{"recipe": "trees", "weight": 0.5}, {"recipe": "linear", "weight": 0.5}, {"recipe": "linear", "weight": 1e-9}],
    {"recipe": "trees", "weight": 1.0},
    [{"recipe": "trees", "weight": 1.0, "path": "../x"}],
]


@pytest.mark.parametrize("listed", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_listing_is_refused_in_a_line(listed: Any):
    """A blend of blends, of unknown recipes, of weights that are none or of members that are not there does not load."""
    toy, model = TOYS[Task.BINARY], BLENDS[Task.BINARY]
    members = {**model.members(), "blend.json": msgspec.json.encode(listed)}
    made = Bundle(toy.job, toy.schema, "blend", {}, Calibration.none(2), members, {})
    with pytest.raises((BundleError, JobError)) as caught:
        made.model()
    assert "\n" not in str(caught.value)


def recipe(parts: list[Part]) -> Recipe:
    """The blend of these parts as a recipe that takes every job that its parts take."""
    first, heard = catalogue.find(parts[0].recipe), all(catalogue.find(part.recipe).streams for part in parts)
    return replace(
        blend.RECIPE, space=Space({"parts": (blend.of(parts)["parts"],)}), refuse=first.refuse, streams=heard
    )


HEARING = recipe([Part("covariance_lda"), Part("constant", weight=0.5)])
PROMISED = recipe([Part("trees", {"trees": 25, "leaves": 7, "rate": 0.2}), Part("linear", weight=0.5)])


@pytest.mark.parametrize("promise", promises.PROMISES, ids=lambda promise: promise.__name__)
def test_a_blend_keeps_every_promise(promise: promises.Promise):
    """What holds for its parts holds for a blend of trees and a linear model, and for one of families that hear streams."""
    promise(PROMISED)
    promise(HEARING)
