"""The whole road on three small sets that every machine has: fit under limits, serve, ask, and say what was chosen; and a search
of the documentation of the Python on it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll import python_docs, solve
from plimsoll.errors import PlimsollError
from plimsoll.report.terminal import terminal

# What is asked of each set. The seconds add up to less than half of the three minutes that the demo may take.
_ASKED: dict[str, tuple[str, str]] = {
    "breast_cancer": ("diagnosis", "p99 < 5 ms, memory < 200 MB, train < 15 s"),
    "digits": ("digit", "p99 < 5 ms, memory < 200 MB, train < 30 s"),
    "docstrings": ("package", "p99 < 5 ms, memory < 250 MB, train < 40 s"),
}
_QUESTIONS = (
    "Wait until the coroutine is done, then cancel every task that the event loop still has pending.",
    "Return the payload of the message as a string, decoded by its Content-Transfer-Encoding header.",
)
_SEARCHED = "p99 < 25 ms, memory < 250 MB, train < 12 s"
_LOOKED_FOR = (
    "wait for a coroutine with a timeout",
    "cancle a task",
    '"temporary directory" +remov*',
)
_PACKAGES = 8


def demo(out: Path) -> None:
    """Write the data, fit each set, serve the last one and ask it; everything stands in ``out`` afterwards."""
    started = time.monotonic()
    data = out / "data"
    data.mkdir(parents=True, exist_ok=True)
    files = [write_breast_cancer(data), write_digits(data), write_docstrings(data)]
    stamp = time.strftime("%Y%m%d-%H%M%S")
    runs = []
    for file in files:
        name = file.name.split(".")[0]
        target, limits = _ASKED[name]
        folder = out / f"{name}-{stamp}"
        print(f"\n$ plimsoll fit {file} --predict {target} --limit {json.dumps(limits)} --out {folder}", flush=True)
        run = solve.fit(file, predict=target, limits=[limits], out=folder, progress=_tell)
        print(terminal(run.record), flush=True)
        runs.append((name, folder, run.record))
    served = runs[-1][1] / "bundle"
    print(f"\n$ plimsoll serve {served}")
    ask(served, [{"text": question} for question in _QUESTIONS], _classified)
    runs.append(search(out, data, stamp))
    print(f"\nDone in {time.monotonic() - started:.0f} s. What was chosen, and where the evidence is:")
    for name, folder, record in runs:
        print(f"  {name:<14} {_chosen(record)}\n  {'':<14} {folder / 'report.html'}")


def search(out: Path, data: Path, stamp: str) -> tuple[str, Path, Mapping[str, Any]]:
    """The second part: find one's way in the documentation of the Python on this machine."""
    started = time.monotonic()
    documents, folder = python_docs.write(data), out / f"python_docs-{stamp}"
    print(f"\n$ plimsoll fit --search {documents} --limit {json.dumps(_SEARCHED)} --out {folder}", flush=True)
    run = solve.fit(documents, documents={}, limits=[_SEARCHED], out=folder, progress=_tell)
    print(terminal(run.record), flush=True)
    print(f"\n$ plimsoll serve {folder / 'bundle'}")
    ask(folder / "bundle", [{"query": asked, "k": 3, "highlight": True} for asked in _LOOKED_FOR], _found)
    print(f"The search took {time.monotonic() - started:.0f} s, from docstrings to answers.", flush=True)
    return "python_docs", folder, run.record


def _tell(done: str, left: float | None = None) -> None:
    print(f"  {done}" + ("" if left is None else f" · {left:.0f} s left"), file=sys.stderr, flush=True)


def _chosen(record: Mapping[str, Any]) -> str:
    trial = next(trial for trial in record["trials"] if trial["id"] == record["chosen"])
    test = record["test"]
    return f"{trial['recipe']} · {test['metric']} {test['value']:.4f} ({test['low']:.4f} to {test['high']:.4f}) on {test['rows']} test rows"


