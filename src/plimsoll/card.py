"""The machine card: what a machine can do, as a small file that another machine can plan with."""

from __future__ import annotations

import importlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plimsoll import catalogue, devices, energy, logbook, machine, rates, shared_file, units
from plimsoll.devices import Device
from plimsoll.errors import UserError

VERSION = 2
_LARGEST = 1 << 20  # bytes of a card that is read
_LIBRARIES = ("scipy.sparse", "sklearn.linear_model", "lightgbm")  # imported once, before the fits are forked
_PATIENCE = 60.0  # seconds that a measuring process may take
_SAME = ("processor", "cores", "usable_cores", "memory", "allowed_memory")  # facts of a machine that is still the same
# How far a factor between two machines may be off, at least, by how well it is known.
_TWO_SIZES, _ONE_SIZE, _OTHERS, _NOTHING = 1.15, 1.3, 1.6, 4.0


@dataclass(frozen=True)
class Card:
    """What was measured. ``rates`` are works a second; ``references`` are core-seconds of small fits on one core.

    ``scaling``, ``fit_scaling`` and ``abreast`` say what all cores are worth, in times one core: to the same products,
    to one fit with a thread on each, and to as many fits side by side. What was not measured is 0.
    """

    facts: Mapping[str, Any]
    rates: Mapping[str, float]
    references: Mapping[str, float]  # by recipe and rows: "trees_8000"
    scaling: float
    fit_scaling: float
    abreast: float
    devices: tuple[Device, ...]
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
            "fit_scaling": self.fit_scaling,
            "abreast": self.abreast,
            "devices": [device.as_json() for device in self.devices],
            "power": machine.power(),
            "versions": dict(self.versions),
            "measured": self.measured,
            "busy": self.busy,
        }

    @staticmethod
    def from_json(value: Any) -> Card:
        """The card that ``as_json`` wrote; what else stands there is passed over. Raises ValueError in words."""
        if not isinstance(value, dict) or "card" not in value:
            raise ValueError("it is not a machine card")
        if value["card"] != VERSION:
            raise ValueError(f"it is a card of version {repr(value['card'])[:20]}, and {VERSION} is read")
        facts, versions, listed = value.get("facts"), value.get("versions"), value.get("devices", [])
        if not isinstance(facts, dict) or not isinstance(versions, dict):
            raise ValueError("facts and versions are missing")
        if not isinstance(listed, list) or len(listed) > 64:
            raise ValueError("devices is not a list of devices")
        shares = ("scaling", "fit_scaling", "abreast", "busy")
        found = rates.numbers("the card", {name: value.get(name) for name in shares}, least=0.0)
        return Card(
            _facts(facts),
            rates.numbers("rates", value.get("rates")),
            rates.numbers("references", value.get("references")),
            **found,
            devices=tuple(map(devices.from_json, listed)),
            versions={_text(name, 40): _text(version, 80) for name, version in list(versions.items())[:40]},
            measured=_text(value.get("measured", ""), 40),
        )


def _facts(found: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as they were read; those that are counted must be numbers."""
    told: dict[str, Any] = {}
    for name, part in list(found.items())[:40]:
        told[_text(name, 40)] = [_text(each, 80) for each in part[:40]] if isinstance(part, list) else _text(part, 200)
    counted = rates.numbers("facts", {name: found.get(name) for name in _SAME[1:]}, least=0.0)
    return {"processor": "unknown", **told, **{name: int(part) for name, part in counted.items()}}


def _text(value: Any, most: int) -> str:
    """So much of it as can be shown."""
    return "".join(letter for letter in str(value)[:most] if letter.isprintable())


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


def _place() -> Path | None:
    """Beside the trials of this user's runs."""
    trials = logbook.place()
    return trials and trials.with_name("card.json")


def keep(card: Card) -> Path | None:
    """Puts this machine's card where runs look for it; None where nothing is kept or can be."""
    place = _place()
    try:
        if place is not None:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shared_file.replace(place, json.dumps(card.as_json(), indent=1).encode())
    except OSError:
        return None  # it is measured again when it is asked for
    return place


def stored() -> Card | None:
    """This machine's card as it was kept; None where there is none, or the machine or a library has changed since."""
    place = _place()
    try:
        card = read(place) if place is not None else None
    except UserError:
        return None
    now = _here()
    same = card is not None and all(card.facts.get(name) == now[name] for name in _SAME)
    return card if card is not None and same and card.versions == machine.versions() else None


def here(say: Callable[[str], None] = lambda _: None) -> Card:
    """This machine's card: the one that was kept, or one that is measured now, and kept.

    One that was taken beside other work is taken again as soon as that is over.
    """
    card = stored()
    if card is None or (card.busy > machine.BUSY and (machine.others_busy(0.1) or 0.0) <= machine.BUSY):
        card = measure(say)
        keep(card)
    return card


def _here() -> dict[str, Any]:
    usable = {"usable_cores": machine.cores(), "allowed_memory": machine.allowed_memory()}
    return {**machine.card(), **usable, "flags": machine.flags(), "energy": energy.found()[1]}


def measure(say: Callable[[str], None] = lambda _: None) -> Card:
    """This machine's card, in less than ten seconds and a few more for each device. Raises UserError where a child process cannot be started."""
    busy = machine.others_busy(0.3) or 0.0
    say("memory, products, gathers and calls, on one core")
    alone = _child("rates", 1)
    say("products, on all cores")
    scaling = _child("products", machine.cores())[rates.SHARED] / alone[rates.SHARED]
    say("small fits, on one core and on all")
    found = _child("fits", 1, *rates.SIZES)
    say("devices")
    return _card(alone, found, scaling, tuple(map(devices.card, devices.found())), busy)


def quick() -> Card:
    """This machine's card with nothing but the smallest fits, in about two seconds. Raises UserError as ``measure``."""
    return _card({}, _child("fits", 1, min(rates.SIZES)), 0.0, devices.found(), machine.others_busy(0.1) or 0.0)


def _card(rated: Mapping[str, float], fits: Mapping[str, Any], scaling: float, found: Any, busy: float) -> Card:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Card(
        _here(), rated, **fits, scaling=scaling, devices=found, versions=machine.versions(), measured=now, busy=busy
    )


def _child(what: str, threads: int, *sizes: int) -> dict[str, Any]:
    """Measured in a process of its own, for a number of threads is settled when NumPy is imported."""
    env = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "plimsoll.card", what, *map(str, sizes)]
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(f"The machine could not be measured: {what} took more than {_PATIENCE:.0f} s.") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"The machine could not be measured: {last}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(what: str, sizes: Collection[int]) -> None:
    if what == "fits":
        for name in _LIBRARIES:
            importlib.import_module(name)
        recipes = {name: catalogue.find(name) for name in catalogue.RECIPES}
        print(json.dumps(rates.fits(recipes, sizes)))
    elif what == "products":
        print(json.dumps({rates.SHARED: rates.product("float32", 1_536)}))
    else:
        machine.pin(machine.core_numbers()[-1:])
        print(json.dumps(rates.rates()))


