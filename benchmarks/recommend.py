"""Lists of items: whole fits on the small MovieLens by both splits, one user's latency, iALS beside implicit, and a hundred million events.

    OPENBLAS_NUM_THREADS=1 python benchmarks/recommend.py [--parts fit,single,latency,beside,peer,scale] [--seconds 60] [--rounds 5]

On ../shared/data/movielens_small, full catalogue, ties pessimistic, chosen on valid and reported on test:

- ``fit``: ``plimsoll fit --choose best`` by ``split_last`` and by ``split_time``, all recipes but SASRec, in the time that is said;
- ``single``: the best of each recipe alone by ``split_time``, beside the chosen of all (costs are of the chosen, popular or it);
- ``latency``: one user, from a request's bytes to the bytes of ten items, of 10,000 items made up by a seeded power law (synthetic);
- ``beside``: implicit's own models at their own settings by ``split_last``;
- ``peer``: ``als.fit`` beside implicit 0.7.3, as many factors, rounds and steps, one thread each, in turn;
- ``scale``: ``--recipes transitions,ials`` on made-up events (``--events``, synthetic) under ``train_memory < 8 GB``: what was held.

Results are merged into results/recommend.json, and the table is results/recommend.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from plimsoll import als, machine, ranking, relevance
from plimsoll.rows import Histories
from plimsoll.scorer import matrix
from plimsoll.testing.crowds import Crowd

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
DATA = HERE.parents[1] / "shared" / "data" / "movielens_small"
FAMILIES = ("popular", "transitions", "content", "rp3beta", "item_knn", "ease", "ease_transitions", "ials", "ranker")
SHOWN = ("ndcg@10", "hit_rate@10", "mrr@10", "coverage@10", "popularity@10", "novelty@10", "diversity@10")
ASKED = 2_000
Entry = dict[str, Any]


def fitted(source: Path, out: Path, words: Sequence[str], of: str = "") -> Entry:
    """One run of ``plimsoll fit``, and what its record says of the chosen model, or of the best one ``of`` a family."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "plimsoll", "fit", str(source), *words, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    spent = time.perf_counter() - begun
    if not (out / "run.json").exists():
        return {"skipped": (done.stderr.strip() or "no reason given").splitlines()[-1]}
    run = json.loads((out / "run.json").read_text())
    chosen = next((each for each in run["trials"] if each["id"] == run["chosen"]), None)
    if chosen is None:
        return {"skipped": run["why"] or "nothing fitted", "seconds": spent}
    models = run["evidence"]["lists"]["models"]
    told = models[of if of in models else chosen["recipe"]]["groups"]
    return {
        "recipe": of if of in models else chosen["recipe"],
        "knobs": chosen["knobs"],
        "valid": chosen["score"],
        "test": run["test"],
        "figures": told["all"]["figures"],
        "groups": {name: {"rows": each["rows"], **each["figures"]} for name, each in told.items()},
        "measured": {name: chosen["measured"][name] for name in ("p50", "p99", "memory", "size", "train_memory")},
        "families": run["evidence"]["lists"]["audit"].get("families", []),
        "trials": len([each for each in run["trials"] if each["status"] != "ruled_out"]),
        "seconds": spent,
        "note": done.stderr.strip().splitlines()[-1] if done.returncode else "",
    }


def _words(split: str, seconds: float, recipes: Sequence[str]) -> list[str]:
    job = ["--recommend", "item_id", "--to", "user_id", "--time", "timestamp", "--items", str(DATA / "items.csv.gz")]
    limit = ["--limit", f"train < {seconds:g} s", "--choose", "best", "--recipes", ",".join(recipes)]
    return [*job, "--split", f"column:{split}", *limit]


def fits(scratch: Path, given: argparse.Namespace) -> Entry:
    found = {}
    for split in ("split_last", "split_time"):
        words = _words(split, given.seconds, FAMILIES)
        found[split] = fitted(DATA / "interactions.csv.gz", scratch / split, words)
        print(f"fit      {split}: {_brief(found[split])}", flush=True)
    return found


def single(scratch: Path, given: argparse.Namespace) -> Entry:
    found = {}
    for name in FAMILIES:
        words = _words("split_time", given.seconds / 2, (name,))
        found[name] = fitted(DATA / "interactions.csv.gz", scratch / f"single-{name}", words, name)
        print(f"single   {name}: {_brief(found[name])}", flush=True)
    return found


