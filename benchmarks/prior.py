"""Real trials for the cost model's prior: small and large, of every recipe, on many data sets.

    python benchmarks/prior.py [--sets adult,vowel] [--seconds 30] [--core 1] [--out FILE]

Each set is fitted with settings of each recipe that applies (the default, one of the portfolio, seeded ones): on 400 rows
and on 1,600, as a probe would, and on all its rows (16,000 at most), where the model is then metered as it is
served. What met a slow spell of the core is run again, a few times where it is short. One trial is one line of
benchmarks/results/trials.jsonl, with what was known before it ran, and the pace of the core meanwhile. Sets: those of
../shared/data that have rows and one target, and its tabular_suite; those that ship with scikit-learn; the docstrings of
packages that are installed; and a few synthetic ones, marked so. Everything runs on one core, which should be left alone
for about an hour; what is there already is not run again.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import math
import os
import sysconfig
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from plimsoll import asked, bundle, calibration, card, catalogue, meter, profile
from plimsoll.asked import Asked
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.demo import docstrings
from plimsoll.errors import TrialError
from plimsoll.job import Job
from plimsoll.knobs import Knobs
from plimsoll.metrics import score
from plimsoll.pace import now
from plimsoll.rows import Coded, Rows
from plimsoll.runner import Outcome, Workbench
from plimsoll.trial import Status
from plimsoll.truth import Part
from plimsoll.workbench import store

RESULTS = Path(__file__).parent / "results" / "trials.jsonl"
SHARED = Path(__file__).parents[2] / "shared" / "data"
SIZES = (400, 1_600, 16_000)
TRIES, PATIENCE = 5, 1.5  # of a fit or a metering that met a slow spell, and the seconds after which none follows
CALM = 1.12  # times the core's best pace
UNSEEN = 2_000  # rows that each model is scored on
SETTINGS = {"trees": 10, "linear": 4, "text_ngrams": 4}  # seeded ones, beside the default and one of the portfolio
# Whose docstrings are texts, and how many words of each are read.
PACKAGES = {"stdlib": 100, "numpy": 40, "scipy": 25, "sklearn": 60, "pandas": 40, "polars": 30}
LEAST = 700  # docstrings that make a set
MOST_CLASSES = 8

# Sets whose rows are lines of a file: (file, target, what is ignored).
FILES = {
    "adult": ("adult/train.csv.gz", "income", ()),
    "california_housing": ("california_housing/train.csv.gz", "median_house_value", ()),
    "clothing_reviews": ("clothing_reviews/train.csv.gz", "recommended", ("rating",)),
    "hate_offensive_tweets": (
        "hate_offensive_tweets/train.jsonl.gz",
        "label",
        ("votes_hate", "votes_offensive", "votes_neither"),
    ),
    "vader_score": ("vader_sentiment/train.jsonl.gz", "score", ("id", "label")),
    "movielens_rating": ("movielens_small/interactions.csv.gz", "rating", ("split_last", "split_time")),
}


@dataclass(frozen=True)
class Source:
    name: str
    data: Any
    target: str
    ignored: tuple[str, ...] = ()
    synthetic: bool = False


def sources(data: Path) -> Iterator[Source]:
    """Every set that there is on this machine."""
    for name, (file, target, ignored) in FILES.items():
        if (data / file).exists():
            yield Source(name, str(data / file), target, ignored)
    suite = data / "tabular_suite" / "index.csv"
    if suite.exists():
        for name in pl.read_csv(suite)["name"]:
            yield Source(name, str(suite.parent / f"{name}.csv.gz"), "target")
    yield from _shipped()
    yield from _synthetic()


def _shipped() -> Iterator[Source]:
    from sklearn import datasets

    for name in ("breast_cancer", "diabetes", "digits", "wine"):
        found = getattr(datasets, f"load_{name}")()
        frame = pl.DataFrame(found.data, schema=[f"c{k}" for k in range(found.data.shape[1])])
        target = pl.Series("target", found.target)
        yield Source(name, frame.with_columns(target if name == "diabetes" else target.cast(pl.String)), "target")
    for package, words in PACKAGES.items():
        if (frame := _texts(package, words)) is not None:
            yield Source(f"docstrings_{package}", frame, "part")


def _texts(package: str, words: int) -> pl.DataFrame | None:
    """Docstrings of a package and the part of it that each is from; nothing where it has too few."""
    spec = importlib.util.find_spec(package) if package != "stdlib" else None
    if package != "stdlib" and (spec is None or spec.origin is None):
        return None
    place = Path(spec.origin).parent if spec and spec.origin else Path(sysconfig.get_paths()["stdlib"])
    rows = sorted({(part, " ".join(text.split()[:words])) for part, text in docstrings(place)})
    count = Counter(part for part, _ in rows)
    kept = {part for part, many in count.most_common(MOST_CLASSES) if many >= 50}
    rows = [row for row in rows if row[0] in kept]
    return pl.DataFrame(rows, schema=["part", "text"], orient="row") if len(rows) >= LEAST and len(kept) > 1 else None


def _synthetic() -> Iterator[Source]:
    """Tables with more columns, and texts with longer lines, than the real ones have."""
    for columns, classes, rows in ((200, 2, 8_000), (60, 6, 20_000), (8, 2, 50_000)):
        random = np.random.default_rng(columns)
        values = random.normal(size=(rows, columns))
        signal = values[:, :5] @ random.normal(size=(5, classes)) + values[:, [5]] * values[:, [6]]
        target = np.argmax(signal + random.normal(size=(rows, classes)), axis=1)
        frame = pl.DataFrame(values.round(4), schema=[f"n{k}" for k in range(columns)])
        yield Source(
            f"gaussian_{columns}", frame.with_columns(target=pl.Series(target).cast(pl.String)), "target", (), True
        )
    random = np.random.default_rng(9)
    words = np.array([f"{a}{b}{c}{d}" for a, b, c, d in itertools.product("bdkmnrst", "aeiou", "lmnrst", "aeio")])
    drawn = words[random.zipf(1.25, (6_000, 120)) % len(words)]
    label = (drawn == words[7]).any(axis=1) ^ (random.random(6_000) < 0.1)
    texts = [" ".join(row) for row in drawn]
    yield Source("zipf_texts", pl.DataFrame({"text": texts, "target": label.astype(str)}), "target", (), True)


def known(found: Asked, part: Part, recipe: str, knobs: Knobs) -> dict[str, Any]:
    """What can be said of a trial before it runs."""
    told = profile.of(part.rows, part.truth.target, found.schema)
    return {
        "recipe": recipe,
        "knobs": dict(knobs),
        "task": found.job.task.value,
        "profile": {name: round(value, 6) for name, value in told.as_json().items()},
    }


def parts(found: Asked) -> Iterator[Part]:
    """The rows to learn from, at each size; a size that is nearly another is left out."""
    last = 0
    for size in SIZES:
        size = min(size, len(found.learn))
        if size > 1.5 * last:
            yield drawn(found, size)
            last = size


def drawn(found: Asked, size: int) -> Part:
    """So many of the rows to learn from: of fewer, all are among those of more."""
    order = np.random.default_rng(0).permutation(len(found.learn))
    return found.learn.take(np.sort(order[:size]))


def lay_out(found: Asked, part: Part, folder: Path) -> Part:
    """Puts a size's rows on disk, and the rows that its models are scored on; gives the latter."""
    unseen = found.test.take(np.arange(min(UNSEEN, len(found.test))))
    both = Rows(len(part) + len(unseen), {name: _joined(part.rows, unseen.rows, name) for name in part.rows.columns})
    store(folder / "rows", both, np.concatenate([part.truth.target, unseen.truth.target]))
    index = np.arange(len(both))
    np.savez(folder / "folds.npz", learn0=index[: len(part)], unseen0=index[len(part) :])
    sample = part.rows.take(np.arange(min(1_000, len(part))))
    (folder / "requests.jsonl").write_bytes(meter.requests(sample.values(found.schema), found.schema.names))
    return unseen


