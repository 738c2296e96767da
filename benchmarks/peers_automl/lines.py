"""The lines of a comparison: each is one contender on one set in one window, appended as it ends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from peers_automl.compare import Result, least, loss
from peers_automl.sets import SETS
from peers_automl.systems import SYSTEMS

from plimsoll import machine

Line = dict[str, Any]
Key = tuple[str, float, str, int]


def key(line: Line) -> Key:
    """What a line is of; of two alike, the later one counts."""
    return line["set"], line["seconds"], line["contender"], line["seed"]


def read(file: Path) -> list[Line]:
    """The lines so far; one that was cut off as it was written is left out, and will be run again."""
    found = {}
    for text in file.read_text().splitlines() if file.exists() else []:
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        found[key(line)] = line
    return list(found.values())


def add(file: Path, line: Line) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = file.read_text() if file.exists() else ""
    torn = "\n" if whole and not whole.endswith("\n") else ""  # a line that was cut off spoils no other
    with file.open("a", encoding="utf-8") as out:
        out.write(f"{torn}{json.dumps(line, ensure_ascii=False)}\n")


def check(file: Path, found: Iterable[Line]) -> None:
    """Lines of another machine, or of another number of its cores, are not mixed with ours."""
    card, cores = machine.card(), machine.cores()
    for line in found:
        same = all(line["machine"][name] == card[name] for name in ("processor", "platform", "python"))
        if not same or line["cores"] != cores:
            there = f"{line['cores']} cores of an {line['machine']['processor']}, Python {line['machine']['python']}"
            raise SystemExit(f"{file} was measured on {there}; here it is another. Name another file: --out FILE.")


def entered(found: Sequence[Line]) -> list[Line]:
    """The lines of one window that can be compared: where every contender of the window has one for the set and seed."""
    contenders = {line["contender"] for line in found}
    there: dict[tuple[str, int], set[str]] = {}
    for line in found:
        there.setdefault((line["set"], line["seed"]), set()).add(line["contender"])
    return [line for line in found if there[line["set"], line["seed"]] == contenders]


def results(found: Iterable[Line]) -> list[Result]:
    """Lines as results. What failed has the loss of a constant answer; what a contender is not for is no result."""
    made = []
    for line in found:
        if line["status"] == "not for it":
            continue
        metric, failed = line["metric"], line["status"] != "measured"
        value = loss(metric, line["constant"] if failed else line["score"])
        floor = least(metric, line["rows"][1])
        made.append(Result(line["set"], line["contender"], value, line["seed"], failed, floor))
    return made


def windows(found: Sequence[Line]) -> dict[float, list[Line]]:
    """The lines of each window, in the order of the sets."""
    order = list(SETS)
    ordered = sorted(found, key=lambda line: order.index(line["set"]))
    return {
        each: [line for line in ordered if line["seconds"] == each] for each in sorted({x["seconds"] for x in found})
    }


def contenders(found: Iterable[Line]) -> list[str]:
    """Their names, Plimsoll first."""
    there = {line["contender"] for line in found}
    return [name for name in SYSTEMS if name in there]
