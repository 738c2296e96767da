"""Search: whole fits on Cranfield cross-validated over its queries, one query's latency, and a million documents, beside bm25s and tantivy.

    OPENBLAS_NUM_THREADS=1 python benchmarks/search.py [--parts cranfield,limited,families,single,build,million,scale,meaning] [--seconds 60]

On ../shared/data/cranfield (relevance as it is given, what is not judged is not relevant) and on a million documents made up by a
seeded Zipf law (``--documents``, synthetic):

- ``cranfield``: ``plimsoll fit --choose best`` five times, each on four fifths of the queries; the fifth that is left is the test;
- ``limited``: the same with ``p99 < 0.5 ms`` stated;
- ``families``: the same with one family of recipes alone, on the first fold;
- ``single``: one query, text to ten documents, of 1,400; our index, bm25s with numba and tantivy after the same analyser, query by query in turn;
- ``build``: an index of the made-up documents, from text, each library in a process of its own, in turn: seconds, peak memory, bytes on disk;
- ``million``: one query of them, as ``single``;
- ``scale``: ``plimsoll fit --recipes bm25`` on them under ``train_memory < 4 GB``: what was held;
- ``meaning``: one query by LSA alone, of documents that are drawn together from sentences of Python's documentation (``--drawn``), through a graph and by
  looking at all, in turn; and how much of the first ten the graph finds, for queries that it was not settled by.

Results are merged into results/search.json, and the table is results/search.md.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from recommend import record, resident, tree

from plimsoll import dense, inverted
from plimsoll.analysis import Analyser
from plimsoll.bm25 import Bm25
from plimsoll.weighing import Weighing

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "shared" / "data" / "cranfield"
LIBRARIES = ("ours", "bm25s", "tantivy")
FAMILIES = ("bm25", "lsa", "fused", "reranked")
FOLDS = 5
SETTLED = 400  # queries that cells are settled by
QUICK = "p99 < 0.5 ms"
VOCABULARY, EXPONENT, MEDIAN_WORDS = 200_000, 1.07, 50
ASKED, WARM = 2_000, 200
Entry = dict[str, Any]
Ask = Callable[[str], Any]


# Cranfield


def cranfield(scratch: Path, given: argparse.Namespace, limit: str = "") -> Entry:
    """The mean over all queries, each asked of a model that was fitted, chosen and tuned without it."""
    each: list[float] = []
    runs = []
    for fold in range(FOLDS):
        told = _fold(scratch, fold, given.seconds, (), limit)
        each += told.pop("each")
        runs.append(told)
        print(f"cranfield fold {fold}: {told}", flush=True)
    return {"ndcg@10": float(np.mean(each)), "low_high": _interval(each), "queries": len(each), "runs": runs}


def limited(scratch: Path, given: argparse.Namespace) -> Entry:
    return cranfield(scratch, given, QUICK)


def families(scratch: Path, given: argparse.Namespace) -> Entry:
    """Each family alone on the first fold: costs beside what it finds."""
    found = {}
    for name in FAMILIES:
        told = _fold(scratch, 0, given.seconds, (name,))
        each = told.pop("each")
        found[name] = {**told, "ndcg@10": float(np.mean(each))}
        print(f"families {name}: {found[name]}", flush=True)
    return found


def _fold(scratch: Path, fold: int, seconds: float, recipes: Sequence[str], limit: str = "") -> Entry:
    from plimsoll import ranking, relevance
    from plimsoll.bundle import read
    from plimsoll.collection import Collection
    from plimsoll.serve.answering import answering

    documents, queries, judgements = _parted(scratch, fold)
    out = scratch / f"fold-{fold}-{'-'.join(recipes) or 'all'}"
    limits = ", ".join(filter(None, (f"train < {seconds:g} s", limit)))
    words = ["--queries", str(queries), "--judgements", str(judgements), "--split", "column:part", "--choose", "best"]
    words += ["--limit", limits, "--out", str(out)]
    words += ["--recipes", ",".join(recipes)] if recipes else []
    command = [sys.executable, "-m", "plimsoll", "fit", "--search", str(documents), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    run = json.loads((out / "run.json").read_text())
    chosen = next(each for each in run["trials"] if each["id"] == run["chosen"])
    served = answering(read(out / "bundle"))
    held = Collection.read(read(out / "bundle").members)
    asked = [row for row in csv.DictReader(queries.open()) if row["part"] == "test"]
    grades: dict[str, dict[str, float]] = {}
    for row in csv.DictReader(judgements.open()):
        grades.setdefault(row["query_id"], {})[row["doc_id"]] = float(row["relevance"])
    truth = np.zeros((len(asked), max(map(len, grades.values()))), dtype=ranking.GRADED)
    truth["item"] = -1
    for k, row in enumerate(asked):
        for place, (document, grade) in enumerate(grades[row["query_id"]].items()):
            truth[k, place] = held.find(document), grade
    lists = np.stack([served.model.answer((row["text"],)) for row in asked])
    took = _latency(lambda text: served.answer(json.dumps({"query": text}).encode()), [row["text"] for row in asked])
    return {
        "recipe": chosen["recipe"],
        "knobs": chosen["knobs"],
        "valid": chosen["score"]["value"],
        "test": float(np.mean(relevance.each("ndcg@10", ranking.found(lists, truth)))),
        "each": relevance.each("ndcg@10", ranking.found(lists, truth)).tolist(),
        "measured": {name: chosen["measured"][name] for name in ("p50", "p99", "memory", "size", "train_memory")},
        "bytes_to_bytes": took,
        "trials": len([each for each in run["trials"] if each["status"] != "ruled_out"]),
    }


def _parted(scratch: Path, fold: int) -> tuple[Path, Path, Path]:
    """Files of a fold: queries say which part they are of; the order is drawn once, by a seed."""
    documents = scratch / "documents.jsonl"
    documents.write_bytes(gzip.decompress((DATA / "corpus.jsonl.gz").read_bytes()))
    asked = [json.loads(line) for line in (DATA / "queries.jsonl").read_text().splitlines()]
    order = np.random.default_rng(0).permutation(len(asked))
    queries, judgements = scratch / f"queries-{fold}.csv", scratch / "judgements.csv"
    with queries.open("w", newline="") as file:
        told = csv.writer(file)
        told.writerow(["query_id", "text", "part"])
        for place, k in enumerate(order.tolist()):
            told.writerow([asked[k]["query_id"], asked[k]["text"], "test" if place % FOLDS == fold else "train"])
    shutil.copy(DATA / "qrels.csv", judgements)
    return documents, queries, judgements


def _interval(each: Sequence[float]) -> list[float]:
    random, held = np.random.default_rng(0), np.array(each)
    means = held[random.integers(len(held), size=(2_000, len(held)))].mean(axis=1)
    return [float(end) for end in np.quantile(means, (0.025, 0.975))]


# One query, in turn


def single(scratch: Path, given: argparse.Namespace) -> Entry:
    told = [json.loads(line) for line in gzip.decompress((DATA / "corpus.jsonl.gz").read_bytes()).splitlines()]
    texts = [f"{each['title']} {each['text']}" for each in told]
    queries = [json.loads(line)["text"] for line in (DATA / "queries.jsonl").read_text().splitlines()]
    return _in_turn({name: MAKE[name](texts, scratch / name) for name in LIBRARIES}, queries, given.rounds)


def million(scratch: Path, given: argparse.Namespace) -> Entry:
    crowd = Made(given.documents)
    made = {name: MAKE[name](list(crowd.texts()), scratch / name) for name in LIBRARIES}
    return _in_turn(made, crowd.queries(ASKED), given.rounds)


def _in_turn(made: Mapping[str, Ask], queries: Sequence[str], rounds: int) -> Entry:
    """Seconds of each query by each library, one after another; quantiles of every round, and medians over rounds."""
    for ask in made.values():
        for text in queries[:WARM]:
            ask(text)
    several = []
    for _ in range(rounds):
        took: dict[str, list[float]] = {name: [] for name in made}
        for k in range(max(ASKED, len(queries))):
            text = queries[k % len(queries)]
            for name, ask in made.items():
                begun = time.perf_counter()
                ask(text)
                took[name].append(time.perf_counter() - begun)
        several.append({name: _quantiles(each) for name, each in took.items()})
    found = {
        name: {part: median(each[name][part] for each in several) for part in ("p50_ms", "p99_ms")} for name in made
    }
    for name in LIBRARIES[1:]:
        for part in ("p50_ms", "p99_ms"):
            found[name][f"ours_over_{part}"] = median(each["ours"][part] / each[name][part] for each in several)
    print(json.dumps(found), flush=True)
    return found


def _latency(ask: Ask, queries: Sequence[str]) -> Entry:
    took = []
    for k in range(ASKED + WARM):
        begun = time.perf_counter()
        ask(queries[k % len(queries)])
        took.append(time.perf_counter() - begun)
    return _quantiles(took[WARM:])


def _quantiles(seconds: Sequence[float]) -> Entry:
    return {f"p{share}_ms": float(np.quantile(seconds, share / 100)) * 1e3 for share in (50, 99)}


# The three, after one analyser


def _ours(texts: Sequence[str], _folder: Path) -> Ask:
    model = Bm25.of(inverted.build({"text": texts}, Analyser()), Weighing())
    return lambda text: model.best(text, 10)


def _bm25s(texts: Sequence[str], _folder: Path) -> Ask:
    import bm25s

    analyser = Analyser()
    numbers: dict[str, int] = {}
    coded = [[numbers.setdefault(term, len(numbers)) for term in analyser.terms(text)] for text in texts]
    model = bm25s.BM25(k1=1.2, b=0.75, backend="numba")
    model.index((coded, numbers), show_progress=False)
    return lambda text: model.retrieve([analyser.terms(text)], k=10, show_progress=False, n_threads=1)


def _tantivy(texts: Sequence[str], folder: Path) -> Ask:
    import tantivy

    analyser = Analyser()
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", stored=False, tokenizer_name="whitespace", index_option="position")
    schema = builder.build()
    folder.mkdir(parents=True)
    index = tantivy.Index(schema, path=str(folder))
    writer = index.writer(512_000_000, 2)
    for text in texts:
        writer.add_document(tantivy.Document(text=" ".join(analyser.terms(text))))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def ask(text: str) -> Any:
        parts = [
            (tantivy.Occur.Should, tantivy.Query.term_query(schema, "text", term)) for term in analyser.terms(text)
        ]
        return searcher.search(tantivy.Query.boolean_query(parts), 10, count=False).hits

    return ask


MAKE: Mapping[str, Callable[[Sequence[str], Path], Ask]] = {"ours": _ours, "bm25s": _bm25s, "tantivy": _tantivy}


# Made-up documents


class Made:
    """Documents of words that are as frequent as Zipf has it, and queries of such words. Synthetic."""

    def __init__(self, many: int) -> None:
        shares = 1 / np.arange(1, VOCABULARY + 1) ** EXPONENT
        self.many, self.ends = many, np.cumsum(shares / shares.sum())
        self.words = np.array([f"w{k:x}q" for k in range(VOCABULARY)])

    def texts(self) -> Iterator[str]:
        random = np.random.default_rng(0)
        for begin in range(0, self.many, 10_000):
            lengths = random.lognormal(np.log(MEDIAN_WORDS), 0.5, min(10_000, self.many - begin))
            lengths = np.clip(lengths, 5, 400).astype(int)
            words, ends = self._drawn(random, int(lengths.sum())), np.cumsum(lengths)
            for end, length in zip(ends.tolist(), lengths.tolist(), strict=True):
                yield " ".join(words[end - length : end])

    def queries(self, many: int) -> list[str]:
        random = np.random.default_rng(1)
        return [" ".join(self._drawn(random, int(random.integers(2, 6)))) for _ in range(many)]

    def _drawn(self, random: np.random.Generator, many: int) -> Any:
        return self.words[np.minimum(np.searchsorted(self.ends, random.random(many)), VOCABULARY - 1)]


def build(scratch: Path, given: argparse.Namespace) -> Entry:
    """Each library's index from text, in a process of its own, in turn; medians over rounds."""
    file = scratch / "texts.txt"
    with file.open("w") as out:
        out.writelines(f"{text}\n" for text in Made(given.documents).texts())
    several: dict[str, list[Entry]] = {name: [] for name in LIBRARIES}
    for _ in range(given.builds):
        for name in LIBRARIES:
            folder = scratch / f"build-{name}"
            shutil.rmtree(folder, ignore_errors=True)
            words = [sys.executable, __file__, "--build", name, "--file", str(file), "--folder", str(folder)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            several[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"build    {name}: {several[name][-1]}", flush=True)
    found = {name: {part: median(each[part] for each in told) for part in told[0]} for name, told in several.items()}
    fastest = [min(several[name][k]["seconds"] for name in LIBRARIES[1:]) for k in range(given.builds)]
    found["ours"]["over_the_faster"] = median(
        each["seconds"] / other for each, other in zip(several["ours"], fastest, strict=True)
    )
    return {"documents": given.documents, **found}


def one_build(name: str, file: Path, folder: Path) -> None:
    """What ``--build`` does: reads texts, indexes them and keeps the index in a folder."""
    texts = file.read_text().splitlines()
    before = _peak()
    begun = time.perf_counter()
    kept = KEEP[name](texts, folder)
    spent = time.perf_counter() - begun
    peak = _peak()
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    print(json.dumps({"seconds": spent, "peak_mb": peak / 1e3, "over_texts_mb": (peak - before) / 1e3, "size": size}))
    del kept


def _peak() -> int:
    """The most kB that this program held; what ``getrusage`` says is that of the process which began it too."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))


def _keep_ours(texts: Sequence[str], folder: Path) -> Any:
    from safetensors.numpy import save_file

    index = inverted.build({"text": texts}, Analyser())
    folder.mkdir(parents=True)
    save_file(
        {name: np.ascontiguousarray(array) for name, array in index.arrays().items()}, folder / "index.safetensors"
    )
    return index


def _keep_bm25s(texts: Sequence[str], folder: Path) -> Any:
    import bm25s

    analyser = Analyser()
    numbers: dict[str, int] = {}
    coded = [[numbers.setdefault(term, len(numbers)) for term in analyser.terms(text)] for text in texts]
    model = bm25s.BM25(k1=1.2, b=0.75)
    model.index((coded, numbers), show_progress=False)
    model.save(str(folder))
    return model


KEEP: Mapping[str, Callable[[Sequence[str], Path], Any]] = {
    "ours": _keep_ours,
    "bm25s": _keep_bm25s,
    "tantivy": _tantivy,
}


def scale(scratch: Path, given: argparse.Namespace) -> Entry:
    """A fit that is watched from outside: the most that any process held."""
    file, out = scratch / "documents.jsonl", scratch / "scale"
    with file.open("w") as told:
        told.writelines(
            json.dumps({"id": k, "text": text}) + "\n" for k, text in enumerate(Made(given.documents).texts())
        )
    limit = f"train < {given.window:g} min, train_memory < 4 GB, p99 < 20 ms"
    words = [sys.executable, "-m", "plimsoll", "fit", "--search", str(file), "--recipes", "bm25"]
    begun = time.perf_counter()
    process = subprocess.Popen([*words, "--limit", limit, "--out", str(out)], stderr=subprocess.PIPE, text=True)
    most = 0
    while process.poll() is None:
        most = max(most, *(resident(pid)[0] for pid in tree(process.pid)))
        time.sleep(0.5)
    spent = time.perf_counter() - begun
    said = (process.stderr.read() if process.stderr else "").replace(f"{scratch}/", "").strip().splitlines()
    run = json.loads((out / "run.json").read_text()) if (out / "run.json").exists() else {"trials": [], "chosen": None}
    chosen = next((each for each in run["trials"] if each["id"] == run["chosen"]), {"measured": {}})
    return {
        "documents": given.documents,
        "seconds": spent,
        "most_of_a_process": most,
        "chosen": chosen,
        "test": run.get("test"),
        "progress": [line for line in said if "indexing" in line][:5],
        "note": said[-1] if said and process.returncode else "",
    }


# By meaning


def meaning(scratch: Path, given: argparse.Namespace) -> Entry:
    from plimsoll import lsa, python_docs, small_world

    told = [json.loads(line)["text"] for line in Path(python_docs.write(scratch)).read_text().splitlines()]
    parted = [each for text in told if len(each := re.split(r"(?<=[.:])\s+|\n\n", text)) > 1]
    random = np.random.default_rng(0)
    drawn = (parted[k] for k in random.integers(len(parted), size=given.drawn).tolist())
    texts = [" ".join(each[k] for k in random.integers(len(each), size=3).tolist()) for each in drawn]
    begun = time.perf_counter()
    whole = lsa.fit(inverted.build({"text": texts}, Analyser()), rank=200)
    fitted = time.perf_counter() - begun
    points = (whole.point(" ".join(_some(text, random))) for text in texts)
    asked = list(islice((point for point in points if point.any()), 2 * SETTLED))
    begun = time.perf_counter()
    world = small_world.made(whole.points, asked[:SETTLED])
    seconds = time.perf_counter() - begun
    if world is None:
        return {"documents": len(texts), "breadth": 0}
    ways = {"all": lambda point: dense.towards(whole.points, point), "graph": world.towards}
    took: dict[str, list[float]] = {name: [] for name in ways}
    held = []
    for point in asked[SETTLED:]:
        first = {}
        for name, way in ways.items():
            begun = time.perf_counter()
            first[name] = dense.best(way(point), whole.index.many, 10, None)
            took[name].append(time.perf_counter() - begun)
        held.append((first["graph"]["score"] >= first["all"]["score"][-1] - 1e-6).mean())  # documents may be equal
    return {
        "documents": len(texts),
        "fit_seconds": fitted,
        "graph_seconds": seconds,
        "breadth": world.breadth,
        "first_ten_found": float(np.mean(held)),
        **{name: _quantiles(each) for name, each in took.items()},
    }


def _some(text: str, random: np.random.Generator) -> list[str]:
    """Two to six words that stand together in a text."""
    words = text.split()
    many = int(random.integers(2, 7))
    begin = int(random.integers(max(1, len(words) - many)))
    return words[begin : begin + many]


PARTS: Mapping[str, Callable[[Path, argparse.Namespace], Entry]] = {
    "cranfield": cranfield,
    "limited": limited,
    "families": families,
    "single": single,
    "build": build,
    "million": million,
    "scale": scale,
    "meaning": meaning,
}


def table(held: Mapping[str, Any]) -> str:
    """The page of results."""
    parts = {name: part["found"] for name, part in held["parts"].items()}
    when = ", ".join(
        f"{name} ({part['asked']}, {100 * (part['busy'] or 0):.0f} % busy)"
        for name, part in sorted(held["parts"].items())
    )
    lines = ["# Search", "", f"{held['machine']}; `python benchmarks/search.py`. Parts: {when}.", ""]
    for part, what in (("cranfield", ""), ("limited", f", with `{QUICK}` stated")):
        if not (told := parts.get(part)):
            continue
        low, high = told["low_high"]
        lines += [
            f"Cranfield{what}, nDCG@10 over all {told['queries']} queries, each asked of a run that never saw it: **{told['ndcg@10']:.3f}** ({low:.3f} to {high:.3f}).",
            "",
            "| fold | chosen | valid | test | p50 / p99 of the run, ms | bytes to bytes, ms | memory, MB | size, MB |",
            "|---:|---|---:|---:|---:|---:|---:|---:|",
        ]
        lines += [*(f"| {k} | {_row(each)}" for k, each in enumerate(told["runs"])), ""]
    if told := parts.get("families"):
        lines += [
            "",
            "One family alone, first fold.",
            "",
            "| | chosen | valid | test | p50 / p99 of the run, ms | bytes to bytes, ms | memory, MB | size, MB |",
            "|---|---|---:|---:|---:|---:|---:|---:|",
        ]
        lines += [f"| {name} | {_row(each)}" for name, each in told.items()]
    for part, what in (("single", "1,400 documents (Cranfield)"), ("million", "made-up documents (synthetic)")):
        if told := parts.get(part):
            lines += ["", f"One query, text to ten of {what}, the same analyser before each, in turn.", ""]
            lines += ["| | p50, ms | p99, ms | ours / its p50 | ours / its p99 |", "|---|---:|---:|---:|---:|"]
            lines += [
                f"| {name} | {e['p50_ms']:.3f} | {e['p99_ms']:.3f} | {e.get('ours_over_p50_ms', 1):.2f} | {e.get('ours_over_p99_ms', 1):.2f} |"
                for name, e in told.items()
            ]
    if told := parts.get("build"):
        lines += [
            "",
            f"An index of {told['documents']:,} made-up documents (synthetic) from their text, kept on disk; ours takes {told['ours']['over_the_faster']:.2f} times the faster of the two.",
            "",
        ]
        lines += ["| | seconds | peak, MB | over the texts, MB | on disk, MB |", "|---|---:|---:|---:|---:|"]
        lines += [
            f"| {name} | {told[name]['seconds']:.1f} | {told[name]['peak_mb']:.0f} | {told[name]['over_texts_mb']:.0f} | {told[name]['size'] / 1e6:.0f} |"
            for name in LIBRARIES
        ]
    if told := parts.get("scale"):
        lines += [
            "",
            f"`plimsoll fit` on {told['documents']:,} made-up documents under `train_memory < 4 GB`: {told['seconds'] / 60:.1f} min, any process at most {told['most_of_a_process'] / 1e9:.2f} GB resident. {_served(told['chosen']['measured'])}{told['note']}",
        ]
    if (told := parts.get("meaning")) and told["breadth"]:
        every, graph = told["all"], told["graph"]
        lines += [
            "",
            f"One query by LSA alone, of {told['documents']:,} documents drawn together from sentences of Python's documentation: looking at all of them p50 {every['p50_ms']:.2f}, p99 {every['p99_ms']:.2f} ms; through a graph p50 {graph['p50_ms']:.2f}, p99 {graph['p99_ms']:.2f} ms, with {100 * told['first_ten_found']:.1f} % of the first ten. The points were linked in {told['graph_seconds']:.0f} s, and the axes took {told['fit_seconds']:.0f}.",
        ]
    return "\n".join(lines) + "\n"


def _served(costs: Mapping[str, float]) -> str:
    if not costs:
        return ""
    times = f"p50 {1e3 * costs['p50']:.2f}, p99 {1e3 * costs['p99']:.2f} ms"
    return f"Served: {times}, {costs['memory'] / 1e9:.2f} GB held, a bundle of {costs['size'] / 1e9:.2f} GB. "


def _row(entry: Entry) -> str:
    costs, own = entry["measured"], entry["bytes_to_bytes"]
    return f"{entry['recipe']} | {entry['valid']:.3f} | {entry['test']:.3f} | {1e3 * costs['p50']:.2f} / {1e3 * costs['p99']:.2f} | {own['p50_ms']:.2f} / {own['p99_ms']:.2f} | {costs['memory'] / 1e6:.0f} | {costs['size'] / 1e6:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--parts", default="cranfield,families,single,build,million", help=f"of {','.join(PARTS)}")
    parser.add_argument("--seconds", type=float, default=60.0, help="of a fit (60)")
    parser.add_argument("--rounds", type=int, default=5, help="of the queries in turn (5)")
    parser.add_argument("--builds", type=int, default=3, help="of each index (3)")
    parser.add_argument("--documents", type=int, default=1_000_000, help="that are made up (a million)")
    parser.add_argument("--drawn", type=int, default=200_000, help="documents of meaning (200,000)")
    parser.add_argument("--window", type=float, default=15.0, help="minutes of scale (15)")
    parser.add_argument("--build", choices=LIBRARIES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    if given.build:
        one_build(given.build, given.file, given.folder)
        return
    record("search", PARTS, table, given)


if __name__ == "__main__":
    main()
