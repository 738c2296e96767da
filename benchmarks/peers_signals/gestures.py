"""The recordings of wrist gestures as tables and windows, a bundle asked about them, and the one scoring code for all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from plimsoll import asked, infer, metrics, sources
from plimsoll.bundle import Bundle
from plimsoll.job import Job

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "myo_wrist_gestures"
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
MOMENTS = {"window": "260 ms", "rest": "0", "person": "participant", "session": "session"}
RATE, FRAMES, SWITCH = 200, 52, 1_000  # Hz; of 260 ms; frames of rest before a gesture
ASKED_ONE_BY_ONE = 2_000
Entry = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """How the benchmark was asked: seconds of a fit, rounds of a timing, and where its runs and tables lie."""

    seconds: float
    rounds: int
    small: bool
    scratch: Path
    choose: str = "cheapest"

    def table(self, name: str, keep: Callable[[pl.DataFrame], pl.DataFrame]) -> Path:
        """Some of the recordings, in a folder with the samples."""
        folder = self.scratch / name
        folder.mkdir(exist_ok=True)
        keep(recordings(self.small)).write_csv(folder / "recordings.csv")
        if not (folder / "signals.npz").exists():
            (folder / "signals.npz").symlink_to(DATA / "signals.npz")
        return folder / "recordings.csv"


@dataclass(frozen=True)
class Windows:
    """Moments of recordings with what is true of them and who they are of, shape (rows,)."""

    rows: Any
    target: np.ndarray
    people: np.ndarray
    schema: Any

    @property
    def last(self) -> np.ndarray:
        return np.asarray(self.rows.signals("emg").last(FRAMES))


def recordings(small: bool = False) -> pl.DataFrame:
    table = pl.read_csv(DATA / "recordings.csv")
    return table.filter(pl.col("participant").is_in(["P01", "P02", "P03", "P04"])) if small else table


def job(split: str, window: str = "260 ms") -> Job:
    found: Job = asked.stated(
        "labels",
        moments={**MOMENTS, "window": window},
        signals={"rate": "200 Hz", "ring": True},
        split=f"column:{split}",
    )
    return found


def windows(table: Path, given: Job, schema: Any = None) -> Windows:
    """Every moment of a table, as the job has them."""
    held = sources.read(table, given)
    if schema is None:
        schema = asked.ask(given, table, table).schema
    rows, target = infer.to_rows(held.frame, schema, held.samples), infer.to_target(held.frame, given, schema)
    return Windows(rows, np.asarray(target), held.frame["participant"].to_numpy(), schema)


def scored(truth: np.ndarray, labels: np.ndarray, people: np.ndarray) -> Entry:
    """The one scoring code: over all windows, and of each person."""
    each = {str(who): metrics.macro_f1(truth[people == who], labels[people == who]) for who in np.unique(people)}
    worst = min(each, key=lambda who: each[who])
    return {
        "macro_f1": metrics.macro_f1(truth, labels),
        "accuracy": metrics.accuracy(truth, labels),
        "balanced_accuracy": metrics.balanced_accuracy(truth, labels),
        "person_mean": float(np.mean(list(each.values()))),
        "person_worst": each[worst],
        "worst": worst,
        "windows": len(truth),
    }


def answered(made: Bundle, found: Windows) -> np.ndarray:
    """Calibrated answers of a bundle, shape (windows, classes)."""
    return np.asarray(made.calibration.apply(made.model().predict(found.rows)))


def judged(made: Bundle, table: Path) -> Entry:
    found = windows(table, made.job, made.schema)
    labels = made.calibration.labels(answered(made, found))
    return scored(found.target, np.asarray(labels), found.people)


def quantiles(seconds: np.ndarray | list[float]) -> Entry:
    """Of answers one at a time, in milliseconds."""
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1e3
    return {"p50_ms": float(p50), "p99_ms": float(p99)}


def command(*words: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **ONE_CORE}
    return subprocess.run(list(map(str, words)), env=environment, capture_output=True, text=True, check=False)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of what went wrong."""
    last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
    return last.partition(" See /")[0][:300]


