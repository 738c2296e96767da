"""One peer in a process of its own, in its own environment: fits and saves, or loads and answers.

python worker.py fit|answer PEER TASK.json OUT.json
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import tables

WARM = 50  # requests that pay for page faults, measured and thrown away
ALIKE = 50  # rows whose answer alone is held against their answer in the batch
_PACKAGES = ("autogluon.tabular", "flaml", "lightgbm", "catboost", "xgboost", "xgboost-cpu", "fastai", "torch")
_PACKAGES += ("scikit-learn", "pandas", "numpy", "polars", "plimsoll")


def fit(peer: ModuleType, task: tables.Task) -> dict[str, Any]:
    tables.artefact(task).mkdir(parents=True)
    return {"model": peer.fit(task, tables.read(task, task["train"]))}


def answer(peer: ModuleType, task: tables.Task) -> dict[str, Any]:
    """The test rows in one batch; before them, where that is asked for, what one row costs."""
    served: tables.Served = peer.load(task)
    rows = tables.one_by_one(task) if task["latency"] else []
    found = latency(served, task, rows) if rows else {}
    answers = numbered(task, served.frame(tables.read(task, task["questions"])))
    save(task["answers"], answers)
    if rows:
        alone = [numbered(task, served.frame(row))[0] for row in rows[:ALIKE]]
        found["differs"] = differs(alone, answers[task["places"][:ALIKE]])
    return found


def latency(served: tables.Served, task: tables.Task, rows: Sequence[Any]) -> dict[str, Any]:
    """Milliseconds at each door, and memory after the first of them."""
    doors: dict[str, Any] = {}
    found: dict[str, Any] = {"doors": doors}
    if served.row:
        lines = Path(task["rows_json"]).read_text().splitlines()
        doors["dictionary"] = door(served.row, [json.loads(line) for line in lines], found)
    doors["frame"] = door(served.frame, rows, found)
    return found


def door(ask: Callable[[Any], Any], rows: Sequence[Any], found: dict[str, Any]) -> dict[str, float]:
    """Milliseconds of one row. The first door that is opened ends the cold start, and is followed by a look at memory."""
    ask(rows[0])
    found.setdefault("first_answer_s", time.time() - float(os.environ["BENCH_STARTED"]))
    for row in rows[:WARM]:
        ask(row)
    took = sorted(timed(ask, row) for row in rows)
    if "memory" not in found:
        found["memory"] = memory()
    return {"p50_ms": took[(len(took) - 1) // 2], "p99_ms": took[math.ceil(0.99 * len(took)) - 1], "count": len(took)}


def timed(ask: Callable[[Any], Any], row: Any) -> float:
    begun = time.perf_counter_ns()
    ask(row)
    return (time.perf_counter_ns() - begun) / 1e6


def memory() -> dict[str, int]:
    """Proportional and resident set size of this process, in bytes; nothing where the kernel does not say."""
    try:
        text = Path("/proc/self/smaps_rollup").read_text()
    except OSError:
        return {}
    return {name: int(size) * 1024 for name, size in re.findall(r"^(Pss|Rss):\s+(\d+) kB", text, re.MULTILINE)}


def numbered(task: tables.Task, answers: Any) -> Any:
    """Answers as numbers: decided classes become their places among the classes. Raises KeyError at an unknown one."""
    import numpy as np

    if task["metric"] != "macro_f1":
        return np.asarray(answers, float)
    places = {name: place for place, name in enumerate(task["classes"])}
    return np.array([places[str(name)] for name in np.asarray(answers)])


def differs(alone: Sequence[Any], together: Any) -> float:
    """The largest distance between a row's answer alone and in the batch, as a share of the largest answer."""
    import numpy as np

    return float(np.abs(np.array(alone) - together).max() / max(1.0, np.abs(together).max()))


def save(path: str, answers: Any) -> None:
    import numpy as np

    np.save(path, answers)


def versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main(words: Sequence[str]) -> None:
    what, name, task, out = words
    peer, told = import_module(name), json.loads(Path(task).read_text())
    try:
        found = (fit if what == "fit" else answer)(peer, told)
    except tables.NotForIt as reason:
        found = {"not_for_it": str(reason)}
    Path(out).write_text(json.dumps({**found, "versions": versions()}))


if __name__ == "__main__":
    main(sys.argv[1:])
