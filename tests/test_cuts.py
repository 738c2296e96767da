"""Where the events of users are parted, and what is then true of whom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import cuts, gathering, truths
from plimsoll.cuts import Cut, for_choice, for_test
from plimsoll.errors import DataError, JobError
from plimsoll.interactions import Columns, Interactions, read
from plimsoll.job import Split
from plimsoll.ranking import best, found
from plimsoll.relevance import each, mean

SHARED = Path(__file__).parents[2] / "shared" / "data" / "movielens_small"
COLUMN = Split("column", ("part",))
WAYS = [Split("time", ("when",)), Split("last"), Split("random"), COLUMN]


def crowd(rows: list[tuple[int, int, int, str]]) -> Interactions:
    frame = pl.DataFrame(rows, schema=["who", "what", "when", "part"], orient="row")
    return read(frame, Columns("who", "what", "when", part="part"))


def true(cut: Cut) -> list[list[int]]:
    return [row[row >= 0].tolist() for row in cut.truth["item"]]


def had(cut: Cut) -> list[list[int]]:
    return [cut.rows.cell(row).tolist() for row in range(len(cut.rows))]


def drawn(seed: int, many: int = 300) -> Interactions:
    random = np.random.default_rng(seed)
    part = random.choice(["train", "valid", "test"], many, p=[0.6, 0.2, 0.2])
    cells = random.integers(0, (12, 30, 40), (many, 3)).tolist()
    return crowd([(*row, str(word)) for row, word in zip(cells, part, strict=True)])


@pytest.mark.parametrize("split", WAYS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_no_event_is_learned_from_and_asked_about(split: Split, seed: int):
    """Every event is in one part: known to the choice, its truth, or the test's truth; none is made up or lost but repeats."""
    held = drawn(seed)
    test = for_test(held, split, seed=seed)
    inner = for_choice(test, split, seed=seed)
    of = {
        name: set(zip(*_pairs(rows), strict=True))
        for name, rows in (("all", held.histories), ("known", test.known), ("inner", inner.known))
    }
    for outer, cut, known in (("all", test, "known"), ("known", inner, "inner")):
        asked = {(int(user), item) for user, row in zip(cut.users, true(cut), strict=True) for item in row}
        assert of[known] <= of[outer]
        assert not asked & of[known], "an item that its user had come to before"
        assert asked == of[outer] - of[known]
        assert cut.counted.truths == len(asked)
        assert [set(row) for row in had(cut)] == [{i for u, i in of[known] if u == user} for user in cut.users.tolist()]
        assert cut.counted.unknown == len({i for _, i in asked} - {i for _, i in of[known]})
        assert cut.counted.cold == sum(not row for row in had(cut)) == int(cut.cold.sum())
        assert len(cut.learn) == len({u for u, _ in of[known]})


def _pairs(rows: object) -> tuple[list[int], list[int]]:
    row, place = rows.events()  # type: ignore[attr-defined]
    return row.tolist(), rows.items[place].tolist()  # type: ignore[attr-defined]


def test_time_holds_out_the_newest_of_all_and_keeps_equal_times_together():
    """Users whose first event comes after the cut are cold; one time is never on both sides."""
    held = crowd([(1, 1, 1, "train"), (1, 2, 5, "train"), (2, 3, 5, "train"), (2, 4, 5, "train"), (1, 5, 2, "train")])
    test = for_test(held, Split("time"), share=0.2)
    assert had(test) == [[0, 4], []]
    assert true(test) == [[1], [2, 3]]
    assert (test.counted.rows, test.counted.cold, test.counted.unknown, test.counted.items) == (2, 1, 3, 3)


def test_last_asks_for_the_last_of_each_user_who_has_two_and_counts_ties():
    """Of equal times the item settles it; one event alone is learned from."""
    held = crowd([(1, 9, 5, "train"), (1, 2, 5, "train"), (2, 3, 1, "train"), (2, 2, 8, "train"), (3, 2, 1, "train")])
    test = for_test(held, Split("last"))
    assert held.items.names(test.truth["item"][:, 0]) == ["9", "2"]
    assert (test.counted.ties, test.counted.lone, test.counted.unknown) == (1, 1, 1)
    assert test.known.lengths.tolist() == [1, 1, 1]
    with pytest.raises(DataError, match="No user has two events"):
        for_choice(test, Split("last"))


def test_histories_are_in_the_order_of_time_whatever_a_column_holds_out():
    """What is held out stands behind the rest of a user, and neither part is shuffled."""
    held = crowd([(1, 1, 1, "test"), (1, 2, 2, "train"), (1, 3, 3, "valid"), (1, 4, 4, "test"), (1, 5, 5, "train")])
    test = for_test(held, COLUMN)
    assert (had(test), true(test)) == ([[1, 2, 4]], [[0, 3]])
    assert test.rows.times[test.rows.starts[0] : test.rows.ends[0]].tolist() == [2, 3, 5]
    inner = for_choice(test, COLUMN)
    assert (had(inner), true(inner)) == ([[1, 4]], [[2]])
    assert held.histories.items.tolist() == [0, 1, 2, 3, 4], "the arrays that were given are left as they were"


def test_what_came_next_is_true_in_the_order_in_which_it_came():
    """The first of the next comes first, whatever its number, and an item that comes twice is where it came first."""
    held = crowd([(1, 0, 0, "train"), *((1, item, 9 + k, "test") for k, item in enumerate([7, 3, 7, 5, 1]))])
    assert held.items.names(for_test(held, COLUMN).truth["item"][0]) == ["7", "3", "5", "1"]


