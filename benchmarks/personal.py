"""A new person calibrated on seconds of one session, scored on their later ones: macro-F1 over all moments of all of them.

``python benchmarks/personal.py [--data recordings.csv] [--seconds 60] [--recipes A,B] [--out personal.json]``

People of the split's test side are nobody whom the model has learned from. Each is calibrated on at most 0, 1, 3 and 10 s a
gesture of the first session; sessions 2 and 3 are scored, all people's moments together, and the mean and the worst person.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

import plimsoll
from plimsoll import bundle, metrics, person, personal
from plimsoll.scoring import deciding

DATA = Path(__file__).parents[2] / "shared" / "data" / "myo_wrist_gestures" / "recordings.csv"


def fitted(data: Path, out: Path, seconds: float, recipes: list[str]) -> Path:
    """Everybody's bundle: of the nine people on the train side."""
    moments = {"window": "260 ms", "person": "participant", "session": "session", "rest": "0"}
    signals = {"rate": "200 Hz", "ring": True}
    plimsoll.fit(
        str(data), predict="labels", moments=moments, signals=signals, split="column:split_participant", recipes=recipes,
        limits=f"train < {seconds:g} s", out=out,
    )  # fmt: skip
    return out / "bundle"


def calibrated(place: Path, data: Path, seconds: float) -> dict[str, float]:
    """Macro-F1 over the later moments of all test people together, the mean over people and the worst of them."""
    table = pl.read_csv(data)
    people = table.filter(pl.col("split_participant") == "test")["participant"].unique().sort().to_list()
    made, truth, labels, each = bundle.read(place), [], [], []
    for name in people:
        held = person.read(made, str(data), name)
        used = held.own.chosen(max(seconds, held.own.stride), made.schema.classes)
        later = held.own.later(held.own.chosen(10.0, made.schema.classes))  # the same moments whatever calibrates
        own = held.adapted(used) if seconds else made
        truth.append(held.own.target[later])
        labels.append(deciding(own)(held.rows.take(later))[1])
        each.append(metrics.macro_f1(truth[-1], labels[-1]))
    together = metrics.macro_f1(np.concatenate(truth), np.concatenate(labels))
    return {"seconds": seconds, "together": together, "mean": float(np.mean(each)), "worst": min(each)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the fit of everybody's model")
    parser.add_argument("--recipes", default="")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        names = [name for name in given.recipes.split(",") if name]
        place = fitted(given.data, Path(scratch) / "run", given.seconds, names)
        rows = [calibrated(place, given.data, seconds) for seconds in personal.SECONDS]
        told = {"recipe": bundle.read(place).recipe, "knobs": dict(bundle.read(place).knobs), "rows": rows}
    print(
        f"{told['recipe']} {told['knobs']}\n\n| seconds a gesture | all together | mean person | worst person |\n|---|---|---|---|"
    )
    for row in rows:
        print(f"| {row['seconds']:g} | {row['together']:.3f} | {row['mean']:.3f} | {row['worst']:.3f} |")
    if given.out:
        given.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
