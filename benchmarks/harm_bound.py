"""A stated bound on harm, over 500 resampled calibrations: how often it is broken, and what it costs in recall.

    python benchmarks/harm_bound.py [--trials 500]

Four scores: of hateful and of abusive tweets, each by a model that this program fits on 6,000 of them, and two of a
known distribution (normal log odds, a tenth of them bad), fair and well apart. Each trial draws that many labelled events with
replacement, solves the threshold of a policy for ``false_block_rate < 1 % at 95 %`` on them, and looks up the
true rate at that threshold: among all events that the model has not seen, from which the trial was drawn, so that it is known
and not estimated; for the drawn score by its distribution. A bound is broken where the true rate is not below it.

Best possible is the recall at the lowest threshold of the same grid whose true rate is below the bound: what
somebody would choose who knew every label there will ever be. Recall lost is what is missing to it, in points (hundredths):
what so few labels cannot show, for of the places at which the exact bound holds on them the lowest is taken.
The check: whether so many broken bounds of so many trials could come of a chance of five per cent (exact binomial, one
side). Below one in a hundred the run ends with 1.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

import plimsoll
from plimsoll import bundle, machine
from plimsoll.infer import to_rows
from plimsoll.policy.past import past
from plimsoll.policy.reading import read
from plimsoll.policy.thresholds import GRID, solve
from plimsoll.schema import Column, Kind, Schema
from plimsoll.serve.answerer import Answerer

HERE = Path(__file__).resolve().parent
TWEETS = HERE.parents[1] / "shared" / "data" / "hate_offensive_tweets"
BOUND, CONFIDENCE = 0.01, 0.95
SEEN = 6_000  # tweets that a model learns from
COUNTS = (1_000, 5_000, 20_000, 100_000)
TASKS = {"hateful tweets": ("hate",), "abusive tweets": ("hate", "offensive")}
DRAWN = {"drawn, fair": 2.0, "drawn, well apart": 3.0}  # how far the middles stand from even odds, in log odds
SPREAD = 1.5  # of the log odds
SCHEMA = Schema((Column("n", Kind.NUMBER),), "label", ("fine", "bad"))
POLICY = f"""
name = "bound"
outcomes = ["block", "allow"]
limits = ["false_block_rate < {100 * BOUND:g} % at {100 * CONFIDENCE:g} %"]
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


@dataclass(frozen=True)
class Population:
    """What trials are drawn from: ``rate`` and ``recall`` are true, at each place of the grid and above it, the last."""

    score: Array
    bad: NDArray[np.bool_]
    rate: Array
    recall: Array

    @property
    def best(self) -> float:
        return float(self.recall[self.rate < BOUND].max())

    def at(self, threshold: float) -> tuple[float, float]:
        """(true rate, true recall) at a threshold of the grid; at 1, which solve gives where nothing may be caught, none."""
        place = len(GRID) if threshold >= 1.0 else int(np.searchsorted(GRID, threshold - 1e-9))
        return float(self.rate[place]), float(self.recall[place])


def counted(score: Array, bad: NDArray[np.bool_]) -> Population:
    """A population of which every event is here."""
    caught = [np.append((score[part][None, :] >= GRID[:, None]).mean(axis=1), 0.0) for part in (~bad, bad)]
    return Population(score, bad, caught[0], caught[1])


def tweets(right: tuple[str, ...]) -> Population:
    """Scores of a model of their words, for the tweets that it has not seen."""
    parts = [pl.read_ndjson(gzip.decompress((TWEETS / f"{name}.jsonl.gz").read_bytes())) for name in ("train", "test")]
    rows = pl.concat([part.select("text", "label") for part in parts]).sample(fraction=1.0, shuffle=True, seed=0)
    rows = rows.with_columns(label=pl.when(pl.col("label").is_in(right)).then(pl.lit("bad")).otherwise(pl.lit("fine")))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        plimsoll.fit(rows[:SEEN], predict="label", limits="train < 40 s", recipes=["text_ngrams"], out=out)
        answerer = Answerer(bundle.read(bundle.of(out)))
    found = answerer.decide(to_rows(rows[SEEN:], answerer.schema)).probabilities
    assert found is not None
    score = found[:, answerer.schema.classes.index("bad")]
    return counted(score, (rows[SEEN:]["label"] == "bad").to_numpy())