@pytest.mark.parametrize("split", WAYS[:2], ids=str)
def test_a_cut_that_needs_no_other_order_copies_no_event(split: Split):
    """A hundred million events are held once, whatever they are cut for."""
    held = drawn(1)
    test = for_test(held, split)
    inner = for_choice(test, split)
    for rows in (test.known, test.rows, inner.known, inner.rows):
        assert rows.items is held.histories.items
        assert rows.times is held.histories.times


def test_without_valid_events_the_newest_of_those_to_learn_from_are():
    """A column that says only train and test leaves the choice to time."""
    held = crowd([(1, item, item, "test" if item > 8 else "train") for item in range(10)])
    inner = for_choice(for_test(held, COLUMN), COLUMN, share=0.25)
    assert true(inner) == [[7, 8]]


def test_an_item_that_comes_again_is_true_only_where_it_may():
    """A list leaves out what was seen, so a repeat could not be found; where items may come again it is asked for."""
    held = crowd(
        [
            (1, 1, 1, "train"),
            (1, 1, 2, "test"),
            (1, 2, 3, "test"),
            (1, 2, 4, "test"),
            (2, 1, 1, "train"),
            (2, 1, 2, "test"),
        ]
    )
    test = for_test(held, COLUMN)
    assert (true(test), test.counted.repeats, test.counted.idle) == ([[1]], 2, 1)
    assert true(for_test(held, COLUMN, again=True)) == [[0, 1], [0]]
    only = crowd([(1, 1, 1, "train"), (1, 1, 2, "test")])
    with pytest.raises(DataError, match="come to before"):
        for_test(only, COLUMN)


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 12))
def test_bounds_keep_the_next_items_and_draw_users_by_chance(seed: int, most: int, rows: int):
    """Of a row the first so many items stay, of rows so many; the counts say what is not there."""
    held = drawn(seed)
    out = held.parts == 2
    whole = cuts.cut(held.histories, out, held.parts, again=True)
    some = cuts.cut(held.histories, out, held.parts, seed, again=True, most_rows=rows, most_true=most)
    due = {int(user): row for user, row in zip(whole.users, true(whole), strict=True)}
    assert [due[int(user)][:most] for user in some.users] == true(some)
    assert some.counted.shortened == sum(len(due[int(user)]) > most for user in some.users)
    assert some.counted.rows == min(rows, whole.counted.rows)
    assert some.counted.undrawn == max(0, whole.counted.rows - rows)


def test_truths_are_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch):
    """How many events are looked at once changes nothing."""
    whole = for_test(drawn(7), Split("time"))
    monkeypatch.setattr(truths, "_PARTED", 1)
    assert np.array_equal(for_test(drawn(7), Split("time")).truth, whole.truth)


def test_what_cannot_be_parted_is_told_in_a_line():
    """Equal times, a column that marks nothing, a split of another kind of job."""
    same = crowd([(1, item, 7, "train") for item in range(5)])
    with pytest.raises(DataError, match="the same time"):
        for_test(same, Split("time"))
    with pytest.raises(DataError, match='No row of "part" says test'):
        for_test(same, COLUMN)
    with pytest.raises(DataError, match="or none says train"):
        for_test(crowd([(1, 1, 7, "test")]), COLUMN)
    with pytest.raises(JobError, match='--split "group:who" parts no events'):
        for_test(same, Split("group", ("who",)))
    assert for_test(same, Split("last")).counted.ties == 1


def _popular(cut: Cut) -> tuple[float, float]:
    """HR@10 and nDCG@10 of the items with the most events, over the whole collection."""
    _, places = cut.known.events()
    counts = np.bincount(cut.known.items[places], minlength=cut.known.many)
    held = found(best(np.broadcast_to(counts, (len(cut.rows), len(counts))), cut.rows), cut.truth)
    return mean(each("hit_rate@10", held)), mean(each("ndcg@10", held))


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/movielens_small")
def test_movielens_comes_to_the_counts_and_the_floor_that_are_known_of_it():
    """Its splits, its cold users, its unknown films, and what the most popular films score."""
    listed = gathering.listed(SHARED / "items.csv.gz", "item_id")

    def part(name: str) -> Interactions:
        return read(SHARED / "interactions.csv.gz", Columns("user_id", "item_id", "timestamp", "rating", name), listed)

    held = part("split_last")
    assert (len(held), len(held.users), len(held.items), held.told.copies) == (100_836, 610, 9_742, 0)
    test = for_test(held, Split("column", ("split_last",)))
    inner = for_choice(test, Split("column", ("split_last",)))
    last = for_test(held, Split("last"))
    assert np.array_equal(
        last.truth, test.truth
    )  # ties are settled by the number of the film, as the data's makers did
    assert np.array_equal(for_choice(last, Split("last")).truth, inner.truth)
    assert (test.counted.rows, test.counted.items, test.counted.unknown, test.counted.ties) == (610, 514, 23, 94)
    films = np.unique(test.truth["item"])
    _, places = inner.known.events()
    assert len(set(films.tolist()) - set(inner.known.items[places].tolist())) == 24  # never in a row that says train
    # Most popular: 0.043 is what it comes to where films of one count are put in the order of their numbers.
    assert _popular(test) == (pytest.approx(0.041, abs=5e-4), pytest.approx(0.019, abs=5e-4))
    late = for_test(part("split_time"), Split("column", ("split_time",)))
    assert (late.counted.rows, late.counted.cold) == (116, 88)
    ours = for_test(held, Split("time"))
    assert (ours.counted.rows, ours.counted.cold) == (116, 88)
