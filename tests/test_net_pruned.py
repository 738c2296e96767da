"""Nets with fewer hidden units: units are followed through any module or left whole, and a cut is believed only where it is exact."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import test_nets as toys
from decode_toys import recordings
from plimsoll import catalogue, meter, net_axes, net_model, net_pruned, net_units, offers, smaller, underway
from plimsoll.asked import ask, stated
from plimsoll.clock import Clock
from plimsoll.errors import TrialError
from plimsoll.limits import Measured, parse
from plimsoll.net_model import Torch
from plimsoll.net_units import Met
from plimsoll.outlook import Step
from plimsoll.runner import Outcome
from plimsoll.search import Search
from plimsoll.trial import Score, Status, Trial

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'plimsoll[torch]'")
nn, functional = torch.nn, torch.nn.functional

FRAMES = np.random.default_rng(0).normal(size=(16, 20, 4)).astype(np.float32)


class Two(nn.Module):
    """Filters, whatever ``between`` makes of them, and a layer that hears them."""

    def __init__(self, between: Callable[[Any], Any], heard: int = 12, **beside: Any) -> None:
        super().__init__()
        self.filters, self.between = nn.Conv1d(4, 12, 3), between
        self.last = nn.Linear(heard, 3)
        for name, module in beside.items():
            setattr(self, name, module)

    def forward(self, frames: Any) -> Any:
        return self.last(self.between(self.filters(frames)))


def net(inner: Any) -> Any:
    """What is around every module, with weights of a seed and levels that a training would have left."""
    from plimsoll.net_module import Net

    torch.manual_seed(0)
    for part in inner.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.running_mean += torch.randn(part.num_features)
            part.running_var += torch.rand(part.num_features)
    return Net(inner, torch.zeros(4), torch.ones(4), 0, 3).eval()


FOLLOWED: dict[str, Callable[[Any], Any]] = {
    "mean": lambda x: x.mean(2),
    "power": lambda x: torch.log(x.square().mean(dim=-1) + 1e-2),
    "largest": lambda x: functional.relu(x).amax(2, keepdim=True).squeeze(2),
    "last": lambda x: torch.tanh(x)[:, :, -1],
    "all but the ends": lambda x: x[..., 1:-1].std(2),
    "gate": lambda x: (x * torch.sigmoid(x) - x.mean(2, keepdim=True)).mean(2),
    "pools": lambda x: functional.avg_pool1d(functional.pad(x, (2, 0)), 4).mean(2),
    "steps": lambda x: x.unfold(2, 4, 2).mean(3).amax(2),
    "turned": lambda x: x.transpose(1, 2).permute(0, 2, 1).unsqueeze(1).squeeze(1).sum(2),
    "joined in time": lambda x: torch.cat([x, x.abs()], 2).mean(2),
    "shape asked for": lambda x: x.mean(2).reshape(x.shape[0], -1),
    "softmax in time": lambda x: (x * x.softmax(2)).sum(2),
}
LEFT: dict[str, tuple[Callable[[Any], Any], str]] = {
    "over units": (lambda x: x.softmax(1).mean(2), "meets softmax, which mixes it"),
    "each beside the next": (lambda x: (x + x.flip(1)).mean(2), "meets flip"),
    "the first few": (lambda x: x[:, torch.arange(12)].mean(2), "index that is computed|meets"),
    "one of them": (lambda x: x.mean(2) * x[:, :1].mean(2), "is picked from"),
    "counted": (lambda x: x.mean(2) / x.shape[1], "is counted"),
    "with constants of their own": (lambda x: x.mean(2) * torch.arange(12.0), "meets mul|cannot be followed"),
    "levels over units": (lambda x: functional.layer_norm(x.mean(2), (12,)), "meets layer_norm"),
}


@pytest.mark.parametrize("between", FOLLOWED)
def test_units_are_followed_through_what_treats_them_alike(between: str):
    whole = net(Two(FOLLOWED[between]))
    found, _ = net_units.found(whole.inner, net_pruned._given(whole, FRAMES))
    assert [(each.layer, each.many, each.heard) for each in found] == [("filters", 12, (Met("last", 1),))]
    cut = net_pruned.pruned(whole, 0.5, FRAMES)
    assert (cut.inner.filters.out_channels, cut.inner.last.in_features) == (6, 6)
    assert whole.inner.filters.out_channels == 12


@pytest.mark.parametrize("between", LEFT)
def test_what_cannot_be_followed_is_left_whole_and_says_why(between: str):
    way, why = LEFT[between]
    with pytest.raises(TrialError, match=f"nothing can be cut out of it: .*({why})"):
        net_pruned.pruned(net(Two(way)), 0.5, FRAMES)


class Levels(nn.Module):
    """Filters of one channel each, levels of each, and all frames flattened for the layer that hears them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(4, 8, 3), nn.BatchNorm1d(8), nn.ELU(), nn.Conv1d(8, 8, 3, groups=8), nn.MaxPool1d(4), nn.Flatten()
        )
        self.memory = nn.GRU(32, 5, batch_first=True)
        self.last = nn.Linear(5, 3)

    def forward(self, frames: Any) -> Any:
        return self.last(self.memory(self.layers(frames).unsqueeze(1))[0][:, -1])


