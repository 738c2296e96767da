"""A job says the same in a file and in flags, and a mistake in either is answered with what to write."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from plimsoll import statement
from plimsoll.errors import JobError
from plimsoll.flags import parser


def _words(tmp_path: Path, toml: str, *flags: str) -> dict[str, Any]:
    job = tmp_path / "job.toml"
    job.write_text(toml, encoding="utf-8")
    return statement.words(vars(parser().parse_args(["fit", "--job", str(job), *flags])))


def test_a_job_file_says_what_flags_say_and_flags_win(tmp_path: Path):
    """The words are the same in both."""
    toml = (
        'data = "a.csv"\npredict = "y"\nlimit = "p99 < 2 ms"\nignore = "id,name"\nseed = 3\n[kinds]\nzip = "category"\n'
    )
    words = _words(tmp_path, toml, "--seed", "4", "--limit", "train < 5 s", "--limit", "p99 < 1 ms")
    assert words == {
        "data": "a.csv",
        "predict": "y",
        "limits": ["train < 5 s", "p99 < 1 ms"],
        "ignore": ["id", "name"],
        "seed": 4,
        "kinds": {"zip": "category"},
    }


def test_every_flag_of_a_job_can_stand_in_its_file(tmp_path: Path):
    """The examples that a mistake is answered with are understood, and every word has a flag."""
    flags = set(vars(parser().parse_args(["fit"])))
    row, moments, lists, search = {"predict"}, {"decode", "moments"}, {"recommend", "lists"}, {"search", "documents"}
    ways = (row, moments, lists, search)  # a row's answer, a moment's, a list of items, and documents
    for way in ways:
        other = set[str]().union(*(each for each in ways if each is not way), {"data"} if way is search else ())
        named = {name: text for name, text in statement.EXAMPLES.items() if name not in other}
        words = _words(tmp_path, "\n".join(named.values()))
        called = {"decode": "predict", "recommend": "predict", "search": "data"}
        settled = {called.get(name, name) for name in named} | ({"predict"} if way is search else set())
        assert set(words) == settled
    assert set(statement.EXAMPLES) - {"moments", "signals", "lists", "documents"} <= flags
    assert set(statement.PARTS) <= flags


def test_a_row_and_a_moment_are_two_jobs(tmp_path: Path):
    with pytest.raises(JobError, match="two jobs"):
        _words(tmp_path, 'data = "a.csv"\npredict = "y"\ndecode = "z"')
    with pytest.raises(JobError, match="stride speak of moments"):
        _words(tmp_path, 'data = "a.csv"\npredict = "y"\nmoments = {stride = "50 ms"}')


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('predicct = "y"', 'Did you mean "predict"?'),
        ("predict = 3", 'Write it as in predict = "label"'),
        ('seed = "x"', "Write it as in seed = 0"),
        ("seed = true", "Write it as in seed = 0"),
        ("ignore = [1]", "Write it as in ignore ="),
        ('kinds = "zip=category"', "Write it as in kinds ="),
        ("kinds = {zip = 3}", "Write it as in kinds ="),
        ("limit = 3", "Write it as in limits ="),
        ("predict = ", "is not TOML"),
    ],
)
def test_a_mistake_in_a_job_file_is_named(tmp_path: Path, toml: str, said: str):
    """A misspelt word is not passed over, and a value of another type is answered with one that is right."""
    with pytest.raises(JobError) as fault:
        _words(tmp_path, toml)
    assert said in str(fault.value)
    assert "job.toml" in str(fault.value)


def test_a_job_file_from_an_editor_with_a_byte_order_mark_is_read(tmp_path: Path):
    """Some editors put one in front."""
    assert _words(tmp_path, '\ufeffdata = "a.csv"\npredict = "y"\n')["predict"] == "y"


def test_a_job_file_that_is_not_there_is_named(tmp_path: Path):
    """The flag and the path stand in the answer."""
    with pytest.raises(JobError, match=r"--job .*nowhere\.toml cannot be read: No such file"):
        statement.read(tmp_path / "nowhere.toml")


def test_a_run_without_a_name_is_named_for_its_data():
    """The place is under runs/, and plain whatever the file is called."""
    place = statement.place({"data": "some where/my boats.v2.csv"}, resume=False)
    assert place.parent == Path("runs")
    assert place.name.startswith("my-boats-2")


def test_a_folder_that_cannot_be_made_is_refused_before_the_rows_are_read(tmp_path: Path):
    """A file in the way is named."""
    (tmp_path / "boats.csv").touch()
    for out in ("boats.csv", "boats.csv/run", "boats.csv/deep/run"):
        with pytest.raises(JobError, match=r"boats\.csv"):
            statement.place({"out": str(tmp_path / out)}, resume=False)
    assert statement.place({"out": str(tmp_path / "deep" / "run")}, resume=False) == tmp_path / "deep" / "run"


def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The folder that stands in the way is named, though the run would lie deeper."""
    asked = []
    monkeypatch.setattr(os, "access", lambda place, _: asked.append(place))
    with pytest.raises(JobError, match="may not be written to"):
        statement.place({"out": str(tmp_path / "deep" / "run")}, resume=False)
    assert asked == [tmp_path]


def test_resuming_needs_a_run(tmp_path: Path):
    """There is nothing to go on with in an empty folder, and a run is not begun over another."""
    with pytest.raises(JobError, match="holds no run"):
        statement.place({"out": str(tmp_path)}, resume=True)
    (tmp_path / "ledger.jsonl").touch()
    assert statement.place({"out": str(tmp_path)}, resume=True) == tmp_path
    with pytest.raises(JobError, match="--resume"):
        statement.place({"out": str(tmp_path)}, resume=False)
