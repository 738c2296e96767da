"""Wrist gestures: Plimsoll's decoders beside classic features with LDA, and its MiniRocket beside aeon's.

    python benchmarks/signals.py [--parts fit,classic,rocket,order,person,events] [--seconds 240] [--choose best]
        [--rounds 3] [--small]

On ../shared/data/myo_wrist_gestures (12 people, three sessions), both splits, a moment every 50 ms; one scoring code for all.

- ``fit``: ``plimsoll fit`` with 260 ms windows (``--window``), and with as much of the past as each recipe likes;
- ``classic``: Hudgins' features with LDA as LibEMG 2.0.3 computes them, on the same 260 ms windows: for each person by
  itself on a new session, pooled for a new person. Without LibEMG the published formulas, marked so;
- ``rocket``: the first fit of MiniRocket in a new process (aeon 1.6.0 compiles with nothing cached, and with its cache),
  and the warm one after it, ours and aeon's in turn; and our features with the kernels that aeon drew;
- ``order``: the bundles of ``fit`` on sessions whose recordings stand in another order. The protocol is the same for
  everybody, and a model with a long memory could learn it;
- ``person``: ``plimsoll personalise`` with seconds of each gesture of session 1, tested on sessions 2 and 3;
- ``events``: false activations at rest with at least 80 % detected, on a new session.

What is not installed is skipped, and the reason stands in the table. Peers live in environments of their own:

    python -m venv ~/.cache/plimsoll-bench/libemg && ~/.cache/plimsoll-bench/libemg/bin/pip install libemg==2.0.3
    python -m venv ~/.cache/plimsoll-bench/aeon && ~/.cache/plimsoll-bench/aeon/bin/pip install aeon==1.6.0

Results are merged into results/signals.json, and the table is results/signals.md. One core; ``--small`` is a smoke of minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
from peers_signals.gestures import (
    ONE_CORE,
    Bench,
    Entry,
    answered,
    command,
    fit,
    heard,
    job,
    judged,
    latency,
    quantiles,
    recordings,
    said,
    scored,
    shuffled,
    windows,
)
from peers_signals.telling import brief, table

from plimsoll import asked, bundle, event_figures, machine
from plimsoll import events as deciding
from plimsoll.bundle import Bundle
from plimsoll.minirocket import Kernels

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PEERS = Path("~/.cache/plimsoll-bench").expanduser()
SPLITS = ("split_session", "split_participant")
WINDOWS = {"260 ms": ["--window", "260ms"], "any look-back": []}
ROCKET_FEATURES, ROCKET_WINDOWS = 1_000, 4_000
CALIBRATED = (1, 3, 10)  # seconds of each gesture


def fits(bench: Bench) -> Entry:
    """Part ``fit``."""
    found: Entry = {}
    for split in SPLITS:
        table = bench.table(f"test-{split}", lambda frame, split=split: frame.filter(pl.col(split) == "test"))
        for name, words in WINDOWS.items():
            out, entry = fit(bench, split, name, words)
            if "skipped" not in entry:
                made = bundle.read(out / "bundle")
                entry |= judged(made, table) | {"latency": latency(made, table)}
            found[f"{split}, {name}"] = entry
            print(f"fit      {split}, {name}: {brief(entry)}", flush=True)
    return found


def classic(bench: Bench) -> Entry:
    """Part ``classic``: LibEMG's own environment where it is there, else ours with the published formulas."""
    peer = PEERS / "libemg" / "bin" / "python"
    found: Entry = {}
    for split in SPLITS:
        learn, test = (
            windows(
                bench.table(
                    f"{part}-{split}", lambda frame, split=split, part=part: frame.filter(pl.col(split) == part)
                ),
                job(split),
            )
            for part in ("train", "test")
        )
        alone = split == "split_session"
        groups = {
            "learn_group": learn.people if alone else np.zeros(len(learn.people)),
            "test_group": test.people if alone else np.zeros(len(test.people)),
        }
        given, made = bench.scratch / "asked.npz", bench.scratch / "found.npz"
        np.savez(
            given,
            learn=learn.last,
            learn_target=learn.target,
            test=test.last,
            **{key: each.astype(str) for key, each in groups.items()},
        )
        done = command(peer if peer.exists() else sys.executable, HERE / "peers_signals" / "classic.py", given, made)
        if done.returncode:
            found[split] = {"skipped": said(done)}
            continue
        told = np.load(made)
        entry = scored(test.target, told["predicted"], test.people)
        found[split] = {
            **entry,
            "how": str(told["how"]),
            "seconds": float(told["took"]),
            "latency": quantiles(told["each"]),
        }
        print(f"classic  {split}: {brief(found[split])}", flush=True)
    return found


