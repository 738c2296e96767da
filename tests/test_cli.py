"""The command line: words that are understood, words that are not, and the exit codes."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import plimsoll
from plimsoll import cli, solve
from plimsoll.run import Run

COMMANDS = ["fit", "plan", "compare", "predict", "serve", "report", "recipes", "machine", "ledger", "pack", "demo"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small file with an answer in it."""
    path = tmp_path / "boats.csv"
    path.write_text(
        "length,afloat\n" + "".join(f"{row % 50},{'yes' if row % 50 > 25 else 'no'}\n" for row in range(300))
    )
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run, made once by way of the command line."""
    folder = tmp_path_factory.mktemp("cli")
    path = folder / "boats.csv"
    rows = "".join(
        f"{row % 50},{('oak', '=elm', 'fir')[row % 3]},{'yes' if row % 50 > 25 else 'no'}\n" for row in range(400)
    )
    path.write_text("length,wood,afloat\n" + rows)
    out = folder / "run"
    words = [
        "fit",
        str(path),
        "--predict",
        "afloat",
        "--limit",
        "p99 < 1 s",
        "--limit",
        "train < 12 s",
        "--recipes",
        "linear",
        "--out",
        str(out),
        "--quiet",
    ]
    assert cli.main(words) == 0
    return out


def _refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of words that must end with exit code 2: one line, on standard error alone."""
    try:
        code: Any = cli.main(words)
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    return said.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_fits_a_screen_or_two(command: str, capsys: pytest.CaptureFixture[str]):
    """Help is at most sixty lines, and comes from every command."""
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    assert 3 < capsys.readouterr().out.count("\n") <= 60


def test_no_command_shows_what_there_is(capsys: pytest.CaptureFixture[str]):
    """plimsoll alone is help."""
    assert cli.main([]) == 0
    said = capsys.readouterr().out
    assert all(command in said for command in COMMANDS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ft"], 'there is no "ft". Did you mean "fit"?'),
        (["fit", "DATA", "--predit", "afloat"], 'plimsoll fit: there is no "--predit". Did you mean "--predict"?'),
        (["fit", "DATA", "--limits=p99 < 1 s"], 'there is no "--limits". Did you mean "--limit"?'),
        (["recipes", "--jsn"], 'Did you mean "--json"?'),
        (["fit", "DATA", "more"], "unrecognized arguments: more."),
        (["fit"], "data is missing"),
        (["fit", "DATA"], "predict is missing"),
        (["fit", "DATA", "--predict", "afloatt"], 'Did you mean "afloat"?'),
        (["fit", "DATA", "--predict", "afloat", "--limit", "p98 < 1 s"], 'Did you mean "p99"?'),
        (["fit", "DATA", "--predict", "afloat", "--limit", "p99 < 1"], "is not a time"),
        (["fit", "DATA", "--predict", "afloat", "--split", "tme:x"], "is not a split"),
        (["fit", "DATA", "--predict", "afloat", "--metric", "acuracy"], 'Did you mean "accuracy"?'),
        (["fit", "DATA", "--predict", "afloat", "--kind", "length"], "Write COL=KIND"),
        (["fit", "DATA", "--predict", "afloat", "--kind", "length=nmber"], "nmber"),
        (["fit", "DATA", "--predict", "afloat", "--recipes", "liner"], 'Did you mean "linear"?'),
        (["fit", "DATA", "--predict", "afloat", "--choose", "worst"], "cheapest"),
        (["fit", "DATA", "--predict", "afloat", "--seed", "x"], "--seed"),
        (["fit", "DATA", "--predict", "afloat", "--resume"], "--out RUN"),
        (["fit", "nowhere.csv", "--predict", "afloat"], "nowhere.csv"),
        (["predict", "nowhere", "DATA", "--out", "x.csv"], "nowhere"),
        (["serve", "nowhere"], "nowhere"),
        (["report", "nowhere"], "run.json"),
        (["serve", "nowhere", "--port", "99999"], "must be 0-65535.\n"),
        (["serve", "nowhere", "--host", "0.0.0.0"], "PLIMSOLL_TOKEN"),
        (["pack", "nowhere", "--out", "x.plimsoll"], "nowhere"),
        (["pack", "nowhere", "--out", "gone/x.plimsoll"], "its folder is not there"),
        (["pack", "nowhere", "--out", "."], "it is a folder"),
    ],
)
def test_a_mistake_is_answered_in_one_line(
    words: list[str],
    said: str,
    table: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """A wrong word, column, limit or file ends with 2 and one line that says what to write."""
    monkeypatch.chdir(tmp_path)
    assert said in _refused([str(table) if word == "DATA" else word for word in words], capsys)


def test_a_run_is_never_written_over(run: Path, table: Path, capsys: pytest.CaptureFixture[str]):
    """A folder that holds a run is refused without --resume."""
    assert "--resume" in _refused(["fit", str(table), "--predict", "afloat", "--out", str(run)], capsys)


def test_a_run_holds_what_scripts_rely_on(run: Path):
    """fit leaves run.json, ledger.jsonl, report.html and the bundle."""
    assert {"run.json", "ledger.jsonl", "report.html", "bundle"} <= {path.name for path in run.iterdir()}
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert record["chosen"] in {trial["id"] for trial in record["trials"]}
    assert record["job"]["predict"] == "afloat"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [40, 72, 200])
