"""A student learns what its teacher would say, and is served without it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from plimsoll import blend, bundle, catalogue, distil, profile
from plimsoll.blend import Part
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.clock import Clock
from plimsoll.errors import BundleError, JobError
from plimsoll.job import Job, Task
from plimsoll.knobs import Space
from plimsoll.recipe import Fold
from plimsoll.rows import Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.testing import promises, toys

TEACHER = [Part("trees", {"trees": 20, "leaves": 7}), Part("linear")]
PUPIL = Part("trees", {"trees": 20, "leaves": 7, "rate": 0.2})
ROWS = [task for task in Task if task is not Task.RANKING]  # lists are not pooled
TOYS = {task: toys.mixed(task, 160) for task in ROWS}
EACH = pytest.mark.parametrize("task", ROWS)


def fitted(task: Task, student: Part = PUPIL, seconds: float = 60.0) -> distil.Distilled:
    toy = TOYS[task]
    return distil.fit(toy.job, toy.schema, toy.fold, distil.of(TEACHER, [student]), Clock(seconds))


@EACH
@pytest.mark.parametrize("student", [PUPIL, Part("linear", {"bins": 16})], ids=lambda part: part.recipe)
def test_what_is_served_is_the_student_alone(task: Task, student: Part, tmp_path):
    """From its bundle it answers as when it was fitted, and nothing of its teacher is in there."""
    toy, model = TOYS[task], fitted(task, student)
    assert set(model.members()) == {*model.student.members(), "distilled.json"}
    calibration = Calibration.none(len(toy.schema.classes))
    bundle.write(tmp_path / "b", Bundle(toy.job, toy.schema, "distilled", {}, calibration, model.members(), {}))
    served = bundle.read(tmp_path / "b").model()
    np.testing.assert_array_equal(served.predict(toy.test), model.student.predict(toy.test))
    rows = toy.test.values(toy.schema)[:5]
    assert served.answers(rows) == [model.answer(values) for values in rows]


@pytest.mark.parametrize("student", ["trees", "linear", "text_ngrams"])
@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
def test_soft_answers_teach_what_drawn_classes_hide(student: str, task: Task):
    """From the same rows, a teacher's probabilities bring a student nearer to the teacher than classes drawn from them."""
    toy = TOYS[task]
    random = np.random.default_rng(0)
    teacher = blend.fit(toy.job, toy.schema, toy.fold, blend.of(TEACHER), Clock(60.0))
    soft = 0.6 * teacher.predict(toy.fold.train) + 0.4 / len(toy.schema.classes)
    drawn = (random.random((len(soft), 1)) > soft.cumsum(axis=1)[:, :-1]).sum(axis=1)
    part = Part(student, {"trees": 30, "leaves": 7} if student == "trees" else {"strength": 10.0})
    find = catalogue.find(student)
    fold = Fold(toy.fold.train, drawn)
    due = 0.6 * teacher.predict(toy.test) + 0.4 / len(toy.schema.classes)
    away = [
        np.abs(find.fit(toy.job, toy.schema, each, part.whole, Clock(60.0)).predict(toy.test) - due).mean()
        for each in (replace(fold, soft=soft), fold)
    ]
    assert away[0] < 0.8 * away[1]


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
def test_a_teacher_that_knows_the_classes_teaches_as_the_classes_do(task: Task):
    """Answers of nought and one are the truth in other words, and trees come to nearly the same from either."""
    toy = TOYS[task]
    soft = np.eye(len(toy.schema.classes))[toy.fold.target]
    find, knobs = catalogue.find("trees"), Part("trees", {"trees": 80, "leaves": 7}).whole
    hard, taught = (
        find.fit(toy.job, toy.schema, fold, knobs, Clock(60.0)).predict(toy.test)
        for fold in (toy.fold, replace(toy.fold, soft=soft))
    )
    assert (hard.argmax(axis=1) == taught.argmax(axis=1)).mean() > 0.95
    assert np.abs(hard - taught).mean() < 0.05


def test_made_rows_hold_cells_of_near_rows():
    """Each cell is one that its column has; two clouds far apart are never mixed, and a row is mostly a new one."""
    random = np.random.default_rng(0)
    cloud = random.integers(0, 2, 300)
    schema = Schema((Column("x", Kind.NUMBER), Column("y", Kind.NUMBER), Column("port", Kind.CATEGORY)), "z")
    points = random.normal(size=(300, 2)) + 50.0 * cloud[:, None]
    rows = Rows.of_values(schema, [(x, y, "ab"[k]) for (x, y), k in zip(points.tolist(), cloud, strict=True)])
    made, _ = distil.munged(schema, rows, 500, np.random.default_rng(0))
    cells = made.values(schema)
    assert len(cells) == 500
    assert {x for x, _, _ in cells} <= set(points[:, 0].tolist())
    assert all((x > 25) == (y > 25) == (port == "b") for x, y, port in cells)
    assert sum((x, y) in {tuple(point) for point in points.tolist()} for x, y, _ in cells) < 350


def test_near_rows_are_near():
    """The row that lies near is nearer by far than one drawn at random."""
    random = np.random.default_rng(0)
    points = random.normal(size=(400, 3))
    schema = Schema(tuple(Column(name, Kind.NUMBER) for name in "xyz"), "t")
    rows = Rows(400, dict(zip("xyz", points.T, strict=True)))
    near = distil._near(schema, rows, random)
    assert (near != np.arange(400)).all()
    away = [np.linalg.norm(points - points[other], axis=1).mean() for other in (near, random.permutation(400))]
    assert away[0] < 0.4 * away[1]


