"""Measures of ranked answers, held against trec_eval's and against what they come to by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plimsoll import relevance
from plimsoll.errors import JobError
from plimsoll.ranking import GRADED, Found, best, found
from plimsoll.relevance import each, interval, mean, measure


def drawn(seed: int, rows: int = 60, many: int = 300, most: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Lists and truths by chance, without ties; some rows have one relevant item, and some grades are 0."""
    random = np.random.default_rng(seed)
    answers = best(random.permuted(np.tile(np.arange(many, dtype=np.float32), (rows, 1)), axis=1))
    truth = np.zeros((rows, most), dtype=GRADED)
    truth["item"] = np.array([random.permutation(many)[:most] for _ in range(rows)])
    truth["grade"] = random.integers(0, 4, (rows, most))
    truth["grade"][:, 0] = 2
    truth["item"][: rows // 2, random.integers(1, most) :] = -1
    return answers, truth


def test_measures_are_those_of_trec_eval():
    """nDCG with grades for gains, recall over all relevant, MRR, MAP, precision and hits, each row of them."""
    oracle = pytest.importorskip("pytrec_eval", reason="needs pytrec-eval-terrier, which is trec_eval in Python")
    names = {
        "ndcg@10": "ndcg_cut_10",
        "ndcg@100": "ndcg_cut_100",
        "recall@5": "recall_5",
        "recall@100": "recall_100",
        "precision@10": "P_10",
        "hit_rate@10": "success_10",
        "map": "map",
        "map@10": "map_cut_10",
        "mrr": "recip_rank",
    }
    answers, truth = drawn(3)
    judged = {
        str(row): {str(t["item"]): int(t["grade"]) for t in told if t["item"] >= 0} for row, told in enumerate(truth)
    }
    run = {str(row): {str(a["item"]): float(a["score"]) for a in listed} for row, listed in enumerate(answers)}
    wanted = {"ndcg_cut.10,100", "recall.5,100", "P.10", "success.10", "map", "map_cut.10", "recip_rank"}
    told = oracle.RelevanceEvaluator(judged, wanted).evaluate(run)
    held = found(answers, truth)
    for ours, theirs in names.items():
        due = [told[str(row)][theirs] for row in range(len(answers))]
        assert each(ours, held) == pytest.approx(due, abs=1e-6), ours


def test_measures_come_to_what_they_do_by_hand():
    """Of two rows: relevant at places 1 and 3 and one not found; relevant at place 2 of a higher grade than what was missed."""
    held = Found(np.array([[3, 1, 0], [2, 0, 0]]), np.array([[1, 1, 1], [3, 1, 0]], np.float32), 100)
    ideal = 1 + 1 / math.log2(3) + 0.5
    assert each("ndcg@10", held) == pytest.approx([1.5 / ideal, 3 / math.log2(3) / (3 + 1 / math.log2(3))])
    assert each("ndcg@1", held) == pytest.approx([1.0, 0.0])
    assert each("recall@2", held) == pytest.approx([1 / 3, 1 / 2])
    assert each("precision@2", held) == pytest.approx([0.5, 0.5])
    assert each("hit_rate@1", held).tolist() == [1.0, 0.0]
    assert each("mrr", held).tolist() == [1.0, 0.5]
    assert each("mrr@1", held).tolist() == [1.0, 0.0]
    assert each("map", held) == pytest.approx([(1 + 2 / 3) / 3, 0.5 / 2])


@pytest.mark.parametrize("name", [f"{name}@3" for name in relevance.MEASURES])
def test_a_row_without_anything_to_find_is_neither_good_nor_bad(name: str):
    """It is nan, and left out of the mean."""
    held = Found(np.array([[1], [0]]), np.array([[1.0], [0.0]], np.float32), 100)
    values = each(name, held)
    assert np.isnan(values[1])
    assert mean(values) == values[0] > 0
    assert math.isnan(mean(values[1:]))
    assert math.isnan(interval(values[1:])[1])


@pytest.mark.parametrize("name", [f"{name}@5" for name in relevance.MEASURES])
def test_a_better_place_is_never_worse(name: str):
    """Moving a relevant item up never lowers a measure, and a perfect list has the most there can be."""
    grades = np.ones((1, 3), np.float32)
    steps = [[[0, 0, 0]], [[6, 0, 0]], [[5, 0, 0]], [[5, 4, 0]], [[3, 2, 0]], [[3, 2, 1]]]
    values = [float(each(name, Found(np.array(places), grades, 100))[0]) for places in steps]
    assert values == sorted(values)
    assert values[1] == 0.0 < values[2]
    assert values[-1] == pytest.approx(0.6 if name.startswith("precision") else 1.0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ndgc@10", 'Did you mean "ndcg"'),
        ("accuracy", "There are"),
        ("ndcg", 'Write "ndcg@10"'),
        ("recall@0", 'Write "recall@10"'),
        ("recall@-3", 'Write "recall@10"'),
        ("map@", 'Write "map@10"'),
        ("ndcg@101", 'at most "ndcg@100"'),
        ("", "There are"),
    ],
)
def test_a_name_that_is_none_is_refused_with_what_to_write(text: str, why: str):
    """A measure without a depth, too deep or misspelled is told so in one line."""
    with pytest.raises(JobError, match=why):
        measure(text)


def test_an_interval_covers_the_mean_that_rows_were_drawn_from():
    """Of a hundred draws of rows the 95 % interval misses few; differences of two models are paired."""
    random = np.random.default_rng(0)
    missed = 0
    for seed in range(100):
        low, middle, high = interval((random.random(200) < 0.3).astype(float), seed)
        assert low <= middle <= high
        missed += not low <= 0.3 <= high
    assert missed <= 14
    values = random.random(500)
    low, middle, high = interval(values + 0.1 - values)
    assert (low, high) == (pytest.approx(0.1), pytest.approx(0.1))