def ratio(
    here: Card, there: Card, recipes: Iterable[str] = tuple(catalogue.RECIPES)
) -> dict[str, tuple[float, float, float]]:
    """How many times longer core-seconds take ``there`` than ``here``, as (low, middle, high) by recipe.

    ``p50`` is the same for answers of one row. A recipe that the cards have no fit of in common takes the factor of the
    others, with a wider interval; cards with nothing in common say no more than that it is within a factor of four.
    """
    logs: dict[str, dict[str, float]] = {}
    for name in sorted(here.references.keys() & there.references.keys()):
        log = math.log(there.references[name]) - math.log(here.references[name])
        logs.setdefault(name.rpartition("_")[0], {})[name] = log
    # A fit may be as much larger than the larger reference as that is than the smaller: hence twice the spread.
    found = {name: rates.ratio(each, _TWO_SIZES if len(each) > 1 else _ONE_SIZE, 2.0) for name, each in logs.items()}
    calls = [name for name in ("python", "dispatch") if name in here.rates and name in there.rates]
    if calls:
        logs["p50"] = {name: math.log(here.rates[name]) - math.log(there.rates[name]) for name in calls}
        found["p50"] = rates.ratio(logs["p50"], _TWO_SIZES if len(calls) > 1 else _ONE_SIZE)
    others = {f"{name} {end}": math.log(part) for name, parts in found.items() for end, part in enumerate(parts)}
    pooled = rates.ratio(others, _OTHERS) if others else (1.0 / _NOTHING, 1.0, _NOTHING)
    return {name: found.get(name, pooled) for name in (*recipes, *found, "p50")}


def lines(card: Card) -> list[str]:
    """The card as a person reads it."""
    facts, found = card.facts, card.rates
    rows = {
        "instructions": " ".join(facts.get("flags", ())),
        **{row: _shown(found, parts) for row, parts in _SHOWN.items()},
        "calls": ", ".join(f"{1e9 / found[name]:.0f} ns in {where}" for name, where in _CALLS if name in found),
        "all cores": _all_cores(card),
        "small fits": ", ".join(f"{name} {units.show(took, units.TIME)}" for name, took in card.references.items()),
        "a core": "{} to {} W; a kWh {:.0f} to {:.0f} g CO2, both assumed".format(
            *machine.WATTS_PER_CORE, *machine.GRAMS_PER_KWH
        ),
        "joules": facts.get("energy", ""),
    }
    head = f"{facts['processor']}, {facts['usable_cores']} cores, {units.show(facts['allowed_memory'], units.BYTES)}"
    told = [head, *(f"{name:<13} {text}" for name, text in rows.items() if text)]
    told += [f"device        {device}" for device in card.devices]
    if card.busy > machine.BUSY:
        told.append(f"Others used {100 * card.busy:.0f} % of the cores meanwhile: measure again when they are idle.")
    return told


def _shown(found: Mapping[str, float], parts: Iterable[tuple[str, float, str]]) -> str:
    return ", ".join(f"{found[name] / per:.3g} {unit}" for name, per, unit in parts if name in found)


def _all_cores(card: Card) -> str:
    parts = ((card.scaling, "to products"), (card.fit_scaling, "to one fit"), (card.abreast, "to fits side by side"))
    return ", ".join(f"{times:.2f} times one core {where}" for times, where in parts if times > 0)


_SHOWN = {
    "memory": tuple((f"triad_{place}", 1e9, f"GB/s in {place}") for place in ("l2", "last", "ram")),
    "products": ((rates.SHARED, 1e9, "Gflop/s single"), ("gemm_float64_1536", 1e9, "Gflop/s double")),
    "irregular": (("gather", 1e6, "M gathers/s"), ("branch", 1e6, "M searches/s"), ("sort", 1e6, "M sorted/s")),
    "processes": (("start_s", 1.0, "s to start one with NumPy"), ("disk", 1e9, "GB/s to the disk")),
}
_CALLS = (("python", "Python"), ("dispatch", "NumPy"))


if __name__ == "__main__":
    main(sys.argv[1], [int(size) for size in sys.argv[2:]])
