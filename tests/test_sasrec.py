"""SASRec: served as it was trained, it learns order, looks at nothing behind an event, and its losses are those of the papers."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from plimsoll import catalogue, order, sasrec, sasrec_fit  # noqa: E402
from plimsoll.clock import Clock  # noqa: E402
from plimsoll.errors import TrialError  # noqa: E402
from plimsoll.rows import Histories  # noqa: E402
from plimsoll.sasrec_fit import Module, Plan, Steps  # noqa: E402
from plimsoll.testing import list_toys  # noqa: E402
from recommend_toys import chains, hit_rate, told, weighed  # noqa: E402

SMALL = Plan(width=16, blocks=2, length=8, dropout=0.1, rate=0.01, epochs=4)
QUICK = replace(SMALL, epochs=25, blocks=1)


def rough(many: int = 9, plan: Plan = SMALL) -> Module:
    """A module whose every weight is far from where it began."""
    torch.manual_seed(0)
    module = Module(many, plan).eval()
    with torch.no_grad():
        for part in module.parameters():
            part += 0.3 * torch.randn(part.shape)
    return module


def apart(chain: Histories) -> tuple[Histories, np.ndarray]:
    """The same without the last event of each row, and that."""
    return replace(chain, ends=chain.ends - 1), chain.items[chain.ends - 1]


@pytest.mark.parametrize("events", [1, 3, 8, 20])
def test_what_is_served_says_what_was_trained(events: int):
    """Scores of NumPy are those of the module to 1e-4, for histories shorter and longer than it looks at."""
    module, items = rough(), np.random.default_rng(events).integers(0, 9, events).astype(np.int32)
    inputs = told([items.tolist()], 9).last(SMALL.length)
    with torch.no_grad():
        wanted = (module(torch.from_numpy(inputs).long())[0, -1] @ module.items.T).numpy()
    found = module.served(1).score_one(items)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert np.ptp(found) > 0.1


def test_company_and_room_before_the_first_event_change_nothing():
    """A stretch says the same alone, beside longer ones, and with more or less room in front of it."""
    module, short = rough(), torch.tensor([[3, 1, 4]])
    padded = torch.full((2, 8), 5)
    padded[0, :5], padded[0, 5:] = -1, short[0]
    with torch.no_grad():
        torch.testing.assert_close(module(padded)[0, 5:], module(short)[0])


def test_no_event_hears_what_comes_behind_it():
    """Changing an event changes what it and those behind it become, and nothing before it."""
    module, events = rough(), torch.tensor([[3, 1, 4, 1, 5, 2]])
    other = events.clone()
    other[0, 3] = 8
    with torch.no_grad():
        same = (module(events) == module(other))[0].all(dim=1).tolist()
    assert same == [True, True, True, False, False, False]


@pytest.mark.parametrize("loss", sasrec_fit.LOSSES)
def test_order_is_learned(loss: str):
    """Of chains, where taste tells nothing, the next item is found; of shuffled ones it is not."""
    seen, truth = apart(chains())
    model = sasrec_fit.fit(seen, replace(QUICK, loss=loss))
    assert hit_rate(model.scores(seen), told([[]] * 60, 30), truth, best=3) > 0.7
    assert hit_rate(model.scores(seen), told([[]] * 60, 30), (truth + 15) % 30, best=3) < 0.3


def test_the_same_seed_gives_the_same_weights_and_another_gives_others():
    """To the last bit, and whatever PyTorch had drawn before."""
    first = sasrec_fit.fit(chains(), SMALL, seed=3).arrays()
    torch.rand(5)
    again, other = (sasrec_fit.fit(chains(), SMALL, seed=seed).arrays() for seed in (3, 4))
    assert all((first[name] == again[name]).all() for name in first)
    assert (first["items"] != other["items"]).any()


def test_training_ends_when_the_time_is_up():
    """After the steps that there was time for, also within an epoch; a clock that is up leaves a model that answers."""
    ticks = iter(range(1_000))
    short = sasrec_fit.fit(chains(), SMALL, clock=Clock(9.0, now=lambda: float(next(ticks))))
    assert 0 < short.epochs < SMALL.epochs
    assert next(ticks) < 40
    assert np.isfinite(sasrec_fit.fit(chains(), SMALL, clock=Clock(0.0)).score_one(np.array([0]))).all()


def test_the_best_epoch_is_kept_and_training_stops_where_it_gets_no_better():
    """What a judge says settles it, the first of equals; a fit of as many epochs without one has the same weights."""
    said = iter([0.1, 0.3, 0.3, *[0.25] * 90])
    asked = []

    def judge(model: sasrec.Attention) -> float:
        asked.append(model)
        return next(said)

    clock = Clock(math.inf)
    model = sasrec_fit.fit(chains(), replace(SMALL, epochs=80), clock=clock, judge=judge)
    assert (model.epochs, len(asked)) == (2, 2 + sasrec_fit.PATIENCE)
    assert [loss for _, loss in clock.told][:3] == [-0.1, -0.3, -0.3]
    again = sasrec_fit.fit(chains(), replace(SMALL, epochs=2))
    assert all((model.arrays()[name] == array).all() for name, array in again.arrays().items())


def test_every_event_but_the_first_is_due_once_whatever_the_cut():
    """Stretches of histories of all lengths; what is due is what followed the item beside it."""
    cells = [list(range(length)) for length in (0, 1, 2, 5, 6, 23)]
    histories = weighed(told([[10 * row + item for item in cell] for row, cell in enumerate(cells)], 100))
    for seed in range(20):
        found = []
        for inputs, due, weights in sasrec_fit.batches(histories, 5, np.random.default_rng(seed)):
            assert inputs.shape[1] <= 5
            assert ((due == inputs + 1) | (inputs < 0)).all()
            assert (inputs[:, -1] >= 0).all()
            assert (np.diff((inputs >= 0).astype(int), axis=1) >= 0).all()
            places = np.searchsorted(np.sort(histories.items), due[due >= 0])
            np.testing.assert_array_equal(weights[due >= 0], histories.weights[places])
            found += due[due >= 0].tolist()
        assert sorted(found) == sorted(10 * row + item for row, cell in enumerate(cells) for item in cell[1:])


@pytest.mark.parametrize("loss", sasrec_fit.LOSSES)
def test_scores_a_few_at_a_time_give_the_slope_of_all_at_once(loss: str, monkeypatch: pytest.MonkeyPatch):
    """However few go into memory."""
    inputs, due, weights = next(sasrec_fit.batches(weighed(chains()), 8, np.random.default_rng(0)))
    slopes = []
    for cells in (2**22, 64):
        monkeypatch.setattr(sasrec_fit, "CELLS", cells)
        module = rough(30, replace(SMALL, dropout=0.0))
        Steps(module, replace(SMALL, loss=loss), torch.optim.SGD(module.parameters(), lr=0.0)).step(
            inputs, due, weights, np.random.default_rng(1)
        )
        slopes.append([part.grad.clone() for part in module.parameters()])
    for one, other in zip(*slopes, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-3)
    assert max(float(one.abs().max()) for one in slopes[0]) > 1e-3


def test_an_event_that_weighs_nothing_teaches_nothing():
    """Weights say how much what came next counts."""
    inputs, due, weights = next(sasrec_fit.batches(chains(), 8, np.random.default_rng(0)))
    half = weights * (np.arange(len(due)) % 2 == 0)[:, None]
    slopes = []
    for given in ((inputs, due, half), (inputs[::2], due[::2], weights[::2])):
        module = rough(30, replace(SMALL, dropout=0.0))
        plan = replace(SMALL, loss="softmax")  # which draws nothing
        Steps(module, plan, torch.optim.SGD(module.parameters(), lr=0.0)).step(*given, np.random.default_rng(1))
        slopes.append(module.items.grad.clone())
    torch.testing.assert_close(*slopes)


def test_gbce_is_as_calibrated_as_the_paper_has_it():
    """Beta is t(α - 1) + 1 with α the share of items drawn; with all drawn it is plain BCE; one that came next is not a no."""
    items, states = torch.tensor([[1.0], [2.0], [-1.0], [0.5], [0.0]]), torch.tensor([[[1.0], [3.0]]])
    truth, shares = torch.tensor([[1, -1]]), torch.tensor([[0.5, 0.0]])
    for drawn in ([0, 2], [1, 2, 3, 4]):
        share = len(drawn) / 4
        beta = 1.0 + 0.75 * (share - 1.0)
        move = math.log(len(drawn) / beta)
        no = sum(math.log1p(math.exp(float(items[at]) - move)) for at in drawn if at != 1)
        wanted = 0.5 * (no + beta * math.log1p(math.exp(move - 2.0))) / (1 + len(drawn))
        found = sasrec_fit.gbce(items, states, truth, shares, torch.tensor([drawn]))
        assert float(found) == pytest.approx(wanted, abs=1e-6)


def test_a_model_of_no_history_says_nothing_and_of_one_item_answers():
    """Listing has what is popular for the first; nothing divides by nothing in the second."""
    model = rough().served(0)
    assert not model.score_one(np.zeros(0, np.int32)).any()
    one = sasrec_fit.fit(told([[0, 0, 0]], 1), replace(SMALL, loss="gbce"))
    assert np.isfinite(one.score_one(np.array([0]))).all()


def test_nothing_to_learn_from_is_said():
    """Histories of an event each."""
    with pytest.raises(TrialError, match="no history has two events"):
        sasrec_fit.fit(told([[1], [2], []], 3), SMALL)


def test_weights_that_are_not_finite_are_no_model():
    """A trial that came to nothing says so in place of answering nonsense."""
    module = rough()
    with torch.no_grad():
        module.places[0, 0] = math.nan
    with pytest.raises(TrialError, match="places holds what is not finite"):
        module.served(1)


HOSTILE: dict[str, Callable[[dict[str, np.ndarray]], dict[str, Any]]] = {
    "missing": lambda held: {name: held[name] for name in list(held)[1:]},
    "more": lambda held: {**held, "heads": np.array(2)},
    "not finite": lambda held: {**held, "norms": held["norms"] * np.float32(np.nan)},
    "too large": lambda held: {**held, "feeding": held["feeding"] + np.float32(2e3)},
    "doubles": lambda held: {**held, "items": held["items"].astype(np.float64)},
    "other width": lambda held: {**held, "places": held["places"][:, :-1]},
    "no places": lambda held: {**held, "places": held["places"][:0]},
    "no items": lambda held: {**held, "items": held["items"][:0]},
    "no width": lambda held: {name: array[..., :0] for name, array in held.items()},
    "no blocks": lambda held: {**held, **{name: held[name][:0] for name in ("mixing", "feeding")}},
    "fewer blocks": lambda held: {**held, "feeding": held["feeding"][:1]},
    "fewer norms": lambda held: {**held, "norms": held["norms"][1:]},
    "three parts": lambda held: {**held, "mixing": held["mixing"][:, :3]},
    "a number": lambda held: {**held, "items": np.array(1.0, np.float32)},
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_arrays_that_cannot_be_a_model_are_refused(fault: str):
    """What comes from outside is looked at before it is multiplied."""
    held = sasrec_fit.fit(chains(), replace(SMALL, epochs=1)).arrays()
    assert sasrec.of(held).many == 30
    with pytest.raises(ValueError, match=r"\w"):
        sasrec.of(HOSTILE[fault](held))


def test_the_largest_weights_that_are_taken_give_finite_scores():
    """So that no bundle makes a server answer with nan."""
    held = {name: np.full(array.shape, 999.0, np.float32) for name, array in rough().served(0).arrays().items()}
    signs = np.random.default_rng(0)
    for _ in range(20):
        drawn = {name: array * signs.choice([-1, 1], array.shape).astype(np.float32) for name, array in held.items()}
        assert np.isfinite(sasrec.of(drawn).score_one(np.arange(9))).all()


def test_what_is_served_needs_no_pytorch():
    """Loading and answering import neither it nor the room that trains."""
    code = """