def test_numbers_beside_units_and_units_that_were_flattened_are_cut_with_them():
    whole = net(Levels())
    (found,), _ = net_units.found(whole.inner, net_pruned._given(whole, FRAMES))
    assert (found.beside, found.heard) == ((Met("layers.1", 1), Met("layers.3", 1)), (Met("memory", 4),))
    cut = net_pruned.pruned(whole, 0.75, FRAMES).inner
    assert (cut.layers[1].num_features, cut.layers[3].groups, cut.memory.input_size) == (2, 2, 8)


def test_units_that_say_nothing_are_the_first_to_go():
    """Half of the filters are silent, or nobody listens to them: without them the scores stay as they are."""
    whole = net(Two(FOLLOWED["mean"]))
    with torch.no_grad():
        whole.inner.filters.weight[::3] = 0.0
        whole.inner.last.weight[:, 1] = whole.inner.last.weight[:, 5] = 0.0
        whole.inner.last.bias -= whole.inner.last.weight[:, ::3] @ whole.inner.filters.bias[::3]
        whole.inner.filters.bias[::3] = 0.0
    cut = net_pruned.pruned(whole, 0.5, FRAMES)
    scores = [Torch(each).run(FRAMES, np.zeros(16, dtype=np.int64), ())[0] for each in (whole, cut)]
    np.testing.assert_allclose(*scores, atol=1e-5)


def test_a_layer_that_is_used_twice_or_computes_its_weights_is_left_whole():
    class Shared(Two):
        def forward(self, frames: Any) -> Any:
            return self.last(self.filters(frames).mean(2) + self.filters(-frames).mean(2))

    class Read(Two):
        def forward(self, frames: Any) -> Any:
            return super().forward(frames) * self.last.weight.mean()

    shared, read = Shared(FOLLOWED["mean"]), Read(FOLLOWED["mean"])
    computed = Two(FOLLOWED["mean"])
    torch.nn.utils.parametrizations.weight_norm(computed.last)
    for inner in (shared, read, computed):
        with pytest.raises(TrialError, match=r"used more than once or computes its weights|meets last"):
            net_pruned.pruned(net(inner), 0.5, FRAMES)


def test_a_cut_that_is_not_exact_is_not_believed(monkeypatch: pytest.MonkeyPatch):
    """Planted: what hears the units is cut at other places than they are; numbers beside them are not cut at all."""
    taken = net_pruned._take

    def elsewhere(layer: Any, axis: int, index: Any, *names: str) -> None:
        taken(layer, axis, index.flip(0) if axis else index, *names)

    with monkeypatch.context() as patch:
        patch.setattr(net_pruned, "_take", elsewhere)
        with pytest.raises(TrialError, match="without units of filters it answers otherwise"):
            net_pruned.pruned(net(Two(FOLLOWED["mean"])), 0.5, FRAMES)
    monkeypatch.setattr(net_axes, "_EVERY", net_axes._EVERY | {"flip"})  # as if it treated all units alike
    with pytest.raises(TrialError, match="without units of filters it answers otherwise"):
        net_pruned.pruned(net(Two(lambda x: (x * x.flip(1)).mean(2))), 0.5, FRAMES)


# As a setting of a recipe.


@pytest.mark.parametrize("name", ["conv", "conv_gru"])
def test_a_pruned_net_is_smaller_and_has_learned_as_much(name: str):
    recipe = catalogue.find(name)
    whole, cut = (toys.fitted(recipe, width=64, epochs=6, rate=4e-3, pruned=share) for share in (0.0, 0.5))
    assert cut.notes == ()
    assert len(cut.members()[net_model.GRAPH]) < 0.8 * len(whole.members()[net_model.GRAPH])
    assert toys.right(cut) > toys.right(whole) - 0.05
    assert {"epochs", "pruned_epochs"} == set(cut.settled)


