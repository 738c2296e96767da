"""A job whose answers are lists, as it sees its data: nothing of the test is learned from, and every part is of the same users."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from plimsoll import audience
from plimsoll.asked import ask, stated
from plimsoll.audience import Audience, digest, of
from plimsoll.errors import DataError, JobError, LimitError
from plimsoll.job import Job
from plimsoll.testing.crowds import Crowd


def events(**crowd: Any) -> pl.DataFrame:
    who, what, when = Crowd(**{"users": 80, "items": 30, "events": 1_500, "seed": 3, **crowd}).drawn()
    return pl.DataFrame({"who": who, "what": what, "when": when, "much": (what % 3) + 1.0})


TABLE = events()


def job(
    split: str = "time", predict: str = "what", kinds: Any = None, ignore: Any = (), limits: Any = (), **lists: Any
) -> Job:
    return stated(
        predict, split=split, kinds=kinds, ignore=ignore, limits=limits, lists={"to": "who", "time": "when", **lists}
    )


def seen(job: Job, table: Any = TABLE) -> Audience:
    return of(job, table)


def _told(found: Audience, rows: Any) -> set[tuple[str, str]]:
    """Users and items of these rows of histories, of all users by number."""
    told = rows.columns["who"]
    return {(str(row), item) for row in range(len(told)) for item in found.collection.ids.names(told.cell(row))}


@pytest.mark.parametrize("split", ["time", "last", "random"])
def test_what_is_judged_comes_after_all_that_is_learned_from(split: str):
    """In the choice and in the test: each user's history is what was before, and what is true was not in it."""
    found = seen(job(split))
    for part, taught in zip((found.choose, found.test), found.taught, strict=True):
        told, target, users = part.rows.histories("who"), part.truth.target["item"], part.truth.users
        assert users is not None
        assert len(told) == len(target) == len(users) > 20
        for row in range(len(told)):
            assert not set(told.cell(row).tolist()) & set(target[row].tolist())
        held = taught.histories("who")
        assert int(told.lengths.sum()) <= int(held.lengths.sum())
        assert (held.lengths > 0).all()
        assert part.truth.shelf is not None
        assert int(part.truth.shelf.counts.sum()) == int(held.lengths.sum())
        assert part.truth.shelf.users == len(held)
    many = [int(taught.histories("who").lengths.sum()) for taught in found.taught]
    assert many[0] < many[1] < len(found.events), (
        "the choice learns from less than the test, and that from less than all"
    )


def test_a_cut_in_time_is_at_one_moment_for_all():
    """Nobody's history reaches past the first event that is asked about, in the choice neither."""
    found = seen(job("time"))
    ends = []
    for taught, part in zip(found.taught, (found.choose, found.test), strict=True):
        held = taught.histories("who")
        _, places = held.events()
        told = part.rows.histories("who")
        after = told.times[told.ends]  # the first that is not told of
        assert held.times[places].max() < after.min()
        ends.append(int(held.times[places].max()))
    assert ends[0] < ends[1]


def test_what_a_bundle_keeps_is_what_was_known_before_the_test():
    """Of every user by id, and nothing that the test asks about."""
    found = seen(job("last"))
    told = found.test.rows.histories("who")
    assert found.test.truth.users is not None
    for row, user in enumerate(found.test.truth.users.tolist()[:40]):
        past = found.known.past(found.known.users.value(user))
        assert past is not None
        assert past.items.tolist() == told.cell(row).tolist()
    due = TABLE.unique(["who", "what", "when"]).sort("who", "when", "what")
    for who in (0, 5, 70):
        own = due.filter(pl.col("who") == who)["what"].to_list()
        kept = found.known.past(who)
        assert kept is not None
        assert found.collection.ids.names(kept.items) == [str(item) for item in (own[:-1] if len(own) > 1 else own)]


def test_an_audit_parts_the_same_events_in_another_way():
    """By each user's last where the split is by time, and else by time; never with what the test asks about."""
    for split, other in (("time", "last"), ("last", "time"), ("random", "time")):
        found = seen(job(split)).other
        assert found is not None
        assert found.split == other
        known = int(seen(job(split)).taught[1].histories("who").lengths.sum())
        assert int(found.taught.histories("who").lengths.sum()) < known
    lone = pl.DataFrame({"who": list(range(60)), "what": [k % 7 for k in range(60)], "when": range(60)})
    assert seen(job("time"), lone).other is None, "nobody has two events, so there is no last"


