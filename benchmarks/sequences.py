"""Sequences: numbers of spoken digits and bouts of wrist gestures, by the symbols that are wrong in each.

    python benchmarks/sequences.py [--parts digits,gestures] [--rounds 1] [--seeds 1] [--seconds 300] [--small]

- ``digits``: the takes of ../shared/data/spoken_digits put together as numbers of five to ten digits of one speaker, 20 to 200 ms
  of quiet between them and faint noise under all, seeded. Takes of the official train split are learned from (each several
  times, in other numbers) but for two of each digit, by which training is stopped; those of the test split are tested on,
  each once; all speakers are in all.
- ``gestures``: ../shared/data/myo_wrist_gestures, sessions 1 and 2 learned from and session 3 tested on; a stream is a recording.

A moment every 50 ms. Each recipe is fitted by itself with the settings that stand here, on one core, the recipes in turn and the
order turned each round. What is scored is the character error rate: the least substitutions, insertions and deletions over
the symbols that were true, with answers read by CTC, rest being the blank: greedily, and by a beam of 16. Of a model of
moments a single moment of another class is a symbol too; its answers are read once more after a median over 250 ms.

Results are merged into results/sequences.json, and the table is results/sequences.md. ``--small`` is a smoke, and keeps nothing.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
from scipy.io import wavfile  # noqa: E402

from plimsoll import catalogue, ctc, machine  # noqa: E402
from plimsoll.clock import Clock  # noqa: E402
from plimsoll.edits import Edits, distance  # noqa: E402
from plimsoll.job import Decode, Job, Sensor, Task  # noqa: E402
from plimsoll.net_ctc import symbols  # noqa: E402
from plimsoll.recipe import Fold  # noqa: E402
from plimsoll.rows import Rows, Signals  # noqa: E402
from plimsoll.schema import Axis, Column, Kind, Layout, Schema  # noqa: E402

HERE = Path(__file__).resolve().parent
RESULTS, DATA = HERE / "results", HERE.parents[1] / "shared" / "data"
WINDOW, STRIDE = 0.25, 0.05  # seconds
QUIET, EDGE, NOISE = (0.02, 0.2), 0.3, 0.002  # seconds between digits, and around a number; of full scale
EVENED = 5  # moments of a median
APART = 18  # the first take that training is stopped by
EACH = 3  # times that a take is in a number that is learned from
Entry = dict[str, Any]
Stream = tuple[np.ndarray, np.ndarray]  # samples, shape (frames, channels), and the class at each frame


@dataclass(frozen=True)
class Asked:
    """What is learned from and tested on: the job, its columns, the fold, and test rows, of which ``stream`` is each one's."""

    job: Job
    schema: Schema
    fold: Fold
    test: Rows
    truth: np.ndarray
    stream: np.ndarray
    rest: int


def moments(streams: list[Stream], name: str, rate: float) -> tuple[Rows, np.ndarray, np.ndarray]:
    """A row every stride of each stream, the class at each, and the number of its stream."""
    begins = np.cumsum([0, *(len(samples) for samples, _ in streams)])[:-1]
    within = [
        np.arange(round(WINDOW * rate), len(samples) + 1, round(STRIDE * rate), dtype=np.int64)
        for samples, _ in streams
    ]
    whose = np.repeat(np.arange(len(streams)), [len(each) for each in within])
    target = np.concatenate([labels[when - 1] for (_, labels), when in zip(streams, within, strict=True)])
    signals = Signals(
        np.concatenate([samples for samples, _ in streams]), begins[whose], begins[whose] + np.concatenate(within)
    )
    return Rows(len(whose), {name: signals}), target.astype(np.int64), whose


def asked(
    learn: list[Stream], valid: list[Stream], test: list[Stream], layout: Layout, classes: tuple[str, ...]
) -> Asked:
    name = "signal"
    schema = Schema((Column(name, Kind.SIGNAL, layout=layout),), "said", classes)
    decode = Decode(WINDOW, STRIDE, rest="rest")
    job = Job("said", task=Task.MULTICLASS, decode=decode, signals=Sensor(rate=layout.rate))
    parts = [moments(streams, name, layout.rate) for streams in (learn, valid, test)]
    return Asked(job, schema, Fold(*parts[0][:2], *parts[1][:2]), *parts[2], classes.index("rest"))


def takes(part: str) -> dict[str, list[tuple[int, np.ndarray]]]:
    """The takes of each speaker that are in a part, "train", "valid" or "test": the digit, and its samples from -1 to 1."""
    found: dict[str, list[tuple[int, np.ndarray]]] = {}
    with (DATA / "spoken_digits" / "metadata.csv").open() as file:
        for row in csv.DictReader(file):
            held = "valid" if row["split"] == "train" and int(row["take"]) >= APART else row["split"]
            if held == part:
                samples = wavfile.read(DATA / "spoken_digits" / row["file"])[1].astype(np.float32) / 32_768
                found.setdefault(row["speaker"], []).append((int(row["label"]), samples))
    return found


