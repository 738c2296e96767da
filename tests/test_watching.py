"""What is watched: held in blocks that age out, gone on from, added up; and what labels say of a model."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from plimsoll import alarms, metrics
from plimsoll.calibration import Calibration
from plimsoll.errors import BundleError, DataError
from plimsoll.labelled import Ring, expected, live
from plimsoll.rows import Rows
from plimsoll.serve.answerer import Answerer
from plimsoll.trial import Score
from plimsoll.watching import BLOCK_SECONDS, BLOCKS, OLD, Reference, Watch, summed
from serving_toys import find
from watched_toys import body, events, sketched


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


@pytest.fixture
def model() -> Answerer:
    return Answerer(sketched(), 10_000)


def answered(model: Answerer, rows: list[dict[str, Any]]) -> tuple[Rows, np.ndarray]:
    cells = Rows.of_values(model.schema, model.cells(body(rows)))
    decided = model.decide(cells)
    return cells, np.asarray(decided.probabilities)


class Clock:
    now = 1e9

    def __call__(self) -> float:
        return self.now


def test_rows_like_those_learned_from_are_calm_and_others_are_not(model: Answerer):
    """Columns and answers are both told of, the widest shift first, and each alarm says why."""
    watch = Watch(Reference.of(model.bundle))
    watch.add(*answered(model, events(1, 1_000)))
    assert alarms.told(watch.view()).alarms == []
    moved = Watch(Reference.of(model.bundle))
    moved.add(*answered(model, events(1, 1_000, moved=True)))
    told = alarms.told(moved.view())
    assert told.columns[0].name == "age"
    assert any(each.startswith("age: median 5") and "missing, was 0 %" in each for each in told.alarms)
    assert not any("job" in each for each in told.alarms)


def test_a_block_ends_when_it_is_full_and_old_and_the_oldest_is_dropped(model: Answerer):
    """So what is held is bounded, and what happened long ago is not looked at."""
    clock = Clock()
    watch = Watch(Reference.of(model.bundle), clock=clock)
    batch = answered(model, events(0, 1_000))
    watch.add(*batch)
    watch.add(*batch)
    assert [each.rows for each in watch.blocks] == [2_000]
    for _ in range(2 * BLOCKS):
        clock.now += BLOCK_SECONDS
        watch.add(*batch)
    assert len(watch.blocks) == BLOCKS
    assert (watch.view().rows, watch.rows) == (1_000 * BLOCKS, 1_000 * (2 * BLOCKS + 2))
    clock.now += OLD
    watch.add(*batch)
    assert watch.view().rows == 1_000


def test_what_is_gone_on_from_is_what_was_left(model: Answerer):
    """By way of JSON, to the last count; answers to six digits."""
    watch = Watch(Reference.of(model.bundle))
    cells, answers = answered(model, events(2, 300, moved=True))
    watch.add(cells, answers)
    watch.label(np.zeros(300), answers)
    again = Watch.of(watch.reference, json.loads(json.dumps(watch.state())))
    assert again.state() == watch.state()
    assert alarms.told(again.view()).alarms == alarms.told(watch.view()).alarms


def test_workers_add_up_to_one(model: Answerer):
    """Two that saw half each tell what one tells that saw all."""
    cells, answers = answered(model, events(3, 400))
    parts, whole = [Watch(Reference.of(model.bundle)) for _ in range(2)], Watch(Reference.of(model.bundle))
    whole.add(cells, answers)
    for part, index in zip(parts, np.array_split(np.arange(400), 2), strict=True):
        part.add(cells.take(index), answers[index])
        part.label(np.zeros(len(index)), answers[index])
    both = Watch.of(whole.reference, summed([part.state() for part in parts]))
    assert np.array_equal(both.view().counts, whole.view().counts)
    assert (both.rows, both.pairs.count, len(both.pairs.rows())) == (400, 400, 400)
    other = {**parts[1].state(), "digest": "another"}
    assert summed([parts[0].state(), other])["rows"] == 200


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "other"},
        {"format": 2},
        {"rows": -1},
        {"blocks": [{"begun": 0.0, "rows": 1, "counts": [1]}]},
        {"blocks": [{"begun": 0.0, "rows": 1, "counts": [-1]}]},
        {"blocks": 3},
        {"seen": [[0.5]]},
        {"seen": [[0.5, 1e999]]},
        {"pairs": [[7.0, 0.5, 0.5]]},
        {"pairs": [[0.5, 0.5, 0.5]]},
        {"more": 1},
    ],
)
def test_a_state_that_cannot_be_is_refused(model: Answerer, change: dict[str, Any]):
    """One line, whatever stands in the file."""
    watch = Watch(Reference.of(model.bundle))
    with pytest.raises(DataError) as fault:
        Watch.of(watch.reference, {**watch.state(), **change})
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    "told",
    [
        [{"metric": "accuracy"}],
        [{"metric": "mae", "value": 1.0, "low": 1.0, "high": 1.0}],
        [{"metric": "accuracy", "value": float("inf"), "low": 1.0, "high": 1.0}],
        {"metric": "accuracy"},
    ],
)
def test_a_test_score_that_cannot_be_is_refused(told: Any):
    """It is what a live score is held against."""
    with pytest.raises(BundleError):
        Reference.of(sketched(metrics=told))


def test_a_bundle_without_sketches_says_what_cannot_be_said():
    """Labels alone are watched, or nothing."""
    told = alarms.told(Watch(Reference.of(sketched(sketches={}, answers={}, metrics=[]))).view())
    assert (told.columns, told.answers, told.score, told.alarms) == ([], [], None, [])
    assert [note.split(",")[0] for note in told.notes[:2]] == [
        "The bundle holds no sketches",
        "The bundle does not say how its answers were spread",
    ]


def test_the_last_rows_of_a_ring_are_kept_in_order():
    """However they come: one by one, or more than there is room for."""
    ring = Ring(5, 1)
    for batch in ([1.0], [2.0, 3.0], [4.0, 5.0, 6.0], [float(k) for k in range(7, 20)]):
        ring.add(np.array(batch)[:, None])
    assert ring.rows()[:, 0].tolist() == [15.0, 16.0, 17.0, 18.0, 19.0]
    ring.add(np.array([[20.0]]))
    assert ring.rows()[:, 0].tolist() == [16.0, 17.0, 18.0, 19.0, 20.0]
    assert ring.count == 20


def truths(random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that mean what they say, and what came of them."""
    sure = random.beta(0.6, 0.9, rows)
    return (random.random(rows) < sure).astype(int), np.column_stack([1.0 - sure, sure])


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "log_loss", "macro_f1"])
def test_a_metric_is_worse_where_labels_say_so_and_else_is_not(metric: str):
    """The same world raises no alarm in fifty looks; one in which the answers mean less raises one."""
    random = np.random.default_rng(0)
    truth, answers = truths(random, 5_000)
    low, value, high = metrics.interval(metric, truth, answers, answers.argmax(axis=1))
    test = Score(metric, value, low, high, 5_000)
    for _ in range(50):
        truth, answers = truths(random, 300)
        assert not live(test, truth, answers, answers.argmax(axis=1)).alarm  # type: ignore[union-attr]
    wrong = np.where(random.random(300) < 0.4, 1 - truth, truth)
    assert live(test, wrong, answers, answers.argmax(axis=1)).alarm  # type: ignore[union-attr]


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "log_loss", "brier", "macro_f1"])
def test_without_labels_the_metric_is_near_what_labels_say(metric: str):
    """Where the probabilities mean what they say: then it is the very metric, whatever the rows."""
    truth, answers = truths(np.random.default_rng(1), 2_000)
    found = expected(Score(metric, 0.5, 0.4, 0.6), answers, Calibration.none(2))
    assert found is not None
    real = metrics.score(metric, truth, answers, answers.argmax(axis=1))
    assert found.low - 0.01 <= real <= found.high + 0.01
    assert not found.alarm


