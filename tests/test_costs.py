"""The cost model: what it says of trials of data sets that it has not seen, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from plimsoll import catalogue
from plimsoll.cases import COSTS, Candidate, Case, Known
from plimsoll.costs import Costs, learn
from plimsoll.profile import Profile
from plimsoll.tariff import FIGURES, LEAST

NOISE = 0.1
APART = 0.5  # how far data sets lie apart, in logs, for reasons that no profile tells
STEPS = 120.0  # trees at which training stops by itself, times the rate
FACTORS = {"operations": 1e-8, "bytes": 1.0, "answer": 1e-7, "model": 4.0}
BASES = {"cpu": 0.02, "train_memory": 1e8, "memory": 4e7, "model": 1e3, "answer": 3e-6}
BESIDE = {"size": ("model", 2e3), "p50": ("answer", 4e-6)}  # what a probe shows a part of, and the rest


def known(count: float, recipe: str = "trees", **knobs: object) -> Known:
    space = catalogue.find(recipe).space
    profile = Profile(int(count), numbers=10, steps=640, classes=2, signal=0.2, signals=0.5)
    return Known(recipe, {**space.default, **knobs}, profile)  # type: ignore[dict-item]


def ran(each: Known, group: str, slower: float, random: np.random.Generator) -> Case:
    """Costs that follow from the facts, with a tenth of noise; a data set may be slower than its profile tells."""
    settled = {}
    if "trees" in each.knobs:
        stops = STEPS / 10 / float(each.knobs["rate"]) * math.exp(NOISE * random.normal())
        kept = float(min(float(each.knobs["trees"]), round(stops)))
        settled = {"trees": kept, "leaves_kept": round(kept * 12 * math.exp(NOISE * random.normal()))}
    facts = catalogue.find(each.recipe).facts(each.profile, {**each.knobs, **settled})
    figures = {}
    for name, base in BASES.items():
        whole = base + FACTORS[FIGURES[name]] * sum(getattr(facts, FIGURES[name]))
        figures[name] = whole * math.exp(NOISE * random.normal()) * (slower if name == "cpu" else 1.0)
    for name, (part, rest) in BESIDE.items():
        figures[name] = figures[part] + rest * math.exp(NOISE * random.normal())
    return Case(each, group, figures, settled=settled)


def trials(groups: int = 14, seed: int = 0, apart: float = 0.0, rows: tuple[float, ...] = ()) -> list[Case]:
    random = np.random.default_rng(seed)
    settings = list(catalogue.find("trees").space.settings(0, 6))
    found = []
    for group in range(groups):
        slower = math.exp(apart * random.normal())
        for size in rows or 10.0 ** random.uniform(2.7, 4.5, 3):
            found += [ran(known(size, **knobs), f"set {seed} {group}", slower, random) for knobs in settings]
    return found


def off(costs: Costs, fresh: list[Case], name: str, candidates: list[Candidate] | None = None) -> float:
    """The median of how far what is told lies from what came, in logs."""
    told = costs.predict(candidates or [Candidate(each.known) for each in fresh])
    return float(
        np.median(
            [abs(math.log(each.figures[name] / found.middle(name))) for each, found in zip(fresh, told, strict=True)]
        )
    )


@pytest.fixture(scope="module")
def costs() -> Costs:
    return learn(trials())


@pytest.mark.parametrize("name", COSTS)
def test_costs_of_sets_that_were_not_seen_are_near(costs: Costs, name: str):
    """The median error is of the order of the noise, for every cost."""
    assert off(costs, trials(seed=1), name) < 2.0 * NOISE


def test_intervals_cover_as_they_say(costs: Costs):
    """Nine in ten of the figures lie inside, within what so many trials can tell."""
    fresh = trials(groups=30, seed=2)
    told = costs.predict([Candidate(each.known) for each in fresh])
    inside = [
        found.figures[name][0] <= each.figures[name] <= found.figures[name][2]
        for each, found in zip(fresh, told, strict=True)
        for name in COSTS
    ]
    assert 0.84 < np.mean(inside) < 0.98


def test_intervals_are_in_order(costs: Costs):
    """Low, middle, high, all above zero."""
    (found,) = costs.predict([Candidate(known(5_000))])
    assert set(COSTS) <= set(found.figures)
    assert all(0 < low <= middle <= high for low, middle, high in found.figures.values())


def test_more_rows_cost_more(costs: Costs):
    """A hundred times the rows: many times the time."""
    few, many = costs.predict([Candidate(known(1_000)), Candidate(known(100_000))])
    assert many.middle("cpu") > 10 * few.middle("cpu")


def test_what_training_settles_is_not_more_than_it_is_allowed(costs: Costs):
    """Ten times the trees allowed, where training stops by itself long before: the size hardly grows."""
    some, many = costs.predict([Candidate(known(5_000, trees=400)), Candidate(known(5_000, trees=4_000))])
    assert many.middle("size") < 1.5 * some.middle("size")


def test_of_a_recipe_not_seen_enough_nothing_is_said():
    """Neither of a stranger, nor of one with fewer trials than a model needs, nor of one seen on a single set."""
    seen = trials()
    alone = [replace(each, group="one set") for each in seen]
    strange = [replace(each, known=replace(each.known, recipe="nobody's")) for each in seen]
    for taught in ([], seen[: LEAST - 1], alone, strange):
        (found,) = learn(taught).predict([Candidate(known(1_000))])
        assert not found.figures


def test_fits_on_fewer_rows_tell_of_the_data_set():
    """Where sets differ for reasons that no profile tells, a probe of the candidate finds out, and so does the default's."""
    sizes = (400.0, 1_600.0, 12_000.0)
    model = learn(trials(groups=24, apart=APART, rows=sizes))
    fresh = trials(groups=24, seed=3, apart=APART, rows=sizes)
    full = [each for each in fresh if each.known.profile.rows == sizes[-1]]
    default = catalogue.find("trees").space.default
    probed, plain = [], []
    for each in full:
        fewer = [o for o in fresh if o.group == each.group and o.known.profile.rows < sizes[-1]]
        own = tuple(o for o in fewer if o.known.knobs == each.known.knobs)
        probed.append(Candidate(each.known, own))
        plain.append(Candidate(each.known, (), tuple(o for o in fewer if o.known.knobs == default)))
    alone = off(model, full, "cpu")
    assert alone > 0.5 * APART
    assert off(model, full, "cpu", probed) < 0.5 * alone
    assert off(model, full, "cpu", plain) < 0.7 * alone