def _joined(one: Rows, other: Rows, name: str) -> Any:
    a, b = one.columns[name], other.columns[name]
    if isinstance(a, Coded) and isinstance(b, Coded):
        return Coded.of([*a.texts(), *b.texts()])
    return np.concatenate([a, b])  # type: ignore[list-item]  # both are arrays


def scored(found: Asked, outcome: Outcome, unseen: Part) -> tuple[Calibration, float]:
    """How a trial's answers are read, and its score on the rows that it had not seen."""
    _, raw = outcome.answers()
    truth = unseen.truth.target
    fitted = calibration.fit(truth, raw, found.job.score, 0.9)
    answers = fitted.apply(raw) if raw.ndim > 1 else raw
    labels = fitted.labels(answers) if raw.ndim > 1 else raw
    return fitted, score(found.job.score, truth, answers, labels)


def metered(
    found: Asked, entry: Mapping[str, Any], outcome: Outcome, fitted: Calibration, folder: Path
) -> dict[str, Any]:
    """What a trial's model costs as it is served."""
    knobs = {**entry["knobs"], **outcome.settled}
    made = Bundle(found.job, found.schema, entry["recipe"], knobs, fitted, outcome.members(), {})
    bundle.write(folder / "bundle", made)
    reading = calmest(
        lambda: meter.measure(folder / "bundle", folder / "requests.jsonl", folder, 30.0), lambda found: found.pace
    )
    costs = {name: reading.measured.middle(name) for name in ("p50", "p99", "memory", "size", "cold_start")}
    entry["paces"]["p50"] = reading.pace
    return {**costs, "notes": reading.notes}


Found = TypeVar("Found")


