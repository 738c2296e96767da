"""Wrist gestures: a net whole, in eight bits both ways, and without half and three quarters of its hidden units.

    python benchmarks/smaller.py [--recipe conv] [--epochs 8] [--width 64] [--rounds 400] [--people 12]

On ../shared/data/myo_wrist_gestures, a moment every 50 ms, the official split by session: the net is fitted on the first two
thirds of each session to learn from, early stopping looks at the last, and the test sessions score it. What is in eight bits is the same net
written anew; what is cut is trained on, taught by the whole, as in a run. Answers are timed one at a time, all nets in turn.

Results are written to results/smaller.json, and the table is results/smaller.md. One core.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from peers_signals.gestures import ONE_CORE, Bench, Entry, Windows, job, quantiles, scored, windows

from plimsoll import catalogue, machine, smaller
from plimsoll.clock import Clock
from plimsoll.recipe import Fold, Model

RESULTS = Path(__file__).resolve().parent / "results"
SPLIT = "split_session"
FORMS: Mapping[str, Mapping[str, Any]] = {
    "whole": {},
    "int8": {"numbers": "int8"},
    "int8 weights": {"numbers": "int8 weights"},
    "half cut": {"pruned": 0.5},
    "half cut, int8": {"pruned": 0.5, "numbers": "int8"},
    "three quarters cut": {"pruned": 0.75},
    "three quarters cut, int8": {"pruned": 0.75, "numbers": "int8"},
}
SECONDS = 600.0  # that a fit may take; with so many, none is cut short


def tables(bench: Bench, people: int) -> tuple[Windows, Windows]:
    """(what is learned from, what is tested), of the first so many people."""
    some = [f"P{number:02d}" for number in range(1, people + 1)]

    def part(name: str) -> Path:
        kept = (pl.col(SPLIT) == name) & pl.col("participant").is_in(some)
        return bench.table(f"{name}-{people}", lambda frame: frame.filter(kept))

    learn = windows(part("train"), job(SPLIT))
    return learn, windows(part("test"), job(SPLIT), learn.schema)


def fold(learn: Windows) -> Fold:
    """Early stopping looks at the last third of each stream."""
    signals = learn.rows.signals("emg")
    lengths = {start: signals.ends[signals.starts == start].max() - start for start in np.unique(signals.starts)}
    within = (signals.ends - signals.starts) / np.array([lengths[start] for start in signals.starts])
    held = within > 2.0 / 3.0
    rows, target = learn.rows, learn.target
    return Fold(rows.take(np.flatnonzero(~held)), target[~held], rows.take(np.flatnonzero(held)), target[held])


def fitted(recipe: str, knobs: Mapping[str, Any], learn: Windows, given: Fold) -> dict[str, tuple[Model, float]]:
    """Each form of the net, and the seconds that it took; eight bits are the fitted net written anew."""
    family, found = catalogue.find(recipe), dict[str, tuple[Model, float]]()
    for name, change in FORMS.items():
        begun, numbers = time.perf_counter(), change.get("numbers")
        if numbers is None:
            asked = {**family.space.default, **knobs, **change}
            model = family.fit(job(SPLIT), learn.schema, given, asked, Clock(SECONDS))
        else:
            whole = found[name.removesuffix(", int8") if "," in name else "whole"][0]
            members = smaller.written(whole, whole.members(), given.train, numbers)
            model = family.load(job(SPLIT), learn.schema, members)
        found[name] = model, time.perf_counter() - begun
        print(f"{name}: {found[name][1]:.1f} s", flush=True)
    return found


def timed(models: Mapping[str, Model], test: Windows, rounds: int) -> dict[str, list[float]]:
    """Seconds of an answer, all models in turn on the same moment."""
    took: dict[str, list[float]] = {name: [] for name in models}
    some = test.rows.take(np.linspace(0, len(test.target) - 1, rounds).astype(np.intp))
    reach = max(int(getattr(model, "reach", 52)) for model in models.values())
    for turn, values in enumerate(value for part in some.chunks(100) for value in part.values(test.schema)):
        cell = (values[0][-reach:], *values[1:])
        for name, model in models.items():
            begun = time.perf_counter()
            model.answer(cell)
            if turn >= rounds // 10:  # the first pay for page faults
                took[name].append(time.perf_counter() - begun)
    return took


def measured(models: Mapping[str, tuple[Model, float]], test: Windows, rounds: int) -> dict[str, Entry]:
    took, found = timed({name: model for name, (model, _) in models.items()}, test, rounds), {}
    first = models["whole"][0].predict(test.rows).argmax(axis=1)
    for name, (model, seconds) in models.items():
        labels = model.predict(test.rows).argmax(axis=1)
        size = sum(map(len, model.members().values()))
        alike = float((labels == first).mean())
        scores = scored(test.target, labels, test.people)
        found[name] = {"bytes": size, "alike": alike, "seconds": seconds, **quantiles(took[name]), **scores}
    return found


def table(held: Mapping[str, Any]) -> str:
    head = "| net | kB | µs, p50 | µs, p99 | macro-F1 | balanced accuracy | as the whole | fit, s |\n|---|---|---|---|---|---|---|---|\n"
    lines = [
        f"| {name} | {each['bytes'] / 1e3:.1f} | {1e3 * each['p50_ms']:.1f} | {1e3 * each['p99_ms']:.1f} | {each['macro_f1']:.3f} "
        f"| {each['balanced_accuracy']:.3f} | {each['alike']:.1%} | {each['seconds']:.1f} |\n"
        for name, each in held["found"].items()
    ]
    busy = (
        "" if held["busy"] is None else f" Other processes took {held['busy']:.0%} of the machine's cores at the start."
    )
    return f"# A net made smaller\n\n{held['asked']}.{busy}\n\n{head}{''.join(lines)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--recipe", default="conv", help="of a net (conv)")
    parser.add_argument("--epochs", type=int, default=8, help="that each may learn for (8)")
    parser.add_argument("--width", type=int, default=64, help="of the whole (64)")
    parser.add_argument("--rounds", type=int, default=400, help="answers that each is timed with (400)")
    parser.add_argument("--people", type=int, default=12, help="the first so many (12)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="a folder for the results (results)")
    given = parser.parse_args()
    os.environ.update(ONE_CORE)
    with tempfile.TemporaryDirectory() as scratch:
        learn, test = tables(Bench(SECONDS, given.rounds, False, Path(scratch)), given.people)
        busy = machine.others_busy(0.5)
        knobs = {"epochs": given.epochs, "width": given.width}
        models = fitted(given.recipe, knobs, learn, fold(learn))
        said = f"{given.recipe}, {given.people} people, width {given.width}, at most {given.epochs} epochs"
        held = {"asked": said, "busy": busy, "found": measured(models, test, given.rounds)}
    held |= {"machine": machine.card(), "versions": machine.versions()}
    (given.out / "smaller.json").write_text(json.dumps(held, indent=1) + "\n")
    (given.out / "smaller.md").write_text(table(held))
    print(table(held))


if __name__ == "__main__":
    main()
