"""The cost model: what it says of trials of data sets that it has not seen, and how sure it is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plimsoll.costs import LEAST, TARGETS, Costs, Known, Seen, learn

NOISE = 0.1


def known(rows: float, depth: int = 3, recipe: str = "trees", kind: str = "fast") -> Known:
    knobs = {"depth": depth, "kind": kind}
    return Known(recipe, knobs, int(rows), 10, 0.0, 2, 50.0 * rows * depth, 80.0 * rows)


def ran(each: Known, group: str, random: np.random.Generator) -> Seen:
    """Costs that follow from the facts, with a tenth of noise."""
    slow = 2.0 if each.knobs["kind"] == "slow" else 1.0
    noise = np.exp(NOISE * random.normal(size=len(TARGETS)))
    whole = (1e-7 * each.operations * slow, 1e8 + 3 * each.bytes, 1e3 * each.knobs["depth"], 1e-5, 4e7)
    return Seen(each, group, dict(zip(TARGETS, (whole * noise).tolist(), strict=True)))


def trials(groups: int = 12, seed: int = 0) -> list[Seen]:
    random = np.random.default_rng(seed)
    found = []
    for group in range(groups):
        for rows in 10.0 ** random.uniform(2.5, 5.0, 6):
            each = known(rows, int(random.integers(1, 9)), kind=str(random.choice(["fast", "slow"])))
            found.append(ran(each, f"set {group}", random))
    return found


@pytest.fixture(scope="module")
def costs() -> Costs:
    return learn(trials())


def test_costs_of_sets_that_were_not_seen_are_near(costs: Costs):
    """The median error is of the order of the noise, for every cost."""
    fresh = trials(seed=1)
    told = costs.predict([each.known for each in fresh])
    for name in TARGETS:
        off = [abs(math.log(each.figures[name] / found.middle(name))) for each, found in zip(fresh, told, strict=True)]
        assert np.median(off) < 2.0 * NOISE, name


def test_intervals_cover_as_they_say(costs: Costs):
    """Nine in ten of the figures lie inside, within what so many trials can tell."""
    fresh = trials(groups=30, seed=2)
    told = costs.predict([each.known for each in fresh])
    inside = [
        found.figures[name][0] <= each.figures[name] <= found.figures[name][2]
        for each, found in zip(fresh, told, strict=True)
        for name in TARGETS
    ]
    assert 0.84 < np.mean(inside) < 0.97


def test_intervals_are_in_order(costs: Costs):
    """Low, middle, high, all above zero."""
    (found,) = costs.predict([known(5_000)])
    assert set(found.figures) == set(TARGETS)
    assert all(0 < low <= middle <= high for low, middle, high in found.figures.values())


def test_more_rows_cost_more(costs: Costs):
    """A hundred times the rows: many times the time."""
    few, many = costs.predict([known(1_000), known(100_000)])
    assert many.middle("cpu") > 20 * few.middle("cpu")


def test_of_a_recipe_not_seen_enough_nothing_is_said():
    """Neither of a stranger, nor of one with fewer trials than a model needs, nor of one seen on a single set."""
    seen = trials()
    alone = [Seen(each.known, "one set", each.figures) for each in seen]
    assert learn(seen[: LEAST - 1]).predict([known(1_000)])[0].figures == {}
    assert learn(alone).predict([known(1_000)])[0].figures == {}
    assert learn(seen).predict([known(1_000, recipe="stranger")])[0].figures == {}
    assert learn([]).predict([]) == []


def test_a_killed_trial_teaches_that_it_is_dear():
    """Every large trial killed after a second: the model expects more than a second of the next, not less."""
    seen = trials(groups=20)
    cut = [
        Seen(each.known, each.group, {"cpu": 1.0}, frozenset({"cpu"})) if each.figures["cpu"] > 1.0 else each
        for each in seen
    ]
    dropped = [each for each in cut if not each.over]
    large = [known(90_000, 8, kind="slow")]
    with_bounds, without = (learn(part).predict(large)[0].middle("cpu") for part in (cut, dropped))
    assert with_bounds > 1.0
    assert with_bounds >= 0.9 * without


def test_the_same_seed_says_the_same():
    """Two models of the same trials agree to the last digit."""
    one, other = (learn(trials(), seed=3).predict([known(2_000)])[0] for _ in range(2))
    assert one == other
