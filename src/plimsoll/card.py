"""The machine card: what a machine can do, as a small file that another machine can plan with."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from plimsoll import catalogue, machine, rates, units
from plimsoll.clock import Clock
from plimsoll.errors import UserError
from plimsoll.job import Job, Task
from plimsoll.recipe import Fold, Recipe
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema

VERSION = 1
_SCALED = "gemm_float32_1536"  # large enough for all cores to share
_LARGEST = 1 << 20  # bytes of a card that is read
_ROWS, _TEXTS, _WORDS = 3_000, 600, 30


@dataclass(frozen=True)
class Card:
    """What was measured. ``rates`` are works a second; ``references`` are CPU-seconds of small fits, by recipe."""

    facts: Mapping[str, Any]
    rates: Mapping[str, float]
    references: Mapping[str, float]
    scaling: float  # how many times quicker the same products are on all cores than on one
    versions: Mapping[str, str]
    measured: str
    busy: float  # share of the cores that others used meanwhile

    def as_json(self) -> dict[str, Any]:
        return {
            "card": VERSION,
            "facts": dict(self.facts),
            "rates": dict(self.rates),
            "references": dict(self.references),
            "scaling": self.scaling,
            "power": machine.power(),
            "versions": dict(self.versions),
            "measured": self.measured,
            "busy": self.busy,
        }

    @staticmethod
    def from_json(value: Any) -> Card:
        """The card that ``as_json`` wrote. Raises ValueError with what is wrong in words."""
        if not isinstance(value, dict) or "card" not in value:
            raise ValueError("it is not a machine card")
        if value["card"] != VERSION:
            raise ValueError(f"it is a card of version {str(value['card'])[:20]}, and {VERSION} is read")
        tables = {name: _numbers(name, value.get(name)) for name in ("rates", "references")}
        facts, versions = value.get("facts"), value.get("versions")
        if not isinstance(facts, dict) or not isinstance(versions, dict):
            raise ValueError("facts and versions are missing")
        shares = _numbers("the card", {name: value.get(name) for name in ("scaling", "busy")}, least=0.0)
        return Card(
            {str(name)[:40]: _plain(part) for name, part in list(facts.items())[:40]},
            tables["rates"],
            tables["references"],
            shares["scaling"],
            {str(name)[:40]: str(version)[:40] for name, version in list(versions.items())[:40]},
            str(value.get("measured", ""))[:40],
            shares["busy"],
        )


def _numbers(where: str, found: Any, least: float = 1e-12) -> dict[str, float]:
    if not isinstance(found, dict) or len(found) > 100:
        raise ValueError(f"{where} is not a table of numbers")
    for name, part in found.items():
        if isinstance(part, bool) or not isinstance(part, int | float) or not math.isfinite(part) or part < least:
            raise ValueError(f"{where}.{str(name)[:40]} is {str(part)[:40]}, and a number above zero is due")
    return {str(name)[:40]: float(part) for name, part in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [str(part)[:80] for part in value[:40]]
    return value if isinstance(value, int | float) else str(value)[:200]


def read(path: Path) -> Card:
    """A card from a file. Raises UserError in one line where it is none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large for one")
        return Card.from_json(json.loads(path.read_bytes()))
    except OSError as fault:
        raise UserError(f"{path}: the machine card cannot be read: {fault.strerror}.") from None
    except (ValueError, RecursionError) as fault:
        raise UserError(
            f"{path}: {fault}. Make one on the machine that is meant: plimsoll machine --out card.json"
        ) from None


def lines(card: Card) -> list[str]:
    """The card as a person reads it."""
    facts, found = card.facts, card.rates
    told = [
        f"{facts['processor']}, {facts['cores']} cores, {units.show(float(facts['allowed_memory']), units.BYTES)}",
        f"instructions  {' '.join(facts['flags'])}",
        "memory        " + ", ".join(f"{found[f'triad_{place}'] / 1e9:.0f} GB/s in {place}" for place in _PLACES),
        "products      " + ", ".join(f"{found[name] / 1e9:.0f} Gflop/s {shown}" for name, shown in _PRODUCTS),
        f"irregular     {found['gather'] / 1e6:.0f} M gathers/s, {found['branch'] / 1e6:.0f} M searches/s, {found['sort'] / 1e6:.0f} M sorted/s",
        f"calls         {1e9 / found['python']:.0f} ns in Python, {1e9 / found['dispatch']:.0f} ns in NumPy; {found['start_s']:.2f} s to start",
        f"all cores     {card.scaling:.2f} times one core",
        "small fits    "
        + ", ".join(f"{name} {units.show(took, units.TIME)}" for name, took in card.references.items()),
        "a core        {} to {} W; a kWh {:.0f} to {:.0f} g CO2, both assumed".format(
            *machine.WATTS_PER_CORE, *machine.GRAMS_PER_KWH
        ),
    ]
    if card.busy > machine.BUSY:
        told.append(f"Others used {100 * card.busy:.0f} % of the cores meanwhile: measure again when they are idle.")
    return told


