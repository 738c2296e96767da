"""Sequences: the loss is that of all ways of reading, stretches hold whole symbols, and what is planted is seen."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plimsoll import catalogue, ctc, net_lessons, net_ready, nets
from plimsoll.clock import Clock
from plimsoll.edits import Edits, distance
from plimsoll.errors import TrialError
from plimsoll.job import Decode, Job, Task
from plimsoll.knobs import Space
from plimsoll.net_ctc import Sentences, lack, symbols
from plimsoll.recipe import Fold
from plimsoll.rows import Rows, Signals
from plimsoll.schema import Axis, Column, Kind, Layout, Schema

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'plimsoll[torch]'")
nn = torch.nn

LAYOUT = Layout(100.0, ("a", "b", "c", "d"), (Axis("electrode", 4, ring=True),))
CLASSES, REST = ("left", "rest", "right"), 1
SCHEMA = Schema((Column("emg", Kind.SIGNAL, layout=LAYOUT),), "said", CLASSES)
JOB = Job("said", task=Task.MULTICLASS, decode=Decode(window=0.2, stride=0.05, rest="rest"))


def toy(streams: int, seed: int) -> tuple[Rows, np.ndarray]:
    """Streams of bouts of 0.3 to 0.6 s with rest between: a and b are loud for left, c and d for right."""
    random, loud = np.random.default_rng(seed), np.array([[9, 9, 2, 2], [1, 1, 1, 1], [2, 2, 9, 9]])
    samples, starts, ends, target, begin = [], [], [], [], 0
    for _ in range(streams):
        bouts = [(REST, 60)]
        for label in random.choice([0, 2], 8):
            bouts += [(int(label), int(random.integers(30, 60))), (REST, int(random.integers(20, 50)))]
        labels = np.concatenate([np.full(many, label) for label, many in bouts])
        samples.append((random.normal(size=(len(labels), 4)) * loud[labels]).astype(np.float32))
        when = np.arange(20, len(labels) + 1, 5)
        starts.append(np.full(len(when), begin))
        ends.append(begin + when)
        target.append(labels[when - 1])
        begin += len(labels)
    signals = Signals(np.concatenate(samples), np.concatenate(starts), np.concatenate(ends))
    return Rows(len(signals), {"emg": signals}), np.concatenate(target)


TRAIN, VALID, TEST = toy(12, 0), toy(4, 1), toy(6, 2)
FOLD = Fold(*TRAIN, *VALID)


class Running(nn.Module):
    """Somebody's own: levels over steps of five frames, and a recurrent layer."""

    hop = 5

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.memory, self.last = nn.GRU(channels, 16, batch_first=True), nn.Linear(16, classes)

    def initial_state(self, batch: int) -> Any:
        return torch.zeros(1, batch, 16)

    def forward(self, frames: Any, state: Any) -> Any:
        told, state = self.memory(nn.functional.avg_pool1d(frames.abs(), 5).transpose(1, 2), state)
        return self.last(told), state


OWN = nets.recipe(
    "mine", lambda channels, classes, knobs: Running(channels, classes), Space({"epochs": (24,)}), None, loss="ctc"
)


def fitted(recipe: Any, fold: Fold = FOLD, job: Job = JOB, **knobs: Any) -> Any:
    return recipe.fit(job, SCHEMA, fold, {**recipe.space.default, **knobs}, Clock(60.0))


def wrong(answers: np.ndarray, blank: int = REST) -> float:
    """The character error rate of answers to the test streams, read greedily."""
    starts, found, true = TEST[0].signals("emg").starts, Edits(), 0
    for own in (starts == start for start in np.unique(starts)):
        due = symbols(TEST[1][own], REST)
        found, true = found + distance(due, ctc.greedy(answers[own], blank)[0]), true + len(due)
    return found.total / true


# The loss.


def every_way(scores: np.ndarray, said: list[int], blank: int) -> float:
    """Minus the log of the sum over all paths that read as what was said."""
    chances, total = np.exp(scores) / np.exp(scores).sum(1, keepdims=True), 0.0
    for path in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        if ctc.greedy(np.eye(scores.shape[1])[list(path)], blank)[0] == said:
            total += float(np.prod([row[label] for row, label in zip(chances, path, strict=True)]))
    return -np.log(total)