def test_what_training_settled_is_enough_to_fit_it_on_all_rows():
    """As many epochs of the whole and of what is left as they took, without rows held apart; the same bytes each time."""
    recipe = catalogue.find("conv")
    knobs = {"pruned": 0.5, "epochs": 2, "pruned_epochs": 3}
    given = {**recipe.space.default, "width": 16, **knobs}
    fold = replace(toys.FOLD, valid=None, valid_target=None)
    one, other = (recipe.fit(toys.JOB, toys.SCHEMA, fold, given, Clock(60.0)) for _ in range(2))
    assert dict(one.members()) == dict(other.members())
    assert one.settled == {}
    assert toys.right(one) > 0.5


def test_a_pruned_net_may_be_in_eight_bits_too():
    both = toys.fitted(catalogue.find("conv"), width=64, epochs=4, rate=4e-3, pruned=0.5, numbers="int8")
    assert both.notes == ()
    assert toys.right(both) > 0.8
    assert net_model.load(toys.JOB, toys.SCHEMA, both.members()).frames == both.frames


def test_a_pruned_net_keeps_to_the_clock_and_one_without_hidden_units_says_so():
    hurried = toys.fitted(catalogue.find("conv"), clock=Clock(0.001), epochs=32, pruned=0.5)
    assert np.isfinite(hurried.predict(toys.TEST[0])).all()
    with pytest.raises(TrialError, match="nothing can be cut out of it: what layer gives is given away"):
        toys.fitted(toys.own(toys.Small), pruned=0.5)
    with pytest.raises(TrialError, match="nothing can be cut out of it: it cannot be followed"):
        toys.fitted(toys.own(toys.Branching), pruned=0.5)


def test_the_whole_teaches_what_is_left():
    """With labels that are all one class, what is left still tells apart what its whole does."""
    from plimsoll import net_ready, net_training

    recipe = catalogue.find("conv")
    family = recipe.fit.__self__  # type: ignore[attr-defined]  # a method
    knobs = {**recipe.space.default, "width": 32, "rate": 4e-3, "epochs": 4}
    with net_training.quiet(0):
        made = net_ready.prepared(
            family.make, False, family._frames, toys.JOB, toys.SCHEMA, toys.FOLD, knobs, Clock(60.0), "cpu"
        )
        net_training.train(made.net, made.lessons, made.valid, made.plan, Clock(60.0))
        blank = replace(made.lessons, target=np.ones_like(made.lessons.target))
        right = {}
        for teacher in (made.net, None):
            left = net_pruned.pruned(made.net.eval(), 0.5, made.tried)
            with torch.no_grad():
                left.inner.layers[4].weight *= 0.0
            net_training.train(left, blank, None, replace(made.plan, teacher=teacher), Clock(60.0))
            told = left.eval()(torch.from_numpy(made.tried)).argmax(1) == made.net.eval()(
                torch.from_numpy(made.tried)
            ).argmax(1)
            right[teacher is None] = float(told.float().mean())
    assert right[False] > 0.7 > right[True]


# As a trial beside its whole.

WHOLE = Trial("t001", "conv", {"numbers": "float32", "pruned": 0.0}, Status.FITS, measured=Measured.exactly(size=9e4))
CUT = replace(
    WHOLE,
    id="t002",
    knobs={**WHOLE.knobs, "pruned": 0.5},
    stage=smaller.PRUNED,
    measured=Measured.exactly(p50=1e-4, train=1.0),
)


def asked(limits: str = "") -> Any:
    return SimpleNamespace(job=SimpleNamespace(limits=parse([limits]) if limits else parse([])))


