"""What stands in the records after a run, held against what callers were answered; and how memory grew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from loads.steady import Tally

from plimsoll.policy import records

AROUND = 1.0  # seconds around a kill in which what was decided may not have been written, or not been sent
GONE = -999.0  # what n7 is where the caller did not wait for the answer
WARM = 0.2  # of the run, which is left out of the slope
DRAWS, BLOCK = 2_000, 30


def compare(folder: Path, tally: Tally, kills: Sequence[float]) -> dict[str, Any]:
    """Every chain verified, and every answered decision looked for. Raises UserError where a chain does not hold."""
    written: dict[str, float] = {}
    chains = sorted({path.parent for path in folder.rglob("decisions-*.jsonl")})
    for chain in chains:
        records.verify(chain)
        for _, line in records.lines(chain):
            if line["fields"]["n7"] != GONE:
                written[records.number_of(line)] = line["at"]
    missing = [at for number, at in tally.answered.items() if number not in written]
    unsent = [at for number, at in written.items() if number not in tally.answered]
    near = [sum(_near(at, kills) for at in found) for found in (missing, unsent)]
    return {
        "chains": len(chains),
        "recorded": len(written),
        "answered": len(tally.answered),
        "answered, not recorded": len(missing) - near[0],
        "recorded, not answered": len(unsent) - near[1],
        "answered, not recorded, around a kill": near[0],
        "recorded, not answered, around a kill": near[1],
    }


def _near(at: float, kills: Sequence[float]) -> bool:
    return any(abs(at - kill) < AROUND for kill in kills)


def memory(seen: Sequence[tuple[float, Mapping[int, tuple[int, int]]]]) -> dict[str, Any]:
    """The growth of the process that weighs most of those that lived through the run, after it was warm."""
    lasted = [place for place in seen[-1][1] if place in seen[0][1]]
    process = max(lasted, key=lambda place: seen[-1][1][place][0])
    found = [(at, *each[process]) for at, each in seen if process in each]
    warm = [each for each in found if each[0] >= WARM * found[-1][0]]
    times, sizes = np.array([each[0] for each in warm]), np.array([each[1] for each in warm], dtype=float)
    slope, low, high = slope_of(times, sizes)
    return {
        "begins": found[0][1],
        "warm": float(np.median(sizes[:30])),
        "ends": float(np.median(sizes[-30:])),
        "most": int(max(each[1] for each in found)),
        "bytes a minute": slope * 60,
        "interval": [low * 60, high * 60],
        "files when warm": int(warm[0][2]),
        "files at the end": int(np.median([each[2] for each in warm[-30:]])),
        "each ten seconds": [each[1] for each in found[::10]],
    }


def slope_of(times: Any, sizes: Any) -> tuple[float, float, float]:
    """Least squares, and the middle 95 % of it over blocks of half a minute drawn anew: neighbours are not independent
    (moving block bootstrap; Künsch 1989)."""
    fit = np.polynomial.polynomial.polyfit(times, sizes, 1)
    left = sizes - fit[0] - fit[1] * times
    block, drawn = max(1, min(BLOCK, len(times) // 3)), np.random.default_rng(0)
    found = []
    for _ in range(DRAWS):
        begins = drawn.integers(0, len(left) - block + 1, -(-len(left) // block))
        noise = np.concatenate([left[begin : begin + block] for begin in begins])[: len(left)]
        found.append(np.polynomial.polynomial.polyfit(times, fit[0] + fit[1] * times + noise, 1)[1])
    low, high = np.quantile(found, (0.025, 0.975))
    return float(fit[1]), float(low), float(high)
