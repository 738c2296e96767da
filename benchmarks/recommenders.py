"""Recommenders on the small MovieLens: scores, seconds of a fit, one history's latency, and iALS beside that of implicit.

    OPENBLAS_NUM_THREADS=1 python benchmarks/recommenders.py [--data ../shared/data/movielens_small] [--peer] [--scale]

Settings were chosen on the last event but one of each person (valid); the last (test) is reported. All items that were not
seen are ranked; who shares a score stands behind. Times are of the process's own seconds, for other work may run
beside it. ``--peer`` needs ``implicit`` 0.7.3 and compares fits of as many factors, rounds and steps on one thread, in turn;
``--scale`` counts transitions of made-up events among many items, and says what was held beside what was foretold.
"""

from __future__ import annotations

import argparse
import gzip
import re
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from plimsoll import als, content, ease, neighbours, popular, ranker, tandem, transitions
from plimsoll.rows import Histories
from plimsoll.scorer import Scorer, matrix

SEEDS = 3


def read(folder: Path) -> tuple[Callable[[int], Histories], np.ndarray]:
    """Histories that end before each person's last so many events, and what is known of items: year and genres."""
    with gzip.open(folder / "interactions.csv.gz") as file:
        events = pl.read_csv(file.read()).sort("user_id", "timestamp", "item_id")
    with gzip.open(folder / "items.csv.gz") as file:
        known = {row["item_id"]: row for row in pl.read_csv(file.read()).iter_rows(named=True)}
    ids, items = np.unique(events["item_id"].to_numpy(), return_inverse=True)
    _, lengths = np.unique(events["user_id"].to_numpy(), return_counts=True)
    ends, times = np.cumsum(lengths), events["timestamp"].to_numpy()
    weights = np.ones(len(items), dtype=np.float32)
    genres = sorted({genre for row in known.values() for genre in row["genres"].split("|")})
    years = [int((re.findall(r"\((\d{4})\)", known[item]["title"]) or ["1990"])[-1]) for item in ids]
    hot = [[genre in known[item]["genres"].split("|") for genre in genres] for item in ids]
    table = np.column_stack([years, np.array(hot)]).astype(np.float32)
    return lambda back: Histories(items.astype(np.int32), times, weights, ends - lengths, ends - back, len(ids)), table


def quality(model: Scorer, told: Histories) -> tuple[float, float]:
    """(HR@10, nDCG@10) of the event that follows each history."""
    hits = gains = 0.0
    for row, scores in enumerate(model.scores(told)):
        target = scores[told.items[told.ends[row]]]
        scores[told.cell(row)] = -np.inf
        place = int((scores >= target).sum())
        hits, gains = hits + (place <= 10), gains + (place <= 10) / np.log2(place + 1)
    return hits / len(told), gains / len(told)


def latency(model: Scorer, told: Histories, asked: int = 2_000) -> tuple[float, float]:
    """(p50, p99) of one history to its ten best, in milliseconds."""
    took = []
    for row in np.random.default_rng(0).integers(len(told), size=asked):
        items, weights = told.cell(row), told.weights[told.starts[row] : told.ends[row]]
        begun = time.thread_time()
        left = -model.score_one(items, weights)
        left[items] = np.inf
        best = np.argpartition(left, 10)[:10]
        best[np.argsort(left[best])]
        took.append(1e3 * (time.thread_time() - begun))
    return float(np.percentile(took, 50)), float(np.percentile(took, 99))


def families(table: np.ndarray) -> dict[str, Callable[[Histories, int], Scorer]]:
    def ranked(told: Histories, seed: int) -> Scorer:
        makers = (transitions.fit, lambda seen: ease.fit(seen, alpha=0.9, keep=200), _short, popular.fit)
        return ranker.fit(told, makers, 2, table[:, :1], seed=seed)

    return {
        "popular": lambda told, _: popular.fit(told),
        "recently popular, 10 % of the time": lambda told, _: popular.fit(told, 0.1),
        "content (genres)": lambda _told, _: content.of_features(table[:, 1:]),
        "nearest, cosine": lambda told, _: neighbours.cosine(told, keep=50, alpha=0.7),
        "nearest, walk": lambda told, _: neighbours.walk(told, power=0.4, beta=0.6),
        "iALS, 64 factors": lambda told, seed: als.fit(told, ridge=0.01, alpha=0.7, seed=seed),
        "EASE": lambda told, _: ease.fit(told),
        "EASE, 500 links an item": lambda told, _: ease.fit(told, keep=500),
        "transitions": lambda told, _: transitions.fit(told),
        "EASE (0.9) + 8 × transitions": lambda told, _: tandem.Tandem(
            ease.fit(told, alpha=0.9), transitions.fit(told), 8.0
        ),
        "learned ranker": ranked,
    }