@pytest.mark.parametrize("blank", [0, 2])
def test_the_loss_is_that_of_all_ways_of_reading(blank: int):
    """Of the moments that are due alone, for each symbol; two stretches of different lengths at once."""
    scores = torch.from_numpy(np.random.default_rng([blank, 1]).normal(size=(2, 6, 3)).astype(np.float32))
    other = 1
    truth = torch.tensor([[other, blank, blank, other, other, blank], [blank, other, other, 2 - blank, blank, blank]])
    due = np.array([[True, True, False, True, True, True], [False, True, True, True, True, False]])
    one = every_way(scores[0].numpy()[due[0]], [other, other], blank)
    two = every_way(scores[1].numpy()[due[1]], [other, 2 - blank], blank)
    assert float(lack(scores, truth, due, blank)) == pytest.approx((one / 2 + two / 2) / 2, rel=1e-5)
    planted = float(lack(scores, truth, due, 2 - blank))  # a wrong blank
    assert planted != pytest.approx((one / 2 + two / 2) / 2, rel=0.05)
    assert float(lack(scores, truth, due, blank, 1.0)) > float(lack(scores, truth, due, blank, 0.5))
    assert float(lack(scores, truth, due, blank, 0.5)) > float(lack(scores, truth, due, blank))


def test_nothing_said_is_a_sequence_too():
    scores = torch.zeros(1, 4, 3)
    found = lack(scores, torch.full((1, 4), REST), np.ones((1, 4), dtype=bool), REST)
    assert float(found) == pytest.approx(4 * np.log(3))


# Stretches.


def sentences(rows: Rows = TRAIN[0], target: np.ndarray = TRAIN[1], hop: int = 5) -> Sentences:
    signals = rows.signals("emg")
    plain = net_lessons.Stretches.of(net_lessons.Samples(signals.samples), signals, hop, 100.0, 20, "cpu", 8)
    return Sentences.of(plain, target, REST, 6, 100.0)


def test_stretches_hold_whole_symbols_and_no_gap():
    """Each begins and ends at rest or where a label changes; moments that are missing are in none of them."""
    kept = np.ones(len(TRAIN[1]), dtype=bool)
    kept[200:215] = kept[433:440] = False
    rows, target = TRAIN[0].take(np.flatnonzero(kept)), TRAIN[1][kept]
    signals, seen, said = rows.signals("emg"), sentences(rows, target), 0
    for page in seen.drawn(np.ones(len(target)), np.random.default_rng(0)):
        assert page.frames.shape[1] in seen.lengths
        for row in page.rows:
            own = row[row >= 0]
            labels = target[own]
            assert (np.diff(signals.ends[own]) == 5).all()
            assert len(set(signals.starts[own])) == 1
            for edge, beyond in ((own[0], own[0] - 1), (own[-1], own[-1] + 1)):
                assert target[edge] == REST or target[edge] != target[beyond]
            said += len(symbols(labels, REST))
    assert said > 100


def test_what_is_heard_before_a_stretch_is_its_first_frame():
    """No part of a symbol that is not asked for is heard."""
    seen, signals = sentences(), TRAIN[0].signals("emg")
    page = next(iter(seen.watched()))
    for frames, row in zip(page.frames, page.rows, strict=True):
        first = int(np.flatnonzero(row >= 0)[0])
        since = max(int(signals.starts[row[first]]), int(signals.ends[row[first]]) - 10)
        before = frames.numpy()[: len(frames) - (int(signals.ends[row[-1]]) - since)]
        assert (before == signals.samples[since]).all()


def test_rows_without_rest_are_said_to_have_no_stretch():
    """One label alone, from the first moment to the last, is no sequence."""
    rows, target = TRAIN[0], np.zeros_like(TRAIN[1])
    with pytest.raises(TrialError, match="no stretch of these rows begins and ends"):
        fitted(OWN, Fold(rows, target))


# What is learned.


def test_somebodys_own_module_learns_sequences_in_one_word():
    """It says each symbol once, and rest between; so with another class for the blank nothing is right."""
    model = fitted(OWN)
    answers = model.predict(TEST[0])
    assert wrong(answers) < 0.2
    assert wrong(answers, blank=0) > 0.8
    assert model.notes == ()