@pytest.mark.parametrize(
    ("alike", "quick", "worse", "status", "limits", "why"),
    [
        (0.99, 1e-5, True, Status.FITS, "", ""),
        (0.90, 1e-5, False, Status.FITS, "", ""),
        (0.90, 1e-5, True, Status.FITS, "", "answers otherwise, and measurably worse: 90.0% of the rows"),
        (0.99, 3e-5, False, Status.FITS, "", "not quicker: 99.0% of the rows .* 30 µs an answer, 20 µs before"),
        (0.90, 1e-5, True, Status.BREACHES, "p99 < 1 ms", ""),
        (0.90, 3e-5, True, Status.BREACHES, "p99 < 1 ms", "not quicker"),
        (0.90, 3e-5, True, Status.BREACHES, "size < 50 kB", ""),
    ],
)
def test_a_pruned_net_is_kept_where_it_is_a_gain(
    alike: float, quick: float, worse: bool, status: Status, limits: str, why: str
):
    """Quicker, and either of the same answers or not measurably worse; where the whole breaks a limit, what may keep it."""
    found = smaller.Beside(alike, 2e-5, quick).held(asked(limits), CUT, replace(WHOLE, status=status), lambda: worse)
    assert (found.status is Status.FAILED) == bool(why)
    if why:
        assert re.search(why, found.why)
        assert not found.complete
    else:
        assert "µs an answer" in found.notes[-1]


def test_a_pruned_net_is_held_against_its_whole_on_the_same_rows(tmp_path: Path):
    """Answers to the rows that neither had seen are compared, and both are timed."""
    net, cut = (
        toys.fitted(catalogue.find("conv"), width=64, epochs=3, rate=4e-3, pruned=share) for share in (0.0, 0.5)
    )
    part = toys._left(net, tmp_path)
    folder = tmp_path / "t002"
    (folder / "members").mkdir(parents=True)
    for name, data in cut.members().items():
        (folder / "members" / name).write_bytes(data)
    index = part.index[::-1].copy()
    np.savez(folder / "answers.npz", index=index, answers=cut.predict(toys.TRAIN[0].take(index)))
    found = smaller.beside(toys._asked(), part, Outcome(Status.FITS, folder))
    due = cut.predict(toys.TRAIN[0].take(part.index)).argmax(1) == part.raw.argmax(1)
    assert found.alike == pytest.approx(due.mean())
    assert found.alike > 0.85
    assert found.slow > 0.0 < found.quick


# What is offered, and when.


class Stand(SimpleNamespace):
    """Stands in for a search with these trials."""

    def __init__(self, folder: Path, limits: str, *trials: Trial) -> None:
        job = SimpleNamespace(limits=parse([limits]) if limits else parse([]), score="macro_f1", task=None)
        walls = {each.id: 1.0 for each in trials}
        judge = SimpleNamespace(seen=walls)
        super().__init__(folder=folder, trials=list(trials), job=job, walls=walls, judge=judge, served=0.1, settled={})

    def part(self, number: str) -> str:
        """A trial as a part, without its answers."""
        return number

    def take(self, step: Any, status: Status, size: float = 1e4, score: float = 0.5, **settled: Any) -> None:
        number = f"t{len(self.trials) + 1:03d}"
        measured = Measured.exactly(size=size, p50=1e-5) if status is not Status.FAILED else Measured({})
        found = Score("macro_f1", score, score, score) if status is not Status.FAILED else None
        trial = Trial(number, step.recipe, step.knobs, status, score=found, measured=measured, stage=step.stage)
        self.trials.append(trial)
        self.walls[number] = 1.0
        self.settled[number] = settled
        toys_left(self.folder / number)


def toys_left(folder: Path) -> None:
    (folder / "members").mkdir(parents=True)
    (folder / "members" / net_model.GRAPH).write_bytes(b"graph")


def stand(folder: Path, limits: str = "", status: Status = Status.FITS) -> Any:
    knobs = {"numbers": "float32", "pruned": 0.0}
    score = Score("macro_f1", 0.9, 0.9, 0.9)
    best = Trial("t001", "conv", knobs, status, score=score, measured=Measured.exactly(size=9e4, p50=2e-5))
    toys_left(folder / "t001")
    return Stand(folder, limits, best)


def test_the_best_net_is_offered_in_every_smaller_form_once(tmp_path: Path):
    """Both ways of eight bits; without half of its units; that in eight bits; without three quarters."""
    search, taken = stand(tmp_path), []
    search.trials.append(Trial("t000", "conv", {}, Status.FITS, stage="distilled"))
    while (step := offers.shrunk(search, 60.0)) is not None:
        taken.append((step.knobs["numbers"], step.knobs["pruned"], step.stage))
        search.take(step, Status.FITS)
    eight = "int8", "int8 weights"
    assert taken == [
        *((numbers, 0.0, smaller.STAGE) for numbers in eight),
        ("float32", 0.5, smaller.PRUNED),
        *((numbers, 0.5, smaller.STAGE) for numbers in eight),
        ("float32", 0.75, smaller.PRUNED),
        *((numbers, 0.75, smaller.STAGE) for numbers in eight),
    ]