def test_texts_of_a_row_stay_together_and_name_where_they_are_from():
    """Two texts of one row are never parted, so that a text model can be kept from rows that share them."""
    schema = Schema((Column("x", Kind.NUMBER), Column("a", Kind.TEXT), Column("b", Kind.TEXT)), "t")
    rows = Rows.of_values(schema, [(float(k), f"a{k}", f"b{k}") for k in range(50)])
    made, source = distil.munged(schema, rows, 80, np.random.default_rng(0))
    for (_, a, b), k in zip(made.values(schema), source, strict=True):
        assert (a, b) == (f"a{k}", f"b{k}")


def test_missing_and_endless_cells_do_not_keep_rows_from_being_made():
    """Columns that are empty, constant or hold an infinity leave each row with a neighbour."""
    schema = Schema(tuple(Column(name, Kind.NUMBER) for name in ("empty", "same", "far")), "t")
    rows = Rows.of_values(schema, [(float("nan"), 1.0, float("inf") if k == 3 else float(k)) for k in range(20)])
    made, _ = distil.munged(schema, rows, 30, np.random.default_rng(0))
    assert len(made) == 30
    assert len(distil.munged(schema, rows, 0, np.random.default_rng(0))[0]) == 0


@EACH
def test_what_was_settled_fits_all_rows_again(task: Task):
    """The numbers of trees of teacher and student are kept apart, and are enough for a fit without valid rows."""
    toy, model = TOYS[task], fitted(task)
    assert {"teacher.0.trees", "student.trees", "student"} <= set(model.settled)
    whole = Fold(toy.fold.train, toy.fold.target)
    knobs = {**distil.of(TEACHER, [PUPIL]), **model.settled, "student.trees": 3}
    again = distil.fit(toy.job, toy.schema, whole, knobs, Clock(60.0))
    assert again.settled == {}
    assert len(again.student.forest.graph) < len(model.student.forest.graph)


@EACH
def test_the_smallest_student_that_knows_enough_is_kept(task: Task, monkeypatch: pytest.MonkeyPatch):
    """Where nothing is asked of it the first; where too much is, the last; and a fit again is of the one that was settled."""
    toy = TOYS[task]
    knobs = distil.of(TEACHER, [Part("trees", {"trees": trees, "leaves": 7}) for trees in (2, 20, 40)])
    for near, place in ((math.inf, 0), (-1.0, 2)):
        monkeypatch.setattr(distil, "_NEAR", near)
        model = distil.fit(toy.job, toy.schema, toy.fold, knobs, Clock(60.0))
        assert model.settled["student"] == place
    whole = Fold(toy.fold.train, toy.fold.target)
    again = distil.fit(toy.job, toy.schema, whole, {**knobs, "student": 0}, Clock(60.0))
    assert len(again.student.forest.graph) < len(model.student.forest.graph)


def test_asking_it_costs_what_asking_the_student_does():
    """Its fit counts the teacher's and more rows; its answers and its bytes are the student's."""
    toy = TOYS[Task.BINARY]
    told = profile.of(toy.fold.train, toy.fold.target, toy.schema)
    found = distil.facts(told, distil.of(TEACHER, [PUPIL]))
    taught, small = blend.facts(told, blend.of(TEACHER)), blend.facts(told, blend.of([PUPIL]))
    assert found.answer == small.answer
    assert sum(found.operations) > sum(taught.operations) + sum(small.operations)


@pytest.mark.parametrize("kept", [{"recipe": "blend"}, {"recipe": "os"}, {"recipe": 3}, {}, [], {"recipe": "linear"}])
def test_a_hostile_student_is_refused(kept: object):
    """A student of an unknown recipe, of another than wrote the members, or made of others does not load."""
    toy, members = TOYS[Task.BINARY], dict(fitted(Task.BINARY, seconds=1.0).members())
    members = {name: data for name, data in members.items() if not name.startswith("additive")}
    members["distilled.json"] = json.dumps(kept).encode()
    with pytest.raises((BundleError, JobError)):
        Bundle(toy.job, toy.schema, "distilled", {}, Calibration.none(2), members, {}).model()


@pytest.mark.parametrize("student", [Part("trees", {"trees": 40, "leaves": 7, "rate": 0.2})], ids=["trees"])
@pytest.mark.parametrize("promise", promises.PROMISES, ids=lambda promise: promise.__name__)
def test_a_distilled_model_keeps_every_promise(promise: promises.Promise, student: Part):
    """What holds for any recipe holds for a student of a small blend."""
    teacher = [Part("trees", {"trees": 10, "leaves": 7, "rate": 0.3})]
    space = Space({name: (value,) for name, value in distil.of(teacher, [student]).items()})
    promise(replace(distil.RECIPE, space=space, refuse=catalogue.find("trees").refuse, streams=False))


def test_no_search_tries_it_by_itself():
    """It is found by its name, and stands on no list of those to try."""
    assert "distilled" not in catalogue.names()
    assert catalogue.find("distilled").refuse(Job("y"), Schema((), "y")) == blend.NOT_ALONE


def test_no_rows_are_made_of_signals():
    """A signal and who wears the sensor belong together: a student learns from the rows there are, and from no other."""
    from plimsoll.testing import signal_toys

    toy = signal_toys.oscillations()
    lessons = distil._lessons(toy.job, toy.schema, toy.fold, _Sure(), Clock(60.0))
    assert len(lessons.train) == len(toy.fold.train)


class _Sure:
    """A teacher that knows everything."""

    def predict(self, rows):
        return np.full((len(rows), 4), 0.25)
