"""Units: what people write, and what the program counts in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import units

DIMENSIONS = [units.TIME, units.BYTES, units.ENERGY, units.MASS]


@pytest.mark.parametrize(
    ("text", "dimension", "number"),
    [
        ("25 ms", units.TIME, 0.025),
        ("25ms", units.TIME, 0.025),
        ("40 µs", units.TIME, 40e-6),
        ("40 us", units.TIME, 40e-6),
        ("1.5 min", units.TIME, 90.0),
        (" 2 H ", units.TIME, 7200.0),
        ("150 MB", units.BYTES, 150e6),
        ("1 GiB", units.BYTES, 2.0**30),
        ("40 kJ", units.ENERGY, 40e3),
        ("1 kWh", units.ENERGY, 3.6e6),
        ("5 g", units.MASS, 5.0),
        ("1 %", units.SHARE, 0.01),
        ("0.9", units.SHARE, 0.9),
        ("47_057", units.SHARE, 47057.0),
        ("1e-3 s", units.TIME, 0.001),
        (".5 s", units.TIME, 0.5),
    ],
)
def test_a_text_with_a_unit_becomes_a_number(text: str, dimension: str, number: float):
    """Figures are read in the unit written, and kept in seconds, bytes, joules, grams or shares."""
    assert units.parse(text, dimension) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("25", units.TIME),
        ("25 MB", units.TIME),
        ("ms", units.TIME),
        ("", units.BYTES),
        ("1 2 s", units.TIME),
        ("nan s", units.TIME),
        ("5 s", units.SHARE),
    ],
)
def test_a_text_without_its_unit_is_refused_with_an_example(text: str, dimension: str):
    """A bare number is never guessed at, except where a plain number is what is meant."""
    with pytest.raises(ValueError, match="Write a number and a unit, such as"):
        units.parse(text, dimension)


@given(st.floats(1e-9, 1e9), st.sampled_from(DIMENSIONS))
def test_what_is_shown_reads_back(value: float, dimension: str):
    """A shown figure reads back to within its three digits."""
    shown = units.show(value, dimension)
    # Below the smallest unit's three digits there is nothing left to compare.
    smallest = {units.TIME: 1e-9, units.BYTES: 1.0, units.ENERGY: 1.0, units.MASS: 1e-3}[dimension]
    assert units.parse(shown, dimension) == pytest.approx(value, rel=0.006, abs=smallest * 1e-2)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.9996, "1 s"), (59.99, "1 min"), (0.002, "2 ms"), (0.0, "0 ns"), (3600, "1 h")]
)
def test_rounding_moves_up_to_the_next_unit(value: float, shown: str):
    """A time never reads 1000 ms or 60 s."""
    assert units.show(value, units.TIME) == shown