def test_where_a_cut_is_of_no_use_no_more_is_cut(tmp_path: Path):
    search, taken = stand(tmp_path), []
    while (step := offers.shrunk(search, 60.0)) is not None:
        taken.append(step.knobs["pruned"])
        search.take(step, Status.FAILED)
    assert taken == [0.0, 0.0, 0.5]
    assert offers.shrunk(stand(tmp_path / "short"), 0.5) is None


@pytest.mark.parametrize("status", [Status.FITS, Status.BREACHES])
def test_a_lone_net_teaches_smaller_ones_whether_it_keeps_the_limits_or_not(tmp_path: Path, status: Status):
    """Its students are those of its family; it is asked for once."""
    search = stand(tmp_path, "size < 50 kB", status)
    step = offers.distilled(search, 60.0)
    assert step is not None
    assert (step.recipe, step.why) == ("distilled", "a small model taught by t001")
    assert '"conv"' in str(step.knobs["teacher"])
    search.take(step, Status.FITS, 2e4)
    assert offers.distilled(search, 60.0) is None


def test_a_student_that_is_too_large_makes_room_for_those_before_it(tmp_path: Path):
    """Down to the smallest; where that is too large too, nothing more is offered."""
    search, many = stand(tmp_path, "size < 50 kB", Status.BREACHES), []
    while (step := offers.distilled(search, 60.0)) is not None:
        many.append(str(step.knobs["students"]).count('"recipe"'))
        search.take(step, Status.BREACHES, 6e4, student=many[-1] - 1)
    assert many == [3, 2, 1]


def test_a_lone_model_that_is_no_net_teaches_only_where_it_is_too_much(tmp_path: Path):
    for status, size, due in ((Status.FITS, 1e4, False), (Status.BREACHES, 9e4, True)):
        search = stand(tmp_path / str(size), "size < 50 kB")
        search.trials[0] = replace(
            search.trials[0],
            recipe="trees",
            knobs={"trees": 900},
            status=status,
            measured=Measured.exactly(size=size, p50=1e-5),
        )
        assert (offers.distilled(search, 60.0) is not None) == due


# A search with its trials in processes of their own.


@pytest.fixture
def search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Search]:
    """Over recordings of a band, with a limit on size that a net does not keep; what is measured is its members' size alone."""

    def measure(made: Path, *_: Any, **__: Any) -> meter.Reading:
        size = float(sum(path.stat().st_size for path in made.rglob("*") if path.is_file()))
        return meter.Reading(Measured.exactly(p50=1e-4, p99=1e-3, memory=5e7, size=size, cold_start=0.2), ())

    monkeypatch.setattr(meter, "measure", measure)
    job = stated(
        "labels",
        "size < 20 kB",
        split="session",
        moments={"window": "250 ms", "stride": "100 ms", "rest": "0", "person": "who", "session": "day"},
        signals={"file": "band.npz:band", "rate": "100 Hz"},
    )
    under = underway.begin(ask(job, recordings(tmp_path, people=3), None), tmp_path / "run")
    found = Search(under, underway.work(tmp_path / "run"), Clock(600.0))
    yield found
    found.bench.stop()


def test_a_net_that_is_too_large_is_cut_and_teaches_a_small_one(search: Search):
    """Each is a trial like any: fitted apart, scored on the same unseen rows, held against the limit, and in the ledger."""
    conv = catalogue.find("conv")
    whole = search.take(Step("conv", {**conv.space.default, "epochs": 4}), 300.0)
    assert whole.breaches
    tried = {}
    while not tried.get(smaller.PRUNED) and (step := offers.shrunk(search, 300.0)) is not None:
        tried[step.stage] = search.take(step, 300.0)
    cut = tried[smaller.PRUNED]
    assert cut.score is not None
    assert (cut.knobs["pruned"], search.settled[cut.id].keys()) == (0.5, {"epochs", "pruned_epochs"})
    assert cut.measured.middle("size") < 0.8 * whole.measured.middle("size")  # type: ignore[operator]
    assert "of the rows have the class that t001 gave" in cut.notes[-1]
    step = offers.distilled(search, 300.0)
    assert step is not None
    assert step.why == "a small model taught by t001"
    taught = search.take(step, 300.0)
    assert taught.score is not None
    assert taught.measured.middle("size") < whole.measured.middle("size")  # type: ignore[operator]
    assert [trial.id for trial in search.ledger.trials()] == [trial.id for trial in search.trials]