def numbers(part: str, times: int, seed: int) -> Iterator[Stream]:
    """Numbers of one speaker each, every take as many times."""
    random = np.random.default_rng([seed, ("train", "valid", "test").index(part)])
    for spoken in takes(part).values():
        for _ in range(times):
            order, place = random.permutation(len(spoken)), 0
            while place < len(order):
                many = int(random.integers(5, 11))
                yield number([spoken[k] for k in order[place : place + many]], random)
                place += many


def number(spoken: list[tuple[int, np.ndarray]], random: np.random.Generator) -> Stream:
    rate, rest = 8_000, 10
    samples, labels = [np.zeros(round(EDGE * rate))], [np.full(round(EDGE * rate), rest)]
    for digit, take in spoken:
        quiet = round(random.uniform(*QUIET) * rate)
        samples += [take, np.zeros(quiet)]
        labels += [np.full(len(take), digit), np.full(quiet, rest)]
    samples, labels = [*samples, np.zeros(round(EDGE * rate))], [*labels, np.full(round(EDGE * rate), rest)]
    whole = np.concatenate(samples)
    whole = whole + NOISE * random.normal(size=len(whole))
    return whole.astype(np.float32)[:, None], np.concatenate(labels)


def digits(seed: int, small: bool) -> Asked:
    times = {"train": 1 if small else EACH, "valid": 1, "test": 1}
    learn, valid, test = (list(numbers(part, many, seed)) for part, many in times.items())
    layout = Layout(8_000.0, ("sound",))
    return asked(learn, valid, test[:8] if small else test, layout, (*map(str, range(10)), "rest"))


def gestures(seed: int, small: bool) -> Asked:
    arrays = np.load(DATA / "myo_wrist_gestures" / "signals.npz")
    emg, labels = arrays["emg"], arrays["labels"].astype(np.int64)
    parts: dict[str, list[Stream]] = {"1": [], "2": [], "3": []}
    with (DATA / "myo_wrist_gestures" / "recordings.csv").open() as file:
        for row in csv.DictReader(file):
            if small and row["participant"] > "P03":
                continue
            some = slice(int(row["start"]), int(row["start"]) + int(row["length"]))
            parts[row["session"]].append((emg[some], (labels[some] - 1) % 8))  # rest, which was 0, is the last
    layout = Layout(200.0, tuple(f"e{k}" for k in range(8)), (Axis("electrode", 8, ring=True),))
    apart = np.random.default_rng(seed).permutation(len(parts["2"])) % 4 == 0
    learn = parts["1"] + [each for each, held in zip(parts["2"], apart, strict=True) if not held]
    valid = [each for each, held in zip(parts["2"], apart, strict=True) if held]
    return asked(learn, valid, parts["3"], layout, (*map(str, range(1, 8)), "rest"))


# What each part is told by: the recipe, and its knobs where they are not the first ones.
RECIPES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "digits": {"tds_ctc": {}, "spectral_lstm": {}, "minirocket": {}},
    "gestures": {"tds_ctc": {}, "spectral_lstm": {}, "conv_gru": {}, "covariance_lda": {}},
}
PARTS: Mapping[str, Callable[[int, bool], Asked]] = {"digits": digits, "gestures": gestures}


def evened(answers: np.ndarray) -> np.ndarray:
    """Each moment as the median of it and the four before, causally."""
    held = np.concatenate([np.repeat(answers[:1], EVENED - 1, axis=0), answers])
    return np.median(np.lib.stride_tricks.sliding_window_view(held, EVENED, axis=0), axis=2)


def rate(found: Edits, true: int) -> Entry:
    parts = {"substitutions": found.substitutions, "insertions": found.insertions, "deletions": found.deletions}
    return {"rate": found.total / max(1, true), **parts, "true": true}


def read(answers: np.ndarray, given: Asked) -> Entry:
    """The character error rate of answers to the test rows, read in three ways."""
    ways: Mapping[str, Callable[[np.ndarray], list[int]]] = {
        "greedy": lambda part: ctc.greedy(part, given.rest)[0],
        "beam": lambda part: ctc.beamed(part, given.rest),
        "greedy, evened": lambda part: ctc.greedy(evened(part), given.rest)[0],
    }
    found, true = dict.fromkeys(ways, Edits()), 0
    for stream in np.unique(given.stream):
        own = given.stream == stream
        said = symbols(given.truth[own], given.rest)
        true += len(said)
        for way, told in ways.items():
            found[way] += distance(said, told(answers[own]))
    return {way: rate(each, true) for way, each in found.items()}


