"""What this machine is, how busy it is, and what its energy may cost: facts, and intervals where they are guesses."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

# Watts of one busy core with its share of memory and of the power supply. Without counters (RAPL) this is an
# assumption, wide on purpose: from an efficient server core to a desktop core at full clock.
WATTS_PER_CORE = (2.0, 15.0)
# Grams of CO2 for a kilowatt-hour, from hydropower to coal.
GRAMS_PER_KWH = (20.0, 900.0)
_FLAGS = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "amx_tile", "asimd", "sve")
BUSY = 0.15  # share of the cores that others may use before a timing is called disturbed


def card() -> dict[str, Any]:
    """This machine, as far as a measured figure depends on it.

    >>> sorted(card())
    ['cores', 'memory', 'platform', 'processor', 'python']
    """
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory": _memory(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


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
    whole = _memory()
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return min(whole, int(Path(place).read_text()))
        except (OSError, ValueError):
            continue
    return whole


def cores() -> int:
    """The cores that this process may run on.

    >>> cores() >= 1
    True
    """
    return len(core_numbers())


def core_numbers() -> tuple[int, ...]:
    """The numbers that the system gives to the cores that this process may run on, in order."""
    try:
        return tuple(sorted(os.sched_getaffinity(0)))
    except (AttributeError, OSError):
        return tuple(range(os.cpu_count() or 1))


def pin(numbers: Collection[int]) -> None:
    """Keeps this process, and those that it starts, to the cores of these numbers, where the system can."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, set(numbers))


def versions() -> dict[str, str]:
    """The versions that a figure depends on, of those packages that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": sys.version.split()[0]}
    for name in ("plimsoll", "numpy", "scikit-learn", "lightgbm", "onnxruntime", "polars", "uvicorn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def others_busy(seconds: float = 0.15) -> float | None:
    """The share of all cores in use by anything during a short sleep of ours; None where it cannot be known."""
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    if before is None or after is None or after[1] <= before[1]:
        return None
    return max(0.0, (after[0] - before[0]) / (after[1] - before[1]))


def busy_seconds(root: Path = Path("/")) -> float | None:
    """Core-seconds of everybody on this machine since it was started; None where it cannot be known."""
    ticks = _ticks(root)
    return None if ticks is None else ticks[0] / os.sysconf("SC_CLK_TCK")


def _ticks(root: Path = Path("/")) -> tuple[int, int] | None:
    """(busy, all) clock ticks since boot."""
    try:
        fields = [int(word) for word in (root / "proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    return sum(fields) - fields[3] - fields[4], sum(fields)


def power() -> dict[str, Any]:
    """What a joule and a gram rest on: intervals, with where they come from."""
    return {
        "watts_per_core": list(WATTS_PER_CORE),
        "watts_source": "assumed: from an efficient server core to a desktop core at full clock",
        "grams_per_kwh": list(GRAMS_PER_KWH),
        "grid_source": "assumed: from hydropower to coal",
    }


def energy(cpu_seconds: float) -> tuple[float, float, float]:
    """Joules for so many core-seconds: an estimate as (low, middle, high).

    >>> energy(10.0)[0], energy(10.0)[2]
    (20.0, 150.0)
    """
    low, high = (cpu_seconds * watts for watts in WATTS_PER_CORE)
    return low, (low * high) ** 0.5, high


def carbon(joules: tuple[float, float, float]) -> tuple[float, float, float]:
    """Grams of CO2 for so many joules: an estimate as (low, middle, high)."""
    low, high = joules[0] / 3.6e6 * GRAMS_PER_KWH[0], joules[2] / 3.6e6 * GRAMS_PER_KWH[1]
    return low, (low * high) ** 0.5, high