def latency(scratch: Path, given: argparse.Namespace) -> Entry:
    """Every family's own, on one crowd; users are asked about by their ids, over and over."""
    from plimsoll import bundle
    from plimsoll.serve.answering import answering

    who, what, when = Crowd(users=5_000, items=10_000, events=500_000, tastes=40).drawn()
    table = scratch / "crowd.parquet"
    pl.DataFrame({"user": who, "item": what, "when": when}).write_parquet(table)
    found = {}
    for name in FAMILIES:
        if name == "content":  # nothing is known of these items
            continue
        job = ["--recommend", "item", "--to", "user", "--time", "when", "--recipes", name, "--choose", "best"]
        out = scratch / f"latency-{name}"
        told = fitted(table, out, [*job, "--limit", f"train < {given.seconds:g} s"])
        if "skipped" in told:
            found[name] = told
            continue
        served = answering(bundle.read(out / "bundle"))
        bodies = [json.dumps({"user": int(user)}).encode() for user in np.random.default_rng(0).choice(who, ASKED)]
        took = []
        for body in [*bodies[:200], *bodies]:
            begun = time.perf_counter()
            served.answer(body)
            took.append(time.perf_counter() - begun)
        p50, p99 = (float(np.quantile(took[200:], share)) * 1e3 for share in (0.5, 0.99))
        found[name] = {"recipe": told["recipe"], "p50_ms": p50, "p99_ms": p99, "test": told["test"]}
        print(f"latency  {name}: p50 {p50:.3f} ms, p99 {p99:.3f} ms", flush=True)
    return found


def peer(scratch: Path, given: argparse.Namespace) -> Entry:
    try:
        from implicit.als import AlternatingLeastSquares
    except ImportError:
        return {"skipped": "implicit 0.7.3 is not installed"}
    found = {}
    for label, told in (("movielens_small", _movies()), ("made up, 0.8 million", made_up(6_040, 3_706, 10**6))):
        seen = matrix(told)
        for factors in (32, 64, 128):
            own, theirs = [], []
            for _ in range(given.rounds):
                own.append(_timed(lambda told=told, factors=factors: als.fit(told, factors=factors, rounds=5)))
                model = AlternatingLeastSquares(factors=factors, iterations=5, alpha=5, num_threads=1, random_state=0)
                theirs.append(_timed(lambda model=model, seen=seen: model.fit(seen, show_progress=False)))
            ratio = median(a / b for a, b in zip(own, theirs, strict=True))
            found[f"{label}, {factors} factors"] = {"ours": median(own), "implicit": median(theirs), "ratio": ratio}
            print(f"peer     {label}, {factors} factors: {ratio:.2f} × implicit's time", flush=True)
    return found


def beside(scratch: Path, given: argparse.Namespace) -> Entry:
    """implicit's own models at their own settings on ``split_last``, learned from all but the test, by the one scoring code."""
    try:
        from implicit.als import AlternatingLeastSquares
        from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
    except ImportError:
        return {"skipped": "implicit 0.7.3 is not installed"}
    whole = _movies()
    told = replace(whole, ends=whole.ends - 1)
    truth = np.zeros((len(told), 1), dtype=ranking.GRADED)
    truth["item"][:, 0], truth["grade"] = whole.items[told.ends], 1.0
    seen = matrix(told)
    found = {}
    for name, model in (
        ("ALS, 64 factors", AlternatingLeastSquares(factors=64, num_threads=1, random_state=0)),
        ("cosine, 100 nearest", CosineRecommender(K=100, num_threads=1)),
        ("BM25, 100 nearest", BM25Recommender(K=100, num_threads=1)),
    ):
        spent = _timed(lambda model=model: model.fit(seen, show_progress=False))
        lists, took = ranking.nothing(len(told)), []
        for row in range(len(told)):
            items, scores = model.recommend(row, seen[row], N=ranking.DEPTH)
            lists["item"][row, : len(items)], lists["score"][row, : len(items)] = items, scores
            begun = time.perf_counter()
            model.recommend(row, seen[row], N=10)
            took.append(time.perf_counter() - begun)
        held = ranking.found(lists, truth)
        figures = {each: relevance.mean(relevance.each(each, held)) for each in ("ndcg@10", "hit_rate@10")}
        found[name] = {**figures, "seconds": spent, "p99_ms": float(np.quantile(took, 0.99)) * 1e3}
        print(f"beside   {name}: {found[name]}", flush=True)
    return found


def _timed(call: Callable[[], Any]) -> float:
    begun = time.process_time()
    call()
    return time.process_time() - begun


def _movies() -> Histories:
    events = pl.read_csv(DATA / "interactions.csv.gz").sort("user_id", "timestamp", "item_id")
    items = np.unique(events["item_id"].to_numpy(), return_inverse=True)[1].astype(np.int32)
    _, lengths = np.unique(events["user_id"].to_numpy(), return_counts=True)
    ends, weights = np.cumsum(lengths), np.ones(len(items), np.float32)
    return Histories(items, events["timestamp"].to_numpy(), weights, ends - lengths, ends, int(items.max()) + 1)


