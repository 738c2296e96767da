"""Links between items: counted as the definitions say, in however small blocks, and kept where they are strongest."""

from __future__ import annotations

import numpy as np
import pytest

from plimsoll import links, neighbours, transitions
from plimsoll.rows import Histories
from plimsoll.scorer import matrix
from recommend_toys import chains, groups, told, weighed


def dense(found: links.Links) -> np.ndarray:
    """All links as a square, by asking for what each item leads to."""
    return np.stack([found.score_one(np.array([item])) for item in range(found.many)])


def counted(histories: Histories, window: int, gamma: float, smooth: float) -> np.ndarray:
    """Transitions pair by pair."""
    sums = np.zeros((histories.many, histories.many))
    for start, end in zip(histories.starts, histories.ends, strict=True):
        for place in range(start, end):
            for later in range(place + 1, min(place + window + 1, end)):
                sums[histories.items[place], histories.items[later]] += (
                    gamma ** (later - place - 1) * histories.weights[later]
                )
    return sums / (sums.sum(axis=1, keepdims=True) + smooth)


@pytest.mark.parametrize("window", [1, 3, 50])
@pytest.mark.parametrize("cells", [2**23, 1])
def test_transitions_are_counted_as_they_are_defined(window: int, cells: int, monkeypatch: pytest.MonkeyPatch):
    """With weights, over rows that share events and leave some out, in one block and item by item."""
    monkeypatch.setattr(transitions, "_CELLS", cells)
    monkeypatch.setattr(transitions, "_EVENTS", 7)
    whole = weighed(chains(people=20))
    some = Histories(
        whole.items, whole.times, whole.weights, np.array([30, 0, 5, 8]), np.array([60, 7, 20, 8]), whole.many
    )
    for histories in (whole, some):
        found = transitions.fit(histories, window=window, gamma=0.7, smooth=2.0)
        np.testing.assert_allclose(dense(found), counted(histories, window, 0.7, 2.0), atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_new_events_move_a_link_no_further_than_they_weigh(seed: int):
    """By d / (S + smooth + d) at most, where S is what an item's transitions weighed, and d what came to them; and as far as that."""
    random, many = np.random.default_rng(seed), 6
    before = random.integers(0, 9, (many, many)) * 1.0
    added = random.integers(0, 4, (many, many)) * (random.random((many, many)) < 0.3)
    sums, more = before.sum(axis=1, keepdims=True), added.sum(axis=1, keepdims=True)
    pairs = lambda counts: told([[i, j] for i, j in np.argwhere(counts) for _ in range(int(counts[i, j]))], many)  # noqa: E731
    old, new = (dense(transitions.fit(pairs(counts), smooth=3.0)) for counts in (before, before + added))
    bound = more / (sums + 3.0 + more)
    assert (np.abs(new - old) <= bound + 1e-6).all()
    alone = np.zeros((many, many))
    alone[0, 1] = 4.0
    assert dense(transitions.fit(pairs(alone), smooth=3.0))[0, 1] == pytest.approx(4.0 / (0.0 + 3.0 + 4.0))


def test_only_the_strongest_transitions_are_kept():
    """The others are as if they had never been, and the sum that divides is still that of all."""
    whole, few = (dense(transitions.fit(chains(people=40), keep=keep)) for keep in (1_000, 4))
    assert ((few > 0).sum(axis=1) <= 4).all()
    for row, kept in zip(whole, few, strict=True):
        assert sorted(kept[kept > 0].tolist()) == sorted(row.tolist())[-int((kept > 0).sum()) :]


@pytest.mark.parametrize("work", [2.0**24, 1.0])
def test_nearest_items_are_those_of_the_definitions(work: float, monkeypatch: pytest.MonkeyPatch):
    """Cosine with shrinking, and the walk, in one block and in many; of each item the nearest that lead to it are kept."""
    monkeypatch.setattr(neighbours, "_WORK", work)
    histories = weighed(groups())
    seen = matrix(histories).toarray().astype(np.float64)
    length = np.sqrt((seen**2).sum(axis=0))
    near = seen.T @ seen / (np.outer(length, length) + 3.0)
    ahead, back = seen / seen.sum(axis=1, keepdims=True), (seen / seen.sum(axis=0)).T
    walked = back**0.7 @ ahead**0.7 / seen.sum(axis=0) ** 0.4
    for expected, found in (
        (near, neighbours.cosine(histories, shrink=3.0, keep=5)),
        (walked, neighbours.walk(histories, power=0.7, beta=0.4, keep=5)),
    ):
        np.fill_diagonal(expected, 0.0)
        for item in range(40):
            expected[np.argsort(-expected[:, item])[5:], item] = 0.0
        np.testing.assert_allclose(dense(found), expected, atol=1e-6)


def test_events_of_one_item_are_summed_by_person():
    """A person's weights for an item are one cell; a row that takes a part of another's events is a row of its own."""
    base = told([[1, 1, 0], [2]], 3)
    histories = Histories(base.items, base.times, base.weights * 2, np.array([0, 1, 3]), np.array([3, 3, 4]), 3)
    assert matrix(histories).toarray().tolist() == [[2, 4, 0], [2, 2, 0], [0, 0, 2]]


HOSTILE = {
    "indptr": np.array([0, 5, 3, 3], dtype=np.int64),
    "indices": np.array([1, 9, 0], dtype=np.int32),
    "values": np.ones(2, dtype=np.float32),
    "alpha": np.array(1.5),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_links_that_lead_astray_are_refused(name: str):
    """Rows that run back, an item that is not there, a weight that is missing, a history that grows with age."""
    arrays = transitions.fit(told([[0, 1, 2]], 3)).arrays()
    assert isinstance(links.of(arrays), links.Links)
    with pytest.raises(ValueError, match=r"\w"):
        links.of({**arrays, name: HOSTILE[name]})


def test_links_that_do_not_ascend_are_refused():
    """Else an item could stand twice in a row, and be counted twice."""
    arrays = transitions.fit(told([[0, 1, 2]], 3)).arrays()
    with pytest.raises(ValueError, match="ascend"):
        links.of({**arrays, "indices": np.array([2, 1, 2], dtype=np.int32)})
