"""The promise on harm, held against others' code: MAPIE's learn-then-test, and SciPy's binomial test place by place."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import stats

from plimsoll.policy.past import past
from plimsoll.policy.reading import read
from plimsoll.policy.thresholds import GRID, solve
from plimsoll.schema import Column, Kind, Schema

TWEETS = Path(__file__).parents[2] / "shared" / "data" / "hate_offensive_tweets" / "train.jsonl.gz"
SCHEMA = Schema((Column("n", Kind.NUMBER),), "label", ("fine", "bad"))
POLICY = """
name = "p"
outcomes = ["block", "allow"]
limits = ["{limit}"]
[truth]
column = "label"
[truth.right]
block = ["bad"]
[thresholds]
block_at = 0.9
[[rules]]
name = "bad"
when = "score('bad') >= block_at"
then = "block"
"""
Array = NDArray[np.float64]


def ours(folder: Path, score: Array, bad: Array, limit: str) -> float:
    """The threshold that solve finds; infinite where it promises nothing below 1."""
    (folder / "p.toml").write_text(POLICY.format(limit=limit))
    policy = read(folder / "p.toml", SCHEMA)
    frame = pl.DataFrame({"n": np.zeros(len(score)), "label": np.where(bad, "bad", "fine")})
    found = solve(policy, past(policy, frame, SCHEMA, np.stack([1.0 - score, score], axis=1)))
    return found.thresholds["block_at"] if found.kept else float("inf")


def theirs(score: Array, bad: Array, risk: str, level: float, confidence: float, starts: int = 1) -> float:
    """The lowest threshold of the same grid that MAPIE calls valid; infinite where there is none."""
    from mapie.risk_control import BinaryClassificationController, FWERFixedSequenceTesting

    made = BinaryClassificationController(
        lambda rows: np.stack([1.0 - rows[:, 0], rows[:, 0]], axis=1),
        risk=risk,
        target_level=level,
        confidence_level=confidence,
        list_predict_params=GRID[::-1],
        fwer_method=FWERFixedSequenceTesting(n_starts=starts),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no threshold is valid is an answer too
        made.calibrate(score[:, None], bad.astype(int))
    return float(min(made.valid_predict_params, default=float("inf")))


def by_hand(score: Array, bad: Array, level: float, confidence: float) -> float:
    """The same by a binomial test at one place after another, from the strictest, to the first that fails."""
    good, found = score[~bad], float("inf")
    for at in GRID[::-1]:
        wrong = int((good >= at).sum())
        if stats.binomtest(wrong, len(good), level, alternative="less").pvalue >= 1.0 - confidence:
            break
        found = float(at)
    return found


def drawn(seed: int, count: int) -> tuple[Array, Array]:
    """Scores of a fair model of events of which a tenth is bad."""
    random = np.random.default_rng(seed)
    bad = random.random(count) < 0.1
    return 1.0 / (1.0 + np.exp(-(random.normal(size=count) * 1.5 + np.where(bad, 2.0, -2.0)))), bad


def agree(folder: Path, score: Array, bad: Array, percent: float, confidence: float) -> bool:
    """Whether MAPIE says the very same; ours must be the exact test's, and never above MAPIE's."""
    at = ours(folder, score, bad, f"false_block_rate < {percent} % at {100 * confidence:g} %")
    exact, other = by_hand(score, bad, percent / 100, confidence), theirs(score, bad, "fpr", percent / 100, confidence)
    assert at == pytest.approx(exact)
    assert at <= other + 1e-9
    return at == pytest.approx(other)


@pytest.mark.parametrize("percent", [0.5, 1.0, 5.0])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_thresholds_are_those_of_mapie_or_catch_more(tmp_path: Path, percent: float, confidence: float):
    """On the same grid, at the same confidence. MAPIE rounds k / n times n up at times, and then counts one error more."""
    same = [
        agree(tmp_path, *drawn(seed, count), percent, confidence) for seed in range(3) for count in (400, 1_000, 3_000)
    ]
    assert sum(same) >= 6, same


def test_where_nothing_can_be_promised_mapie_promises_nothing_either(tmp_path: Path):
    """298 good events with no mistake are one too few for one per cent at 95 %, and 299 are enough, for both."""
    for many, kept in ((298, False), (299, True)):
        score, bad = np.append(np.full(many, 0.2), 0.9), np.append(np.zeros(many, bool), True)
        found = ours(tmp_path, score, bad, "false_block_rate < 1 %"), theirs(score, bad, "fpr", 0.01, 0.95)
        assert [each < 1.0 for each in found] == [kept, kept]


def test_a_precision_is_promised_where_mapie_promises_one(tmp_path: Path):
    """Few are caught at a strict place, so both begin at several; ours catches as many, or as good as."""
    found = []
    for seed in range(5):
        score, bad = drawn(seed, 5_000)
        at = ours(tmp_path, score, bad, "block_precision > 80 %")
        other = theirs(score, bad, "precision", 0.8, 0.95, starts=4)
        caught = [float((score[bad] >= place).mean()) for place in (at, other)]
        found.append(caught)
        assert stats.binomtest(int((~bad[score >= at]).sum()), int((score >= at).sum()), 0.2, "less").pvalue < 0.05
    assert np.mean([mine >= 0.98 * yours for mine, yours in found]) >= 0.8, found


def test_a_score_of_one_is_judged_as_it_is_decided(tmp_path: Path):
    """Where nothing may be caught the threshold is written as 1, which catches what a model is wholly sure of: that is told."""
    score, bad = np.append(np.full(900, 0.2), np.full(100, 1.0)), np.append(np.zeros(950, bool), np.ones(50, bool))
    assert ours(tmp_path, score, bad, "false_block_rate < 1 %") == float("inf")
    assert ours(tmp_path, np.minimum(score, 0.5), bad, "false_block_rate < 1 %") == pytest.approx(0.501)


def test_scores_that_crowd_near_one_are_told_apart(tmp_path: Path):
    """A model that is sure of most: the place that keeps the limit lies between 0.999 and 1, and is written as it is."""
    random = np.random.default_rng(0)
    bad = random.random(20_000) < 0.8
    score = 1.0 / (1.0 + np.exp(-(random.normal(size=20_000) * 2.0 + np.where(bad, 9.0, 3.0))))
    at = ours(tmp_path, score, bad, "false_block_rate < 1 %")
    assert 0.999 < at < 1.0
    assert (score[bad] >= at).mean() > 0.6
    assert at == round(at, 6)


@pytest.mark.skipif(not TWEETS.exists(), reason="the tweets are not here")
def test_on_a_real_score_too(tmp_path: Path):
    """Tweets, and a linear model of their words: the same thresholds on what the model has not seen."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier

    rows = pl.read_ndjson(gzip.decompress(TWEETS.read_bytes())).sample(9_000, seed=0)
    bad = (rows["label"] != "neither").to_numpy()
    words = HashingVectorizer(n_features=2**16).transform(rows["text"].to_list())
    model = SGDClassifier(loss="log_loss", alpha=1e-5, random_state=0).fit(words[:4_000], bad[:4_000])
    score = model.predict_proba(words[4_000:])[:, 1]
    assert sum(agree(tmp_path, score, bad[4_000:], percent, 0.95) for percent in (2.0, 5.0, 10.0)) >= 2
