"""A graph of points: what it gives has its exact cosine, it gives nearly all there is to find, and no other is let through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from found_toys import index, study
from plimsoll import dense, fused, lsa, small_world
from plimsoll.clock import Clock
from plimsoll.dense import unit
from plimsoll.errors import MissingExtra
from plimsoll.small_world import SmallWorld

pytest.importorskip("faiss")

MANY, AXES, ASKED = 3_000, 16, 60
Crowd = tuple[np.ndarray, np.ndarray]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph is made of fewer points than elsewhere."""
    monkeypatch.setattr(small_world, "LEAST", 30)


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    """Points, and others to ask about."""
    made = unit(np.random.default_rng(0).normal(size=(MANY + ASKED, AXES))).astype(np.float32)
    return made[:MANY], made[MANY:]


@pytest.fixture(scope="module")
def world(crowd: Crowd) -> SmallWorld:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_world, "LEAST", 30)
        patch.setattr(small_world, "_PIECE", 700)
        made = small_world.made(*crowd, seed=3)
    assert made is not None
    return made


def test_what_is_near_is_found_with_its_cosine(world: SmallWorld, crowd: Crowd):
    points, asked = crowd
    held = []
    for point in asked:
        exact, found = dense.towards(points, point), world.towards(point)
        seen = np.flatnonzero(found)
        assert np.allclose(found[seen], exact[seen], atol=1e-6)
        assert 0 < len(seen) < MANY / 4
        held.append(np.isin(np.argsort(-exact)[:10], seen).mean())
    assert np.mean(held) >= 0.99


def test_those_that_are_named_are_looked_at_too(world: SmallWorld, crowd: Crowd):
    points, asked = crowd
    far = np.argsort(points @ asked[0])[:3]
    assert not world.towards(asked[0])[far].any()
    assert np.allclose(world.towards(asked[0], far)[far], points[far] @ asked[0], atol=1e-6)


def test_the_same_points_are_linked_alike(world: SmallWorld, crowd: Crowd, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(small_world, "_PIECE", 700)
    again = small_world.made(*crowd, seed=3)
    assert again is not None
    assert np.array_equal(again.links, world.links)


def test_few_points_have_none_and_a_walk_that_does_not_find_is_not_taken(crowd: Crowd, monkeypatch: pytest.MonkeyPatch):
    assert small_world.made(crowd[0], []) is None
    assert small_world.made(*crowd, clock=Clock(0.0)) is None
    monkeypatch.setattr(small_world, "_FOUND", 1.1)
    assert small_world.made(*crowd) is None
    monkeypatch.setattr(small_world, "LEAST", MANY + 1)
    assert small_world.made(*crowd) is None


def test_without_faiss_all_are_looked_at_and_a_graph_is_not_loaded(
    world: SmallWorld, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(small_world, "find_spec", lambda _name: None)
    assert small_world.made(*crowd) is None
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(MissingExtra, match=r"plimsoll\[vectors\]"):
        small_world.of(world.arrays(), crowd[0])


def test_arrays_give_the_same_graph(world: SmallWorld, crowd: Crowd):
    points, asked = crowd
    own, rest = small_world.parted({**world.arrays(), "points": points})
    assert list(rest) == ["points"]
    again = small_world.of(own, points)
    assert again is not None
    assert all(np.array_equal(again.near(point), world.near(point)) for point in asked)
    assert small_world.of({}, points) is None


def _out_of_its_layer(arrays: dict[str, Any]) -> dict[str, Any]:
    """A link of the second layer to a point that is in the first alone: a walk would read beyond its links."""
    layers, links = arrays["world.layers"], arrays["world.links"].copy()
    tall = int(np.flatnonzero(layers > 1)[0])
    begin = int((layers[:tall].astype(int) + 1).sum()) * small_world._LINKS
    links[begin + 2 * small_world._LINKS] = int(np.flatnonzero(layers == 1)[0])
    return {"world.links": links}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda held: {"world.links": held["world.links"] + MANY},
        lambda held: {"world.links": held["world.links"] - 1},
        lambda held: {"world.links": held["world.links"][:-1]},
        lambda held: {"world.links": held["world.links"].astype(np.int64)},
        _out_of_its_layer,
        lambda held: {"world.layers": held["world.layers"] - 1},
        lambda held: {"world.layers": held["world.layers"] + 1},
        lambda held: {"world.layers": held["world.layers"][1:]},
        lambda held: {"world.entry": np.array(MANY)},
        lambda held: {"world.entry": np.array(-1)},
        lambda held: {"world.entry": np.array(int(np.flatnonzero(held["world.layers"] == 1)[0]))},
        lambda held: {"world.breadth": np.array(1 << 40)},
        lambda held: {"world.breadth": np.array(np.nan)},
    ],
)
def test_what_cannot_be_a_graph_of_the_points_is_refused(
    world: SmallWorld, crowd: Crowd, wrong: Callable[[dict[str, Any]], dict[str, Any]]
):
    arrays = world.arrays()
    with pytest.raises(ValueError, match=r"layer|links|walk|breadth"):
        small_world.of(arrays | wrong(arrays), crowd[0])


def test_a_search_by_meaning_goes_through_the_graph(monkeypatch: pytest.MonkeyPatch):
    """All points are looked at where only some documents may be listed, and for long lists; and what has the words is, however far."""
    monkeypatch.setattr(small_world, "_GIVEN", 12)
    meaning = lsa.shared(study(), {"rank": 8, "spread": "entropy", "short": 0.0})
    assert meaning.world is not None
    whole = replace(fused.fit(study(), replace(meaning, world=None)), share=0.5)
    split = replace(whole, meaning=meaning)
    text, many = "heat1 wing2", index().many
    among = np.arange(many) % 2 == 0
    for one, other in ((split, whole), (meaning, replace(meaning, world=None))):
        assert np.array_equal(one.best(text, 9, among), other.best(text, 9, among))
        assert np.array_equal(one.best(text, 101), other.best(text, 101))
        assert np.array_equal(one.best(text, 3), other.best(text, 3))
    assert len(np.flatnonzero(meaning.best(text, many)["item"] >= 0)) <= 12
    with_words = set(whole.words.best(text, 9)["item"].tolist()) - {-1}
    scores, found = (dict(each.best(text, many).tolist()) for each in (whole, split))
    assert all(found[item] == pytest.approx(scores[item], abs=1e-5) for item in with_words)
    again = lsa.of(meaning.arrays(), index())
    assert np.array_equal(again.best(text, 9), meaning.best(text, 9))
