"""Nets over signals: a module in a file of its own learns, streams, is exported, and is caught where it breaks its contract."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pages import blocks
from plimsoll import (
    bundle,
    catalogue,
    mixing,
    net_augment,
    net_checkpoint,
    net_lessons,
    net_model,
    net_quantised,
    net_training,
    nets,
    onnx_check,
    smaller,
    streaming,
    workbench,
)
from plimsoll.asked import Asked
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.clock import Clock
from plimsoll.errors import BundleError, MissingExtra, TrialError
from plimsoll.job import Decode, Job, Task
from plimsoll.knobs import Space
from plimsoll.members import check as check_member
from plimsoll.profile import Profile
from plimsoll.recipe import Fold, Recipe
from plimsoll.rows import Coded, Rows, Signals
from plimsoll.schema import Axis, Column, Kind, Layout, Schema
from plimsoll.trial import Status, Trial
from plimsoll.truth import Part as AskedPart
from plimsoll.truth import Truth

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'plimsoll[torch]'")
pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'plimsoll[torch]'")
nn = torch.nn

LAYOUT = Layout(100.0, ("a", "b", "c", "d"), (Axis("electrode", 4, ring=True),))
CLASSES = ("left", "rest", "right")
SCHEMA = Schema((Column("emg", Kind.SIGNAL, layout=LAYOUT), Column("who", Kind.CATEGORY)), "gesture", CLASSES)
JOB = Job("gesture", task=Task.MULTICLASS, decode=Decode(window=0.2, stride=0.05, rest="rest", person="who"))
QUICK = {"epochs": 3, "width": 16}


def toy(streams: int, seed: int) -> tuple[Rows, np.ndarray]:
    """Streams of six seconds in int8, of two wearers in turn; electrodes a and b are loud for left, c and d for right."""
    random = np.random.default_rng(seed)
    loud = np.array([[9, 9, 2, 2], [2, 2, 2, 2], [2, 2, 9, 9]])
    samples, starts, ends, target, who = [], [], [], [], []
    for stream in range(streams):
        labels = np.repeat(random.permutation([0, 1, 2]), 200)
        samples.append(np.clip(random.normal(size=(600, 4)) * loud[labels], -128, 127).round())
        when = np.arange(20, 601, 5)
        starts.append(np.full(len(when), 600 * stream))
        ends.append(600 * stream + when)
        target.append(labels[when - 1])
        who += ["ann" if stream % 2 else "bob"] * len(when)
    signals = Signals(np.concatenate(samples).astype(np.int8), np.concatenate(starts), np.concatenate(ends))
    return Rows(len(who), {"emg": signals, "who": Coded.of(who)}), np.concatenate(target)


TRAIN, VALID, TEST = toy(10, 0), toy(4, 1), toy(4, 2)
FOLD = Fold(*TRAIN, *VALID)


def fitted(recipe: Recipe, fold: Fold = FOLD, clock: Clock | None = None, job: Job = JOB, **knobs: Any) -> Any:
    given = {name: value for name, value in {**QUICK, **knobs}.items() if name in recipe.space.options}
    return recipe.fit(job, SCHEMA, fold, {**recipe.space.default, **given}, clock or Clock(60.0))


def right(model: Any) -> float:
    """The share of test moments that are answered right."""
    return float((model.predict(TEST[0]).argmax(axis=1) == TEST[1]).mean())


class Small(nn.Module):
    """Levels of the channels, and a layer."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(channels, classes)

    def forward(self, frames: Any) -> Any:
        return self.layer(frames.abs().mean(2))


class Running(Small):
    """A step every two frames, whose scores follow a level that decays; its state is that level."""

    hop = 2

    def initial_state(self, batch: int) -> Any:
        return torch.ones(batch, self.layer.in_features)

    def forward(self, frames: Any, state: Any) -> Any:
        level = frames.abs().unfold(2, 2, 2).mean(3)
        told = []
        for step in range(level.shape[2]):
            state = 0.9 * state + 0.1 * level[:, :, step]
            told.append(state)
        return self.layer(torch.stack(told, 1)), state


class Remembering(Small):
    """A recurrent layer over steps of four frames."""

    hop = 4

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(8, classes)
        self.memory = nn.GRU(channels, 8, batch_first=True)

    def initial_state(self, batch: int) -> Any:
        return torch.full((1, batch, 8), 0.5)

    def forward(self, frames: Any, state: Any) -> Any:
        told, state = self.memory(nn.functional.avg_pool1d(frames.abs(), 4).transpose(1, 2), state)
        return self.layer(told), state


