"""How a comparison parts its rows: every unit tested once a seed, nothing that is tested shown to a fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from plimsoll import moments
from plimsoll.errors import DataError, JobError
from plimsoll.job import Decode, Job, Split, Task
from plimsoll.rounds import BLOCKS, Ground, Units, deal, rounds, units

ROWS = 480


def table(**more: list[object]) -> pl.DataFrame:
    random = np.random.default_rng(0)
    who = np.repeat([f"P{k}" for k in range(12)], ROWS // 12)
    x = random.normal(size=ROWS).tolist()
    return pl.DataFrame({"who": who, "x": x, "y": random.integers(0, 2, ROWS).tolist(), **more})


def ground(split: str = "random", frame: pl.DataFrame | None = None) -> Ground:
    return Ground(Job("y", split=Split.parse(split), task=Task.BINARY), table() if frame is None else frame)


def stream(people: int = 6, sessions: int = 2) -> pl.DataFrame:
    """Moments of signals as ``moments.of`` gives them: recordings of 400 frames, one moment every 10."""
    rows = []
    for k in range(people * sessions):
        for end in range(50, 401, 10):
            rows.append((f"P{k // sessions}", f"S{k % sessions}", {"begin": 400 * k, "end": 400 * k + end}, end // 100 % 2, k * 100_000 + end // 100, 50))  # fmt: skip
    return pl.DataFrame(rows, schema=["who", "day", "emg", "y", moments.BLOCK, moments.WINDOW], orient="row")


def decoding(split: str, **names: str) -> Ground:
    return Ground(Job("y", split=Split.parse(split), task=Task.BINARY, decode=Decode(**names)), stream())  # type: ignore[arg-type]


@pytest.mark.parametrize("split", ["random", "group:who"])
@pytest.mark.parametrize("folds", [2, 5, 50])
def test_every_row_is_tested_once_a_seed(split: str, folds: int):
    """The folds of a seed share out all rows; with more folds than units there are as many as units."""
    found = rounds(ground(split), (0, 1), folds)
    for seed in (0, 1):
        held = np.concatenate([each.held for each in found if each.seed == seed])
        assert sorted(held.tolist()) == list(range(ROWS))
    assert max(each.fold for each in found) + 1 == min(folds, 12 if split != "random" else BLOCKS)


@pytest.mark.parametrize("split", ["random", "group:who"])
def test_what_is_tested_is_in_no_fold_to_tune_on(split: str):
    """Neither what a setting is fitted on nor what it is scored on knows a row that is tested."""
    for each in rounds(ground(split), (3,), 4):
        assert not set(each.learn) & set(each.held)
        for learn, unseen in each.inner:
            assert set(learn) | set(unseen) <= set(each.learn)
            assert not set(learn) & set(unseen)


def test_groups_are_parted_neither_outside_nor_inside():
    """A person who is tested is not learned from, and one whom a setting is scored on neither."""
    who = table()["who"].to_numpy()
    for each in rounds(ground("group:who"), (0, 1), 5):
        for learn, unseen in ((each.learn, each.held), *each.inner):
            assert not set(who[learn]) & set(who[unseen])


def test_seeds_change_the_folds_and_not_the_units():
    """Blocks of rows stay what they are, and meet others in a fold."""
    held = [sorted(each.held.tolist()) for each in rounds(ground(), (0, 1), 5)]
    assert held[0] not in held[5:]
    told = units(ground(), np.arange(ROWS))
    assert (told.what, len(told.names)) == ("block of rows", BLOCKS)
    for each in rounds(ground(), (0, 1, 2), 5):
        assert not set(told.of[each.held]) & set(told.of[each.learn])


def test_copies_of_a_row_are_in_one_block():
    """A row that stands twice is not learned from and tested at once."""
    frame = pl.concat([table(), table()[:100]])
    told = units(ground(frame=frame), np.arange(ROWS + 100))
    assert (told.of[:100] == told.of[ROWS:]).all()


def test_groups_are_units_where_each_has_rows_enough_and_blocks_of_groups_elsewhere():
    """Twelve people are twelve units; hundreds of visits of two rows are put together, none of them parted."""
    assert units(ground("group:who"), np.arange(ROWS)).names == tuple(f"P{k}" for k in range(12))
    visits = [k // 2 for k in range(ROWS)]
    told = units(ground("group:visit", table(visit=visits)), np.arange(ROWS))
    assert (told.what, len(told.names)) == ("block of visit", BLOCKS)
    assert (told.of[::2] == told.of[1::2]).all()


def test_a_column_may_be_named_for_the_units():
    """--unit: its values are the units, whatever the split is; one that is not there is said."""
    told = units(ground(), np.arange(ROWS), "who")
    assert (told.what, told.names[:3]) == ("who", ("P0", "P1", "P2"))
    with pytest.raises(JobError, match='Did you mean "who"'):
        units(ground(), np.arange(ROWS), "whoo")


@pytest.mark.parametrize("split", ["column:part", "time:x"])
def test_test_rows_of_the_job_are_the_only_ones(split: str):
    """One round a seed, the same rows in each; blocks of test rows are the units, later and later ones by time."""
    part = ["test" if k % 4 == 0 else "train" for k in range(ROWS)]
    stood = ground(split, table(part=part))
    first, second = rounds(stood, (0, 1), 5)
    assert first.held.tolist() == second.held.tolist()
    told = units(stood, first.held)
    assert set(told.of[first.learn]) == {-1}
    assert set(told.of[first.held]) == set(range(BLOCKS))
    if split == "time:x":
        x = stood.frame["x"].to_numpy()
        assert x[told.of == 0].max() <= x[told.of == 1].min()


def test_rows_of_a_test_file_are_tested_and_no_others():
    """They stand behind the rows to learn from, and a group of both sides would be parted: the file says so."""
    stood = replace(ground(), tested=np.arange(400, ROWS))
    (only,) = rounds(stood, (0,), 5)
    assert (only.held.tolist(), len(only.learn)) == (list(range(400, ROWS)), 400)
    assert set(units(stood, only.held).of[:400]) == {-1}


@pytest.mark.parametrize(
    ("split", "names", "what"),
    [
        ("group:who", {"person": "who", "session": "day"}, "who"),
        ("group:who,day", {"person": "who", "session": "day"}, "who"),
        ("random", {"person": "who"}, "who"),
        ("random", {"session": "day"}, "day"),
        ("random", {}, "block of stretches"),
    ],
)
def test_the_units_of_a_decoder_are_people_else_sessions(split: str, names: dict[str, str], what: str):
    """Who wears the sensor is what comes anew; stretches stand in for it where nothing is known."""
    assert units(decoding(split, **names), np.arange(stream().height)).what == what


def test_no_window_that_is_learned_from_reaches_into_what_is_tested():
    """Stretches of one recording lie side by side: moments at their seams are left out of what is learned from."""
    ends = np.array([cell["end"] for cell in stream()["emg"].to_list()])
    for each in rounds(decoding("random"), (0, 1), 3):
        apart = np.abs(ends[each.learn][:, None] - ends[each.held][None])
        assert apart.min() >= 50
        for learn, unseen in each.inner:
            assert np.abs(ends[learn][:, None] - ends[unseen][None]).min() >= 50


def test_one_group_cannot_be_compared_on():
    """There is nothing to set apart, and it says what to do."""
    with pytest.raises(DataError, match="--split group:COL"):
        deal(np.zeros(5, dtype=np.int64), 5, 0)


def test_names_of_units_that_are_numbers_are_in_their_order():
    """2 stands before 10, as people count."""
    frame = table().with_columns(pl.Series("n", [k // 40 for k in range(ROWS)]))
    told: Units = units(ground("group:n", frame), np.arange(ROWS))
    assert told.names == tuple(map(str, range(12)))