def rocket(bench: Bench) -> Entry:
    """Part ``rocket``: in turn, each in a process of its own; aeon with an empty cache, and then with what it left there."""
    peer = PEERS / "aeon" / "bin" / "python"
    held = windows(
        bench.table("train-split_session", lambda frame: frame.filter(pl.col("split_session") == "train")),
        job("split_session"),
    )
    some = held.last[
        np.random.default_rng(0).permutation(len(held.target))[: ROCKET_WINDOWS // (4 if bench.small else 1)]
    ]
    source, script = bench.scratch / "windows.npy", HERE / "peers_signals" / "rocket.py"
    np.save(source, some)
    told: dict[str, list[Entry]] = {"plimsoll": [], "aeon, nothing cached": [], "aeon, cached": []}
    for turn in range(bench.rounds):
        cache = bench.scratch / f"numba-{turn}"
        for name in list(told) if turn % 2 == 0 else ["aeon, nothing cached", "aeon, cached", "plimsoll"]:
            who, made = name.split(",")[0], bench.scratch / f"rocket-{name.split(',')[0]}.npz"
            python = sys.executable if who == "plimsoll" else peer
            if not Path(python).exists():
                continue
            done = command("env", f"NUMBA_CACHE_DIR={cache}", python, script, who, source, made, ROCKET_FEATURES)
            if done.returncode:
                return {"skipped": f"{name}: {said(done)}"}
            figures = np.load(made)
            told[name].append({key: float(figures[key]) for key in ("importing", "first", "warm")})
            print(f"rocket   {name}: {told[name][-1]}", flush=True)
    return {
        **compared(told),
        "windows": len(some),
        "features": ROCKET_FEATURES,
        "rounds": bench.rounds,
        **equal(bench.scratch / "rocket-aeon.npz", some),
    }


def compared(told: Mapping[str, list[Entry]]) -> Entry:
    """Medians over the rounds, and how many times ours aeon needs: the median of each round's own ratio."""
    sides = {
        name: {key: median(each[key] for each in rounds) for key in rounds[0]}
        for name, rounds in told.items()
        if rounds
    }
    ratios = {}
    for name, key in (("aeon, nothing cached", "first"), ("aeon, cached", "first"), ("aeon, cached", "warm")):
        if told[name]:
            ratios[f"{name}, {key}"] = median(
                peer[key] / ours[key] for peer, ours in zip(told[name], told["plimsoll"], strict=True)
            )
    return {"sides": sides, "times": ratios, "each": dict(told)}


def equal(made: Path, some: np.ndarray) -> Entry:
    """How far our features are from aeon's with aeon's own kernels."""
    if not made.exists():
        return {"equal": {"skipped": f"aeon is not installed in {PEERS.name}/aeon"}}
    peer = np.load(made)
    kernels = Kernels(
        peer["dilations"].astype(np.int64),
        peer["per"].astype(np.int64),
        peer["mixes"],
        peer["biases"],
        np.ones(some.shape[2]),
    )
    apart = np.abs(kernels.features(some) - peer["features"])
    return {
        "equal": {
            "largest": float(apart.max()),
            "share_over_1e-5": float((apart > 1e-5).mean()),
            "compared": int(apart.size),
        }
    }


def bundles(bench: Bench) -> Iterator[tuple[str, str, Bundle]]:
    """(split, window, bundle) of the runs of part ``fit`` that are there."""
    for split in SPLITS:
        for name in WINDOWS:
            folder = bench.scratch / f"run-{split}-{name.replace(' ', '-')}" / "bundle"
            if folder.exists():
                yield split, name, bundle.read(folder)


def order(bench: Bench) -> Entry:
    """Part ``order``: the same test recordings, those of each session in three other orders, laid one after another."""
    found: Entry = {}
    for split, name, made in bundles(bench):
        plain = judged(
            made, bench.table(f"test-{split}", lambda frame, split=split: frame.filter(pl.col(split) == "test"))
        )
        memory = (
            "carries a state"
            if hasattr(made.model(), "step")
            else f"looks back {getattr(made.model(), 'reach', '?')} frames"
        )
        others = [judged(made, shuffled(bench, split, seed))["macro_f1"] for seed in range(3)]
        found[f"{split}, {name}"] = {
            "recipe": made.recipe,
            "memory": memory,
            "macro_f1": plain["macro_f1"],
            "shuffled": others,
        }
        print(
            f"order    {split}, {name}: {plain['macro_f1']:.3f}, in other orders {', '.join(f'{each:.3f}' for each in others)}",
            flush=True,
        )
    return found or {"skipped": "there is no run of part fit; ask for --parts fit,order"}


def person(bench: Bench) -> Entry:
    """Part ``person``: a new person's own seconds of each gesture of session 1; sessions 2 and 3 are the test."""
    if command(sys.executable, "-m", "plimsoll", "personalise", "--help").returncode:
        return {"skipped": "there is no plimsoll personalise"}
    made = [(name, made) for split, name, made in bundles(bench) if split == "split_participant"]
    if not made:
        return {"skipped": "there is no run of part fit; ask for --parts fit,person"}
    found: Entry = {}
    for name, general in made:
        folder = bench.scratch / f"run-split_participant-{name.replace(' ', '-')}" / "bundle"
        for seconds in (0, *CALIBRATED):
            found[f"{name}, {seconds} s"] = personal(bench, general, folder, seconds)
            print(f"person   {name}, {seconds} s: {brief(found[f'{name}, {seconds} s'])}", flush=True)
    return found


def personal(bench: Bench, general: Bundle, folder: Path, seconds: int) -> Entry:
    """The bundle made each test person's own, and all of their windows of sessions 2 and 3 scored together."""
    truth, labels, people, took = [], [], [], []
    test = (
        recordings(bench.small).filter(pl.col("split_participant") == "test")["participant"].unique(maintain_order=True)
    )
    for who in test.to_list():
        own, made = bench.scratch / f"own-{folder.parent.name}-{who}-{seconds}", general
        if seconds:
            few = bench.table(f"few-{who}-{seconds}", lambda frame, who=who: heard(frame, who, seconds))
            begun = time.perf_counter()
            done = command(sys.executable, "-m", "plimsoll", "personalise", folder, few, "--out", own)
            took.append(time.perf_counter() - begun)
            if done.returncode:
                return {"skipped": said(done)}
            made = bundle.read(bundle.of(own))
        later = (pl.col("participant") == who) & (pl.col("session") > 1)
        asked_for = windows(
            bench.table(f"later-{who}", lambda frame, later=later: frame.filter(later)), made.job, made.schema
        )
        truth.append(asked_for.target)
        labels.append(made.calibration.labels(answered(made, asked_for)))
        people.append(asked_for.people)
    entry = scored(*map(np.concatenate, (truth, labels, people)))
    return {**entry, "personalise_seconds": median(took) if took else 0.0}


def events(bench: Bench) -> Entry:
    """Part ``events``: a run that is asked to find 80 % of the events with 60 made up in an hour of rest, and what its rule does on the new session."""
    out, entry = fit(bench, "split_session", "events", [], ", detection_rate > 0.8, false_activations_per_hour < 60")
    if "skipped" in entry:
        plain = {f"{split}, {name}": made for split, name, made in bundles(bench)}
        if not (made := plain.get("split_session, any look-back")) or made.rule is None:
            return entry
        entry = {"recipe": made.recipe, "note": f"{entry['skipped']} These are of the run without that limit."}
    else:
        made = bundle.read(out / "bundle")
    assert made.rule is not None
    held = asked.ask(made.job, bench.table("all", lambda frame: frame), None).test
    answers = made.calibration.apply(made.model().predict(held.rows))
    rule, timeline = made.rule, held.truth.timeline
    decided = deciding.decisions(rule, answers, timeline)
    return {
        **entry,
        "rule": rule.as_json(),
        **event_figures.figures(timeline, held.truth.target, decided, held.truth.units).as_json(),
    }


PARTS: Mapping[str, Callable[[Bench], Entry]] = {
    "fit": fits,
    "classic": classic,
    "rocket": rocket,
    "order": order,
    "person": person,
    "events": events,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of the benchmark: {','.join(PARTS)} (all)")
    parser.add_argument("--seconds", type=float, default=240.0, help="that each plimsoll fit may take (240)")
    parser.add_argument("--choose", default="cheapest", help="as plimsoll fit has it: cheapest, or best (cheapest)")
    parser.add_argument("--rounds", type=int, default=3, help="of the timings of MiniRocket (3)")
    parser.add_argument(
        "--small", action="store_true", help="four people, and results to a folder of their own: a smoke"
    )
    parser.add_argument("--keep", type=Path, help="a folder for runs and tables, to go on in (one that is thrown away)")
    given = parser.parse_args()
    os.environ.update(ONE_CORE)
    with tempfile.TemporaryDirectory() as fresh:
        scratch = given.keep or Path(fresh)
        scratch.mkdir(parents=True, exist_ok=True)
        name = "signals_small" if given.small else "signals"
        results = scratch if given.small else RESULTS
        held = (
            json.loads((results / f"{name}.json").read_text()) if (results / f"{name}.json").exists() else {"parts": {}}
        )
        for part in given.parts.split(","):
            bench = Bench(given.seconds, given.rounds, given.small, scratch, given.choose)
            busy, found = machine.others_busy(0.5), PARTS[part](bench)
            when = f"{time.strftime('%Y-%m-%d')}, fits of {given.seconds:g} s, the {given.choose}"
            held["parts"][part] = {"found": found, "asked": when, "busy": busy}
            held |= {"machine": machine.card(), "versions": machine.versions()}
            (results / f"{name}.json").write_text(json.dumps(held, indent=1) + "\n")
            (results / f"{name}.md").write_text(table(held))
        print((results / f"{name}.md").read_text())


if __name__ == "__main__":
    main()
