"""The statistics of the comparison with other AutoML: ranks, wins, losses and their intervals over sets."""

from __future__ import annotations

import doctest
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from peers_automl import compare, lines, report, sets, standings, systems
from peers_automl.compare import Interval, Result
from peers_automl.lines import Line

LOSSES = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.0, 100.0), min_size=1)


def line(name: str, contender: str, score: float | None, seed: int = 0, seconds: float = 60.0) -> Line:
    """A line as the comparison writes it; without a score, of a contender that failed."""
    made = {"set": name, "seconds": seconds, "contender": contender, "seed": seed, "metric": "roc_auc"}
    made |= {
        "rows": [300, 100],
        "constant": 0.5,
        "wall": 61.0,
        "cpu": 90.0,
        "size": 1_000,
        "when": "2026-11-21 10:00:00",
    }
    made |= {"machine": {"processor": "Z80", "memory": 65_536, "platform": "CP/M"}, "cores": 2}
    return made | ({"status": "failed", "reason": "a | b"} if score is None else {"status": "measured", "score": score})


@pytest.mark.parametrize("room", [compare, report, sets, standings, systems])
def test_its_examples_are_true(room: object):
    """What the docstrings show is what comes out."""
    found = doctest.testmod(room)  # type: ignore[arg-type]
    assert found.attempted
    assert not found.failed


@given(LOSSES, st.data())
def test_ranks_add_up_whatever_is_tied_or_failed(losses: dict[str, float], data: st.DataObject):
    """Sharing places moves nobody's sum: n contenders share out 1 + 2 + … + n."""
    failed = data.draw(st.sets(st.sampled_from(sorted(losses))))
    assert sum(compare.ranks(losses, failed).values()) == len(losses) * (len(losses) + 1) / 2


@given(LOSSES)
def test_a_smaller_loss_is_a_smaller_rank(losses: dict[str, float]):
    """Ranks keep the order of losses that differ by more than rounding."""
    found = compare.ranks(losses)
    for one in losses:
        for other in losses:
            if losses[one] < losses[other] * (1 - 1e-6):
                assert found[one] < found[other]


def test_rounding_is_no_difference():
    """0.1 + 0.2 and 0.3 are one loss, and share their ranks."""
    assert compare.ranks({"a": 0.1 + 0.2, "b": 0.3}) == {"a": 1.5, "b": 1.5}


def test_a_failure_is_last_even_behind_what_is_worse_than_a_constant():
    """A contender that answers, however badly, is ahead of one that does not."""
    assert compare.ranks({"a": 0.9, "b": 0.5}, failed=["b"]) == {"a": 1.0, "b": 2.0}


def test_ranks_of_a_set_are_means_over_its_seeds():
    """First with one seed and second with another is a rank of one and a half."""
    found = [Result("x", "a", 0.1, 0), Result("x", "b", 0.2, 0), Result("x", "a", 0.2, 1), Result("x", "b", 0.1, 1)]
    assert compare.set_ranks(found) == {"x": {"a": 1.5, "b": 1.5}}
    assert compare.versus(found, "a", "b").ties == 1


def test_wins_ties_and_losses_count_the_sets_that_both_have():
    """A set that only one contender is for is no win over the other."""
    ours = {"w": 0.1, "x": 0.2, "y": 0.3, "z": 0.1}
    theirs = {"w": 0.2, "x": 0.2, "y": 0.1}
    found = [Result(name, "a", loss) for name, loss in ours.items()]
    found += [Result(name, "b", loss) for name, loss in theirs.items()]
    against = compare.versus(found, "a", "b")
    assert (against.sets, against.wins, against.ties, against.losses) == (3, 1, 1, 1)
    assert against.rank.mean == pytest.approx(0.0)


def test_half_the_loss_everywhere_is_half_without_doubt():
    """Where all sets agree, the interval is the point."""
    found = [Result(f"s{k}", who, loss * k) for k in (1, 2, 5) for who, loss in (("a", 0.1), ("b", 0.2))]
    ratio = compare.versus(found, "a", "b").log_ratio
    assert [math.exp(value) for value in (ratio.low, ratio.mean, ratio.high)] == pytest.approx([0.5, 0.5, 0.5])