_PLACES = ("l2", "last", "ram")
_PRODUCTS = (("gemm_float32_1536", "single"), ("gemm_float64_1536", "double"))


def measure(say: Callable[[str], None] = lambda _: None) -> Card:
    """This machine's card, in less than ten seconds. Raises UserError where a child process cannot be started."""
    busy = machine.others_busy(0.3) or 0.0
    say("memory, products, gathers, calls and small fits, on one core")
    alone = _child("all", 1)
    say("products, on all cores")
    beside = _child("products", os.cpu_count() or 1)
    scaling = beside["rates"][_SCALED] / alone["rates"][_SCALED]
    facts = {**machine.card(), "flags": rates.flags(), "allowed_memory": rates.allowed_memory()}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Card(facts, alone["rates"], alone["references"], scaling, machine.versions(), now, busy)


def _child(what: str, threads: int) -> dict[str, Any]:
    """Measured in a process of its own, for a number of threads is settled when NumPy is imported."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    env = {**os.environ, **dict.fromkeys(names, str(threads))}
    done = subprocess.run(
        [sys.executable, "-m", "plimsoll.card", what], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"The machine could not be measured: {last}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(what: str) -> None:
    if what == "products":
        print(json.dumps({"rates": rates.products()}))
    else:
        print(json.dumps({"rates": rates.rates(), "references": references()}))


def references() -> dict[str, float]:
    """CPU-seconds of a small fit of each recipe of the house: what ties its facts to this machine."""
    found = {}
    for name in catalogue.RECIPES:
        recipe = catalogue.find(name)
        for job, schema, fold in (_table(), _texts()):
            if recipe.refuse(job, schema) is None:
                found[name] = min(_seconds(recipe, job, schema, fold) for _ in range(2))
                break
    return found


def _seconds(recipe: Recipe, job: Job, schema: Schema, fold: Fold) -> float:
    fewer = {"trees": 100} if "trees" in recipe.space.default else {}
    begun = process_time()
    recipe.fit(job, schema, fold, {**recipe.space.default, **fewer}, Clock(20.0))
    return max(process_time() - begun, 1e-6)


def _table() -> tuple[Job, Schema, Fold]:
    """Ten numbers and two categories that decide a class together."""
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {f"n{k}": random.normal(size=_ROWS) for k in range(10)}
    columns |= {f"c{k}": Coded(random.integers(0, 8, _ROWS).astype(np.int32), tuple("abcdefgh")) for k in range(2)}
    target = (columns["n0"] + columns["n1"] * columns["n2"] + random.normal(size=_ROWS) > 0).astype(np.int64)
    listed = tuple(Column(name, Kind.NUMBER if name[0] == "n" else Kind.CATEGORY) for name in columns)
    return Job("y", task=Task.BINARY), Schema(listed, "y", ("no", "yes")), Fold(Rows(_ROWS, columns), target)


def _texts() -> tuple[Job, Schema, Fold]:
    """Short texts of made-up words, with a class that some words give away."""
    random = np.random.default_rng(0)
    words = np.array([f"{a}{b}{c}" for a in "bdklmnrst" for b in "aeiou" for c in ("ng", "rt", "sh", "ll", "mp")])
    drawn = words[random.zipf(1.3, (_TEXTS, _WORDS)) % len(words)]
    target = (drawn == words[3]).any(axis=1).astype(np.int64)
    rows = Rows(_TEXTS, {"text": Coded.of([" ".join(row) for row in drawn])})
    schema = Schema((Column("text", Kind.TEXT),), "y", ("no", "yes"))
    return Job("y", task=Task.BINARY), schema, Fold(rows, target)


if __name__ == "__main__":
    main(sys.argv[1])
