"""Knobs: the default first, then what is known to be good, then a seeded search."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.knobs import Space

SPACE = Space({"leaves": (31, 63, 127), "rate": (0.05, 0.1)}, portfolio=({"leaves": 127}, {"leaves": 31}))


def test_the_first_option_of_each_knob_is_its_default():
    """A recipe that is asked for nothing gets its defaults."""
    assert SPACE.default == {"leaves": 31, "rate": 0.05}
    assert SPACE.size == 6


def test_the_default_comes_first_and_the_portfolio_next():
    """Settings known to be good are tried before any drawn, and none twice."""
    first, second, *_ = SPACE.settings(seed=0, count=4)
    assert (first, second) == (SPACE.default, {"leaves": 127, "rate": 0.05})


@given(st.integers(0, 1000), st.integers(1, 12))
def test_settings_are_different_seeded_and_within_the_space(seed: int, count: int):
    """The same seed draws the same settings; no more than there are, each an option of its knob."""
    settings = list(SPACE.settings(seed, count))
    assert settings == list(SPACE.settings(seed, count))
    assert len(settings) == min(count, SPACE.size)
    assert all(settings.count(setting) == 1 for setting in settings)
    assert all(setting[name] in SPACE.options[name] for setting in settings for name in SPACE.options)


def test_a_recipe_with_no_knobs_has_one_setting():
    """An empty space is searched in one step."""
    assert list(Space().settings(seed=0, count=5)) == [{}]


def test_settings_that_come_to_the_same_are_one():
    """Where the rate says nothing, only the leaves are left to choose, and a portfolio's twin is not tried twice."""
    told = replace(SPACE, plain=lambda knobs: {**knobs, "rate": 0.05}, portfolio=({"leaves": 127}, {"rate": 0.1}))
    assert told.listed == [SPACE.default, {"leaves": 127, "rate": 0.05}]
    assert [setting["leaves"] for setting in told.settings(seed=0, count=9)] == [31, 127, 63]
