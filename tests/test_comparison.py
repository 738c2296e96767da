"""plimsoll compare from end to end: on a toy, contained, resumed, stopped, and refused in one line."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from plimsoll import bouts, catalogue, cli, comparison, flags, machine, meter, workbench
from plimsoll.crew import Crew
from plimsoll.errors import TrialError
from plimsoll.job import Job, Task
from plimsoll.knobs import Space
from plimsoll.ledger import Ledger
from plimsoll.limits import Measured
from plimsoll.recipe import Facts, Fold, Recipe
from plimsoll.report import compared
from plimsoll.rows import Rows
from plimsoll.schema import Column, Kind, Schema

PEOPLE = 8
HOSTILE = "<script>alert(1)</script>"
COSTS = Measured.exactly(p50=1e-5, p99=2e-5, memory=5e7, size=7e3, cold_start=0.2)
OWN = '''"""coin: answers the first class with the share that a knob says; fails where it is told to."""
import numpy as np
from plimsoll.knobs import Space
from plimsoll.recipe import Facts, Recipe

class Coin:
    def __init__(self, share, classes):
        self.share, self.classes, self.settled = share, classes, {}
    def predict(self, rows):
        return np.tile([self.share] + [(1 - self.share) / (self.classes - 1)] * (self.classes - 1), (len(rows), 1))
    def answer(self, values):
        return [self.share] + [(1 - self.share) / (self.classes - 1)] * (self.classes - 1)
    def members(self):
        return {"coin.json": b"{}"}

def fit(job, schema, fold, knobs, clock):
    if knobs["share"] > 0.8:
        raise ValueError("the coin stands on its edge")
    return Coin(knobs["share"], len(schema.classes))

RECIPE = Recipe("coin", Space({"share": (0.5, 0.6, 0.9)}), lambda job, schema: None, lambda p, k: Facts((p.rows,), (p.rows,)), fit, None)
'''


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight people of thirty rows each; one of them has a hostile name."""
    random = np.random.default_rng(0)
    who = np.repeat([HOSTILE, *(f"P{k}" for k in range(1, PEOPLE))], 30)
    x = random.normal(size=len(who))
    late = x + 0.4 * random.normal(size=len(who)) > 0
    path = tmp_path_factory.mktemp("table") / "boats.csv"
    pl.DataFrame({"who": who, "x": x, "late": np.where(late, "yes", "no")}).write_csv(path)
    return path


@pytest.fixture(scope="module", autouse=True)
def _one_lane() -> Iterator[None]:
    """One workbench is enough here, and is sooner ready than several."""
    first = machine.core_numbers()[:1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "core_numbers", lambda: first)
        yield


def words(table: Path, out: Path, *more: str) -> list[str]:
    job = ["--data", str(table), "--predict", "late", "--split", "group:who"]
    how = ["--budget", "2 trials", "--seeds", "1", "--folds", "2", "--out", str(out), "--quiet"]
    return ["compare", "linear", "constant", *job, *how, *more]