def _short(told: Histories) -> Scorer:
    return transitions.fit(told, window=3, gamma=0.7, alpha=0.5)


def table_of(folder: Path) -> None:
    before, table = read(folder)
    print("| model | valid HR@10 / nDCG@10 | test | fit, s | p50, ms | p99, ms |\n|---|---|---|---|---|---|")
    for name, fit in families(table).items():
        seeds = range(SEEDS if name in ("learned ranker", "iALS, 64 factors") else 1)
        valid = np.mean([quality(fit(before(2), seed), before(2)) for seed in seeds], axis=0)
        begun = time.process_time()
        models = [fit(before(1), seed) for seed in seeds]
        spent = (time.process_time() - begun) / len(models)
        test = np.mean([quality(model, before(1)) for model in models], axis=0)
        shown = " | ".join(f"{hits:.3f} / {gain:.3f}" for hits, gain in (valid, test))
        print(
            f"| {name} | {shown} | {spent:.1f} | {' | '.join(f'{each:.2f}' for each in latency(models[0], before(1)))} |",
            flush=True,
        )


def peer(folder: Path, rounds: int = 5, turns: int = 5) -> None:
    from implicit.als import AlternatingLeastSquares

    for label, told in (
        ("MovieLens small", read(folder)[0](1)),
        ("made up, 0.8 million", made_up(6_040, 3_706, 10**6)),
    ):
        seen = matrix(told)
        for factors in (32, 64, 128):
            own, theirs = [], []
            for _ in range(turns):
                begun = time.process_time()
                als.fit(told, factors=factors, rounds=rounds)
                own.append(time.process_time() - begun)
                model = AlternatingLeastSquares(
                    factors=factors, iterations=rounds, alpha=5, num_threads=1, random_state=0
                )
                begun = time.process_time()
                model.fit(seen, show_progress=False)
                theirs.append(time.process_time() - begun)
            print(
                f"{label}, {factors} factors: {min(own):.2f} s, implicit {min(theirs):.2f} s, ratio {min(own) / min(theirs):.2f}",
                flush=True,
            )


def made_up(people: int, many: int, events: int) -> Histories:
    """People of very different activity, items of very different popularity."""
    rng = np.random.default_rng(0)
    lengths = rng.pareto(1.3, people) + 0.3
    lengths = np.clip(lengths / lengths.sum() * events, 5, many // 3).astype(np.int64)
    odds = 1.0 / (np.arange(many) + 20.0)
    items = rng.choice(many, int(lengths.sum()), p=odds / odds.sum()).astype(np.int32)
    ends = np.cumsum(lengths)
    return Histories(items, np.arange(len(items)), np.ones(len(items), np.float32), ends - lengths, ends, many)


def scale(many: int = 100_000, events: int = 4_000_000) -> None:
    told = made_up(events // 100, many, events)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    begun = time.process_time()
    model = transitions.fit(told, keep=200)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    foretold = transitions.memory(many, len(told), len(told.items), keep=200)
    spent = time.process_time() - begun
    print(
        f"transitions of {len(told.items):,} events among {many:,} items: {spent:.0f} s, {held / 2**20:.0f} MiB held, "
        f"{foretold / 2**20:.0f} MiB foretold, {len(model.values):,} links"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/movielens_small"))
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--scale", action="store_true")
    given = parser.parse_args()
    if given.peer:
        peer(given.data)
    if given.scale:
        scale()
    if not (given.peer or given.scale):
        table_of(given.data)