def test_an_audit_is_left_out_of_many_events(monkeypatch: pytest.MonkeyPatch):
    """It costs as much memory again."""
    monkeypatch.setattr(audience, "MOST_AUDITED", len(TABLE) - 200)
    assert seen(job()).other is None


def test_items_that_nobody_had_are_in_the_collection_with_what_is_known_of_them(tmp_path: Path):
    """And those of events without a row of their own have cells that are missing; ids meet in whatever type."""
    items = pl.DataFrame({"what": [f"{k}.0" for k in range(1, 40)], "price": [float(k) for k in range(1, 40)]})
    items.write_csv(tmp_path / "items.csv")
    found = seen(job(items=str(tmp_path / "items.csv")))
    prices = found.collection.rows.numbers("price")
    assert len(found.collection) == 40
    assert prices[found.collection.find(39)] == 39
    assert np.isnan(prices[found.collection.find(0)])
    assert found.schema.lists == found.known.many == 40
    assert found.choose.truth.shelf is not None
    assert found.choose.truth.shelf.counts[found.collection.find(39)] == 0


def test_users_that_are_new_and_ties_at_the_cut_are_said():
    """Each in a line of warning, with how many of how many."""
    cold = pl.concat(
        [
            TABLE,
            pl.DataFrame({"who": range(900, 920), "what": [1] * 20, "when": [2_000_000_000] * 20, "much": [1.0] * 20}),
        ]
    )
    said = " ".join(seen(job(), cold).warnings)
    assert "have no event before it" in said
    told = seen(job(), cold).counted[1]
    assert (told.cold, f"{told.cold:,} of {told.rows:,}" in said) == (20, True)
    tied = TABLE.with_columns(when=(pl.col("when") // 10_000_000))
    assert "did several things at the moment of the split" in " ".join(seen(job("last"), tied).warnings)
    calm = pl.DataFrame({"who": [1] * 20, "what": range(20), "when": range(20)})
    assert not seen(job("last"), calm).warnings


def test_a_run_goes_on_only_with_the_same_events_and_the_same_job():
    """Another weight, another time, another item's row or another job is another digest; the order of rows is not."""
    plain = job(weight="much")
    due = digest(plain, seen(plain))
    assert digest(plain, seen(plain, TABLE.reverse())) == due
    changed = [
        TABLE.with_columns(much=pl.when(pl.int_range(pl.len()) == 5).then(9.0).otherwise(pl.col("much"))),
        TABLE.with_columns(when=pl.when(pl.int_range(pl.len()) == 5).then(1).otherwise(pl.col("when"))),
        TABLE.with_columns(what=pl.when(pl.int_range(pl.len()) == 5).then(29).otherwise((pl.col("what") + 1) % 30)),
        TABLE.with_columns(who=pl.col("who") + 1),
    ]
    assert all(digest(plain, seen(plain, other)) != due for other in changed)
    assert digest(job(weight="much", again=True), seen(job(weight="much", again=True))) != due


@pytest.mark.parametrize(
    ("words", "fault", "said"),
    [
        ({"to": "whom"}, JobError, '--to "whom" is not a column. Did you mean "who"'),
        ({"predict": "wat"}, JobError, '--recommend "wat" is not a column'),
        ({"time": "then"}, JobError, '--time "then" is not a column'),
        ({"weight": "mch"}, JobError, '--weight "mch" is not a column. Did you mean "much"'),
        ({"to": ""}, JobError, "Write --to COL"),
        ({"to": "what"}, JobError, '"what" cannot be both --recommend and --to'),
        ({"time": "who"}, JobError, '"who" cannot be both --to and --time'),
        ({"weight": "when"}, JobError, '"when" cannot be both --time and --weight'),
        ({"split": "column:much", "weight": "much"}, JobError, '"much" cannot be both --weight and --split'),
        ({"split": "column:much"}, DataError, "is none of train, valid and test"),
        ({"split": "group:who"}, JobError, "parts no events"),
        ({"split": "session"}, JobError, "parts no events"),
        ({"split": "time:much"}, JobError, 'names another column than --time "when"'),
        ({"kinds": {"much": "number"}}, JobError, '--kind "much" is not a column of what is known of items'),
        ({"ignore": ["much"]}, JobError, '--ignore "much" is not a column of what is known of items'),
        ({"kinds": {"much": "history"}}, JobError, "is told by --recommend or --search"),
        ({"limits": "accuracy > 0.1"}, JobError, "There are: ndcg@10, recall@10"),
        ({"limits": "ndcg@10[much=1] > 0.1"}, JobError, "names a slice"),
        ({"limits": "ndcg@7 > 0.1"}, LimitError, "ndcg is there at 1, 2, 3, 5, 10, 20, 50 and 100"),
        ({"again": "yes"}, JobError, "again is 'yes', and is to be true or false"),
        ({"items": TABLE}, JobError, "items is a DataFrame, and is to be a text"),
        ({"agin": True}, JobError, 'Did you mean "again"'),
    ],
)
def test_a_job_that_cannot_be_is_told_in_a_line(words: dict[str, Any], fault: type[Exception], said: str):
    """Before any trial, and of the word that was wrong."""
    with pytest.raises(fault) as told:
        ask(job(**words), TABLE, None)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"metric": "accuracy"}, "not of these answers. Write one such as ndcg@10"),
        ({"metric": "ndcg@7"}, "ndcg is there at 1, 2, 3, 5"),
        ({"metric": "coverage@10"}, "cannot choose"),
        ({"metric": "ndcg@10", "lists": None}, "Write --recommend or --search for lists"),
        ({"signals": {"rate": "200 Hz"}}, "rate speak of signals"),
        ({"moments": {"window": "1 s"}}, "window speak of signals"),
    ],
)
def test_words_of_other_jobs_are_refused(words: dict[str, Any], said: str):
    """What rows have, lists have not, and the other way round."""
    with pytest.raises(JobError) as told:
        stated(**{"predict": "what", "lists": {"to": "who"}, **words})
    assert said in str(told.value)


