"""Tables of events as arrays by user and time, whatever they are written in and however they are cut into batches."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import chronology, gathering, interactions
from plimsoll.errors import DataError, JobError
from plimsoll.interactions import Columns, Interactions, read
from plimsoll.testing.crowds import Crowd

ALL = Columns("who", "what", "when", "much")


def events(held: Interactions) -> list[tuple[Any, ...]]:
    """All events as (user, item, time, weight), in their order."""
    told = held.histories
    rows, places = told.events()
    assert places.tolist() == list(range(len(held)))
    return list(
        zip(
            held.users.names(rows),
            held.items.names(told.items),
            told.times.tolist(),
            told.weights.tolist(),
            strict=True,
        )
    )


def table(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["who", "what", "when", "much"], orient="row")


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=40
    )
)
def test_events_are_in_the_order_of_user_time_and_item_and_copies_are_one(rows: list[tuple[int, int, int, int]]):
    """Whatever order a table has, and however often a row is repeated, the same events come of it."""
    due: dict[tuple[str, int, str], int] = {}
    for who, what, when, much in rows:
        due[str(who), when, str(what)] = max(due.get((str(who), when, str(what)), 0), much)
    held = read(table(rows), ALL)
    assert events(held) == [(who, what, when, much) for (who, when, what), much in sorted(due.items())]
    assert held.told.copies == len(rows) - len(due)
    same = {(who, when) for who, when, _ in due}
    assert held.ties == len(due) - len(same)
    counts = [sum(who == other for other, _, _ in due) for who in {who for who, _, _ in due}]
    assert held.lone == counts.count(1)
    assert events(read(table(rows[::-1] + rows), ALL)) == events(held)


def _written(folder: Path, ending: str, frame: pl.DataFrame) -> Path:
    path = folder / f"events{ending}"
    if ending == ".parquet":
        frame.write_parquet(path, row_group_size=97)
    elif ending == ".jsonl":
        frame.write_ndjson(path)
    else:
        text = frame.write_csv().encode()
        path.write_bytes(gzip.compress(text) if ending.endswith(".gz") else text)
    return path


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet", ".jsonl"])
@pytest.mark.parametrize("size", [1, 50, 1_000_000])
def test_files_and_batches_of_any_kind_give_the_same_events(
    tmp_path: Path, ending: str, size: int, monkeypatch: pytest.MonkeyPatch
):
    """What is read at once, sorted at once and remembered at once changes nothing."""
    random = np.random.default_rng(0)
    rows = [tuple(row) for row in random.integers(0, (9, 20, 30, 4), (150 if size == 1 else 400, 4)).tolist()]
    due = events(read(table(rows), ALL))
    path = _written(tmp_path, ending, table(rows))
    monkeypatch.setattr(gathering, "SIZE", size)
    monkeypatch.setattr(gathering.batches, "__defaults__", (size,))
    monkeypatch.setattr(chronology, "_SORTED", size)
    monkeypatch.setattr(interactions, "_PENDING", size)
    held = read(path, ALL)
    assert events(held) == due
    assert held.told.rows == len(rows)


def test_times_are_read_in_every_spelling_and_finer_ones_keep_their_order():
    """Dates, moments with an offset, and numbers; of two within a second the earlier comes first."""
    rows = pl.DataFrame(
        {
            "who": ["a"] * 4,
            "what": ["y", "z", "x", "w"],
            "when": ["1970-01-01T00:00:01.9Z", "1970-01-01T00:00:01.2Z", "1970-01-01 01:00:00+01:00", "-5"],
        }
    )
    held = read(rows, Columns("who", "what", "when"))
    assert held.items.names(held.histories.items) == ["w", "x", "z", "y"]
    assert held.histories.times.tolist() == [-5, 0, 1, 1]
    typed = pl.DataFrame(
        {"who": [1, 1], "what": [1, 2], "when": pl.Series([86_400_000_000, 0]).cast(pl.Datetime("us"))}
    )
    assert read(typed, Columns("who", "what", "when")).histories.times.tolist() == [0, 86400]


def test_without_times_the_order_of_the_table_is_that_of_time():
    """Repeats are then events of their own, for the table says nothing else; each weighs one."""
    rows = pl.DataFrame({"who": ["b", "a", "b", "b"], "what": ["y", "x", "x", "y"]})
    held = read(rows, Columns("who", "what"))
    assert events(held) == [("a", "x", 1, 1.0), ("b", "y", 0, 1.0), ("b", "x", 2, 1.0), ("b", "y", 3, 1.0)]
    assert (held.timed, held.ties, held.told.copies) == (False, 0, 0)


def test_rows_without_an_id_or_a_time_are_left_out_and_counted():
    """They are said in the warnings; a user of such rows alone is a user without events."""
    rows = table([("a", "x", 1, 1), (None, "x", 1, 1), ("a", " ", 2, 1), ("b", "y", None, 1), ("a", "y", 3, 1)])
    held = read(rows, ALL)
    assert events(held) == [("a", "x", 1, 1.0), ("a", "y", 3, 1.0)]
    assert (held.told.without, held.told.timeless) == (2, 1)
    assert len(held.told.warnings) == 2
    assert held.histories.lengths.tolist() == [2, 0]
    late = read(table([("a", "x", 1.0, 1), ("a", "y", 1e300, 1)]), ALL)
    assert (len(late), late.told.timeless) == (1, 1)


@pytest.mark.parametrize("bad", ["-1", "nan", "much", None, "1e39", "inf"])
def test_a_weight_that_is_none_is_refused_with_its_row(bad: str | None, monkeypatch: pytest.MonkeyPatch):
    """The row is counted over the whole table, not in its batch."""
    monkeypatch.setattr(gathering.batches, "__defaults__", (2,))
    rows = table([("a", "x", 1, "1")] * 4 + [("a", "y", 1, bad)])
    with pytest.raises(DataError, match='Row 5: "much" is'):
        read(rows, ALL)
    assert read(table([("a", "x", 1, "0")]), ALL).histories.weights.tolist() == [0.0]


def test_parts_go_with_their_events():
    """What a column says of an event is found at the event's place in the order."""
    rows = pl.DataFrame(
        {"who": [2, 1, 2], "what": [5, 6, 7], "when": [9, 5, 1], "part": ["TEST", " train", "Validation"]}
    )
    held = read(rows, Columns("who", "what", "when", part="part"))
    assert held.parts is not None
    assert held.parts.tolist() == [0, 1, 2]
    with pytest.raises(DataError, match='"maybe" is none of train'):
        read(rows.with_columns(part=pl.lit("maybe")), Columns("who", "what", "when", part="part"))