def made_up(people: int, many: int, events: int) -> Histories:
    """People of very different activity, items of very different popularity."""
    random = np.random.default_rng(0)
    lengths = random.pareto(1.3, people) + 0.3
    lengths = np.clip(lengths / lengths.sum() * events, 5, many // 3).astype(np.int64)
    odds = 1.0 / (np.arange(many) + 20.0)
    items = random.choice(many, int(lengths.sum()), p=odds / odds.sum()).astype(np.int32)
    ends = np.cumsum(lengths)
    return Histories(items, np.arange(len(items)), np.ones(len(items), np.float32), ends - lengths, ends, many)


def scale(scratch: Path, given: argparse.Namespace) -> Entry:
    """A fit that is watched from outside: the most that any process held, and all of them together."""
    folder = scratch / "events"
    folder.mkdir()
    crowd = Crowd(users=given.events // 100, items=50_000, events=given.events, tastes=50)
    for number, (who, what, when) in enumerate(crowd.parts()):
        part = {"user": who.astype(np.int32), "item": what.astype(np.int32), "when": when}
        pl.DataFrame(part).write_parquet(folder / f"part-{number:03d}.parquet")
    job = ["--recommend", "item", "--to", "user", "--time", "when", "--recipes", "transitions,ials"]
    limit = ["--limit", f"train < {given.window:g} min, train_memory < 8 GB"]
    out = scratch / "scale"
    words = [sys.executable, "-m", "plimsoll", "fit", str(folder), *job, *limit, "--out", str(out)]
    begun = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    most = whole = 0
    while process.poll() is None:
        held = [resident(pid) for pid in tree(process.pid)]
        most, whole = max(most, *(each for each, _ in held)), max(whole, sum(own for _, own in held))
        time.sleep(0.5)
    spent = time.perf_counter() - begun
    run = json.loads((out / "run.json").read_text()) if (out / "run.json").exists() else {"trials": [], "chosen": None}
    trials = [
        {name: each.get(name) for name in ("id", "recipe", "status", "why", "share")}
        | {"train_memory": each["measured"].get("train_memory"), "score": each.get("score")}
        for each in run["trials"]
        if each["status"] != "ruled_out"
    ]
    said = (process.stderr.read() if process.stderr else "").strip().splitlines()
    return {
        "events": given.events,
        "seconds": spent,
        "most_of_a_process": most,
        "own_of_all": whole,
        "chosen": run["chosen"],
        "test": run.get("test"),
        "trials": trials,
        "note": said[-1] if said and process.returncode else "",
    }


def tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = place.read_text()
        except OSError:
            continue
        children.setdefault(int(text.rsplit(")", 1)[1].split()[1]), []).append(int(place.parent.name))
    found, left = [], [root]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def resident(pid: int) -> tuple[int, int]:
    """Bytes that are resident, and those of them that no file stands behind."""
    try:
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    except OSError:
        return 0, 0
    return tuple(int(lines.get(name, "0 kB").split()[0]) * 1024 for name in ("VmRSS", "RssAnon"))  # type: ignore[return-value]


PARTS: Mapping[str, Callable[[Path, argparse.Namespace], Entry]] = {
    "fit": fits,
    "single": single,
    "latency": latency,
    "beside": beside,
    "peer": peer,
    "scale": scale,
}


def _brief(entry: Entry) -> str:
    if "skipped" in entry:
        return str(entry["skipped"])
    figures = ", ".join(f"{name} {entry['figures'][name][1]:.3f}" for name in SHOWN[:2])
    return f"{entry['recipe']}, {figures}, p99 {1e3 * entry['measured']['p99']:.2f} ms, {entry['seconds']:.0f} s"


def table(held: Mapping[str, Any]) -> str:
    """The page of results."""
    parts = {name: part["found"] for name, part in held["parts"].items()}
    when = ", ".join(f"{name} ({part['asked']})" for name, part in sorted(held["parts"].items()))
    lines = ["# Lists of items", "", f"{held['machine']}; `python benchmarks/recommend.py`. Parts: {when}.", ""]
    if told := {**parts.get("fit", {}), **{f"split_time, {k} alone": v for k, v in parts.get("single", {}).items()}}:
        lines += ["Small MovieLens, full catalogue; chosen on valid, reported on test.", ""]
        lines += [
            f"| | chosen | {' | '.join(SHOWN)} | p50 / p99, ms | memory, MB | fit, s |",
            "|---|---" + "|---:" * (len(SHOWN) + 3) + "|",
        ]
        lines += [_line(name, entry) for name, entry in told.items()]
    if told := parts.get("latency"):
        lines += [
            "",
            "One user to ten of 10,000 items (synthetic), bytes to bytes in process.",
            "",
            "| | p50, ms | p99, ms |",
            "|---|---:|---:|",
        ]
        lines += [
            f"| {name} | {e['p50_ms']:.3f} | {e['p99_ms']:.3f} |"
            if e.get("recipe") == name
            else f"| {name} | {e.get('skipped') or 'its run chose ' + e['recipe']} | |"
            for name, e in told.items()
        ]
    if told := parts.get("beside"):
        lines += [
            "",
            "implicit 0.7.3 at its own settings, `split_last`.",
            "",
            "| | ndcg@10 | hit_rate@10 | p99 of one user, ms | fit, s |",
            "|---|---:|---:|---:|---:|",
        ]
        lines += [
            f"| {name} | {e['ndcg@10']:.3f} | {e['hit_rate@10']:.3f} | {e['p99_ms']:.2f} | {e['seconds']:.1f} |"
            for name, e in told.items()
            if isinstance(e, dict)
        ]
    if told := parts.get("peer"):
        lines += [
            "",
            "iALS beside implicit 0.7.3, as many factors, rounds and steps, one thread; medians, in turn.",
            "",
        ]
        lines += ["| | ours, s | implicit, s | ratio |", "|---|---:|---:|---:|"]
        lines += [
            f"| {name} | {e['ours']:.2f} | {e['implicit']:.2f} | {e['ratio']:.2f} |"
            for name, e in told.items()
            if isinstance(e, dict)
        ]
    if told := parts.get("scale"):
        lines += [
            "",
            f"{told['events']:,} events (synthetic) under `train_memory < 8 GB`: {told['seconds'] / 60:.0f} min; any process at most {told['most_of_a_process'] / 1e9:.1f} GB resident, all together {told['own_of_all'] / 1e9:.1f} GB of their own. {told['note']}",
            "",
        ]
        lines += ["| trial | recipe | share | status | train_memory, GB | ndcg@10 |", "|---|---|---:|---|---:|---:|"]
        lines += [
            f"| {e['id']} | {e['recipe']} | {e['share']:.2g} | {e['status']} | {(e['train_memory'] or 0) / 1e9:.2f} | {e['score']['value'] if e['score'] else float('nan'):.3f} |"
            for e in told["trials"]
        ]
    return "\n".join(lines) + "\n"


def _line(name: str, entry: Entry) -> str:
    if "skipped" in entry:
        return f"| {name} | {entry['skipped']} |" + " |" * (len(SHOWN) + 3)
    figures = " | ".join(f"{entry['figures'][each][1]:.3f}" if each in entry["figures"] else "–" for each in SHOWN)
    costs = entry["measured"]
    return f"| {name} | {entry['recipe']} | {figures} | {1e3 * costs['p50']:.2f} / {1e3 * costs['p99']:.2f} | {costs['memory'] / 1e6:.0f} | {entry['seconds']:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--parts", default="fit,single,latency,beside,peer", help=f"of {','.join(PARTS)} (all but scale)"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="of a fit (60)")
    parser.add_argument("--rounds", type=int, default=5, help="of the timings beside implicit (5)")
    parser.add_argument("--events", type=int, default=100_000_000, help="of scale (100 million)")
    parser.add_argument("--window", type=float, default=40.0, help="minutes of scale (40)")
    given = parser.parse_args()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    record("recommend", PARTS, table, given)


def record(
    name: str,
    parts: Mapping[str, Callable[[Path, argparse.Namespace], Any]],
    page: Callable[[Mapping[str, Any]], str],
    given: argparse.Namespace,
) -> None:
    """Carries out the parts that are asked for and merges what each finds into the results of this name, and their page."""
    file, told = RESULTS / f"{name}.json", RESULTS / f"{name}.md"
    held = json.loads(file.read_text()) if file.exists() else {"parts": {}}
    for part in given.parts.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            busy, found = machine.others_busy(0.5), parts[part](Path(scratch), given)
        when = f"{time.strftime('%Y-%m-%d')}, {given.seconds:g} s"
        held["parts"][part] = {"found": found, "asked": when, "busy": busy}
        held |= {"machine": _machine(), "versions": machine.versions()}
        file.write_text(json.dumps(held, indent=1) + "\n")
        told.write_text(page(held))
    print(told.read_text())


def _machine() -> str:
    card = machine.card()
    return f"{card['cores']} cores, {card['processor']}"


if __name__ == "__main__":
    main()