def test_a_run_is_told_within_the_width_of_the_terminal(run: Path, width: int, monkeypatch: pytest.MonkeyPatch):
    """In colour where that is wanted, and no sentence is cut off where the terminal is narrow."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((width, 24)))
    coloured, plain = Terminal(), Terminal()
    words = ["fit", str(run.parent / "boats.csv"), "--predict", "afloat", "--out", str(run), "--resume", "--quiet"]
    for stream in (coloured, plain):
        monkeypatch.setattr(sys, "stdout", stream)
        assert cli.main(words) == 0
        monkeypatch.setenv("NO_COLOR", "1")
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured.getvalue()) == plain.getvalue() != coloured.getvalue()
    assert max(map(len, plain.getvalue().splitlines())) <= min(width, 100)
    assert "test rows" in " ".join(plain.getvalue().split())


def test_a_run_says_where_it_lies(run: Path, capsys: pytest.CaptureFixture[str]):
    """The folder may have been named by the program; scripts that read the table are not disturbed."""
    words = ["fit", str(run.parent / "boats.csv"), "--predict", "afloat", "--out", str(run), "--resume"]
    assert cli.main(words) == 0
    said = capsys.readouterr()
    assert said.err == f"The bundle is in {run / 'bundle'}, and the report in {run / 'report.html'}.\n"
    assert "Chosen: " in said.out


def test_report_is_written_again(run: Path, capsys: pytest.CaptureFixture[str]):
    """plimsoll report makes report.html from run.json alone."""
    (run / "report.html").unlink()
    assert cli.main(["report", str(run)]) == 0
    assert capsys.readouterr().out.strip() == str(run / "report.html")
    assert "<html" in (run / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "said"), [('{"trials": [', "is damaged"), ('{"a": 1}', "no trials"), ("[]", "no trials")]
)
def test_a_damaged_record_is_a_mistake_and_not_a_fault(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A run.json that was cut off or edited is named in one line."""
    (tmp_path / "run.json").write_text(text)
    assert said in _refused(["report", str(tmp_path)], capsys)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "parquet", "jsonl"])
def test_predict_writes_the_rows_with_their_answers(run: Path, tmp_path: Path, ending: str):
    """Every ending gets every row in order, the input's columns first, whatever the batch."""
    out = tmp_path / f"answers.{ending}"
    assert (
        cli.main(["predict", str(run), str(run.parent / "boats.csv"), "--out", str(out), "--batch", "150", "--quiet"])
        == 0
    )
    read = {"parquet": pl.read_parquet, "jsonl": pl.read_ndjson}.get(
        ending, lambda path: pl.read_csv(path, separator="\t" if ending == "tsv" else ",")
    )
    frame = read(out)
    assert frame.columns == ["length", "wood", "afloat", "prediction", "p_no", "p_yes"]
    assert frame.height == 400
    said = plimsoll.load(run).predict(pl.read_csv(run.parent / "boats.csv"))
    assert frame["prediction"].to_list() == said["prediction"].to_list()
    assert frame["p_yes"].to_list() == pytest.approx(said["p_yes"].to_list(), abs=1e-9)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    guarded = ending.startswith(("csv", "tsv"))
    assert set(frame["wood"].unique()) == {"oak", "'=elm" if guarded else "=elm", "fir"}