def fitted(name: str, knobs: Mapping[str, Any], given: Asked, seconds: float) -> Entry:
    """One fit and its answers to the test streams."""
    recipe = catalogue.find(name)
    if (why := recipe.refuse(given.job, given.schema)) is not None:
        return {"skipped": why}
    begun, clock = time.perf_counter(), Clock(seconds)
    model = recipe.fit(given.job, given.schema, given.fold, {**recipe.space.default, **knobs}, clock)
    fit = time.perf_counter() - begun
    answers = model.predict(given.test)
    right = float((answers.argmax(axis=1) == given.truth).mean())
    members = sum(map(len, model.members().values()))
    return {**read(answers, given), "moments": right, "fit": fit, "bytes": members, "settled": dict(model.settled)}


def part(name: str, words: argparse.Namespace) -> Entry:
    told: dict[str, list[Entry]] = {recipe: [] for recipe in words.recipes or RECIPES[name]}
    for turn in range(words.rounds):
        given = PARTS[name](turn % words.seeds, words.small)
        for recipe in list(told)[turn % len(told) :] + list(told)[: turn % len(told)]:
            knobs = {**RECIPES[name].get(recipe, {}), **({"epochs": 2} if words.small else {})}
            known = {knob: value for knob, value in knobs.items() if knob in catalogue.find(recipe).space.options}
            told[recipe].append(fitted(recipe, known, given, words.seconds))
            print(f"{name:<9} {recipe}: {brief(told[recipe][-1])}", flush=True)
    return {recipe: {"rounds": each} for recipe, each in told.items()}


def brief(entry: Entry) -> str:
    if "skipped" in entry:
        return f"skipped: {entry['skipped']}"
    rates = ", ".join(f"{way} {entry[way]['rate']:.3f}" for way in ("greedy", "beam", "greedy, evened"))
    return f"CER {rates}; moments right {entry['moments']:.3f}; fitted in {entry['fit']:.0f} s"


def table(record: Entry) -> str:
    card = record["machine"]
    lines = [
        "# Sequences",
        "",
        f"{card['cores']} cores, {card['processor']}, one of them used; `python benchmarks/sequences.py`. Character error rates, medians of the rounds.",
    ]
    for name, entry in record["parts"].items():
        lines += [
            "",
            f"## {name} ({entry['asked']})",
            "",
            "| recipe | greedy | beam | greedy, evened | moments right | fit, s | kB |",
        ]
        lines += [
            "|---|---:|---:|---:|---:|---:|---:|",
            *(row(recipe, each["rounds"]) for recipe, each in entry["found"].items()),
        ]
    return "\n".join([*lines, ""])


def row(recipe: str, rounds: list[Entry]) -> str:
    if "skipped" in rounds[0]:
        return f"| {recipe} | skipped: {rounds[0]['skipped']} | | | | | |"
    rates = [f"{median(each[way]['rate'] for each in rounds):.3f}" for way in ("greedy", "beam", "greedy, evened")]
    right, fit, size = (median(each[key] for each in rounds) for key in ("moments", "fit", "bytes"))
    return f"| {recipe} | {' | '.join(rates)} | {right:.3f} | {fit:.0f} | {size / 1e3:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of the benchmark: {','.join(PARTS)} (all)")
    parser.add_argument("--recipes", type=lambda text: text.split(","), help="these in place of each part's own")
    parser.add_argument("--rounds", type=int, default=1, help="of each fit (1)")
    parser.add_argument("--seeds", type=int, default=1, help="by which numbers are put together, in turn (1)")
    parser.add_argument("--seconds", type=float, default=300.0, help="that each fit may take (300)")
    parser.add_argument("--small", action="store_true", help="fewer streams, two epochs, and no results: a smoke")
    words = parser.parse_args()
    file = RESULTS / "sequences.json"
    record = json.loads(file.read_text()) if file.exists() else {"parts": {}}
    for name in words.parts.split(","):
        busy, found = machine.others_busy(0.5), part(name, words)
        when = f"{time.strftime('%Y-%m-%d')}, {words.rounds} rounds, fits of at most {words.seconds:g} s"
        record["parts"][name] = {"asked": when, "busy": busy, "found": found}
        record |= {"machine": machine.card(), "versions": machine.versions()}
        if not words.small:
            file.write_text(json.dumps(record, indent=1) + "\n")
            file.with_suffix(".md").write_text(table(record))
    print(table(record))


if __name__ == "__main__":
    main()