class Ahead(Remembering):
    """Smooths over the step that comes next."""

    def forward(self, frames: Any, state: Any) -> Any:
        scores, state = super().forward(frames, state)
        return torch.cat([scores[:, 1:], scores[:, -1:]], 1) + scores, state


class Forgetful(Remembering):
    """Takes a state and begins anew all the same."""

    def forward(self, frames: Any, state: Any) -> Any:
        return super().forward(frames, torch.zeros_like(state))


class Misshapen(Small):
    def forward(self, frames: Any) -> Any:
        return self.layer(frames.abs().transpose(1, 2))


class Branching(Small):
    """Takes one of two ways by what it hears, which a traced graph cannot."""

    def forward(self, frames: Any) -> Any:
        scores = super().forward(frames)
        return scores * 2.0 if float(frames[0].detach().abs().mean()) > 0.5 else scores - 3.0


class Spectral(Small):
    """What no operator on the list computes."""

    def forward(self, frames: Any) -> Any:
        return super().forward(torch.linalg.eigvalsh(frames @ frames.transpose(1, 2))[:, :, None])


def own(module: Callable[[int, int], Any], reach: nets.Reach = "window", name: str = "mine") -> Recipe:
    return nets.recipe(name, lambda channels, classes, knobs: module(channels, classes), Space(), reach)


# What a net learns.


@pytest.mark.parametrize("name", ["conv", "conv_gru"])
def test_a_net_of_the_house_learns_a_toy(name: str):
    """Loud electrodes are told apart on streams that it has not heard; who is unknown is answered too."""
    told = Clock(60.0)
    model = fitted(catalogue.find(name), clock=told, epochs=6, rate=4e-3)
    assert right(model) > 0.8
    assert told.told
    assert model.settled["epochs"] <= 6
    strange = Rows(len(TEST[0]), {**TEST[0].columns, "who": Coded.of(["eve"] * len(TEST[0]))})
    found = model.predict(strange)
    assert (found.argmax(axis=1) == TEST[1]).mean() > 0.8
    assert not np.allclose(found, model.predict(TEST[0]))


@pytest.mark.parametrize("recipe", [own(Small), own(Remembering, None)], ids=["window", "memory"])
def test_the_same_seed_gives_the_same_bytes(recipe: Recipe):
    one, same = fitted(recipe), fitted(recipe)
    assert dict(one.members()) == dict(same.members())
    assert dict(fitted(recipe, job=replace(JOB, seed=1)).members()) != dict(one.members())


def test_training_leaves_pytorch_as_it_was():
    """Seeds, threads and the like of whoever calls are theirs."""
    torch.manual_seed(7)
    due = torch.rand(3).tolist()
    torch.manual_seed(7)
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    fitted(own(Small), epochs=1)
    assert torch.rand(3).tolist() == due
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


@pytest.mark.parametrize("name", ["conv", "conv_gru"])
def test_a_net_keeps_to_the_clock(name: str):
    """With nothing left it has one batch of training, and answers."""
    model = fitted(catalogue.find(name), clock=Clock(0.001), epochs=32)
    assert np.isfinite(model.predict(TEST[0])).all()


def test_a_net_learns_from_a_teacher():
    """Where a teacher's answers are there, they are learned from, and the target is not looked at."""
    soft = np.eye(3)[(TRAIN[1] + 1) % 3]
    model = fitted(own(Small), replace(FOLD, soft=soft, valid=None, valid_target=None), rate=4e-3, epochs=16)
    assert (model.predict(TEST[0]).argmax(axis=1) == (TEST[1] + 1) % 3).mean() > 0.8


def test_what_a_teacher_says_of_rare_classes_is_not_counted_twice():
    """A teacher speaks of classes as often as they are; classes drawn alike change nothing of what is learned from it."""
    few = np.concatenate([np.flatnonzero(TRAIN[1] == label)[:many] for label, many in enumerate((15, 350, 25))])
    said = np.tile([0.04, 0.9, 0.06], (len(few), 1))
    taught = Fold(TRAIN[0].take(few), TRAIN[1][few], soft=said)
    model = fitted(own(Small), taught, rate=4e-3, epochs=16, balance=1.0, augment="none", person="alike")
    np.testing.assert_allclose(model.predict(TEST[0]).mean(axis=0), said[0], atol=0.06)


