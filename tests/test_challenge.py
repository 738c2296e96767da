"""A challenger takes over where it is measurably better, on labels that neither has seen, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from plimsoll import challenge, solve
from plimsoll.cli import main
from plimsoll.errors import DataError, JobError
from plimsoll.run import Run


def rows(count: int, seed: int, turned: float = 0.0) -> pl.DataFrame:
    """Two numbers whose sum tells the class; ``turned``: the share of wrong labels."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, count))
    good = (a + b > 0) ^ (random.random(count) < turned)
    return pl.DataFrame({"number": np.arange(count), "a": a, "b": b, "label": np.where(good, "good", "bad")})


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that learned from few rows, half of them labelled wrongly."""
    folder = tmp_path_factory.mktemp("c")
    rows(120, 0, turned=0.45).write_ndjson(folder / "data.jsonl")
    words = {
        "predict": "label",
        "limits": "train < 20 s",
        "recipes": ["linear"],
        "ignore": ["number"],
        "metric": "roc_auc",
    }
    solve.fit(folder / "data.jsonl", **words, out=folder / "run")  # type: ignore[arg-type]
    return folder


def test_better_labels_make_a_better_model(champion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """It is told by how much, on the half that neither has seen; exit code 0."""
    rows(800, 1).with_columns(pl.lit(0.5).alias("chance"), pl.lit("asked").alias("why")).write_ndjson(
        tmp_path / "l.jsonl"
    )
    words = ["--data", str(champion / "data.jsonl"), "--labels", str(tmp_path / "l.jsonl"), "--quiet", "--json"]
    assert main(["refit", str(champion / "run"), *words, "--out", str(tmp_path / "next")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["better"]
    assert found["rows"] == 400
    assert found["challenger"] > found["champion"] + 0.01
    assert (tmp_path / "next" / "bundle" / "bundle.json").exists()


def test_what_is_not_measurably_better_leaves_the_champion(
    champion: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Exit code 3, and words that say so."""
    told = challenge.Challenge(Run.open(champion / "run"), "roc_auc", 400, 0.90, 0.91, (-0.001, 0.02))
    monkeypatch.setattr(challenge, "challenge", lambda *asked: told)
    words = ["--data", "data.jsonl", "--labels", "labels.jsonl", "--quiet", "--out", str(champion / "next")]
    assert main(["refit", str(champion / "run"), *words]) == 3
    assert "the champion stays" in capsys.readouterr().out


@pytest.mark.parametrize("chances", [(1.0,), (1.0, 0.1)], ids=["alike", "weighted"])
def test_of_two_equals_one_is_seldom_called_better(chances: tuple[float, ...]):
    """In at most one of twenty comparisons, and what chance allows; also where labels count unequally."""
    random, wrong = np.random.default_rng(9), 0
    for trial in range(100):
        truth = random.integers(0, 2, 150)
        one, other = ((0.5 + 0.2 * (2 * truth - 1) + random.normal(size=150) * 0.3).clip(0, 1) for _ in range(2))
        given = [(np.stack([1.0 - p, p], axis=1), (p > 0.5).astype(np.int64)) for p in (one, other)]
        weights = 1.0 / random.choice(chances, 150)
        wrong += challenge.gain("roc_auc", truth, given[0], given[1], weights, trial)[0] > 0
    assert wrong <= 8


def test_what_cannot_be_compared_is_said(champion: Path, tmp_path: Path):
    """Too few labels, labels of another column, data of another kind."""
    run, source = champion / "run", champion / "data.jsonl"
    with pytest.raises(DataError, match="too few to compare"):
        challenge.challenge(run, source, rows(50, 1), tmp_path / "a")
    with pytest.raises(JobError, match="--target label"):
        challenge.challenge(run, source, rows(500, 1).rename({"label": "verdict"}), tmp_path / "b")
    with pytest.raises(DataError, match='no column "b"'):
        challenge.challenge(run, rows(100, 1).drop("b"), rows(500, 1), tmp_path / "c")


def test_a_label_counts_as_its_chance_demands():
    """An event that came with a chance of a tenth stands for ten."""
    truth = np.array([1] * 50 + [0] * 50)
    given = np.tile([0.2, 0.8], (100, 1)), np.ones(100, dtype=np.int64)
    weights = np.where(truth == 1, 1.0, 10.0)
    assert challenge.weighted("accuracy", truth, given, np.ones(100)) == pytest.approx(0.5, abs=0.02)
    assert challenge.weighted("accuracy", truth, given, weights) == pytest.approx(1 / 11, abs=0.02)
    low, high = challenge.gain("accuracy", truth, given, given, weights)
    assert low == high == 0.0