def calmest(measure: Callable[[], Found], pace: Callable[[Found], float]) -> Found:
    """What is measured again where the core was in a slow spell, a few times while that is short: the one at the best pace."""
    found = []
    begun = time.monotonic()
    while len(found) < TRIES and (not found or time.monotonic() - begun < PATIENCE):
        found.append(measure())
        if pace(found[-1]) < CALM * best():
            break
    return min(found, key=lambda each: pace(each) or math.inf)


@cache
def best() -> float:
    """The best pace of this core, looked for over five seconds."""
    end, paces = time.monotonic() + 5.0, []
    while time.monotonic() < end:
        paces.append(now())
    return sorted(paces)[len(paces) // 100]


def trial(
    found: Asked, entry: dict[str, Any], unseen: Part, folder: Path, bench: Workbench, seconds: float, full: bool
) -> dict[str, Any]:
    spec = {
        "job": found.job.as_json(),
        "schema": found.schema.as_json(),
        "recipe": entry["recipe"],
        "knobs": entry["knobs"],
        "share": 1.0,
        "rows": str(folder / "rows"),
        "folds": str(folder / "folds.npz"),
        "only": [0],
    }
    bench.wait(30.0)
    outcome = calmest(
        lambda: bench.run(spec, folder / "trial", seconds, None), lambda found: max(found.paces.values(), default=0.0)
    )
    entry |= {"paces": dict(outcome.paces), "full": full, "unseen": len(unseen)}
    entry |= {"status": outcome.status.value, "why": outcome.why}
    entry |= {"cpu": outcome.cpu, "wall": outcome.wall or seconds, "train_memory": outcome.memory, "cut": outcome.cut}
    if outcome.status is Status.FITS:
        entry |= {"model": outcome.size, "answer": outcome.answer, "settled": dict(outcome.settled)}
        try:
            fitted, value = scored(found, outcome, unseen)
            entry |= {"metric": found.job.score, "score": value}
            entry |= metered(found, entry, outcome, fitted, folder) if full else {}
        except TrialError as fault:
            entry |= {"why": str(fault)}
    return entry


def settings(source: str, recipe: str) -> list[Knobs]:
    """The default, one of the portfolio, and seeded ones: others for each set, so that none goes with what sets share."""
    space = catalogue.find(recipe).space
    if not space.options:
        return [{}]
    drawn = list(space.settings(zlib.crc32(f"{source} {recipe} 0".encode()), 1 + len(space.portfolio) + 40))
    known, fresh = drawn[1 : 1 + len(space.portfolio)], drawn[1 + len(space.portfolio) :]
    turn = zlib.crc32(source.encode()) % len(known)
    return [drawn[0], known[turn], *fresh[: SETTINGS[recipe]]]


def run(source: Source, bench: Workbench, seconds: float, done: set[str]) -> Iterator[dict[str, Any]]:
    """Every trial of a set that is not done yet."""
    found = asked.ask(Job(source.target, ignore=source.ignored), source.data, None)
    sizes = list(parts(found))
    for part in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            unseen = lay_out(found, part, Path(scratch))
            for name in catalogue.names():
                if catalogue.find(name).refuse(found.job, found.schema) is not None:
                    continue
                for knobs in settings(source.name, name):
                    entry = {"set": source.name, "synthetic": source.synthetic, **known(found, part, name, knobs)}
                    if key(entry) not in done:
                        yield trial(found, entry, unseen, Path(scratch), bench, seconds, part is sizes[-1])


def key(entry: Mapping[str, Any]) -> str:
    return json.dumps([entry["set"], entry["recipe"], entry["knobs"], entry["profile"]["rows"]], sort_keys=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sets", default="", help="names, with commas between them (all)")
    parser.add_argument("--seconds", type=float, default=30.0, help="that a fit may take (30)")
    parser.add_argument(
        "--core", type=int, default=(os.cpu_count() or 1) - 1, help="that everything runs on (the last)"
    )
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    wanted = set(given.sets.split(",")) - {""}
    lines = given.out.read_text().splitlines() if given.out.exists() else []
    done = {key(entry) for line in lines if "set" in (entry := json.loads(line))}
    os.sched_setaffinity(0, {given.core})
    bench = Workbench()
    with given.out.open("a", encoding="utf-8") as file:
        # The trials that follow were run on this machine; those before it may have been run on another.
        file.write(json.dumps({"card": card.measure().as_json()}) + "\n")
        for source in sources(given.data):
            if wanted and source.name not in wanted:
                continue
            for entry in run(source, bench, given.seconds, done):
                file.write(json.dumps(entry) + "\n")
                file.flush()
                print(
                    f"{entry['set']:<22} {entry['recipe']:<12} {entry['profile']['rows']:>6} rows {entry['wall']:8.2f} s",
                    flush=True,
                )
    bench.stop()


if __name__ == "__main__":
    main()