def write_breast_cancer(folder: Path) -> Path:
    """569 rows, 30 numbers: is a tumour benign? (Street, Wolberg and Mangasarian 1993)"""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    columns = {str(name).replace(" ", "_"): found.data[:, place] for place, name in enumerate(found.feature_names)}
    frame = pl.DataFrame({**columns, "diagnosis": [str(found.target_names[k]) for k in found.target]})
    return _written(frame, folder / "breast_cancer.csv")


def write_digits(folder: Path) -> Path:
    """1,797 images of 8 × 8 pixels, each pixel a number: which digit is it? (Alpaydin and Kaynak 1998)"""
    from sklearn.datasets import load_digits

    found = load_digits()
    columns = {f"pixel_{place // 8}_{place % 8}": found.data[:, place].astype(int) for place in range(64)}
    return _written(pl.DataFrame({**columns, "digit": found.target.astype(int)}), folder / "digits.csv")


def _written(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_csv(path)
    return path


def write_docstrings(folder: Path) -> Path:
    """Docstrings of the standard library, read and never imported: which package is this one from?"""
    texts = set(docstrings(python_docs.standard_library()))
    sizes = Counter(package for package, _ in texts)
    kept = sorted(package for package, _ in sizes.most_common(_PACKAGES))
    path = folder / "docstrings.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for package, text in sorted(texts):
            if package in kept:
                file.write(json.dumps({"text": text, "package": package}) + "\n")
    return path


def docstrings(library: Path) -> Iterator[tuple[str, str]]:
    """(package, text) for the functions and classes of a library's packages, tests apart, the package's own name left out."""
    for folder in sorted(path.parent for path in library.glob("*/__init__.py")):
        if folder.name in ("test", "site-packages", "__phello__", "lib2to3"):
            continue
        own = re.compile(rf"\b{re.escape(folder.name)}\b", re.IGNORECASE)
        for file in sorted(folder.rglob("*.py")):
            if not {"test", "tests", "idle_test"} & set(file.relative_to(library).parts):
                for name, _, text in python_docs.told(file):
                    if name:
                        yield folder.name, " ".join(own.sub(" ", text).split())


def ask(bundle: Path, rows: Sequence[dict[str, Any]], say: Callable[[Any], str]) -> None:
    """Serve a bundle on loopback in a process of its own, ask it, print what it says and stop it."""
    port = _free_port()
    command = [sys.executable, "-m", "plimsoll", "serve", str(bundle), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        try:
            _wait(server, port)
            answer = _post(port, {"rows": list(rows)})
        finally:
            server.terminate()
    for row, said in zip(rows, answer, strict=True):
        print(f"  POST /predict {json.dumps(row)}\n{say(said)}")


def _classified(said: Any) -> str:
    chance = said["probabilities"][said["prediction"]]
    return f"    → {said['prediction']}, with a probability of {chance:.3f}"


def _found(said: Any) -> str:
    meant = [f"    read as: {said['corrected']}"] if "corrected" in said else []
    hits = [f"    → {hit['id']}: {_marked(**hit['text']['text'])}" for hit in said["hits"]]
    return "\n".join([*meant, *(hits or ["    → nothing"])])


def _marked(text: str, marks: Sequence[Sequence[int]], **_: Any) -> str:
    """A snippet on one line, with stars around the words that the query met.

    >>> _marked("Wait for\\nthe task.", [[0, 4], [13, 17]])
    '*Wait* for the *task*.'
    """
    ends = [0, *(end for mark in marks for end in mark), len(text)]
    return " ".join("*".join(text[begin:end] for begin, end in pairwise(ends)).split())


def _free_port() -> int:
    import socket

    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _wait(server: subprocess.Popen[str], port: int, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1.0):
                return
        except OSError:
            time.sleep(0.05)
    server.terminate()
    said = server.stderr.read() if server.stderr else ""
    raise PlimsollError(f"The server did not come up within {seconds:.0f} s. It said: {said.strip()[-300:]}")


def _post(port: int, body: dict[str, Any]) -> Any:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=10.0) as reply:  # noqa: S310  # the address is our own, above
        return json.load(reply)