def test_too_few_moments_are_said():
    few = Fold(TRAIN[0].take(np.arange(50)), TRAIN[1][:50])
    with pytest.raises(TrialError, match="50 rows to learn from are too few for a net; 200"):
        fitted(own(Small), few)


def test_a_net_refuses_in_words(monkeypatch: pytest.MonkeyPatch):
    """Without a signal, without classes, where it remembers more than is allowed, and without PyTorch."""
    window, memory = own(Small), own(Remembering, None)
    assert window.refuse(JOB, SCHEMA) is None
    assert memory.refuse(JOB, SCHEMA) is None
    assert window.refuse(JOB, Schema((Column("x", Kind.NUMBER),), "y", CLASSES)) == "it reads one signal"
    assert "classes apart" in str(window.refuse(replace(JOB, task=Task.REGRESSION), SCHEMA))
    assert "--window" in str(memory.refusal(replace(JOB, decode=Decode(within=True)), SCHEMA))
    assert "recordings" in str(memory.refuse(replace(JOB, decode=None), SCHEMA))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'plimsoll[torch]'" in str(window.refuse(JOB, SCHEMA))


def test_whole_recordings_are_answered_by_their_end():
    """Without moments a row is a recording, of any length."""
    job = replace(JOB, decode=None)
    model = fitted(own(Small), job=job, epochs=8, rate=4e-3)
    assert model.frames == 600
    assert model.answer((np.zeros((7, 4), dtype=np.float32), None)) == pytest.approx(
        model.predict(Rows.of_values(SCHEMA, [(np.zeros((7, 4), dtype=np.float32), None)]))[0].tolist()
    )


def test_costs_grow_with_rows_and_training():
    recipe = own(Small)
    few, many = (
        recipe.facts(Profile(rows, waves=1, channels=4, frames=100.0, classes=3), recipe.space.default)
        for rows in (500, 5_000)
    )
    assert sum(many.operations) > sum(few.operations) > 0
    assert sum(many.bytes) >= sum(few.bytes) > 0
    longer = recipe.facts(Profile(500, waves=1, channels=4, frames=100.0), {**recipe.space.default, "epochs": 32})
    assert sum(longer.operations) > sum(few.operations)


# What is held against what.


