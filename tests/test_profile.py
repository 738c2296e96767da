"""The profile of rows: shapes, and how much the columns tell, before anything is fitted."""

from __future__ import annotations

import numpy as np
import pytest

from plimsoll import profile
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema

COUNT = 2_000
RANDOM = np.random.default_rng(0)
TARGET = RANDOM.integers(0, 2, COUNT)
COLUMNS = {
    "noise": RANDOM.normal(size=COUNT),
    "told": TARGET + 0.1 * RANDOM.normal(size=COUNT),
    "port": Coded.of([("Hull", "Leith", None)[k % 3] for k in range(COUNT - 1)] + ["Oban"]),
    "note": Coded.of(["four", "three"] * (COUNT // 2)),
}
KINDS = {"noise": Kind.NUMBER, "told": Kind.NUMBER, "port": Kind.CATEGORY, "note": Kind.TEXT}


def of(names: list[str], target: np.ndarray = TARGET, classes: tuple[str, ...] = ("no", "yes")) -> profile.Profile:
    schema = Schema(tuple(Column(name, KINDS[name]) for name in names), "y", classes)
    return profile.of(Rows(COUNT, {name: COLUMNS[name] for name in names}), target, schema)


def test_shapes_are_counted():
    """Columns by kind, values that occur twice, characters, and missing cells."""
    found = of(list(COLUMNS))
    assert (found.rows, found.numbers, found.categories, found.texts) == (COUNT, 2, 1, 1)
    assert (found.levels, found.spelled) == (2, len("Hull" + "Leith"))
    assert (found.letters, found.outputs) == (4.5, 1)
    assert found.missing == pytest.approx((COUNT - 1) // 3 / COUNT / 4, abs=1e-3)


def test_signal_is_what_one_column_explains():
    """Noise explains nothing beyond chance, a column that tells nearly all; for a number as for classes."""
    assert of(["noise"]).signal < 0.01
    assert of(["told"]).signal > 0.9
    assert of(["told"], COLUMNS["told"] * 3.0, ()).signal > 0.9
    assert of(["noise", "told"]).signals == pytest.approx(of(["noise"]).signals + of(["told"]).signals)


def test_a_column_without_a_value_and_a_target_without_variance_are_no_fault():
    """Nothing is explained where there is nothing to explain."""
    schema = Schema((Column("x", Kind.NUMBER),), "y", ())
    blank = Rows(COUNT, {"x": np.full(COUNT, np.nan)})
    assert profile.of(blank, TARGET.astype(float), schema).signal == pytest.approx(0.0, abs=1e-9)
    assert profile.of(Rows(COUNT, {"x": COLUMNS["noise"]}), np.ones(COUNT), schema).signal == 0.0


def test_no_rows_have_a_profile_too():
    """Of length nothing."""
    schema = Schema((Column("x", Kind.NUMBER), Column("c", Kind.CATEGORY)), "y", ("no", "yes"))
    empty = Rows(0, {"x": np.zeros(0), "c": Coded.of([])})
    assert profile.of(empty, np.zeros(0, dtype=np.int64), schema).rows == 0
