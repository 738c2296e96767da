"""Packs the trials of benchmarks/prior.py into the file that ships with Plimsoll: shapes, knobs and figures alone.

    python benchmarks/pack_prior.py [--trials FILE]

Writes src/plimsoll/prior.jsonl.gz: a line with the card of the machine that they ran on, then a line a trial. Neither a
row nor the name of a column of any data set is in it; a data set is named, for the trials of one are no strangers.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

from plimsoll import pace
from plimsoll.cases import Case, Known
from plimsoll.prior import FILE
from plimsoll.profile import Profile

TRIALS = Path(__file__).parent / "results" / "trials.jsonl"
PACKED = Path(__file__).parents[1] / "src" / "plimsoll" / FILE
FIGURES = ("cpu", "train_memory", "size", "p50", "memory", "model", "answer", "score")


def at_best(entry: dict[str, Any], name: str, best: float) -> float:
    """A figure as it would have been with the core at its best pace; bytes and scores as they are."""
    return pace.at(best, {name: float(entry[name])}, entry["paces"])[name]


def best_pace(entries: list[dict[str, Any]]) -> float:
    """Of the machine that these trials ran on: the pace that one in twenty of them had, or a better one."""
    paces = sorted(entry["paces"]["cpu"] for entry in entries if entry.get("paces"))
    return paces[len(paces) // 20]


def case(entry: dict[str, Any], best: float) -> Case | None:
    """A trial as the cost model sees it; None for one that failed. One that was cut off or killed is a bound.

    Times are those of a core at its best pace.
    """
    known = Known(entry["recipe"], entry["knobs"], Profile(**entry["profile"]))
    if entry["status"] == "fits" and not entry["cut"]:
        figures = {name: float(f"{at_best(entry, name, best):.6g}") for name in FIGURES if entry.get(name)}
        return Case(known, entry["set"], figures, settled=dict(entry["settled"]))
    if entry["status"] in ("killed", "fits"):
        bounds = {"cpu": float(entry["wall"]), "train_memory": float(entry["train_memory"])}
        over = {name: figure for name, figure in bounds.items() if figure > 0}
        return Case(known, entry["set"], over, frozenset(over))
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--trials", type=Path, default=TRIALS)
    parser.add_argument("--out", type=Path, default=PACKED)
    given = parser.parse_args()
    entries = [json.loads(line) for line in given.trials.read_text().splitlines()]
    card = next(entry["card"] for entry in entries if "card" in entry)
    best = best_pace(entries)
    found = [made for entry in entries if "set" in entry and (made := case(entry, best)) is not None]
    same = {"machine": card["facts"]["processor"], "versions": card["versions"]}
    lines = [json.dumps({"prior": 1, "card": card, "same": same})]
    for each in found:
        told = each.as_json()
        lines.append(
            json.dumps({name: part for name, part in told.items() if name not in same and part not in ([], {})})
        )
    given.out.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    print(f"{len(found)} trials of {len({each.group for each in found})} sets: {given.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
