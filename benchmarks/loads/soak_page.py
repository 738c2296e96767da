"""The figures of ``soak.py`` as people read them, and what of them is a fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GROWTH = 0.05  # of the memory when warm; what grows more, and surely, counts as a leak
FILES = 20  # open files more than when warm


def faults(run: Mapping[str, Any]) -> list[str]:
    """What should not have been; nothing where all is well."""
    found = [f"{run['counts']['failed']} requests went wrong"] if run["counts"].get("failed") else []
    kept, memory = run["records"], run["memory"]
    found += [
        f"{kept[name]} decisions {name}"
        for name in kept
        if name.endswith(("not recorded", "not answered")) and kept[name]
    ]
    if not kept:
        found.append("the records do not verify")
    if run["stopped in"] is None or run["exit"] not in (0, -15):
        found.append(f"it did not stop as told: exit code {run['exit']}")
    if run["errors in the log"]:
        found.append(f"{run['errors in the log']} errors in its log")
    if memory["interval"][0] > 0 and memory["ends"] > (1 + GROWTH) * memory["warm"]:
        found.append("its memory grows")
    if memory["files at the end"] > memory["files when warm"] + FILES:
        found.append("it keeps files open")
    return found


def page(record: Mapping[str, Any]) -> str:
    card = record["machine"]
    parts = ["# A server while everything happens to it", *(_run(run) for run in record["runs"])]
    parts.append(
        f"{record['rate']:g} requests a second of eight callers; {card['processor']}, {card['cores']} cores, Python "
        f"{card['python']}. What is done and what is looked at: `benchmarks/soak.py`."
    )
    return "\n\n".join(parts) + "\n"


def _run(run: Mapping[str, Any]) -> str:
    counts, kept, memory = run["counts"], run["records"], run["memory"]
    low, high = memory["interval"]
    wrong = faults(run)
    title = f"## {run['workers']} worker{'s' * (run['workers'] > 1)}, {run['minutes']:g} minutes: "
    rows = [
        ("swaps and rollbacks", f"{counts.get('swap', 0):,} and {counts.get('rollback', 0):,}"),
        *((name, f"{count:,}") for name, count in counts.items() if name not in ("swap", "rollback")),
        *((f"decisions: {name}", f"{count:,}") for name, count in kept.items()),
        ("stopped under load in", "not" if run["stopped in"] is None else f"{run['stopped in']:.1f} s"),
        ("memory (RSS) when warm, at the end", f"{memory['warm'] / 1e6:.1f} MB, {memory['ends'] / 1e6:.1f} MB"),
        (
            "growth a minute, 95 % interval",
            f"{memory['bytes a minute'] / 1e6:.3f} MB ({low / 1e6:.3f} to {high / 1e6:.3f})",
        ),
        ("open files when warm, at the end", f"{memory['files when warm']}, {memory['files at the end']}"),
    ]
    table = "\n".join(["| what | how many |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows)])
    said = [f"Killed at: {', '.join(run['killed at'])}"] if run["killed at"] else []
    listed = "\n".join(f"- {each}" for each in (*wrong, *run["failures"][:10], *said, *run["log"].splitlines()[-10:]))
    return (
        title + ("all as it should be" if not wrong else "faults") + f"\n\n{table}" + (f"\n\n{listed}" if wrong else "")
    )