def streamed(model: Any, sizes: Sequence[int], samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    stream, at = streaming.opened(model, JOB, SCHEMA, ["ann"]), 0
    ends, answers = [], []
    for size in sizes:
        end, found = stream.push(samples[at : at + size].astype(np.float32))
        ends.append(end)
        answers += list(found)
        at += size
    return np.concatenate(ends), np.array(answers)


MODELS = {
    **dict.fromkeys(("conv", "conv_gru", "spectral_lstm", "tds_ctc")),
    "window": own(Small),
    "memory": own(Remembering, None),
    "window, spectrogram": nets.recipe(
        "mine", lambda channels, classes, knobs: Small(channels, classes), Space({"step": (0.01,)}), front="spectrogram"
    ),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> Any:
    recipe = MODELS[request.param] or catalogue.find(request.param)
    return recipe, fitted(recipe, epochs=2)


def test_any_chunks_give_what_the_whole_gives(model: Any):
    """A stream in chunks of any size, a row alone and rows in a batch are answered alike."""
    rows = TEST[0].take(np.arange(117, 234))  # the second stream, which is ann's
    whole = model[1].predict(rows)
    samples = TEST[0].signals("emg").samples[600:1200]
    for sizes in ([600], [1] * 600, [7, 0, 113, 3, 477]):
        ends, answers = streamed(model[1], sizes, samples)
        assert ends.tolist() == list(range(20, 601, 5))
        np.testing.assert_allclose(answers, whole, atol=1e-5)
    alone = [model[1].answer(values) for values in rows.values(SCHEMA)[::20]]
    np.testing.assert_allclose(alone, whole[::20], atol=1e-5)
    order = np.random.default_rng(0).permutation(len(rows))
    np.testing.assert_allclose(model[1].predict(rows.take(order)), whole[order], atol=1e-5)
    assert model[1].predict(rows.take(np.arange(0))).shape == (0, 3)


def test_what_comes_after_a_moment_changes_nothing(model: Any):
    """Samples are loud and strange after the third second; answers up to then are to the last bit what they were."""
    samples = TEST[0].signals("emg").samples[600:1200].astype(np.float32)
    changed = np.concatenate([samples[:300], 100.0 - samples[300:]])
    one, other = (streamed(model[1], [300, 300], each)[1] for each in (samples, changed))
    np.testing.assert_array_equal(one[:57], other[:57])
    assert not np.allclose(one[60:], other[60:])


def test_saved_equals_loaded(model: Any):
    """To the last bit; its members are what a bundle lets in, and are loaded by the recipe or without it."""
    recipe, made = model
    members = dict(made.members())
    for name, data in members.items():
        check_member(name, data)
    assert made.notes == ()
    for loaded in (recipe.load(JOB, SCHEMA, members), catalogue.load("somebody_elses", JOB, SCHEMA, members)):
        np.testing.assert_array_equal(loaded.predict(TEST[0]), made.predict(TEST[0]))
        assert dict(loaded.members()) == members
    nothing = (np.zeros((0, 4), dtype=np.float32), None)
    assert len(made.answer(nothing)) == 3


def test_a_sample_that_is_no_number_spoils_no_answer(model: Any):
    cell = np.full((60, 4), np.nan, dtype=np.float32)
    assert np.isfinite(model[1].answer((cell, "ann"))).all()


def test_a_net_is_served_without_pytorch(tmp_path: Path):
    """A bundle's members are enough: neither PyTorch nor the file of the recipe is at hand."""
    made = fitted(own(Remembering, None), epochs=1)
    for name, data in made.members().items():
        (tmp_path / name).write_bytes(data)
    program = (
        "import sys; sys.modules['torch'] = None; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path; from test_nets_served import JOB, SCHEMA\n"
        "from plimsoll import catalogue; import numpy as np\n"
        "members = {path.name: path.read_bytes() for path in Path(sys.argv[1]).iterdir()}\n"
        "print(catalogue.load('mine', JOB, SCHEMA, members).answer((np.ones((40, 4), dtype=np.float32), 'ann')))"
    )
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / "test_nets_served.py").write_text(
        f"import json\nfrom plimsoll.job import Job\nfrom plimsoll.schema import Schema\n"
        f"JOB, SCHEMA = Job.from_json({JOB.as_json()!r}), Schema.from_json({SCHEMA.as_json()!r})\n"
    )
    members = tmp_path / "members"
    members.mkdir()
    for path in list(tmp_path.glob("net*")):
        path.rename(members / path.name)
    done = subprocess.run(
        [sys.executable, "-c", program, str(members), str(beside)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = made.answer((np.ones((40, 4), dtype=np.float32), "ann"))
    assert np.allclose([float(part) for part in done.stdout.strip("[]\n").split(",")], answer)


# Planted faults.


@pytest.mark.parametrize(
    ("module", "reach", "why"),
    [
        (Ahead, None, "looks ahead"),
        (Forgetful, None, "does not carry its state"),
        (Misshapen, "window", r"shape \(1, 20, .*\(batch, classes\)"),
        (Remembering, "window", "has initial_state"),
        (Small, None, "has no initial_state"),
        (lambda channels, classes: Small(channels + 1, classes), "window", r"frames of shape \(1, 4, 20\)"),
    ],
)
def test_a_module_that_breaks_its_contract_is_caught(module: Any, reach: nets.Reach, why: str):
    with pytest.raises(TrialError, match=why):
        fitted(own(module, reach), job=replace(JOB, decode=replace(JOB.decode, window=0.2, within=reach is not None)))


@pytest.mark.parametrize("module", [Branching, Spectral])
def test_a_net_that_will_not_export_is_served_through_pytorch_and_says_so(module: Any, monkeypatch: pytest.MonkeyPatch):
    """The graph is held against the net on real windows: a branch that was traced away is seen, and not served."""
    recipe = own(module)
    made = fitted(recipe, epochs=1)
    assert "served through PyTorch" in made.notes[0]
    members = dict(made.members())
    assert sorted(members) == ["net.json", "net.safetensors"]
    for name, data in members.items():
        check_member(name, data)
    loaded = recipe.load(JOB, SCHEMA, members)
    np.testing.assert_array_equal(loaded.predict(TEST[0]), made.predict(TEST[0]))
    assert dict(loaded.members()) == members
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'plimsoll\[torch\]'"):
        recipe.load(JOB, SCHEMA, members)


def test_a_memory_of_any_steps_is_exported():
    """A loop over steps is traced as one step, and is served step by step where the graph takes no more."""
    made = fitted(own(Running, None), epochs=1)
    assert made.notes == ()
    ends, answers = streamed(made, [600], TEST[0].signals("emg").samples[600:1200])
    np.testing.assert_allclose(answers, made.predict(TEST[0].take(np.arange(117, 234))), atol=1e-5)
    assert len(ends) == 117


def hostile(change: Callable[[dict[str, Any]], None], **members: bytes) -> dict[str, bytes]:
    import msgspec

    found = dict(fitted(own(Small), epochs=1).members())
    said = msgspec.json.decode(found["net.json"])
    change(said)
    return {**found, "net.json": msgspec.json.encode(said), **members}


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.update(frames=21),
        lambda said: said.update(frames=0),
        lambda said: said.update(frames=1 << 40),
        lambda said: said.update(carries=True),
        lambda said: said.update(people=[]),
        lambda said: said.update(odd=1),
    ],
)
def test_members_that_do_not_go_together_are_refused(change: Any):
    with pytest.raises((ValueError, KeyError)):
        net_model.load(JOB, SCHEMA, hostile(change))


def test_knobs_of_members_are_those_of_the_recipe():
    """A module is not made as large as a bundle asks for."""
    recipe = nets.recipe("mine", lambda channels, classes, knobs: Spectral(channels, classes), Space({"width": (8,)}))
    family = recipe.load.__self__  # type: ignore[attr-defined]  # a method
    assert family._allowed(net_model.Said(20, knobs={"width": 16}))["width"] == 16
    for knobs in ({"width": 1e9}, {"width": "8"}, {"odd": 1}, {"augment": "wild"}, {"rate": float("nan")}):
        with pytest.raises(ValueError, match="the knob"):
            family._allowed(net_model.Said(20, knobs=knobs))


def padded(many: int, constant: bool = True) -> bytes:
    from onnx import TensorProto, helper

    pads = helper.make_tensor("pads", TensorProto.INT64, [4], [0, many, 0, 0])
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None]) for name in ("x", "y")]
    given = [] if constant else [helper.make_node("Identity", ["pads"], ["moved"])]
    node = helper.make_node("Pad", ["x", "pads" if constant else "moved"], ["y"])
    made = helper.make_graph([*given, node], "padded", sides[:1], sides[1:], [pads])
    return bytes(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())