@pytest.fixture(scope="module")
def made(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a comparison of two recipes, made once by way of the command line, with no time spent on the meter."""
    out = tmp_path_factory.mktemp("compared") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meter, "measure", lambda *_: meter.Reading(COSTS))
        assert cli.main(words(table, out, "--limit", "p99 < 10 us")) == 0
    return out


@pytest.fixture
def record(made: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made / "compare.json").read_text())
    return found


def test_the_better_of_two_recipes_is_told_apart(record: dict[str, Any]):
    """On eight people a line through the truth beats a constant on every one: p is 2 in 256."""
    first, second = record["table"]
    assert (first["name"], second["name"]) == ("linear", "constant")
    assert first["mean"] > 0.9 > 0.51 > second["mean"]
    (pair,) = record["contest"]["pairs"]
    assert (pair["wins"], pair["p"], pair["apart"]) == (PEOPLE, pytest.approx(2 / 256), True)
    assert record["unit"] == "who"
    assert len(record["compared"]) == PEOPLE


def test_every_approach_had_the_same_rows_and_the_same_budget(record: dict[str, Any]):
    """As many rows to learn from and to be tested on in each round, and as many settings as it has, up to the budget."""
    rounds = {(each["seed"], each["fold"]) for each in record["rounds"]}
    for name, tried in (("linear", 2), ("constant", 1)):
        own = [bout for bout in record["bouts"] if bout["approach"] == name]
        assert {(bout["seed"], bout["fold"]) for bout in own} == rounds
        assert [(bout["rows"], bout["tested"]) for bout in own] == [(120, 120)] * 2
        assert {len(bout["trials"]) for bout in own} == {tried}
        assert all(bout["trials"][0]["knobs"] == dict(catalogue.find(name).space.default) for bout in own)


def test_costs_are_measured_and_held_against_limits(record: dict[str, Any]):
    """The meter's figures stand in the table, and a limit that is broken is named."""
    for row in record["table"]:
        assert row["measured"]["p99"] == 2e-5
        assert row["breaches"] == ["p99 < 10 µs: 20 µs"]


def test_the_command_in_the_record_says_the_same(record: dict[str, Any], table: Path):
    """It is understood by the command line, and states the same job."""
    args = flags.parser().parse_args(shlex.split(record["command"])[1:])
    assert args.approaches == ["linear", "constant"]
    assert (args.data, args.predict, args.split, args.seeds, args.folds) == (str(table), "late", "group:who", 1, 2)
    assert (args.budget, args.limits) == (["2 trials"], ["p99 < 10 us"])
    assert len(record["data"]["sha256"]) == 64
    assert record["data"]["files"].keys() == {"boats.csv"}


def test_what_was_worked_on_is_let_go_of(made: Path):
    """What is left are the record, the page and the ledger of bouts."""
    assert {place.name for place in made.iterdir()} == {"compare.json", "compare.html", "ledger.jsonl"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_needs_no_network_and_obeys_no_name(made: Path):
    """A unit's name that is markup stays text, there is no script, and nothing is loaded from anywhere."""
    page = (made / "compare.html").read_text(encoding="utf-8")
    found = _Tags()
    found.feed(page)
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in found.tags}
    assert not [attrs for _, attrs in found.tags if any(name in ("src", "href", "style") or name.startswith("on") for name in attrs)]  # fmt: skip
    policy = next(attrs["content"] for _, attrs in found.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")
    assert [attrs["class"] for _, attrs in found.tags if attrs.get("class") in ("chart diagram", "chart units")]


def test_a_page_of_an_unfinished_comparison_says_so(record: dict[str, Any]):
    """Also without measured costs, spreads and intervals."""
    row = {**record["table"][0], "measured": {}, "breaches": []}
    pair = {**record["contest"]["pairs"][0], "low": None, "high": None, "d_z": None}
    partly = {**record, "stopped": True, "table": [row, record["table"][1]], "contest": {**record["contest"], "pairs": [pair]}}  # fmt: skip
    page = compared.render({**partly, "failed": {"<b>coin": "failed in 1 of 2 rounds: edge"}})
    assert "so far" in page
    assert "In no test: it failed in 1 of 2 rounds: edge." in page
    assert "<b>coin" not in page


def test_done_is_done(made: Path, table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """--resume of a comparison that has ended fits nothing and gives the same record."""
    monkeypatch.setattr(Crew, "start", lambda self: pytest.fail("something was fitted"))
    before = (made / "compare.json").read_bytes()
    assert cli.main(words(table, made, "--resume", "--json")) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(before)


def refused(line: list[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    try:
        found: Any = cli.main(line)
    except SystemExit as stop:
        found = stop.code
    said = capsys.readouterr()
    assert (found, said.out, said.err.count("\n")) == (code, "", 1), said
    return said.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["compare", "linear", "constant", "--predict", "late"], "Write plimsoll compare trees linear --data rows.csv"),
        (["compare", "linear", "constant", "--data", "DATA"], "predict is missing"),
        (["compare", "--data", "DATA"], "APPROACH"),
        (["compare", "linear", "--data", "DATA", "--predict", "late"], "2 to 20 approaches"),
        (["compare", "linear", "text_ngrams", "--data", "DATA", "--predict", "late"], "text_ngrams cannot do this job"),
        (["compare", "linear", "trees", "--data", "DATA", "--predict", "late", "--recipes", "trees"], 'there is no "--recipes"'),
        (["compare", "linear", "trees", "--data", "DATA", "--predict", "late", "--folds", "1"], "--folds 1"),
        (["compare", "linear", "trees", "--data", "DATA", "--predict", "late", "--seeds", "0"], "--seeds 0"),
        (["compare", "linear", "trees", "--data", "DATA", "--predict", "late", "--unit", "whoo"], 'Did you mean "who"'),
        (["compare", "linear", "trees", "--data", "DATA", "--predict", "late", "--budget", "much"], "--budget"),
        (["compare", "linear", "trees", "--data", "DATA", "--predict", "late", "--resume"], "--out RUN"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    line: list[str], said: str, table: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):  # fmt: skip
    """Exit code 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert said in refused([str(table) if word == "DATA" else word for word in line], capsys)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe of one's own, in a module that trials can import too."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "coin.py").write_text(OWN)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'own'}:{Path(comparison.__file__).parents[1]}")
    monkeypatch.syspath_prepend(str(tmp_path / "own"))
    monkeypatch.setenv("PLIMSOLL_RECIPES", "coin")


@pytest.mark.usefixtures("own")
def test_stopped_it_shows_what_there_is_and_goes_on_from_there(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Ctrl-C after three of four bouts: the first round is compared. Then other budgets are refused, and the rest is done."""
    monkeypatch.setattr(meter, "measure", lambda *_: meter.Reading(COSTS))
    out = tmp_path / "run"
    line = ["compare", "constant", "coin:share=0.6", *words(table, out)[3:]]
    done = Ledger.write

    def write(self: Ledger, entry: dict[str, Any]) -> None:
        done(self, entry)
        if len(list(self.entries())) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Ledger, "write", write)
    assert cli.main([*line, "--json"]) == 0
    part = json.loads(capsys.readouterr().out)
    assert (part["stopped"], len(part["compared"])) == (True, PEOPLE // 2)
    assert part["notes"][0] == "Stopped after 1 of 2 rounds: all figures are of those. Go on with --resume."

    more = ["3 trials" if word == "2 trials" else word for word in line]
    assert "equal budgets" in refused([*more, "--resume"], capsys)
    assert "other rows or another job" in refused([*line, "--resume", "--seed", "4"], capsys)
    assert "holds a run already" in refused(line, capsys)

    carried: list[str] = []
    carry_out = bouts.Bench.carry_out
    monkeypatch.setattr(Ledger, "write", done)
    monkeypatch.setattr(
        bouts.Bench, "carry_out", lambda self, bout, lane: carried.append(bout.name) or carry_out(self, bout, lane)
    )
    assert cli.main([*line, "--resume", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert len(carried) == 1
    assert (whole["stopped"], len(whole["compared"])) == (False, PEOPLE)
    assert whole["command"].startswith("PLIMSOLL_RECIPES=coin plimsoll compare constant coin:share=0.6")


@pytest.mark.usefixtures("own")
def test_an_approach_that_fails_leaves_the_others_to_compare_or_nothing(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """It is in no test, with the reason; where fewer than two are left, that is exit code 3."""
    monkeypatch.setattr(meter, "measure", lambda *_: meter.Reading(COSTS))
    line = ["compare", "constant", "coin:share=0.9", *words(table, tmp_path / "two")[3:]]
    assert "Nothing to compare: coin:share=0.9 failed in 2 of 2 rounds" in refused(line, capsys, code=3)
    shutil.rmtree(tmp_path / "two")
    line = ["compare", "constant", "coin:share=0.9", "coin:share=0.5", *words(table, tmp_path / "three")[3:]]
    assert cli.main(line) == 0
    said = capsys.readouterr().out
    assert "coin:share=0.9 is in no test: it failed in 2 of 2 rounds: ValueError: the coin stands on its edge." in said
    assert "No approach is told apart from" in said  # a constant and a coin rank everybody alike


def test_decoders_are_compared_over_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Six people whose signal is stronger while they do something: covariances hear it, on each who was not learned from."""
    monkeypatch.setattr(meter, "measure", lambda *_: meter.Reading(COSTS))
    random, frames = np.random.default_rng(0), 400
    label = np.tile(np.repeat([0, 1, 0, 1], frames // 4), 6).astype(np.uint8)
    np.savez(tmp_path / "signals.npz", emg=random.normal(size=(len(label), 2)) * (1 + 4 * label[:, None]), label=label)
    rows = {"who": [f"P{k}" for k in range(6)], "start": [frames * k for k in range(6)], "length": [frames] * 6}
    pl.DataFrame(rows).write_csv(tmp_path / "recordings.csv")
    job = ["--data", str(tmp_path / "recordings.csv"), "--decode", "label", "--rate", "100Hz", "--person", "who"]
    how = ["--split", "person", "--budget", "1 trial", "--seeds", "1", "--folds", "2", "--quiet"]
    out = tmp_path / "run"
    assert cli.main(["compare", "covariance_lda", "constant", *job, *how, "--out", str(out)]) == 0
    record = json.loads((out / "compare.json").read_text())
    assert (record["unit"], record["compared"]) == ("who", [f"P{k}" for k in range(6)])
    assert record["table"][0]["name"] == "covariance_lda"
    assert record["table"][0]["worst"]["score"] > 0.6
    args = flags.parser().parse_args(shlex.split(record["command"])[1:])
    assert (args.decode, args.rate, args.person, args.split, args.predict) == ("label", "100Hz", "who", "person", None)


def blind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Fold:
    """What a fit is shown when rows 30 to 39 are held out; the answers to those are kept either way."""
    shown: list[Fold] = []

    class Model:
        settled: ClassVar[dict[str, Any]] = {}

        def predict(self, rows: Rows) -> Any:
            return np.full((len(rows), 2), 0.5)

        def answer(self, values: Any) -> Any:
            return [0.5, 0.5]

        def members(self) -> dict[str, bytes]:
            return {"model.json": b"{}"}

    def fit(job: Job, schema: Schema, fold: Fold, knobs: Any, clock: Any) -> Any:
        shown.append(fold)
        return Model()

    def facts(profile: Any, knobs: Any) -> Facts:
        raise TrialError("nobody asks")

    recipe = Recipe("peeking", Space(), lambda job, schema: None, facts, fit, lambda *_: Model())  # type: ignore[arg-type, return-value]
    monkeypatch.setattr(catalogue, "find", lambda name: recipe)
    schema = Schema((Column("x", Kind.NUMBER),), "y", ("no", "yes"))
    workbench.store(tmp_path / "rows", Rows(40, {"x": np.arange(40.0)}), np.arange(40) % 2)
    np.savez(tmp_path / "folds.npz", learn0=np.arange(30), unseen0=np.arange(30, 40))
    (tmp_path / "members").mkdir()
    spec = {"job": Job("y", task=Task.BINARY).as_json(), "schema": schema.as_json(), "recipe": "peeking", "knobs": {}}
    spec |= {
        "share": 1.0,
        "rows": str(tmp_path / "rows"),
        "folds": str(tmp_path / "folds.npz"),
        "only": [0],
        "seconds": 9.0,
    }
    workbench.carry_out({**spec, **more}, tmp_path)
    with np.load(tmp_path / "answers.npz") as file:
        assert file["index"].tolist() == list(range(30, 40))
    return shown[0]


def test_rows_that_are_tested_are_answered_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The last fit of a bout has no valid rows, so that nothing can stop by what is tested; a trial's has."""
    fold = blind(tmp_path, monkeypatch, blind=True)
    assert (fold.valid, fold.valid_target, len(fold.train)) == (None, None, 30)


def test_rows_that_are_tuned_on_are_shown_for_early_stopping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without the word they are what they always were."""
    fold = blind(tmp_path, monkeypatch)
    assert fold.valid is not None
    assert len(fold.valid) == 10