def test_a_test_of_other_rows_is_refused():
    """It would be of other users."""
    with pytest.raises(JobError, match="--test with --recommend"):
        ask(job(), TABLE, TABLE)


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (pl.DataFrame({"what": [1, 2, 1]}), '"1" is the "what" of several rows'),
        (pl.DataFrame({"what": ["1", "2", "1.0"]}), '"1" is the "what" of several rows'),
        (pl.DataFrame({"what": [1, None], "x": [1, 2]}), '1 rows of the items have no "what"'),
        (pl.DataFrame({"wat": [1]}), 'The items have no column "what"'),
        (pl.DataFrame({"what": [], "x": []}), "The table of items has no rows"),
    ],
)
def test_a_table_of_items_that_cannot_be_is_told_in_a_line(items: pl.DataFrame, said: str, tmp_path: Path):
    """Twice the same item in two spellings is twice the same."""
    items.write_csv(tmp_path / "items.csv")
    with pytest.raises((DataError, JobError)) as told:
        seen(job(items=str(tmp_path / "items.csv")))
    assert said in str(told.value)


def test_odd_tables_are_read_or_refused_in_a_line():
    """One moment for all, one event a user, one user, one item, no event: nothing is lost, and nothing is guessed."""
    same = TABLE.with_columns(when=pl.lit(5))
    with pytest.raises(DataError, match="All events have the same time"):
        seen(job(), same)
    assert len(seen(job("last"), same).test) > 20
    single = TABLE.unique("who", keep="first")
    with pytest.raises(DataError, match="No user has two events"):
        seen(job("last"), single)
    assert seen(job(), single).counted[1].lone == 80
    assert len(seen(job(), pl.DataFrame({"who": [1] * 20, "what": range(20), "when": range(20)})).test) == 1
    with pytest.raises(DataError, match="only items that their users had come to before"):
        seen(job(), TABLE.with_columns(what=pl.lit(1), who=pl.col("who") % 5))
    with pytest.raises(DataError, match='No row has a "who"'):
        seen(job(), TABLE.head(0))
    with pytest.raises(DataError, match="Row 1: "):
        seen(job(weight="much"), TABLE.with_columns(much=pl.lit(-1.0)))
    busy = pl.DataFrame(
        {"who": 999, "what": np.arange(100_000) % 30, "when": 1_600_000_000 + np.arange(100_000) * 300, "much": 1.0}
    )
    found = seen(job("last"), pl.concat([TABLE, busy.cast(TABLE.schema)]))
    kept = found.known.past(999)
    assert kept is not None
    assert len(kept.items) == 1_000
    assert found.taught[1].histories("who").lengths.max() == 99_999