def test_what_cannot_be_read_is_told_in_a_line():
    """A column that is not there, and a table without events."""
    rows = table([("a", "x", 1, 1)])
    with pytest.raises(JobError, match=r'--to "whom" is not a column\. Did you mean "who"'):
        read(rows, Columns("whom", "what"))
    with pytest.raises(JobError, match='--time "whn"'):
        read(rows, Columns("who", "what", "whn"))
    with pytest.raises(DataError, match='No row has a "who"'):
        read(table([(None, "x", 1, 1)]), ALL)
    with pytest.raises(DataError, match='No row has a "who"'):
        read(table([("a", "x", None, 1)]), ALL)
    with pytest.raises(DataError, match="No row"):
        read(rows.clear(), ALL)


def test_ids_meet_over_files_that_hold_them_as_numbers_and_as_texts():
    """1, "1" and 1.0 are one item, "01" is another; items that nobody met are numbered too."""
    listed = gathering.spelled(pl.Series([1.0, 3.0, None]))
    held = read(table([("a", "1", 1, 1), ("a", "01", 2, 1)]), ALL, beside=listed)
    assert held.items.names(range(len(held.items))) == ["01", "1", "3"]
    assert held.histories.many == 3
    assert held.items.names(held.histories.items) == ["1", "01"]


def test_a_user_of_a_hundred_thousand_events_at_one_time_is_one_history():
    """Equal times are ordered by item; nothing is lost."""
    items = np.random.default_rng(0).permutation(100_000)
    held = read(pl.DataFrame({"who": 1, "what": items, "when": 7}), Columns("who", "what", "when"))
    assert held.histories.items.tolist() == list(range(100_000))
    assert held.ties == 99_999


def test_shuffling_takes_the_order_of_each_user_and_nothing_else():
    """Everybody has what they had, at the times at which they had something; what no row holds stays where it is."""
    who, what, when = Crowd(users=30, items=40, events=900, habit=0.9).drawn()
    told = read(pl.DataFrame({"who": who, "what": what, "when": when, "much": what}), ALL).histories
    some = told.take(np.arange(0, 30, 2))
    mixed = chronology.shuffled(some, seed=3)
    for row in range(len(some)):
        assert sorted(mixed.cell(row)) == sorted(some.cell(row))
    assert np.array_equal(mixed.items, mixed.weights), "a weight goes with its event"
    assert mixed.times is told.times
    odd = np.concatenate([np.arange(told.starts[row], told.ends[row]) for row in range(1, 30, 2)])
    assert np.array_equal(mixed.items[odd], told.items[odd])
    rows, places = some.events()
    same = rows[1:] == rows[:-1]
    steps = [np.mean((items[places][1:] == items[places][:-1] + 10)[same]) for items in (some.items, mixed.items)]
    assert steps[0] > 0.7 > 0.2 > steps[1]


def test_a_crowd_is_the_same_for_its_seed_and_falls_by_a_power_law():
    """Few items are met often; many users do little; what was planted is there."""
    crowd = Crowd(users=400, items=300, events=30_000, tastes=5, habit=0.5, seed=4)
    who, what, when = crowd.drawn()
    assert all(np.array_equal(one, other) for one, other in zip(crowd.drawn(), (who, what, when), strict=True))
    assert not np.array_equal(Crowd(users=400, items=300, events=30_000, seed=5).drawn()[1], what)
    assert len(who) == 30_000
    assert set(who) == set(range(400))
    assert 0 <= what.min() <= what.max() < 300
    met, did = (np.sort(np.bincount(cells))[::-1] for cells in (what, who))
    assert met[:30].sum() > 0.3 * len(what)
    assert did[:40].sum() > 0.3 * len(who)
    assert np.mean(what % 5 == who % 5) > 0.6
    follows = (what[1:] == what[:-1] + 5) & (who[1:] == who[:-1])
    assert 0.4 < follows.mean() < 0.6
