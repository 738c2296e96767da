"""EASE: the some weights by way of people and of items, in float32 and in float64, as the inverse says them."""

from __future__ import annotations

import numpy as np
import pytest

from plimsoll import ease
from plimsoll.ease import Ease
from plimsoll.links import Links
from plimsoll.rows import Histories
from plimsoll.scorer import matrix
from recommend_toys import groups


def defined(histories: Histories, ridge: float) -> np.ndarray:
    seen = (matrix(histories).toarray() > 0).astype(np.float64)
    inverse = np.linalg.inv(seen.T @ seen + ridge * np.eye(histories.many))
    weights = -inverse / inverse.diagonal()
    np.fill_diagonal(weights, 0.0)
    return weights


@pytest.mark.parametrize("people", [25, 200])
@pytest.mark.parametrize("exact", [0.0, 1e9])
@pytest.mark.parametrize("cells", [2**22, 90])
def test_weights_are_those_of_the_inverse(people: int, exact: float, cells: int, monkeypatch: pytest.MonkeyPatch):
    """With fewer people than items and with more, in each kind of number, whole and block by block."""
    monkeypatch.setattr(ease, "_EXACT", exact)
    monkeypatch.setattr(ease, "_CELLS", cells)
    histories = groups(people=people)
    found = ease.fit(histories, ridge=3.0)
    assert isinstance(found, Ease)
    assert found.weights.dtype == np.float32
    np.testing.assert_allclose(found.weights, defined(histories, 3.0), atol=2e-6)


@pytest.mark.parametrize("people", [25, 200])
def test_the_strongest_weights_of_each_item_are_kept_as_links(people: int):
    """By their size, whichever their sign."""
    histories = groups(people=people)
    found = ease.fit(histories, ridge=3.0, keep=6)
    assert isinstance(found, Links)
    for item, row in enumerate(defined(histories, 3.0)):
        kept = found.score_one(np.array([item]))
        assert (kept != 0.0).sum() == 6
        np.testing.assert_allclose(kept[kept != 0.0], row[kept != 0.0], atol=2e-6)
        np.testing.assert_allclose(np.sort(np.abs(kept))[-6:], np.sort(np.abs(row))[-6:], atol=2e-6)


def test_a_ridge_too_small_to_solve_with_is_named():
    """Of items that nobody took there is no inverse without one."""
    histories = groups(people=200)
    some = Histories(
        histories.items // 2 * 2,
        histories.times,
        histories.weights,
        histories.starts,
        histories.ends,
        histories.many,
    )
    with pytest.raises(ValueError, match="a ridge of 0 is too small"):
        ease.fit(some, ridge=0.0)


def test_weights_that_are_no_square_are_refused():
    """And those of no items at all."""
    for shape in ((3, 4), (0, 0), (3,)):
        with pytest.raises(ValueError, match="of shape"):
            ease.of({"weights": np.zeros(shape, np.float32), "alpha": np.array(0.8)})
