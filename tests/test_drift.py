"""Drift: figures as SciPy has them, an alarm for what has moved, and none by chance or for a trifle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from plimsoll import drift, evidence
from plimsoll.errors import BundleError
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.sketch import Sketch, answered, counted, parsed, parted, sketches

SCHEMA = Schema(
    (
        Column("size", Kind.NUMBER),
        Column("colour", Kind.CATEGORY),
        Column("when", Kind.TIME),
        Column("note", Kind.TEXT),
    ),
    "y",
)
_TEXTS = st.lists(st.none() | st.sampled_from(["a", "b", "c", "dd"]), min_size=1, max_size=60)
_NUMBERS = st.lists(st.just(math.nan) | st.integers(-5, 5).map(float) | st.floats(-1e6, 1e6), min_size=1, max_size=60)


def drawn(random: np.random.Generator, rows: int, moved: bool = False) -> Rows:
    """Rows of one distribution, with atoms, ties, cells that are missing, and texts; or of another."""
    size = random.normal(52.0 if moved else 37.0, 8.0, rows).round()
    size[random.random(rows) < (0.18 if moved else 0.002)] = np.nan
    colours = ["red", "blue", "green", "grey", None]
    chances = [0.1, 0.6, 0.1, 0.1, 0.1] if moved else [0.5, 0.2, 0.2, 0.05, 0.05]
    colour = [colours[k] for k in random.choice(5, rows, p=chances)]
    note = ["x" * int(n) + f"{k:06d}" for k, n in enumerate(random.poisson(60 if moved else 20, rows))]
    when = np.arange(rows) + (1e9 if moved else 0.0)
    return Rows(rows, {"size": size, "colour": Coded.of(colour), "when": when, "note": Coded.of(note)})


def shifts(learned: Rows, rows: Rows) -> list[drift.Shift]:
    made = sketches(evidence.sketches(learned), SCHEMA)
    return drift.compare(made, parted(made, counted(made, rows)))


@given(st.integers(1, 200), st.floats(0.0, 1e4))
def test_the_tail_of_chi_squared_is_scipys(freedom: int, statistic: float):
    """From one degree of freedom to two hundred, wherever it is asked."""
    assert drift.above(freedom, statistic) == pytest.approx(stats.chi2.sf(statistic, freedom), rel=1e-6, abs=1e-12)


@given(st.integers(1, 200), st.floats(1e-9, 0.5))
def test_what_chance_passes_is_scipys_quantile(freedom: int, level: float):
    """The bound of which ``above`` is the inverse."""
    assert drift.by_chance(freedom, level) == pytest.approx(stats.chi2.isf(level, freedom), rel=1e-6)


@given(st.integers(0, 9))
def test_the_distance_of_numbers_is_that_of_kolmogorov_and_smirnov(seed: int):
    """Where every value is an end of a bin, to the last digit."""
    random = np.random.default_rng(seed)
    before, now = random.integers(0, 15, 900).astype(float), random.integers(2, 15, 300).astype(float)
    edges, many = np.unique(before, return_counts=True)
    sketch = Sketch("n", 900, 0.0, tuple(edges.tolist()), tuple((np.cumsum(many) / 900).tolist()), middle=7.0)
    assert drift.smirnov(sketch.expected(), sketch.cells(now)) == pytest.approx(stats.ks_2samp(before, now).statistic)


def test_the_index_is_that_of_its_formula():
    """Σ (p - q) ln (p / q), where rows are so many that half a row counts for nothing."""
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    assert drift.psi(q, (p * 1e9).astype(int), 10**9) == pytest.approx(np.sum((p - q) * np.log(p / q)), rel=1e-6)


@given(_NUMBERS)
def test_the_rows_that_a_sketch_is_of_are_spread_as_it_says_for_numbers(values: list[float]):
    """Counted again, they have the shares that the sketch expects, ties and all."""
    cells = np.array(values)
    sketch = parsed("x", evidence.sketches(Rows(len(cells), {"x": cells}))["x"], numeric=True)
    shares = sketch.cells(cells) / len(cells)
    if len(sketch.edges):
        close = max(1.5 / len(cells), 0.0011)  # between quantiles that are interpolated a row may lie on either side
        assert np.abs(np.cumsum(shares) - np.cumsum(sketch.expected())).max() <= close
    assert shares.sum() == pytest.approx(1.0)


@given(_TEXTS)
def test_the_rows_that_a_sketch_is_of_are_spread_as_it_says_for_words(values: list[str | None]):
    """Values that are kept, others, and what is missing."""
    cells = Coded.of(values)
    sketch = parsed("x", evidence.sketches(Rows(len(values), {"x": cells}))["x"], numeric=False)
    assert np.abs(sketch.cells(cells) / len(values) - sketch.expected()).max() < 1e-9


@given(st.floats(0.01, 0.99), st.floats(-2e-6, 2e-6))
def test_the_last_digits_of_an_answer_are_no_drift(value: float, off: float):
    """One row alone and the same row in a batch differ in them; a model that answers always the same shows it."""
    told = evidence.answered(Schema((), "y", ("a", "b")), np.tile([1.0 - value, value], (500, 1)), np.ones(500, int))
    sketch = answered(told, Schema((), "y", ("a", "b")))[1]
    counts = sketch.cells(np.full(500, value * (1.0 + off)))
    assert drift.psi(sketch.expected(), counts, 500) == 0.0
    assert drift.psi(sketch.expected(), sketch.cells(np.full(500, value + 0.001)), 500) > 1.0


@given(st.integers(0, 9), st.integers(1, 40))
def test_counts_of_parts_add_up_to_those_of_the_whole(seed: int, size: int):
    """So rows can come one by one, and workers can add up what they saw."""
    rows = drawn(np.random.default_rng(seed), 100)
    made = sketches(evidence.sketches(rows), SCHEMA)
    assert np.array_equal(sum(counted(made, part) for part in rows.chunks(size)), counted(made, rows))


@pytest.mark.parametrize("rows", [100, 300, 3_000])
def test_chance_alone_hardly_ever_raises_an_alarm(rows: int):
    """Of 100 looks at 25 columns that have not moved, none raises one; and at 5 % the columns together keep to it."""
    low = 0
    for look in range(100):
        random = np.random.default_rng([rows, look])
        before, now = (
            random.integers(0, 40, (25, 4_000)).astype(float),
            random.integers(0, 40, (25, rows)).astype(float),
        )
        columns = {f"c{k}": cells for k, cells in enumerate(before)}
        schema = Schema(tuple(Column(name, Kind.NUMBER) for name in columns), "y")
        made = sketches(evidence.sketches(Rows(4_000, columns)), schema)
        counts = counted(made, Rows(rows, {f"c{k}": cells for k, cells in enumerate(now)}))
        found = drift.compare(made, parted(made, counts))
        assert not any(shift.alarm for shift in found)
        low += min(shift.p for shift in found) <= 0.05
    assert low <= stats.binom.ppf(0.999, 100, 0.05)


def test_what_has_moved_raises_an_alarm_with_its_evidence():
    """Of few rows, in the words of the field: the median, what is missing, the values that changed most, the length."""
    random = np.random.default_rng(0)
    size, colour, when, note, letters = shifts(drawn(random, 20_000), drawn(random, 400, moved=True))
    assert size.alarm
    assert size.words.startswith("median 5")
    assert ", was 37; " in size.words
    assert "% missing, was 0.1" in size.words or "% missing, was 0.2" in size.words
    assert colour.alarm
    assert colour.words.startswith('"')
    assert ", was " in colour.words
    assert (letters.name, letters.alarm) == ("note (letters)", True)
    assert not note.alarm
    assert not when.alarm


def test_nothing_has_moved_and_nothing_is_said():
    """The same distribution again, of few rows and of many."""
    random = np.random.default_rng(1)
    learned = drawn(random, 20_000)
    for rows in (100, 5_000, 50_000):
        assert not any(shift.alarm for shift in shifts(learned, drawn(random, rows)))


def test_a_trifle_on_a_million_rows_is_no_alarm():
    """Chance would never do it, and it is too small to act on."""
    colour = parsed("colour", {"missing": 0.0, "rows": 1_000_000, "values": {"red": 0.5, "blue": 0.5}}, numeric=False)
    found = drift.compare([colour], [np.array([510_000, 490_000, 0, 0])])[0]
    assert found.p < 1e-9
    assert not found.alarm


def test_a_large_shift_of_few_rows_is_no_alarm():
    """Sixty rows may lie so by chance, and so they are said to; a hundred and more may not."""
    colour = parsed("colour", {"missing": 0.0, "rows": 5_000, "values": {"red": 0.5, "blue": 0.5}}, numeric=False)
    few, more = drift.compare([colour, colour], [np.array([45, 15, 0, 0]), np.array([450, 150, 0, 0])])
    assert few.psi >= drift.LARGE
    assert not few.alarm
    assert more.alarm


def test_no_rows_are_no_shift():
    """A watch that has seen nothing says so."""
    found = shifts(drawn(np.random.default_rng(0), 500), drawn(np.random.default_rng(0), 0))
    assert all((shift.psi, shift.p, shift.alarm, shift.words) == (0.0, 1.0, False, "no rows") for shift in found)


def test_bars_tell_all_rows():
    """The shares of the bars come to one, before and now, and none is left without a label."""
    random = np.random.default_rng(2)
    for shift in shifts(drawn(random, 5_000), drawn(random, 500, moved=True)):
        assert sum(bar.was for bar in shift.bars) == pytest.approx(1.0)
        assert sum(bar.now for bar in shift.bars) == pytest.approx(1.0)
        assert all(bar.label for bar in shift.bars)


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {"size": 3},
        {"size": {}},
        {"size": {"missing": 0.0}},
        {"size": {"missing": 2.0, "quantiles": [1.0]}},
        {"size": {"missing": 0.0, "quantiles": ["1"]}},
        {"size": {"missing": 0.0, "quantiles": [2.0, 1.0]}},
        {"size": {"missing": 0.0, "quantiles": [1.0, math.inf]}},
        {"size": {"missing": 0.0, "quantiles": [math.nan]}},
        {"size": {"missing": 0.0, "quantiles": [1.0, 2.0], "below": [0.5]}},
        {"size": {"missing": 0.0, "quantiles": [1.0, 2.0], "below": [0.9, 0.5]}},
        {"size": {"missing": 0.0, "quantiles": [1.0, 2.0], "below": [0.5, 0.9]}},
        {"size": {"missing": 0.0, "quantiles": [0.0] * 100_000}},
        {"size": {"missing": 0.0, "rows": -1, "quantiles": [1.0]}},
        {"size": {"missing": 0.0, "values": {"a": 1.0}}},
        {"colour": {"missing": 0.0, "quantiles": [1.0, 2.0]}},
        {"colour": {"missing": 0.5, "values": {"a": 0.9}}},
        {"colour": {"missing": 0.0, "values": {"a": -1.0}}},
        {"note": {"missing": 0.0, "values": {}, "letters": {"quantiles": [3.0, 1.0]}}},
    ],
)
def test_a_sketch_that_cannot_be_is_refused_in_one_line(told: object):
    """What a bundle says of itself is as a stranger wrote it."""
    with pytest.raises(BundleError) as fault:
        sketches(told, SCHEMA)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("told", [3, {"prediction": {"missing": 0.0}}, {"probability": {"values": {}}}])
def test_answers_that_cannot_be_are_refused(told: object):
    """As columns are."""
    with pytest.raises(BundleError):
        answered(told, Schema((), "y", ("a", "b")))


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9),
    st.lists(st.floats(), max_size=9),
)
def test_whatever_numbers_a_sketch_holds_rows_are_counted(quantiles: list[float], cells: list[float]):
    """Up to the largest that there are, and cells that are infinite."""
    sketch = parsed("x", {"missing": 0.0, "quantiles": sorted(quantiles)}, numeric=True)
    counts = sketch.cells(np.array(cells))
    assert counts.sum() == len(cells)
    found = drift.compare([sketch], [counts])[0]
    assert math.isfinite(found.psi)
    assert found.words
