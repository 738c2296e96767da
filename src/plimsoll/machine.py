"""What this machine is, how busy it is, and what its energy may cost: facts, and intervals where they are guesses."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

# Watts of one busy core with its share of memory and of the power supply. Without counters (RAPL) this is an
# assumption, wide on purpose: from an efficient server core to a desktop core at full clock.
WATTS_PER_CORE = (2.0, 15.0)
# Grams of CO2 for a kilowatt-hour, from hydropower to coal.
GRAMS_PER_KWH = (20.0, 900.0)
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


def _ticks() -> tuple[int, int] | None:
    """(busy, all) clock ticks since boot."""
    try:
        fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    return sum(fields) - fields[3] - fields[4], sum(fields)


def power() -> dict[str, Any]:
    """What a joule and a gram rest on: intervals, with where they come from."""
    counters = sorted(str(path) for path in Path("/sys/class/powercap").glob("intel-rapl:*") if path.is_dir())
    return {
        "watts_per_core": list(WATTS_PER_CORE),
        "watts_source": "assumed: from an efficient server core to a desktop core at full clock",
        "counters": counters,
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