def test_few_labels_say_nothing():
    """Ten labels are no score, and a reader is told how many would be."""
    truth, answers = truths(np.random.default_rng(0), 10)
    assert live(Score("accuracy", 0.9, 0.8, 1.0), truth, answers, truth) is None
    watch = Watch(Reference.of(sketched()))
    watch.label(truth.astype(float), answers)
    assert any("10 labels are too few" in note for note in alarms.told(watch.view()).notes)


def test_a_model_of_numbers_is_watched_too():
    """Its answers are numbers, its labels are held against its error, and there is nothing to expect without them."""
    model = Answerer(sketched(()), 10_000)
    watch = Watch(Reference.of(model.bundle))
    cells = Rows.of_values(model.schema, model.cells(body(events(1, 500))))
    answers = np.asarray(model.decide(cells).values)[:, None]
    watch.add(cells, answers)
    watch.label(answers[:, 0] + 5.0, answers)
    told = alarms.told(watch.view())
    assert [each.name for each in told.answers] == ["prediction"]
    assert told.score is not None
    assert told.score.alarm
    assert told.expected is None
    assert len(told.alarms) == 1


def test_what_is_told_is_told_again_by_json(model: Answerer):
    """A server's JSON is read back as what it was; anything else is refused in one line."""
    watch = Watch(Reference.of(model.bundle))
    watch.add(*answered(model, events(1, 500, moved=True)))
    told = alarms.told(watch.view())
    assert alarms.read(json.dumps(told.as_json()).encode(), "there") == told
    for text in (b"{", b"[]", b'{"rows": 3}', b"<html>"):
        with pytest.raises(DataError, match=r"^there: is not what plimsoll serve says"):
            alarms.read(text, "there")
