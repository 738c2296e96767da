"""The plan: verdicts before training, from probes alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import plimsoll
from plimsoll import card, cli, preview, preview_text
from plimsoll.errors import LimitError, UserError
from plimsoll.limits import Measured, parse
from plimsoll.outlook import DOES_NOT, FITS, MAY, Step
from plimsoll.preview import Plan
from plimsoll.price import Verdict, even, prices


def table(rows: int = 3_000) -> pl.DataFrame:
    random = np.random.default_rng(0)
    x, z = random.normal(size=(2, rows))
    chance = 1.0 / (1.0 + np.exp(-2.0 * x - z))
    label = np.where(random.random(rows) < chance, "yes", "no")
    return pl.DataFrame({"x": x, "z": z, "port": random.choice(["Hull", "Leith"], rows), "late": label})


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plimsoll.plan(table(), predict="late", limits="size < 8 kB, p99 < 5 ms, train < 30 s", goal="auc > 0.99")


def test_every_candidate_has_a_verdict_with_its_figures(plan: Plan):
    """The defaults and the portfolios of the recipes that apply; what does not apply has its reason."""
    assert {each.step.recipe for each in plan.verdicts} == {"constant", "linear", "trees"}
    assert "text_ngrams" in plan.refused
    for each in plan.verdicts:
        assert each.verdict in (FITS, MAY, DOES_NOT)
        assert bool(each.reasons) == (each.verdict != FITS)
        assert {"cpu", "train_memory", "size", "p50", "memory"} <= set(each.step.predicted.figures)


def test_a_model_that_is_surely_too_large_does_not_fit(plan: Plan):
    """Hundreds of trees are more than a few kilobytes, and the constant is not."""
    verdict = {(each.step.recipe, each.step.stage): each for each in plan.verdicts}
    assert verdict["constant", "default"].verdict == FITS
    large = [each for each in plan.verdicts if each.step.recipe == "trees" and each.verdict == DOES_NOT]
    assert large
    assert any("size < 8 kB" in reason for reason in large[0].reasons)


def test_nothing_but_probes_is_trained(plan: Plan):
    """Each trial saw a part of the rows, and none was metered."""
    assert plan.probes
    assert all(trial.share < 1.0 and "p50" not in trial.measured.figures for trial in plan.probes)


def test_a_plan_is_json_and_text(plan: Plan):
    """What a script reads, and what a person does, in lines no wider than the window."""
    told = json.loads(json.dumps(plan.as_json()))
    assert len(told["candidates"]) == len(plan.verdicts)
    assert told["run"]["train"][0] <= told["run"]["train"][2]
    lines = preview_text.lines(plan, 90)
    assert all(len(line) <= 90 for line in lines)
    assert any("does not fit" in line for line in lines)
    assert any("Serving overtakes" in line for line in lines)


def test_a_goal_is_answered(plan: Plan):
    """By the metric of the goal, which is the job's where none is stated."""
    assert plan.goal is not None
    assert plan.job.score == "roc_auc"
    assert plan.goal.text.startswith("roc_auc > 0.99")


def test_for_another_machine_times_are_scaled_and_less_sure(tmp_path: Path):
    """A card on which everything takes three times as long: three times the seconds, and the bytes as they were."""
    here = card.quick().as_json()
    slow = {**here, "references": {name: 3.0 * took for name, took in here["references"].items()}}
    place = tmp_path / "card.json"
    found = []
    for value in (here, slow):
        place.write_text(json.dumps(value))
        made = plimsoll.plan(table(600), predict="late", recipes=["linear"], on_machine=place)
        found.append(next(each.step.predicted for each in made.verdicts if each.step.recipe == "linear"))
        assert any("another machine" in line for line in made.warnings)
    one, other = found
    assert other.middle("cpu") == pytest.approx(3.0 * one.middle("cpu"), rel=0.01)
    assert other.middle("size") == pytest.approx(one.middle("size"), rel=0.01)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"card": 99}', "\x00" * 100])
def test_a_card_that_is_none_is_refused_in_a_line(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Before anything is read or trained, with what to run in its place."""
    (tmp_path / "card.json").write_text(content)
    table(100).write_csv(tmp_path / "boats.csv")
    words = ["plan", str(tmp_path / "boats.csv"), "--predict", "late", "--on-machine", str(tmp_path / "card.json")]
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert "plimsoll machine" in said
    assert "Traceback" not in said


def test_a_goal_that_is_none_is_refused_before_the_rows_are_read():
    """A misspelt metric is answered with the nearest."""
    with pytest.raises(LimitError, match="roc_auc"):
        plimsoll.plan("nowhere.csv", predict="late", goal="roc_auk > 0.9")
    with pytest.raises(UserError):
        plimsoll.plan("nowhere.csv", predict="late")


def told(**figures: tuple[float, float, float]) -> Verdict:
    over = tuple(f"{name} < 1: 2" for name in figures)
    return Verdict(Step("trees", predicted=Measured(figures)), DOES_NOT, over)


def test_the_price_of_a_limit_is_what_would_let_its_candidates_in():
    """Of those that nothing else keeps out: the least that lets in one of them, and what lets in all."""
    limits = parse("size < 1 MB, memory < 1 MB")
    near, far = told(size=(1e6, 2e6, 3e6)), told(size=(4e6, 5e6, 6e6))
    both = told(size=(1e6, 2e6, 3e6), memory=(2e6, 3e6, 4e6))
    (size, memory) = prices(limits, [near, far, both], {})
    assert "2 of 3 candidates" in size
    assert "3 MB would let the first in" in size
    assert "6 MB all" in size
    assert "costs nothing" in memory or "0 of" not in memory


def test_the_price_of_a_limit_says_what_score_it_keeps_away():
    """What is kept out promises more, or no more, than what fits; of one recipe's settings, only trying tells."""
    limits = parse("size < 1 MB")
    out = told(size=(2e6, 3e6, 4e6))
    fits = Verdict(Step("linear", predicted=Measured({"size": (1e3, 1e3, 1e3)})), FITS, ())
    for score, words in ((0.95, "trees is expected at roc_auc 0.95 (0.93 to 0.97)"), (0.8, "promise no better score")):
        expected = {"trees": Measured({"roc_auc": (score - 0.02, score, score + 0.02)})}
        expected["linear"] = Measured({"roc_auc": (0.85, 0.9, 0.92)})
        (line,) = prices(limits, [out, fits], expected)
        assert words in line
        assert "linear, which fits, at roc_auc 0.9 (0.85 to 0.92)" in line
    alike = Verdict(Step("trees", predicted=fits.step.predicted), FITS, ())
    assert "only trying tells" in prices(limits, [out, alike], expected)[0]
    assert "not known" in prices(limits, [out, fits], {})[0]


def test_serving_overtakes_training_after_as_many_answers_as_their_core_seconds_say():
    """A run of a hundred core-seconds and answers of ten microseconds: some millions."""
    run = Measured.exactly(cpu=100.0)
    assert "9.1 million" in even(run, [told(p50=(1e-5, 1e-5, 1e-5))])
    assert even(run, []) == ""


def test_the_largest_number_of_rows_that_fits_is_found():
    """Half of what is held would be allowed: so would about half of the rows."""
    made = plimsoll.plan(table(4_000), predict="late", limits="train_memory < 90 MB", recipes=["trees"])
    assert all(each.verdict == DOES_NOT for each in made.verdicts if each.step.recipe == "trees")
    assert preview.sizes(4_000) == [400, 1_600]