def drawn(apart: float, count: int = 2_000_000) -> Population:
    """Scores of which the true rates are known by their distribution; trials are drawn from so many."""
    random = np.random.default_rng(0)
    bad = random.random(count) < 0.1
    score = 1.0 / (1.0 + np.exp(-(random.normal(size=count) * SPREAD + np.where(bad, apart, -apart))))
    with np.errstate(divide="ignore"):
        odds = np.log(GRID) - np.log1p(-GRID)
    fine, caught = (np.append(stats.norm.sf((odds - middle) / SPREAD), 0.0) for middle in (-apart, apart))
    return Population(score, bad, fine, caught)


def trials(whole: Population, count: int, many: int) -> dict[str, Any]:
    """So many calibrations on ``count`` events each."""
    random = np.random.default_rng(count)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "p.toml").write_text(POLICY)
        policy = read(Path(folder) / "p.toml", SCHEMA)
    label = np.where(whole.bad, "bad", "fine")
    broken, lost, silent = 0, [], 0
    for _ in range(many):
        index = random.integers(0, len(label), count)
        frame = pl.DataFrame({"n": np.zeros(count), "label": label[index]})
        score = whole.score[index]
        at = solve(policy, past(policy, frame, SCHEMA, np.stack([1.0 - score, score], axis=1))).thresholds["block_at"]
        rate, recall = whole.at(at)
        broken += rate >= BOUND
        silent += at >= 1.0
        lost.append(100.0 * (whole.best - recall))
    share = stats.binomtest(broken, many, 1.0 - CONFIDENCE, alternative="greater")
    low, high = stats.binomtest(broken, many).proportion_ci(0.95)
    return {
        "broken": broken,
        "share": broken / many,
        "interval": [float(low), float(high)],
        "p": float(share.pvalue),
        "best": whole.best,
        "lost": float(np.median(lost)),
        "lost p90": float(np.quantile(lost, 0.9)),
        "within a point": float(np.mean(np.array(lost) <= 1.0)),
        "nothing promised": silent,
    }


def table(found: dict[str, Any]) -> str:
    lines = ["# A stated bound on harm", "", f"{_machine(found)}; `python benchmarks/harm_bound.py`.", ""]
    lines += [
        f"`false_block_rate < {100 * BOUND:g} % at {100 * CONFIDENCE:g} %`, {found['trials']} trials each.",
        "",
        "| score | labelled events | broken | 95 % interval | best recall | recall lost, median | lost, p90 |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, counts in found["found"].items():
        for count, each in counts.items():
            low, high = (f"{100 * end:.1f}" for end in each["interval"])
            lines.append(
                f"| {name} | {int(count):,} | {100 * each['share']:.1f} % | {low} to {high} % | {100 * each['best']:.1f} % | {each['lost']:.2f} points | {each['lost p90']:.2f} |"
            )
    doc = (__doc__ or "").split("\n\n")
    return "\n".join([*lines, "", doc[2].replace("\n", " "), "", doc[3].strip().replace("\n", " ")]) + "\n"


def _machine(found: dict[str, Any]) -> str:
    return f"{found['cores']} cores, {found['processor']}, Python {found['python']}, {found['when']}"


def main() -> int:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--trials", type=int, default=500)
    many = words.parse_args().trials
    card = machine.card()
    found: dict[str, Any] = {"processor": card["processor"], "cores": len(os.sched_getaffinity(0))}
    found |= {"python": platform.python_version(), "when": time.strftime("%Y-%m-%d"), "trials": many, "found": {}}
    makers = {name: partial(drawn, apart) for name, apart in DRAWN.items()}
    makers |= {name: partial(tweets, right) for name, right in TASKS.items()}
    for name, make in makers.items():
        whole = make()
        found["found"][name] = {str(count): trials(whole, count, many) for count in COUNTS}
        print(name, json.dumps(found["found"][name]), flush=True)
    (HERE / "results" / "harm_bound.json").write_text(json.dumps(found, indent=1) + "\n")
    (HERE / "results" / "harm_bound.md").write_text(table(found))
    surprising = [name for name, counts in found["found"].items() if any(e["p"] < 0.01 for e in counts.values())]
    if surprising:
        print(f"Broken more often than stated: {', '.join(surprising)}.", file=sys.stderr)
    return 1 if surprising else 0


if __name__ == "__main__":
    raise SystemExit(main())
