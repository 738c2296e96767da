"""Counters and near copies: what came lately, and nothing that came later."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.policy.near import HASHES, NearCopies, bands, signature
from plimsoll.policy.windows import Window

EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.0, 20.0), st.floats(0.0, 3.0)), max_size=60)


@given(EVENTS)
def test_a_window_counts_what_a_search_through_all_events_counts(gaps: list[tuple[str, float, float]]):
    """The sum of the amounts of the key's events in the last ten seconds, the event itself among them."""
    window, now, seen = Window(10.0), 0.0, []
    for key, gap, amount in gaps:
        now += gap
        seen.append((key, now, amount))
        due = sum(each for name, then, each in seen if name == key and then > now - 10.0)
        assert window.add(key, now, amount) == pytest.approx(due)


def test_an_event_that_comes_late_counts_as_of_the_latest_moment():
    """A clock that jumps back neither empties a window nor lets it grow without end."""
    window = Window(10.0)
    assert [window.add("a", now) for now in (100.0, 50.0, 101.0, 111.5)] == [1.0, 2.0, 3.0, 1.0]


def test_keys_that_fell_silent_are_forgotten():
    """Memory hangs on what came lately, however many keys there were."""
    window = Window(10.0)
    for now in range(10_000):
        window.add(f"k{now}", float(now))
    assert len(window) < 20
    small = Window(1e9, most_keys=50)
    for now in range(1_000):
        small.add(f"k{now}", float(now))
    assert len(small) <= 51


def test_looking_adds_nothing():
    """A key that was only looked at is not kept."""
    window = Window(10.0)
    window.add("a", 1.0)
    assert (window.look("a", 2.0), window.look("a", 20.0), window.look("b", 2.0), len(window)) == (1.0, 0.0, 0.0, 1)


def _random(seed: int) -> str:
    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz ", k=150))


def _varied(text: str, changes: int, seed: int) -> str:
    letters, draw = list(text), random.Random(seed)
    for _ in range(changes):
        letters[draw.randrange(len(letters))] = draw.choice("abcdefgh ")
    return "".join(letters)


def test_the_likeness_that_signatures_tell_is_that_of_the_runs():
    """Within four standard errors of the share of runs that two texts have in common."""
    text = " ".join(random.Random(1).choices(["alpha", "beta", "gamma", "delta", "epsilon", "zeta"], k=60))
    for changes in (1, 3, 10, 40):
        other = _varied(text, changes, changes)
        one, two = ({t[k : k + 5] for k in range(len(t) - 4)} for t in (text, other))
        true = len(one & two) / len(one | two)
        told = float((signature(text) == signature(other)).mean())
        assert told == pytest.approx(true, abs=4 * (true * (1 - true) / HASHES) ** 0.5 + 0.01)


def test_near_copies_are_found_and_others_are_not():
    """Of 200 texts those with a few letters changed count, and the rest do not; what is past does not either."""
    texts = NearCopies(100.0, 0.7)
    for k in range(200):
        assert texts.add(_random(k), k / 100.0) == 0.0
    first = _random(7)
    assert texts.add(_varied(first, 2, 1), 3.0) == 1.0
    assert texts.add(first.upper(), 4.0) == 2.0
    assert texts.add(first, 500.0) == 0.0
    assert len(texts) < 210


@pytest.mark.parametrize("alike", [0.3, 0.5, 0.7, 0.9, 1.0])
def test_bands_find_what_is_alike_almost_surely(alike: float):
    """At the likeness that is asked for, 99 of 100 share a band."""
    many, length = bands(alike)
    assert many * length <= HASHES
    assert 1.0 - (1.0 - alike**length) ** many >= 0.99 or (many, length) == (HASHES, 1)


def test_a_flood_of_one_text_takes_the_room_of_one():
    """A thousand copies are a thousand times of one signature."""
    texts = NearCopies(1e6, 0.8)
    counts = [texts.add("the same words again", float(k)) for k in range(1_000)]
    assert (counts[-1], len(texts)) == (999.0, 1)


@given(st.lists(st.text(max_size=12), max_size=12))
def test_any_text_has_a_signature(texts: list[str]):
    """Empty ones, short ones, and ones of any letters."""
    near = NearCopies(10.0, 0.8)
    assert all(near.add(text, 0.0) >= 0.0 for text in texts)
