"""What this machine can do, measured in a few seconds: the figures that a cost model carries from machine to machine."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll import machine
from plimsoll.clock import Clock
from plimsoll.job import Job, Task
from plimsoll.recipe import Fold, Recipe
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema

_TRIES = 3  # each rate is the best of so many: other work only ever makes one slower
SIZES = {1_000: 200, 8_000: 1_600}  # rows of a table that is fitted, and how many texts stand for as many
SHARED = "gemm_float32_1536"  # large enough for all cores to share
_WORDS = 30
_LONG, _MOMENT = 2.0, 0.03  # seconds after which a fit is not tried a second time, or a third
_MOST = 1e18  # nothing that is counted here comes near


def rates() -> dict[str, float]:
    """Every rate by name, higher being quicker except for those in seconds (``_s``).

    Memory in bytes a second, products in operations a second, gathers and sorts in items a second.
    """
    return {**_memory(), **products(), **_irregular(), **_calls(), **_processes()}


def best(action: Callable[[], Any], work: float = 1.0) -> float:
    """Work a second at the quickest of a few tries."""
    quickest = float("inf")
    for _ in range(_TRIES):
        begun = time.perf_counter()
        action()
        quickest = min(quickest, time.perf_counter() - begun)
    return work / max(quickest, 1e-9)


def _memory() -> dict[str, float]:
    found = {}
    for name, size in (("triad_l2", 1 << 18), ("triad_last", 1 << 23), ("triad_ram", 1 << 27)):
        count = size // 24  # three arrays of eight-byte numbers
        a, b, c = np.empty(count), np.ones(count), np.ones(count)
        times = max(1, (1 << 26) // size)

        def triad(a: Any = a, b: Any = b, c: Any = c, times: int = times) -> None:
            for _ in range(times):
                np.multiply(c, 3.0, out=a)
                np.add(a, b, out=a)

        found[name] = best(triad, times * count * 40.0)
    return found


def products() -> dict[str, float]:
    """Matrix products, in operations a second, at three sizes in both precisions."""
    return {f"gemm_{kind}_{side}": product(kind, side) for kind in ("float32", "float64") for side in (64, 512, 1536)}


def product(kind: str, side: int) -> float:
    """Operations a second of products of square matrices."""
    left = np.random.default_rng(0).random((side, side)).astype(kind)
    times = max(1, (1 << 27) // (2 * side**3))

    def products() -> None:
        for _ in range(times):
            left @ left

    return best(products, times * 2.0 * side**3)


def _irregular() -> dict[str, float]:
    random = np.random.default_rng(0)
    table, index = random.random(1 << 23, dtype=np.float32), random.integers(0, 1 << 23, 1 << 20)
    keys = random.random(1 << 19)
    edges, sought = np.sort(random.random(255)), random.random(1 << 19)
    return {
        "gather": best(lambda: table.take(index), float(len(index))),
        "sort": best(lambda: np.sort(keys), float(len(keys))),
        "branch": best(lambda: np.searchsorted(edges, sought), float(len(sought))),
    }


def _calls() -> dict[str, float]:
    def python() -> None:
        total = 0
        for k in range(200_000):
            total += abs(k)

    small = np.ones(4)

    def dispatch() -> None:
        for _ in range(20_000):
            np.add(small, small)

    return {"python": best(python, 200_000.0), "dispatch": best(dispatch, 20_000.0)}


def _processes() -> dict[str, float]:
    """Starting a Python with NumPy, and writing to the disk that trials write to."""
    block = os.urandom(1 << 24)
    with tempfile.TemporaryDirectory() as folder:

        def write() -> None:
            with (Path(folder) / "block").open("wb") as file:
                file.write(block)
                file.flush()
                os.fsync(file.fileno())

        disk = best(write, float(len(block)))
    command = [sys.executable, "-c", "import numpy"]
    return {"disk": disk, "start_s": 1.0 / best(lambda: subprocess.run(command, check=True))}


def fits(recipes: Mapping[str, Recipe], sizes: Collection[int]) -> dict[str, Any]:
    """Core-seconds of small fits, by recipe and rows, on one core; and how the largest of the trees fares on all.

    ``fit_scaling``: how many times quicker one fit is with a thread on each core. ``abreast``: how many times the
    throughput of one core as many fits reach that run side by side, a core each. This process must have started no
    thread yet, for it is forked.
    """
    works = {name: work for rows in sorted(sizes) for name, work in small(recipes, rows, SIZES[rows]).items()}
    cores = machine.core_numbers()
    (alone,) = apart([lambda: {name: spent(work) for name, work in works.items()}], [cores[-1:]])
    found: dict[str, Any] = {"references": {name: cpu for name, (cpu, _) in alone.items()}}
    if len(cores) == 1:
        return found | {"fit_scaling": 1.0, "abreast": 1.0}
    name = f"trees_{max(sizes)}"
    work, wall = partial(spent, works[name]), alone[name][1]
    beside = apart([work] * len(cores), [(core,) for core in cores])
    (shared,) = apart([work], [cores])
    abreast = len(cores) * wall / float(np.mean([each for _, each in beside]))
    return found | {"fit_scaling": wall / shared[1], "abreast": abreast}


def small(recipes: Mapping[str, Recipe], rows: int, texts: int) -> dict[str, Callable[[], Any]]:
    """A small fit of each recipe, by its name and rows: of a table, or of texts where it takes nothing else."""
    found: dict[str, Callable[[], Any]] = {}
    for name, recipe in recipes.items():
        knobs = {**recipe.space.default, **({"trees": 100} if "trees" in recipe.space.default else {})}
        for job, schema, fold in (_table(rows), _texts(texts)):
            if recipe.refusal(job, schema) is None:
                found[f"{name}_{len(fold.train)}"] = partial(_fit, recipe, job, schema, fold, knobs)
                break
    return found


def _fit(recipe: Recipe, job: Job, schema: Schema, fold: Fold, knobs: Mapping[str, Any]) -> None:
    recipe.fit(job, schema, fold, knobs, Clock(20.0))


def spent(work: Callable[[], Any]) -> tuple[float, float]:
    """(core-seconds, seconds) at the quickest of two tries; of one where that is long, of more where it is a moment."""
    tries: list[tuple[float, float]] = []
    while len(tries) < 100 and sum(wall for _, wall in tries) < (_LONG if len(tries) < 2 else _MOMENT):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        tries.append((max(time.process_time() - cpu, 1e-6), max(time.perf_counter() - wall, 1e-6)))
    return min(cpu for cpu, _ in tries), min(wall for _, wall in tries)


def apart(works: Sequence[Callable[[], Any]], cores: Sequence[Collection[int]]) -> list[Any]:
    """What each work gives, in a process of its own that is kept to its cores, all begun together.

    Raises RuntimeError where one of the processes fails.
    """
    fork = get_context("fork")
    opened, gate = os.pipe()

    def one(work: Callable[[], Any], kept: Collection[int], end: Connection) -> None:
        os.close(gate)
        machine.pin(kept)
        os.read(opened, 1)  # comes back once every process has closed the gate: each has then been started
        end.send(work())

    ends = [fork.Pipe(duplex=False) for _ in works]
    processes = [
        fork.Process(target=one, args=(work, kept, end))
        for work, kept, (_, end) in zip(works, cores, ends, strict=True)
    ]
    for process in processes:
        process.start()
    os.close(gate)
    for process in processes:
        process.join()
    os.close(opened)
    if any(process.exitcode for process in processes):
        raise RuntimeError("a small fit failed")
    return [told.recv() for told, _ in ends]


def _table(count: int) -> tuple[Job, Schema, Fold]:
    """Ten numbers and two categories that decide a class together."""
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {f"n{k}": random.normal(size=count) for k in range(10)}
    columns |= {f"c{k}": Coded(random.integers(0, 8, count).astype(np.int32), tuple("abcdefgh")) for k in range(2)}
    target = (columns["n0"] + columns["n1"] * columns["n2"] + random.normal(size=count) > 0).astype(np.int64)
    listed = tuple(Column(name, Kind.NUMBER if name[0] == "n" else Kind.CATEGORY) for name in columns)
    return Job("y", task=Task.BINARY), Schema(listed, "y", ("no", "yes")), Fold(Rows(count, columns), target)


def _texts(count: int) -> tuple[Job, Schema, Fold]:
    """Short texts of made-up words, with a class that some words give away."""
    random = np.random.default_rng(0)
    words = np.array([f"{a}{b}{c}" for a in "bdklmnrst" for b in "aeiou" for c in ("ng", "rt", "sh", "ll", "mp")])
    drawn = words[random.zipf(1.3, (count, _WORDS)) % len(words)]
    target = (drawn == words[3]).any(axis=1).astype(np.int64)
    rows = Rows(count, {"text": Coded.of([" ".join(row) for row in drawn])})
    schema = Schema((Column("text", Kind.TEXT),), "y", ("no", "yes"))
    return Job("y", task=Task.BINARY), schema, Fold(rows, target)


def numbers(where: str, found: Any, least: float = 1e-12) -> dict[str, float]:
    """A table of rates as it was read, every number checked. Raises ValueError with what is wrong in words."""
    if not isinstance(found, dict) or len(found) > 100:
        raise ValueError(f"{where} is not a table of numbers")
    for name, part in found.items():
        if not name.isprintable():
            raise ValueError(f"{where} has a name that cannot be shown")
        if isinstance(part, bool) or not isinstance(part, int | float) or not least <= part <= _MOST:
            raise ValueError(f"{where}.{name[:40]} is {repr(part)[:40]}, and a number above zero is due")
    return {name[:40]: float(part) for name, part in found.items()}


def ratio(logs: Mapping[str, float], least: float, spread: float = 1.0) -> tuple[float, float, float]:
    """(low, middle, high) of a factor that was found several times over, each as its logarithm.

    The middle is the geometric mean; the ends are as many ``spread`` from it as the one that is furthest off, and
    never nearer than a factor ``least``.

    >>> low, middle, high = ratio({"small": math.log(2.0), "large": math.log(2.0)}, least=1.25)
    >>> round(low, 3), round(middle, 3), round(high, 3)
    (1.6, 2.0, 2.5)
    """
    middle = sum(logs.values()) / len(logs)
    width = max(math.log(least), spread * max(abs(log - middle) for log in logs.values()))
    return math.exp(middle - width), math.exp(middle), math.exp(middle + width)
