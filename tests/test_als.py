"""iALS: each side is what loses least given the other, whatever stands beside it, and a history is solved exactly."""

from __future__ import annotations

import numpy as np
import pytest

from plimsoll import als
from plimsoll.clock import Clock
from plimsoll.scorer import matrix
from recommend_toys import groups, hit_rate, told, weighed


def loss(people: np.ndarray, items: np.ndarray, seen: np.ndarray, ridge: float, weight: float) -> float:
    scores = people @ items.T
    by_person = ridge * (weight * seen.sum(axis=1) + seen.shape[1]) * (people**2).sum(axis=1) * (seen.sum(axis=1) > 0)
    by_item = ridge * (weight * seen.sum(axis=0) + seen.shape[0]) * (items**2).sum(axis=1) * (seen.sum(axis=0) > 0)
    return float((weight * seen * (1 - scores) ** 2 + scores**2).sum() + by_person.sum() + by_item.sum())


@pytest.mark.parametrize("cells", [2**20, 64])
def test_a_side_goes_to_where_the_loss_is_least(cells: int, monkeypatch: pytest.MonkeyPatch):
    """With steps enough it is the solution of the normal equations, row by row, in large batches and in small ones."""
    monkeypatch.setattr(als, "_STEPS", 30)
    monkeypatch.setattr(als, "_CELLS", cells)
    histories = weighed(told([*[groups().cell(row).tolist() for row in range(9)], [], [3]], 40))
    seen, rng = matrix(histories), np.random.default_rng(0)
    own, others = np.ones((11, 4), np.float32), rng.standard_normal((40, 4)).astype(np.float32)
    als._improve(own, others, seen, ridge=0.01, weight=5.0)
    for row, taken in enumerate(seen.toarray()):
        system = others.T @ others + 5.0 * (others.T * taken) @ others + 0.01 * (5.0 * taken.sum() + 40) * np.eye(4)
        np.testing.assert_allclose(own[row], np.linalg.solve(system, 5.0 * taken @ others), atol=1e-4)


def test_every_round_loses_less():
    """Three steps on each side from where it was never lead up."""
    histories = weighed(groups())
    seen, rng = matrix(histories), np.random.default_rng(0)
    items, people = rng.standard_normal((40, 6)).astype(np.float32), np.zeros((60, 6), np.float32)
    losses = []
    for _ in range(5):
        als._improve(people, items, seen, 0.01, 5.0)
        als._improve(items, people, seen.tocsc().T.tocsr(), 0.01, 5.0)
        losses.append(loss(people, items, seen.toarray(), 0.01, 5.0))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]


def test_a_history_is_where_a_person_of_it_would_be():
    """Folding in gives what one more side of the rounds would come to."""
    model = als.fit(groups(), factors=5, alpha=1.0)
    items = np.array([1, 4, 7])
    near, said = model.items[items], 10.0 * np.ones(3)
    system = model.items.T @ model.items + (near.T * said) @ near + 0.003 * (30.0 + 40) * np.eye(5)
    np.testing.assert_allclose(model.score_one(items), model.items @ np.linalg.solve(system, said @ near), atol=1e-5)


def test_the_same_seed_gives_the_same_factors_and_another_gives_others():
    """To the last bit."""
    first, again, other = (als.fit(groups(), factors=4, rounds=2, seed=seed).items for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_fitting_ends_when_the_time_is_up():
    """After the rounds that there was time for; a clock that is up from the start leaves factors that can still be asked."""
    ticks = iter(range(100))
    short = als.fit(groups(), factors=4, rounds=50, clock=Clock(5.0, now=lambda: float(next(ticks))))
    full = als.fit(groups(), factors=4, rounds=50)
    assert (short.items != full.items).any()
    assert hit_rate(short.scores(groups()), told([[]] * 60, 40), np.arange(60) % 4 * 10) > 0.3
    assert np.isfinite(als.fit(groups(), clock=Clock(0.0)).score_one(np.array([0]))).all()


def test_factors_that_cannot_be_any_are_refused():
    """A ridge below nothing, and no factors at all."""
    arrays = als.fit(groups(), factors=4, rounds=1).arrays()
    for name, wrong in (
        ("ridge", np.array(-1.0)),
        ("weight", np.array(-1.0)),
        ("items", np.zeros((40, 0), np.float32)),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            als.of({**arrays, name: wrong})