def test_the_blank_is_the_rest_of_the_job():
    """As it is named, or the commonest label; and a net of moments has none."""
    for job, recipe, due in (
        (JOB, OWN, REST),
        (replace(JOB, decode=replace(JOB.decode, rest="right")), OWN, 2),
        (replace(JOB, decode=replace(JOB.decode, rest="")), OWN, int(np.bincount(TRAIN[1]).argmax())),
        (JOB, catalogue.find("conv_gru"), -1),
    ):
        way, knobs = net_ready.Way(loss="ctc" if recipe.sequences else "moments"), recipe.space.default
        made = net_ready.prepared(
            lambda channels, classes, _: Running(channels, classes),
            True,
            lambda *_: 0,
            job,
            SCHEMA,
            FOLD,
            knobs,
            Clock(9.0),
            "cpu",
            way,
        )
        assert made.plan.blank == due
        if due >= 0:
            assert torch.allclose(made.net.prior, torch.zeros(3), atol=1e-9)


def test_tds_ctc_learns_sequences():
    found = fitted(catalogue.find("tds_ctc"), groups=4, look=0.032, step=0.01, epochs=12)
    assert found.notes == ()
    assert wrong(found.predict(TEST[0])) < 0.2


def test_sequences_are_tried_where_they_are_asked_for():
    """Their answers are wrong at most moments, so a job that counts those does not spend its window on them."""
    assert "counts moments" in str(catalogue.refusals(JOB, SCHEMA)["tds_ctc"])
    assert catalogue.refusals(JOB, SCHEMA)["spectral_lstm"] is None
    assert catalogue.refusals(replace(JOB, recipes=("tds_ctc",)), SCHEMA)["tds_ctc"] is None


def test_sequences_without_a_rest_are_refused():
    recipe = catalogue.find("tds_ctc")
    assert recipe.refuse(JOB, SCHEMA) is None
    unknown = replace(JOB, decode=replace(JOB.decode, rest="pause"))
    assert recipe.refuse(unknown, SCHEMA) == 'it reads sequences with rest between, and no label is "pause"'
    assert "these rows are recordings" in str(recipe.refuse(replace(JOB, decode=None), SCHEMA))


# Layers.


@pytest.mark.parametrize("name", ["tds_ctc", "spectral_lstm"])
def test_a_ring_changes_what_is_averaged_and_a_layout_without_one_does_not(name: str):
    """Three turns of the ring, told to the module by the layout; without a ring, the layer alone."""
    recipe = catalogue.find(name)
    flat = replace(SCHEMA, columns=(replace(SCHEMA.columns[0], layout=replace(LAYOUT, axes=())),))
    sizes = []
    for schema in (SCHEMA, flat):
        knobs = {**recipe.space.default, "epochs": 1, "width": 16, "groups": 4, "depth": 8}
        known = {knob: value for knob, value in knobs.items() if knob in recipe.space.options}
        model = recipe.fit(JOB, schema, FOLD, known, Clock(60.0))
        sizes.append(model.graph.graph.count(b"Gather"))
    assert sizes[0] >= sizes[1] + 2


def test_what_is_turned_by_a_place_is_said_nearly_alike():
    """Around a ring of three, all turns are heard: it says the same however the ring is turned."""
    from plimsoll.net_layers import Turned

    torch.manual_seed(0)
    layer = Turned(3, nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)))
    frames = torch.randn(2, 5, 3)
    assert torch.equal(layer(frames), layer.layer(frames))
    layer.turns(torch.tensor([[0, 1, 2], [2, 0, 1], [1, 2, 0]]))
    assert torch.allclose(layer(frames), layer(frames.roll(1, 2)), atol=1e-6)
    assert not torch.allclose(layer(frames), layer(frames.roll(1, 1)), atol=1e-2)


def test_a_block_looks_back_only_and_carries_its_past():
    from plimsoll.net_layers import TimeDepth

    torch.manual_seed(0)
    block = TimeDepth(2, 3, 4).eval()
    heard = torch.randn(1, 6, 11)
    whole, _ = block(heard, block.past(1))
    past, parts = block.past(1), []
    for part in (heard[:, :, :2], heard[:, :, 2:9], heard[:, :, 9:]):
        told, past = block(part, past)
        parts.append(told)
    assert torch.allclose(torch.cat(parts, 2), whole, atol=1e-6)
    changed = heard.clone()
    changed[:, :, 6:] *= -3.0
    assert torch.allclose(block(changed, block.past(1))[0][:, :, :6], whole[:, :, :6], atol=1e-6)
    assert not torch.allclose(block(changed, block.past(1))[0][:, :, 6:], whole[:, :, 6:])