def test_a_killed_trial_is_a_bound():
    """Fits that were killed at what they had spent teach that such fits cost more, and their figures are no costs."""
    seen = trials()
    large = [each for each in seen if each.known.profile.rows > 5_000]
    assert large
    cut = [
        replace(each, figures={**each.figures, "cpu": 0.3 * each.figures["cpu"]}, over=frozenset({"cpu"}))
        for each in large
    ]
    small = [each for each in seen if each.known.profile.rows <= 5_000]
    taken = [replace(each, over=frozenset()) for each in cut]
    ask = [Candidate(known(30_000))]
    (bound,), (figure,) = learn(small + cut).predict(ask), learn(small + taken).predict(ask)
    assert bound.middle("cpu") > 1.2 * figure.middle("cpu")


def test_another_machine_and_other_versions_are_told_of_with_less_assurance(costs: Costs):
    """Times are scaled, bytes are not, and a wider model has wider intervals about the same middle."""
    ask = [Candidate(known(5_000))]
    (here,), (there,) = (
        costs.predict(ask),
        costs.scaled({"trees": (1.5, 2.0, 3.0), "p50": (1.0, 4.0, 4.0)}).predict(ask),
    )
    assert there.middle("cpu") == pytest.approx(2.0 * here.middle("cpu"))
    assert there.middle("p50") == pytest.approx(4.0 * here.middle("p50"))
    assert there.figures["size"] == here.figures["size"]
    (wide,) = costs.wider(2.0).predict(ask)
    assert wide.middle("cpu") == pytest.approx(here.middle("cpu"))
    assert wide.figures["cpu"][0] < here.figures["cpu"][0] < here.figures["cpu"][2] < wide.figures["cpu"][2]


def test_the_same_trials_teach_the_same(costs: Costs):
    """The seed decides the folds, and nothing else is drawn."""
    ask = [Candidate(known(5_000, leaves=63))]
    assert learn(trials()).predict(ask) == costs.predict(ask)
