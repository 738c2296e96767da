"""What this machine can do, measured in a few seconds: the figures that a cost model carries from machine to machine."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

_FLAGS = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "amx_tile", "asimd", "sve")
_TRIES = 3  # each rate is the best of so many: other work only ever makes one slower


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
    found = {}
    for kind in ("float32", "float64"):
        for side in (64, 512, 1536):
            left = np.random.default_rng(0).random((side, side)).astype(kind)
            times = max(1, (1 << 27) // (2 * side**3))

            def products(left: Any = left, times: int = times) -> None:
                for _ in range(times):
                    left @ left

            found[f"gemm_{kind}_{side}"] = best(products, times * 2.0 * side**3)
    return found


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


def flags() -> list[str]:
    """The instruction sets that matter to a model, of those that the processor has."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    words = next((line.split(":", 1)[1].split() for line in lines if line.startswith(("flags", "Features"))), [])
    return [flag for flag in _FLAGS if flag in words]


def allowed_memory() -> int:
    """Bytes that this process may use: the container's limit, where there is one below the machine's memory."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return min(whole, int(Path(place).read_text()))
        except (OSError, ValueError):
            continue
    return whole


def ratio(here: Mapping[str, float], there: Mapping[str, float], names: tuple[str, ...]) -> float:
    """How much slower ``there`` is than ``here``: the geometric mean over the rates named."""
    logs = [np.log(here[name] / there[name]) for name in names if here.get(name, 0) > 0 and there.get(name, 0) > 0]
    return float(np.exp(np.mean(logs))) if logs else 1.0
