"""Jobs whose answers are lists, from end to end on a small crowd: fitted, kept to their limits, gone on with, and answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import plimsoll
from plimsoll import bundle, cli
from plimsoll.errors import UserError
from plimsoll.held import MEMBER
from plimsoll.run import Run
from plimsoll.testing.crowds import Crowd

LIMITS = "train < 20 s, ndcg@10 > 0.01, coverage@10 > 0.1, p99 < 500 ms"


def table() -> pl.DataFrame:
    who, what, when = Crowd(users=60, items=30, events=1_200, tastes=3, habit=0.6, seed=4).drawn()
    return pl.DataFrame({"who": who, "what": what, "when": when, "much": (what % 3) + 1.0})


def fitted(out: Path, **words: Any) -> Run:
    lists = {"to": "who", "time": "when", **words.pop("lists", {})}
    return plimsoll.fit(table(), **{"predict": "what", "lists": lists, "limits": LIMITS, "out": out, **words})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """By time, with weights, after it was stopped once and taken up again."""
    out = tmp_path_factory.mktemp("lists") / "run"
    words: dict[str, Any] = {"recipes": ["transitions"], "lists": {"weight": "much"}, "limits": LIMITS}

    def stopped(said: str, left: float) -> None:
        if "refitting" in said:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(out, progress=stopped, **words)
    ledger = (out / "ledger.jsonl").read_text()
    with pytest.raises(UserError, match="other rows or another job"):
        fitted(out, resume=True, **{**words, "lists": {"weight": "much", "again": True}})
    found = fitted(out, resume=True, **words)
    assert (out / "ledger.jsonl").read_text().startswith(ledger), "what was tried is not tried again"
    return found


def test_what_was_planted_is_found_within_the_limits(run: Run):
    """Whose taste goes on from item to item: who knows the last one finds the next, and each limit is measured."""
    record = run.record
    assert record["test"]["metric"] == "ndcg@10"
    assert record["test"]["value"] > 0.3, "what is popular alone comes to less"
    chosen = next(trial for trial in record["trials"] if trial["id"] == record["chosen"])
    assert chosen["recipe"] == "transitions"
    assert record["measured"]["coverage@10"] > 0.1
    groups = record["evidence"]["lists"]["models"]["transitions"]["groups"]
    assert groups["all"]["rows"] == groups["warm"]["rows"] + groups["cold"]["rows"] == record["test"]["rows"]
    assert groups["all"]["figures"]["ndcg@10"][1] == pytest.approx(record["test"]["value"])


def test_the_bundle_answers_for_those_whom_it_knows(run: Run):
    """With items that there are, and none that was seen before the test."""
    model = plimsoll.load(run.bundle)
    told = model.predict({"who": 5, "k": 30})
    assert told["known"] is True
    seen = {each["id"] for each in told["items"]}
    early = table().sort("when").head(900).filter(pl.col("who") == 5)["what"].to_list()
    assert early
    assert not seen & set(early)
    assert seen <= set(range(30))


def test_a_run_that_has_ended_is_not_fitted_again(run: Run):
    """The same record comes of it."""
    again = fitted(run.folder, resume=True, recipes=["transitions"], lists={"weight": "much"})
    assert again.record == run.record


def test_each_users_last_with_nothing_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """From the command line: requests bring histories along, items may come again, and a limit that cannot be kept is named."""
    table().write_csv(tmp_path / "events.csv")
    words = [
        "fit",
        str(tmp_path / "events.csv"),
        "--recommend",
        "what",
        "--to",
        "who",
        "--time",
        "when",
        "--again",
        "--forget",
    ]
    words += ["--split", "last", "--recipes", "transitions", "--limit", "train < 12 s"]
    assert cli.main([*words, "--out", str(tmp_path / "run"), "--json", "--quiet"]) == 0
    record = json.loads(capsys.readouterr().out)
    made = bundle.read(tmp_path / "run" / "bundle")
    assert MEMBER not in made.members
    assert made.job.lists is not None
    assert made.job.lists.again
    assert record["test"]["rows"] == table().group_by("who").len().filter(pl.col("len") > 1).height
    model = plimsoll.load(tmp_path / "run")
    assert model.predict({"who": 5})["known"] is False
    listed = model.predict({"who": [4, 7], "k": 30})
    assert {4, 7} <= {each["id"] for each in listed["items"]}
    (tmp_path / "rows.csv").write_text("who\n5\n")
    assert (
        cli.main(["predict", str(tmp_path / "run"), str(tmp_path / "rows.csv"), "--out", str(tmp_path / "o.csv")]) == 2
    )
    assert "keeps nothing of users" in capsys.readouterr().err


BAD = [
    (["--recommend", "what"], "Write --to COL"),
    (["--recommend", "what", "--time", "when"], "Write --to COL"),
    (["--to", "who"], "Write --recommend ITEM"),
    (["--predict", "what", "--recommend", "what", "--to", "who"], "--predict and --recommend are two jobs"),
    (["--decode", "what", "--recommend", "what", "--to", "who"], "--decode and --recommend are two jobs"),
    (["--recommend", "what", "--to", "who", "--test", "DATA"], "--test with --recommend"),
    (["--recommend", "what", "--to", "who", "--items", "DATA"], "of several rows of the items"),
    (["--recommend", "what", "--to", "who", "--items", "none.csv"], "there is no such file"),
    (["--recommend", "what", "--to", "who", "--rate", "200Hz"], "speak of signals"),
    (["--recommend", "what", "--to", "who", "--metric", "rmse"], "not of these answers"),
    (["--recommend", "what", "--to", "who", "--kind", "much=history"], "is told by --recommend"),
    (["--predict", "much", "--metric", "ndcg@10"], "Write --recommend or --search for lists"),
    (["--predict", "much", "--kind", "what=history"], "is told by --recommend"),
    (["--predict", "much", "--split", "last"], "of what users did one after another"),
]


@pytest.mark.parametrize(("words", "said"), BAD)
def test_bad_words_end_in_one_line(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """And with the exit code 2, before a run has begun."""
    table().write_csv(tmp_path / "events.csv")
    given = [str(tmp_path / "events.csv") if word == "DATA" else word for word in words]
    assert cli.main(["fit", str(tmp_path / "events.csv"), *given, "--out", str(tmp_path / "run"), "--quiet"]) == 2
    told = capsys.readouterr().err.strip()
    assert said in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ('{to = "who", agin = true}', 'Did you mean "again"'),
        ('{to = "who", forget = "no"}', "is to be true or false"),
        ("3", "cannot be understood"),
        ('{time = "when"}', "Write --to COL"),
    ],
)
def test_a_job_file_of_lists_is_read_as_strictly(
    lists: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A word that is not there, one of another type, and none."""
    table().write_csv(tmp_path / "events.csv")
    text = f'data = "{tmp_path / "events.csv"}"\nrecommend = "what"\nlists = {lists}\n'
    (tmp_path / "job.toml").write_text(text)
    assert cli.main(["fit", "--job", str(tmp_path / "job.toml"), "--out", str(tmp_path / "run"), "--quiet"]) == 2
    assert said in capsys.readouterr().err