def test_predict_leaves_the_old_file_when_it_fails(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The file appears when it is whole; until then the old one stands."""
    out, rows = tmp_path / "answers.csv", tmp_path / "rows.csv"
    out.write_text("old")
    rows.write_text("other\n1\n")
    assert 'The column "length" is missing' in _refused(
        ["predict", str(run), str(rows), "--out", str(out), "--quiet"], capsys
    )
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.csv", "rows.csv"]


def test_predict_refuses_an_ending_that_it_cannot_write(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A spreadsheet's own format is not one of ours."""
    assert "no ending that can be written" in _refused(
        ["predict", str(run), "rows.csv", "--out", str(tmp_path / "x.xlsx")], capsys
    )


def test_a_packed_bundle_predicts_the_same(run: Path, tmp_path: Path):
    """One file is as good as the folder."""
    packed = tmp_path / "boats.plimsoll"
    assert cli.main(["pack", str(run), "--out", str(packed)]) == 0
    for bundle, name in ((run, "one.csv"), (packed, "two.csv")):
        assert (
            cli.main(["predict", str(bundle), str(run.parent / "boats.csv"), "--out", str(tmp_path / name), "--quiet"])
            == 0
        )
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_recipes_are_listed_with_their_knobs(capsys: pytest.CaptureFixture[str]):
    """The list is there to read, and as JSON."""
    assert cli.main(["recipes"]) == 0
    assert "linear: " in capsys.readouterr().out
    assert cli.main(["recipes", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"constant", "linear", "trees", "text_ngrams"} <= {recipe["name"] for recipe in listed}


def test_json_is_all_there_is_on_standard_output(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """--json prints the record and nothing else."""
    monkeypatch.setattr(
        solve,
        "fit",
        lambda *_, out, progress, **__: (
            progress("reading", 4.0),
            progress("linear", 3.0),
            Run(out, {"chosen": "t1"}),
        )[2],
    )
    assert cli.main(["fit", str(table), "--predict", "afloat", "--out", str(tmp_path / "run"), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"chosen": "t1"}
    assert said.err.startswith("reading · 4 s left\nlinear · 3 s left\n")
    assert str(tmp_path / "run" / "bundle") in said.err


def test_a_loaded_bundle_answers_frames_and_dictionaries_alike(run: Path):
    """pandas in, pandas out, with its index; Arrow in, Arrow out; dictionaries as the server would answer them."""
    loaded = plimsoll.load(run)
    frame = pl.read_csv(run.parent / "boats.csv").head(5)
    expected = loaded.predict(frame)["p_yes"].to_list()
    pandas = pd.DataFrame(frame.to_dict(as_series=False), index=[3, 1, 4, 1, 5])
    assert loaded.predict(pandas)["p_yes"].to_list() == pytest.approx(expected)
    assert loaded.predict(pandas).index.to_list() == [3, 1, 4, 1, 5]
    assert loaded.predict(frame.to_arrow())["p_yes"].to_pylist() == pytest.approx(expected)
    rows = frame.drop("afloat").to_dicts()
    assert [said["probabilities"]["yes"] for said in loaded.predict(rows)] == pytest.approx(expected)
    assert loaded.predict(rows[0])["probabilities"]["yes"] == pytest.approx(expected[0])


def test_a_loaded_bundle_shows_itself(run: Path):
    """In a terminal and in a notebook it says what it predicts, and from what."""
    loaded = plimsoll.load(run)
    assert "predicts afloat from length, wood" in repr(loaded)
    assert "<td>length</td><td>number</td>" in loaded._repr_html_()


def test_a_machine_is_measured_and_its_card_written(tmp_path, capsys):
    """The card is read back as it was printed; a place that cannot be written is said before anything is measured."""
    from plimsoll import card

    place = tmp_path / "card.json"
    assert cli.main(["machine", "--json", "--out", str(place)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert card.read(place) == card.Card.from_json(printed)
    assert cli.main(["machine", "--out", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_the_rows_of_a_run_are_calm_and_others_are_not(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A bundle brings what watching needs: its columns, its answers and its score; nothing more is said of the run."""
    rows = (run.parent / "boats.csv").read_text()
    assert cli.main(["watch", str(run), str(run.parent / "boats.csv"), "--labels", "afloat", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [sorted(each["name"] for each in found[part]) for part in ("columns", "answers")] == [
        ["length", "wood"],
        ["prediction", "probability"],
    ]
    assert (found["labels"], found["notes"]) == (400, [])
    (tmp_path / "rotten.csv").write_text(rows.replace("fir", "oak").replace("=elm", "plywood"))
    assert cli.main(["watch", str(run), str(tmp_path / "rotten.csv"), "--quiet"]) == 3
    assert "! wood: " in capsys.readouterr().out