def test_a_perfect_score_is_not_infinitely_better():
    """With a hundred test rows no loss counts for less than half a row."""
    floor = compare.least("macro_f1", 100)
    found = [Result("x", "a", 0.0, least=floor), Result("x", "b", 0.01, least=floor)]
    assert compare.log_ratios(found, "a", "b")["x"] == pytest.approx(math.log(0.5))


@given(st.lists(st.floats(-5.0, 5.0), min_size=2, max_size=30))
def test_an_interval_lies_within_what_was_seen(differences: list[float]):
    """Means of draws are between the least and the largest difference."""
    found = compare.bootstrap(differences, draws=200)
    assert min(differences) - 1e-9 <= found.low <= found.high <= max(differences) + 1e-9


def test_an_interval_is_that_of_the_mean():
    """For many alike draws it comes to the known one: 1.96 standard errors to each side."""
    values = np.random.default_rng(1).normal(0.3, 1.0, 400)
    found = compare.bootstrap(list(values))
    half = 1.96 * values.std() / 20
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
    assert found == compare.bootstrap(list(values))  # seeded


def test_one_set_tells_nothing_of_others():
    """There is no interval below two sets, and no mean without any."""
    assert compare.bootstrap([0.5]).mean == 0.5
    assert math.isnan(compare.bootstrap([0.5]).low)
    assert math.isnan(compare.bootstrap([]).mean)


def test_intervals_without_ends_are_shown_without_them():
    """The page never says nan."""
    form = "{:.1f}".format
    assert standings.interval(Interval(0.5, math.nan, math.nan), form) == "0.5"
    assert standings.interval(compare.bootstrap([]), form) == "–"


def test_a_failure_has_the_loss_of_a_constant_and_what_is_not_for_it_none():
    """Failing is held against a contender, being made for something else is not."""
    away = line("adult", "lightgbm", None) | {"status": "not for it"}
    found = lines.results([line("adult", "plimsoll", 0.9), line("adult", "flaml", None), away])
    assert [(each.contender, each.failed) for each in found] == [("plimsoll", False), ("flaml", True)]
    assert [each.loss for each in found] == pytest.approx([0.1, 0.5])


def test_a_set_that_waits_for_a_contender_is_not_ranked():
    """A comparison that is under way favours nobody who has run already."""
    found = [line("adult", "plimsoll", 0.9), line("adult", "flaml", 0.8), line("musk", "plimsoll", 0.9)]
    assert {each["set"] for each in lines.entered(found)} == {"adult"}
    assert "still to run: musk" in report.page(found)


def test_the_page_tells_of_failures_and_of_who_is_ahead():
    """A failure keeps its place, its reason and its rank."""
    found = [line(name, "plimsoll", 0.9) for name in ("adult", "musk")]
    found += [line("adult", "flaml", 0.8), line("musk", "flaml", None)]
    page = report.page(found)
    assert "| musk | AUC | 300 + 100 | **0.9000 (1)** | failed (2) |" in page
    assert "- musk, FLAML, seed 0: failed: a / b" in page
    assert "| FLAML | 60 s | 2 | 2, 0, 0 | -1.00 (-1.00 to -1.00) | 0.316 (0.200 to 0.500) |" in page


def test_lines_are_taken_up_where_they_were_cut_off(tmp_path: Path):
    """A line that was torn in the middle is run again, and the one after it is whole."""
    file = tmp_path / "automl.jsonl"
    lines.add(file, line("adult", "plimsoll", 0.9))
    file.write_text(file.read_text() + '{"set": "mus')
    assert len(lines.read(file)) == 1
    lines.add(file, line("musk", "plimsoll", 0.8))
    lines.add(file, line("adult", "plimsoll", 0.7))
    assert {each["set"]: each["score"] for each in lines.read(file)} == {"adult": 0.7, "musk": 0.8}


def test_a_split_is_the_same_again_and_shares_out_every_class():
    """The test rows are a quarter of each class, and do not move."""
    classes = np.repeat(["a", "b", "c"], [400, 40, 4])
    held = sets.held_out(classes)
    assert [held[classes == name].sum() for name in "abc"] == [100, 10, 1]
    assert (held == sets.held_out(classes)).all()
    assert not (held == sets.held_out(classes, seed=1)).all()