def test_what_is_put_around_an_array_is_bounded():
    """A few bytes of a graph do not ask for all of the memory."""
    onnx_check.check("net.onnx", padded(8))
    with pytest.raises(BundleError, match="pads an axis by more than"):
        onnx_check.check("net.onnx", padded(1 << 30))
    with pytest.raises(BundleError, match="not constant"):
        onnx_check.check("net.onnx", padded(8, constant=False))


# What is changed by chance, and what a training leaves.


def intact(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether every channel's course in time is found again somewhere, as it was."""
    kept = {channel.tobytes() for channel in before.T}
    return all(np.ascontiguousarray(channel).tobytes() in kept for channel in after.T)


def test_a_turn_moves_electrodes_and_not_time():
    """Each channel's course is as it was, one electrode further; a roll along time, as others had it, would be seen."""
    random = np.random.default_rng(0)
    window = random.normal(size=(20, 4)).astype(np.float32)
    orders = net_augment.turns(LAYOUT)
    assert all(intact(window, window[:, order]) for order in orders)
    assert not intact(window, np.roll(window, 1, axis=0))
    assert len(net_augment.turns(replace(LAYOUT, axes=()))) == 1


def test_what_is_augmented_keeps_its_shape_and_its_middle():
    random, middle = np.random.default_rng(0), torch.tensor([5.0, 0.0, 0.0, 0.0])
    windows = middle.expand(64, 20, 4) + torch.randn(64, 20, 4)
    turned = torch.from_numpy(net_augment.turns(LAYOUT))
    assert net_augment.augmented(windows, middle, "none", turned, random) is windows
    found = net_augment.augmented(windows, middle, "level", turned, random)
    assert found.shape == windows.shape
    assert not torch.equal(found, windows)
    assert torch.allclose(found.mean((0, 1)), middle, atol=0.3)
    assert ((found - middle).abs().amax(1) == 0).any()  # a channel was lost
    assert net_augment.augmented(windows, middle, "turn", turned, random).shape == windows.shape


def test_stretches_are_held_against_the_moments_that_their_steps_stand_for():
    """The answer at a step is that of the moments up to the next; none stands for a moment of another stream."""
    signals = TRAIN[0].signals("emg")
    lessons = net_lessons.Stretches.of(net_lessons.Samples(signals.samples), signals, 4, 100.0, 20, "cpu", 8)
    assert {length % 4 for length in lessons.lengths} == {0}
    for page in lessons.drawn(net_lessons.weights(TRAIN[1], 0.5), np.random.default_rng(0)):
        frames = page.frames.shape[1]
        assert 200 <= frames <= 300
        for row in page.rows:
            end = int(signals.ends[row[-1]])
            for step in np.flatnonzero(row >= 0):
                heard = end - frames + 4 * (step + 1)
                assert 0 <= signals.ends[row[step]] - heard < 4
                assert signals.starts[row[step]] == signals.starts[row[-1]]
        assert (page.rows[:, -1] >= 0).all()


def test_a_device_gathers_the_windows_that_the_cpu_does():
    """Samples as a tensor, as they lie on a device, give the frames that mapped ones give, also where a row is short."""
    signals = TRAIN[0].signals("emg")
    starts, ends = np.array([0, 600, 600, 600]), np.array([20, 605, 600, 1200])
    mapped, moved = (net_lessons.Samples(each) for each in (signals.samples, torch.from_numpy(signals.samples)))
    one, other = (each.ending(starts, ends, 9, "cpu") for each in (mapped, moved))
    assert torch.equal(one, other)
    assert torch.equal(one, torch.from_numpy(Signals(signals.samples, starts, ends).last(9).astype(np.float32)))


def test_classes_that_were_drawn_more_often_are_answered_as_often_as_they_are():
    target = np.repeat([0, 1, 2], [600, 60, 6])
    share = net_lessons.weights(target, 1.0)
    drawn = np.bincount(target, weights=share)
    assert np.allclose(drawn, 1 / 3)
    prior = net_lessons.prior(target, share, 4)
    assert np.allclose(drawn * np.exp(prior[:3]), np.bincount(target) / len(target))
    assert prior[3] == 0.0


def test_a_training_that_was_cut_off_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is killed in its third epoch, and begun again, ends where it would have ended."""
    monkeypatch.setattr(net_checkpoint, "_EVERY", 0.0)
    recipe, kept = own(Remembering, None), tmp_path / "kept"
    due = dict(fitted(recipe, epochs=4).members())
    epoch, begun = net_training._epoch, []

    def cut(*given: Any) -> None:
        begun.append(given[6])
        if len(begun) == 3:
            raise KeyboardInterrupt
        epoch(*given)

    monkeypatch.setattr(net_training, "_epoch", cut)
    with pytest.raises(KeyboardInterrupt):
        fitted(recipe, clock=Clock(60.0, kept=kept), epochs=4)
    assert (kept / net_checkpoint.FILE).read_bytes()[8:9] == b"{"  # safetensors
    found = dict(fitted(recipe, clock=Clock(60.0, kept=kept), epochs=4).members())
    assert begun == [0, 1, 2, 2, 3]
    assert found == due


def test_what_was_left_and_is_damaged_is_not_gone_on_from(tmp_path: Path):
    """Another module's checkpoint, or half of one, is as good as none."""
    recipe, kept = own(Small), tmp_path / "kept"
    kept.mkdir()
    due = dict(fitted(recipe, epochs=1).members())
    for data in (b"", b"\x80\x04.", (256).to_bytes(8, "little") + b"{}" * 200):
        (kept / net_checkpoint.FILE).write_bytes(data)
        assert dict(fitted(recipe, clock=Clock(60.0, kept=kept), epochs=1).members()) == due


def test_steps_are_those_of_pytorch():
    """The same slopes, the same weights as its own AdamW comes to."""
    from plimsoll.net_steps import AdamW

    torch.manual_seed(0)
    one, other = nn.Linear(3, 2), nn.Linear(3, 2)
    other.load_state_dict(one.state_dict())
    ways = [
        (one, AdamW(one.parameters(), lr=0.01, weight_decay=0.1)),
        (other, torch.optim.AdamW(other.parameters(), lr=0.01, weight_decay=0.1)),
    ]
    for _ in range(5):
        given = torch.randn(4, 3)
        for layer, steps in ways:
            steps.zero_grad()
            layer(given).square().sum().backward()
            steps.step()
    assert torch.allclose(one.weight, other.weight, atol=1e-6)


def test_a_trial_has_a_place_for_what_it_leaves_behind(tmp_path: Path):
    """By what is fitted and on which rows: another setting, share or fold begins anew."""
    from plimsoll.workbench import _kept

    spec = {"kept": str(tmp_path), "recipe": "mine", "knobs": {"epochs": 4}, "share": 1.0, "only": [0], "folds": "here"}
    here = _kept(spec, 0)
    assert here == _kept(dict(spec), 0)
    others = [{**spec, "knobs": {"epochs": 8}}, {**spec, "share": 0.25}, {**spec, "only": [1]}, {**spec, "folds": None}]
    assert len({here, _kept(spec, 1), *(_kept(other, 0) for other in others)}) == 6
    assert _kept({name: part for name, part in spec.items() if name != "kept"}, 0) is None


# The page.


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the network of docs/your-own-network.md in a file of its own, named as the page says."""
    (tmp_path / "my_net.py").write_text(_shown()[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(catalogue.OWN, "my_net")
    monkeypatch.delitem(sys.modules, "my_net", raising=False)
    return tmp_path


def _shown() -> list[str]:
    return blocks(Path(__file__).parents[1] / "docs" / "your-own-network.md", "python")


def test_the_network_of_the_page_is_a_trial_like_any_other(page: Path):
    """In under 60 lines: it is among the recipes, is fitted, answers what it has not seen, and its bundle serves."""
    assert _shown()[0].count("\n") < 60
    assert catalogue.refusals(JOB, SCHEMA)["my_net"] is None
    workbench.store(page / "rows", *TRAIN)
    np.savez(page / "folds.npz", learn0=np.arange(819), unseen0=np.arange(819, 1170))
    (page / "out" / "members").mkdir(parents=True)
    recipe = {"recipe": "my_net", "knobs": catalogue.find("my_net").space.default, "share": 1.0}
    rows = {"rows": str(page / "rows"), "folds": str(page / "folds.npz"), "only": [0], "kept": str(page / "kept")}
    asked = {"job": JOB.as_json(), "schema": SCHEMA.as_json(), "seconds": 60.0}
    workbench.carry_out({**recipe, **rows, **asked}, page / "out")
    told = json.loads((page / "out" / "result.json").read_text())
    assert told["notes"] == []
    assert told["curve"]
    with np.load(page / "out" / "answers.npz") as file:
        assert (file["answers"].argmax(axis=1) == TRAIN[1][file["index"]]).mean() > 0.8
    members = {path.name: path.read_bytes() for path in (page / "out" / "members").iterdir()}
    made = Bundle(JOB, SCHEMA, "my_net", {}, Calibration.none(3), members, {})
    bundle.write(page / "bundle", made)
    served = bundle.read(page / "bundle").model()
    assert len(streamed(served, [600], TEST[0].signals("emg").samples[:600])[0]) == 117


def test_the_network_of_the_page_that_remembers_keeps_its_contract():
    program: dict[str, Any] = {"__name__": "page"}
    exec(compile("\n".join(_shown()), "page", "exec", dont_inherit=True), program)
    recipe = own(program["Remembering"], None)
    model = fitted(recipe, epochs=2)
    assert model.notes == ()
    with pytest.raises(TrialError, match="does not carry its state"):
        fitted(own(type("Lossy", (program["Remembering"],), {"forward": _lossy(program["Remembering"])}), None))


def _lossy(module: Any) -> Callable[..., Any]:
    """The same, but what it gives to go on with is not what it has come to."""

    def forward(self: Any, frames: Any, state: Any) -> Any:
        scores, after = module.forward(self, frames, state)
        return scores, after * 0.0

    return forward


# The same net in fewer bits.


@pytest.mark.parametrize(("name", "share"), [("conv", 0.5), ("conv_gru", 0.95)])
@pytest.mark.parametrize("numbers", ["int8", "int8 weights"])
def test_a_net_in_eight_bits_is_smaller_and_agrees(name: str, share: float, numbers: str):
    """Products are in eight bits; what a recurrent layer weighs stays as it was."""
    recipe = catalogue.find(name)
    whole, small = (fitted(recipe, width=64, epochs=4, rate=4e-3, numbers=each) for each in ("float32", numbers))
    assert small.notes == ()
    assert len(small.members()["net.onnx"]) < share * len(whole.members()["net.onnx"])
    assert (small.predict(TEST[0]).argmax(axis=1) == whole.predict(TEST[0]).argmax(axis=1)).mean() > 0.95
    for member, data in small.members().items():
        check_member(member, data)


def test_what_cannot_be_written_in_eight_bits_stays_as_it_was_and_says_so(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any) -> bytes:
        raise ValueError("no such product")

    monkeypatch.setattr(net_quantised, "quantised", refuse)
    assert "stays in float32" in fitted(own(Small), epochs=1, numbers="int8").notes[0]


def _asked() -> Any:
    truth, folds = Truth(TRAIN[1], {}), [(np.arange(450, 1170), np.arange(450)), (np.arange(900), np.arange(900, 1170))]
    return Asked(JOB, SCHEMA, AskedPart(TRAIN[0], truth), None, folds, 2, "", (), "", "")  # type: ignore[arg-type]


def _left(model: Any, folder: Path) -> mixing.Part:
    (folder / "t001" / "members").mkdir(parents=True)
    for name, data in model.members().items():
        (folder / "t001" / "members" / name).write_bytes(data)
    index = np.concatenate([np.arange(450), np.arange(900, 1170)])  # of two folds, each answered by a model of its own
    return mixing.Part("conv", {}, {"epochs": 2}, folder / "t001", index, model.predict(TRAIN[0].take(index)))


@pytest.fixture(scope="module")
def net() -> Any:
    return fitted(catalogue.find("conv"), width=64, epochs=3, rate=4e-3)


def test_a_smaller_net_is_a_trial_where_it_is_quicker_and_agrees(net: Any, tmp_path: Path, monkeypatch: Any):
    """Its answers are those of what is served; how often it must be trained anew is not a question of making it."""
    monkeypatch.setattr(smaller, "_timed", lambda *_: (2e-5, 1e-5))
    outcome = smaller.made(_asked(), tmp_path, "t002", {"numbers": "int8"}, _left(net, tmp_path))
    assert outcome.done, outcome.why
    index, answers = outcome.answers()
    served = catalogue.load("conv", JOB, SCHEMA, outcome.members())
    np.testing.assert_array_equal(served.predict(TRAIN[0].take(index)), answers)
    assert index.tolist() == list(range(900, 1170))  # and no row that the model which was left has learned from
    assert outcome.settled == {"epochs": 2}
    assert outcome.size < sum(map(len, net.members().values()))


def test_a_smaller_net_that_is_no_gain_is_not_kept(net: Any, tmp_path: Path, monkeypatch: Any):
    """One that is slower, and one that gives other answers, are planted; each says which it is."""
    part = _left(net, tmp_path)
    monkeypatch.setattr(smaller, "_timed", lambda *_: (1e-5, 2e-5))
    slower = smaller.made(_asked(), tmp_path, "t002", {"numbers": "int8"}, part)
    assert not slower.done
    assert slower.why == "it is not quicker: 20 µs an answer, and 10 µs before"
    other = fitted(catalogue.find("conv"), width=64, epochs=1, job=replace(JOB, seed=5)).members()["net.onnx"]
    monkeypatch.setattr(net_quantised, "quantised", lambda *_: other)
    wrong = smaller.made(_asked(), tmp_path, "t003", {"numbers": "int8"}, part)
    assert not wrong.done
    assert "97% are the least" in wrong.why


def test_only_a_net_in_its_own_numbers_is_made_smaller(net: Any):
    trial = Trial("t001", "conv", {"numbers": "float32"}, Status.FITS)
    found = list(smaller.steps(trial, net.members()))
    assert [each.knobs["numbers"] for each in found] == ["int8", "int8 weights"]
    assert {each.parts for each in found} == {("t001",)}
    assert not list(smaller.steps(replace(trial, knobs={"numbers": "int8"}), net.members()))
    assert not list(smaller.steps(trial, {"trees.onnx": b""}))
