"""What is popular among people who are alike: learned, kept, asked for, and refused where it is garbled."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import plimsoll
from plimsoll import segments
from plimsoll.errors import JobError, RequestError
from plimsoll.rows import Coded, Histories, Past, Rows
from plimsoll.schema import Column, Kind, Schema

PEOPLE = Schema((Column("town", Kind.CATEGORY), Column("age", Kind.NUMBER)), "film")
MANY = 8


def told() -> tuple[Histories, Rows]:
    """People of two towns who go to the films of theirs, the older of them to later ones; a film for everybody."""
    cells = [Past.of([0, 1 + 3 * (who % 2) + (who >= 60)]) for who in range(120)]
    towns = Coded.of(["north" if who % 2 else "south" for who in range(120)])
    return Histories.of(cells, MANY), Rows(120, {"town": towns, "age": np.repeat([20.0, 60.0], 60)})


def test_people_who_are_alike_lift_what_they_came_to():
    """The films of a town stand above those of the other, and age tells films of one town apart."""
    found = segments.fit(*told(), PEOPLE)
    north, south = (found.lift([town, float("nan")], MANY) for town in ("north", "south"))
    assert min(north[4], north[5]) > 0.2 > max(north[1], north[2])
    assert min(south[1], south[2]) > 0.2 > max(south[4], south[5])
    old = found.lift(["north", 70.0], MANY)
    assert old[5] > north[5] > found.lift(["north", 10.0], MANY)[5]


def test_what_is_not_known_lifts_nothing():
    """A value never seen, one that few share, and a missing number change nothing."""
    histories, users = told()
    found = segments.fit(histories, users, PEOPLE)
    assert not found.lift(["east", float("nan")], MANY).any()
    rare = Coded.of(["rare" if who < 5 else "common" for who in range(120)])
    few = segments.fit(histories, Rows(120, {"town": rare}), Schema(PEOPLE.columns[:1], "film"))
    assert few.columns[0].values == ("common",)


def test_segments_come_back_as_they_were_written_and_garbled_ones_do_not():
    """To the last bit; lifts of another shape or not finite, edges that fall and texts that overlap are refused."""
    found = segments.fit(*told(), PEOPLE)
    arrays = found.arrays()
    again = segments.of(arrays, MANY, PEOPLE)
    assert np.array_equal(again.lift(["north", 70.0], MANY), found.lift(["north", 70.0], MANY))
    for name, array in (
        ("segment0.lifts", arrays["segment0.lifts"][:1]),
        ("segment0.lifts", np.full_like(arrays["segment0.lifts"], np.nan)),
        ("segment1.edges", np.array([3.0, 1.0])),
        ("segment0.ends", arrays["segment0.ends"] + 1),
    ):
        with pytest.raises(Exception, match=r"."):
            segments.of({**arrays, name: array}, MANY, PEOPLE)
    with pytest.raises(KeyError):
        segments.of({}, MANY, PEOPLE)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> plimsoll.Run:
    """People of two towns, who go to films of their town; a table says where each of them lives."""
    folder = tmp_path_factory.mktemp("towns")
    random = np.random.default_rng(3)
    rows = [
        {"who": who, "film": int(random.integers(20)) + 20 * (who % 2), "when": int(random.integers(1_000))}
        for who in range(160)
        for _ in range(6)
    ]
    pl.DataFrame({"who": range(200), "town": ["north" if who % 2 else "south" for who in range(200)]}).write_csv(
        folder / "people.csv"
    )
    return plimsoll.fit(
        pl.DataFrame(rows),
        predict="film",
        lists={"to": "who", "time": "when", "users": str(folder / "people.csv")},
        split="last",
        recipes=["transitions"],
        limits="train < 20 s",
        out=folder / "run",
    )


def _towns(said: dict[str, object]) -> set[bool]:
    return {item["id"] >= 20 for item in said["items"]}  # type: ignore[attr-defined,index]


def test_somebody_new_is_told_what_people_like_them_came_to(run: plimsoll.Run):
    """Of whom nothing is known but the town is shown the films of that town; a request may say so, or the table did."""
    loaded = plimsoll.load(run.bundle)
    assert _towns(loaded.predict({"who": None, "town": "north"})) == {True}
    assert _towns(loaded.predict({"who": None, "town": "south"})) == {False}
    assert len(_towns(loaded.predict({"who": None}))) == 2
    assert loaded.predict({"who": 161}) == loaded.predict({"who": None, "town": "north"}) | {"known": False}
    assert _towns(loaded.predict({"who": 161, "town": "south"})) == {False}


def test_what_a_request_says_of_people_is_checked(run: plimsoll.Run):
    """A column that is not there, and a cell of another kind, are told by their place."""
    answerer = plimsoll.load(run.bundle).answerer
    with pytest.raises(RequestError, match=r"twon.*Did you mean"):
        answerer.answer(b'{"who": 1, "twon": "north"}')
    with pytest.raises(RequestError, match=r"\$\.town"):
        answerer.answer(json.dumps({"who": 1, "town": ["north"]}).encode())


def test_a_column_of_users_that_is_a_word_of_requests_is_told(tmp_path: Path):
    """``k`` is how many items are wanted; a column cannot be called so."""
    pl.DataFrame({"who": [1, 2], "k": [3.0, 4.0]}).write_csv(tmp_path / "people.csv")
    rows = pl.DataFrame({"who": [1, 1, 2, 2], "film": [1, 2, 1, 3]})
    with pytest.raises(JobError, match='"k", which is a word of requests'):
        plimsoll.fit(
            rows,
            predict="film",
            lists={"to": "who", "users": str(tmp_path / "people.csv")},
            split="last",
            out=tmp_path / "r",
        )