import sys
sys.modules["torch"] = None
import numpy as np
from plimsoll import catalogue, sasrec
from plimsoll.listing import Listing
model = sasrec.of(sasrec.blank(many=3, width=2, length=4, blocks=1))
assert model.score_one(np.array([1])).shape == (3,)
assert catalogue.find("sasrec").load
assert "plimsoll.sasrec_fit" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_machine_without_pytorch_is_told_what_it_needs(monkeypatch: pytest.MonkeyPatch):
    """In words, before anything is tried."""
    toy, recipe = list_toys.paths(), catalogue.find("sasrec")
    assert recipe.refusal(toy.job, toy.schema) is None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'plimsoll[torch]'" in str(recipe.refusal(toy.job, toy.schema))


def test_it_is_not_trained_where_order_carries_no_signal(monkeypatch: pytest.MonkeyPatch):
    """The test by shuffling comes first, and what it found is said; the last fit has no rows to ask it of."""
    toy, recipe = list_toys.paths(), catalogue.find("sasrec")
    monkeypatch.setattr(order, "told", lambda *_: order.Order(0.2, 0.21, -0.03, 0.01))
    with pytest.raises(TrialError, match=r"order carries no signal here: .*0\.200.*0\.210"):
        recipe.fit(toy.job, toy.schema, toy.fold, recipe.space.default, Clock(60.0))
    last = replace(toy.fold, valid=None, valid_target=None)
    knobs = {**recipe.space.default, "epochs": 1}
    assert recipe.fit(toy.job, toy.schema, last, knobs, Clock(60.0)).many == list_toys.MANY