def fit(bench: Bench, split: str, name: str, words: list[str], limits: str = "") -> tuple[Path, Entry]:
    """One run of ``plimsoll fit``, and what its run.json says of it."""
    out = bench.scratch / f"run-{split}-{name.replace(' ', '-')}"
    table = bench.table("all", lambda frame: frame)
    asked_for = [
        "--decode",
        "labels",
        "--rate",
        "200Hz",
        "--ring",
        "--rest",
        "0",
        "--person",
        "participant",
        "--session",
        "session",
    ]
    limit = f"train < {bench.seconds:g} s" + limits
    shutil.rmtree(out, ignore_errors=True)
    begun = time.perf_counter()
    done = command(
        sys.executable,
        "-m",
        "plimsoll",
        "fit",
        table,
        *asked_for,
        *words,
        "--split",
        f"column:{split}",
        "--limit",
        limit,
        "--choose",
        bench.choose,
        "--out",
        out,
    )
    if not (out / "bundle").exists():
        return out, {"skipped": said(done)}
    run = json.loads((out / "run.json").read_text())
    chosen = next(trial for trial in run["trials"] if trial["id"] == run["chosen"])
    kept = ("p50", "p99", "memory", "size", "train")
    return out, {
        "seconds": time.perf_counter() - begun,
        "note": said(done) if done.returncode else "",
        "recipe": chosen["recipe"],
        "knobs": chosen["knobs"],
        "tried": len(run["trials"]),
        "measured": {key: chosen["measured"][key] for key in kept if key in chosen["measured"]},
    }


def latency(made: Bundle, table: Path) -> Entry:
    """One window at a time, in process: the model's answer and its calibration."""
    found, model = windows(table, made.job, made.schema), made.model()
    reach = int(getattr(model, "reach", FRAMES))
    some = found.rows.take(np.linspace(0, len(found.target) - 1, ASKED_ONE_BY_ONE).astype(np.intp))
    asked_for = [(values[0][-reach:], *values[1:]) for part in some.chunks(100) for values in part.values(made.schema)]
    took = []
    for values in [*asked_for[:50], *asked_for]:  # the first requests pay for page faults
        begun = time.perf_counter()
        made.calibration.apply_one(model.answer(values))
        took.append(time.perf_counter() - begun)
    return quantiles(took[50:])


def shuffled(bench: Bench, split: str, seed: int) -> Path:
    folder = bench.scratch / f"order-{split}-{seed}"
    folder.mkdir(exist_ok=True)
    test = recordings(bench.small).filter(pl.col(split) == "test")
    random = np.random.default_rng(seed)
    parts = [
        part[random.permutation(part.height)]
        for part in test.partition_by("participant", "session", maintain_order=True)
    ]
    table = pl.concat(parts)
    arrays = dict(np.load(DATA / "signals.npz"))
    index = np.concatenate(
        [np.arange(start, start + length) for start, length in table.select("start", "length").rows()]
    )
    np.savez(folder / "signals.npz", **{key: array[index] for key, array in arrays.items()})
    starts = np.r_[0, np.cumsum(table["length"].to_numpy())[:-1]]
    table.with_columns(pl.Series("start", starts)).write_csv(folder / "recordings.csv")
    return folder / "recordings.csv"


def heard(frame: pl.DataFrame, who: str, seconds: int) -> pl.DataFrame:
    """Of session 1 so many seconds of each gesture, from its first switch on, with as much rest before it; 10 s are all."""
    own = frame.filter((pl.col("participant") == who) & (pl.col("session") == 1))
    if seconds >= 10:
        return own
    return own.with_columns(start=pl.col("start") + SWITCH - seconds * RATE, length=pl.lit(2 * seconds * RATE))
